"""Which change sets wait, and until when: windows, freezes and limits of their policies.

Pure. Nothing that waits is lost: it is looked at afresh in every run. Windows and freezes keep
back every push and every new request; limits, and a RepositoryPolicy that cannot be read, only
what would be a new request.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from imagebot import limits, windows
from imagebot.image import Repository
from imagebot.limits import Candidate, Existing
from imagebot.policy.model import Policy, RepositoryPolicy
from imagebot.proposals import ChangeSet, Proposed, PullRequest, PullRequestState
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


def kept_back(
    change_sets: Sequence[ChangeSet],
    requests: Mapping[str, PullRequest],
    proposed: Mapping[str, Sequence[Proposed]],
    policies: Mapping[str, Policy],
    repository_policy: RepositoryPolicy | None,
    seen: Seen,
    now: datetime,
) -> dict[str, str]:
    """Why no request may be opened for these now, by branch. `proposed`: by existing branches.

    A branch without any request is one whose request was about to be opened: it goes on.
    """
    new = [
        changes
        for changes in change_sets
        if not _is_open(requests.get(changes.branch))
        and not (changes.branch in proposed and changes.branch not in requests)
    ]
    if repository_policy and repository_policy.trouble:
        why = f"the RepositoryPolicy cannot be relied on: {repository_policy.trouble}"
        return {changes.branch: why for changes in new}
    existing = [
        Existing(
            frozenset(offer.policy for offer in proposed.get(head, ())),
            _is_open(request),
            request.created,
        )
        for head, request in requests.items()
    ]
    bounds = {name: policy.pull_request.limits for name, policy in policies.items()}
    if repository_policy:
        bounds[limits.REPOSITORY] = repository_policy.limits
    candidates = [_candidate(changes, seen) for changes in new]
    waiting = limits.waiting(candidates, existing, bounds, now)
    return {branch: _told(waits.why, waits.until) for branch, waits in waiting.items()}


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
