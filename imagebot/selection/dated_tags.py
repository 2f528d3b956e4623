"""Find the date in a tag that is named after one: `jammy-20240911.1`, `2024-10-14`, `2024w41`.

Pure. Only dates that cannot be taken for anything else: eight digits that are a day of this
century and have other text beside them, the same with hyphens, or a year and a week. What a
policy's layout says is in imagebot/dates.py; calendar versions with dots are versions.
"""

import re
from typing import NamedTuple

COMPACT_DATE = r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
DASHED_DATE = r"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"


class DatedTag(NamedTuple):
    """A tag around its date."""

    prefix: str
    numbers: tuple[int, int, int]  # year, month and day, or year, week and 0
    further: tuple[int, ...]  # hour, minute and second where there are any, and a count of builds
    scheme: str  # how the date is written: YYYY-MM-DD
    rest: str


_TEXT = "[A-Za-z0-9_.-]"
_BEFORE = rf"((?:{_TEXT}*?[-_.])?v?)"
_BEHIND = rf"(?![A-Za-z0-9]|\.[0-9])({_TEXT}*)"
_HINT = re.compile(r"(?<![0-9])20[0-9][0-9](?:[01]|-[01]|[-_.]?[wW])")
_TIME = (  # behind T, behind a hyphen where the date has hyphens, or directly behind
    r"(?:(T|(?<=-..)[-_]|)([01][0-9]|2[0-3])(-?)([0-5][0-9])(?:\8([0-5][0-9]))?(Z?))?"
)
_DAY = re.compile(
    rf"{_BEFORE}(20[0-9]{{2}})(-?)(0[1-9]|1[0-2])\3(0[1-9]|[12][0-9]|3[01]){_TIME}"
    rf"(?:\.([0-9]{{1,6}}))?{_BEHIND}"
)
_WEEK = re.compile(rf"{_BEFORE}(20[0-9]{{2}})([-_.]?[wW])(0?[1-9]|[1-4][0-9]|5[0-3]){_BEHIND}")
_COMMITS = re.compile(r"(?:.*[-_.])?(?:sha|sha1|git|commit)[-_.]", re.IGNORECASE)


def read_dated_tag(tag: str) -> DatedTag | None:
    """None also for a bare number, which may be a build or a commit as well."""
    if "20" not in tag or not _HINT.search(tag) or tag.isdigit():
        return None
    found = _DAY.fullmatch(tag)
    if not found:
        return _read_week(tag)
    prefix, year, dash, month, day, joint, hour, colon, minute, second, zone, build, rest = (
        found.groups()
    )
    if _COMMITS.fullmatch(prefix):
        return None  # eight digits of a commit
    scheme = f"YYYY{dash}MM{dash}DD"
    time: tuple[int, ...] = ()
    if hour:
        scheme += f"{joint}hh{colon}mm" + (f"{colon}ss" if second else "") + zone
        time = int(hour), int(minute), int(second or 0)
    further = (*time, int(build or 0))  # jammy-20240911.1 is after jammy-20240911
    return DatedTag(prefix, (int(year), int(month), int(day)), further, scheme, rest)


def _read_week(tag: str) -> DatedTag | None:
    found = _WEEK.fullmatch(tag)
    if not found:
        return None
    prefix, year, joint, week, rest = found.groups()
    return DatedTag(prefix, (int(year), int(week), 0), (), f"YYYY{joint}WW", rest)
