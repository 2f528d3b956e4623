"""When to reconcile: timers, wake-ups, back-off, one run at a time per git repository.

Wires. What is owed stands in the store (owed.py); everything here only means "look now". Two
timers drive it, however many repositories there are: one requests each target whose interval has
passed, one starts whatever is owed. A bounded pool of threads does the work. No exception ends
the loop: a reconciliation that raises is logged, counted as an outcome, and tried again later.
"""

import logging
import random as random_numbers
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor as TimerThreads
from apscheduler.schedulers.background import BackgroundScheduler

from imagebot.errors import ImagebotError, StoreError
from imagebot.owed import Run, StoreReader, StoreWriter, back_off
from imagebot.proposals import Outcome, OutcomeKind

log = logging.getLogger(__name__)

TICK = timedelta(seconds=1)  # how often the timers look; costs one small query
STALE_AFTER = timedelta(seconds=60)  # a sweep that did not come round for so long is stuck
_MAX_FIRST_SPREAD = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """A git repository to reconcile, by its name in the settings, and how often."""

    key: str
    interval: timedelta


class OwedStore(StoreReader, StoreWriter, Protocol):
    """What the controller reads and notes down; `store.Store` has it."""


def first_poll_at(started: float, interval: timedelta, jitter_ratio: float, roll: float) -> float:
    """At once, spread over at most three seconds. Monotonic seconds; `roll` is in [0, 1)."""
    return started + min(interval * jitter_ratio, _MAX_FIRST_SPREAD).total_seconds() * roll


def next_poll_at(polled: float, interval: timedelta, jitter_ratio: float, roll: float) -> float:
    """One interval later, give or take the jitter, so that the mean is the interval."""
    return polled + interval.total_seconds() * (1 + jitter_ratio * (2 * roll - 1))


def wants_retry(kind: OutcomeKind) -> bool:
    """Whether to try again before the interval has passed; a stalled one waits for a person."""
    return kind is OutcomeKind.FAILED


def outcome_of(key: str, error: Exception) -> Outcome:
    """What a reconciliation that raised came to. A bug counts as something to try again."""
    if not isinstance(error, ImagebotError):
        return Outcome(key, OutcomeKind.FAILED, f"a bug in imagebot: {type(error).__name__}")
    kind = OutcomeKind.FAILED if error.can_retry else OutcomeKind.STALLED
    return Outcome(key, kind, error.with_hint)


def retry_after(error: Exception | None) -> timedelta | None:
    """The wait that a registry or forge asked for, if it did."""
    seconds = getattr(error, "retry_after_seconds", None)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 1e9:
        return None
    return timedelta(seconds=seconds)


def _ignore(outcome: Outcome, run: Run) -> None:
    """Nobody watches."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Controller:
    """Reconciles each target at its interval, and whenever it is woken, until it is stopped.

    `reconcile` gets a key and is called from `worker_count` threads, never twice at a time for
    one key. `observe` sees every outcome, from the same threads. `clock` is for what is written
    down, `monotonic` (seconds) for intervals, so that a clock set back delays nothing.
    """

    def __init__(
        self,
        targets: Sequence[TargetPlan],
        reconcile: Callable[[str], Outcome],
        store: OwedStore,
        *,
        jitter_ratio: float = 0.1,
        worker_count: int = 4,
        observe: Callable[[Outcome, Run], None] = _ignore,
        tick: timedelta = TICK,
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        self._plans = {plan.key: plan for plan in targets}
        self._reconcile = reconcile
        self._store = store
        self._jitter_ratio = jitter_ratio
        self._observe = observe
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self._state = threading.Condition()
        self._stopping = False
        self._taken: set[str] = set()  # queued or running
        self._running: set[str] = set()
        self._poll_at: dict[str, float] = {}
        self._put_off: dict[str, tuple[int, float]] = {}  # see _put_off_in_memory
        self._troubles: dict[str, str] = {}  # by the timer's work
        self._beat_at = monotonic()
        self._workers = ThreadPoolExecutor(worker_count, thread_name_prefix="reconcile")
        self._timers = _timers(tick, self._poll, self._sweep)

    def start(self) -> None:
        started = self._monotonic()
        self._beat_at = started
        for plan in self._plans.values():
            self._poll_at[plan.key] = first_poll_at(
                started, plan.interval, self._jitter_ratio, self._random()
            )
        self._timers.start()

    def stop(self, timeout: timedelta) -> bool:
        """Start nothing more, and wait for what runs. False when some of it runs still."""
        with self._state:
            self._stopping = True
        if self._timers.running:
            self._timers.shutdown(wait=False)
        self._workers.shutdown(wait=False, cancel_futures=True)
        with self._state:
            return self._state.wait_for(lambda: not self._running, timeout.total_seconds())

    def wake(self, key: str) -> None:
        """Look at `key` soon: at once, or when its back-off ends. An unknown key is ignored."""
        if key in self._plans:
            self._store.request(key)
            self._take(key)

    def running(self) -> frozenset[str]:
        """The keys that are being reconciled now."""
        with self._state:
            return frozenset(self._running)

    def next_polls(self) -> Mapping[str, datetime]:
        """When each target's interval ends. A wake-up or a retry may come before."""
        now, monotonic = self._clock(), self._monotonic()
        polls = dict(self._poll_at)
        return {key: now + timedelta(seconds=at - monotonic) for key, at in polls.items()}

    def sickness(self) -> str:
        """Why this process should be started afresh; empty while its timers go round."""
        silent_seconds = self._monotonic() - self._beat_at
        if silent_seconds < STALE_AFTER.total_seconds():
            return ""
        return f"nothing was looked for in the last {silent_seconds:.0f} seconds"

    def trouble(self) -> str:
        """Why the timers cannot do their work just now; empty when they can."""
        return "; ".join(f"{work}: {error}" for work, error in list(self._troubles.items()))

    # The timers' work

    def _poll(self) -> None:
        """Request each target whose interval has passed."""
        now = self._monotonic()
        with self._troubles_noted("requesting what is due"):
            for key, at in list(self._poll_at.items()):
                if at > now:
                    continue
                self.wake(key)
                self._poll_at[key] = next_poll_at(
                    now, self._plans[key].interval, self._jitter_ratio, self._random()
                )

    def _sweep(self) -> None:
        """Start whatever is owed and due, however its wake-up was lost."""
        self._beat_at = self._monotonic()
        with self._troubles_noted("starting what is owed"):
            for target in self._store.owed(self._clock()):
                self._take(target.key)

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

    # The workers' work

    def _take(self, key: str) -> None:
        """Queue `key` unless it is queued or running: then the sweep comes back to it."""
        with self._state:
            if self._stopping or key in self._taken or key not in self._plans:
                return
            if self._put_off.get(key, (0, 0.0))[1] > self._monotonic():
                return
            self._taken.add(key)
            self._workers.submit(self._work, key)

    def _work(self, key: str) -> None:
        with self._state:
            if self._stopping:
                return
            self._running.add(key)
        try:
            self._reconcile_if_due(key)
            self._put_off.pop(key, None)
        except StoreError as error:
            self._put_off_in_memory(key)
            log.error("%(repository)s: %(error)s", {"repository": key, "error": error})
        except Exception:
            self._put_off_in_memory(key)
            log.exception("a bug in imagebot around %(repository)s", {"repository": key})
        finally:
            with self._state:
                self._running.discard(key)
                self._taken.discard(key)
                self._state.notify_all()

    def _reconcile_if_due(self, key: str) -> None:
        target = self._store.target(key)
        started_at, started = self._clock(), self._monotonic()
        if not target.is_due(started_at):
            return
        outcome, error = self._outcome(key)
        run_time = timedelta(seconds=self._monotonic() - started)
        run = Run(key, outcome.kind, outcome.message, started_at, started_at + run_time)
        self._observe(outcome, run)
        if wants_retry(outcome.kind):
            self._store.fail(key, run.ended_at, retry_after(error))
        else:
            self._store.finish(key, target.requested)
        self._store.record(run)

    def _outcome(self, key: str) -> tuple[Outcome, Exception | None]:
        """Reconcile, and log what came of it. Errors become outcomes; bugs show their traceback."""
        error: Exception | None = None
        try:
            outcome = self._reconcile(key)
        except Exception as raised:  # noqa: BLE001 the loop outlives whatever one repository does
            error = raised
            outcome = outcome_of(key, raised)
        is_bad = outcome.kind in (OutcomeKind.FAILED, OutcomeKind.STALLED)
        log.log(
            logging.WARNING if is_bad else logging.INFO,
            "%(repository)s: %(outcome)s: %(message_text)s",
            {
                "repository": key,
                "outcome": outcome.kind.value,
                "message_text": outcome.message,
            },
            exc_info=None if error is None or isinstance(error, ImagebotError) else error,
        )
        return outcome, error

    def _put_off_in_memory(self, key: str) -> None:
        """Leave `key` alone for a while although the store cannot note it.

        Otherwise a full disk would have it reconciled at every tick, against other people's
        registries and forges.
        """
        fails = self._put_off.get(key, (0, 0.0))[0] + 1
        wait = back_off(fails, max(self._random(), 0.5))
        self._put_off[key] = (fails, self._monotonic() + wait.total_seconds())


def _timers(tick: timedelta, *jobs: Callable[[], None]) -> BackgroundScheduler:
    """Each job every `tick`, never twice at once, never in a burst after a pause."""
    timers = BackgroundScheduler(
        timezone=UTC,
        executors={"default": TimerThreads(len(jobs))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job in jobs:
        timers.add_job(
            job, "interval", seconds=tick.total_seconds(), next_run_time=datetime.now(UTC)
        )
    return timers
