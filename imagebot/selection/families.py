"""How a tag is read as a version, and which tags belong together: the tag family.

Pure. Knows nothing of policies but their names for things; `selection` joins both.

    read_tag(tag)            .key to order by, .family to keep; None for what is no version
    read_extract(text)       the same of what a template gave: a version and nothing else
    way_of_counting(family)  its scheme in words

Tags of equal family differ in nothing but their version, counters of builds, dates and commits:
`16.4.0-debian-12-r3` and `16.4.1-debian-12-r0` have the family ("", 3, "-debian-12-r*").
Further numbers (1.2.3.4), counters and dates stand in the key behind its first four places, so
that `-r7` is above `-r3`; commits stand nowhere, so that tags which differ only there have equal
keys: neither is higher. What `suffix: newer` makes of a reading stands in newer_suffix.py.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from imagebot.selection.dated_tags import COMPACT_DATE, read_dated_tag
from imagebot.selection.suffixes import (
    COMMIT_ID,
    is_attached_counter,
    read_rest,
    without_commits,
)
from imagebot.version import (
    MAX_DIGITS,
    PRE_RELEASE,
    RELEASE,
    Key,
    PreReleaseKey,
    natural_pre_release_key,
)

MAX_TAG_LENGTH = 128  # distribution spec; longer texts are no tags
LONG_NUMBER_DIGITS = 7  # a bare number this long may be a date, a build or a commit

MOVING_TAGS = re.compile(
    "alpha|beta|canary|current|dev|develop|development|edge|head|latest|lts|main|mainline|master"
    "|next|nightly|preview|prod|production|rc|release|rolling|snapshot|stable|staging|test|testing"
    "|trunk|unstable",
    re.IGNORECASE,
)


# cosign's signatures and the distribution spec's fall-back for referrers: sha256-<hex>[.sig]
_ARTIFACT = re.compile(r"sha(?:256-[0-9a-f]{64}|512-[0-9a-f]{128})(?:\.[A-Za-z0-9_.-]+)?")


def is_artifact(tag: str) -> bool:
    """Whether the tag holds something about another image, named by that one's digest."""
    return tag.startswith("sha") and _ARTIFACT.fullmatch(tag) is not None


class Family(NamedTuple):
    """What tags have in common that belong together: all but their version."""

    prefix: str
    part_count: int
    suffix: str  # with `*`, `<date>` and `<commit>` for what may differ
    scheme: str = ""  # how it names time, which is never mixed with plain numbers: see `_scheme`


class TagReading(NamedTuple):
    """A tag taken apart: `v1.2.0-rc.1-alpine` is v, 1 2 0, rc.1 and -alpine.

    Other orders than semver fill it too, with keys and families of their own.
    """

    text: str  # what was read: the tag or its extract
    key: Any  # of the order semver: a Key
    family: Any  # of the order semver: a Family
    rest: tuple[Any, ...] = ()  # decides between equal keys


_TEXT = "[A-Za-z0-9_.-]"  # what a tag may hold
_NUMBER = rf"[0-9]{{1,{MAX_DIGITS}}}"
_FURTHER = rf"((?:\.{_NUMBER})*)"
_NUMBERS_END = r"(?!\.?[0-9])"
_PLAIN = re.compile(
    rf"(v?)({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER}){_FURTHER})?)?{_NUMBERS_END}({_TEXT}*)"
)
# Text before a version ends in a separator, or in a word that says "version": `alpine3.20` is no
# version 3.20 of the image, but its newest version on that Alpine.
_VERSION_WORDS = "(?:[vVrRbB]|ver|version|rel|release|build)"
_BEFORE = rf"((?:{_TEXT}*?(?:[-_]|[A-Za-z]\.))?{_VERSION_WORDS}?)"
_BEHIND_TEXT = (
    re.compile(
        rf"{_BEFORE}({_NUMBER})\.({_NUMBER})\.({_NUMBER}){_FURTHER}{_NUMBERS_END}({_TEXT}*)"
    ),
    re.compile(rf"{_BEFORE}({_NUMBER})\.({_NUMBER})()(){_NUMBERS_END}({_TEXT}*)"),
)
_DOTTED = re.compile(r"[0-9]\.[0-9]")
_EXTRACTED = re.compile(rf"v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?(?:-({PRE_RELEASE}))?")


def read_tag(tag: str) -> TagReading | None:
    """Take a tag apart; None when it names no version.

    The version stands at the start, or behind text as a dotted number (`release-1.2`), a date
    (`jammy-20240911`) or a count of builds (`build-45`). A bare number of seven digits or more, or
    a commit, is no version: its order only a user knows.
    """
    length = len(tag)
    if length <= SHORT_LENGTH:
        reading = _read_short(tag)
        if reading is not None:
            return reading
    elif length > MAX_TAG_LENGTH:
        return None
    return _read(tag)


def _read(tag: str) -> TagReading | None:
    found = _PLAIN.fullmatch(tag)
    if not found:
        return _read_behind_text(tag)
    prefix, major, minor, patch, further, rest = found.groups()
    if minor:
        return _read_numbers(tag, prefix, major, minor, patch, further, rest)
    return _read_one_number(tag, prefix, major, rest)


def read_extract(text: str) -> TagReading | None:
    """Read what a template gave: a version and nothing else. Whatever is behind `-` is a
    pre-release."""
    found = _EXTRACTED.fullmatch(text) if len(text) <= MAX_TAG_LENGTH else None
    if not found:
        return None
    *numbers, pre_release = found.groups()
    major, minor, patch = (int(number or 0) for number in numbers)
    key = major, minor, patch, natural_pre_release_key(pre_release) if pre_release else RELEASE
    scheme = _scheme(*filter(None, numbers))
    return TagReading(text, key, family_of("", 3 - numbers.count(None), "", scheme))


# --- Versions ------------------------------------------------------------------------------------

SHORT_LENGTH = 10  # three numbers that are so short together hold no year, date or long number
_SHORT_FAMILIES = {"": Family("", 3, ""), "v": Family("v", 3, "")}


def _read_short(tag: str) -> TagReading | None:
    """What `read_tag` gives for `1.25.3` and `v1.25.3`, in half the time: half of all tags are
    such. None for everything else."""
    prefix = "v" if tag.startswith("v") else ""
    numbers = (tag[1:] if prefix else tag).split(".")
    if len(numbers) != 3:
        return None
    major, minor, patch = numbers
    is_plain = major.isdecimal() and minor.isdecimal() and patch.isdecimal() and tag.isascii()
    if not is_plain or len(major) > 3:
        return None
    key = (int(major), int(minor), int(patch), RELEASE)
    return _reading(TagReading, (tag, key, _SHORT_FAMILIES[prefix], ()))


_reading = tuple.__new__  # a NamedTuple's own constructor takes three times as long


def _read_numbers(
    tag: str,
    prefix: str,
    major: str,
    minor: str,
    patch: str | None,
    further: str | None,
    rest: str,
) -> TagReading | None:
    """`further` begins with a dot."""
    if len(major) >= LONG_NUMBER_DIGITS:
        return _read_date(tag)  # jammy-20240911.1
    if rest and rest[0] in "abcdef":
        commit = _DOTTED_COMMIT.search(tag)
        if commit:  # 1.2.3.3f2a9c1 as 1.2.3.g3f2a9c1: that 3 is no number of the version
            reading = _read(f"{tag[: commit.start()]}.g{commit[1]}{tag[commit.end() :]}")
            return reading and reading._replace(text=tag)
    if further and patch:
        return _read_long_version(tag, prefix, (major, minor, patch), further, rest)
    scheme, part_count = "", 3
    if not patch:
        patch, part_count = "0", 2
    if len(major) > 3 or len(minor) >= LONG_NUMBER_DIGITS or len(patch) >= LONG_NUMBER_DIGITS:
        scheme = _scheme(major, minor, patch)
    pre_release, counters, family = _around(prefix, part_count, rest, scheme)
    if counters:
        key: Key = (int(major), int(minor), int(patch), pre_release, *counters)
    else:
        key = (int(major), int(minor), int(patch), pre_release)
    return _reading(TagReading, (tag, key, family, ()))


def _read_long_version(
    tag: str, prefix: str, three: tuple[str, str, str], further: str, rest: str
) -> TagReading:
    major, minor, patch = three
    more = further[1:].split(".")
    is_usual = len(major) < 4 and max(map(len, (minor, patch, *more))) < LONG_NUMBER_DIGITS
    scheme = "" if is_usual else _scheme(*three, *more)
    pre_release, counters, family = _around(prefix, 3 + len(more), rest, scheme)
    numbers = (*map(int, more), *counters)
    key: Key = (int(major), int(minor), int(patch), pre_release, *numbers)
    return TagReading(tag, key, family)


def _around(
    prefix: str, part_count: int, rest: str, scheme: str
) -> tuple[PreReleaseKey, tuple[int, ...], Family]:
    """What stands around the numbers of a version: pre-release, counters, family."""
    return _read_around(prefix, part_count, without_commits(rest), scheme)


@lru_cache(maxsize=4096)
def _read_around(
    prefix: str, part_count: int, rest: str, scheme: str
) -> tuple[PreReleaseKey, tuple[int, ...], Family]:
    pre_release, suffix, counters = read_rest(rest, may_be_pre_release=part_count <= 3)
    return pre_release, counters, family_of(prefix, part_count, suffix, scheme)


_DATE_NUMBER = re.compile(COMPACT_DATE)


def _scheme(major: str, *others: str) -> str:
    """Which of the numbers are years or dates: "year", "date", "year date", "" for none.

    A project that counts 1.25 and one day publishes 2024.1, or 1.2.4 and 1.2.20241014, counts two
    things.
    """
    schemes = ["year"] if _is_year(major) else []
    if any(len(number) >= LONG_NUMBER_DIGITS for number in others):
        schemes.append("date" if any(map(_DATE_NUMBER.fullmatch, others)) else "long")
    return " ".join(schemes)


def _is_year(number: str) -> bool:
    return len(number) == 4 and number.startswith("20")


_DOTTED_COMMIT = re.compile(rf"\.(?=[0-9]*[a-f])({COMMIT_ID})(?![A-Za-z0-9])")
_COMMIT_FIRST = re.compile(rf"{COMMIT_ID}(?![A-Za-z0-9])")


def _read_one_number(tag: str, prefix: str, major: str, rest: str) -> TagReading | None:
    if len(major) >= 4 and major.startswith("20"):
        dated = _read_date(tag)
        if dated:
            return dated
    if len(major) >= LONG_NUMBER_DIGITS or _COMMIT_FIRST.match(tag):
        return None
    scheme = _scheme(major) or ("long" if len(major) == LONG_NUMBER_DIGITS - 1 else "")
    pre_release, counters, family = _around(prefix, 1, rest, scheme)
    if family.suffix[:1].isalpha() and pre_release == RELEASE and not is_attached_counter(rest):
        return None  # 2fa, 8e1f
    return TagReading(tag, (int(major), 0, 0, pre_release, *counters), family)


# --- Behind text ---------------------------------------------------------------------------------

_BUILD = re.compile(  # a long number behind a branch, or directly behind b, may be a commit
    r"((?:build|rev|run|ci|release|rel|version|ver|r)[-_.]?|b[-_.]"
    r"|(?:b|(?:main|master|trunk|develop)[-_])(?![0-9]{7}))"
    rf"([0-9]{{1,18}})(?![0-9A-Za-z]|\.[0-9])({_TEXT}*)"
)


def _read_behind_text(tag: str) -> TagReading | None:
    if tag.startswith("sha256-"):
        return None
    if "." in tag and _DOTTED.search(tag):
        # the leftmost three numbers or more, or else the leftmost two
        found = _BEHIND_TEXT[0].fullmatch(tag) or _BEHIND_TEXT[1].fullmatch(tag)
        if found:
            return _read_numbers(tag, *found.groups())
    build = _BUILD.fullmatch(tag)
    if not build or _is_year(build[2]) or len(build[2]) >= LONG_NUMBER_DIGITS:
        dated = _read_date(tag)
        if dated or not build:
            return dated
    prefix, number, rest = build.groups()
    pre_release, counters, family = _around(prefix, 1, rest, "")
    return TagReading(tag, (int(number), 0, 0, pre_release, *counters), family)


def _read_date(tag: str) -> TagReading | None:
    dated = read_dated_tag(tag)
    if not dated:
        return None
    part_count = 3 if dated.numbers[2] else 2
    pre_release, counters, family = _around(dated.prefix, part_count, dated.rest, dated.scheme)
    behind = dated.further + counters
    year, month, day = dated.numbers
    key: Key = (year, month, day, pre_release, *behind)
    return TagReading(tag, key, family)


# --- Families ------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def family_of(prefix: str, part_count: int, suffix: str, scheme: str) -> Family:
    """Remembered, since thousands of tags have few families."""
    return Family(prefix, part_count, suffix, scheme)


def way_of_counting(family: Family) -> str:
    """The scheme in words that complete "it ..."."""
    return {
        "": "counts plain numbers",
        "year": "counts from the year",
        "long": "counts long numbers",
    }.get(family.scheme, f"is dated {family.scheme}")
