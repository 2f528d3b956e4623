"""Occurrences and problems as compact JSON, so that a blob is parsed once in its life.

Pure. The file's path is not part of it: the same blob at two paths of the same class has one
entry. A blob that holds nothing, as most do, has an empty payload.
"""

import json
from typing import Any

from imagebot.image import Digest, parse
from imagebot.model import (
    ChartSource,
    Found,
    ImagesEntry,
    Kustomization,
    Marker,
    Occurrence,
    Part,
    Problem,
    Slot,
    SourcedChart,
    SourceName,
    Span,
    Style,
)

_PARTS = {part.value: part for part in Part}  # a look-up costs a fifth of calling the enum
_STYLES = {style.value: style for style in Style}


def dump(found: Found) -> bytes:
    if not any(found):
        return b""
    content: list[list[Any]] = [
        [_row(item) for item in found.occurrences],
        [_problem_row(item) for item in found.problems],
    ]
    if any(found[2:]):
        sources = found.chart_sources
        content.append([[item.name.namespace, item.name.name, item.url] for item in sources])
        content.append([[each.resources, each.entries] for each in found.kustomizations])
    if found.is_ignored:
        content.append([])
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def load(file: str, payload: bytes) -> Found:
    """Undo `dump` for a file. The payload must come from the same EXTRACTOR_VERSION."""
    if not payload:
        return Found()
    rows, problem_rows, *rest = json.loads(payload)
    return Found(
        tuple([_occurrence(file, *row) for row in rows]),
        tuple([Problem(file, *row) for row in problem_rows]) if problem_rows else (),
        tuple([_source(*row) for row in rest[0]]) if rest else (),
        tuple([_kustomization(file, *row) for row in rest[1]]) if rest else (),
        len(rest) > 2,
    )


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
        _marker_row(marker) if marker else None,
        item.aliases,
        [_marker_row(each) for each in item.other_markers],
        *_rare(item),
    ]


def _rare(item: Occurrence) -> list[Any]:
    """What few have: where a chart comes from, and whose field it is."""
    if not (item.sourced or item.field_of):
        return []
    return [_sourced_row(item.sourced) if item.sourced else None, item.field_of]


def _marker_row(marker: Marker) -> list[Any]:
    rest = [True] if marker.is_sentence else []
    return [marker.policy, marker.part.value, marker.line, *rest]


def _sourced_row(item: SourcedChart) -> list[str]:
    return [item.chart, item.source.namespace, item.source.name]


def _slot_row(slot: Slot) -> list[Any]:
    # The written bytes are the text, or nothing: see sighting.slot_for.
    span = slot.span
    row = [slot.part.value, span.start, span.end, slot.style.value, slot.text, slot.in_flow]
    return [*row, slot.before, slot.after] if slot.before or slot.after else row


def _problem_row(item: Problem) -> list[Any]:
    return [
        item.line,
        item.column,
        item.message,
        item.hint,
        item.address,
        item.is_warning,
        *([item.image] if item.image else []),
    ]


def _occurrence(
    file: str,
    line: int,
    column: int,
    address: str,
    format_name: str,
    slots: list[list[Any]],
    written: str | None,
    tag: str | None,
    digest: str | None,
    marker: list[Any] | None,
    aliases: list[int],
    other_markers: list[list[Any]],
    sourced: list[str] | None = None,
    field_of: str = "",
) -> Occurrence:
    # A warm survey is this function and little else, hence no call that a plain image could spare.
    return Occurrence(
        file,
        line,
        column,
        address,
        format_name,
        tuple(
            [
                Slot(_PARTS[part], Span(start, end, text.encode()), _STYLES[style], text, *rest)
                for part, start, end, style, text, *rest in slots
            ]
        ),
        parse(written) if written is not None else None,
        tag,
        Digest(digest) if digest else None,
        _marker(*marker) if marker else None,
        tuple(aliases) if aliases else (),
        tuple([_marker(*each) for each in other_markers]) if other_markers else (),
        _sourced(*sourced) if sourced else None,
        field_of,
    )


def _marker(policy: str, part: str, line: int, is_sentence: bool = False) -> Marker:
    return Marker(policy, _PARTS[part], line, is_sentence)


def _sourced(chart: str, namespace: str, name: str) -> SourcedChart:
    return SourcedChart(chart, SourceName(namespace, name))


def _source(namespace: str, name: str, url: str) -> ChartSource:
    return ChartSource(SourceName(namespace, name), url)


def _kustomization(file: str, resources: list[str], entries: list[list[Any]]) -> Kustomization:
    return Kustomization(file, tuple(resources), tuple([ImagesEntry(*each) for each in entries]))
