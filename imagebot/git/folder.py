"""The folder of a bare clone: owned by one process, and either finished or made anew.

Edge. A mark, written after the first complete fetch, names the remote. Without it, or with that
of another remote, or when the clone has grown too large, the folder is thrown away.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from pathlib import Path

from imagebot.errors import GitError

MAX_PACK_COUNT = 200
MAX_LOOSE_SAMPLE_COUNT = 40  # objects in one of 256 folders, as git's own gc counts

_HINT = "imagebot's folder must be writable"


class CloneFolder:
    """Where a clone of `url` stands."""

    def __init__(self, path: Path, url: str, lock_wait_seconds: float) -> None:
        self.path = path
        self._lock_wait_seconds = lock_wait_seconds
        self._mark = path / "imagebot-complete"
        self.repository_key = hashlib.sha256(url.encode()).hexdigest()  # a URL can hold a password
        self._mark_text = self.repository_key + "\n"
        self._lock: int | None = None

    def is_usable(self) -> bool:
        with contextlib.suppress(OSError):
            return self._mark.read_text() == self._mark_text and not self._is_overgrown()
        return False

    def mark_complete(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._mark.read_text() == self._mark_text:
                return
        self._mark.write_text(self._mark_text)

    def distrust(self) -> None:
        """Have the clone made anew at the next refresh."""
        self._mark.unlink(missing_ok=True)

    def clear(self) -> None:
        """Leave an empty folder, whatever stood there. A link is removed, never followed."""
        try:
            if self.path.is_symlink() or self.path.is_file():
                self.path.unlink()
            elif self.path.exists():
                shutil.rmtree(self.path)
            self.path.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise GitError(f"the folder of a clone cannot be made: {error}", hint=_HINT) from error

    def lock(self) -> None:
        """Own the folder, waiting a little for another process. Raises GitError."""
        if self._lock is not None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = f"the folder of a clone cannot be locked: {error}"
            raise GitError(message, hint=_HINT) from error
        deadline = time.monotonic() + self._lock_wait_seconds
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                os.close(lock)
                raise GitError(
                    f"{self.path} is in use by another imagebot",
                    hint="give each process a folder of its own, or wait for the other to end",
                )
            time.sleep(0.05)
        os.utime(lock)  # when the clone was used last, for whoever tidies up
        self._lock = lock

    def unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def __del__(self) -> None:
        self.unlock()

    def _is_overgrown(self) -> bool:
        """No gc ever runs here; cloning anew costs less than a second at depth 1."""
        objects = self.path / "objects"
        packs = sum(1 for _ in (objects / "pack").glob("*.pack"))
        loose = sum(1 for _ in (objects / "17").glob("*"))
        return packs > MAX_PACK_COUNT or loose > MAX_LOOSE_SAMPLE_COUNT


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
