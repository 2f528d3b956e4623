"""Work that is done again and again, whatever one round of it raised.

Does I/O: threads, the clocks. Each timer's work runs at once and then at its times, never twice at
once and never in a burst. What a round raises is kept for whoever asks, and logged when it changes.
APScheduler plans by the time of day, so where that is set back its timers are planned anew.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor as TimerThreads
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from imagebot.clock_watch import ClockWatch
from imagebot.troubles import Troubles

_LOOK_SECONDS = 1.0  # between two looks at the clock


@dataclass(frozen=True, slots=True)
class Timer:
    """Work that is done again and again; `name` says in the log and in /readyz what it is."""

    name: str
    every: timedelta
    work: Callable[[], None]


class Timers:
    """They go round from `start` to `stop`."""

    def __init__(self, timers: Sequence[Timer]) -> None:
        self._troubles = Troubles()  # by the timer's name
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": TimerThreads(len(timers))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._is_stopped = threading.Event()
        for timer in timers:
            self._add(timer)

    def start(self) -> None:
        self._scheduler.start()
        threading.Thread(target=self._mind_the_clock, name="clock", daemon=True).start()

    def stop(self) -> None:
        """Start no more rounds; waits for none. May be called of timers that never started."""
        self._is_stopped.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def trouble(self) -> str:
        """Why some cannot do their work just now; empty when all can."""
        return str(self._troubles)

    def _mind_the_clock(self) -> None:
        watch = ClockWatch(_now, time.monotonic)
        while not self._is_stopped.wait(_LOOK_SECONDS):
            if watch.look():
                self._plan_anew()

    def _plan_anew(self) -> None:
        for job in self._scheduler.get_jobs():
            with suppress(JobLookupError):  # they are stopped
                job.modify(next_run_time=_now())

    def _add(self, timer: Timer) -> None:
        def work() -> None:
            try:
                timer.work()
            except Exception as error:  # noqa: BLE001 the timers go on whatever one round raised
                self._troubles.note(timer.name, error)
            else:
                self._troubles.end(timer.name)

        self._scheduler.add_job(
            work,
            "interval",
            seconds=timer.every.total_seconds(),
            next_run_time=_now(),
        )


def _now() -> datetime:
    return datetime.now(UTC)
