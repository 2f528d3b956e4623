"""Which edition of a branch its head is, so that an earlier one that a person put back is known.

Each time imagebot writes a branch it counts up, and seals the number in the commit's trailers.
After the push the number is noted in the record of the branch's request, or in the store where
the forge has no requests. A head of a lower edition than the noted one was put there by somebody
else. A run that ends between push and note leaves a note that is too low, which stops nothing.

Reads and writes the store, asks the remote; else pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from imagebot import records
from imagebot.carrying.branches import Branch
from imagebot.git import BareClone, OurCommit
from imagebot.git.seal import with_trailer
from imagebot.interfaces import OccurrenceCache
from imagebot.proposals import PullRequest

TRAILER = "Imagebot-Edition"


def edition_of(ours: OurCommit | None) -> int:
    """From 1 on; 0 where the commit tells none, as those of older imagebots."""
    told = [value for key, value in ours.trailers if key == TRAILER] if ours else []
    return int(told[-1]) if told and told[-1].isascii() and told[-1].isdecimal() else 0


def numbered(message: str, edition: int) -> str:
    """The message of the commit that makes this edition of a branch."""
    return with_trailer(message, TRAILER, str(edition))


def noted_in(requests: Mapping[str, PullRequest]) -> dict[str, int]:
    """The edition by branch that the newest request of each tells of."""
    return {head: records.edition_in(request.body) for head, request in requests.items()}


def noted_in_store(
    cache: OccurrenceCache | None, repository: str, branches: Iterable[str]
) -> dict[str, int]:
    """The edition by branch that was pushed last; without those that the store does not know."""
    keys = {_key(repository, branch): branch for branch in branches}
    found = cache.get_many(list(keys)) if cache and keys else {}
    return {keys[key]: int(value) for key, value in found.items()}


def note_in_store(
    cache: OccurrenceCache | None, repository: str, editions: Mapping[str, int]
) -> None:
    """Remember what stands on the remote now, by branch."""
    if cache and editions:
        cache.put_many({_key(repository, branch): b"%d" % n for branch, n in editions.items()})


def judged(branches: Sequence[Branch], noted: Mapping[str, int]) -> list[Branch]:
    """The branches, of which those that a person set back are no longer ours."""
    return [
        replace(branch, ours=None, is_set_back=True)
        if branch.ours and edition_of(branch.ours) < noted.get(branch.head.branch, 0)
        else branch
        for branch in branches
    ]


def have_moved(git: BareClone, branches: Sequence[Branch]) -> bool:
    """Whether a branch that seems to be set back has another head now.

    The heads are read before the notes, so what looks like an earlier edition may be one that
    another process wrote over in between.
    """
    back = [branch.head for branch in branches if branch.is_set_back]
    if not back:
        return False
    standing = git.refresh().branches
    return any(standing.get(head.branch) != head for head in back)


def _key(repository: str, branch: str) -> str:
    return f"edition 1 {repository} {branch}"
