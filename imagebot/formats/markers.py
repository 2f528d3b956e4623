"""Markers: comments that put the value on their line under a policy.

Pure. Comments are no YAML events, so a marker is looked for behind the last value on its
line. In a document that the parser cannot read, a marker names the value on its line and
nothing else there is touched.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.marked import Reading, read_marked
from imagebot.formats.marker_text import FORMS_HINT, MarkerText, read_comment
from imagebot.formats.prefilter import marker_offsets
from imagebot.formats.sighting import Embedded, Page, add, inside, value_of, whole
from imagebot.formats.walk import Entries, Path, scalar_at
from imagebot.image import Digest
from imagebot.model import Marker, Occurrence, Part, Slot, Span, Style
from imagebot.yaml_spans import Collection, Document, Scalar, Section
from imagebot.yaml_spans import Reading as SectionReading

NAME = "marker"
_RAW_LINE = re.compile(
    rb"""[ \t]*(?:-[ \t]+)*
    (?:(?P<key>"[^"\\{}\r\n]*"|'[^'{}\r\n]*'|[^\s"'#{}:]+)[ \t]*:[ \t]+)?
    (?:"(?P<double>[^"\\{}\r\n]*)"|'(?P<single>[^'{}\r\n]*)'|(?P<plain>[^\s"'#{}\[\],&*!|>%@`-][^\s"'#{}]*))
    [ \t]+\#""",
    re.X,
)


class Value(NamedTuple):
    """A scalar that is a mapping's value or a sequence's item, with its place in bytes."""

    start: int
    end: int
    key: str
    scalar: Scalar
    parent: Collection
    path: Path
    document: Document


class Marked(NamedTuple):
    """A value under a marker that no other format knows."""

    value: Value
    marker: Marker
    reading: Reading


def read(page: Page, section: Section, reading: SectionReading) -> None:
    """Lay the markers of a section over the occurrences found in it, and add what they name."""
    known = _Known(page)
    lines = sorted({page.lines.number(at) for at in marker_offsets(page.source, section)})
    whole = Embedded(*section, reading, "")
    for text, lines_there in _by_text(page, whole, lines):
        if text is whole:
            _read_lines(page, known, reading, lines_there)
        else:
            with inside(page, text.address, aliases=text.aliases):
                _read_lines(page, known, text.reading, lines_there)


def _by_text(page: Page, whole: Embedded, lines: list[int]) -> Iterator[tuple[Embedded, list[int]]]:
    """Lines by the innermost text that they stand in: the section, or a block scalar in it."""
    waiting = sorted(page.embedded, key=lambda text: (text.start, -text.end), reverse=True)
    around = [whole]
    lines_by_text: dict[int, tuple[Embedded, list[int]]] = {}
    for line in lines:
        begin = page.lines.bounds(line)[0]
        while waiting and waiting[-1].start <= begin:
            text = waiting.pop()
            while len(around) > 1 and around[-1].end <= text.start:
                around.pop()
            around.append(text)
        while len(around) > 1 and around[-1].end <= begin:
            around.pop()
        lines_by_text.setdefault(id(around[-1]), (around[-1], []))[1].append(line)
    yield from lines_by_text.values()


def _read_lines(page: Page, known: "_Known", reading: SectionReading, lines: list[int]) -> None:
    values = _Values(page, reading)
    marked: list[Marked] = []
    for line in lines:
        begin, end = page.lines.bounds(line)
        if reading.broken is not None and begin > values.last_end:
            _read_raw_line(page, line, begin, end)
        else:
            marked += _read_line(page, values, known, line, begin, end)
    for group in _groups(marked):
        _add_marked(page, group)


class _Values:
    """All scalars of a section by place: what a marker can mean, and what hides a `#`."""

    def __init__(self, page: Page, reading: SectionReading) -> None:
        self.values: list[Value] = []
        self.places: list[tuple[int, int, bool]] = []  # start, end, is block scalar
        for document in reading.documents:
            self._collect(document, document.root)
        self.values.sort(key=lambda value: value.start)
        self.places.sort()
        self._starts = [place[0] for place in self.places]
        self._source = page.source
        self.last_end = max((place[1] for place in self.places), default=-1)

    def _collect(self, document: Document, root: object) -> None:
        waiting: list[tuple[Collection, Path | None]] = []
        if isinstance(root, Collection):
            waiting.append((root, None))
        while waiting:
            node, path = waiting.pop()
            for key, child in _children(node):
                if isinstance(key, Scalar):
                    self._note(document, key)
                name = key.text if isinstance(key, Scalar) else key if isinstance(key, int) else "?"
                below = Path(path, name)
                if isinstance(child, Collection):
                    waiting.append((child, below))
                elif isinstance(child, Scalar):
                    start, end = self._note(document, child)
                    self.values.append(Value(start, end, below.key, child, node, below, document))

    def _note(self, document: Document, scalar: Scalar) -> tuple[int, int]:
        start, end = document.byte_offset(scalar.start), document.byte_offset(scalar.end)
        self.places.append((start, end, scalar.style in ("|", ">")))
        return start, end

    def comment_start(self, begin: int, end: int) -> int:
        """Where the comment of a line begins; -1 without one, -2 where the line is text.

        Everything up to the end of the last scalar on the line is no comment.
        """
        cursor = begin
        low = bisect_left(self._starts, begin)
        for start, stop, is_block in self.places[max(0, low - 1) : bisect_right(self._starts, end)]:
            if is_block and start < begin < stop:
                return -2
            if start < end and stop > begin:
                cursor = max(cursor, start + 1 if is_block else min(stop, end))
        while (at := self._source.find(b"#", cursor, end)) >= 0:
            if at == begin or self._source[at - 1 : at] in (b" ", b"\t", b"\n", b"\r"):
                return at
            cursor = at + 1
        return -1

    def on_line(self, begin: int, end: int) -> list[Value]:
        """Values that end on a line, or begin there as a block scalar."""
        low = bisect_left(self.values, begin, key=lambda value: value.start)
        found = []
        for index in range(max(0, low - 1), len(self.values)):
            value = self.values[index]
            if value.start >= end:
                break
            is_block = value.scalar.style in ("|", ">")
            if begin <= (value.start if is_block else value.end) < end:
                found.append(value)
        return found


class _Known:
    """Which occurrence, by its index on the page, has a slot inside a value."""

    def __init__(self, page: Page) -> None:
        self._slots = sorted(
            (
                (slot.span.start, slot.span.end, index, slot)
                for index, occurrence in enumerate(page.occurrences)
                for slot in occurrence.slots
            ),
            key=lambda place: place[:3],
        )
        self._starts = [place[0] for place in self._slots]

    def at(self, value: Value) -> tuple[int, Slot] | None:
        """The first such occurrence; several share a value only by an alias."""
        near = bisect_left(self._starts, value.start)
        if near < len(self._slots):
            _, end, index, slot = self._slots[near]
            if end <= value.end:
                return index, slot
        return None


def _children(node: Collection) -> Iterator[tuple[object, object]]:
    return iter(node.pairs()) if node.is_mapping else enumerate(node.children)


def _read_line(
    page: Page, values: _Values, known: _Known, line: int, begin: int, end: int
) -> list[Marked]:
    at = values.comment_start(begin, end)
    if at == -1:
        return []
    text = read_comment(page.source[max(at, begin) : end].decode(errors="replace"))
    if text is None:
        return []
    targets = values.on_line(begin, end) if at >= 0 else []
    is_remark = not page.source[begin : max(at, begin)].strip()
    if text.fault:
        page.report(max(at, begin), text.fault, hint=FORMS_HINT, is_warning=is_remark)
        return []
    if len(targets) > 1:
        targets = _fitting(known, targets, text)
    if len(targets) != 1:
        _report_no_target(page, max(at, begin), at, bool(targets), is_remark)
        return []
    return _mark(page, known.at(targets[0]), targets[0], text, line)


def _report_no_target(page: Page, offset: int, at: int, is_many: bool, is_remark: bool) -> None:
    if at == -2:
        message = "a marker stands inside a text block, where values are not edited"
    elif is_many:
        message = "a marker stands on a line with several values, so it names none"
    else:
        message = "a marker stands on a line without a value"
    page.report(
        offset,
        message,
        hint="put the marker behind the value, on the value's own line",
        is_warning=is_remark,
    )


def _fitting(known: _Known, targets: list[Value], text: MarkerText) -> list[Value]:
    """Of several values on a line the one that can be meant; all of them where that is unclear."""
    fitting = []
    owners = set()
    for value in targets:
        owner = known.at(value)
        if owner is not None and text.part in (Part.REFERENCE, owner[1].part):
            fitting.append(value)
            owners.add(owner[0])
    return fitting[:1] if len(owners) == 1 else targets


def _mark(
    page: Page, known: tuple[int, Slot] | None, value: Value, text: MarkerText, line: int
) -> list[Marked]:
    """Put a marker on the occurrence it stands at; a value that no format knows is given back."""
    marker = Marker(text.policy, text.part, line)
    try:
        reading = read_marked(text, value.key, value_of(value.scalar))
        if known is None:
            return [Marked(value, marker, reading)]
        _refuse_contradiction(page.occurrences[known[0]], known[1], marker)
    except InvalidReference as error:
        page.report(
            value.start, str(error), hint=error.hint, address=str(value.path), is_warning=False
        )
        return []
    occurrence = page.occurrences[known[0]]
    page.occurrences[known[0]] = replace(occurrence, marker=occurrence.marker or marker)
    return []


def _refuse_contradiction(occurrence: Occurrence, slot: Slot, marker: Marker) -> None:
    if marker.part not in (Part.REFERENCE, slot.part):
        raise InvalidReference(
            f"the marker says :{marker.part}, but this is the image's {slot.part}",
            hint="write the marker without a part, or with the part that stands here",
        )
    if occurrence.marker is not None and occurrence.marker.policy != marker.policy:
        raise InvalidReference(
            f"one image stands under two policies: {occurrence.marker.policy} and {marker.policy}",
            hint="let all markers of one image name the same policy",
        )


def _groups(marked: list[Marked]) -> list[list[Marked]]:
    """Name, tag and digest under one policy in one mapping belong together."""
    groups: dict[tuple[int, str], list[Marked]] = {}
    alone: list[list[Marked]] = []
    for item in marked:
        group = groups.setdefault((id(item.value.parent), item.marker.policy), [])
        parts = {other.reading.part for other in group}
        is_whole = item.reading.part is Part.REFERENCE or not item.value.parent.is_mapping
        if is_whole or item.reading.part in parts:
            alone.append([item])
        else:
            group.append(item)
    return [*alone, *(group for group in groups.values() if group)]


def _add_marked(page: Page, group: list[Marked]) -> None:
    first = group[0].value
    parts = {item.reading.part: item.value.scalar for item in group}
    tag = next((item.reading.tag for item in group if item.reading.tag), None)
    digests: list[Digest] = [item.reading.digest for item in group if item.reading.digest]
    digest = digests[-1] if digests else None
    reference = next((item.reading.reference for item in group if item.reading.reference), None)
    if Part.REFERENCE not in parts:
        name = reference.name if reference else _name_beside(parts, first.parent)
        reference = whole(name, tag, digest) if name else None
    count = len(page.occurrences)
    add(page, first.document, first.path, NAME, parts, reference, (tag, digest))
    if len(page.occurrences) > count:
        page.occurrences[-1] = replace(page.occurrences[-1], marker=group[0].marker)


def _name_beside(parts: dict[Part, Scalar], parent: Collection) -> str:
    """The name that an unmarked sibling gives to a marked tag or digest."""
    if not parent.is_mapping:
        return ""
    scalar = scalar_at(Entries().of(parent), "repository")
    if scalar is None or whole(value_of(scalar), None, None) is None:
        return ""
    parts[Part.NAME] = scalar
    return value_of(scalar)


def _read_raw_line(page: Page, line: int, begin: int, end: int) -> None:
    """Read `key: value  # imagebot: NAME` where no parser can help."""
    text = page.source[begin:end]
    found = _RAW_LINE.match(text)
    comment = text[found.end() - 1 :] if found else text
    marker = read_comment(comment.decode(errors="replace"))
    if marker is None or page.is_full:
        return
    is_remark = text.lstrip().startswith(b"#")
    if marker.fault or found is None:
        message = marker.fault or (
            "a marker in a document that is no YAML names no plain value on its line"
        )
        page.report(begin, message, hint=FORMS_HINT, is_warning=is_remark)
        return
    kind = str(found.lastgroup)
    start, stop = begin + found.start(kind), begin + found.end(kind)
    key = (found["key"] or b"").decode(errors="replace").strip("\"'")
    written = page.source[start:stop]
    value = written.decode(errors="replace")
    try:
        reading = read_marked(marker, key, value)
    except InvalidReference as error:
        page.report(start, str(error), hint=error.hint, address=key, is_warning=False)
        return
    slot = Slot(reading.part, Span(start, stop, written), Style.RAW, value)
    page.occurrences.append(
        Occurrence(
            file=page.file,
            line=line,
            column=page.lines.column(start),
            address=key,
            format=NAME,
            slots=(slot,),
            reference=reading.reference,
            tag=reading.tag,
            digest=reading.digest,
            marker=Marker(marker.policy, marker.part, line),
        )
    )
