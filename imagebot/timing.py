"""Which change sets wait, and until when: windows, freezes and limits of their policies.

Pure. Nothing that waits is lost: it is looked at afresh in every run. Windows and freezes keep
back every push and every new request; limits, and a RepositoryPolicy that cannot be read, only
what would be a new request.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from imagebot import limits, records, windows
from imagebot.changeset import BRANCH_PREFIX
from imagebot.errors import ForgeError
from imagebot.image import Repository
from imagebot.limits import Candidate, Existing
from imagebot.policy.model import Limit, Policy, RepositoryPolicy
from imagebot.proposals import ChangeSet, Proposed, PullRequest, PullRequestState
from imagebot.records import Place
from imagebot.times import shown_time

Seen = Mapping[tuple[Repository, str], datetime]
"""Since when each tag is known."""


def closed_policy(policy: Policy | None, now: datetime) -> str:
    """Why nothing of this policy may be pushed now, "" where it may."""
    closed = _closed([policy], now) if policy else None
    return _told(closed.why, closed.until) if closed else ""


def closed_by_the_clock(
    change_sets: Iterable[ChangeSet], policies: Mapping[str, Policy], now: datetime
) -> dict[str, str]:
    """Why nothing may be pushed for these now, by branch: one closed policy keeps its group."""
    found: dict[str, str] = {}
    for changes in change_sets:
        mine = [policies[name] for name in _policies_of(changes) if name in policies]
        if closed := _closed(mine, now):
            found[changes.branch] = _told(closed.why, closed.until)
    return found


def _closed(policies: Iterable[Policy], now: datetime) -> windows.Closed | None:
    """Of what keeps these back, what lasts longest."""
    states = [windows.state_at(policy.windows, policy.freezes, now) for policy in policies]
    closed = [state for state in states if isinstance(state, windows.Closed)]
    return max(closed, key=lambda each: (each.until is None, each.until or now), default=None)


@dataclass(frozen=True, slots=True)
class Counted:
    """What limits count. `requests` are those of branches that are there or wanted, by head.

    A branch without one is counted itself: plain Git has no others, and elsewhere the request was
    about to be opened. It is open while it is wanted, and as old as its last commit of imagebot's.
    """

    requests: Mapping[str, PullRequest]
    proposed: Mapping[str, Sequence[Proposed]]  # by existing branches
    written: Mapping[str, datetime]  # when imagebot last wrote them
    wanted: Collection[str]  # branches
    policies: Mapping[str, Policy]
    governed: Mapping[Place, Collection[str]]  # by which of them images are
    repository_policy: RepositoryPolicy | None

    @property
    def bounds(self) -> dict[str, Limit]:
        found = {name: policy.pull_request.limits for name, policy in self.policies.items()}
        if self.repository_policy:
            found[limits.REPOSITORY] = self.repository_policy.limits
        return found

    def existing(self, recent: Iterable[PullRequest]) -> list[Existing]:
        """With `recent`, as the forge lists it: requests that are known already count once."""
        known = {request.number for request in self.requests.values()}
        more = [each for each in recent if each.number not in known and _is_ours(each)]
        alone = [head for head in self.proposed if head not in self.requests]
        return [
            Existing(self._counts_for(request), _is_open(request), request.created)
            for request in (*self.requests.values(), *more)
        ] + [
            Existing(self._policies_on(head), head in self.wanted, self.written.get(head))
            for head in alone
        ]

    def _policies_on(self, head: str) -> frozenset[str]:
        return frozenset(offer.policy for offer in self.proposed[head])

    def _counts_for(self, request: PullRequest) -> frozenset[str]:
        """By its branch; where that is gone, by what its record tells of."""
        if request.head in self.proposed:
            return self._policies_on(request.head)
        record = records.record_in(request.body)
        places = record.places if record else ()
        return frozenset(name for place in places for name in self.governed.get(place, ()))


def kept_back(
    change_sets: Sequence[ChangeSet],
    counted: Counted,
    seen: Seen,
    now: datetime,
    ask_recent: Callable[[datetime], Iterable[PullRequest]],
) -> dict[str, str]:
    """Why no request may be opened for these now, by branch.

    A branch without any request is one whose request was about to be opened: it goes on.
    `ask_recent` gives the requests that were opened after a moment. It is asked only where one
    would be opened that has a limit by the hour: those of the last hour may be merged by now, and
    then neither a branch nor a group tells of them. Where it raises ForgeError just these wait.
    """
    requests, proposed = counted.requests, counted.proposed
    new = [
        changes
        for changes in change_sets
        if not _is_open(requests.get(changes.branch))
        and not (changes.branch in proposed and changes.branch not in requests)
    ]
    rules = counted.repository_policy
    if rules and rules.trouble:
        why = f"the RepositoryPolicy cannot be relied on: {rules.trouble}"
        return {changes.branch: why for changes in new}
    candidates = [_candidate(changes, seen) for changes in new]
    bounds = counted.bounds
    waiting = limits.waiting(candidates, counted.existing(()), bounds, now)
    going = [each for each in candidates if each.branch not in waiting]
    by_the_hour = [each for each in going if limits.is_by_the_hour(each, bounds)]
    unknown: dict[str, str] = {}
    if by_the_hour:
        try:
            known = counted.existing(ask_recent(now - limits.HOUR))
            waiting = limits.waiting(candidates, known, bounds, now)
        except ForgeError as error:
            why = f"how many were opened in the last hour is not known now: {error}"
            unknown = {each.branch: why for each in by_the_hour}
    told = {branch: _told(waits.why, waits.until) for branch, waits in waiting.items()}
    return told | unknown


def _is_ours(request: PullRequest) -> bool:
    """Whether imagebot opened it; a person may open one of a branch of the same repository."""
    return request.head.startswith(BRANCH_PREFIX) or records.record_in(request.body) is not None


def _candidate(changes: ChangeSet, seen: Seen) -> Candidate:
    since = [
        seen[offer.repository, offer.tag]
        for offer in changes.proposed
        if (offer.repository, offer.tag) in seen
    ]
    steps = [update.step for update in changes.updates if update.step]
    return Candidate(
        changes.branch,
        frozenset(_policies_of(changes)),
        min(since, default=None),
        max(steps, key=lambda step: step.height, default=None),
    )


def _policies_of(changes: ChangeSet) -> list[str]:
    return list(dict.fromkeys(offer.policy for offer in changes.proposed))


def _is_open(request: PullRequest | None) -> bool:
    return request is not None and request.state is PullRequestState.OPEN


def _told(why: str, until: datetime | None) -> str:
    return f"{why}, until {shown_time(until)}" if until else why
