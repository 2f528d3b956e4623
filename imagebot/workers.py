"""Threads for jobs with keys: few at a time, never two of one key, and none for ever.

Does I/O: threads. Python cannot end a thread, so a job that is late loses its place, which the next
one takes, and some time later its key too; whoever is late learns it from its `Job` and must
then leave no trace. A job that waits for somebody else's answer lends its place meanwhile, since
few places are for the machine's sake, and a registry that hangs must hold up nobody else.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)  # most answers come sooner, and a place is lent for none of these
MAX_LENT = 32  # places at a time: whoever waits keeps his files in memory


@dataclass(eq=False)
class Job:
    """One job of a key. `is_late` once its deadline passed; nobody waits for it any more."""

    key: str
    work: Callable[["Job"], None]
    started: float = 0.0
    is_late: bool = False
    has_lost_key: bool = False
    waits_since: float | None = None

    def has_waited_since(self, moment: float) -> bool:
        """Whether it waits, and did so then."""
        since = self.waits_since
        return since is not None and since <= moment


class _OfThread(threading.local):
    workers: "Workers | None" = None
    job: Job | None = None


_current = _OfThread()


@contextmanager
def waiting() -> Iterator[None]:
    """Say that this thread waits for somebody else's answer; of no effect but in a job."""
    workers, job = _current.workers, _current.job
    if workers is None or job is None or job.waits_since is not None:
        yield
        return
    workers.begin_waiting(job)
    try:
        yield
    finally:
        workers.end_waiting(job)


class Workers:
    """At most `count` jobs at a time that are not late. `monotonic` is in seconds."""

    def __init__(
        self,
        name: str,
        count: int,
        deadline: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._count = count
        self.deadline = deadline
        self._monotonic = monotonic
        self._state = threading.Condition()
        self._taken: dict[str, Job] = {}  # queued, running or late
        self._queue: deque[Job] = deque()
        self._running: set[Job] = set()
        self._lending: set[Job] = set()  # their place to another, while they wait
        self._late: set[Job] = set()
        self._is_stopping = False

    def submit(self, key: str, work: Callable[[Job], None]) -> bool:
        """Queue a job. False when its key has one already, or the end has come."""
        with self._state:
            if self._is_stopping or key in self._taken:
                return False
            job = Job(key, work)
            self._taken[key] = job
            self._queue.append(job)
            self._start_next()
            return True

    def running(self) -> frozenset[str]:
        """Keys of the jobs that run within their time."""
        with self._state:
            return frozenset(job.key for job in self._running | self._lending)

    def taken(self) -> frozenset[str]:
        """Keys that have a job, queued and late ones too."""
        with self._state:
            return frozenset(self._taken)

    def late(self) -> frozenset[str]:
        """Keys of the jobs that are late and run still; one may stand for several."""
        with self._state:
            return frozenset(job.key for job in self._late)

    @property
    def late_count(self) -> int:
        with self._state:
            return len(self._late)

    def look_for_late(self) -> tuple[list[Job], list[Job]]:
        """The jobs that became late since the last look, and those that lost their keys.

        A key is given free only after the deadline passed twice: until then the job may still
        come to its end, and two would be in each other's way.
        """
        now, deadline = self._monotonic(), self.deadline.total_seconds()
        with self._state:
            in_time = self._running | self._lending
            new = [job for job in in_time if now - job.started > deadline]
            for job in new:
                job.is_late = True
                self._running.discard(job)
                self._lending.discard(job)
                self._late.add(job)
            lost = [
                job
                for job in self._late
                if not job.has_lost_key and now - job.started > 2 * deadline
            ]
            for job in lost:
                job.has_lost_key = True
                self._give_free(job)
            if new:
                self._start_next()
        return new, lost

    def stop(self, timeout: timedelta) -> bool:
        """Start nothing more, and wait for what runs. False when some of it runs still."""
        with self._state:
            self._is_stopping = True
            for job in self._queue:
                self._give_free(job)
            self._queue.clear()
            return self._state.wait_for(
                lambda: not self._running and not self._lending, timeout.total_seconds()
            )

    def lend_places(self) -> None:
        """Let others begin in the places of jobs that wait for long; called now and then."""
        since = self._monotonic() - PATIENCE.total_seconds()
        with self._state:
            if not self._queue:
                return
            for job in [each for each in self._running if each.has_waited_since(since)]:
                if len(self._lending) < MAX_LENT:
                    self._running.discard(job)
                    self._lending.add(job)
            if not self._is_stopping:
                self._start_next()

    def begin_waiting(self, job: Job) -> None:
        job.waits_since = self._monotonic()

    def end_waiting(self, job: Job) -> None:
        """It has its place again, besides whoever took it: it is never kept from going on."""
        job.waits_since = None
        with self._state:
            if job in self._lending:
                self._lending.discard(job)
                self._running.add(job)

    def _start_next(self) -> None:
        while self._queue and len(self._running) < self._count:
            job = self._queue.popleft()
            job.started = self._monotonic()
            self._running.add(job)
            threading.Thread(
                target=self._run, args=(job,), name=f"{self._name} {job.key}", daemon=True
            ).start()

    def _run(self, job: Job) -> None:
        _current.workers, _current.job = self, job
        try:
            job.work(job)
        except Exception:
            log.exception("a bug in imagebot around %(key)s", {"key": job.key})
        finally:
            with self._state:
                self._running.discard(job)
                self._lending.discard(job)
                self._late.discard(job)
                self._give_free(job)
                if not self._is_stopping:
                    self._start_next()
                self._state.notify_all()

    def _give_free(self, job: Job) -> None:
        if self._taken.get(job.key) is job:
            del self._taken[job.key]
