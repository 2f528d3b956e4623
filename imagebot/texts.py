"""Text from outside, made safe to show in Markdown, commit messages and titles.

Pure. Tags, labels, paths and reasons come from people and machines we do not trust: nothing
of theirs may become a link, an image, a mention, a closing keyword or HTML. Everything goes
into code spans, which neither GitHub nor GitLab interprets.
"""

import re

MAX_SHOWN_LENGTH = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def one_line(text: str, limit: int = MAX_SHOWN_LENGTH) -> str:
    """Without control and direction characters, at most `limit` characters long."""
    clean = _CONTROL.sub(" ", text).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def code_span(text: str, *, in_table: bool = False) -> str:
    """A code span whose fence is longer than any run of backticks in it (CommonMark 6.1)."""
    clean = one_line(text) or " "
    longest = max((len(run) for run in re.findall(r"`+", clean)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if clean.startswith("`") or clean.endswith("`") else ""
    if in_table:  # GFM tables: a pipe splits cells even inside a code span
        clean = clean.replace("\\", "\\\\").replace("|", "\\|") if "|" in clean else clean
    return f"{fence}{pad}{clean}{pad}{fence}"
