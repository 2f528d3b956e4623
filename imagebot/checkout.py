"""A folder on disk as a FileTree, and writing one file of it in place.

Edge. For the commands that people and CI jobs run in a checkout (`plan`, `set`, `apply`). In a
git checkout the files are those that git tracks or would track; elsewhere all of them. Symbolic
links are neither followed nor listed.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from imagebot.errors import StaleEdit, UnreadableFile, UsageError
from imagebot.git import worktree
from imagebot.git.tree import UNSAFE_NAME
from imagebot.interfaces import Listed, TreeChanges
from imagebot.model import MAX_CONTENT_BYTES


@dataclass(frozen=True, slots=True)
class Checkout:
    """`root` is the git top level, or the folder itself; `prefix` the part asked for, "" for all.

    All paths are POSIX and relative to `root`.
    """

    root: Path
    prefix: str
    is_git: bool

    @property
    def tree_id(self) -> str:
        """None: the files of a folder can change at any time."""
        return ""

    @property
    def repository_key(self) -> str:
        return ""

    def walk(self) -> Iterator[Listed]:
        """The files of the present moment, committed or not, without their blob ids.

        Those that may not be read come with the reason. Links are no files.
        """
        paths, unusable = worktree.list_files(self.root) if self.is_git else (_walk(self.root), ())
        for path in paths:
            place = self.root / path
            if os.access(place, os.R_OK):
                if _is_regular(place):
                    yield Listed(path, "")
            elif self._is_forbidden(path):
                yield Listed(path, "", "it may not be read (permission denied)")
        yield from (Listed(name, "", UNSAFE_NAME) for name in unusable)

    def changes_since(self, tree_id: str) -> TreeChanges | None:
        """None: what an earlier moment held is not kept."""
        return None

    def contents(self, files: Iterable[Listed]) -> Iterator[tuple[Listed, bytes]]:
        for file in files:
            content = self._content(file.path)
            if content is not None:
                yield file, content

    def _is_forbidden(self, path: str) -> bool:
        try:
            os.close(_open_beneath(self.root, path))
        except PermissionError:
            return True
        except OSError:
            return False
        return False

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for path in paths:
            content = self._content(path)
            if content is not None:
                yield path, content

    def write(self, path: str, expected_source: bytes, new: bytes) -> None:
        """Replace a file's whole content at once; its mode stays.

        Raises StaleEdit if it does not hold `expected_source` (any more) or is not a regular
        file, and UnreadableFile if the folder does not let us write.
        """
        if self._content(path) != expected_source or len(expected_source) > MAX_CONTENT_BYTES:
            raise StaleEdit(f"{path} has changed since it was read; it was left as it is")
        target = self.root / path
        try:
            mode = stat.S_IMODE(target.lstat().st_mode)
            _replace(target, new, mode)
        except OSError as error:
            raise UnreadableFile(f"{path} cannot be written: {error.strerror}") from error

    def origin(self) -> str | None:
        """Address of the git remote `origin`, without credentials; None if there is none."""
        return worktree.origin(self.root) if self.is_git else None

    def branch(self) -> str | None:
        """The branch checked out; None outside git or when no branch is."""
        return worktree.branch(self.root) if self.is_git else None

    def _content(self, path: str) -> bytes | None:
        """None for what is gone, no regular file, behind a link, or not ours to read."""
        try:
            handle = _open_beneath(self.root, path)
        except OSError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            with open(handle, "rb", closefd=False) as file:
                return file.read(MAX_CONTENT_BYTES + 1)
        finally:
            os.close(handle)


def open_checkout(path: Path) -> Checkout:
    """The checkout that holds `path`, a folder or a file in it. Raises UsageError if not there."""
    if not path.exists():
        raise UsageError(f"{path} does not exist", hint="name a folder or file of a checkout")
    real = path.resolve()
    folder = real if real.is_dir() else real.parent
    top = worktree.find_top_level(folder)
    root = top or folder
    prefix = real.relative_to(root).as_posix()
    return Checkout(root, "" if prefix == "." else prefix, top is not None)


def _is_regular(place: Path) -> bool:
    """Whether a file is there, and no link to one."""
    with contextlib.suppress(OSError):
        return stat.S_ISREG(place.lstat().st_mode)
    return False


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            path = Path(folder, name).relative_to(root).as_posix()
            with contextlib.suppress(UnicodeEncodeError):
                path.encode()
                yield path


def _open_beneath(root: Path, path: str) -> int:
    """Open part by part, so that no link on the way can lead out. Raises OSError."""
    parts = path.split("/")
    if any(part in ("", ".", "..", ".git") for part in parts):
        raise OSError(f"not a path beneath the checkout: {path!r}")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, flags | os.O_DIRECTORY, dir_fd=handle)
            os.close(handle)
            handle = inner
        # A pipe must not hold us up.
        return os.open(parts[-1], flags | os.O_NONBLOCK, dir_fd=handle)
    finally:
        os.close(handle)


def _replace(target: Path, new: bytes, mode: int) -> None:
    """Write beside, then rename over: readers see the old content or the new, never a part."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.imagebot-")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  (a descriptor, not a path)
            file.write(new)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
