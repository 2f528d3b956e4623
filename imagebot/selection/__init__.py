"""Choose which tags, if any, may replace the one in the file.

Pure. Takes the tag rules of a policy, the current tag and the tags that a registry listed; gives
back candidates, best first, and a reason for every tag it turned away. The order in which the
tags were listed never matters, and nothing is a candidate that is not higher than the current.
How a tag is read as a version and which tags belong together is in families.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType

from imagebot.model import Candidate, Explanation, Ground, Rejection, Selection
from imagebot.patterns import Pattern
from imagebot.policy.model import TagRules
from imagebot.selection.families import (
    MAX_TAG_LENGTH,
    MOVING_TAGS,
    Family,
    TagReading,
    read_extract,
    read_tag,
)
from imagebot.version import RELEASE, Key, Step

NO_TIMES: Mapping[str, datetime | str] = MappingProxyType({})
NOTHING_SKIPPED: Mapping[str, str] = MappingProxyType({})


def select(
    rules: TagRules,
    current: str | None,
    tags: Sequence[str],
    *,
    skipped: Mapping[str, str] = NOTHING_SKIPPED,
    times: Mapping[str, datetime | str] = NO_TIMES,
) -> Selection:
    """The candidates in a listing, which are strictly higher than `current`, best first.

    `skipped`: tags that are not wanted, each with the reason. `times`: of each tag, or why it has
    none; needed by the order newest-build alone, which asks by `Selection.undated`.
    """
    return explain(rules, current, tags, skipped=skipped, times=times).selection


def explain(
    rules: TagRules,
    current: str | None,
    tags: Sequence[str],
    *,
    skipped: Mapping[str, str] = NOTHING_SKIPPED,
    times: Mapping[str, datetime | str] = NO_TIMES,
) -> Explanation:
    """As `select`, with what became of every tag."""
    origin = _origin(rules, current)
    judge = _Judge(rules, origin)
    ranked: list[tuple[Key, int, str, Candidate]] = []
    rejections: list[Rejection] = []
    for tag in sorted(set(tags) - {current}):
        verdict = judge.verdict(tag)
        if isinstance(verdict, str):
            rejections.append(Rejection(tag, verdict, Ground.UNREADABLE))
        else:
            candidate = Candidate(tag, verdict.text, judge.step_to(verdict.key))
            ranked.append((verdict.key, len(tag), tag, candidate))
    ranked.sort(key=itemgetter(0, 1, 2), reverse=True)
    note = origin.note or ("" if tags else "the registry lists no tags")
    candidates = tuple(entry[3] for entry in ranked)
    return Explanation(Selection(candidates, (), note), candidates, tuple(rejections))


def newest_by_step(selection: Selection) -> Mapping[Step, Candidate]:
    """The best candidate of each step there is, lowest step first: what `plan` offers."""
    best: dict[Step, Candidate] = {}
    for candidate in selection.candidates:
        if candidate.step is not None:
            best.setdefault(candidate.step, candidate)
    return {step: best[step] for step in Step if step in best}


# --- Where the choice starts ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Origin:
    """The current tag as the rules read it, and which family a candidate must be of.

    `refusal` is set when nothing can be compared with the current tag: then every tag gets it.
    """

    current: str | None
    reading: TagReading | None
    family: Family | None  # None: prefix and suffix are free
    part_count: int = 3
    is_v_free: bool = False  # `v` or no prefix are the same
    note: str = ""
    refusal: str = ""


def _origin(rules: TagRules, current: str | None) -> _Origin:
    if current is None:
        family = None if rules.filter else Family("", 3, "")
        return _Origin(None, None, family, is_v_free=True)
    note = ""
    if rules.filter and not rules.filter.is_in(current):
        note = f"the current {current} does not match filter {rules.filter.text!r}"
        reading = read_tag(current)
        if reading:
            return _Origin(current, reading, None, note=f"{note}; compared as a plain version")
    elif rules.filter and rules.extract:
        reading = _extract(rules.filter, rules.extract[0], current)
        if reading:
            return _Origin(current, reading, None, reading.family.part_count)
        note = f"what the policy extracts from the current {current} is no version"
    else:
        reading = read_tag(current)
        if reading:
            is_v_free = rules.filter is not None and reading.family.prefix in ("", "v")
            family = reading.family
            return _Origin(current, reading, family, family.part_count, is_v_free)
        note = _why_no_version(current)
    refusal = f"the current {current} names no version to compare with"
    return _Origin(current, None, None, note=note, refusal=refusal)


def _why_no_version(current: str) -> str:
    if MOVING_TAGS.fullmatch(current):
        return f"{current} is a moving tag: it names no version, so none is higher"
    if current.isascii() and current.isdigit():
        return f"{current} may be a date, a build or a commit; say with filter and extract how"
    return f"{current} names no version that others could be compared with"


def _extract(pattern: Pattern, template: str, tag: str) -> TagReading | None:
    match = pattern.search(tag)
    return read_extract(pattern.expand(match, template)) if match else None


# --- Judging one tag -----------------------------------------------------------------------------

# cosign's signatures and the distribution spec's fall-back for referrers: sha256-<hex>[.sig]
_ARTIFACT = re.compile(r"sha(?:256|512)-[0-9a-f]{64,128}(?:\.[A-Za-z0-9_.-]+)?")


class _Judge:
    """Says of one tag after the other what it is: a reading if it is a candidate, or why not.

    The first reason that holds, in this order: artifact, filter, no version, exclude, another
    family, not higher, pre-release, range, step.
    """

    def __init__(self, rules: TagRules, origin: _Origin) -> None:
        self._rules = rules
        self._origin = origin
        self._current_key = origin.reading.key if origin.reading else None
        self._not_higher = f"lower than the current {origin.current}"
        self._not_in_range = f"not in range {rules.range}"
        self._no_prereleases = (
            "pre-release; the policy's range admits none"
            if rules.range
            else "pre-release; only a range that names one admits it"
        )
        self._reasons_by_family: dict[Family, str] = {}

    def verdict(self, tag: str) -> TagReading | str:
        if self._origin.refusal:
            return self._origin.refusal
        reading = self._read(tag)
        if isinstance(reading, str):
            return reading
        for pattern in self._rules.exclude:
            if pattern.is_in(tag):
                return f"excluded by {pattern.text!r}"
        _, key, family = reading
        return (
            self._family_reason(family)
            or self._height_reason(key)
            or self._range_reason(key)
            or self._step_reason(key)
            or reading
        )

    def step_to(self, key: Key) -> Step | None:
        current = self._current_key
        if current is None:
            return None
        if key[0] != current[0]:
            return Step.MAJOR
        return Step.MINOR if key[1] != current[1] else Step.PATCH

    def _read(self, tag: str) -> TagReading | str:
        if tag.startswith("sha") and _ARTIFACT.fullmatch(tag):
            return "artifact of another image (signature, attestation, sbom)"
        if len(tag) > MAX_TAG_LENGTH:
            return f"no tag: longer than {MAX_TAG_LENGTH} characters"
        pattern, template = self._rules.filter, self._rules.extract
        if pattern is None or not template:
            if pattern is not None and not pattern.is_in(tag):
                return f"does not match filter {pattern.text!r}"
            return read_tag(tag) or "not a semver version"
        match = pattern.search(tag)
        if match is None:
            return f"does not match filter {pattern.text!r}"
        extract = pattern.expand(match, template[0])
        return read_extract(extract) or f"not a semver version: the extract {extract[:40]!r}"

    def _family_reason(self, family: Family) -> str:
        reason = self._reasons_by_family.get(family)
        if reason is None:
            reason = _why_another_family(family, self._origin)
            self._reasons_by_family[family] = reason
        return reason

    def _height_reason(self, key: Key) -> str:
        if self._current_key is None or key > self._current_key:
            return ""
        if key == self._current_key:
            return "same version as the current, written otherwise"
        return self._not_higher

    def _range_reason(self, key: Key) -> str:
        version_range = self._rules.range
        if key[3] == RELEASE:
            is_in = version_range is None or version_range.allows_key(key)
            return "" if is_in else self._not_in_range
        if version_range and version_range.allows_key(key):
            return ""
        if self._current_key and self._is_next_prerelease(key):
            # 1.2.0-rc.1 may go on to 1.2.0-rc.2 wherever it may go on to 1.2.0
            release: Key = (*key[:3], RELEASE)
            is_in = version_range is None or version_range.allows_key(release)
            return "" if is_in else self._not_in_range
        admits = version_range is not None and version_range.admits_prereleases
        return self._not_in_range if admits else self._no_prereleases

    def _is_next_prerelease(self, key: Key) -> bool:
        current = self._current_key
        return current is not None and current[3] != RELEASE and current[:3] == key[:3]

    def _step_reason(self, key: Key) -> str:
        allow = self._rules.allow
        step = None if allow is Step.MAJOR else self.step_to(key)
        if step is None or step.height <= allow.height:
            return ""
        return f"{step} step; the policy allows {allow}"


def _why_another_family(family: Family, origin: _Origin) -> str:
    """Empty when the tag may replace the current one."""
    wanted = origin.family
    if wanted and family.prefix != wanted.prefix:
        is_free = origin.is_v_free and family.prefix in ("", "v")
        if not is_free:
            return _family_difference("prefix", family.prefix, wanted.prefix, origin)
    if family.part_count != origin.part_count:
        unit = "part" if family.part_count == 1 else "parts"
        than = "the current has" if origin.reading else "a version has"
        return f"another tag family: {family.part_count} {unit}, {than} {origin.part_count}"
    if wanted and family.suffix != wanted.suffix:
        return _family_difference("suffix", family.suffix, wanted.suffix, origin)
    return ""


def _family_difference(what: str, found: str, wanted: str, origin: _Origin) -> str:
    named = f"{what} {found}" if found else f"no {what}"
    if origin.current is None:
        return f"another tag family: {named}; a filter can let it in"
    return f"another tag family: {named}, the current has {wanted or 'none'}"
