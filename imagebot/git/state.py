"""What a clone tells of its remote, and what it is asked to push. Pure, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from imagebot.proposals import BranchHead


@dataclass(frozen=True, slots=True)
class GitState:
    """The remote after a refresh. `branches` are imagebot's, by name; `fetched`: objects came."""

    base: BranchHead
    branches: Mapping[str, BranchHead]
    fetched: bool


@dataclass(frozen=True, slots=True)
class Push:
    """One branch to move. `commit` None deletes it; `expected` None: it must not exist yet.

    `options` are told to the server (`git push -o`), each one line.
    """

    branch: str
    commit: str | None
    expected: str | None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OurCommit:
    """A commit that bears our seal.

    `changed` has the blob id of each regular file that differs from the parent, "" if deleted.
    """

    commit: str
    parent: str
    tree: str
    message: str
    trailers: tuple[tuple[str, str], ...]
    changed: Mapping[str, str]
    written: datetime | None = None
