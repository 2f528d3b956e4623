"""What may hold or refuse a candidate that selection put first: its age, platforms and content.

Pure. Each gate takes what the policy says and what is known of the candidate, and gives a
`GateVerdict` with its clock, or None where the policy does not ask. What is not known is never
taken for good: then the gate holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta

from imagebot.image import Digest, Platform
from imagebot.model import GateVerdict, ImageContent, Sighting, Verdict
from imagebot.policy.model import Cooldown, UnknownAge
from imagebot.times import shown_duration, shown_time
from imagebot.version import Step

COOLDOWN, PLATFORMS, CONTENT = "cooldown", "platforms", "content"


@dataclass(frozen=True, slots=True)
class Age:
    """What is known of the age of one tag with its digest.

    `published_at` is the registry's word, None where it has none. `is_proposed`: imagebot proposed
    this very tag before, so its age was enough once.
    """

    sighting: Sighting
    published_at: datetime | None = None
    is_proposed: bool = False


def needs_published(rules: Cooldown, step: Step | None, age: Age, now: datetime) -> bool:
    """Whether the registry's own time could make a difference."""
    minimum = rules.for_step(step)
    return minimum > timedelta(0) and now - age.sighting.first_seen_at < minimum


def cooldown(
    rules: Cooldown, tag: str, step: Step | None, age: Age, now: datetime
) -> GateVerdict | None:
    """Hold a tag that is too young. The clock starts at the earlier of two trusted times.

    These are when the registry took the tag in, where it tells, and when imagebot first saw this
    digest under this tag. What the image says of itself never counts.
    """
    minimum = rules.for_step(step)
    if minimum <= timedelta(0):
        return None
    started_at, clock = _clock(age)
    needed = f"cool-down {shown_duration(minimum)}"
    if now - started_at >= minimum:
        return GateVerdict(tag, COOLDOWN, Verdict.ADMIT, f"{needed}: {clock}")
    is_age_unknown = age.sighting.is_seeded and age.published_at is None
    if is_age_unknown and rules.unknown_age is UnknownAge.ADMIT:
        why = f"{clock}, which the policy lets pass"
        return GateVerdict(tag, COOLDOWN, Verdict.ADMIT, f"{needed}: {why}")
    if is_age_unknown and age.is_proposed:
        why = f"{clock}, and it was proposed before"
        return GateVerdict(tag, COOLDOWN, Verdict.ADMIT, f"{needed}: {why}")
    until = started_at + minimum if started_at.year < MAXYEAR else None  # a list may say anything
    return GateVerdict(tag, COOLDOWN, Verdict.HOLD, f"{needed}: {clock}", until)


def _clock(age: Age) -> tuple[datetime, str]:
    """When the clock started, and why then, in words."""
    sighting = age.sighting
    if age.published_at is not None and age.published_at < sighting.first_seen_at:
        return age.published_at, f"published {shown_time(age.published_at)} by the registry"
    since = shown_time(sighting.first_seen_at)
    if sighting.moved_from is not None:
        was = sighting.moved_from.short
        return sighting.first_seen_at, f"pushed again, seen {since}; it was {was} before"
    if sighting.is_seeded:
        return sighting.first_seen_at, f"age unknown, at least since {since}"
    return sighting.first_seen_at, f"first seen {since}"


def platforms(
    wanted: Collection[Platform], tag: str, content: ImageContent | None
) -> GateVerdict | None:
    """Refuse a tag that lacks a platform. `content` may be None only where nothing is wanted."""
    if not wanted or content is None:
        return None
    offered = ", ".join(sorted(map(str, content.manifests))[:8]) or "none"
    missing = [platform for platform in wanted if manifest_for(platform, content) is None]
    if missing:
        names = ", ".join(map(str, missing))
        return GateVerdict(tag, PLATFORMS, Verdict.REJECT, f"no image for {names} (has {offered})")
    return GateVerdict(tag, PLATFORMS, Verdict.ADMIT, f"has {', '.join(map(str, wanted))}")


def manifest_for(platform: Platform, content: ImageContent) -> Digest | None:
    """The manifest that serves a platform: the exact one before one with another variant."""
    exact = content.manifests.get(platform)
    if exact is not None:
        return exact
    serving = (found for each, found in content.manifests.items() if platform.accepts(each))
    return next(serving, None)


def is_same_content(
    wanted: Sequence[Platform],
    current: Digest,
    candidate: Digest,
    contents: Mapping[Digest, ImageContent],
) -> bool:
    """Whether nothing that runs would change: the same digest, or the same for each platform."""
    if current == candidate:
        return True
    before, after = contents.get(current), contents.get(candidate)
    if not wanted or before is None or after is None:
        return False
    pairs = [(manifest_for(each, before), manifest_for(each, after)) for each in wanted]
    return all(old is not None and old == new for old, new in pairs)
