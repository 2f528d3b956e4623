"""imagebot's branches on the remote: what they propose, and which must not be withdrawn.

Reads commits by git, else pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagebot import messages, records
from imagebot.git import BareClone, GitState, OurCommit
from imagebot.git.tree import blob_id
from imagebot.image import Repository
from imagebot.model import Choice, Problem
from imagebot.proposals import BranchHead, ChangeSet, Proposed, PullRequest


@dataclass(frozen=True, slots=True)
class Branch:
    """One of imagebot's branches on the remote. `ours` None: somebody else put its head there."""

    head: BranchHead
    ours: OurCommit | None
    proposed: tuple[Proposed, ...]
    is_set_back: bool = False  # to a commit that imagebot wrote over before (editions.py)


def read_branches(git: BareClone, state: GitState) -> list[Branch]:
    """imagebot's branches with what their commits propose."""
    heads = [head for _, head in sorted(state.branches.items())]
    all_ours = git.our_commits(heads)
    branches = []
    for head in heads:
        ours = all_ours[head.branch]
        proposed = messages.proposed_in(ours.trailers) if ours else ()
        branches.append(Branch(head, ours, proposed))
    return branches


def what_to_keep(
    branches: Iterable[Branch],
    requests: Mapping[str, PullRequest],
    choices: Sequence[Choice],
    problems: Sequence[Problem],
) -> dict[str, str]:
    """Branches that must not be withdrawn although nothing asks for them, with the reason.

    A registry that failed, a file or a policy that cannot be read, or a suspension explains why a
    change is no longer asked for; then the request waits. `requests` are the newest, by head.
    """
    waiting = {
        (choice.policy.identity, choice.reference.repository): choice.reason
        for choice in choices
        if choice.policy and choice.reference and choice.update is None
        and (choice.is_failure or choice.is_suspended)
    }  # fmt: skip
    broken = {problem.file: problem.message for problem in problems if not problem.is_warning}
    keep: dict[str, str] = {}
    for branch in branches:
        if branch.ours is None:
            keep |= _doubt(branch, requests.get(branch.head.branch), waiting, broken)
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


def _doubt(
    branch: Branch,
    request: PullRequest | None,
    waiting: Mapping[tuple[str, Repository], str],
    broken: Mapping[str, str],
) -> dict[str, str]:
    """Why nobody can say that a person's branch is no longer asked for, if so.

    Its commit tells nothing of imagebot's, and the request's record names images but no policies:
    so any broken file may be the one.
    """
    record = records.record_in(request.body) if request else None
    images = {image for image, _, _ in record.versions} if record else set()
    reasons = [why for (_, image), why in waiting.items() if not images or str(image) in images]
    reasons += [f"{file}: {why}" for file, why in sorted(broken.items())]
    return {branch.head.branch: reasons[0]} if reasons else {}


def is_as_wanted(ours: OurCommit, changes: ChangeSet) -> bool:
    """Whether the branch holds just the wanted files, whatever else moved on the base."""
    algorithm = "sha256" if len(ours.commit) == 64 else "sha1"
    wanted = {path: blob_id(content, algorithm) for path, content in changes.files.items()}
    return dict(ours.changed) == wanted


def has_same_versions(ours: OurCommit, changes: ChangeSet) -> bool:
    """Whether the branch proposes the wanted tags and digests, in whatever files."""
    return set(messages.proposed_in(ours.trailers)) == set(changes.proposed)


def by_head(branches: Iterable[Branch]) -> Mapping[str, Branch]:
    return {branch.head.branch: branch for branch in branches}
