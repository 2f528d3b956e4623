"""A bare, shallow clone of one remote: what stands there, and pushing commits of ours to it.

Edge. A clone holds nothing that could not be fetched again, so one that is unfinished, damaged,
grown or made for another address is thrown away.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from imagebot.errors import GitError, GitUnavailable
from imagebot.git import agit
from imagebot.git.changes import changes
from imagebot.git.complaints import RemoteRefGone, Unexplained, complaint, push_complaint
from imagebot.git.folder import CloneFolder
from imagebot.git.process import Runner
from imagebot.git.pushing import arguments, batches, is_complaint, server_words
from imagebot.git.remote import (
    Identity,
    Remote,
    check_branch,
    check_object_id,
    is_our_alphabet,
    secrets_of,
    transport_config,
    transport_environment,
)
from imagebot.git.seal import (
    BRANCH,
    WRITTEN,
    RawCommit,
    branch_of,
    is_sealed,
    parse_commit,
    trailers,
    with_trailer,
    written_at,
)
from imagebot.git.signing import Signer, SigningKey
from imagebot.git.state import GitState, OurCommit, Push
from imagebot.git.tree import BareTree, read_object
from imagebot.git.writing import write_commit
from imagebot.interfaces import CommitSigner
from imagebot.proposals import BranchHead

log = logging.getLogger(__name__)

MAX_LISTING_BYTES = 64 * 1024 * 1024
_REFRESH_ATTEMPTS = 3


class _Damaged(GitUnavailable):
    """The clone on disk cannot be used; cloning anew mends it."""


class BareClone:
    """One remote in one folder, for one thread at a time.

    The folder is owned from the first refresh on; `close()` or `with` gives it free again.
    """

    def __init__(
        self,
        remote: Remote,
        folder: Path,
        *,
        identity: Identity,
        signing: SigningKey | CommitSigner | None = None,
        branch_prefix: str = "imagebot/",
        timeout_seconds: float = 120,
        lock_wait_seconds: float = 15,
    ) -> None:
        if not is_our_alphabet(branch_prefix.rstrip("/")):
            raise GitError(f"not a prefix for branches: {branch_prefix!r}")
        self._remote = remote
        self.is_turned = False
        self._folder = CloneFolder(folder.absolute(), remote.url, lock_wait_seconds)
        self._identity = identity
        self._key = Signer(signing) if isinstance(signing, SigningKey) else None
        self._signer: CommitSigner | None = (
            self._key if isinstance(signing, SigningKey) else signing
        )
        self._prefix = branch_prefix
        self._is_new = False  # nothing was in the clone before this refresh
        self._tree: BareTree | None = None  # the last one: several commits start from one base
        self._heads: dict[str, str] | None = None
        self._requests: dict[int, str] = {}  # heads of AGit requests by number
        self._state: GitState | None = None
        self._local = Runner(self._folder.path, timeout_seconds=timeout_seconds)
        self._network = Runner(
            self._folder.path,
            config=transport_config(remote),
            environment=transport_environment(remote),
            secrets=secrets_of(remote),
            timeout_seconds=timeout_seconds,
        )
        # Asking needs no clone, so a damaged one cannot get in its way.
        self._asking = replace(self._network, git_dir=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the folder free. The clone stays on disk and can be used again."""
        if self._key:
            self._key.close()
        self._folder.unlock()

    def refresh(self) -> GitState:
        """Ask for the heads with one `ls-remote`; fetch only commits that are not here yet.

        Raises GitError when the remote is empty or has no such base branch, GitUnavailable when
        it cannot be reached.
        """
        self._folder.lock()
        for attempt in range(_REFRESH_ATTEMPTS):
            try:
                return self._refresh()
            except _Damaged as error:
                self._distrust()
                reason: GitError = error
            except RemoteRefGone as error:
                if attempt == _REFRESH_ATTEMPTS - 1:
                    raise
                reason = error
        raise GitUnavailable(
            f"the clone of {self._remote.url} came out unusable: {reason}"
        ) from reason

    @property
    def base_commit(self) -> str:
        """The head of the base branch at the last refresh; "" before the first."""
        return self._state.base.commit if self._state else ""

    @property
    def only_adds(self) -> bool:
        """Whether no push can write over a commit, as with AGit."""
        return self._remote.is_agit

    def look(self) -> str:
        """The head of the base branch on the remote now, by one `ls-remote`; needs no clone.

        Raises as `refresh`.
        """
        base, heads, _ = self._ask_heads()
        return heads[base]

    def turn_to(self, base: str) -> None:
        """From the next refresh on, take another branch of the remote for the base."""
        self._remote = replace(self._remote, base=check_branch(base))
        self._heads = self._state = None
        self.is_turned = True

    def tree(self, commit: str) -> BareTree:
        """The files of a commit that the last refresh told of, or that we made."""
        if self._tree is None or self._tree.commit != commit:
            tree_id = self._trees([check_object_id(commit)]).get(commit)
            if tree_id is None:
                raise GitError(f"commit {commit} is not in the clone", hint="refresh first")
            self._tree = BareTree(
                self._local, commit, tree_id, self._distrust, self._folder.repository_key
            )
        return self._tree

    def our_commits(self, heads: Iterable[BranchHead]) -> dict[str, OurCommit | None]:
        """By branch: the commit at its head if imagebot made it for this branch, unchanged.

        Else None; see seal.py for what that means. None also when its parent cannot be read any
        more.
        """
        wanted = list(heads)
        if not wanted:
            return {}
        raw = self._commits(check_object_id(head.commit) for head in wanted)
        sealed = {commit: each for commit, each in raw.items() if is_sealed(each, self._identity)}
        parents = self._trees({each.parents[0] for each in sealed.values()}) if sealed else {}
        readable = {
            commit: (parents[each.parents[0]], each.tree)
            for commit, each in sealed.items()
            if each.parents[0] in parents
        }
        changed = changes(self._local, readable)
        return {
            head.branch: _ours(head.commit, raw[head.commit], changed[head.commit])
            if head.commit in changed and branch_of(raw[head.commit].message) in ("", head.branch)
            else None
            for head in wanted
        }

    def our_commit(self, head: BranchHead) -> OurCommit | None:
        """As `our_commits`, of one branch."""
        return self.our_commits([head])[head.branch]

    def commit(
        self,
        base: BranchHead,
        branch: str,
        files: Mapping[str, bytes],
        message: str,
        at: datetime,
    ) -> str:
        """Write a sealed commit on `base`, into the clone only, and give its id.

        `branch` is where it will be pushed; its name is checked here, before any work is done.
        Raises GitError if nothing would change.
        """
        self._check_target(branch, base.branch)
        tree = self.tree(base.commit)
        former = None
        if branch != base.branch:
            message = with_trailer(message, BRANCH, branch)
            message = with_trailer(message, WRITTEN, written_at(at))
        if self._remote.is_agit:
            standing = self._state.branches.get(branch) if self._state else None
            if standing and self.our_commit(standing):  # never on top of a person's work
                former = standing.commit
        return write_commit(
            self._local, base, tree, files, message, self._identity, at, self._signer, former
        )

    def push(self, pushes: Sequence[Push]) -> None:
        """Move all branches, each only if it is where `expected` says.

        One `git push` carries all that have no push options; each with options goes alone.
        A branch that is at `commit` already may pass whatever `expected` says.
        Raises PushRejected (a branch moved meanwhile; the others may have been pushed),
        GitError (the server declines) or GitUnavailable (it may or may not have been done:
        refresh tells).
        """
        base = self._state.base.branch if self._state else None
        for push in pushes:
            self._check_target(push.branch, base)
        for batch in batches(agit.requested(pushes) if self._remote.is_agit else pushes):
            self._push_together(batch, base if self._remote.is_agit else None)

    def _push_together(self, batch: Sequence[Push], agit_base: str | None) -> None:
        finished = self._network.run(arguments(self._remote.url, batch, agit_base))
        self._heads = None  # the remote changed, or we cannot know: look closely next time
        if finished.status != 0:
            porcelain = finished.stdout.decode("utf-8", "replace")
            raise push_complaint(self._remote.url, porcelain, finished.stderr)
        if batch[0].options and (said := server_words(finished.stderr)):
            # Where a server takes a push but not its options, only these words tell.
            level = logging.WARNING if is_complaint(said) else logging.INFO
            log.log(level, "%s: the server says of the push: %s", batch[0].branch, said)

    # -- what the remote has ------------------------------------------------------------------

    def _refresh(self) -> GitState:
        base, heads, requests = self._ask_heads()
        self._prepare_folder("sha1" if len(heads[base]) == 40 else "sha256")
        is_same = (heads, requests) == (self._heads, self._requests)
        if self._state is not None and is_same and base == self._state.base.branch:
            return GitState(self._state.base, self._state.branches, fetched=False)
        missing = self._missing(base, heads)
        if missing:
            # Our commits' parents are needed to see what they changed; the base has no such need.
            depth = 1 if missing == [base] else 2
            self._fetch([f"refs/heads/{name}" for name in missing], depth)
            heads |= self._fetched_heads(missing)
        ours = self._requested_heads(requests)
        self._state = self._describe(base, heads | ours, fetched=bool(missing))
        self._heads, self._requests = heads, requests
        return self._state

    def _requested_heads(self, requests: Mapping[int, str]) -> dict[str, str]:
        """The commits of our AGit requests by branch name; fetches those that are not here."""
        if not requests:
            return {}
        known = self._commits(requests.values())
        absent = [number for number, commit in requests.items() if commit not in known]
        if absent:
            self._fetch([agit.head_ref(number) for number in absent], 2)
            known = self._commits(requests.values())
        if any(commit not in known for commit in requests.values()):
            raise RemoteRefGone(f"asking {self._remote.url}: a request moved meanwhile")
        return agit.branches(
            requests, known, self._prefix, lambda raw: is_sealed(raw, self._identity)
        )

    def _ask_heads(self) -> tuple[str, dict[str, str], dict[int, str]]:
        """The base branch, the commit of it and of each of our branches by name, and AGit requests.

        With a base given, `--heads` reaches the server, which then sends no tags and no pull
        requests' refs. Without one the answer has to hold HEAD, and so every ref.
        """
        wanted = self._remote.base
        is_agit = self._remote.is_agit
        options = ["--heads"] if wanted and not is_agit else ["--symref"]
        mine = agit.HEADS if is_agit else f"refs/heads/{self._prefix}*"
        patterns = [f"refs/heads/{wanted}" if wanted else "HEAD", mine]
        finished = self._asking.run(
            ["ls-remote", "--quiet", *options, "--end-of-options", self._remote.url, *patterns],
            max_output_bytes=MAX_LISTING_BYTES,
        )
        if finished.status != 0:
            raise complaint("asking", self._remote.url, finished.stderr)
        refs, default = _parse_listing(finished.stdout.decode("utf-8", "replace"))
        base = wanted or default
        ours = {
            name.removeprefix("refs/heads/"): commit
            for name, commit in refs.items()
            if name.startswith(f"refs/heads/{self._prefix}")
        }
        heads = {name: commit for name, commit in ours.items() if is_our_alphabet(name)}
        commit = refs.get(f"refs/heads/{wanted}") if wanted else refs.get("HEAD")
        if base is None or commit is None:
            raise self._no_base(base)
        requests = agit.newest_requests(refs) if is_agit else {}
        return check_branch(base), heads | {base: check_object_id(commit)}, requests

    def _no_base(self, base: str | None) -> GitError:
        """Ask once more, for all heads: an empty repository differs from a wrong name."""
        url = self._remote.url
        finished = self._asking.run(["ls-remote", "--quiet", "--heads", "--end-of-options", url])
        refs, _default = _parse_listing(finished.stdout.decode("utf-8", "replace"))
        names = sorted(name.removeprefix("refs/heads/") for name in refs)
        if finished.status == 0 and not names:
            return GitError(f"{url} is empty: it has no branch yet", hint="push a first commit")
        known = f"it has {', '.join(names[:8])}" + (" and more" if len(names) > 8 else "")
        if base is None:
            return GitError(f"{url} names no default branch", hint=f"name the base; {known}")
        return GitError(f"{url} has no branch {base!r}", hint=known)

    def _missing(self, base: str, heads: Mapping[str, str]) -> list[str]:
        """Branches whose commit is not here, or, for ours, whose parent's tree is not."""
        commits = self._commits(heads.values())
        parents = [p for raw in commits.values() for p in raw.parents]
        trees = self._trees([*commits, *parents])
        missing = []
        for branch, commit in heads.items():
            needed = [commit]
            if branch != base and commit in commits and len(commits[commit].parents) == 1:
                needed += commits[commit].parents
            if any(each not in trees for each in needed):
                missing.append(branch)
        return missing

    def _fetch(self, refs: Sequence[str], depth: int) -> None:
        refspecs = [f"+{name}:{name}\n".encode() for name in refs]
        finished = self._network.run(
            ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules",
             "--no-auto-maintenance", "--no-show-forced-updates", "--update-shallow",
             f"--depth={depth}", "--stdin", "--end-of-options", self._remote.url],
            stdin=refspecs,
        )  # fmt: skip
        if finished.status != 0:
            error = complaint("fetching from", self._remote.url, finished.stderr)
            if isinstance(error, Unexplained) and not self._is_new:
                raise _Damaged(str(error)) from error
            raise error
        self._folder.mark_complete()

    def _fetched_heads(self, branches: Iterable[str]) -> dict[str, str]:
        """Where the fetch left the branches: the remote may have moved since it was asked."""
        names = [f"refs/heads/{name}" for name in branches]
        finished = self._local.run(
            ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/"]
        )
        lines = (line.split(" ", 1) for line in finished.stdout.decode().splitlines())
        found = {name: commit for commit, name in lines}
        if finished.status != 0 or any(name not in found for name in names):
            raise _Damaged("a fetched branch is not in the clone")
        return {name.removeprefix("refs/heads/"): found[name] for name in names}

    def _describe(self, base: str, heads: Mapping[str, str], *, fetched: bool) -> GitState:
        trees = self._trees(heads.values())
        if any(commit not in trees for commit in heads.values()):
            raise _Damaged("a fetched commit is not in the clone")
        described = {
            branch: BranchHead(branch, commit, trees[commit]) for branch, commit in heads.items()
        }
        branches = {name: head for name, head in described.items() if name != base}
        return GitState(described[base], branches, fetched)

    # -- what the clone has -------------------------------------------------------------------

    def _commits(self, commits: Iterable[str]) -> dict[str, RawCommit]:
        """Those of the commits that are here."""
        wanted = list(dict.fromkeys(commits))
        found = {}
        lines = (commit.encode() + b"\n" for commit in wanted)
        with self._local.start(["cat-file", "--batch"], stdin=lines) as process:
            for commit in wanted:
                content = read_object(process.stdout)
                if content is not None:
                    found[commit] = parse_commit(content)
        return found

    def _trees(self, commits: Iterable[str]) -> dict[str, str]:
        """The tree of each commit whose commit and tree are here."""
        wanted = list(dict.fromkeys(commits))
        lines = [f"{commit}^{{tree}}\n".encode() for commit in wanted]
        finished = self._local.run(["cat-file", "--batch-check"], stdin=lines)
        answers = [line.split() for line in finished.stdout.decode().splitlines()]
        if finished.status != 0 or len(answers) != len(wanted):
            self._distrust()
            raise _Damaged(f"the clone cannot be read: {finished.stderr[-200:]}")
        pairs = zip(wanted, answers, strict=True)
        return {commit: answer[0] for commit, answer in pairs if answer[1:2] == ["tree"]}

    def _check_target(self, branch: str, base: str | None) -> None:
        """We write below our prefix, and to the base branch (for `direct` commits)."""
        if branch == base:
            check_branch(branch)
        elif not branch.startswith(self._prefix) or not is_our_alphabet(branch):
            raise GitError(f"{branch!r} is not a branch that imagebot writes")

    def _distrust(self) -> None:
        self._folder.distrust()
        self._heads = self._tree = None

    def _prepare_folder(self, object_format: str) -> None:
        """Make an empty repository unless a usable clone is there."""
        self._is_new = not self._folder.is_usable()
        if not self._is_new:
            return
        self._heads = self._state = self._tree = None
        self._folder.clear()
        finished = self._local.run(
            [
                "init",
                "--quiet",
                "--bare",
                "--template=",
                "--initial-branch=none",
                f"--object-format={object_format}",
            ]
        )
        if finished.status != 0:
            raise GitError(f"a bare repository could not be made: {finished.stderr[-300:]}")


def _ours(commit: str, raw: RawCommit, changed: Mapping[str, str]) -> OurCommit:
    said = trailers(raw.message)
    parent = raw.parents[0]
    return OurCommit(commit, parent, raw.tree, raw.message, said, changed, raw.written)


def _parse_listing(listing: str) -> tuple[dict[str, str], str | None]:
    """Commit by ref name, and the branch that HEAD names if the listing says."""
    refs: dict[str, str] = {}
    default = None
    for line in listing.splitlines():
        value, _tab, name = line.partition("\t")
        if value.startswith("ref: refs/heads/") and name == "HEAD":
            default = value.removeprefix("ref: refs/heads/")
        elif name:
            refs[name] = value
    return refs, default
