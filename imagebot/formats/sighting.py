"""Turn nodes into slots, occurrences and problems: what all formats have in common.

Pure. A `Page` is one file while it is read. A slot is made only where the bytes in the file
are literally the value, so that an edit can replace them without knowing YAML.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from imagebot.errors import InvalidReference
from imagebot.formats.walk import Path
from imagebot.image import Digest, ImageReference, join, parse, parse_name, shortened
from imagebot.model import (
    ChartSource,
    Occurrence,
    Part,
    Problem,
    Slot,
    SourcedChart,
    Span,
    Style,
)
from imagebot.yaml_spans import Document, Lines, Scalar, is_null

_STYLES = {
    "": Style.PLAIN,
    "'": Style.SINGLE,
    '"': Style.DOUBLE,
    "|": Style.LITERAL,
    ">": Style.FOLDED,
}
_PROPERTY = re.compile(rb"[&!][^\s]*\s+")
_TEMPLATED = re.compile(r"\{\{|\{%|<%|\$[{(A-Za-z_]")
_MAX_ALIASES = 100  # told of one anchor
_MAX_PROBLEMS = 500  # told of one file
MAX_OCCURRENCES = 10_000  # in one file
_MAX_REFERENCE_LENGTH = 600  # longest name, tag and digest together
_VERSION_PARTS = (
    *(Part.TAG, Part.TAG_ALONE, Part.CHART_VERSION),
    *(Part.REFERENCE, Part.DIGEST),
)


@dataclass(slots=True)
class Page:
    """One file while it is read, and what was seen in it so far."""

    file: str
    source: bytes
    lines: Lines
    occurrences: list[Occurrence] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    chart_sources: list[ChartSource] = field(default_factory=list)
    _places: set[frozenset[Span]] = field(default_factory=set)

    def report(
        self,
        offset: int,
        message: str,
        *,
        hint: str = "",
        address: str = "",
        is_warning: bool = True,
    ) -> None:
        """Tell a problem. An error, not a warning, is one where somebody asked for an update."""
        if len(self.problems) >= _MAX_PROBLEMS:
            return
        line, column = self.lines.number(offset), self.lines.column(offset)
        problem = Problem(self.file, line, column, message, hint, address, is_warning)
        if problem not in self.problems[-4:]:
            self.problems.append(problem)

    @property
    def is_full(self) -> bool:
        """Whether it holds more than any file that a person could review; none is used then."""
        return len(self.occurrences) > MAX_OCCURRENCES

    def is_new(self, places: frozenset[Span]) -> bool:
        """Whether no occurrence has these very places yet, and the page still has room."""
        if places in self._places or self.is_full:
            return False
        self._places.add(places)
        return True


def is_templated(text: str) -> bool:
    """Whether a text is filled in by another tool before anybody reads it as an image."""
    return _TEMPLATED.search(text) is not None


def slot_for(page: Page, document: Document, scalar: Scalar, part: Part) -> Slot | None:
    """The slot of a scalar, None where its bytes are not literally its value."""
    start = document.byte_offset(scalar.start)
    written = page.source[start : document.byte_offset(scalar.end)]
    while found := _PROPERTY.match(written):
        start += found.end()
        written = written[found.end() :]
    if written[:1] in (b"&", b"!") and not scalar.text:
        start += len(written)
        written = b""
    text = scalar.text
    if scalar.style in ("|", ">"):
        text = text.strip()
        at = _line_in_block(written, text.encode())
    elif scalar.style:
        at = 1 if written[1:-1] == text.encode() else -1
    else:
        at = 0 if written == text.encode() else -1
    if at < 0:
        return None
    value = text.encode()
    span = Span(start + at, start + at + len(value), value)
    return Slot(part, span, _STYLES[scalar.style], text, scalar.in_flow)


def _line_in_block(block: bytes, value: bytes) -> int:
    """Where the one line of text of a block scalar begins, -1 when it is not one line."""
    header, line_break, rest = block.partition(b"\n")
    body = rest.strip()
    if not value or body != value or b"\n" in body or b"\r" in body:
        return -1
    return len(header) + len(line_break) + rest.index(body)


def add(
    page: Page,
    document: Document,
    path: Path | None,
    format_name: str,
    parts: dict[Part, Scalar],
    reference: ImageReference | None,
    version: tuple[str | None, Digest | None],
    anchored: tuple[int, ...] = (),
    *,
    pieces: Mapping[Part, str] = MappingProxyType({}),
    sourced: SourcedChart | None = None,
) -> None:
    """Record an occurrence, or the problem that its bytes are not its value.

    Of a part in `pieces` only that text inside its scalar is the part: what follows `oci://`.
    """
    slots: list[Slot] = []
    for part, scalar in parts.items():
        slot = slot_for(page, document, scalar, part)
        if slot is not None and part in pieces:
            slot = _narrowed(slot, pieces[part])
        if slot is None:
            page.report(
                document.byte_offset(scalar.start),
                "an image is written over several lines or with escapes, so it is not edited",
                hint="write the value on one line, without escapes",
                address=str(path) if path else "",
            )
            return
        slots.append(slot)
    if not page.is_new(frozenset(slot.span for slot in slots)):
        return  # seen by its anchor or its alias already
    changed = next(slot for part in (*_VERSION_PARTS, *Part) for slot in slots if slot.part is part)
    starts = (*anchored, *(scalar.start for scalar in parts.values() if scalar.anchor))
    page.occurrences.append(
        Occurrence(
            file=page.file,
            line=page.lines.number(changed.span.start),
            column=page.lines.column(changed.span.start),
            address=str(path) if path else "",
            format=format_name,
            slots=tuple(slots),
            reference=reference,
            tag=version[0],
            digest=version[1],
            aliases=_alias_lines(page, document, starts),
            sourced=sourced,
        )
    )


def _narrowed(slot: Slot, piece: str) -> Slot:
    """A slot for a text that stands once in another's."""
    if piece == slot.text:
        return slot
    before = slot.text[: slot.text.index(piece)].encode()
    start, value = slot.span.start + len(before), piece.encode()
    return Slot(slot.part, Span(start, start + len(value), value), Style.PIECE, piece, slot.in_flow)


def _alias_lines(page: Page, document: Document, starts: tuple[int, ...]) -> tuple[int, ...]:
    places = {place for start in starts for place in document.aliases.get(start, ())[:_MAX_ALIASES]}
    return tuple(sorted({page.lines.number(document.byte_offset(place)) for place in places}))


def value_of(scalar: Scalar | None) -> str:
    """Text without the blanks around it; "" for none and for null."""
    return "" if scalar is None or is_null(scalar) else scalar.text.strip()


def read_reference(text: str) -> ImageReference:
    """Parse a value of a file. Raises InvalidReference, also for what no parser should see."""
    if len(text) > _MAX_REFERENCE_LENGTH:
        raise InvalidReference(f"{shortened(text)!r} is too long for an image reference")
    return parse(text)


def whole(name: str, tag: str | None, digest: Digest | None) -> ImageReference | None:
    """The reference that separate parts make, None when they make none."""
    try:
        if len(name) > _MAX_REFERENCE_LENGTH:
            return None
        parse_name(name)
        return parse(join(name, tag, digest))
    except InvalidReference:
        return None
