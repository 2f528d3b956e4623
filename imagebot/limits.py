"""How many pull requests may be open, and opened within an hour: which go now, and which wait.

Pure. A request counts for the whole git repository and for each policy whose updates it carries.
Limits keep back what is new, never what is open: an open request is updated whatever they say.
The one that waited longest goes first; a request that a limit of its policy keeps back does not
keep back others.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeGuard

from imagebot.policy.model import Limit
from imagebot.version import Step

REPOSITORY = ""  # what every request counts for; other names are identities of policies
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Existing:
    """A request that is open, or was opened within the last hour."""

    counts_for: frozenset[str]  # identities of policies
    is_open: bool
    created: datetime | None = None  # None: not told, so long ago


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request that would be new."""

    branch: str
    counts_for: frozenset[str]
    waiting_since: datetime | None = None  # when its oldest update could first be known
    step: Step | None = None  # the highest


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a request is not opened now. `until` None: until one of the open ones is done with."""

    why: str
    until: datetime | None = None


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Which goes first: what waited longest, so that nothing waits for ever; then small steps.

    What nobody knows the age of comes last. Equal ones go by the name of the branch.
    """
    return sorted(candidates, key=_priority)


def waiting(
    candidates: Iterable[Candidate],
    existing: Collection[Existing],
    limits: Mapping[str, Limit],
    now: datetime,
) -> dict[str, Waits]:
    """Those that may not be opened now, by branch; all others may, all together.

    `limits` has that of the git repository under REPOSITORY, those of policies by identity.
    """
    counters = {name: _Counter.of(name, limit, existing, now) for name, limit in limits.items()}
    found: dict[str, Waits] = {}
    for candidate in in_order(candidates):
        mine = [counters[name] for name in _scopes(candidate.counts_for) if name in counters]
        refusals = [waits for counter in mine if (waits := counter.refuses())]
        if refusals:
            found[candidate.branch] = max(refusals, key=_how_long)
            continue
        for counter in mine:
            counter.take(now)
    return found


def is_by_the_hour(candidate: Candidate, limits: Mapping[str, Limit]) -> bool:
    """Whether it matters to it how many were opened within the last hour."""
    mine = (limits.get(name) for name in _scopes(candidate.counts_for))
    return any(limit.new_per_hour is not None for limit in mine if limit)


@dataclass(slots=True)
class _Counter:
    """What one limit still lets through."""

    where: str
    limit: Limit
    open_count: int
    created: list[datetime]  # within the last hour

    @classmethod
    def of(cls, name: str, limit: Limit, existing: Iterable[Existing], now: datetime) -> "_Counter":
        mine = [each for each in existing if name in _scopes(each.counts_for)]
        return cls(
            where=f"of policy {name}" if name else "in this git repository",
            limit=limit,
            open_count=sum(each.is_open for each in mine),
            created=sorted(each.created for each in mine if _is_recent(each.created, now)),
        )

    def refuses(self) -> Waits | None:
        most, new_per_hour = self.limit.open, self.limit.new_per_hour
        if most is not None and self.open_count >= most:
            return Waits(f"{_counted(most)} {self.where} may be open at once")
        if new_per_hour is not None and len(self.created) >= new_per_hour:
            until = self.created[-new_per_hour] + HOUR
            return Waits(f"{_counted(new_per_hour)} {self.where} may be opened in an hour", until)
        return None

    def take(self, now: datetime) -> None:
        self.open_count += 1
        self.created.append(now)


def _scopes(counts_for: Iterable[str]) -> tuple[str, ...]:
    return (REPOSITORY, *sorted(counts_for))


def _is_recent(created: datetime | None, now: datetime) -> TypeGuard[datetime]:
    return created is not None and now - HOUR < created


def _how_long(waits: Waits) -> tuple[bool, datetime]:
    return (waits.until is None, waits.until or _LONG_AGO)


def _priority(candidate: Candidate) -> tuple[bool, datetime, int, str]:
    since, step = candidate.waiting_since, candidate.step
    height = step.height if step else Step.MAJOR.height + 1
    return (since is None, since or _LONG_AGO, height, candidate.branch)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _counted(count: int) -> str:
    return f"at most {count} {'request' if count == 1 else 'requests'}"
