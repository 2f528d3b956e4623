"""Judge tags by the rules of a policy, relative to the current one.

Pure. What can be compared is read by `reading`; here are the reasons against a tag, each with its
ground. The first that holds counts, in this order: artifact, filter, unreadable, excluded, skipped,
another family, lower, same, pre-release, range, step.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from imagebot.model import Ground
from imagebot.policy.model import Order, Suffix, TagRules
from imagebot.selection.families import (
    MAX_TAG_LENGTH,
    Family,
    is_artifact,
    way_of_counting,
)
from imagebot.selection.families import TagReading as Reading
from imagebot.selection.newer_suffix import suffix_falls
from imagebot.selection.origin import Origin, extracted
from imagebot.selection.reading import Reader
from imagebot.version import RELEASE, Key, Step

_DIGITS = tuple("0123456789")
_COUNT_OF_BUILDS = 10_000  # a number alone that is so high counts builds, not major versions


class Refusal(NamedTuple):
    """Why a tag is not taken."""

    ground: Ground
    reason: str


class Ranked(NamedTuple):
    """A tag that can be compared. Sorts from the worst to the best; the tag itself is unique.

    Of equal versions the longer tag is better, then the bytewise greater: the written tie-break.
    """

    key: tuple[Any, ...]
    rest: tuple[Any, ...]
    length: int
    tag: str
    reading: Reading


class Judge:
    """Says of one tag after the other what it is worth, or why it is not taken."""

    def __init__(
        self, rules: TagRules, origin: Origin, reader: Reader, skipped: Mapping[str, str]
    ) -> None:
        self._rules = rules
        self._origin = origin
        self._reader = reader
        self._skipped = skipped
        self._is_semver = rules.order is Order.SEMVER
        self._may_raise_suffix = (
            self._is_semver and rules.suffix is Suffix.NEWER and origin.has_family
        )
        reading = origin.reading
        self._current_key: Any = reading.key if reading else None
        self._current = (reading.key, reading.rest) if reading else None
        self._refusals_by_family: dict[Any, Refusal | None] = {}
        self._lower = Refusal(Ground.LOWER, f"lower than the current {origin.current}")
        self._same = Refusal(
            Ground.SAME, "as high as the current: nothing differs that the order compares"
        )
        self._older_suffix = Refusal(
            Ground.FAMILY, f"a lower number in its suffix than in the current {origin.current}"
        )
        self._artifact = Refusal(
            Ground.ARTIFACT, "artifact of another image (signature, attestation, sbom)"
        )
        self._filtered = Refusal(Ground.FILTER, f"does not match filter '{rules.filter}'")
        self._out_of_range = Refusal(Ground.RANGE, f"not in range {rules.range}")
        self._pre_release = Refusal(
            Ground.PRE_RELEASE,
            "pre-release; the policy's range admits none"
            if rules.range
            else "pre-release; only a range that names one admits it",
        )

    def better(self, tags: Iterable[str]) -> list[Ranked]:
        """The tags of the current one's family that are better than it, best first.

        Whether the rules let them go is not asked yet: `objection` says so.
        """
        starts = self._starts()
        if starts:  # no artifact and no other family begins so, and the reader bounds the length
            read: Callable[[str], Reading | Refusal | str] = self._reader.read_tag
            tags = (tag for tag in tags if tag.startswith(starts))
        else:
            read = self.read
        found = []
        current = self._current
        for tag in tags:
            reading = read(tag)
            if not isinstance(reading, Reading) or self._family_refusal(reading):
                continue
            if current is None or (reading.key, reading.rest) > current:
                found.append(Ranked(reading.key, reading.rest, len(tag), tag, reading))
        found.sort(reverse=True)
        return found

    def _starts(self) -> tuple[str, ...]:
        """How every tag of the family begins, where nothing but the family lets tags in."""
        if not (self._is_semver and self._rules.filter is None):
            return ()
        reading = self._origin.reading
        prefix = reading.family.prefix if reading else ""
        if self._origin.is_v_free and prefix in ("", "v"):
            return ("v", *_DIGITS)
        return _DIGITS if not prefix else () if prefix.startswith("sha") else (prefix,)

    def verdict(self, tag: str) -> Ranked | tuple[Refusal, Ranked | None]:
        """What a tag is worth if it is a candidate; else the reason, and what it would be worth.

        The latter only for tags that are better and kept out by the rules alone.
        """
        if self._origin.refusal:
            return Refusal(Ground.UNREADABLE, self._origin.refusal), None
        reading = self.read(tag)
        if isinstance(reading, Refusal):
            return reading, None
        excluded = self._excluded(tag)
        if excluded:
            return excluded, None
        below = self._family_refusal(reading) or self._height_refusal(reading)
        skipped = self._skipped.get(tag)
        if skipped:
            refusal = Refusal(Ground.SKIPPED, skipped)
            return refusal, None if below else _ranked(tag, reading)
        if below:
            return below, None
        refused = self._rule_refusal(reading)
        ranked = _ranked(tag, reading)
        return (refused, ranked) if refused else ranked

    def objection(self, ranked: Ranked) -> Refusal | None:
        """Why a tag that is better must not be taken, if so."""
        excluded = self._excluded(ranked.tag)
        if excluded:
            return excluded
        skipped = self._skipped.get(ranked.tag)
        if skipped:
            return Refusal(Ground.SKIPPED, skipped)
        return self._rule_refusal(ranked.reading)

    @property
    def steps(self) -> frozenset[Step]:
        """The steps that a candidate can be away from the current tag and the rules let it go."""
        if self._current_key is None or not self._is_semver:
            return frozenset()
        allow = self._rules.allow
        return frozenset(step for step in (Step.MAJOR, Step.MINOR, Step.PATCH)
                         if step.height <= allow.height)  # fmt: skip

    def step_to(self, reading: Reading) -> Step | None:
        """How far it is from the current version; None where there is none or the order has no
        steps."""
        current = self._current_key
        if current is None or not self._is_semver:
            return None
        if reading.key[0] != current[0]:
            is_count = reading.family.part_count == 1 and current[0] >= _COUNT_OF_BUILDS
            return Step.PATCH if is_count else Step.MAJOR
        return Step.MINOR if reading.key[1] != current[1] else Step.PATCH

    def read(self, tag: str) -> Reading | Refusal:
        """What the order sees in a tag that the filter lets in."""
        if is_artifact(tag):
            return self._artifact
        if len(tag) > MAX_TAG_LENGTH:
            return Refusal(Ground.UNREADABLE, f"no tag: longer than {MAX_TAG_LENGTH} characters")
        pattern, templates = self._rules.filter, self._rules.extract
        if pattern is not None and templates:
            found = extracted(pattern, templates, tag, self._reader)
            if found is None:
                return self._filtered
        else:
            if pattern is not None and not pattern.is_in(tag):
                return self._filtered
            found = self._reader.read_tag(tag)
        return Refusal(Ground.UNREADABLE, found) if isinstance(found, str) else found

    def is_excluded(self, tag: str) -> bool:
        return self._excluded(tag) is not None

    def _excluded(self, tag: str) -> Refusal | None:
        for pattern in self._rules.exclude:
            if pattern.is_in(tag):
                return Refusal(Ground.EXCLUDED, f"excluded by '{pattern}'")
        return None

    def _family_refusal(self, reading: Reading) -> Refusal | None:
        family = reading.family
        try:
            refusal = self._refusals_by_family[family]
        except KeyError:
            reason = self._family_difference(family)
            refusal = Refusal(Ground.FAMILY, reason) if reason else None
            self._refusals_by_family[family] = refusal
        if refusal is None and self._may_raise_suffix and self._suffix_falls(reading):
            return self._older_suffix
        return refusal

    def _suffix_falls(self, reading: Reading) -> bool:
        current = self._origin.reading
        return current is not None and suffix_falls(reading, current)

    def _height_refusal(self, reading: Reading) -> Refusal | None:
        rank = (reading.key, reading.rest)
        if self._current is None or rank > self._current:
            return None
        return self._same if rank == self._current else self._lower

    def _family_difference(self, family: Any) -> str:
        """Why a tag of this family must not replace the current one, "" where it may."""
        origin = self._origin
        wanted = origin.reading.family if origin.reading else None
        if self._is_semver:
            return _version_family_difference(family, wanted, origin, self._rules)
        if self._rules.order is Order.DATE and wanted and _layout(family) != _layout(wanted):
            # Years and weeks, months and counters have no common measure, whatever lets them in.
            return f"another way to write dates, {_layout(family)}; the current: {_layout(wanted)}"
        if not origin.has_family or family == wanted:
            return ""
        if wanted is None:
            around = isinstance(family, tuple) and any(family[1:])
            return "another tag family: text around it; a filter can let it in" if around else ""
        return f"another tag family: other text around it than in the current {origin.current}"

    # The order semver alone has what follows

    def _rule_refusal(self, reading: Reading) -> Refusal | None:
        if not self._is_semver:
            return None
        return self._range_refusal(reading.key) or self._step_refusal(reading)

    def _range_refusal(self, key: Any) -> Refusal | None:
        version_range = self._rules.range
        if key[3] == RELEASE:
            is_in = version_range is None or version_range.allows_key(key)
            return None if is_in else self._out_of_range
        if version_range and version_range.allows_key(key):
            return None
        if self._is_next_prerelease(key):
            # 1.2.0-rc.1 may go on to 1.2.0-rc.2 wherever it may go on to 1.2.0
            release: Key = (*key[:3], RELEASE)
            is_in = version_range is None or version_range.allows_key(release)
            return None if is_in else self._out_of_range
        admits = version_range is not None and version_range.admits_prereleases
        return self._out_of_range if admits else self._pre_release

    def _is_next_prerelease(self, key: Any) -> bool:
        current = self._current_key
        return current is not None and current[3] != RELEASE and bool(current[:3] == key[:3])

    def _step_refusal(self, reading: Reading) -> Refusal | None:
        allow = self._rules.allow
        step = None if allow is Step.MAJOR else self.step_to(reading)
        if step is None or step.height <= allow.height:
            return None
        return Refusal(Ground.STEP, f"{step} step; the policy allows {allow}")


def _ranked(tag: str, reading: Reading) -> Ranked:
    return Ranked(reading.key, reading.rest, len(tag), tag, reading)


def _version_family_difference(
    family: Family, wanted: Family | None, origin: Origin, rules: TagRules
) -> str:
    if wanted is None:  # no current tag: what a version looks like
        wanted = Family("", 3, "")
    wanted_is_free = origin.current is None and rules.range is not None  # the range says which
    is_v_alone = origin.is_v_free and family.prefix in ("", "v")
    if origin.has_family and family.prefix != wanted.prefix and not is_v_alone:
        return _difference("prefix", family.prefix, wanted.prefix, origin)
    if family.scheme != wanted.scheme and not (wanted_is_free and family.scheme == "year"):
        how, wanted_how = way_of_counting(family), way_of_counting(wanted)
        return f"another tag family: it {how}, the current {wanted_how}"
    if _parts(family, rules) != _parts(wanted, rules):
        unit = "part" if family.part_count == 1 else "parts"
        than = "the current has" if origin.reading else "a version has"
        return f"another tag family: {family.part_count} {unit}, {than} {wanted.part_count}"
    if origin.has_family and family.suffix != wanted.suffix:
        return _difference("suffix", family.suffix, wanted.suffix, origin)
    return ""


def _parts(family: Family, rules: TagRules) -> int:
    return max(3, family.part_count) if rules.coerce else family.part_count


def _difference(what: str, found: str, wanted: str, origin: Origin) -> str:
    named = f"{what} {found}" if found else f"no {what}"
    if origin.current is None:
        return f"another tag family: {named}; a filter can let it in"
    return f"another tag family: {named}, the current has {wanted or 'none'}"


def _layout(family: Any) -> str:
    """Of the family of a date: the layout, alone or with the text around it (reading.py)."""
    return str(family[0] if isinstance(family, tuple) else family)
