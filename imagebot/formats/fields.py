"""A policy's `fields`: values at an address, laid over what the formats found in a file.

Pure. What a field means overrules what a format made of the same bytes. Name, tag and digest that
fields of one policy find in one mapping are one image.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.field_paths import literal_keys, parse
from imagebot.formats.beside import Unnamed, take_digest
from imagebot.formats.field_places import FieldPlace, FieldPlaces
from imagebot.formats.joined import joined
from imagebot.formats.marked import Reading, read_marked
from imagebot.formats.marker_text import MarkerText
from imagebot.formats.page import Page
from imagebot.formats.siblings import Templated, Unclear
from imagebot.formats.sighting import add, value_of, whole
from imagebot.formats.walk import top_level
from imagebot.model import Found, Occurrence, Part, Problem, Span
from imagebot.policy.fielding import FieldRule
from imagebot.yaml_nodes import Document, Scalar, Section

NAME = "field"


class _Match(NamedTuple):
    """A value that a field means, as it was read."""

    rule: FieldRule
    place: FieldPlace
    scalar: Scalar
    reading: Reading


class Laid(NamedTuple):
    """What a file holds with fields laid over it, and which of the rules found something."""

    found: Found
    matched: frozenset[FieldRule]


def may_match(source: bytes, section: Section, rule: FieldRule) -> bool:
    """False only where a section lacks a word without which there is no such value."""
    words = (*literal_keys(parse(rule.field.path)), rule.field.kind or "")
    return all(source.find(word.encode(), *section) >= 0 for word in words)


def lay(
    page: Page, documents: Sequence[Document], found: Found, rules: Sequence[FieldRule]
) -> Laid:
    """Find what the rules mean, on an empty page, and put it in the place of what stood there."""
    matched: set[int] = set()
    owners: dict[Span, FieldRule] = {}
    places = FieldPlaces(page)
    for document in documents:
        matches = list(_matches(page, places, document, rules, matched))
        unnamed = Unnamed(match.scalar for match in matches)
        for group in _groups(matches):
            _add(page, group, owners, unnamed)
    if page.is_full:
        told = (*found.problems, page.too_many())
        return Laid(found._replace(problems=told), frozenset(rules[at] for at in matched))
    occurrences = [_with_marker(item, found.occurrences) for item in page.occurrences]
    taken = sorted(
        {(slot.span.start, slot.span.end) for item in occurrences for slot in item.slots}
    )
    kept = [item for item in found.occurrences if not _overlaps(item, taken)]
    occurrences = sorted((*kept, *occurrences), key=lambda item: item.slots[0].span.start)
    problems = sorted(_problems(page, found), key=lambda it: (it.line, it.column))
    laid = found._replace(occurrences=tuple(occurrences), problems=tuple(problems))
    return Laid(laid, frozenset(rules[at] for at in matched))


def _problems(page: Page, found: Found) -> list[Problem]:
    """What both have told, each once: a document that cannot be read is nobody's to read."""
    known = {(each.line, each.message) for each in found.problems}
    new = (each for each in page.problems if (each.line, each.message) not in known)
    return [*found.problems, *new]


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
    page: Page,
    places: FieldPlaces,
    document: Document,
    rules: Sequence[FieldRule],
    matched: set[int],
) -> Iterator[_Match]:
    for number, rule in enumerate(rules):
        kind = rule.field.kind
        if kind and top_level(document, "kind") != kind:
            continue
        seen: set[int] = set()
        found, barred = places.of(document, parse(rule.field.path))
        if found or barred:
            matched.add(number)
        for place, reason in barred:
            _report(page, rule, place, f" {reason}", "use an address that ends at the text itself")
        for place in found:
            if id(place.node) in seen:
                continue
            seen.add(id(place.node))
            match = _read(page, rule, place)
            if match is not None:
                yield match


def _read(page: Page, rule: FieldRule, place: FieldPlace) -> _Match | None:
    """What the value says; None, and a problem, where it does not say what the field promises."""
    node = place.node
    if not isinstance(node, Scalar):
        _report(page, rule, place, " leads to a mapping or list, not to a value")
        return None
    marker = MarkerText(rule.policy.name, Part(rule.field.part), is_flux=True)
    try:
        reading = read_marked(marker, "", value_of(node))
    except InvalidReference as error:
        _report(page, rule, place, f": {error}", error.hint)
        return None
    return _Match(rule, place, node, reading)


def _report(
    page: Page, rule: FieldRule, place: FieldPlace, what: str, hint: str = "", image: str = ""
) -> None:
    message = f"field {rule.field.path!r} of policy {rule.policy.name!r}{what}"
    address = str(place.path) if place.path else ""
    page.report(place.offset, message, hint=hint, address=address, is_warning=False, image=image)


def _groups(matches: Sequence[_Match]) -> list[list[_Match]]:
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


def _add(page: Page, group: list[_Match], owners: dict[Span, FieldRule], unnamed: Unnamed) -> None:
    rule, place = group[0].rule, group[0].place
    parts, tag, digest, reference = joined((match.scalar, match.reading) for match in group)
    if Part.REFERENCE not in parts:
        images = (match.rule.field.image for match in group if match.rule.field.image)
        name = reference.name if reference else next(images, "")
        reference = whole(name, tag, digest) if name else None
    key = place.path.step if place.path else ""
    try:
        digest = take_digest(parts, place.parent, str(key), unnamed, place.holder) or digest
    except (Unclear, Templated, InvalidReference) as reason:
        image = str(reference.repository) if reference else ""
        _report(page, rule, place, f": {reason}", reason.hint, image)
        return
    if reference is not None:
        reference = whole(reference.name, tag, digest)
    count = len(page.occurrences)
    add(
        page,
        place.document,
        place.path,
        NAME,
        parts,
        reference,
        (tag, digest),
        place.anchored,
        is_asked_for=True,
    )
    if len(page.occurrences) == count:
        return
    made = page.occurrences[-1]
    aliases = tuple(sorted({*made.aliases, *place.aliases}))
    made = replace(made, field_of=rule.policy.identity, aliases=aliases)
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
