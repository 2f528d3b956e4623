"""From a request to a wake-up: who may send, how often, what was said, what is looked at for it.

The order is the point: who comes before a single byte is parsed, how often comes after it, and
whether it came before comes last. So nobody who proves himself is ever turned away for those who do
not: these have a rate of their own. The only effect is that something we watch is looked at sooner.
Answers tell a sender that proved itself what became of it, and everybody else nothing.
"""

import json
import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Protocol

from imagebot.delivery import JSON, Delivery, Head, Prove, Reply, Work
from imagebot.errors import StoreError
from imagebot.hooks.rates import Rate
from imagebot.hooks.reading import Image, Project, Reader, Reading, Unreadable, repository
from imagebot.hooks.receivers import Receiver, delivery_ids
from imagebot.hooks.tokens import KeysUnavailable
from imagebot.image import Repository
from imagebot.owed import Wakeups
from imagebot.settings_model import HookSettings

log = logging.getLogger(__name__)

PATH = "/hooks/"
UNPROVEN_PER_MINUTE = 600.0  # of all who prove nothing; the rest is told to come again later
UNPROVEN_BURST = 100
_MAX_ORIGIN = 256


class Seen(Protocol):
    """What came already; `deliveries.Deliveries` has it."""

    def claim(self, receiver: str, ids: Mapping[str, datetime], now: datetime) -> bool:
        """Note ids, each until when; False when one of them is noted already."""
        ...

    def release(self, receiver: str, ids: Sequence[str]) -> None:
        """Forget them: nothing came of it."""
        ...


OUTCOMES = (
    *("woken", "unmatched", "ignored", "handshake", "repeated"),
    *("refused", "limited", "unreadable", "failed"),
)
"""What becomes of a request."""

_LEVELS = {
    **dict.fromkeys(("woken", "unmatched", "handshake", "repeated"), logging.INFO),
    "ignored": logging.DEBUG,  # the answer says it too, and there may be several for each push
}  # what is not here went wrong

NOBODY = "unknown"
"""Stands for the sender of what was turned away before it was known whose it is."""


class Hooks:
    """All receivers of the settings. Thread-safe; `receive` is what the web server calls."""

    def __init__(
        self,
        settings: Sequence[HookSettings],
        readers: Mapping[str, Reader],
        wakeups: Wakeups,
        seen: Seen,
        *,
        fetch: Callable[[str, bool], bytes],
        clock: Callable[[], datetime],
        unproven_rate: Rate | None = None,
    ) -> None:
        self._readers = readers
        self._wakeups = wakeups
        self._seen = seen
        self._fetch = fetch
        self._clock = clock
        self._counts: Counter[tuple[str, str]] = Counter()
        self._counting = threading.Lock()
        self._unproven_rate = unproven_rate or Rate(UNPROVEN_PER_MINUTE, UNPROVEN_BURST)
        self._refusals_logged = Rate(60.0, 5)  # a flood of forgeries fills no disk
        self._receivers: Mapping[tuple[str, str], Receiver] = {}
        self._cannot_note = False  # deliveries, the last time one came
        self.replace(settings)

    def look(self) -> None:
        """Whether deliveries can be noted again, if one could not. Raises StoreError if not.

        Called now and then: a process that is told to be unready for it is sent no more of them.
        """
        if self._cannot_note:
            now = self._clock()
            self._seen.claim(NOBODY, {NOBODY: now}, now)
            self._seen.release(NOBODY, [NOBODY])
            self._cannot_note = False

    def replace(self, settings: Sequence[HookSettings]) -> None:
        """Take other receivers from now on; those that stay as they are keep what they counted."""
        before = self._receivers
        after: dict[tuple[str, str], Receiver] = {}
        for each in settings:
            key = each.sender, each.name
            kept = before.get(key)
            is_same = kept is not None and kept.settings == each
            after[key] = kept if kept and is_same else Receiver.made(each, self._fetch)
        self._receivers = after

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Requests so far, by sender and outcome."""
        with self._counting:
            return dict(self._counts)

    def receive(self, head: Head) -> Reply | Prove:
        """The refusal, or what takes the body. See `delivery.Receive`."""
        parts = head.path.removeprefix(PATH).split("/")
        receiver = self._receivers.get((parts[0], parts[1])) if 2 <= len(parts) <= 3 else None
        if receiver is None:
            return self._too_many_unproven() or self._nowhere()
        token = parts[2] if len(parts) == 3 else ""
        try:
            is_right = receiver.is_head_right(head, token)
        except KeysUnavailable as error:
            return self._failed(receiver, error)
        if not is_right:
            return self._refused(receiver)
        if head.method == "OPTIONS":
            return self._origin_allowed(receiver, head)
        return lambda body: self._prove(receiver, Delivery(head, body))

    def _prove(self, receiver: Receiver, delivery: Delivery) -> Reply | Work:
        if not receiver.is_body_right(delivery, self._clock()):
            return self._refused(receiver)
        return partial(self._take, receiver, delivery)

    def _take(self, receiver: Receiver, delivery: Delivery) -> Reply:
        settings = receiver.settings
        wait = receiver.rate.wait_seconds()
        if wait > 0:
            self._told(receiver, "limited")
            return _later(wait)
        try:
            reading = self._readers[settings.sender](delivery)
        except Unreadable as error:
            self._told(receiver, "unreadable", reason=str(error))
            return _said(HTTPStatus.BAD_REQUEST, str(error))
        if reading.answer is not None:
            self._told(receiver, "handshake")
            body = json.dumps(dict(reading.answer)).encode()
            return Reply(HTTPStatus.OK, body, JSON)
        if reading.ignored:
            receiver.rate.give_back()  # a push to a registry is four deliveries, three of blobs
            self._told(receiver, "ignored", reason=reading.ignored)
            return _said(HTTPStatus.ACCEPTED, f"ignored: {reading.ignored}")
        try:
            return self._wake(receiver, delivery, reading)
        except StoreError as error:
            is_news, self._cannot_note = not self._cannot_note, True
            return self._failed(receiver, error, is_news=is_news)

    def _wake(self, receiver: Receiver, delivery: Delivery, reading: Reading) -> Reply:
        """Once for each delivery. What could not be noted may come again."""
        name, now = receiver.name, self._clock()
        ids = delivery_ids(receiver.facts, delivery, now)
        if not self._seen.claim(name, ids, now):
            self._told(receiver, "repeated")
            return _said(HTTPStatus.ACCEPTED, "ignored: it came before")
        try:
            woken = self._woken(reading, receiver.settings.registry)
        except BaseException:
            self._seen.release(name, list(ids))
            raise
        self._told(receiver, "woken" if woken else "unmatched", woken)
        return _said(HTTPStatus.ACCEPTED, "noted")

    def _woken(self, reading: Reading, registry: str) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for image in _repositories(reading.hints, registry):
            found |= dict.fromkeys(self._wakeups.image(image))
        for hint in reading.hints:
            if isinstance(hint, Project):
                names = self._wakeups.project(hint.path, hint.host)
                # Its pages may be at another host than its API and its clones.
                found |= dict.fromkeys(names or self._wakeups.project(hint.path))
        return tuple(found)

    def _origin_allowed(self, receiver: Receiver, head: Head) -> Reply:
        """The handshake of CloudEvents (HTTP 1.1 Web Hooks, 4), for those who proved themselves."""
        origin = head.header("webhook-request-origin")
        if not origin or len(origin) > _MAX_ORIGIN or not origin.isprintable():
            return _said(HTTPStatus.BAD_REQUEST, "the header WebHook-Request-Origin is missing")
        self._told(receiver, "handshake")
        headers = {
            "Allow": "POST, OPTIONS",
            "WebHook-Allowed-Origin": origin,
            "WebHook-Allowed-Rate": str(receiver.settings.per_minute),
        }
        return Reply(HTTPStatus.OK, b"", headers=headers)

    def _too_many_unproven(self) -> Reply | None:
        """Counts one that proved nothing. Peers are not told apart: a proxy is one for all."""
        wait = self._unproven_rate.wait_seconds()
        if wait <= 0:
            return None
        self._count(NOBODY, "limited")
        return _later(wait)

    def _nowhere(self) -> Reply:
        self._count(NOBODY, "refused")
        return _said(HTTPStatus.NOT_FOUND, "no such receiver")

    def _refused(self, receiver: Receiver) -> Reply:
        too_many = self._too_many_unproven()
        if too_many:
            return too_many
        self._told(receiver, "refused")
        return _said(HTTPStatus.UNAUTHORIZED, "the proof is missing or wrong")

    def _failed(self, receiver: Receiver, error: Exception, *, is_news: bool = True) -> Reply:
        if is_news:
            self._told(receiver, "failed", reason=str(error))
        else:
            self._count(receiver.settings.sender, "failed")
        return _later(10.0, HTTPStatus.SERVICE_UNAVAILABLE)

    def _count(self, sender: str, outcome: str) -> None:
        with self._counting:
            self._counts[sender, outcome] += 1

    def _told(
        self, receiver: Receiver, outcome: str, woken: tuple[str, ...] = (), reason: str = ""
    ) -> None:
        settings = receiver.settings
        self._count(settings.sender, outcome)
        if outcome == "refused" and self._refusals_logged.wait_seconds() > 0:
            return
        log.log(
            _LEVELS.get(outcome, logging.WARNING),
            "hook %(receiver)s: %(outcome)s%(more)s",
            {
                "receiver": receiver.name,
                "outcome": outcome,
                "more": f" ({', '.join(woken) or reason})" if woken or reason else "",
            },
        )


def _repositories(hints: Iterable[Image | Project], registry: str) -> list[Repository]:
    found = [repository(hint, registry) for hint in hints if isinstance(hint, Image)]
    return list(dict.fromkeys(each for each in found if each is not None))


def _said(status: HTTPStatus, words: str) -> Reply:
    return Reply(status, f"{words}\n".encode())


def _later(wait_seconds: float, status: HTTPStatus = HTTPStatus.TOO_MANY_REQUESTS) -> Reply:
    headers = {"Retry-After": str(math.ceil(wait_seconds))}
    return Reply(status, b"come again later\n", headers=headers)
