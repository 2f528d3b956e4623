"""When to reconcile: timers, wake-ups, back-off, one run at a time per git repository.

Wires. What is owed stands in the store (owed.py); everything here only means "look now". A few
timers drive it, however many repositories there are: one requests each target whose interval has
passed, one starts whatever is owed, and the caller may add others. A bounded number of threads
does the work (workers.py). No exception ends the loop: a reconciliation that raises is logged,
counted as an outcome, and tried again later; one that takes too long is given up.
"""

import logging
import random as random_numbers
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol
from uuid import uuid4

from apscheduler.executors.pool import ThreadPoolExecutor as TimerThreads
from apscheduler.schedulers.background import BackgroundScheduler

from imagebot import logs
from imagebot.errors import ImagebotError, StoreError
from imagebot.owed import Locks, Run, StoreReader, StoreWriter, back_off
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.retrying import (
    STALLED_LOOK,
    first_poll_at,
    needs_person,
    next_poll_at,
    outcome_of,
    retry_after,
    wants_retry,
)
from imagebot.times import shown_duration
from imagebot.workers import Job, Workers

log = logging.getLogger(__name__)

TICK = timedelta(seconds=1)  # how often the timers look; costs one small query
DEADLINE = timedelta(minutes=15)  # of one reconciliation
STALE_AFTER = timedelta(seconds=60)  # a sweep that did not come round for so long is stuck


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """A git repository to reconcile, by its name in the settings, and how often."""

    key: str
    interval: timedelta


@dataclass(frozen=True, slots=True)
class Timer:
    """Work that is done again and again; `name` says in the log and in /readyz what it is."""

    name: str
    every: timedelta
    work: Callable[[], None]


class Bases(Protocol):
    """Where the base branches of git repositories stand, by name in the settings."""

    def seen(self, key: str) -> str:
        """The commit that the last reconciliation looked at; "" where it saw none."""
        ...

    def now(self, key: str) -> str:
        """The commit on the remote. Raises ImagebotError."""
        ...


class OwedStore(StoreReader, StoreWriter, Protocol):
    """What the controller reads and notes down; `store.Store` has it."""

    @property
    def locks(self) -> Locks: ...


def _ignore(outcome: Outcome, run: Run) -> None:
    """Nobody watches."""


def _nothing(key: str) -> None:
    """Nothing has to be put aside."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _NoBases:
    """Nobody can be asked: what is stalled is looked at like the rest."""

    def seen(self, key: str) -> str:
        return ""

    def now(self, key: str) -> str:
        return key  # never what was seen


@dataclass(frozen=True, slots=True)
class _Stall:
    """A git repository that needs a person: where its base stood, and since when (monotonic)."""

    base: str
    since: float


class Controller:
    """Reconciles each target at its interval, and whenever it is woken, until it is stopped.

    `reconcile` gets a key and is called from `worker_count` threads, never twice at a time for
    one key. `observe` sees every outcome, from the same threads. `abandon` is told of a key whose
    reconciliation hangs, before it is reconciled anew beside it. `clock` is for what is written
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
        deadline: timedelta = DEADLINE,
        bases: Bases | None = None,
        observe: Callable[[Outcome, Run], None] = _ignore,
        abandon: Callable[[str], None] = _nothing,
        timers: Sequence[Timer] = (),
        tick: timedelta = TICK,
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        self._plans = {plan.key: plan for plan in targets}
        self._reconcile = reconcile
        self._store = store
        self._jitter_ratio = jitter_ratio
        self._worker_count = worker_count
        self._locks = store.locks
        self._bases = bases or _NoBases()
        self._observe = observe
        self._abandon = abandon
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self._lock = threading.Lock()  # of plans and poll times
        self._poll_at: dict[str, float] = {}
        self._put_off: dict[str, tuple[int, float]] = {}  # see _put_off_in_memory
        self._asked: set[str] = set()  # in turn with other processes, at least once
        self._stalls: dict[str, _Stall] = {}
        self._told_to_wait: set[str] = set()
        self._troubles: dict[str, str] = {}  # by the timer's work
        self._late_total = 0
        self._beat_at = monotonic()
        self._workers = Workers("reconcile", worker_count, deadline, monotonic)
        self._timers = _scheduler(
            [
                Timer("requesting what is due", tick, self._poll),
                Timer("starting what is owed", tick, self._sweep),
                *timers,
            ],
            self._troubles_noted,
        )

    def start(self) -> None:
        self._beat_at = self._monotonic()
        with self._lock:
            for plan in self._plans.values():
                self._plan_first(plan)
        self._timers.start()

    def stop(self, timeout: timedelta) -> bool:
        """Start nothing more, and wait for what runs. False when some of it runs still."""
        if self._timers.running:
            self._timers.shutdown(wait=False)
        return self._workers.stop(timeout)

    def retarget(
        self,
        targets: Sequence[TargetPlan],
        changed: Collection[str] = (),
        jitter_ratio: float | None = None,
    ) -> None:
        """Reconcile these from now on. Those that are new or `changed` are looked at at once.

        What runs goes on to its end, also where it is no target any more.
        """
        if jitter_ratio is not None:
            self._jitter_ratio = jitter_ratio
        with self._lock:
            before, self._plans = self._plans, {plan.key: plan for plan in targets}
            for key in before.keys() - self._plans.keys():
                self._poll_at.pop(key, None)
                self._stalls.pop(key, None)
                self._put_off.pop(key, None)
                self._asked.discard(key)
            for key, plan in self._plans.items():
                if key not in before:
                    self._plan_first(plan)
                elif plan != before[key]:
                    latest = self._monotonic() + plan.interval.total_seconds()
                    self._poll_at[key] = min(self._poll_at.get(key, latest), latest)
        for key in changed:
            self.wake(key)

    def wake(self, key: str, *, forgives: bool = False) -> None:
        """Look at `key` soon: at once, or when its back-off ends. An unknown key is ignored.

        `forgives`: there is news that may end its trouble, so its back-off ends now; a wait that
        somebody asked for is kept all the same.
        """
        if key in self._plans:
            if forgives and key not in self._told_to_wait:
                self._store.finish(key, 0)
            self._store.request(key)
            self._take(key)

    def running(self) -> frozenset[str]:
        """The keys that are being reconciled now."""
        return self._workers.running()

    def stalled(self) -> frozenset[str]:
        """The keys that wait for a person, and are looked at only when something changed."""
        return frozenset(self._stalls)

    def late(self) -> frozenset[str]:
        """The keys whose reconciliation was given up and has not come to its end since."""
        return self._workers.late()

    @property
    def late_total(self) -> int:
        """How many reconciliations were given up since the start."""
        return self._late_total

    def next_polls(self) -> Mapping[str, datetime]:
        """When each target's interval ends. A wake-up or a retry may come before."""
        now, monotonic = self._clock(), self._monotonic()
        with self._lock:
            polls = dict(self._poll_at)
        return {key: now + timedelta(seconds=at - monotonic) for key, at in polls.items()}

    def sickness(self) -> str:
        """Why this process should be started afresh; empty while it does its work."""
        silent_seconds = self._monotonic() - self._beat_at
        if silent_seconds >= STALE_AFTER.total_seconds():
            return f"nothing was looked for in the last {silent_seconds:.0f} seconds"
        late = self._workers.late_count
        return f"{late} reconciliations hang" if late >= self._worker_count else ""

    def trouble(self) -> str:
        """Why the timers cannot do their work just now; empty when they can."""
        return "; ".join(f"{work}: {error}" for work, error in list(self._troubles.items()))

    # The timers' work

    def _plan_first(self, plan: TargetPlan) -> None:
        self._poll_at[plan.key] = first_poll_at(
            self._monotonic(), plan.interval, self._jitter_ratio, self._random()
        )

    def _poll(self) -> None:
        """Request each target whose interval has passed; of a stalled one look at the base only."""
        now = self._monotonic()
        with self._lock:
            due = [self._plans[key] for key, at in self._poll_at.items() if at <= now]
        for plan in due:
            # Noted before anything is begun, so that settings taken over meanwhile have their way.
            self._plan_next(plan, now)
            try:
                ago = self._ask(plan, now)
            except Exception:
                self._plan_at(plan, now)
                raise
            if ago is None:
                self._plan_at(plan, now)
            elif ago:
                self._plan_next(plan, now - ago.total_seconds())

    def _ask(self, plan: TargetPlan, now: float) -> timedelta | None:
        """How long ago another process asked for it; None when its key is taken just now."""
        stall = self._stalls.get(plan.key)
        if stall and now - stall.since < STALLED_LOOK.total_seconds():
            is_taken = self._workers.submit(plan.key, partial(self._look_at_base, stall))
            return timedelta(0) if is_taken else None
        return self._request_in_turn(plan)

    def _plan_next(self, plan: TargetPlan, since: float) -> None:
        self._plan_at(plan, next_poll_at(since, plan.interval, self._jitter_ratio, self._random()))

    def _plan_at(self, plan: TargetPlan, at: float) -> None:
        """Note when to look next, unless other settings were taken over for it meanwhile."""
        with self._lock:
            if self._plans.get(plan.key) == plan:
                self._poll_at[plan.key] = at

    def _request_in_turn(self, plan: TargetPlan) -> timedelta:
        """Request a target unless another process did within the interval; how long ago."""
        within = plan.interval * (1 - self._jitter_ratio)
        if plan.key not in self._asked:  # at its start, each looks at all for itself
            within = timedelta(0)
        ago = self._store.request_in_turn(plan.key, within)
        self._asked.add(plan.key)
        if not ago:
            self._take(plan.key)
        return ago

    def _sweep(self) -> None:
        """Start whatever is owed and due, however its wake-up was lost; give up what hangs."""
        self._beat_at = self._monotonic()
        late, lost = self._workers.look_for_late()
        for job in late:
            self._give_up(job)
        for job in lost:
            log.error("%(repository)s hangs still: begun anew beside it", {"repository": job.key})
            self._abandon(job.key)
            self._locks.give_up(job.key)
        self._locks.tend()
        for target in self._store.owed(self._clock()):
            self._take(target.key)

    def _give_up(self, job: Job) -> None:
        self._late_total += 1
        ended_at = self._clock()
        started_at = ended_at - timedelta(seconds=self._monotonic() - job.started)
        message = f"took longer than {shown_duration(self._workers.deadline)}: given up"
        log.error("%(repository)s: %(reason)s", {"repository": job.key, "reason": message})
        run = Run(job.key, OutcomeKind.FAILED, message, started_at, ended_at)
        self._observe(Outcome(job.key, run.kind, message), run)
        self._store.fail(job.key, ended_at)
        self._store.record(run)

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
        if key in self._plans and self._put_off.get(key, (0, 0.0))[1] <= self._monotonic():
            self._workers.submit(key, self._work)

    def _work(self, job: Job) -> None:
        with logs.bound(repository=job.key, run=uuid4().hex[:8]):
            self._work_alone(job)

    def _work_alone(self, job: Job) -> None:
        key = job.key
        try:
            with self._locks.hold(key) as is_ours:
                if is_ours:  # else another process has it, and the sweep comes back to it
                    self._reconcile_if_due(job)
            self._put_off.pop(key, None)
        except StoreError as error:
            self._put_off_in_memory(key)
            log.error("%(repository)s: %(error)s", {"repository": key, "error": error})
        except Exception:
            self._put_off_in_memory(key)
            log.exception("a bug in imagebot around %(repository)s", {"repository": key})

    def _reconcile_if_due(self, job: Job) -> None:
        key = job.key
        target = self._store.target(key)
        started_at, started = self._clock(), self._monotonic()
        if not target.is_due(started_at):
            return
        outcome, error = self._outcome(key)
        if job.is_late:
            return  # given up already, and perhaps running anew
        run_time = timedelta(seconds=self._monotonic() - started)
        run = Run(key, outcome.kind, outcome.message, started_at, started_at + run_time)
        self._observe(outcome, run)
        if needs_person(outcome, error):
            self._stalls[key] = _Stall(self._bases.seen(key), self._monotonic())
        else:
            self._stalls.pop(key, None)
        wait = retry_after(error)
        (self._told_to_wait.add if wait else self._told_to_wait.discard)(key)
        if wants_retry(outcome.kind):
            self._store.fail(key, run.ended_at, wait)
        else:
            self._store.finish(key, target.requested)
        self._store.record(run)

    def _look_at_base(self, stall: _Stall, job: Job) -> None:
        """Request a stalled target if its base moved, or can be seen for the first time."""
        try:
            base = self._bases.now(job.key)
        except ImagebotError:
            return  # it needs a person still, or has one more reason to
        if base != stall.base:
            log.info("%(repository)s: its base moved", {"repository": job.key})
            self._stalls.pop(job.key, None)
            self._store.request(job.key)

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


def _scheduler(
    timers: Sequence[Timer], noted: Callable[[str], AbstractContextManager[None]]
) -> BackgroundScheduler:
    """Each timer's work at once and then at its times, never twice at once, never in a burst."""
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": TimerThreads(len(timers))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )

    def job(timer: Timer) -> Callable[[], None]:
        def work() -> None:
            with noted(timer.name):
                timer.work()

        return work

    for timer in timers:
        scheduler.add_job(
            job(timer),
            "interval",
            seconds=timer.every.total_seconds(),
            next_run_time=datetime.now(UTC),
        )
    return scheduler
