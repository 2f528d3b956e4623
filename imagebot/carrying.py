"""Carry change sets to where people see them: branches by git, pull requests by the forge.

The last step of the story and the only one that writes. What stands on the remote decides what
is done: a branch whose content is as wanted is left alone; a commit that is not ours stops all
rewriting of its branch (law 10); a request that a person closed is not opened again for the same
versions. One push carries all branches, each with a lease on the commit we saw.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import changeset
from imagebot.changeset import Proposed
from imagebot.errors import ForgeError, GitError, PushRejected
from imagebot.git import BareClone, GitState, OurCommit, Push
from imagebot.git.tree import blob_id
from imagebot.interfaces import Forge
from imagebot.model import (
    BranchHead,
    ChangeSet,
    Choice,
    Problem,
    Proposal,
    PullRequest,
    PullRequestState,
)

_log = logging.getLogger(__name__)
WITHDRAWN = (
    "imagebot closes this request: nothing is left to update here. Either the base branch has "
    "the change, or the policy no longer asks for it."
)


@dataclass(frozen=True, slots=True)
class Branch:
    """One of imagebot's branches on the remote. `ours` None: somebody else wrote its head."""

    head: BranchHead
    ours: OurCommit | None
    proposed: tuple[Proposed, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of the change sets."""

    proposals: tuple[Proposal, ...]
    closed: tuple[PullRequest, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_branches(git: BareClone, state: GitState) -> list[Branch]:
    """imagebot's branches with what their commits propose."""
    branches = []
    for _, head in sorted(state.branches.items()):
        ours = git.our_commit(head)
        proposed = changeset.proposed_in(ours.trailers) if ours else ()
        branches.append(Branch(head, ours, proposed))
    return branches


def what_to_keep(
    branches: Iterable[Branch], choices: Sequence[Choice], problems: Sequence[Problem]
) -> dict[str, str]:
    """Branches that must not be withdrawn although nothing asks for them, with the reason.

    A registry that failed, a file or a policy that cannot be read, or a suspension explains why a
    change is no longer asked for; then the request waits.
    """
    waiting = {
        (choice.policy.identity, choice.reference.repository): choice.reason
        for choice in choices
        if choice.policy and choice.reference and choice.update is None
        and (choice.is_failure or choice.is_suspended)
    }  # fmt: skip
    broken = {problem.file: problem.message for problem in problems if not problem.is_warning}
    keep = {}
    for branch in branches:
        if branch.ours is None:
            continue
        policies = {offer.policy.partition("#")[0] for offer in branch.proposed}
        offers = [(offer.policy, offer.repository) for offer in branch.proposed]
        reasons = [waiting[offer] for offer in offers if offer in waiting]
        reasons += [
            f"{file}: {broken[file]}"
            for file in sorted(policies | set(branch.ours.changed))
            if file in broken
        ]
        if reasons:
            keep[branch.head.branch] = reasons[0]
    return keep


def commit_directly(
    git: BareClone, state: GitState, change_sets: Sequence[ChangeSet], now: datetime
) -> Carried:
    """Commit to the base branch itself, where the settings ask for it."""
    if not change_sets:
        return Carried(())
    (changes,) = change_sets  # grouped as one, see changeset.group_choices
    commit = git.commit(state.base, changes.base, changes.files, changes.message, now)
    git.push([Push(changes.base, commit, state.base.commit)])
    return Carried((Proposal(changes, "pushed", f"commit {commit[:12]} on {changes.base}"),))


def carry(
    git: BareClone,
    forge: Forge,
    state: GitState,
    branches: Sequence[Branch],
    change_sets: Sequence[ChangeSet],
    keep: Mapping[str, str],
    now: datetime,
) -> Carried:
    """Make branches and pull requests as the change sets want them, and withdraw the rest."""
    limit = forge.max_body_characters
    change_sets = [replace(each, body=changeset.fitted(each.body, limit)) for each in change_sets]
    by_name = {branch.head.branch: branch for branch in branches}
    wanted = {changes.branch for changes in change_sets}
    obsolete = [branch for name, branch in by_name.items() if name not in wanted | keep.keys()]
    heads = sorted(wanted | {branch.head.branch for branch in obsolete})
    requests = forge.find(heads) if heads else {}
    verdicts = [
        (changes, _verdict(changes, by_name.get(changes.branch), requests.get(changes.branch)))
        for changes in change_sets
    ]
    pushes = [
        _push(git, state, changes, by_name.get(changes.branch), now)
        for changes, verdict in verdicts
        if verdict == "push"
    ]
    closed, closable, problems = _close(forge, [b for b in obsolete if b.ours], requests)
    pushes += [Push(branch.head.branch, None, branch.head.commit) for branch in closable]
    refused = _push_all(git, pushes)
    proposals = [
        Proposal(changes, "failed", refused[changes.branch], requests.get(changes.branch))
        if changes.branch in refused
        else _propose(forge, changes, verdict, requests.get(changes.branch))
        for changes, verdict in verdicts
    ]
    problems += [_told(f"{name} was not deleted: {why}") for name, why in refused.items()
                 if name not in wanted]  # fmt: skip
    problems += [_told(f"{name} waits: {why}", is_warning=True) for name, why in keep.items()
                 if name not in wanted]  # fmt: skip
    return Carried(tuple(proposals), tuple(closed), tuple(problems))


def _told(message: str, *, is_warning: bool = False) -> Problem:
    return Problem("", 0, 0, message, is_warning=is_warning)


def _push_all(git: BareClone, pushes: Sequence[Push]) -> dict[str, str]:
    """Push together; where the remote declines, each alone. Gives the reason by refused branch.

    A hook or a protection that declines one branch must not cost the others. A lost race is
    raised (PushRejected) and starts everything afresh.
    """
    if not pushes:
        return {}
    try:
        git.push(pushes)
        return {}
    except PushRejected:
        raise
    except GitError as error:
        if error.can_retry:
            raise
    refused = {}
    for push in pushes:
        try:
            git.push([push])
        except PushRejected:
            raise
        except GitError as error:
            if error.can_retry:
                raise
            refused[push.branch] = str(error)
    return refused


def _verdict(changes: ChangeSet, branch: Branch | None, request: PullRequest | None) -> str:
    """`push`, `unchanged`, or in words why the branch is left alone."""
    if branch and branch.ours is None:
        return "somebody else committed to this branch, so imagebot leaves it alone"
    is_closed = request is not None and request.state is PullRequestState.CLOSED
    if request and is_closed and changeset.is_declined(changes.body, request.body):
        return "a person closed the request for exactly these versions"
    return "unchanged" if branch and branch.ours and _is_as_wanted(branch.ours, changes) else "push"


def _is_as_wanted(ours: OurCommit, changes: ChangeSet) -> bool:
    """Whether the branch holds just the wanted files, whatever else moved on the base."""
    algorithm = "sha256" if len(ours.commit) == 64 else "sha1"
    wanted = {path: blob_id(content, algorithm) for path, content in changes.files.items()}
    return dict(ours.changed) == wanted


def _push(
    git: BareClone, state: GitState, changes: ChangeSet, branch: Branch | None, now: datetime
) -> Push:
    commit = git.commit(state.base, changes.branch, changes.files, changes.message, now)
    return Push(changes.branch, commit, branch.head.commit if branch else None)


def _propose(
    forge: Forge, changes: ChangeSet, verdict: str, request: PullRequest | None
) -> Proposal:
    if verdict not in ("push", "unchanged"):
        return Proposal(changes, "skipped", verdict, request)
    try:
        if not forge.has_pull_requests:
            return Proposal(changes, "pushed" if verdict == "push" else "unchanged")
        if changes.is_carried_over and verdict == "unchanged" and request:
            return Proposal(changes, "unchanged", "", request)
        if request is None or request.state is not PullRequestState.OPEN:
            return Proposal(changes, "created", "", forge.create(changes))
        updated = forge.update(request, changes)
    except ForgeError as error:  # the others go on; this one is tried again
        return Proposal(changes, "failed", str(error), request)
    is_same = verdict == "unchanged" and updated == request
    return Proposal(changes, "unchanged" if is_same else "updated", "", updated)


def _close(
    forge: Forge, branches: Collection[Branch], requests: Mapping[str, PullRequest]
) -> tuple[list[PullRequest], list[Branch], list[Problem]]:
    """Close the open requests of these branches; give back those whose branch may go now."""
    closed, closable, problems = [], [], []
    for branch in branches:
        request = requests.get(branch.head.branch)
        try:
            if request and request.state is PullRequestState.OPEN:
                forge.close(request, WITHDRAWN, body=changeset.withdrawn_body(request.body))
                closed.append(request)
            closable.append(branch)
        except ForgeError as error:
            problems.append(_told(f"{branch.head.branch}: not closed: {error}"))
    return closed, closable, problems
