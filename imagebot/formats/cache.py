"""Occurrences and problems as compact JSON, so that a blob is parsed once in its life.

Pure. The file's path is not part of it: the same blob at two paths of the same class has one
entry. A blob that holds nothing, as most do, has an empty payload.
"""

import json
from typing import Any

from imagebot.image import Digest, parse
from imagebot.model import Marker, Occurrence, Part, Problem, Slot, Span, Style

_PARTS = {part.value: part for part in Part}  # a look-up costs a fifth of calling the enum
_STYLES = {style.value: style for style in Style}


def dump(occurrences: tuple[Occurrence, ...], problems: tuple[Problem, ...]) -> bytes:
    if not occurrences and not problems:
        return b""
    content = [[_row(item) for item in occurrences], [_problem_row(item) for item in problems]]
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def load(file: str, payload: bytes) -> tuple[tuple[Occurrence, ...], tuple[Problem, ...]]:
    """Undo `dump` for a file. The payload must come from the same EXTRACTOR_VERSION."""
    if not payload:
        return (), ()
    rows, problem_rows = json.loads(payload.decode())
    problems = tuple(Problem(file, *row) for row in problem_rows)
    return tuple(_occurrence(file, row) for row in rows), problems


def _row(item: Occurrence) -> list[Any]:
    marker = item.marker
    return [
        item.line,
        item.column,
        item.address,
        item.format,
        [_slot_row(slot) for slot in item.slots],
        item.reference.written if item.reference else None,
        item.tag,
        item.digest.text if item.digest else None,
        [marker.policy, marker.part.value, marker.line] if marker else None,
        item.aliases,
    ]


def _slot_row(slot: Slot) -> list[Any]:
    # The written bytes are the text, or nothing: see sighting.slot_for.
    span = slot.span
    return [slot.part.value, span.start, span.end, slot.style.value, slot.text, slot.in_flow]


def _problem_row(item: Problem) -> list[Any]:
    return [
        item.line,
        item.column,
        item.message,
        item.hint,
        item.address,
        item.is_warning,
    ]


def _occurrence(file: str, row: list[Any]) -> Occurrence:
    line, column, address, format_name, slots, written, tag, digest_text, marker, alias = row
    return Occurrence(
        file,
        line,
        column,
        address,
        format_name,
        tuple([_slot(*slot) for slot in slots]),
        parse(written) if written is not None else None,
        tag,
        Digest(digest_text) if digest_text else None,
        Marker(marker[0], _PARTS[marker[1]], marker[2]) if marker else None,
        tuple(alias),
    )


def _slot(part: str, start: int, end: int, style: str, text: str, in_flow: bool) -> Slot:
    return Slot(_PARTS[part], Span(start, end, text.encode()), _STYLES[style], text, in_flow)
