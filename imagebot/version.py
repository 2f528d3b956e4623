"""Versions and ranges over them: what `tags.range` means, and how far an update steps.

Pure. `parse` reads a tag (or its extract) as a `semver.Version`; `Range` has the meaning of
github.com/Masterminds/semver v3, which Flux and Argo CD Image Updater use, so that a range can
move to imagebot unchanged. Which tags belong together is decided in selection/families.py.

The grammar of a range (`blank` is a space, tab, new line, form feed or carriage return):

    range      = group *( "||" group )                            ; one of them
    group      = *blank item *( separator item ) *blank           ; all of them
    separator  = *blank "," *blank  /  1*blank
    item       = comparator / hyphen
    comparator = [ operator *blank ] version
    operator   = "=" "!=" ">" "<" ">=" "=>" "<=" "=<" "~" "~>" "^"
    hyphen     = version 1*blank "-" 1*blank version              ; first in its group, or after ","
    version    = ["v"] part [ "." part [ "." part ] ] [ "-" pre-release ] [ "+" build ]
    part       = 1*18DIGIT / "x" / "X" / "*"

The first part that is missing or a wildcard makes a version partial: the parts after it count
as 0 and do not matter. What the operators admit, with `1.2.3` whole, `1.2` and `1` partial:

    =1.2.3, 1.2.3   that version       =1.2, 1.2  as ~1.2            =1, 1   as ~1
    ~1.2.3  >=1.2.3 <1.3.0             ~1.2     >=1.2.0 <1.3.0       ~1      >=1.0.0 <2.0.0
    ^1.2.3  >=1.2.3 <2.0.0             ^0.2.3   >=0.2.3 <0.3.0       ^0.0.3  0.0.3 alone
    ^1.2    >=1.2.0 <2.0.0             ^0.0     >=0.0.0 <0.1.0       ^0      >=0.0.0 <1.0.0
    >1.2.3  above it                   >1.2     from 1.3.0           >1      from 2.0.0
    <=1.2.3 up to it                   <=1.2    below 1.3.0          <=1     below 2.0.0
    !=1.2.3 not that version           !=1.2    not 1.2.x            !=1     not 1.x
    >= and < take the missing parts as zeros; `1.2 - 2.3` is `>=1.2 <=2.3`

Three results of the original that its users may rely on, odd as they look: ~0.0.0 admits every
version, ^* admits 0.0.0 alone, <=* admits 0.0.x. A pre-release is admitted only by a group of which
some version names a pre-release, and then any pre-release that the comparators bound.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

import semver

from imagebot.errors import PolicyError

MAX_VERSION_LENGTH = 256  # as in the Go library; a tag has 128 at most
MAX_RANGE_LENGTH = 512
MAX_RANGE_GROUPS = 32
MAX_DIGITS = 18  # a number that any 64-bit reader still holds


class Step(StrEnum):
    """How far an update goes from the current version; `height` orders them."""

    DIGEST = "digest"  # the same version with other content
    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"

    @property
    def height(self) -> int:
        """0 for DIGEST to 3 for MAJOR."""
        return _STEPS.index(self)


_STEPS = tuple(Step)

PreReleaseKey = tuple[tuple[int | str, ...], ...]
Key = tuple[int, int, int, PreReleaseKey, *tuple[int, ...]]
"""Sorts by SemVer precedence: the three numbers, then the pre-release's identifiers.

What SemVer does not know stands behind those four: further numbers of the version (1.2.3.4) and
counters of builds. No range looks at them.
"""

RELEASE: PreReleaseKey = ((2, 0),)  # above every pre-release: identifiers begin with 0 or 1
_LOWEST: PreReleaseKey = ()  # below every pre-release, itself the key of no version
_JUST_ABOVE = (-1, 0)  # sorts after a pre-release and before each of its extensions

_NUMBER = rf"[0-9]{{1,{MAX_DIGITS}}}"
_IDENTIFIER = rf"(?:[0-9]*[A-Za-z-][0-9A-Za-z-]*|0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})"
PRE_RELEASE = rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*"
"""Pattern source of a SemVer pre-release without its hyphen (SemVer 2.0, clause 9)."""
_BUILD = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(
    rf"v?({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({PRE_RELEASE}))?(?:\+({_BUILD}))?"
)


def parse(text: str) -> semver.Version | None:
    """Read three numbers with an optional `v` and pre-release; None for anything else.

    Leading zeros in the three numbers are dropped (CalVer, `2025.02.03`); in a pre-release
    SemVer forbids them.
    """
    found = _VERSION.fullmatch(text) if len(text) <= MAX_VERSION_LENGTH else None
    if not found:
        return None
    major, minor, patch, pre_release, build = found.groups()
    return semver.Version(int(major), int(minor), int(patch), pre_release, build)


def step_between(current: semver.Version, new: semver.Version) -> Step:
    """The highest of the three numbers that differs; PATCH when only the pre-release does."""
    if current.major != new.major:
        return Step.MAJOR
    if current.minor != new.minor:
        return Step.MINOR
    return Step.PATCH if key_of(current) != key_of(new) else Step.DIGEST


def key_of(version: semver.Version) -> Key:
    """What sorts as the version does (SemVer 2.0, clause 11; build metadata does not count)."""
    pre_release = pre_release_key(version.prerelease) if version.prerelease else RELEASE
    return version.major, version.minor, version.patch, pre_release


def pre_release_key(text: str) -> PreReleaseKey:
    """Sort key of a pre-release without its hyphen: numbers below words, each in their order."""
    return tuple(
        (0, int(word)) if word.isascii() and word.isdigit() else (1, word)
        for word in text.split(".")
    )


_COUNTED_WORD = re.compile(r"([0-9A-Za-z-]*[A-Za-z-])(0|[1-9][0-9]*)")


def natural_pre_release_key(text: str) -> PreReleaseKey:
    """As `pre_release_key`, but rc10 is above rc9, which SemVer compares as text."""
    return tuple(_natural(word) for word in text.split("."))


def _natural(word: str) -> tuple[int | str, ...]:
    if word.isascii() and word.isdigit():
        return 0, int(word)
    counted = _COUNTED_WORD.fullmatch(word)
    return (1, counted[1], int(counted[2])) if counted else (1, word)


def _semver_pre_release(key: PreReleaseKey) -> PreReleaseKey:
    """Undo what `natural_pre_release_key` took apart: ranges compare as SemVer does."""
    return tuple((1, f"{each[1]}{each[2]}") if len(each) == 3 else each for each in key)


@dataclass(frozen=True, slots=True)
class _Hole:
    """Versions taken out: from `low` to below `high`, and of one pre-release if that is set."""

    low: Key
    high: Key
    pre_release: PreReleaseKey | None = None

    def holds(self, key: Key) -> bool:
        is_between = self.low <= key < self.high
        return is_between and self.pre_release in (None, key[3])


@dataclass(frozen=True, slots=True)
class _Group:
    """Comparators that must all agree, joined to one interval `low <= key < high` with holes."""

    low: Key
    high: Key
    holes: tuple[_Hole, ...]
    admits_prereleases: bool

    def allows(self, key: Key) -> bool:
        if not self.low <= key < self.high:
            return False
        if key[3] != RELEASE and not self.admits_prereleases:
            return False
        return not self.holes or not any(hole.holds(key) for hole in self.holes)


@dataclass(frozen=True, slots=True)
class Range:
    """A set of versions, as written in `tags.range`. Equal when written equally."""

    text: str
    _groups: tuple[_Group, ...] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Raises PolicyError that names the part it cannot read, and where it stands."""
        if len(text) > MAX_RANGE_LENGTH:
            raise PolicyError(
                f"a range has at most {MAX_RANGE_LENGTH} characters: {text[:40]!r}..."
            )
        groups = list(_group_limits(text))
        if len(groups) > MAX_RANGE_GROUPS:
            raise PolicyError(
                f"a range has at most {MAX_RANGE_GROUPS} groups joined by ||: {text!r}"
            )
        return cls(text, tuple(_parse_group(text, start, end) for start, end in groups))

    def allows(self, version: semver.Version) -> bool:
        return self.allows_key(key_of(version))

    def allows_key(self, key: Key) -> bool:
        """As `allows`, for whoever has thousands of versions as keys.

        The pre-release's words may be taken apart (`natural_pre_release_key`).
        """
        if key[3] != RELEASE:
            key = (key[0], key[1], key[2], _semver_pre_release(key[3]))
        for group in self._groups:  # noqa: SIM110 - `any` over a generator takes three times as long
            if group.allows(key):
                return True
        return False

    @property
    def is_empty(self) -> bool:
        """Whether no version can be in it, as in `>2 <1`."""
        return all(group.low >= group.high for group in self._groups)

    @property
    def admits_prereleases(self) -> bool:
        """Whether some version in the range names a pre-release."""
        return any(group.admits_prereleases for group in self._groups)

    def __str__(self) -> str:
        return self.text


# --- Reading a range -----------------------------------------------------------------------------

_BLANK = r"[ \t\n\f\r]"
_PART = rf"(?:{_NUMBER}|[xX*])"
_RANGE_VERSION = rf"v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?(?:-({PRE_RELEASE}))?(?:\+{_BUILD})?"
_COMPARATOR = re.compile(rf"(!=|>=|=>|<=|=<|~>|[=<>~^]|){_BLANK}*{_RANGE_VERSION}")
_HYPHEN = re.compile(rf"{_RANGE_VERSION}{_BLANK}+-{_BLANK}+{_RANGE_VERSION}")
_SEPARATOR = re.compile(rf"{_BLANK}*(,){_BLANK}*|{_BLANK}+")
_BLANKS = re.compile(rf"{_BLANK}*")
_WORD = re.compile(r"[^ \t\n\f\r,]{1,60}|,")
_SAME_OPERATOR = {"=>": ">=", "=<": "<=", "~>": "~", "": "="}


@dataclass(frozen=True, slots=True)
class _Comparator:
    """One comparison, its version filled with zeros. `part_count` parts stand before the first
    that is missing or a wildcard."""

    operator: str  # one of = != > < >= <= ~ ^
    numbers: tuple[int, int, int]
    pre_release: PreReleaseKey
    part_count: int

    @classmethod
    def of(cls, operator: str, parts: tuple[str | None, ...]) -> "_Comparator":
        numbers: list[int] = []
        for part in parts[:3]:
            if part is None or part in "xX*":
                break
            numbers.append(int(part))
        part_count = len(numbers)
        major, minor, patch = (*numbers, 0, 0, 0)[:3]
        pre_release = pre_release_key(parts[3]) if parts[3] else RELEASE
        operator = _SAME_OPERATOR.get(operator, operator)
        return cls(operator, (major, minor, patch), pre_release, part_count)

    @property
    def key(self) -> Key:
        return (*self.numbers, self.pre_release)


def _group_limits(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the texts between `||`."""
    bars = [found.start() for found in re.finditer(r"\|\|", text)]
    for before, after in pairwise([-2, *bars, len(text)]):
        yield before + 2, after


def _parse_group(text: str, start: int, end: int) -> _Group:
    comparators: list[_Comparator] = []
    at = _skip_blanks(text, start, end)
    may_be_hyphen = at > start or start == 0
    while True:
        hyphen = _HYPHEN.match(text, at, end)
        found = hyphen or _COMPARATOR.match(text, at, end)
        if not found:
            raise _unreadable(text, at, end)
        if hyphen:
            _check_place(text, at, may_be_hyphen)
            parts = hyphen.groups()
            comparators += [_Comparator.of(">=", parts[:4]), _Comparator.of("<=", parts[4:])]
        else:
            operator, *parts_found = found.groups()
            comparators.append(_Comparator.of(operator, tuple(parts_found)))
        if _skip_blanks(text, found.end(), end) == end:
            return _joined(comparators)
        separator = _SEPARATOR.match(text, found.end(), end)
        if not separator:
            raise _unreadable(text, found.end() if hyphen else at, end)
        at = separator.end()
        may_be_hyphen = separator[1] is not None


def _skip_blanks(text: str, at: int, end: int) -> int:
    found = _BLANKS.match(text, at, end)
    return found.end() if found else at


def _check_place(text: str, at: int, may_be_hyphen: bool) -> None:
    # The Go library reads `1||2 - 3` as `>=1 || 2, <=3`, and refuses `1 2 - 3`. A range that
    # would mean something else there than here is refused.
    if not may_be_hyphen:
        raise PolicyError(
            f"range {text!r}: a hyphen range may not follow directly at character {at + 1}",
            hint="write a comma before it, or a blank after ||",
        )


def _unreadable(text: str, at: int, end: int) -> PolicyError:
    word = _WORD.match(text, at, end)
    found = f"{word[0]!r} is no comparator" if word else "a comparator is missing"
    return PolicyError(
        f"range {text!r}: {found} (character {at + 1})",
        hint="a comparator is like >=1.2, ~1.4.2, ^2 or 1.x; a blank or comma means and, || or",
    )


# --- What a comparator admits --------------------------------------------------------------------

_BOTTOM: Key = (0, 0, 0, _LOWEST)
_TOP: Key = (10 ** (MAX_DIGITS + 1), 0, 0, _LOWEST)


def _joined(comparators: list[_Comparator]) -> _Group:
    spans = [_span(comparator) for comparator in comparators if comparator.operator != "!="]
    return _Group(
        low=max([low for low, _ in spans], default=_BOTTOM),
        high=min([high for _, high in spans], default=_TOP),
        holes=tuple(_hole(each) for each in comparators if each.operator == "!="),
        admits_prereleases=any(each.pre_release != RELEASE for each in comparators),
    )


def _span(comparator: _Comparator) -> tuple[Key, Key]:
    """First key admitted, and first key above it that is not."""
    key, is_whole = comparator.key, comparator.part_count == 3
    match comparator.operator:
        case ">=":
            return key, _TOP
        case "<":
            return _BOTTOM, key
        case ">":
            is_cut = comparator.part_count in (1, 2)
            return (_next(comparator, comparator.part_count) if is_cut else _after(key)), _TOP
        case "<=":
            return _BOTTOM, _after(key) if is_whole else _next(
                comparator, comparator.part_count or 2
            )
        case "=" if is_whole:
            return key, _after(key)
        case "^":
            return key, _next(comparator, _caret_part(comparator))
        case _:
            is_any = not any(comparator.numbers) and comparator.part_count in (0, 3)
            return key, _TOP if is_any else _next(comparator, min(comparator.part_count, 2))


def _caret_part(comparator: _Comparator) -> int:
    """Which of the numbers (1 to 3) a caret lets not change: the first that is not zero."""
    major, minor, _ = comparator.numbers
    if major > 0 or comparator.part_count == 1:
        return 1
    return 2 if minor > 0 or comparator.part_count == 2 else 3


def _hole(comparator: _Comparator) -> _Hole:
    key, count = comparator.key, comparator.part_count
    if count not in (1, 2):
        return _Hole(key, _after(key))
    major, minor, _ = comparator.numbers
    low = (major, minor, 0, _LOWEST)
    # `!=1` takes out every 1.x. `!=1.2` compares the pre-release too: releases go, and a
    # pre-release stays unless the comparator names the same.
    return _Hole(low, _next(comparator, count), None if count == 1 else comparator.pre_release)


def _next(comparator: _Comparator, part: int) -> Key:
    """Below all versions in which the `part`-th number (1 to 3) is one higher."""
    major, minor, patch = comparator.numbers
    if part == 1:
        return major + 1, 0, 0, _LOWEST
    return (major, minor + 1, 0, _LOWEST) if part == 2 else (major, minor, patch + 1, _LOWEST)


def _after(key: Key) -> Key:
    """Above that version and below every other that is above it."""
    major, minor, patch, pre_release = key[0], key[1], key[2], key[3]
    if pre_release == RELEASE:
        return major, minor, patch + 1, _LOWEST
    return major, minor, patch, (*pre_release, _JUST_ABOVE)
