"""Read tags as each order does: what is compared, and which tags may be compared with it.

Pure. A reader is made once for a policy and a current tag. It gives a `Reading` for a tag, or says
in words why the order can make nothing of it. `family` is what a tag must have in common with
the current one, None where the policy's filter alone says which tags belong together.
"""

from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Protocol

from imagebot.dates import FoundDate, Layout, find_well_known
from imagebot.policy.model import Order, Suffix, TagRules
from imagebot.selection import families
from imagebot.selection.families import TagReading as Reading
from imagebot.selection.newer_suffix import as_newer_suffix
from imagebot.selection.numbers import number_in, read_number
from imagebot.selection.shapes import Shape
from imagebot.selection.suffixes import without_commits

MAX_EXTRACT_LENGTH = 256
Times = Mapping[str, datetime | str]
"""When each tag was built or first seen, or why that is not known."""


_NO_LAYOUT = "without a current tag a layout has to say how dates are written"


class Reader(Protocol):
    """One order, for one policy and current tag."""

    def read_tag(self, tag: str) -> Reading | str:
        """A whole tag."""
        ...

    def read_extract(self, text: str) -> Reading | str:
        """What the policy's template gave: the text must be nothing but what is ordered."""
        ...


def reader_for(rules: TagRules, current: str | None, times: Times) -> Reader:
    """The reader of a policy's order. The order digest reads nothing: it has no reader."""
    is_free = rules.filter is not None  # the filter says which tags belong together
    match rules.order:
        case Order.NUMERIC:
            return NumberReader(current, is_free)
        case Order.DATE:
            return DateReader(rules.layout, current, is_free)
        case Order.ALPHABETIC:
            return TextReader(current, is_free)
        case Order.NEWEST_BUILD:
            return TimeReader(current, is_free, times)
        case _:
            return VersionReader(rules.suffix)


class VersionReader:
    """The order semver."""

    def __init__(self, suffix: Suffix) -> None:
        self._may_raise_suffix = suffix is Suffix.NEWER

    def read_tag(self, tag: str) -> Reading | str:
        reading = families.read_tag(tag)
        if reading and self._may_raise_suffix:
            return as_newer_suffix(reading)
        return reading or "not a semver version"

    def read_extract(self, text: str) -> Reading | str:
        return families.read_extract(text) or f"not a semver version: the extract {text[:40]!r}"


class NumberReader:
    """The order numeric. Without a filter the one number in tags of the current one's shape."""

    def __init__(self, current: str | None, is_free: bool) -> None:
        self._shape = None if is_free or current is None else Shape.of(current)
        self._is_free = is_free

    def read_tag(self, tag: str) -> Reading | str:
        number = tag
        if self._shape is not None:
            if not self._shape.fits(tag):
                return _other_shape(self._shape)
            number = number_in(self._shape, tag)
        elif self._is_free:
            number = number_in(Shape.of(tag), tag)
        key = read_number(number)
        if key is None:
            return "holds no number, or several; say with filter and extract which one counts"
        return Reading(number, key, None)

    def read_extract(self, text: str) -> Reading | str:
        key = read_number(text)
        return (
            f"not a number: the extract {text[:40]!r}" if key is None else Reading(text, key, None)
        )


class DateReader:
    """The order date. Dates in one layout with the same text around them belong together."""

    def __init__(self, layout: Layout | None, current: str | None, is_free: bool) -> None:
        self._layout = layout
        self._is_open = layout is None and current is None  # dates of two layouts never compare
        if layout is None and current is not None and not is_free:
            like_current = find_well_known(current)  # no other layout is of its family
            self._layout = like_current.layout if like_current else None

    def read_tag(self, tag: str) -> Reading | str:
        found = self._layout.find(tag) if self._layout else find_well_known(tag)
        if found and self._is_open:
            return _NO_LAYOUT
        if found is None:
            return f"no date in the layout {self._layout}" if self._layout else "no date in it"
        return Reading(tag[found.start : found.end], found.key, _around(tag, found))

    def read_extract(self, text: str) -> Reading | str:
        found = self._layout.find(text) if self._layout else find_well_known(text)
        if found and self._is_open:
            return _NO_LAYOUT
        if found is None or (found.start, found.end) != (0, len(text)):
            layout = f" in the layout {self._layout}" if self._layout else ""
            return f"not a date{layout}: the extract {text[:40]!r}"
        return Reading(text, found.key, found.layout.text)


class TextReader:
    """The order alphabetic, bytewise. Without a filter tags of the current one's shape."""

    def __init__(self, current: str | None, is_free: bool) -> None:
        self._shape = _shape(current, is_free)
        self._is_free = is_free

    def read_tag(self, tag: str) -> Reading | str:
        refusal = _why_not_alike(tag, self._shape, self._is_free)
        return refusal or Reading(tag, (tag,), None)

    def read_extract(self, text: str) -> Reading | str:
        return Reading(text, (text,), None) if text else "the extract is empty"


class TimeReader:
    """The order newest-build. Tags whose time is not given yet are remembered as `undated`."""

    def __init__(self, current: str | None, is_free: bool, times: Times) -> None:
        self._shape = _shape(current, is_free)
        self._is_free = is_free
        self._times = times
        self.undated: list[str] = []

    def read_tag(self, tag: str) -> Reading | str:
        refusal = _why_not_alike(tag, self._shape, self._is_free)
        if refusal:
            return refusal
        time = self._times.get(tag)
        if time is None:
            self.undated.append(tag)
            return "not known yet when it was built"
        return time if isinstance(time, str) else Reading(tag, (time,), None)

    def read_extract(self, text: str) -> Reading | str:
        raise NotImplementedError("the schema allows no extract with the order newest-build")


def _shape(current: str | None, is_free: bool) -> Shape | None:
    return None if is_free or current is None else Shape.of(current, digits_may_be_commit=True)


def _why_not_alike(tag: str, shape: Shape | None, is_free: bool) -> str:
    if is_free:
        return ""
    if shape is None:
        return "without a current tag a filter has to say which tags belong together"
    return "" if shape.fits(tag) else _other_shape(shape)


def _other_shape(shape: Shape) -> str:
    return f"another tag family: the current has the shape {shape.text}"


def _around(tag: str, found: FoundDate) -> Hashable:
    """Layout and text around a date. Commit ids differ from build to build, so they are alike."""
    before, behind = (without_commits(text) for text in (tag[: found.start], tag[found.end :]))
    return found.layout.text, before, behind
