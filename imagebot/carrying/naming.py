"""Which branch a group's change goes to, where a person's commit stays on the usual one.

Pure. A request that is over no longer needs its branch, but a commit of somebody else's on it may
stand nowhere else. So the next version goes to another branch, whose name is computed from the
usual one and the commit that is kept: the next run finds the same. Once a request is open there,
it stays there, also where the kept branch is deleted meanwhile.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from imagebot import lifecycle, records
from imagebot.carrying.branches import Branch, by_head
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState

_KEPT_DIGITS = 8  # of the commit that is kept
_SUFFIX = re.compile(rf"-[0-9a-f]{{{_KEPT_DIGITS}}}\Z")  # a group's own hash has ten digits


def named(
    change_sets: Sequence[ChangeSet],
    branches: Sequence[Branch],
    requests: Mapping[str, PullRequest],
) -> tuple[ChangeSet, ...]:
    """The change sets with the branches that they go to. `requests` are the newest, by head.

    A name that is in no request yet has to be asked for; then this is called again.
    """
    standing = by_head(branches)
    return tuple(
        replace(changes, branch=_name(changes, standing, requests)) for changes in change_sets
    )


def stems(branch: str) -> list[str]:
    """The names that a branch was given instead of, the nearest first."""
    found: list[str] = []
    while _SUFFIX.search(branch):
        branch = _SUFFIX.sub("", branch)
        found.append(branch)
    return found


def is_merged_as_it_is(branch: Branch, request: PullRequest | None) -> bool:
    """Whether all that stands on the branch was merged, so that writing over it loses nothing."""
    return (
        request is not None
        and request.state is PullRequestState.MERGED
        and bool(request.head_commit)
        and branch.head.commit.startswith(request.head_commit)
    )


def _name(
    changes: ChangeSet, branches: Mapping[str, Branch], requests: Mapping[str, PullRequest]
) -> str:
    usual = changes.branch
    in_use = [
        head
        for head, request in sorted(requests.items())
        if lifecycle.is_open(request) and usual in stems(head)
    ]
    if in_use and not lifecycle.is_open(requests.get(usual)):
        return in_use[0]
    name = usual
    while (branch := branches.get(name)) and _is_used_up(changes, branch, requests.get(name)):
        name = f"{name}-{branch.head.commit[:_KEPT_DIGITS]}"
    return name


def _is_used_up(changes: ChangeSet, branch: Branch, request: PullRequest | None) -> bool:
    """Whether the branch is a person's, and its request over for other versions than these."""
    if branch.ours is not None or request is None or lifecycle.is_open(request):
        return False
    is_declined = request.state is PullRequestState.CLOSED and records.is_declined(
        changes.body, request.body
    )
    return not is_declined and not is_merged_as_it_is(branch, request)
