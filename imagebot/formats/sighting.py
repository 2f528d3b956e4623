"""Turn nodes into slots, occurrences and problems: what all formats have in common.

Pure. A slot is made only where the bytes in the file are literally the value, so that an edit
can replace them without knowing YAML.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.page import Page
from imagebot.formats.walk import Path
from imagebot.image import Digest, ImageReference, join, parse, parse_name, shortened
from imagebot.model import Occurrence, Part, Slot, SourcedChart, Span, Style
from imagebot.yaml_blocks import piece_bounds
from imagebot.yaml_nodes import Anchored, Document, Scalar
from imagebot.yaml_scalars import is_null

_STYLES = {
    "'": Style.SINGLE,
    '"': Style.DOUBLE,
    "|": Style.LITERAL,
    ">": Style.FOLDED,
}
_PROPERTY = re.compile(rb"([&!][^\s]*)\s+(?:#[^\r\n]*[\r\n]\s*)*")
_TEXT_TAGS = (b"!", b"!!str", b"!<tag:yaml.org,2002:str>")
_EDGE = {  # what may stand around a value inside its quotes without being part of it
    '"': re.compile(rb"(?:\s|\\\r?\n)*"),
    "'": re.compile(rb"\s*"),
}
_TEMPLATED = re.compile(r"\{\{|\{%|<%|\$[{(\[A-Za-z_]")
_LINE_BREAKS = re.compile(rb"[\r\n]")
_MAX_ALIASES = 1_000  # told of one anchor
_FEW_ALIASES = 100  # the same, in a file that has told of as many as anybody could read
_MAX_REFERENCE_LENGTH = 600  # longest name, tag and digest together
_VERSION_PARTS = (
    *(Part.TAG, Part.TAG_ALONE, Part.CHART_VERSION),
    *(Part.REFERENCE, Part.DIGEST, Part.DIGEST_HEX),
)


def is_templated(text: str) -> bool:
    """Whether a text is filled in by another tool before anybody reads it as an image."""
    return _TEMPLATED.search(text) is not None


class Piece(NamedTuple):
    """A part of a scalar's text that alone means something: the image in `--image=acme/a:1`.

    `start` and `end` count characters of the text without the blanks around it.
    """

    scalar: Scalar
    start: int
    end: int

    @classmethod
    def of(cls, held: "Scalar | Piece", text: str) -> "Piece":
        """A text that stands once in a scalar."""
        scalar = held.scalar if isinstance(held, Piece) else held
        start = scalar.text.strip().index(text)
        return cls(scalar, start, start + len(text))


class Unwritable(NamedTuple):
    """Why the bytes of a scalar cannot be replaced by other text."""

    reason: str
    hint: str


_NOT_LITERAL = Unwritable(
    "an image is written over several lines or with escapes, so it is not edited",
    "write the value on one line, without escapes",
)


def slot_for(page: Page, document: Document, held: Scalar | Piece, part: Part) -> Slot | Unwritable:
    """The slot of a scalar or of a piece of it, where its bytes are literally its value."""
    scalar = held.scalar if isinstance(held, Piece) else held
    start = document.byte_offset(scalar.start)
    written = page.source[start : document.byte_offset(scalar.end)]
    yaml_tag = b""
    while found := _PROPERTY.match(written):
        yaml_tag = found[1] if found[1].startswith(b"!") else yaml_tag
        start += found.end()
        written = written[found.end() :]
    if written[:1] in (b"&", b"!") and not scalar.text:
        yaml_tag = written if written.startswith(b"!") else yaml_tag
        start += len(written)
        written = b""
    if yaml_tag and yaml_tag not in _TEXT_TAGS:
        return _tagged(yaml_tag)
    text = scalar.text.strip() or scalar.text
    value = text.encode()
    at = _place_of(value, written, scalar.style)
    if at < 0:
        return _piece_slot(page, document, held, part) or _NOT_LITERAL
    style = _STYLES[scalar.style] if scalar.style else page.plain_style
    if isinstance(held, Piece) and (held.start, held.end) != (0, len(text)):
        at += len(text[: held.start].encode())
        text = text[held.start : held.end]
        value, style = text.encode(), Style.PIECE
    span = Span(start + at, start + at + len(value), value)
    return Slot(part, span, style, text, scalar.in_flow)


def _piece_slot(page: Page, document: Document, held: Scalar | Piece, part: Part) -> Slot | None:
    """The slot of a piece that is literally written in a text that is not."""
    if not isinstance(held, Piece):
        return None
    scalar = held.scalar
    blanks = len(scalar.text) - len(scalar.text.lstrip())
    first, last = held.start + blanks, held.end + blanks
    bounds = piece_bounds(page.source, document, scalar, first, last)
    if bounds is None:
        return None
    text = scalar.text[first:last]
    return Slot(part, Span(*bounds, text.encode()), Style.PIECE, text, scalar.in_flow)


def _tagged(yaml_tag: bytes) -> Unwritable:
    name = shortened(yaml_tag.decode(errors="replace"), 40)
    return Unwritable(
        f"the value has the YAML tag {name}, so it is not read as the text that an update writes",
        "remove the YAML tag",
    )


def _place_of(value: bytes, written: bytes, style: str) -> int:
    """Where a scalar's value stands in what is written, -1 where it does not literally."""
    if not style:
        return 0 if written == value else -1
    if style in _EDGE:
        # In a text that itself stands in double quotes each quote has a backslash.
        width = 2 if written.startswith(b'\\"') and written.endswith(b'\\"') else 1
        content = written[width:-width]
        edge = _EDGE[style].match(content) if value.strip() else None
        at = edge.end() if edge else 0
        rest = content[at + len(value) :]
        is_literal = content.startswith(value, at) and _EDGE[style].fullmatch(rest) is not None
        return width + at if is_literal and not _LINE_BREAKS.search(value) else -1
    header, line_break, rest = written.partition(b"\n")
    body = rest.strip()
    if not value or body != value or _LINE_BREAKS.search(body):
        return -1
    return len(header) + len(line_break) + rest.index(body)


def add(
    page: Page,
    document: Document,
    path: Path | None,
    format_name: str,
    parts: Mapping[Part, Scalar | Piece],
    reference: ImageReference | None,
    version: tuple[str | None, Digest | None],
    anchored: tuple[int, ...] = (),
    *,
    sourced: SourcedChart | None = None,
    is_asked_for: bool = False,
) -> None:
    """Record an occurrence, or the problem that its bytes are not its value.

    Where somebody asked for it by a marker, a value that cannot be edited is an error.
    """
    slots: list[Slot] = []
    scalars = [held.scalar if isinstance(held, Piece) else held for held in parts.values()]
    for (part, held), scalar in zip(parts.items(), scalars, strict=True):
        slot = slot_for(page, document, held, part)
        if isinstance(slot, Unwritable):
            page.report(
                document.byte_offset(scalar.start),
                slot.reason,
                hint=slot.hint,
                address=str(path) if path else "",
                is_warning=not is_asked_for,
                image=str(reference.repository) if reference else "",
            )
            return
        slots.append(slot)
    if not page.is_new(reference, slots):
        return  # seen by its anchor or its alias already
    names = (Part.NAME, Part.REGISTRY)
    changing = [each for each, part in zip(scalars, parts, strict=True) if part not in names]
    homes = {each.start: document.anchored_around(each.start) for each in scalars}
    known = {home.start for around in homes.values() for home in around}
    starts = [Anchored(start) for start in anchored if start not in known]
    for each in changing or scalars:  # a name stays as it is
        starts += [Anchored(each.start)] if each.anchor else []
        starts += homes[each.start]
    aliases = follower_lines(page, document, tuple(dict.fromkeys(starts)))
    changed = page.lines.number(_changed(slots).span.start)
    own = {page.lines.number(document.byte_offset(each.start)) for each in scalars if each.anchor}
    aliases = tuple(sorted({*aliases, *(own - {changed})}))
    address = str(path) if path else ""
    place(page, address, format_name, tuple(slots), reference, version, aliases, sourced)


def place(
    page: Page,
    address: str,
    format_name: str,
    slots: tuple[Slot, ...],
    reference: ImageReference | None,
    version: tuple[str | None, Digest | None],
    aliases: tuple[int, ...] = (),
    sourced: SourcedChart | None = None,
) -> None:
    """Record an occurrence at the line of what an update would change; `is_new` was asked."""
    changed = _changed(slots)
    page.occurrences.append(
        Occurrence(
            file=page.file,
            line=page.lines.number(changed.span.start),
            column=page.lines.column(changed.span.start),
            address=address,
            format=format_name,
            slots=slots,
            reference=reference,
            tag=version[0],
            digest=version[1],
            aliases=aliases,
            sourced=sourced,
        )
    )


def _changed(slots: Sequence[Slot]) -> Slot:
    """Where an update is told to change an image: its tag before all else."""
    return next(slot for part in (*_VERSION_PARTS, *Part) for slot in slots if slot.part is part)


def alias_lines(page: Page, document: Document, starts: tuple[int, ...]) -> tuple[int, ...]:
    """Lines of the aliases that repeat what stands in anchored nodes, given by their starts."""
    return follower_lines(page, document, tuple(map(Anchored, starts)))


def follower_lines(page: Page, document: Document, starts: tuple[Anchored, ...]) -> tuple[int, ...]:
    """The same where it is known by which keys of the nodes."""
    if not starts:
        return ()
    limit = _MAX_ALIASES if page.alias_lines_left > 0 else _FEW_ALIASES
    places = document.followers(starts, limit + 1)
    if len(places) > limit:
        message = f"more than {limit:,} aliases repeat this, and only the first are listed"
        page.report(document.byte_offset(min(each.start for each in starts)), message)
    places = places[:limit]
    page.alias_lines_left -= len(places)
    return tuple(sorted({page.lines.number(document.byte_offset(place)) for place in places}))


def value_of(scalar: Scalar | None) -> str:
    """Text without the blanks around it; "" for none and for null."""
    return "" if scalar is None or is_null(scalar) else scalar.text.strip()


def read_reference(text: str) -> ImageReference:
    """Parse a value of a file. Raises InvalidReference, also for what no parser should see."""
    if len(text) > _MAX_REFERENCE_LENGTH:
        raise InvalidReference(f"{shortened(text)!r} is too long for an image reference")
    return parse(text)


def reference_in(
    page: Page, document: Document, scalar: Scalar, path: Path
) -> ImageReference | None:
    """The reference that a value holds, None without one; a templated value is reported."""
    if is_templated(scalar.text):
        report_templated(page, document, scalar, path)
        return None
    try:
        return read_reference(value_of(scalar))
    except InvalidReference:
        return None


def whole(name: str, tag: str | None, digest: Digest | None) -> ImageReference | None:
    """The reference that separate parts make, None when they make none."""
    try:
        if len(name) > _MAX_REFERENCE_LENGTH:
            return None
        parse_name(name)
        return parse(join(name, tag, digest))
    except InvalidReference:
        return None


def report_templated(page: Page, document: Document, scalar: Scalar, path: Path) -> None:
    page.report(
        document.byte_offset(scalar.start),
        "an image is templated, so its value is not in this file",
        hint="set the parts of the image where the other tool reads them",
        address=str(path),
    )
