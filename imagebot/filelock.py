"""A lock that lives as long as the process: a second one on the same file is told who has it.

Does I/O: `flock` on a file that stays where it is. The kernel frees it however the process ends,
so there is never a stale lock to delete.
"""

import fcntl
import os
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from imagebot.errors import StoreError, StoreUnavailable


class FileLock:
    """Held from the moment it is made until `release`. `path` None locks nothing.

    Raises StoreError when another process holds it, and names that process.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._descriptor = -1 if path is None else _locked(path)

    def is_in_place(self) -> bool:
        """Whether its path leads still to the file that is locked; True where nothing is."""
        if self._path is None or self._descriptor < 0:
            return True
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def _locked(path: Path) -> int:
    try:
        # Python opens with O_CLOEXEC: a git process that outlives us does not keep the lock.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"the lock {path} cannot be opened: {error.strerror}",
            hint="name a folder that this user may write",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who holds it is for people only: a full disk must not keep us from starting.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    except OSError as error:
        holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "another process"
        os.close(descriptor)
        raise StoreError(
            f"{holder} already runs imagebot on {path.with_suffix('')}",
            hint="one process per store: stop that one, or give this one its own store",
        ) from error
    return descriptor
