"""Markdown that imagebot wrote itself, as a type, so that nothing else is taken for it.

Pure. A template shows a `Markdown` as it is and escapes every other value. It is no `str`: whatever
a template does with it (join, replace, upper) gives plain text, which is escaped again.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from imagebot.texts import code_span, disarmed, one_line, prose

MAX_LINK_LENGTH = 600


class Markdown:
    """Text that may stand in a body as it is."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Markdown) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


NOTHING = Markdown("")


def code(text: object) -> Markdown:
    """A code span."""
    return Markdown(code_span(str(text)))


def cell(text: object) -> Markdown:
    """A code span in a table, nothing for no text."""
    return Markdown(code_span(str(text), in_table=True)) if str(text) else NOTHING


def cells(texts: Iterable[object]) -> Markdown:
    """Lines of a table's cell. `<br>` is the one tag in our tables; Bitbucket gets commas."""
    return Markdown("<br>".join(str(cell(text)) for text in texts))


def link(text: str, url: str) -> Markdown:
    """A link of ours; a code span alone where the address is not plain https."""
    shown = code_span(text)
    parts = urlsplit(url)
    is_ours = parts.scheme == "https" and parts.hostname and len(url) <= MAX_LINK_LENGTH
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(" <>()[]\\\"'`@|")
    return Markdown(f"[{shown}]({url})" if is_ours and is_plain else shown)


def plain(text: object, limit: int = 200) -> Markdown:
    return Markdown(prose(str(text), limit))


def fenced(lines: Iterable[str], language: str = "") -> Markdown:
    """A code block whose fence is longer than any run of backticks in it. Lines are bounded."""
    shown = [disarmed(one_line_as_is(line)) for line in lines]
    longest = max((len(run) for line in shown for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown("\n".join([f"{fence}{language}", *shown, fence]))


def one_line_as_is(line: str) -> str:
    """Bounded, without control characters, but with the white space at its start."""
    start = line[: len(line) - len(line.lstrip(" "))][:100]
    return start + one_line(line)
