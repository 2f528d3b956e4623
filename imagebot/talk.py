"""What is said and shown on a pull request besides its text: comments, statuses, merges, issues.

Pure and frozen: the nouns between the forges, who know how to say it, and the life of a pull
request, which decides what to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_COMMENTS_READ = 300  # of one conversation, the newest


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment on a pull request. `id` is the forge's, opaque."""

    id: str
    author: str  # as `Forge.may_write` takes it
    text: str
    is_own: bool = False  # written with the credentials that imagebot has now
    written: datetime | None = None
    name: str = ""  # as people know the author, where `author` is no name

    @property
    def said_by(self) -> str:
        """The author, in words for people."""
        return self.name or self.author


@dataclass(frozen=True, slots=True)
class Conversed:
    """What was said on a request, oldest first, and how far it was looked for."""

    comments: tuple[Comment, ...]
    share: float  # of what is looked through at most; from 1 on older ones may be unread


def conversed(comments: Sequence[Comment], looked_at: int = 0, most: int = 1) -> Conversed:
    """The newest of these; `looked_at` counts what else the forge lists among them."""
    share = max(len(comments) / MAX_COMMENTS_READ, looked_at / most)
    return Conversed(tuple(comments[-MAX_COMMENTS_READ:]), share)


class Reaction(StrEnum):
    """How a command was taken, at a glance."""

    DONE = "done"  # a thumb up
    REFUSED = "refused"  # a confused face, or a thumb down


class StatusState(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


OWN_STATUSES = "imagebot/"  # what the contexts of imagebot's own begin with


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """What one gate says of a commit, for branch protection to look at."""

    context: str  # imagebot/cooldown
    state: StatusState
    text: str  # one line of at most 140 characters
    url: str = ""


class MergeMethod(StrEnum):
    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class MergeOutcome(StrEnum):
    MERGED = "merged"
    QUEUED = "queued"  # the forge merges it when all it waits for is there
    WAITING = "waiting"  # not mergeable now: checks, reviews, a conflict


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of the project. `version` as that of a pull request."""

    number: int
    url: str
    title: str
    body: str
    is_open: bool = True
