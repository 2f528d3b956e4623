"""Settings that change while the process runs: seen, read again, and taken over if they are good.

Does I/O: looks at the files that the settings were read from. A mounted Secret or ConfigMap is
swapped by a symbolic link, an editor replaces or rewrites a file: all of them change what `stat`
says. A file is read once it stands still, since it may be half-written.
"""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from imagebot.errors import ImagebotError
from imagebot.settings_model import Settings

log = logging.getLogger(__name__)

Signature = tuple[int, ...]


class SettingsWatch:
    """`look` is called every few seconds; `request` (SIGHUP) has the next look read in any case.

    `take_over` gets the new settings and the other files that changed, such as those of secrets.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        take_over: Callable[[Settings, frozenset[Path]], None],
    ) -> None:
        self._settings = settings
        self._load = load
        self._take_over = take_over
        self._read = signatures(settings.files)  # of what is in use
        self._last = self._read  # at the last look
        self._is_requested = False
        self._trouble = ""
        self.reload_count = 0
        self.failure_count = 0

    def request(self) -> None:
        """May be called from a signal's own code."""
        self._is_requested = True

    def trouble(self) -> str:
        """Why the settings on disk are not those in use; empty when they are."""
        return self._trouble

    def look(self) -> None:
        """Read the settings again if there is reason to, and take them over if they are good."""
        found = signatures(self._read)
        stands_still, self._last = found == self._last, found
        is_asked, self._is_requested = self._is_requested, False
        if not is_asked and not (stands_still and (found != self._read or self._trouble)):
            return
        try:
            settings = self._load()
        except ImagebotError as error:
            self._note_trouble(f"the settings on disk are not used: {error.with_hint}")
            return
        others = {path: found[path] for path in found if path != settings.file}
        changed = frozenset(path for path, each in others.items() if each != self._read[path])
        self._read = found | signatures(path for path in settings.files if path not in found)
        self._last = self._read
        if settings != self._settings or changed:
            self._take_over(settings, changed)
            self._settings = settings
            self.reload_count += 1
        elif is_asked:
            log.info("the settings on disk are those in use")
        if self._trouble:
            log.info("the settings on disk are good again")
            self._trouble = ""

    def _note_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            self.failure_count += 1
            log.error("%(trouble)s", {"trouble": trouble})
        self._trouble = trouble


def signatures(paths: Iterable[Path]) -> dict[Path, Signature]:
    """What changes when a file does; empty for one that is not there."""
    return {path: _signature(path) for path in paths}


def _signature(path: Path) -> Signature:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
