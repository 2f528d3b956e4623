"""Text from outside, made safe to show in Markdown, commit messages and titles.

Pure. Tags, labels, paths and reasons come from people and machines we do not trust: nothing
of theirs may become a link, an image, a mention, a reference, a closing keyword or HTML. Names go
into code spans, prose is escaped. A space without width breaks what forges find in plain text
whatever the markup around it says: GitLab looks for closing keywords even in code and in HTML
comments.
"""

import re

MAX_SHOWN_LENGTH = 200
MAX_NAME_LENGTH = 5_000  # of a path, whose end tells more than its beginning
_BREAKS = re.compile(r"[\t\r\n]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
BREAK = "\u200b"  # zero width space: shown as nothing, ends what a forge would recognise
_CLOSING = re.compile(r"(?i)clos(?:e|ing)|fix|resolv|implement|complet")
_NUMBERED = re.compile(r"([#!])(?=\d)")
_ADDRESS = re.compile(r"(?<=:)(?=//)")
_ISSUE_KEY = re.compile(r"\b([A-Za-z][A-Za-z0-9_]+-)(?=\d)")  # PROJ-1, GH-1
_NAMING = re.compile(r"(?<=[@#!$%~&^])(?=[\w\"'{\[<*-])|(?i:(?<=www)(?=\.))|(?<=:)(?=//)")
_TYPED = re.compile(r"([\[*]\w+:)(?=[\w\"])")  # GitLab's [issue:1] and *iteration:1
# Forges link what may begin the id of a commit; a date is let be, which they might only by chance.
_COMMIT = re.compile(r"\b(?:(?=\d*[A-Fa-f])[0-9A-Fa-f]{7,64}|[0-9]{64}|[0-9]{40})\b", re.ASCII)
_SPECIAL = re.compile(r"[\\`*_\[\]|~$^]|^[#+\-=:/!]")  # GitLab acts on /approve, /close
_NUMBER = re.compile(r"^(\d{1,9})(?=[.)](?:\s|$))")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def one_line(text: str, limit: int = MAX_SHOWN_LENGTH) -> str:
    """Without control and direction characters, at most `limit` characters long."""
    return _cut(_CONTROL.sub(" ", text).strip(), limit)


def visible(name: str, limit: int = MAX_NAME_LENGTH) -> str:
    """A name as a terminal may show it: what cannot be seen is an escape, as in `a\\u200b.yaml`.

    So two names that differ look different, and no sequence of control characters gets through.
    """
    return _cut("".join(map(_visible_character, name)), limit)


def visible_prose(text: str, limit: int = MAX_NAME_LENGTH) -> str:
    """The same for a sentence, in which line breaks are blanks."""
    return visible(_BREAKS.sub(" ", text).strip(), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _visible_character(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()


def code_span(text: str, *, in_table: bool = False) -> str:
    """A code span whose fence is longer than any run of backticks in it (CommonMark 6.1)."""
    clean = disarmed(one_line(text)) or " "
    longest = max((len(run) for run in re.findall(r"`+", clean)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if clean.startswith("`") or clean.endswith("`") else ""
    if in_table:  # GFM tables: a pipe splits cells even inside a code span
        clean = clean.replace("\\", "\\\\").replace("|", "\\|") if "|" in clean else clean
    return f"{fence}{pad}{clean}{pad}{fence}"


def disarmed(text: str) -> str:
    """The same to the eye, but closing nothing: `Fixes #1`, `Closes !1`, `AB#1`, `Fixed PROJ-1`.

    For what stays as it is otherwise: code, and messages of commits.
    """
    broken = _NUMBERED.sub(rf"\1{BREAK}", text)
    return _pointless(broken) if _CLOSING.search(broken) else broken


def unmentioning(text: str) -> str:
    """For plain text that no markup protects, such as a title: it mentions and links nothing."""
    return _NAMING.sub(BREAK, disarmed(text))


def prose(text: str, limit: int = MAX_SHOWN_LENGTH) -> str:
    """One line of Markdown that shows just this text: nothing in it is markup, link or mention."""
    clean = _unreferring(_pointless(unmentioning(one_line(text, limit))))
    escaped = _NUMBER.sub(r"\1\\", _SPECIAL.sub(r"\\\g<0>", clean))
    return re.sub("[&<>]", lambda found: _HTML[found[0]], escaped)


def _unreferring(text: str) -> str:
    """With the ids of commits in pieces too short for any."""
    typed = _TYPED.sub(rf"\1{BREAK}", text)
    return _COMMIT.sub(lambda found: BREAK.join(re.findall(r".{1,6}", found[0])), typed)


def _pointless(text: str) -> str:
    return _ISSUE_KEY.sub(rf"\1{BREAK}", _ADDRESS.sub(BREAK, text))
