"""When to reconcile: timers, wake-ups, back-off, one run at a time per git repository.

Wires. What is owed stands in the store (owed.py); everything here only means "look now". A few
timers drive it, however many repositories there are: one requests each target whose interval has
passed (schedule.py), one starts whatever is owed, and the caller may add others (timers.py). A
bounded number of threads does the work (workers.py, attempts.py). No exception ends the loop: a
reconciliation that raises becomes an outcome, and is tried again later; one that takes too long is
given up.
"""

import logging
import random as random_numbers
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from imagebot.attempts import Attempts, Bases, NoBases, OwedStore
from imagebot.clock_watch import ClockWatch
from imagebot.errors import StoreError
from imagebot.owed import Run
from imagebot.proposals import Outcome
from imagebot.schedule import Schedule, TargetPlan
from imagebot.timers import Timer, Timers
from imagebot.times import shown_duration
from imagebot.workers import Workers

log = logging.getLogger(__name__)

TICK = timedelta(seconds=1)  # how often the timers look; costs one small query
_REPLICAS_DIFFER = timedelta(seconds=60)  # in the time of day, at most
STALE_AFTER = timedelta(seconds=60)  # a sweep that did not come round for so long is stuck


def _ignore(outcome: Outcome, run: Run) -> None:
    """Nobody watches."""


def _nothing(key: str) -> None:
    """Nothing has to be put aside."""


def _nothing_planned(by: timedelta) -> None:
    """Nothing else waits for a time."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Controller:
    """Reconciles each target at its interval, and whenever it is woken, until it is stopped.

    `reconcile` gets a key and is called from `worker_count` threads, never twice at a time for
    one key. `observe` sees every outcome, from the same threads. `abandon` is told of a key whose
    reconciliation hangs, before it is reconciled anew beside it. `clock` is for what is written
    down, `monotonic` (seconds) for intervals, so that a clock set back delays nothing; `set_back`
    is told by how much it was, for what else is planned by it.
    """

    def __init__(
        self,
        targets: Sequence[TargetPlan],
        reconcile: Callable[[str], Outcome],
        store: OwedStore,
        *,
        jitter_ratio: float = 0.1,
        worker_count: int = 4,
        deadline: timedelta = timedelta(minutes=15),
        bases: Bases | None = None,
        observe: Callable[[Outcome, Run], None] = _ignore,
        set_back: Callable[[timedelta], None] = _nothing_planned,
        abandon: Callable[[str], None] = _nothing,
        timers: Sequence[Timer] = (),
        tick: timedelta = TICK,
        clock: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_numbers.random,
    ) -> None:
        self._store = store
        self._worker_count = worker_count
        self._locks = store.locks
        self._abandon = abandon
        self._set_back = set_back
        self._clock_watch = ClockWatch(clock, monotonic)
        self._owed_back = timedelta(0)  # that the store was not told yet
        self._clock = clock
        self._monotonic = monotonic
        self._schedule = Schedule(targets, jitter_ratio, monotonic, random)
        self._attempts = Attempts(
            reconcile, store, bases or NoBases(), observe, clock, monotonic, random
        )
        self._asked: set[str] = set()  # in turn with other processes, at least once
        self._late_total = 0
        self._beat_at = monotonic()
        self._workers = Workers("reconcile", worker_count, deadline, monotonic)
        self._timers = Timers(
            [
                Timer("requesting what is due", tick, self._poll),
                Timer("starting what is owed", tick, self._sweep),
                *timers,
            ]
        )

    def start(self) -> None:
        self._beat_at = self._monotonic()
        with suppress(StoreError):  # whose trouble the timers will tell
            self._owed_back = self._ahead()
        self._schedule.begin()
        self._timers.start()

    def stop(self, timeout: timedelta) -> bool:
        """Start nothing more, and wait for what runs. False when some of it runs still."""
        self._timers.stop()
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
        gone = self._schedule.retarget(targets, jitter_ratio)
        self._attempts.stalls.forget(gone)
        self._attempts.put_off.forget(gone)
        self._asked -= gone
        for key in changed:
            self.wake(key)

    def wake(self, key: str, *, forgives: bool = False) -> None:
        """Look at `key` soon: at once, or when its back-off ends. An unknown key is ignored.

        `forgives`: there is news that may end its trouble, so its back-off ends now; a wait that
        somebody asked for is kept all the same.
        """
        if key in self._schedule:
            if forgives and key not in self._attempts.told_to_wait:
                self._store.finish(key, 0)
            self._store.request(key)
            self._take(key)

    def running(self) -> frozenset[str]:
        """The keys that are being reconciled now."""
        return self._workers.running()

    def stalled(self) -> frozenset[str]:
        """The keys that wait for a person, and are looked at only when something changed."""
        return self._attempts.stalls.keys()

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
        polls = self._schedule.poll_times()
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
        return self._timers.trouble()

    # The timers' work

    def _poll(self) -> None:
        """Request each target whose interval has passed; of a stalled one look at the base only."""
        now = self._monotonic()
        for plan in self._schedule.due(now):
            # Noted before anything is begun, so that settings taken over meanwhile have their way.
            self._schedule.plan_next(plan, now)
            try:
                ago = self._ask(plan, now)
            except Exception:
                self._schedule.plan_at(plan, now)
                raise
            if ago is None:
                self._schedule.plan_at(plan, now)
            elif ago:
                self._schedule.plan_next(plan, now - ago.total_seconds())

    def _ask(self, plan: TargetPlan, now: float) -> timedelta | None:
        """How long ago another process asked for it; None when its key is taken just now."""
        if stall := self._attempts.stalls.recent(plan.key, now):
            is_taken = self._workers.submit(plan.key, partial(self._attempts.look_at_base, stall))
            return timedelta(0) if is_taken else None
        return self._request_in_turn(plan)

    def _request_in_turn(self, plan: TargetPlan) -> timedelta:
        """Request a target unless another process did within the interval; how long ago."""
        within = plan.interval * (1 - self._schedule.jitter_ratio)
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
        self._mind_the_clock()
        self._workers.lend_places()
        late, lost = self._workers.look_for_late()
        for job in late:
            self._late_total += 1
            self._attempts.give_up(job, self._workers.deadline)
        for job in lost:
            log.error("%(repository)s hangs still: begun anew beside it", {"repository": job.key})
            self._abandon(job.key)
            self._locks.give_up(job.key)
        self._locks.tend()
        for target in self._store.owed(self._clock()):
            self._take(target.key)

    def _ahead(self) -> timedelta:
        """How far the last run lies in the future: then the clock was set back while we were gone.

        Replicas' clocks may differ a little.
        """
        latest = max((run.ended_at for run in self._store.last_runs().values()), default=None)
        ahead = latest - self._clock() if latest else timedelta(0)
        return ahead if ahead > _REPLICAS_DIFFER else timedelta(0)

    def _mind_the_clock(self) -> None:
        """Have nothing wait longer by a clock that was set back."""
        back = self._clock_watch.look()
        if back:
            log.warning("the clock was set back by %(by)s", {"by": shown_duration(back)})
        self._owed_back += back
        if self._owed_back:
            self._store.set_back(self._owed_back)
            self._set_back(self._owed_back)
            self._owed_back = timedelta(0)

    def _take(self, key: str) -> None:
        """Queue `key` unless it is queued or running: then the sweep comes back to it."""
        if key in self._schedule and self._attempts.put_off.is_over(key, self._monotonic()):
            self._workers.submit(key, self._attempts.attempt)
