"""The nouns from a change set to what became of it: what is proposed to people, and where. No I/O.

All frozen. `changeset` makes `ChangeSet`s of the edits that land together, `git` a commit and a
branch of each, a forge a `PullRequest`, and `Outcome` says what happened. What comes before them
stands in model.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from imagebot.image import Digest, Repository
from imagebot.model import Choice, Edit, Problem, Update
from imagebot.policy.model import AutoMerge
from imagebot.talk import CommitStatus


@dataclass(frozen=True, slots=True)
class Proposed:
    """What an existing branch already proposes for one image under one policy."""

    policy: str  # Policy.identity
    repository: Repository
    tag: str
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class ForgeTraits:
    """What of a forge bears on what is said to people there."""

    name: str = ""  # its type, "" where none is known
    has_requests: bool = True
    has_labels: bool = True  # on pull requests


NO_FORGE = ForgeTraits()  # none is known, as where a folder is planned on


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Edits that land together: one branch, one commit, one pull request."""

    group: str  # what people call it; never a version
    branch: str  # imagebot/<slug>-<hash>, no refs/heads/
    base: str
    title: str
    body: str
    message: str  # commit message with trailers, without the seal that git.py adds
    files: Mapping[str, bytes]  # whole new content by path
    updates: tuple[Update, ...]
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()  # user names, or org/team
    assignees: tuple[str, ...] = ()  # user names
    milestone: str = ""  # by its title
    is_draft: bool = False  # to be opened as one; what people make of it later stays
    proposed: tuple[Proposed, ...] = ()
    explanation: str = ""  # Markdown: why these versions, and what waits
    rebase: str = "conflict"  # when the base moves: conflict, behind or never
    auto_merge: AutoMerge | None = None
    hands_over: bool = False  # some of its requests go to the forge's auto-merge, this or another
    gates: tuple[CommitStatus, ...] = ()  # what they say of the tags
    shows_gates: bool = False  # as commit statuses
    is_carried_over: bool = False  # a registry did not answer: kept as proposed, told with less
    edits_by_file: Mapping[str, tuple[Edit, ...]] = field(default_factory=dict)


class PullRequestState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"  # without merge
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A request to merge `head` into `base`, as the forge tells it."""

    number: int
    url: str
    state: PullRequestState
    head: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    version: str = ""  # opaque; another whenever anybody did or said anything; "": not told
    created: datetime | None = None
    head_commit: str = ""  # as the forge has it, perhaps its first 12 digits; "": not told
    is_draft: bool = False
    draft_mark: str = ""  # in front of the title, where the forge keeps it there
    misses_replies: bool = False  # its version stays although somebody replied to a comment


@dataclass(frozen=True, slots=True)
class UnsignedCommit:
    """A commit that is still to be signed. Files are those that differ from the first parent."""

    content: bytes  # the commit object without a signature
    tree: str
    parents: tuple[str, ...]
    message: str
    base_tree: str  # of the first parent
    files: Mapping[str, tuple[str, bytes]]  # mode and content by path


@dataclass(frozen=True, slots=True)
class SignedCommit:
    """What was signed, and by what. `commit` is the id that it must have, "" for any."""

    content: bytes  # the commit object without the signature: a forge sets author and time itself
    signature: bytes
    commit: str = ""


@dataclass(frozen=True, slots=True)
class BranchHead:
    """The head of one branch on the remote, as last fetched."""

    branch: str
    commit: str  # full hex object id
    tree: str


class OutcomeKind(StrEnum):
    UP_TO_DATE = "up-to-date"
    PROPOSED = "proposed"  # a branch or pull request was made or changed
    WAITING = "waiting"  # everything wanted is proposed already
    HELD = "held"  # something may not go now: a person's commit, a suspension
    STALLED = "stalled"  # needs a person: wrong policy, permission, unreadable repository
    FAILED = "failed"  # will be tried again


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change set and what became of it."""

    changes: ChangeSet
    action: str  # created, updated, unchanged, pushed, merged, waiting, skipped, failed
    reason: str = ""
    pull_request: PullRequest | None = None
    is_closed: bool = False  # a window or a freeze keeps it back, which nobody can ask away


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one reconciliation of one git repository came to."""

    repository: str  # name in the settings
    kind: OutcomeKind
    message: str
    choices: tuple[Choice, ...] = ()
    problems: tuple[Problem, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    closed: tuple[PullRequest, ...] = ()
    requests: tuple[PullRequest, ...] = ()  # as they were found: those of its branches
