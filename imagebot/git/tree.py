"""The files of one commit in a bare clone. Nothing is checked out.

Edge. Only regular files are listed: symbolic links and submodules could lead out of the tree.
Names that are not UTF-8 or hold control characters are left out too; no policy could name them.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from queue import SimpleQueue
from typing import IO

from imagebot.errors import GitError, GitUnavailable
from imagebot.git.process import GitProcess, Runner
from imagebot.interfaces import Listed, TreeChanges
from imagebot.model import MAX_CONTENT_BYTES

_CHUNK_BYTES = 1 << 16
_BATCH = 1_000  # files asked for together

REGULAR_MODES = frozenset({"100644", "100755"})
_BAD_IN_PATH = re.compile(r"[\x00-\x1f\x7f]|(?:\A|/)(?:\.{1,2}|\.git)?(?:/|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree: mode as git writes it, and the blob's id."""

    mode: str
    blob: str


UNSAFE_NAME = "its name is not UTF-8 or holds control characters"


def blob_id(content: bytes, algorithm: str = "sha1") -> str:
    """The id that git gives to this content, in its `sha1` or `sha256` object format."""
    return object_id("blob", content, algorithm)


def object_id(kind: str, content: bytes, algorithm: str) -> str:
    """As `blob_id`, of an object of any kind."""
    header = b"%s %d\0" % (kind.encode(), len(content))
    return hashlib.new(algorithm, header + content, usedforsecurity=False).hexdigest()


def is_safe_path(path: str) -> bool:
    """Relative, with no empty, `.`, `..` or `.git` part and no control character."""
    return _BAD_IN_PATH.search(path) is None


def is_safe_name(name: bytes) -> bool:
    """Whether a name as git lists it is UTF-8 and a safe path."""
    return _is_text(name) and is_safe_path(name.decode())


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


class BareTree:
    """A FileTree over one commit. `damaged` is told when objects are gone."""

    def __init__(
        self,
        runner: Runner,
        commit: str,
        tree_id: str,
        damaged: Callable[[], None],
        repository_key: str = "",
    ) -> None:
        self.commit = commit
        self.tree_id = tree_id
        self.repository_key = repository_key
        self._runner = runner
        self._damaged = damaged

    def walk(self) -> Iterator[Listed]:
        """Every regular file as git lists it, so that memory need not hold them all."""
        arguments = ["ls-tree", "-r", "-z", "--full-tree", self.tree_id]
        with self._runner.spool(arguments) as (finished, output):
            if finished.status != 0:
                raise self._lost_tree(finished.stderr)
            for name, entry in _entries(_fields(output)):
                if entry.mode in REGULAR_MODES:
                    yield _listed(name, entry.blob)

    def changes_since(self, tree_id: str) -> TreeChanges | None:
        """What `diff-tree` says; None where git has the other tree no more."""
        finished = self._runner.run(
            ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--no-textconv",
             tree_id, self.tree_id, "--"],
        )  # fmt: skip
        if finished.status != 0:
            return None
        gone, listed = [], []
        fields = finished.stdout.split(b"\0")
        for described, name in zip(fields[::2], fields[1::2], strict=False):
            words = described.decode().removeprefix(":").split(" ")
            old_mode, mode, old_blob, blob, _status = words
            if old_mode in REGULAR_MODES:
                gone.append(_listed(name, old_blob))
            if mode in REGULAR_MODES:
                listed.append(_listed(name, blob))
        return TreeChanges(gone, listed)

    def files(self) -> Mapping[str, str]:
        """Blob id by path of all that can be used, held in memory."""
        return self._files

    def contents(self, files: Iterable[Listed]) -> Iterator[tuple[Listed, bytes]]:
        """Contents as one process streams them, so that memory holds one file at a time.

        One process for all of them, since git forgets between two what it unpacked: with one for
        each thousand of 50,000 files, the same deltas are applied ten times as often.
        """
        remaining = iter(files)
        first = list(islice(remaining, _BATCH))
        if not first:
            return
        ids: SimpleQueue[bytes] = SimpleQueue()
        batches = chain([first], iter(lambda: list(islice(remaining, _BATCH)), []))
        with self._runner.start(["cat-file", "--batch"], stdin=iter(ids.get, b"")) as process:
            try:
                process.rest()
                for batch in batches:
                    yield from self._answers(process, ids, batch)
            finally:
                ids.put(b"")

    def _answers(
        self, process: GitProcess, ids: SimpleQueue[bytes], batch: Sequence[Listed]
    ) -> Iterator[tuple[Listed, bytes]]:
        """What `cat-file` says of a batch. Its clock runs while it is waited for."""
        if batch:
            ids.put(b"".join(file.blob.encode() + b"\n" for file in batch))
        for file in batch:
            process.resume()
            content = read_object(process.stdout)
            process.rest()
            if content is None:
                ids.put(b"")
                process.end()  # a passed deadline is the truer reason
                self._damaged()
                raise GitUnavailable(
                    f"the clone has lost the content of {file.path}",
                    hint="it is thrown away and cloned anew at the next refresh",
                )
            yield file, content

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = [Listed(path, self._files[path]) for path in paths if path in self._files]
        for file, content in self.contents(wanted):
            yield file.path, content

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Everything in the tree whose name is UTF-8, links and submodules too, by path."""
        return {name.decode(): entry for name, entry in self._listing() if _is_text(name)}

    def _listing(self) -> Iterator[tuple[bytes, Entry]]:
        finished = self._runner.run(["ls-tree", "-r", "-z", "--full-tree", self.tree_id])
        if finished.status != 0:
            raise self._lost_tree(finished.stderr)
        return _entries(finished.stdout.split(b"\0"))

    def _lost_tree(self, said: str) -> GitUnavailable:
        self._damaged()
        return GitUnavailable(
            f"the clone has lost the tree of {self.commit}: {said[-200:]}",
            hint="it is thrown away and cloned anew at the next refresh",
        )

    @cached_property
    def _files(self) -> Mapping[str, str]:
        return {
            path: entry.blob
            for path, entry in self.entries.items()
            if entry.mode in REGULAR_MODES and is_safe_path(path)
        }


def _listed(name: bytes, blob: str) -> Listed:
    if is_safe_name(name):
        return Listed(name.decode(), blob)
    # Such a name cannot be shown or written safely.
    return Listed(name.decode(errors="backslashreplace"), blob, UNSAFE_NAME)


def _fields(stream: IO[bytes]) -> Iterator[bytes]:
    """What stands between NUL bytes, as it comes."""
    rest = b""
    while chunk := stream.read(_CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    yield rest


def _entries(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Entry]]:
    for line in lines:
        described, _tab, name = line.partition(b"\t")
        try:
            mode, _kind, blob = described.decode().split(" ")
            yield name, Entry(mode, blob)
        except ValueError:  # the end of the list
            continue


def read_object(stream: IO[bytes]) -> bytes | None:
    """The next answer of `cat-file --batch`; None if the object is missing or git has ended."""
    header = stream.readline(1024).split()
    if len(header) != 3:
        return None
    size = int(header[2])
    content = stream.read(min(size, MAX_CONTENT_BYTES + 1))
    left = size - len(content) + 1  # and the newline behind the content
    while left > 0:
        skipped = stream.read(min(left, 1 << 20))
        if not skipped:
            return None
        left -= len(skipped)
    return content


def check_writable(tree: BareTree, path: str) -> str:
    """The mode a file keeps when it is written, 100644 for a new one.

    Raises GitError for a path that is or lies behind a link, a submodule or a file.
    """
    if not is_safe_path(path):
        raise GitError(f"not a path that imagebot writes: {path!r}")
    entry = tree.entries.get(path)
    if entry is not None:
        if entry.mode not in REGULAR_MODES:
            raise GitError(f"{path} is a symbolic link or submodule; imagebot writes files only")
        return entry.mode
    parts = path.split("/")
    behind = next((p for p in map("/".join, _heads(parts)) if p in tree.entries), None)
    if behind is not None:
        raise GitError(f"{path} cannot be written: {behind} is not a folder")
    if any(other.startswith(path + "/") for other in tree.entries):
        raise GitError(f"{path} cannot be written: it is a folder")
    return "100644"


def _heads(parts: list[str]) -> Iterator[list[str]]:
    return (parts[:length] for length in range(1, len(parts)))
