"""Notices that the clock was set back, so that what waits for a time by it waits no longer.

Decides on two clocks that it is given: the one that tells the time and may be set, and the one that
only ever goes on.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

SLACK = timedelta(seconds=2)  # what a clock that is only adjusted may lose between two looks


class ClockWatch:
    """`monotonic` is in seconds."""

    def __init__(self, clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._ahead = self._ahead_now()

    def look(self) -> timedelta:
        """By how much the clock was set back since the last look; zero if it was not."""
        before, self._ahead = self._ahead, self._ahead_now()
        back = timedelta(seconds=before - self._ahead)
        return back if back > SLACK else timedelta(0)

    def _ahead_now(self) -> float:
        return self._clock().timestamp() - self._monotonic()
