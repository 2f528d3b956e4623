"""One reconciliation of one git repository, from its lock to what is noted of it.

Wires. Nothing that a reconciliation raises leaves here: it becomes an outcome, which is logged,
observed and noted in the store. What cannot be noted is kept in memory from being tried at once.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from imagebot import logs, tracing
from imagebot.errors import ImagebotError, StoreError
from imagebot.left_alone import PutOff, Stall, Stalls
from imagebot.owed import Locks, Run, StoreReader, StoreWriter
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.retrying import needs_person, outcome_of, retry_after, wants_retry
from imagebot.times import shown_duration
from imagebot.troubles import Troubles
from imagebot.workers import Job

log = logging.getLogger(__name__)

_NOTING = "noting what came of reconciliations"


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


class NoBases:
    """Nobody can be asked: what is stalled is looked at like the rest."""

    def seen(self, key: str) -> str:
        return ""

    def now(self, key: str) -> str:
        return key  # never what was seen


class Attempts:
    """What workers do with a key. `reconcile` and `observe` are called from their threads.

    `clock` is for what is written down, `monotonic` (seconds) for how long something took.
    """

    def __init__(
        self,
        reconcile: Callable[[str], Outcome],
        store: OwedStore,
        bases: Bases,
        observe: Callable[[Outcome, Run], None],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._reconcile = reconcile
        self._store = store
        self._bases = bases
        self._observe = observe
        self._clock = clock
        self._monotonic = monotonic
        self._random = random
        self.stalls = Stalls()
        self.put_off = PutOff()
        self._troubles = Troubles()
        self.told_to_wait: set[str] = set()  # keys whose registry or forge named a time

    def attempt(self, job: Job) -> None:
        """Reconcile the job's key, if it is due and nobody else has it."""
        with logs.bound(repository=job.key, run=logs.new_run()):
            self._attempt_alone(job)

    def look_at_base(self, stall: Stall, job: Job) -> None:
        """Request a stalled target if its base moved, or if it is stalled for another reason."""
        base, trouble = stall.base, ""
        try:
            base = self._bases.now(job.key)
        except ImagebotError as error:
            if error.can_retry:
                return
            trouble = error.with_hint
        has_moved = base != stall.base
        if self.stalls.is_news(job.key, stall, trouble) or has_moved:
            told = "its base moved" if has_moved else trouble or "its base can be seen again"
            log.info("%(repository)s: %(reason)s", {"repository": job.key, "reason": told})
            if has_moved:
                self.stalls.forget([job.key])
            self._store.request(job.key)

    def give_up(self, job: Job, deadline: timedelta) -> None:
        """Note that a job took longer than that."""
        ended_at = self._clock()
        started_at = ended_at - timedelta(seconds=self._monotonic() - job.started)
        message = f"took longer than {shown_duration(deadline)}: given up"
        log.error("%(repository)s: %(reason)s", {"repository": job.key, "reason": message})
        run = Run(job.key, OutcomeKind.FAILED, message, started_at, ended_at)
        self._observe(Outcome(job.key, run.kind, message), run)
        self._store.fail(job.key, ended_at)
        self._store.record(run)

    def _attempt_alone(self, job: Job) -> None:
        key = job.key
        try:
            with self._store.locks.hold(key) as is_ours:
                if is_ours:  # else another process has it, and the sweep comes back to it
                    self._reconcile_if_due(job)
            self.put_off.forget([key])
        except StoreError as error:
            self.put_off.note(key, self._monotonic(), self._random())
            self._troubles.note(_NOTING, error)
        except Exception:
            self.put_off.note(key, self._monotonic(), self._random())
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
            self.stalls.note(key, outcome.message, self._bases.seen(key), self._monotonic())
        else:
            self.stalls.forget([key])
        wait = retry_after(error)
        (self.told_to_wait.add if wait else self.told_to_wait.discard)(key)
        if wants_retry(outcome.kind):
            self._store.fail(key, run.ended_at, wait)
        else:
            self._store.finish(key, target.requested)
        self._store.record(run)
        self._troubles.end(_NOTING)

    def _outcome(self, key: str) -> tuple[Outcome, Exception | None]:
        """Reconcile, and log what came of it, in one span."""
        with tracing.reconciling(key) as span:
            outcome, error = self._outcome_in_span(key)
            span.came_to(outcome.kind.value, outcome.message, error)
        return outcome, error

    def _outcome_in_span(self, key: str) -> tuple[Outcome, Exception | None]:
        """Errors become outcomes; bugs show their traceback."""
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
