"""Work until a signal says stop, then end cleanly; at once on a second signal.

Does I/O: the process's signals. Must run in the main thread.
"""

import logging
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from queue import Empty, SimpleQueue
from types import FrameType

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Python runs a signal's code in the main thread, between two steps of it. One that comes in the
# moment before that thread falls asleep, or to another thread, does not wake it.
LOOK_SECONDS = 1.0


def until_stopped(
    start: Callable[[], None],
    stop: Callable[[timedelta], bool],
    grace: timedelta,
    reload: Callable[[], None] | None = None,
) -> bool:
    """Start, wait for SIGTERM or SIGINT, stop within `grace`. Gives back what `stop` does.

    `stop` says whether everything came to its end. A second signal ends the process there and
    then, with the exit code that shells give to a killed one. SIGHUP calls `reload`, within the
    signal's own code: it may do no more than set a flag.
    """
    # A SimpleQueue may be put to from a signal's own code; an Event may deadlock there.
    signals: SimpleQueue[int] = SimpleQueue()

    def note(number: int, frame: FrameType | None) -> None:
        if not signals.empty() or is_stopping:
            os._exit(128 + number)
        signals.put(number)

    is_stopping = False
    before = {number: signal.signal(number, note) for number in STOP_SIGNALS}
    if reload is not None:
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda number, frame: reload())
    try:
        start()
        number = _first(signals)
        is_stopping = True
        log.info("stopping: %(signal)s", {"signal": signal.Signals(number).name})
        return stop(grace)
    finally:
        for own, earlier in before.items():
            signal.signal(own, earlier)


def _first(signals: "SimpleQueue[int]") -> int:
    while True:
        try:
            return signals.get(timeout=LOOK_SECONDS)
        except Empty:
            continue
