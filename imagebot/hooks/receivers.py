"""A receiver of the settings: whether who sends proved himself, and which deliveries are the same.

Keeps its rate and, with tokens, its issuer's keys, which it fetches when they are asked for.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from imagebot.delivery import Delivery, Head
from imagebot.hook_senders import REMEMBERED, SENDERS, Auth, SenderFacts
from imagebot.hooks.proof import is_header_right, is_signature_right, is_url_right
from imagebot.hooks.rates import Rate
from imagebot.hooks.tokens import Keys, is_token_right
from imagebot.settings_model import HookSettings

RECEIVER_BURST = 60


@dataclass(frozen=True, slots=True)
class Receiver:
    """One of the settings, and what it keeps: its rate, and the keys of those who sign tokens."""

    settings: HookSettings
    facts: SenderFacts
    rate: Rate
    keys: Keys | None

    @classmethod
    def made(cls, settings: HookSettings, fetch: Callable[[str, bool], bytes]) -> "Receiver":
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
