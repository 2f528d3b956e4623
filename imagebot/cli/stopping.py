"""Work until a signal says stop, then end cleanly; at once on a second signal.

Does I/O: the process's signals. Must run in the main thread.
"""

import logging
import math
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Python runs a signal's code in the main thread, between two steps of it. One that comes in the
# moment before that thread falls asleep, or to another thread, does not wake it.
LOOK_SECONDS = 1.0


class StopSignals:
    """Notes SIGTERM and SIGINT within its block, and ends the process there and then on a second.

    Its exit code is then the one that shells give to a killed process. SIGHUP calls `reload`,
    within the signal's own code: it may do no more than set a flag.
    """

    def __init__(self, reload: Callable[[], None] | None = None) -> None:
        self._reload = reload
        # A SimpleQueue may be put to from a signal's own code; an Event may deadlock there.
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._is_stopping = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        if reload := self._reload:
            self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: reload())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for own, earlier in self._before.items():
            signal.signal(own, earlier)

    def wait(self, seconds: float = math.inf) -> bool:
        """Wait for a signal, so long at most. Whether one came."""
        end = time.monotonic() + seconds
        while not self._is_stopping and (left := end - time.monotonic()) > 0:
            try:
                number = self._signals.get(timeout=min(left, LOOK_SECONDS))
            except Empty:
                continue
            self._is_stopping = True
            log.info("stopping: %(signal)s", {"signal": signal.Signals(number).name})
        return self._is_stopping

    def _note(self, number: int, frame: FrameType | None) -> None:
        if not self._signals.empty() or self._is_stopping:
            os._exit(128 + number)
        self._signals.put(number)


def until_stopped(
    start: Callable[[], None],
    stop: Callable[[timedelta], bool],
    grace: timedelta,
    reload: Callable[[], None] | None = None,
) -> bool:
    """Start, wait for SIGTERM or SIGINT, stop within `grace`. Gives back what `stop` does.

    `stop` says whether everything came to its end. See `StopSignals` for the rest.
    """
    with StopSignals(reload) as signals:
        start()
        signals.wait()
        return stop(grace)
