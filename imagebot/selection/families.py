"""How a tag is read as a version, and which tags belong together: the tag family.

Pure. Knows nothing of policies but their names for things; `selection` joins both.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from imagebot.version import MAX_DIGITS, PRE_RELEASE, RELEASE, pre_release_key

MAX_TAG_LENGTH = 128  # distribution spec; longer texts are no tags
LONG_NUMBER_DIGITS = 7  # a bare number this long may be a date, a build or a commit

MOVING_TAGS = re.compile(
    "alpha|beta|canary|current|dev|develop|development|edge|head|latest|lts|main|mainline|master"
    "|next|nightly|preview|prod|production|rc|release|rolling|snapshot|stable|staging|test|testing"
    "|trunk|unstable",
    re.IGNORECASE,
)


class Family(NamedTuple):
    """What tags have in common that belong together: all but their version."""

    prefix: str
    part_count: int
    suffix: str


class TagReading(NamedTuple):
    """A tag taken apart: `v1.2.0-rc.1-alpine` is v, 1 2 0, rc.1 and -alpine."""

    text: str  # what was read: the tag or its extract
    key: Any
    family: Any
    rest: tuple[Any, ...] = ()


# `-rc.1`, `-beta2`, `-SNAPSHOT.7.gabc`: words that say "not yet released" wherever they stand
# behind a version, unlike `-alpine`, which names another build of the same release.
_WORDS = (
    "alpha|beta|rc|cr|pre|preview|prerelease|dev|snapshot|nightly|canary|next|edge|unstable"
    "|milestone|eap|ea|m(?=[0-9])"
)
_END = r"(?=[-_]|$)"
_HYPHENATED = re.compile(
    rf"-((?:(?:{_WORDS})(?:[-.]?[0-9]+)?|[0-9]+)(?:\.[0-9a-z]+)*){_END}", re.IGNORECASE
)
_ATTACHED = re.compile(rf"[._]?({_WORDS}|[abc](?=[0-9]))[-._]?([0-9]*){_END}", re.IGNORECASE)
_PRE_RELEASE = re.compile(PRE_RELEASE)

_TEXT = "[A-Za-z0-9_.-]"  # what a tag may hold
_NUMBER = rf"[0-9]{{1,{MAX_DIGITS}}}"
_NUMBERS = rf"({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?"
_PLAIN = re.compile(rf"(v?){_NUMBERS}(?!\.?[0-9])({_TEXT}*)")
_BEFORE = rf"({_TEXT}*?[A-Za-z_-])"
_BEHIND_TEXT = (
    re.compile(rf"{_BEFORE}({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?!\.?[0-9])({_TEXT}*)"),
    re.compile(rf"{_BEFORE}({_NUMBER})\.({_NUMBER})()(?!\.?[0-9])({_TEXT}*)"),
)
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_EXTRACTED = re.compile(rf"v?{_NUMBERS}(?:-({PRE_RELEASE}))?")


_ARTIFACT = re.compile(r"sha(?:256|512)-[0-9a-f]{64,128}(?:\.[A-Za-z0-9_.-]+)?")


def is_artifact(tag: str) -> bool:
    return tag.startswith("sha") and _ARTIFACT.fullmatch(tag) is not None


_ALONE_COMMIT = re.compile(r"(?<![0-9A-Za-z])g?[0-9a-f]{7,40}(?![0-9A-Za-z])")


def without_commits(text: str) -> str:
    return _ALONE_COMMIT.sub("@", text)


def read_tag(tag: str) -> TagReading | None:
    """Take a tag apart; None when it names no version of one to three numbers.

    The version stands at the start, or behind text as a dotted number (`release-1.2`). A bare
    number of seven digits or more, or a commit id, is no version: its order only a user knows.
    """
    if len(tag) > MAX_TAG_LENGTH:
        return None
    found = _PLAIN.fullmatch(tag) or ("." in tag and _find_behind_text(tag))
    if not found:
        return None
    prefix, major, minor, patch, rest = found.groups()
    pre_release, suffix = _read_rest(rest) if rest else (RELEASE, "")
    if patch:
        key = int(major), int(minor), int(patch), pre_release
        return TagReading(tag, key, _family(prefix, 3, suffix))
    if minor:
        return TagReading(tag, (int(major), int(minor), 0, pre_release), _family(prefix, 2, suffix))
    if len(major) >= LONG_NUMBER_DIGITS or _COMMIT.fullmatch(tag):
        return None
    return TagReading(tag, (int(major), 0, 0, pre_release), _family(prefix, 1, suffix))


def _find_behind_text(tag: str) -> re.Match[str] | None:
    """The leftmost three numbers, or else the leftmost two."""
    return _BEHIND_TEXT[0].fullmatch(tag) or _BEHIND_TEXT[1].fullmatch(tag)


def read_extract(text: str) -> TagReading | None:
    """Read what a template gave: a version and nothing else. Whatever is behind `-` is a
    pre-release."""
    found = _EXTRACTED.fullmatch(text) if len(text) <= MAX_TAG_LENGTH else None
    if not found:
        return None
    *numbers, pre_release = found.groups()
    major, minor, patch = (int(number or 0) for number in numbers)
    key = major, minor, patch, pre_release_key(pre_release) if pre_release else RELEASE
    return TagReading(text, key, _family("", 3 - numbers.count(None), ""))


@lru_cache(maxsize=1024)
def _family(prefix: str, part_count: int, suffix: str) -> Family:
    return Family(prefix, part_count, suffix)


@lru_cache(maxsize=4096)
def _read_rest(rest: str) -> tuple[tuple[tuple[int, int | str], ...], str]:
    """Split what stands behind the numbers into the key of a pre-release and the suffix."""
    hyphenated = _HYPHENATED.match(rest)
    if hyphenated and _PRE_RELEASE.fullmatch(hyphenated[1]):
        return pre_release_key(hyphenated[1]), rest[hyphenated.end() :]
    attached = _ATTACHED.match(rest)
    if attached:  # 3.13.0rc1 is no semver text, so its number may count as one: rc.1
        text = f"{attached[1]}.{int(attached[2])}" if attached[2] else attached[1]
        if _PRE_RELEASE.fullmatch(text):
            return pre_release_key(text), rest[attached.end() :]
    return RELEASE, rest
