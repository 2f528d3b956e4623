"""A policy's `fields`: values at an address, laid over what the formats found in a file.

Pure. What a field means overrules what a format made of the same bytes. Name, tag and digest that
fields of one policy find in one mapping are one image.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.field_paths import Every, Index, Key, Step, Where, literal_keys, parse
from imagebot.formats.marked import Reading, read_marked
from imagebot.formats.marker_text import MarkerText
from imagebot.formats.page import Page
from imagebot.formats.sighting import Piece, add, value_of, whole
from imagebot.formats.walk import Path, resolved, top_level
from imagebot.model import Found, Occurrence, Part, Span
from imagebot.policy.fielding import FieldRule
from imagebot.yaml_spans import Collection, Document, Node, Scalar

NAME = "field"
_MAX_MATCHES = 10_000  # of one field in one document
_MAX_VISITED = 300_000


class _Place(NamedTuple):
    """A node, the way to it, and the collection that holds it."""

    node: Node
    path: Path | None
    parent: Collection | None


class _Match(NamedTuple):
    """A value that a field means, as it was read."""

    rule: FieldRule
    place: _Place
    scalar: Scalar
    reading: Reading


class Laid(NamedTuple):
    """What a file holds with fields laid over it, and which of the rules found something."""

    found: Found
    matched: frozenset[FieldRule]


def may_match(source: bytes, rule: FieldRule) -> bool:
    """False only where a file lacks a key without which there is no such value."""
    keys = literal_keys(parse(rule.field.path))
    return all(key.encode() in source for key in keys)


def lay(
    page: Page, documents: Sequence[Document], found: Found, rules: Sequence[FieldRule]
) -> Laid:
    """Find what the rules mean, on an empty page, and put it in the place of what stood there."""
    matched: set[int] = set()
    owners: dict[Span, FieldRule] = {}
    for document in documents:
        for group in _groups(_matches(page, document, rules, matched)):
            _add(page, document, group, owners)
    occurrences = [_with_marker(item, found.occurrences) for item in page.occurrences]
    taken = sorted(
        {(slot.span.start, slot.span.end) for item in occurrences for slot in item.slots}
    )
    kept = [item for item in found.occurrences if not _overlaps(item, taken)]
    occurrences = sorted((*kept, *occurrences), key=lambda item: item.slots[0].span.start)
    problems = sorted((*found.problems, *page.problems), key=lambda it: (it.line, it.column))
    laid = found._replace(occurrences=tuple(occurrences), problems=tuple(problems))
    return Laid(laid, frozenset(rules[at] for at in matched))


def _overlaps(item: Occurrence, taken: list[tuple[int, int]]) -> bool:
    """Whether bytes of an occurrence are among those taken, which are sorted and apart."""
    for slot in item.slots:
        start, end = slot.span.start, slot.span.end
        at = bisect_right(taken, (start, end))
        near = taken[max(0, at - 1) : at + 1]
        if any(low < max(end, start + 1) and start < max(high, low + 1) for low, high in near):
            return True
    return False


def _with_marker(item: Occurrence, known: Sequence[Occurrence]) -> Occurrence:
    """With the marker of what a format or a comment made of the same bytes."""
    spans = {slot.span for slot in item.slots}
    for other in known:
        if other.marker and any(slot.span in spans for slot in other.slots):
            return replace(item, marker=other.marker, other_markers=other.other_markers)
    return item


def _matches(
    page: Page, document: Document, rules: Sequence[FieldRule], matched: set[int]
) -> Iterator[_Match]:
    for number, rule in enumerate(rules):
        kind = rule.field.kind
        if kind and top_level(document, "kind") != kind:
            continue
        seen: set[int] = set()
        for place in _places(document.root, parse(rule.field.path)):
            if id(place.node) in seen:
                continue
            seen.add(id(place.node))
            matched.add(number)
            match = _read(page, document, rule, place)
            if match is not None:
                yield match


def _read(page: Page, document: Document, rule: FieldRule, place: _Place) -> _Match | None:
    """What the value says; None, and a problem, where it does not say what the field promises."""
    node, path = place.node, place.path
    offset, address = document.byte_offset(node.start), str(path) if path else ""
    shown = f"field {rule.field.path!r} of policy {rule.policy.name!r}"
    if not isinstance(node, Scalar):
        message = f"{shown} leads to a mapping or list, not to a value"
        page.report(offset, message, address=address, is_warning=False)
        return None
    marker = MarkerText(rule.policy.name, Part(rule.field.part), is_flux=True)
    try:
        reading = read_marked(marker, "", value_of(node))
    except InvalidReference as error:
        page.report(offset, f"{shown}: {error}", hint=error.hint, address=address, is_warning=False)
        return None
    return _Match(rule, place, node, reading)


def _groups(matches: Iterator[_Match]) -> list[list[_Match]]:
    """Name, tag and digest of one policy in one mapping belong together."""
    groups: dict[tuple[str, int], list[_Match]] = {}
    alone: list[list[_Match]] = []
    for match in matches:
        parent = match.place.parent
        group = groups.setdefault((match.rule.policy.identity, id(parent)), [])
        parts = {other.reading.part for other in group}
        is_part = match.reading.part is not Part.REFERENCE and parent and parent.is_mapping
        if is_part and match.reading.part not in parts:
            group.append(match)
        else:
            alone.append([match])
    return [*(group for group in groups.values() if group), *alone]


def _add(
    page: Page, document: Document, group: list[_Match], owners: dict[Span, FieldRule]
) -> None:
    rule = group[0].rule
    parts: dict[Part, Scalar | Piece] = {match.reading.part: _held(match) for match in group}
    tag = next((match.reading.tag for match in group if match.reading.tag), None)
    digests = [match.reading.digest for match in group if match.reading.digest]
    digest = digests[-1] if digests else None
    reference = next((match.reading.reference for match in group if match.reading.reference), None)
    if Part.REFERENCE not in parts:
        images = (match.rule.field.image for match in group if match.rule.field.image)
        name = reference.name if reference else next(images, "")
        reference = whole(name, tag, digest) if name else None
    count = len(page.occurrences)
    path = group[0].place.path
    add(page, document, path, NAME, parts, reference, (tag, digest), is_asked_for=True)
    if len(page.occurrences) == count:
        return
    made = replace(page.occurrences[-1], field_of=rule.policy.identity)
    page.occurrences[-1] = made
    for slot in made.slots:
        other = owners.setdefault(slot.span, rule).policy
        if other.identity != rule.policy.identity:
            page.occurrences.pop()
            if other.folder == rule.policy.folder:
                message = f"fields of two policies of one folder mean this value: {other.name!r} "
                message += f"and {rule.policy.name!r}; the first is taken"
                page.report(slot.span.start, message, hint="narrow paths of one of them")
            return


def _held(match: _Match) -> Scalar | Piece:
    reading = match.reading
    return Piece(match.scalar, reading.start, reading.end) if reading.end else match.scalar


# Walking


def _places(root: Node, steps: Sequence[Step]) -> list[_Place]:
    places = [_Place(resolved(root), None, None)]
    for step in steps:
        further = (below for place in places for below in _below(place, step))
        places = [place for _, place in zip(range(_MAX_MATCHES), further, strict=False)]
    return places


def _below(place: _Place, step: Step) -> Iterator[_Place]:
    if not isinstance(place.node, Collection):
        return
    if isinstance(step, Key) and step.is_deep:
        yield from _deep(place, step.name)
        return
    children = list(_children(place))
    if isinstance(step, Index):
        if not place.node.is_mapping and -len(children) <= step.number < len(children):
            yield children[step.number]
        return
    for child in children:
        if isinstance(step, Every):
            yield child
        elif isinstance(step, Key):
            if place.node.is_mapping and child.path and child.path.step == step.name:
                yield child
        elif _holds(child, step):
            yield child


def _children(place: _Place) -> Iterator[_Place]:
    node = place.node
    if not isinstance(node, Collection):
        return
    if not node.is_mapping:
        for index, item in enumerate(node.children):
            yield _Place(resolved(item), Path(place.path, index), node)
        return
    for key, value in node.pairs():
        if isinstance(key, Scalar):
            yield _Place(resolved(value), Path(place.path, key.text), node)


def _deep(place: _Place, name: str) -> Iterator[_Place]:
    """Values of a key in this collection and all below it, in document order."""
    waiting = [place]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_VISITED:
        current = waiting.pop()
        if id(current.node) in seen:
            continue
        seen.add(id(current.node))
        children = list(_children(current))
        is_mapping = isinstance(current.node, Collection) and current.node.is_mapping
        for child in children:
            if is_mapping and child.path and child.path.step == name:
                yield child
        waiting += (each for each in reversed(children) if isinstance(each.node, Collection))


def _holds(child: _Place, where: Where) -> bool:
    places = [child]
    for key in where.keys:
        places = [below for each in places for below in _below(each, Key(key))]
    node = places[-1].node if places else None
    if not isinstance(node, Scalar):
        return False
    return (node.text == where.text) is where.is_equal
