"""Tell people what changed: one thread for each notifier, so that none holds up anything.

Does I/O: threads, the store, and `send`. What is worth telling is telling.py's affair. A message is
claimed in the store before it goes out, and given back when the service does not take it. One that
failed is left alone for a while that grows; what is not told meanwhile stays news in the store.
"""

import logging
import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from time import monotonic as monotonic_clock
from typing import Protocol

from imagebot import logs, telling
from imagebot.errors import ImagebotError, StoreError
from imagebot.history_model import Decision, SeenRequest
from imagebot.left_alone import PutOff
from imagebot.owed import Run
from imagebot.proposals import Outcome
from imagebot.secret import Secret
from imagebot.settings_model import NotificationSettings
from imagebot.telling import Facts
from imagebot.troubles import Troubles

log = logging.getLogger(__name__)

MAX_QUEUED = 100  # of one notifier, one for each git repository
MAX_DETAILS = 100  # that are compared with those of the run before; few of them are shown
Send = Callable[[str, Secret, str, str], str]  # name, URL, title, body -> why not, or ""


class Past(Protocol):
    """What is known of a git repository; `history.History` has it."""

    def requests(self, repository: str) -> Sequence[SeenRequest]: ...

    def decisions(self, repository: str) -> Sequence[Decision]: ...

    def told(self, notifier: str, repository: str) -> str: ...

    def claim_told(self, notifier: str, repository: str, before: str, after: str) -> bool: ...


Runs = Callable[[str, int], Sequence[Run]]  # of a git repository, the newest so many


class Notifiers:
    """Everybody whom the settings name. `observe` and `look` never wait for a service."""

    def __init__(
        self,
        settings: Sequence[NotificationSettings],
        past: Past,
        runs: Runs,
        send: Send,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = monotonic_clock,
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._past, self._runs, self._send, self._clock = past, runs, send, clock
        self._monotonic, self._roll = monotonic, roll
        self._put_off, self._troubles = PutOff(), Troubles()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._threads: dict[NotificationSettings, _Queue] = {}
        self.replace(settings)

    def replace(self, settings: Sequence[NotificationSettings]) -> None:
        """Tell these from now on. What waits for others is dropped, and told to nobody."""
        with self._lock:
            for gone in set(self._threads) - set(settings):
                self._threads.pop(gone).close()
                self._put_off.forget([gone.name])
            for each in settings:
                if each not in self._threads:
                    self._threads[each] = _Queue(each.name, partial(self._tell, each))
                for result in ("sent", "failed", "dropped"):
                    self._counts[each.name, result] += 0

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Messages by notifier and result."""
        with self._lock:
            return dict(self._counts)

    def observe(self, outcome: Outcome, run: Run) -> None:
        """One run ended. It may not be in the store yet."""
        details = [
            f"{problem.where()}: {problem.message}"
            for problem in outcome.problems
            if not problem.is_warning
        ]
        self._queue(run.repository, run, tuple(details[:MAX_DETAILS]))

    def look(self, repositories: Sequence[str]) -> None:
        """See whether somebody is to be reminded, or was not told yet."""
        for name in repositories:
            self._queue(name, None, None)

    def close(self, timeout: timedelta = timedelta(seconds=5)) -> None:
        """Let what waits be sent, but not for longer than this. The rest is told after a start."""
        with self._lock:
            queues, self._threads = list(self._threads.values()), {}
        for queue in queues:
            queue.close(drop=False)
        for queue in queues:
            queue.join(timeout.total_seconds() / len(queues))

    def _queue(self, repository: str, run: Run | None, details: tuple[str, ...] | None) -> None:
        with self._lock:
            queues = [
                (each.name, queue)
                for each, queue in self._threads.items()
                if not each.repositories
                or any(fnmatchcase(repository, glob) for glob in each.repositories)
            ]
        for name, queue in queues:
            if not queue.put(repository, run, details):
                self._count(name, "dropped")

    def _count(self, name: str, result: str) -> None:
        with self._lock:
            self._counts[name, result] += 1

    def _tell(self, settings: NotificationSettings, job: "_Job") -> None:
        """Send one message, if there is anything to say. Runs in the notifier's own thread."""
        if not self._put_off.is_over(settings.name, self._monotonic()):
            return
        with logs.bound(repository=job.repository, notifier=settings.name):
            try:
                self._tell_if_new(settings, job)
            except StoreError as error:
                log.warning("what was told cannot be known now: %(error)s", {"error": error})

    def _tell_if_new(self, settings: NotificationSettings, job: "_Job") -> None:
        facts = self._facts(job)
        if facts is None:
            return
        name, repository = settings.name, job.repository
        before = self._past.told(name, repository)
        wanted = telling.Wanted(frozenset(settings.on), settings.remind)
        lines, told = telling.news(telling.loaded(before), facts, wanted, self._clock())
        after = telling.dumped(told)
        if after == before or not self._past.claim_told(name, repository, before, after):
            return
        if not lines:
            return
        title, body = telling.message(repository, lines)
        trouble = self._send(name, settings.url, title, body)
        self._count(name, "failed" if trouble else "sent")
        if trouble:
            self._past.claim_told(name, repository, after, before)
        self._note(name, trouble)

    def _note(self, name: str, trouble: str) -> None:
        """What came of one message. `trouble` is why it was not taken, "" where it was."""
        if trouble:
            self._put_off.note(name, self._monotonic(), self._roll())
            self._troubles.note(f"telling {name}", ImagebotError(trouble), logging.WARNING)
        else:
            self._put_off.forget([name])
            self._troubles.end(f"telling {name}")

    def _facts(self, job: "_Job") -> Facts | None:
        runs = list(self._runs(job.repository, telling.FAILS_BEFORE_TOLD))
        if job.run and (not runs or runs[0].started_at != job.run.started_at):
            runs.insert(0, job.run)
        if not runs:
            return None
        held = [each for each in self._past.decisions(job.repository) if each.state == "held"]
        requests = tuple(self._past.requests(job.repository))
        return Facts(job.repository, tuple(runs), requests, tuple(held), job.details)


class _Job:
    def __init__(self, repository: str, run: Run | None, details: tuple[str, ...] | None) -> None:
        self.repository, self.run, self.details = repository, run, details


class _Queue:
    """A thread and what waits for it: at most one job for each git repository, the newest."""

    def __init__(self, name: str, work: Callable[[_Job], None]) -> None:
        self._work = work
        self._state = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._is_closed = False
        self._thread = threading.Thread(target=self._go, name=f"notify {name}", daemon=True)
        self._thread.start()

    def put(self, repository: str, run: Run | None, details: tuple[str, ...] | None) -> bool:
        """False when it is dropped."""
        with self._state:
            for job in self._jobs:
                if job.repository == repository:
                    if run:
                        job.run, job.details = run, details
                    return True
            if self._is_closed or len(self._jobs) >= MAX_QUEUED:
                return False
            self._jobs.append(_Job(repository, run, details))
            self._state.notify()
            return True

    def close(self, *, drop: bool = True) -> None:
        with self._state:
            self._is_closed = True
            if drop:
                self._jobs.clear()
            self._state.notify()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _go(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._jobs or self._is_closed)
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            try:
                self._work(job)
            except Exception:
                log.exception(
                    "a bug in imagebot around telling of %(key)s", {"key": job.repository}
                )
