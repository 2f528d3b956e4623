"""Work that is done again and again, whatever one round of it raised.

Does I/O: threads. Each timer's work runs at once and then at its times, never twice at once and
never in a burst. What a round raises is kept for whoever asks, and logged when it changes.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor as TimerThreads
from apscheduler.schedulers.background import BackgroundScheduler

from imagebot.errors import ImagebotError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timer:
    """Work that is done again and again; `name` says in the log and in /readyz what it is."""

    name: str
    every: timedelta
    work: Callable[[], None]


class Timers:
    """They go round from `start` to `stop`."""

    def __init__(self, timers: Sequence[Timer]) -> None:
        self._troubles: dict[str, str] = {}  # by the timer's name
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": TimerThreads(len(timers))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for timer in timers:
            self._add(timer)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Start no more rounds; waits for none. May be called of timers that never started."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def trouble(self) -> str:
        """Why some cannot do their work just now; empty when all can."""
        return "; ".join(f"{work}: {error}" for work, error in list(self._troubles.items()))

    def _add(self, timer: Timer) -> None:
        def work() -> None:
            with self._troubles_noted(timer.name):
                timer.work()

        self._scheduler.add_job(
            work,
            "interval",
            seconds=timer.every.total_seconds(),
            next_run_time=datetime.now(UTC),
        )

    @contextmanager
    def _troubles_noted(self, work: str) -> Iterator[None]:
        """The timers go on whatever one round raised. Told when it changes, not each second."""
        try:
            yield
        except Exception as error:
            if self._troubles.get(work) != str(error):
                bug = None if isinstance(error, ImagebotError) else error
                log.error("%(work)s: %(error)s", {"work": work, "error": error}, exc_info=bug)
            self._troubles[work] = str(error)
        else:
            if self._troubles.pop(work, None) is not None:
                log.info("%(work)s works again", {"work": work})
