"""From a request to a wake-up: who may send, how often, what was said, what is looked at for it.

The order is the point: how often comes before who, who before a single byte is parsed, and whether
it came before comes last. The only effect is that something we watch is looked at sooner. Answers
tell a sender that proved itself what became of it, and everybody else nothing.
"""

import hashlib
import json
import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from imagebot.delivery import JSON, Delivery, Head, Reply
from imagebot.errors import StoreError
from imagebot.hook_senders import REMEMBERED, SENDERS, Auth, SenderFacts
from imagebot.hooks.proof import is_header_right, is_signature_right, is_url_right
from imagebot.hooks.rates import Rate
from imagebot.hooks.reading import Image, Project, Reader, Reading, Unreadable, repository
from imagebot.hooks.tokens import Keys, KeysUnavailable, is_token_right
from imagebot.image import Repository
from imagebot.owed import Wakeups
from imagebot.settings_model import HookSettings

log = logging.getLogger(__name__)

PATH = "/hooks/"
PROCESS_PER_MINUTE = 6000.0  # of all senders, before it is known who they are
PROCESS_BURST = 500
RECEIVER_BURST = 60
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
        process_rate: Rate | None = None,
    ) -> None:
        self._readers = readers
        self._wakeups = wakeups
        self._seen = seen
        self._fetch = fetch
        self._clock = clock
        self._counts: Counter[tuple[str, str]] = Counter()
        self._counting = threading.Lock()
        self._process_rate = process_rate or Rate(PROCESS_PER_MINUTE, PROCESS_BURST)
        self._refusals_logged = Rate(60.0, 5)  # a flood of forgeries fills no disk
        self._receivers: Mapping[tuple[str, str], _Receiver] = {}
        self.replace(settings)

    def replace(self, settings: Sequence[HookSettings]) -> None:
        """Take other receivers from now on; those that stay as they are keep what they counted."""
        before = self._receivers
        after: dict[tuple[str, str], _Receiver] = {}
        for each in settings:
            key = each.sender, each.name
            kept = before.get(key)
            is_same = kept is not None and kept.settings == each
            after[key] = kept if kept and is_same else _Receiver.made(each, self._fetch)
        self._receivers = after

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Requests so far, by sender and outcome."""
        with self._counting:
            return dict(self._counts)

    def receive(self, head: Head) -> Reply | Callable[[bytes], Reply]:
        """The refusal, or what takes the body. See `delivery.Receive`."""
        wait = self._process_rate.wait_seconds()
        if wait > 0:
            self._count(NOBODY, "limited")
            return _later(wait)
        parts = head.path.removeprefix(PATH).split("/")
        receiver = self._receivers.get((parts[0], parts[1])) if 2 <= len(parts) <= 3 else None
        if receiver is None:
            self._count(NOBODY, "refused")
            return _said(HTTPStatus.NOT_FOUND, "no such receiver")
        token = parts[2] if len(parts) == 3 else ""
        try:
            is_right = receiver.is_head_right(head, token)
        except KeysUnavailable as error:
            return self._failed(receiver, error)
        if not is_right:
            return self._refused(receiver)
        if head.method == "OPTIONS":
            return self._origin_allowed(receiver, head)
        return lambda body: self._take(receiver, Delivery(head, body))

    def _take(self, receiver: "_Receiver", delivery: Delivery) -> Reply:
        settings = receiver.settings
        if not receiver.is_body_right(delivery, self._clock()):
            return self._refused(receiver)
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
            self._told(receiver, "ignored", reason=reading.ignored)
            return _said(HTTPStatus.ACCEPTED, f"ignored: {reading.ignored}")
        try:
            return self._wake(receiver, delivery, reading)
        except StoreError as error:
            return self._failed(receiver, error)

    def _wake(self, receiver: "_Receiver", delivery: Delivery, reading: Reading) -> Reply:
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

    def _origin_allowed(self, receiver: "_Receiver", head: Head) -> Reply:
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

    def _refused(self, receiver: "_Receiver") -> Reply:
        self._told(receiver, "refused")
        return _said(HTTPStatus.UNAUTHORIZED, "the proof is missing or wrong")

    def _failed(self, receiver: "_Receiver", error: Exception) -> Reply:
        self._told(receiver, "failed", reason=str(error))
        return _later(10.0, HTTPStatus.SERVICE_UNAVAILABLE)

    def _count(self, sender: str, outcome: str) -> None:
        with self._counting:
            self._counts[sender, outcome] += 1

    def _told(
        self, receiver: "_Receiver", outcome: str, woken: tuple[str, ...] = (), reason: str = ""
    ) -> None:
        settings = receiver.settings
        self._count(settings.sender, outcome)
        if outcome == "refused" and self._refusals_logged.wait_seconds() > 0:
            return
        is_bad = outcome in ("refused", "limited", "unreadable", "failed")
        log.log(
            logging.WARNING if is_bad else logging.INFO,
            "hook %(receiver)s: %(outcome)s%(more)s",
            {
                "receiver": receiver.name,
                "outcome": outcome,
                "more": f" ({', '.join(woken) or reason})" if woken or reason else "",
            },
        )


@dataclass(frozen=True, slots=True)
class _Receiver:
    settings: HookSettings
    facts: SenderFacts
    rate: Rate
    keys: Keys | None

    @classmethod
    def made(cls, settings: HookSettings, fetch: Callable[[str, bool], bytes]) -> "_Receiver":
        token = settings.token
        rate = Rate(settings.per_minute, min(RECEIVER_BURST, settings.per_minute))
        keys = Keys(lambda: fetch(token.keys_url, token.is_internal)) if token else None
        return cls(settings, SENDERS[settings.sender], rate, keys)

    @property
    def name(self) -> str:
        return f"{self.settings.sender}/{self.settings.name}"

    def is_head_right(self, head: Head, url_token: str) -> bool:
        """Whether the sender proved itself as far as the head alone can tell."""
        settings = self.settings
        if settings.auth is Auth.URL:
            return is_url_right(url_token, settings.secrets, settings.sender, settings.name)
        if url_token:
            return False  # the address of another way to prove oneself
        if settings.auth is Auth.HEADER:
            return is_header_right(head, settings.header, settings.secrets)
        if settings.token and self.keys:
            return is_token_right(head.header("authorization"), self.keys, settings.token)
        # By the body; only then, since OPTIONS has none.
        return head.method == "POST" and bool(head.header(self.facts.signature_header))

    def is_body_right(self, delivery: Delivery, now: datetime) -> bool:
        settings = self.settings
        if settings.auth is not Auth.SIGNATURE:
            return True
        header = self.facts.signature_header
        return is_signature_right(settings.sender, header, delivery, settings.secrets, now)


def delivery_ids(facts: SenderFacts, delivery: Delivery, now: datetime) -> dict[str, datetime]:
    """What tells this delivery from others, each with the time until which that counts.

    The sender's own number is not signed, so whoever recorded a delivery could give it another:
    what was said counts as well.
    """
    said = hashlib.sha256()
    for name, value in sorted(delivery.head.headers.items()):
        if name.startswith("ce-") or name.endswith("-event") or name == "x-event-key":
            said.update(f"{name}:{value}\n".encode("utf-8", "replace"))
    said.update(b"\n" + delivery.body)
    ids = {f"body {said.hexdigest()}": now + facts.remembered}
    for name in (facts.id_header, "webhook-id"):  # the latter is signed, where it is sent
        number = delivery.header(name) if name else ""
        if number:
            hashed = hashlib.sha256(number.encode("utf-8", "replace")).hexdigest()
            ids[f"id {hashed}"] = now + REMEMBERED
    return ids


def _repositories(hints: Iterable[Image | Project], registry: str) -> list[Repository]:
    found = [repository(hint, registry) for hint in hints if isinstance(hint, Image)]
    return list(dict.fromkeys(each for each in found if each is not None))


def _said(status: HTTPStatus, words: str) -> Reply:
    return Reply(status, f"{words}\n".encode())


def _later(wait_seconds: float, status: HTTPStatus = HTTPStatus.TOO_MANY_REQUESTS) -> Reply:
    headers = {"Retry-After": str(math.ceil(wait_seconds))}
    return Reply(status, b"come again later\n", headers=headers)
