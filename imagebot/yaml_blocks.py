"""YAML inside YAML: read the text of a literal block scalar, and go back to the file's bytes.

Pure. A literal scalar (`|`) keeps its lines, so each character of its text has one place in the
file: the same line, behind the indentation. Folded and quoted scalars have no such places and are
not read. Whether a text is worth reading is not known here: see formats/embedded.py.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

from imagebot.yaml_spans import Document, Reading, Scalar, compose

_LINE = re.compile(rb"([^\r\n]*)(\r\n?|\n|\Z)")


@dataclass(frozen=True, slots=True)
class Block:
    """What a block scalar holds. `start` and `end` bound its lines in the file."""

    start: int
    end: int
    reading: Reading


class _BlockCharacters:
    """Turns character offsets of a block scalar's text into byte offsets of the file."""

    __slots__ = ("_in_file", "_in_text", "_text")

    def __init__(self, text: str, in_text: list[int], in_file: list[int]) -> None:
        self._text = text
        self._in_text = in_text  # where each line begins
        self._in_file = in_file

    def byte_offset(self, character: int) -> int:
        line = bisect_right(self._in_text, character) - 1
        before = self._text[self._in_text[line] : character]
        return self._in_file[line] + len(before.encode())


def read_block(source: bytes, document: Document, scalar: Scalar, nodes_left: int) -> Block | None:
    """Read the text of a literal scalar as YAML; None where its lines cannot be told apart."""
    begin = document.byte_offset(scalar.start)
    end = document.byte_offset(scalar.end)
    header = source.find(b"|", begin, end)
    first = _LINE.match(source, header, end) if header >= 0 else None
    if first is None or scalar.style != "|":
        return None
    lines = _lines(source, first.end(), end, scalar.text)
    if lines is None:
        return None
    characters = _BlockCharacters(scalar.text, *lines)
    reading = compose(scalar.text.encode(), characters, nodes_left)
    return Block(first.end(), end, reading)


def _lines(source: bytes, begin: int, end: int, text: str) -> tuple[list[int], list[int]] | None:
    """Where each line begins in the text and in the file, None where the two do not agree."""
    in_text, in_file = [], []
    at_text, at_file = 0, begin
    indentation = -1
    for line in text.split("\n"):
        found = _LINE.match(source, at_file, end)
        if found is None:
            return None
        written, value = found[1], line.encode()
        width = len(written) - len(value)
        if not written.endswith(value) or written[: max(0, width)].strip(b" "):
            return None
        if value:
            if indentation not in (-1, width):
                return None
            indentation = width
        in_text.append(at_text)
        in_file.append(at_file + width)
        at_text += len(line) + 1
        at_file = found.end()
    return in_text, in_file
