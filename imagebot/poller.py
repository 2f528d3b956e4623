"""Ask registries for the tags of image repositories when they are due, and wake who uses them.

Wires. One listing of an image repository serves every git repository that uses it; these are
requested only when there is news. One job a registry host at a time, so that a host in trouble
keeps no other waiting. Which are due, and when next, stands in the store: a process that dies
loses nothing, and several share the work.
"""

import logging
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from imagebot import tracing
from imagebot.errors import NotInRegistry, RegistryError, StoreError
from imagebot.image import Digest, Repository
from imagebot.kept import utc_now
from imagebot.model import ImageFacts, TagList
from imagebot.poll_store import PollStore
from imagebot.polls import Answer, Pace, Poll, answer_of
from imagebot.troubles import Troubles
from imagebot.workers import Job, Workers

log = logging.getLogger(__name__)

LOT = 100  # image repositories of one host that are asked together
LOTS = 20  # that are looked for at each tick
CLAIM = timedelta(seconds=25)  # then another process may ask too: who claimed it may be dead
HOSTS = 16  # asked at one time
DEADLINE = timedelta(minutes=5)  # of one lot
_NOTING = "noting what registries answered"


class AskedRegistry(Protocol):
    """What a poll asks of registries; `registries.Registries` has it."""

    def list_changed_many(
        self, etags: Mapping[Repository, str]
    ) -> Mapping[Repository, TagList | RegistryError | None]: ...

    def facts_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], ImageFacts | RegistryError]: ...


class Poller:
    """Polls what is due at each call of `poll`. `registry` and `pace` are those of the moment."""

    def __init__(
        self,
        polls: PollStore,
        registry: Callable[[], AbstractContextManager[AskedRegistry]],
        pace: Callable[[], Pace],
        wake: Callable[[str], None],
        *,
        workers: Workers | None = None,
        clock: Callable[[], datetime] = utc_now,
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._polls = polls
        self._registry = registry
        self._pace = pace
        self._wake = wake
        self._workers = workers or Workers("poll", HOSTS, DEADLINE)
        self._clock = clock
        self._roll = roll
        self._lock = threading.Lock()
        self._asking: dict[str, tuple[datetime, Sequence[Poll]]] = {}  # host -> claimed when, what
        self._troubles = Troubles()
        self._counts = Counter({"unchanged": 0, "changed": 0, "failed": 0})

    def counts(self) -> Mapping[str, int]:
        """Polls so far by what they came to: unchanged, changed, failed."""
        return dict(self._counts)

    def poll(self) -> None:
        """Start asking for what is due."""
        late, _ = self._workers.look_for_late()
        for job in late:
            log.error("polling %(host)s takes too long: not waited for", {"host": job.key})
        now = self._clock()
        self._claim_on(now)
        due = self._polls.due(now, LOT * LOTS, except_hosts=self._workers.taken())
        by_host: defaultdict[str, list[Poll]] = defaultdict(list)
        for poll in due:
            by_host[poll.image.registry].append(poll)
        for host, found in by_host.items():
            self._workers.submit(host, partial(self._ask_if_it_can_be_noted, found[:LOT]))

    def _claim_on(self, now: datetime) -> None:
        """Keep what we are asking for ours, where a registry is slow."""
        with self._lock:
            old = {host: lot for host, (at, lot) in self._asking.items() if now - at > CLAIM / 2}
            self._asking |= {host: (now, lot) for host, lot in old.items()}
        for lot in old.values():
            self._polls.claim_on([poll.image for poll in lot], now + CLAIM)

    def stop(self, timeout: timedelta) -> bool:
        return self._workers.stop(timeout)

    def _ask_if_it_can_be_noted(self, found: Sequence[Poll], job: Job) -> None:
        """A store that is away, or whose disk is full, is told of once and not for each host."""
        try:
            self._ask(found, job)
        except StoreError as error:
            self._troubles.note(_NOTING, error)
        else:
            self._troubles.end(_NOTING)

    def _ask(self, found: Sequence[Poll], job: Job) -> None:
        now = self._clock()
        ours = self._polls.claim(found, now, now + CLAIM)
        with self._lock:
            self._asking[job.key] = now, ours
        try:
            with tracing.span("poll") as span, self._registry() as registry:
                span.set("server.address", job.key)
                span.set("imagebot.images", len(ours))
                answers = answers_of(registry, ours)
                failed = sum(1 for answer in answers.values() if answer.trouble)
                span.set("imagebot.failed", failed)
        finally:
            with self._lock:
                self._asking.pop(job.key, None)
        if job.is_late:
            return  # the claims end by themselves
        news = self._polls.note(answers, now, self._pace(), self._roll)
        if any(poll.trouble and not answers[poll.image].trouble for poll in ours):
            self._polls.retry_troubled(now, job.key)  # the registry is well again
        self._counts["failed"] += failed
        self._counts["changed"] += len(news)
        self._counts["unchanged"] += len(answers) - failed - len(news)
        for name in self._polls.users(news):
            self._wake(name)


def answers_of(registry: AskedRegistry, polls: Sequence[Poll]) -> dict[Repository, Answer]:
    """Ask for each listing once, and for the digest of each tag that somebody follows."""
    known = {poll.image: poll for poll in polls}
    listed = registry.list_changed_many({image: poll.etag for image, poll in known.items()})
    answers = {
        image: Answer(etag=known[image].etag) if found is None else answer_of(found)
        for image, found in listed.items()
    }
    followed = [
        (image, tag)
        for image, answer in answers.items()
        if not answer.trouble
        for tag in sorted(known[image].followed)
    ]
    digests: defaultdict[Repository, dict[str, Digest]] = defaultdict(dict)
    gone: defaultdict[Repository, set[str]] = defaultdict(set)
    for (image, tag), fact in (registry.facts_many(followed) if followed else {}).items():
        if isinstance(fact, ImageFacts):
            digests[image][tag] = fact.digest
        elif isinstance(fact, NotInRegistry):
            gone[image].add(tag)
    return {
        image: replace(answer, digests=digests[image], gone=frozenset(gone[image]))
        for image, answer in answers.items()
    }
