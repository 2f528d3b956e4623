"""The past of an image's tags: from the ledger, from the registry's build times, or from a list.

Asks for the replay, in bounds: build times of at most `MAX_ASKED` tags, the newest-looking, and
only of those that the policy could ever take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from imagebot import asking
from imagebot.choosing.build_times import MAX_UNSEEN, Times, times_of
from imagebot.choosing.known import Asking, Known
from imagebot.errors import RegistryUnavailable
from imagebot.image import Repository
from imagebot.interfaces import Ledger, Registry
from imagebot.model import Ground, ImageFacts
from imagebot.policy.model import Policy, TagTime
from imagebot.selection import explain
from imagebot.selection.shapes import natural_key
from imagebot.tag_lists import GivenTag
from imagebot.times import shown_time

MAX_ASKED = 2 * MAX_UNSEEN  # four small requests each
_MAY_BE_TAKEN_LATER = (Ground.SKIPPED, Ground.PRE_RELEASE)


@dataclass(frozen=True, slots=True)
class Past:
    """Tags with their times. `undated`: why the others have none that can be trusted."""

    source: str  # whose word the times are, in words
    tags: tuple[GivenTag, ...]
    undated: Mapping[str, str] = field(default_factory=dict)
    not_asked_count: int = 0  # more tags than may be asked


def listed(name: str, tags: Sequence[GivenTag]) -> Past:
    undated = {each.tag: "no time stands beside it" for each in tags if each.at is None}
    return Past(f"as {name} says", tuple(tags), undated)


def first_seen(repository: Repository, registry: Registry, ledger: Ledger, now: datetime) -> Past:
    """Raises RegistryError where the tags cannot be listed, StoreError for the ledger's trouble."""
    listing = registry.list_tags(repository)
    ledger.note_listings({repository: listing.tags}, now)
    tags, undated = [], {}
    for tag, record in ledger.records(repository).items():
        at = None if record.is_seeded else record.first_seen_at
        tags.append(GivenTag(tag, at, record.digest))
        if at is None:
            since = shown_time(record.first_seen_at)
            undated[tag] = f"there at the first look ({since}), so its age is not known"
    return Past("when imagebot first saw each tag", tuple(tags), undated)


def created(
    policy: Policy,
    repository: Repository,
    current: str | None,
    registry: Registry,
    ledger: Ledger,
    now: datetime,
) -> Past:
    """Raises RegistryError where the tags cannot be listed or asked about."""
    listing = registry.list_tags(repository)
    wanted = _worth_asking(policy, current, listing.tags)
    asked = wanted[:MAX_ASKED]
    by_created = replace(policy, tags=replace(policy.tags, time=TagTime.CREATED))
    known = Known(now, {repository: listing})
    times: dict[str, datetime | str] = {}
    for start in range(0, len(asked), MAX_UNSEEN):
        part = asked[start : start + MAX_UNSEEN]
        found = _answered(
            times_of(by_created, repository, part, known, None), known, registry, ledger
        )
        if found.failure:
            raise RegistryUnavailable(found.failure, hint="try again later")
        times |= found.by_tag
    tags = []
    for tag, time in times.items():
        facts = known.facts.get((repository, tag))
        digest = facts.digest if isinstance(facts, ImageFacts) else None
        tags.append(GivenTag(tag, None if isinstance(time, str) else time, digest))
    undated = {tag: time for tag, time in times.items() if isinstance(time, str)}
    source = "when each image says it was built (set by whoever built it)"
    return Past(source, tuple(tags), undated, len(wanted) - len(asked))


def _worth_asking(policy: Policy, current: str | None, tags: Sequence[str]) -> list[str]:
    """The tags that the policy can take, now or later, and the current one, newest-looking first.

    What it takes only raises the current one, so nothing that is lower, in another family, out of
    range or too far a step ever comes back.
    """
    found = explain(policy.tags, current, tags)
    wanted = [each.tag for each in found.candidates] + list(found.selection.undated)
    wanted += [each.tag for each in found.rejections if each.ground in _MAY_BE_TAKEN_LATER]
    wanted.sort(key=natural_key, reverse=True)
    if current in tags:
        wanted.insert(0, str(current))  # where the replay begins
    return list(dict.fromkeys(wanted))


def _answered(asks: Asking[Times], known: Known, registry: Registry, ledger: Ledger) -> Times:
    while True:
        try:
            questions = next(asks)
        except StopIteration as end:
            times: Times = end.value
            return times
        asking.answer(questions, known, registry, ledger)
