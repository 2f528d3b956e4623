"""Bodies that fit: whole parts go, those that a reader misses least first.

Pure. Each part of a body starts with a mark, an HTML comment on a line of its own, and reaches to
the next mark or the record. What stands before the first mark is the table. It stays, if need be
with fewer rows. The record is never cut by its characters, only shortened as records.py can.
"""

import re

from imagebot import records

ROOM_FOR_ROWS = 600  # characters for the first rows, beside a record that needs all else
DROPPED_FIRST = ("notes", "content", "diff", "changes", "why", "problems", "skip")
_MARK = re.compile(r"(?m)^<!-- imagebot:part ([a-z-]{1,40}) -->\n?")
_NAMES = {"notes": "release notes", "content": "content difference", "diff": "diff",
          "changes": "links to what changed", "why": "reasons",
          "problems": "what could not be read or written", "skip": "commands"}  # fmt: skip


def fitted(body_text: str, max_characters: int) -> str:
    """The same body, shortened where a forge takes less.

    It stays longer only where the record alone is: a forge then refuses it, with nothing lost.
    """
    if len(body_text) <= max_characters:
        return body_text
    text, record, _ = records.apart(body_text)
    if len(record) > max_characters // 4:
        record = records.in_marks(record)
    record = records.cut(record, max_characters - ROOM_FOR_ROWS)
    head, parts = _parts(text)
    dropped: list[str] = []
    for name in _order(parts):
        dropped.append(name)
        kept = [part for part in parts if part[0] not in dropped]
        shorter = _joined(head, kept, dropped, record)
        if len(shorter) <= max_characters:
            return shorter
    return _cut(head, record, max_characters)


def tidied(text: str) -> str:
    """Without parts that hold nothing, and without runs of empty lines."""
    head, parts = _parts(text)
    kept = [part.strip() for _, part in parts if _MARK.sub("", part).strip()]
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join([head.strip(), *kept])).strip()


def legible(text: str) -> str:
    """As a person reads a body where it is printed: without the marks and the record."""
    while True:
        before, record, after = records.apart(text)
        if not record:
            return tidied(_MARK.sub("", text))
        text = before + after


def _parts(text: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first mark, and each part by its name, its mark included."""
    marks = list(_MARK.finditer(text))
    starts = [mark.start() for mark in marks]
    ends = [*starts, len(text)][1:]
    parts = [(mark[1], text[mark.start() : end]) for mark, end in zip(marks, ends, strict=True)]
    return text[: starts[0]] if starts else text, parts


def _order(parts: list[tuple[str, str]]) -> list[str]:
    """Names in the order in which they go; a template's own parts from the last to the first."""
    there = list(dict.fromkeys(name for name, _ in parts))
    known = [name for name in DROPPED_FIRST if name in there]
    return [name for name in reversed(there) if name not in known] + known


def _joined(head: str, parts: list[tuple[str, str]], dropped: list[str], record: str) -> str:
    pieces = [head.rstrip(), *(text.rstrip() for _, text in parts), _left_out(dropped), record]
    return "\n\n".join(piece for piece in pieces if piece) + "\n"


def _left_out(dropped: list[str]) -> str:
    names = ", ".join(_NAMES.get(name, name) for name in dropped)
    return f"(Left out, since this forge takes no longer text: {names}.)" if names else ""


def _cut(head: str, record: str, max_characters: int) -> str:
    """The table's first rows."""
    room = max(0, max_characters - len(record) - len("\n\n(shortened)\n\n\n"))
    kept = head.rstrip() if len(head.rstrip()) <= room else head[:room].rpartition("\n")[0]
    return f"{kept}\n\n(shortened)\n\n"[: max(0, max_characters - len(record) - 1)] + f"{record}\n"
