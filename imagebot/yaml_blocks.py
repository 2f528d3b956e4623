"""YAML inside YAML or JSON: read the text of a scalar, and go back to the file's bytes.

Pure. A literal scalar (`|`) keeps its lines, so each character of its text has one place in the
file: the same line, behind the indentation. Folded and quoted scalars keep all but blanks, line
breaks and escapes, which is enough for JSON in them. Whether a text is worth reading is not known
here: see formats/embedded.py.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from imagebot.yaml_nodes import Document, Reading, Scalar
from imagebot.yaml_spans import compose

MAX_FLOW_LENGTH = 100_000  # characters of a text that is not literal
_ESCAPES = {
    "'": re.compile(r"''"),
    '"': re.compile(
        # JSON writes what is beyond U+FFFF as two escapes.
        r"\\(?:u([Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})"
        r"|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U(000[0-9A-Fa-f]{5}|0010[0-9A-Fa-f]{4})|[\s\S])"
    ),
}
_BLANK_ESCAPES = frozenset({"\\n", "\\t", "\\r", "\\ ", "\\\n", "\\\r"})
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
    bounds = _bounds(source, document, scalar)
    lines = _lines(source, *bounds, scalar.text) if bounds else None
    if bounds is None or lines is None:
        return None
    characters = _BlockCharacters(scalar.text, *lines)
    reading = compose(scalar.text.encode(), characters, nodes_left)
    return Block(*bounds, reading)


def block_lines(
    source: bytes, document: Document, scalar: Scalar
) -> list[tuple[bytes, int]] | None:
    """The lines of a literal scalar, and the bytes they begin at in the file; None as above."""
    bounds = _bounds(source, document, scalar)
    lines = _lines(source, *bounds, scalar.text) if bounds else None
    if lines is None:
        return None
    texts = scalar.text.encode().split(b"\n")
    return list(zip(texts, lines[1], strict=True))


def _bounds(source: bytes, document: Document, scalar: Scalar) -> tuple[int, int] | None:
    """Where the lines of a literal scalar begin and end in the file; None for another scalar."""
    begin = document.byte_offset(scalar.start)
    end = document.byte_offset(scalar.end)
    header = source.find(b"|", begin, end)
    first = _LINE.match(source, header, end) if header >= 0 else None
    return (first.end(), end) if first is not None and scalar.style == "|" else None


class _OtherCharacters:
    """The same for a folded, quoted or plain scalar. Blanks have no place of their own."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, starts: list[int], ends: list[int]) -> None:
        self._starts = starts  # of each character that is no blank; of a blank the end before it
        self._ends = ends

    def byte_offset(self, character: int) -> int:
        if character < len(self._starts):
            return self._starts[character]
        return self._ends[-1] if self._ends else 0


def read_flow(source: bytes, document: Document, scalar: Scalar, nodes_left: int) -> Block | None:
    """Read YAML that stands in a folded or quoted scalar, JSON above all.

    Escaped characters begin at their backslash, so that a value with one in it is not taken for
    what is literally written. None where text and bytes cannot be laid side by side.
    """
    placed = _placed(source, document, scalar)
    if placed is None:
        return None
    begin, end, starts, ends = placed
    reading = compose(scalar.text.encode(), _OtherCharacters(starts, ends), nodes_left)
    return Block(begin, end, reading)


def piece_bounds(
    source: bytes, document: Document, scalar: Scalar, first: int, last: int
) -> tuple[int, int] | None:
    """Where characters of a scalar's text, from `first` up to `last`, literally stand in the file.

    None where they do not, or where that cannot be told.
    """
    placed = _placed(source, document, scalar) if first < last else None
    if placed is None:
        return None
    _, _, starts, ends = placed
    bounds = starts[first], ends[last - 1]
    is_literal = source[slice(*bounds)] == scalar.text[first:last].encode()
    return bounds if is_literal else None


def _placed(
    source: bytes, document: Document, scalar: Scalar
) -> tuple[int, int, list[int], list[int]] | None:
    """Where a scalar's text begins and ends in the file, and so each of its characters."""
    if len(scalar.text) > MAX_FLOW_LENGTH:
        return None
    begin = document.byte_offset(scalar.start)
    end = document.byte_offset(scalar.end)
    if scalar.style in ("|", ">"):
        header = _LINE.match(source, begin, end)
        begin = header.end() if header else end
    elif scalar.style:
        begin, end = source.find(scalar.style.encode(), begin, end) + 1, end - 1
    places = _places(source[begin:end].decode(errors="replace"), scalar)
    if places is None:
        return None
    starts, ends = ([begin + at for at in each] for each in places)
    return begin, end, starts, ends


def _places(written: str, scalar: Scalar) -> tuple[list[int], list[int]] | None:
    """Where each character of a scalar's text begins and ends in bytes of what is written."""
    starts: list[int] = []
    ends: list[int] = []
    pieces = _written_characters(written, scalar.style)
    end = 0
    for character in scalar.text:
        begin = end
        if not character.isspace():
            found, begin, end = next(pieces, ("", 0, 0))
            if found != character:
                return None
        starts.append(begin)
        ends.append(end)
    return starts, ends


def _written_characters(written: str, style: str) -> Iterator[tuple[str, int, int]]:
    """Each character that is no blank, and the bytes that it begins and ends at."""
    escape = _ESCAPES.get(style)
    index = at = 0
    while index < len(written):
        found = escape.match(written, index) if escape else None
        piece = found[0] if found else written[index]
        size = len(piece.encode())
        digits = "".join(found.groups("")) if found else ""
        character = _character(digits) if digits else piece[-1]
        if not character.isspace() and piece not in _BLANK_ESCAPES:
            yield character, at, at + size
        index += len(piece)
        at += size


def _character(digits: str) -> str:
    """What the digits of an escape mean, or those of two that are one character together."""
    high, _, low = digits.partition("\\u")
    return bytes.fromhex(high + low).decode("utf-16-be") if low else chr(int(high, 16))


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
