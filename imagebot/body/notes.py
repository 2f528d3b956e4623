"""Release notes from outside, as quoted Markdown of ours: the words stay, the markup goes.

Pure. Headings become bold, lists stay lists; HTML, images and links lose all but their text, and
what is left is escaped. Bounded in lines and length; no pattern takes time by the square of a text.
"""

import re

from imagebot.body.markdown import Markdown, plain

MAX_LINES = 40
MAX_LINE_LENGTH = 300
_MAX_TEXT = 20_000  # characters that are looked at
_COMMENT = re.compile(r"<!--.{0,2000}?-->", re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,1000}>")
_IMAGE = re.compile(r"!\[([^\[\]]{0,300})\](?:\([^()]{0,1000}\)|\[[^\[\]]{0,300}\])")
_LINK = re.compile(r"\[([^\[\]]{1,300})\](?:\([^()]{0,1000}\)|\[[^\[\]]{0,300}\])")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_ITEM = re.compile(r"([ \t]{0,12})(?:[-*+]|\d{1,9}[.)])\s+(.*)")
_RULE = re.compile(r"\s*(?:[-=_*]\s*){3,}|\s*(?:`{3,}|~{3,}).*")


def quoted(text: str, max_lines: int = MAX_LINES) -> Markdown:
    """A block quote; nothing where there is no text."""
    shown: list[str] = []
    for line in _without_markup(text[:_MAX_TEXT]).splitlines():
        said = _line(line)
        if said or (shown and shown[-1]):
            shown.append(said)
    while shown and not shown[-1]:
        shown.pop()
    left_out = len(shown) - max_lines
    if left_out > 0:
        shown = [*shown[:max_lines], "", f"({left_out} more lines)"]
    return Markdown("\n".join(f"> {line}".rstrip() for line in shown))


def _without_markup(text: str) -> str:
    text = _TAG.sub("", _COMMENT.sub("", text))
    return _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))


def _line(line: str) -> str:
    """One line. A list's item keeps its depth; what would be a rule or a fence goes."""
    if _RULE.fullmatch(line):
        return ""
    heading = _HEADING.fullmatch(line.strip())
    if heading:
        words = _escaped(heading[1].rstrip("#"))
        return f"**{words}**" if words else ""
    item = _ITEM.fullmatch(line)
    if item:
        depth = min(len(item[1].expandtabs(4)) // 2, 3)
        return f"{'  ' * depth}- {_escaped(item[2])}".rstrip()
    return _escaped(line)


def _escaped(words: str) -> str:
    bare = re.sub(r"[*_`]{1,3}", "", words).strip()
    return str(plain(bare, MAX_LINE_LENGTH)) if bare else ""
