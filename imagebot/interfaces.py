"""The sockets: what a registry, a forge, a store and a tree of files must offer.

Pure Protocols in our own terms. Implementations satisfy them by shape, do not inherit, and
stand in the table of their folder. Each Protocol has one contract suite in `tests/`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

from imagebot.details import DetailsKey, ImageDetails
from imagebot.errors import RegistryError
from imagebot.image import Digest, Repository
from imagebot.model import ImageContent, ImageFacts, Sighting, TagList, TagRecord
from imagebot.proposals import ChangeSet, PullRequest, SignedCommit, UnsignedCommit
from imagebot.secret import Secret
from imagebot.talk import (
    Comment,
    CommitStatus,
    Conversed,
    Issue,
    MergeMethod,
    MergeOutcome,
    Reaction,
)


class Listed(NamedTuple):
    """One regular file of a tree: its name, fit to be shown, and the id of its content."""

    path: str
    blob: str  # changes whenever the content does; "" where it is known only by reading
    passed_over: str = ""  # why the file cannot be looked at, "" where it can


class TreeChanges(NamedTuple):
    """How one tree became another. A file whose content changed is both gone and listed."""

    gone: Sequence[Listed]
    listed: Sequence[Listed]


class FileTree(Protocol):
    """The files of one git repository at one moment: a bare clone's tree, or a folder on disk.

    Paths are POSIX, relative to the root. Symbolic links and submodules are never listed.
    """

    @property
    def tree_id(self) -> str:
        """Git's id of all names and contents together; "" for a folder, which can change."""
        ...

    @property
    def repository_key(self) -> str:
        """The same for all trees of one git repository, and for no other; holds no secret."""
        ...

    def walk(self) -> Iterable[Listed]:
        """Every regular file, as it comes: a tree may have more files than memory should hold."""
        ...

    def changes_since(self, tree_id: str) -> TreeChanges | None:
        """How this tree differs from an earlier one; None where that one is not here any more."""
        ...

    def contents(self, files: Iterable[Listed]) -> Iterable[tuple[Listed, bytes]]:
        """Each file that `walk` or `changes_since` listed with its content, one at a time.

        A file that is gone meanwhile is left out. `files` is asked for more as the contents are
        used up.
        """
        ...

    def read(self, paths: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        """Path and content of each, in any order; a path that is gone is left out."""
        ...


class Registry(Protocol):
    """Everything imagebot asks of image registries. Thread-safe."""

    def list_tags(self, repository: Repository) -> TagList:
        """All tags. Raises NotInRegistry, RegistryError (final) or RegistryUnavailable (retry)."""
        ...

    def facts(self, repository: Repository, tag: str) -> ImageFacts:
        """Digest and media type behind a tag. Raises as `list_tags`."""
        ...

    def facts_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], ImageFacts | RegistryError]:
        """Facts of each tag, many at a time. A failure is a value here, as in `list_many`."""
        ...

    def list_many(
        self,
        repositories: Sequence[Repository],
        progress: Callable[[int, int], None] | None = None,
    ) -> Mapping[Repository, TagList | RegistryError]:
        """List each repository once, many at a time, never more than the host's limit.

        A failure is a value here, so that one registry in trouble never stops the others.
        `progress(done, total)` is called from the calling thread.
        """
        ...

    def content_many(
        self, images: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], ImageContent | RegistryError]:
        """The platforms behind each digest: one request for an index, two for a lone manifest.

        What a digest holds never changes, so it is asked of a registry once and then remembered.
        """
        ...

    def created_many(
        self, manifests: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], datetime | RegistryError | None]:
        """When the image of each manifest (not index) was built by its own word, None without.

        Remembered as `content_many` does.
        """
        ...

    def published_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], datetime | RegistryError | None]:
        """When the registry took each tag in, last pushed; None where it does not tell.

        Only a time that the registry gives for the digest that the tag has now.
        """
        ...


class ImageReader(Protocol):
    """What is asked of registries to tell people about images. Thread-safe."""

    def facts_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], ImageFacts | RegistryError]:
        """As `Registry.facts_many`."""
        ...

    def details_many(
        self, images: Sequence[DetailsKey]
    ) -> Mapping[DetailsKey, ImageDetails | RegistryError]:
        """What each image says of itself: two requests, three for an index, once in its life."""
        ...


class Ledger(Protocol):
    """When imagebot first saw what. Losing it makes ages unknown again, never shorter.

    Repositories are those of images. Thread-safe.
    """

    def note_listings(self, tags: Mapping[Repository, Sequence[str]], now: datetime) -> None:
        """Remember each tag that is new. The first listing of a repository seeds it."""
        ...

    def note_digests(
        self, digests: Mapping[tuple[Repository, str], Digest], now: datetime
    ) -> Mapping[tuple[Repository, str], Sighting]:
        """Remember where each tag points now; a tag that moved starts again. Gives all back."""
        ...

    def records(self, repository: Repository) -> Mapping[str, TagRecord]:
        """Every tag of a repository that was ever listed, by name."""
        ...


@runtime_checkable
class Conversation(Protocol):
    """What a forge offers on pull requests that are open, besides their texts."""

    closes_at_once: bool  # as `Forge`

    def comments(self, pull_request: PullRequest) -> Conversed:
        """What was said in the conversation; of a long one at most the newest 300."""
        ...

    def may_write(self, author: str) -> bool:
        """Whether an author of a comment may write to the git repository, so may command.

        Raises ForgeError where the forge, or the token's permission, does not let it be known.
        """
        ...

    def answer(
        self, pull_request: PullRequest, comment: Comment, reaction: Reaction, text: str
    ) -> None:
        """React to a comment, where the forge knows reactions, and say `text` once."""
        ...

    def say(self, pull_request: PullRequest, text: str) -> None:
        """Comment, unless exactly this was said there with our credentials before."""
        ...

    def take_off(self, pull_request: PullRequest, label: str) -> PullRequest:
        """Without that label; success where it is not on it."""
        ...

    def make_labels(self, labels: Mapping[str, str]) -> None:
        """Description by name; success for one that is there. A forge on which people can set
        labels that do not exist yet, or that has none, does nothing.
        """
        ...

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Show what a gate says on a commit that the forge has. The last of one context counts."""
        ...

    def merge(
        self,
        pull_request: PullRequest,
        method: MergeMethod,
        *,
        by_forge: bool,
        needs_checks: bool = False,
        is_fresh: bool = False,
    ) -> MergeOutcome:
        """Merge exactly `pull_request.head_commit`, never a later head.

        Merge now if all checks that are required, or there at all, are green and the forge lets
        it; else WAITING. `by_forge`: where the forge waits for something, hand it to its own
        auto-merge or merge queue. `needs_checks`: a commit without any check but imagebot's own
        is not green yet, as far as the forge tells that (docs/forges.md). `is_fresh`: the commit
        was pushed a moment ago, so that it is not merged now, however green. Raises ForgeError
        for what waiting cannot mend.
        """
        ...

    def call_back(self, pull_request: PullRequest) -> None:
        """Take it out of the forge's own auto-merge and merge queue; success where it is in none.

        A forge without auto-merge does nothing.
        """
        ...

    def find_issue(self, marker: str) -> Issue | None:
        """The newest issue of ours whose body holds `marker`, open before closed.

        Raises ForgeError where the project has no issues.
        """
        ...

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Issue: ...

    def update_issue(self, issue: Issue, *, title: str, body: str) -> Issue:
        """Set what differs, and open it again if it was closed; sends nothing if nothing does."""
        ...


class Forge(Protocol):
    """Pull requests of one repository on one forge."""

    name: str  # "github", "gitlab", "plain", ...
    has_pull_requests: bool  # False for plain Git: nothing is found, created or closed
    has_labels: bool  # pull requests can bear labels
    closes_at_once: bool  # body and state are changed in one request
    max_body_characters: int  # longer bodies are refused before anything is sent

    def git_credentials(self) -> tuple[str, Secret] | None:
        """User name and password for git over HTTPS on the forge's own host, None for plain Git.

        Good for some minutes, so to be asked for again before each use.
        """
        ...

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        """The newest pull request of each head branch, whatever its state (open before closed)."""
        ...

    def declined(self) -> Sequence[PullRequest]:
        """Requests of the repository's own branches that were closed unmerged, of the newest few
        hundred: a constant number of pages. A body may be cut where the forge's lists cut it.
        """
        ...

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        """Requests of the repository's own branches opened after `since`, whatever became of them,
        of the newest few hundred. A body may be cut as in `declined`.
        """
        ...

    def create(self, changes: ChangeSet) -> PullRequest:
        """Open one; where the forge says that one is already open for the head, that one as it is.

        Labels are set by `update`, people by `ask_people`.
        """
        ...

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        """Ask reviewers, assign and set the milestone; success where that is done already.

        What the forge refuses is a warning in the log. Raises ForgeUnavailable where it does not
        answer, so that it is done again.
        """
        ...

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        """Set title, body and missing labels where they differ; sends nothing where they do not.

        The base stays: who changed it meant to. Labels that the project lacks are made.
        """
        ...

    def close(
        self,
        pull_request: PullRequest,
        comment: str,
        *,
        body: str | None = None,
        proof: str = "",
    ) -> None:
        """Say why in a comment, then close, with another body where one is given.

        `proof` is said after that by a forge that does not close at once, and on which it can be
        reopened: one that is open without it was never closed, although its body says so.
        """
        ...


@runtime_checkable
class PushAnnouncer(Protocol):
    """A forge that is told of a request by the push of its branch."""

    def push_options(self, changes: ChangeSet) -> Sequence[str]:
        """What the push says (`git push -o`), each one line; none: a push without options."""
        ...


@runtime_checkable
class Rereader(Protocol):
    """A forge whose listings may miss for a while what a person made of a text."""

    def read_again(self, pull_request: PullRequest) -> PullRequest:
        """With its text as it is now, before that is written over."""
        ...


class CommitSigner(Protocol):
    """Signs commits: with a key, or by a forge that puts its own name to them."""

    def sign(self, commit: UnsignedCommit) -> SignedCommit:
        """Raises GitError or ForgeError; never gives back a commit without a signature."""
        ...


class OccurrenceCache(Protocol):
    """Occurrences of blobs that were parsed before. Losing it costs time only."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]: ...

    def put_many(self, entries: Mapping[str, bytes]) -> None: ...


class HostLimits(Protocol):
    """How often a registry host is asked, by all that share the store. Never raises."""

    def reserve(self, host: str, per_minute: int | None, patience_seconds: float) -> float:
        """How many seconds to wait before the next request; with more than patience, none may go.

        `per_minute` None: as often as one likes, unless the host asked to be left alone.
        """
        ...

    def hold_off(self, host: str, seconds: float) -> None:
        """The host asked to be left alone for so long."""
        ...


class DigestCache(Protocol):
    """What digests hold, by digest. It never changes; losing it costs requests only."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]: ...

    def put_many(self, entries: Mapping[str, bytes]) -> None: ...
