"""Where a choice starts: the current tag as the rules read it, and how a tag is read by them.

Pure. Nothing can be chosen where the current tag cannot be compared: then the `Origin` says why.
"""

from dataclasses import dataclass

from imagebot.patterns import Pattern
from imagebot.policy.model import Order, TagRules
from imagebot.selection.families import TagReading as Reading
from imagebot.selection.reading import MAX_EXTRACT_LENGTH, Reader
from imagebot.selection.shapes import natural_key
from imagebot.selection.tag_kinds import TagKind, kind_of


@dataclass(frozen=True, slots=True)
class Origin:
    """The current tag as the rules read it.

    `refusal` is set when nothing can be compared with the current tag: then every tag gets it.
    """

    current: str | None
    reading: Reading | None = None
    has_family: bool = False  # else the filter alone says which tags belong together
    is_v_free: bool = False  # `v` or no prefix are the same
    note: str = ""
    refusal: str = ""


def origin_of(rules: TagRules, current: str | None, reader: Reader) -> Origin:
    """How the rules read the current tag, which every other is compared with."""
    if current is None:
        return Origin(None, has_family=rules.filter is None, is_v_free=True)
    if rules.filter and not rules.filter.is_in(current):
        note = f"the current {current} does not match filter '{rules.filter}'"
        reading = reader.read_tag(current)
        if not isinstance(reading, str):
            return Origin(current, reading, note=f"{note}; compared as it is")
        return _incomparable(current, note)
    if rules.filter and rules.extract:
        found = extracted(rules.filter, rules.extract, current, reader)
        if found is None or isinstance(found, str):
            words = f"what the policy extracts from the current {current} cannot be compared"
            return _incomparable(current, f"{words}: {found}")
        return Origin(current, found)
    reading = reader.read_tag(current)
    if isinstance(reading, str):
        return _incomparable(current, _why_unreadable(rules, current, reading))
    if rules.order is not Order.SEMVER:
        return Origin(current, reading, has_family=rules.filter is None)
    is_v_free = rules.filter is not None and reading.family.prefix in ("", "v")
    return Origin(current, reading, has_family=True, is_v_free=is_v_free)


def _incomparable(current: str, note: str) -> Origin:
    refusal = f"the current {current} names nothing to compare with"
    return Origin(current, note=note, refusal=refusal)


def _why_unreadable(rules: TagRules, current: str, reason: str) -> str:
    if rules.order is not Order.SEMVER:
        return f"the current {current} cannot be compared: {reason}"
    why = _WHY_NO_VERSION.get(kind_of(current))
    return f"{current} {why}" if why else f"{current} names no version that others compare with"


_WHY_NO_VERSION = {
    TagKind.MOVING: "is a moving tag: it names no version, so none is higher; order: digest "
    "follows what it points to",
    TagKind.NUMBER: "may be a date, a build or a commit; say which with order: date or numeric",
    TagKind.COMMIT: "is named after a commit, which has no order; order: newest-build compares "
    "when images were built, and numeric or date what else the tag holds",
}


def extracted(
    pattern: Pattern, templates: tuple[str, ...], tag: str, reader: Reader
) -> Reading | str | None:
    """What the templates make of a tag; None where the filter does not let it in."""
    match = pattern.search(tag)
    if match is None:
        return None
    first, *others = (pattern.expand(match, template) for template in templates)
    if any(len(text) > MAX_EXTRACT_LENGTH for text in (first, *others)):
        return f"the extract is longer than {MAX_EXTRACT_LENGTH} characters"
    reading = reader.read_extract(first)
    if isinstance(reading, str) or not others:
        return reading
    return reading._replace(rest=tuple(natural_key(text) for text in others))
