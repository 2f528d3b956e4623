"""Throw away what nobody needs any more: clones and rows of git repositories that are gone.

Does I/O: the data folder, and the store through what it offers. Nothing is lost that could not be
fetched or found again; what is in use is left.
"""

import logging
import shutil
import time
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from imagebot.errors import GitError
from imagebot.git.folder import CloneFolder

log = logging.getLogger(__name__)

UNUSED_AFTER = timedelta(days=1)  # a settings file that lost its list by mistake costs no clones


def drop_clones(folder: Path, known: Collection[str], now: float | None = None) -> list[str]:
    """Delete clones whose folder is not called as one of `known`, and were not used for a day.

    `now` is in seconds since 1970, as the times of files are. Gives back what was deleted.
    """
    latest = (time.time() if now is None else now) - UNUSED_AFTER.total_seconds()
    dropped = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        lock = path.with_name(f"{path.name}.lock")
        if path.name in known or path.name.endswith(".lock") or _used_at(path, lock) > latest:
            continue
        clone = CloneFolder(path, "", lock_wait_seconds=0)
        try:
            clone.lock()
            shutil.rmtree(path)
            lock.unlink(missing_ok=True)
            dropped.append(path.name)
        except (GitError, OSError) as error:
            log.warning("the clone %(path)s is left: %(error)s", {"path": path, "error": error})
        finally:
            clone.unlock()
    return dropped


def _used_at(*paths: Path) -> float:
    """When the newest of these was last changed, in seconds since 1970."""
    times = []
    for path in paths:
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)
