"""Markers: comments that put a value under a policy: the one on their line, or the one below.

Pure. A marker is looked for behind the last value on its line; a comment line that begins with
a marker means what the next line holds. In a document that the parser cannot read, a marker
names the value on its line and nothing else there is touched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.beside import Unnamed
from imagebot.formats.marked import Reading, is_plainly_an_image, read_marked
from imagebot.formats.marked_groups import Marked, add_marked, groups_of
from imagebot.formats.marked_values import Known, Target, Value, Values
from imagebot.formats.marker_text import OPENING, MarkerText, is_prose, read_comment, stands_alone
from imagebot.formats.page import Embedded, Page, inside
from imagebot.formats.prefilter import marker_offsets
from imagebot.formats.raw_lines import read_raw_line
from imagebot.formats.sighting import value_of
from imagebot.model import Marker, Part
from imagebot.yaml_nodes import Reading as SectionReading
from imagebot.yaml_nodes import Section

NAME = "marker"
_ENOUGH_POLICIES = 5  # to tell of, where one value stands under several


class _Comment(NamedTuple):
    """A marker with the place where it stands."""

    text: MarkerText
    offset: int
    line: int


def read(page: Page, section: Section, reading: SectionReading) -> None:
    """Lay the markers of a section over the occurrences found in it, and add what they name."""
    lines = sorted({page.lines.number(at) for at in marker_offsets(page.source, section)})
    known = Known(page, section.start)
    whole_section = Embedded(*section, reading, "")
    for text, lines_there in _by_text(page, whole_section, lines):
        if text is whole_section:
            _read_lines(page, known, reading, lines_there)
        else:
            with inside(page, text.address, aliases=text.aliases):
                _read_lines(page, known, text.reading, lines_there)


def _by_text(
    page: Page, whole_section: Embedded, lines: list[int]
) -> Iterator[tuple[Embedded, list[int]]]:
    """Lines by the innermost text that they stand in: the section, or a block scalar in it."""
    waiting = sorted(page.embedded, key=lambda text: (text.start, -text.end), reverse=True)
    around = [whole_section]
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


def _read_lines(page: Page, known: Known, reading: SectionReading, lines: list[int]) -> None:
    values = Values(page, reading)
    marked: dict[int, list[Marked]] = {}
    for line in lines:
        begin, end = page.lines.bounds(line)
        if reading.broken is not None and begin > values.last_end:
            read_raw_line(page, NAME, line, begin, end)
            continue
        for item in _read_line(page, values, known, line):
            marked.setdefault(item.value.start, []).append(item)
    unnamed = Unnamed(same[0].value.scalar for same in marked.values())
    for group in groups_of([same[0] for same in marked.values()]):
        add_marked(page, NAME, group, unnamed)
    further = [item for same in marked.values() for item in same[1:]]
    if further:
        known = Known(page, known.begin)
        for item in further:
            span = (item.value.start, item.value.end)
            owner = known.at(Target(*span, item.value, span, False))
            if owner is not None and known.is_news(owner[0], item.marker.policy, is_first=False):
                lay(page, owner[0], item.marker, is_first=False)


def _read_line(page: Page, values: Values, known: Known, line: int) -> list[Marked]:
    begin, end = page.lines.bounds(line)
    at = values.comment_start(begin, end)
    if at == -1:
        return []
    if at == -2:
        _report_in_text(page, begin, end)
        return []
    comment = page.source[at:end].decode(errors="replace")
    text = read_comment(comment)
    if text is None:
        return []
    is_remark = not page.source[begin:at].strip()
    if text.fault:
        is_warning = is_prose(text, comment, is_remark=is_remark)
        page.report(at, text.fault, hint=text.hint, is_warning=is_warning)
        return []
    found = _Comment(text, at, line)
    if is_remark and stands_alone(comment):
        return _read_above(page, values, known, found)
    targets = values.on_line(begin, end)
    if len(targets) > 1:
        targets = _fitting(known, targets, text)
    if len(targets) != 1:
        _report_no_target(page, at, bool(targets), is_remark or text.is_sentence)
        return []
    return _mark(page, values, known, targets[0], found)


def _read_above(page: Page, values: Values, known: Known, found: _Comment) -> list[Marked]:
    """A marker on a line of its own: it means what the next line that is no comment holds."""
    target = values.below(found.line)
    if target is not None:
        return _mark(page, values, known, target, found)
    page.report(
        found.offset,
        "a marker stands above no value",
        hint="put the marker on the value's own line, or on the line above its key or item",
        is_warning=found.text.is_sentence,
    )
    return []


def _report_in_text(page: Page, begin: int, end: int) -> None:
    """Tell of a marker in a text that is no YAML, such as a script in a ConfigMap.

    An error as of any marker that cannot work, but for prose: it has no comment around the marker,
    or the marker is not the first word of a comment that fills the line.
    """
    line = page.source[begin:end].decode(errors="replace")
    marker = read_comment(line)
    if marker is None:
        return
    words = (line.find(word) for word in ("imagebot:", "$imagepolicy"))
    at = min(where for where in words if where >= 0)
    openings = [found for found in OPENING.finditer(line) if found.start() < at]
    last = openings[-1].start() if openings else 0
    is_remark = bool(openings) and not line[:last].strip()
    is_warning = not openings or is_prose(marker, line[last:], is_remark=is_remark)
    page.report(
        begin + len(line[:last].encode()),
        "a marker stands inside a text block, where values are not edited",
        hint="let the text read the image from a value of its own, or keep it in a file of its own",
        is_warning=is_warning,
    )


def _report_no_target(page: Page, offset: int, is_many: bool, is_warning: bool) -> None:
    if is_many:
        message = "a marker stands on a line with several values, so it names none"
    else:
        message = "a marker stands on a line without a value"
    page.report(
        offset,
        message,
        hint="put the marker behind the value, on the value's own line",
        is_warning=is_warning,
    )


def _fitting(known: Known, targets: list[Target], text: MarkerText) -> list[Target]:
    """Of several values on a line the one that can be meant; all of them where that is unclear."""
    fitting = []
    owners: list[set[int]] = []
    for target in targets:
        owner = known.at(target) if target.value else None
        if owner is not None and text.part in (Part.REFERENCE, owner[1].part):
            fitting.append(target)
            owners.append(set(owner[0]))
    if owners:
        return fitting[:1] if set.intersection(*owners) else targets
    images = [target for target in targets if _read_image(target.value, text)]
    return images if len(images) == 1 else targets


def _read_image(value: Value | None, text: MarkerText) -> Reading | None:
    """What a value says that is plainly an image, None of any other."""
    if value is None or text.part is not Part.REFERENCE:
        return None
    try:
        reading = read_marked(text, value.key, value_of(value.scalar))
    except InvalidReference:
        return None
    return reading if is_plainly_an_image(reading) else None


def _mark(
    page: Page, values: Values, known: Known, target: Target, found: _Comment
) -> list[Marked]:
    """Put a marker on the occurrence it stands at; a value that no format knows is given back."""
    marker = Marker(found.text.policy, found.text.part, found.line, found.text.is_sentence)
    value = target.value
    try:
        if value is None:
            index = _only_image(page, known, target, found.text.part)
            if index is None:
                value, reading = _only_reference(values, target, found.text)
                return [Marked(value, marker, reading)]
            lay(page, (index,), marker, is_first=not target.is_alias)
            return []
        reading = read_marked(found.text, value.key, value_of(value.scalar))
        owner = known.at(target)
        if owner is None:
            return [Marked(value, marker, reading)]
        _refuse_other_part(owner[1].part, marker.part)
    except InvalidReference as error:
        offset = value.start if value and not target.is_alias else found.offset
        address = str(value.path) if value else ""
        page.report(
            offset, str(error), hint=error.hint, address=address, is_warning=marker.is_sentence
        )
        return []
    if known.is_news(owner[0], marker.policy, is_first=not target.is_alias):
        lay(page, owner[0], marker, is_first=not target.is_alias)
    return []


def _only_image(page: Page, known: Known, target: Target, part: Part) -> int | None:
    """The one occurrence inside a collection, None where there is none.

    Raises InvalidReference where there are several.
    """
    owners = known.within(target)
    if not owners:
        return None
    if len(owners) != 1:
        raise _not_one(len(owners))
    (index,) = owners
    slots = page.occurrences[index].slots
    if part is not Part.REFERENCE and all(slot.part is not part for slot in slots):
        _refuse_other_part(slots[0].part, part)
    return index


def _only_reference(values: Values, target: Target, text: MarkerText) -> tuple[Value, Reading]:
    """The one value inside a collection that is plainly an image, whatever its key.

    Raises InvalidReference where it is not one.
    """
    words = (value for value in values.within(target) if len(value.scalar.text.split()) == 1)
    read = ((value, _read_image(value, text)) for value in words)
    images = [(value, reading) for value, reading in read if reading]
    if len(images) != 1:
        raise _not_one(len(images))
    return images[0]


def _not_one(count: int) -> InvalidReference:
    told = f"{count} images" if count else "no image"
    return InvalidReference(
        f"a marker stands at a mapping or list that holds {told}",
        hint="put the marker on the line of the value that is meant",
    )


def _refuse_other_part(written: Part, asked: Part) -> None:
    if asked not in (Part.REFERENCE, written):
        raise InvalidReference(
            f"the marker says :{asked}, but this is the image's {written}",
            hint="write the marker without a part, or with the part that stands here",
        )


def lay(page: Page, indices: Iterable[int], marker: Marker, *, is_first: bool = True) -> None:
    """Note a marker at occurrences. Each other policy is noted once: two are wrong already."""
    for index in indices:
        occurrence = page.occurrences[index]
        others = occurrence.other_markers
        known = {other.policy for other in (occurrence.marker, *others) if other}
        if occurrence.marker is None and is_first:
            page.occurrences[index] = replace(occurrence, marker=marker)
        elif marker.policy not in known and len(known) < _ENOUGH_POLICIES:
            page.occurrences[index] = replace(occurrence, other_markers=(*others, marker))
