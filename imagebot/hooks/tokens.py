"""Tokens that an identity provider signed (OpenID Connect): who sends, and whether it is for us.

Knows PyJWT. A token is only as good as what is asked of it: signature, issuer, audience, time, and
the account that it was made for, since anybody may have tokens of the same issuer. The provider's
keys come through `fetch`, are kept for an hour, and are asked for by one caller at a time and not
more than once a minute, however many tokens name keys that nobody knows.
"""

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from imagebot.errors import ImagebotError
from imagebot.hooks.reading import Unreadable, parsed
from imagebot.settings_model import TokenSettings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA")
MAX_TOKEN_CHARACTERS = 8192
LEEWAY_SECONDS = 60
FRESH_SECONDS = 3600.0
STALE_SECONDS = 86_400.0  # how long keys serve while the provider does not answer
RETRY_SECONDS = 60.0
_MAX_KEYS = 64
_GOOGLE = "https://accounts.google.com"


class KeysUnavailable(ImagebotError):
    """The provider's keys are not here (yet): the sender should come again."""


class Keys:
    """The keys of one provider. Thread-safe; nobody waits for another's fetching."""

    def __init__(
        self,
        fetch: Callable[[], bytes],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._monotonic = fetch, monotonic
        self._fetching = threading.Lock()
        self._keys: Mapping[str, Any] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def get(self, key_id: str) -> Any | None:
        """The key of that id, None when the provider has none. Raises KeysUnavailable."""
        now = self._monotonic()
        is_fresh = self._fetched_at is not None and now - self._fetched_at < FRESH_SECONDS
        if not is_fresh or key_id not in self._keys:
            self._renew(now)
        if self._fetched_at is None or now - self._fetched_at > STALE_SECONDS:
            raise KeysUnavailable("the keys of the identity provider could not be read")
        return self._keys.get(key_id)

    def _renew(self, now: float) -> None:
        if not self._fetching.acquire(blocking=False):
            if self._fetched_at is None:
                raise KeysUnavailable("the keys of the identity provider are being read")
            return
        try:
            if self._tried_at is not None and now - self._tried_at < RETRY_SECONDS:
                return
            self._tried_at = now
            self._keys = _key_set(self._fetch())
            self._fetched_at = now
        except ImagebotError as error:
            if self._fetched_at is None:
                raise KeysUnavailable(f"the identity provider's keys: {error}") from error
        finally:
            self._fetching.release()


def _key_set(source: bytes) -> Mapping[str, Any]:
    """Public keys by their ids (RFC 7517, 5). Raises Unreadable."""
    document = parsed(source)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise Unreadable("it answered with no set of keys")
    found: dict[str, Any] = {}
    for entry in entries[:_MAX_KEYS]:
        if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        try:
            key = jwt.PyJWK(entry)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue  # a kind that we do not know
        if isinstance(key.key_id, str):
            found[key.key_id] = key
    return found


def is_token_right(authorization: str, keys: Keys, wanted: TokenSettings) -> bool:
    """Whether the bearer token in the header is a good one. Raises KeysUnavailable."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 0 < len(token) <= MAX_TOKEN_CHARACTERS:
        return False
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        key = keys.get(key_id) if isinstance(key_id, str) else None
        if key is None:
            return False
        claims = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=wanted.audience,
            issuer=_issuers(wanted.issuer),
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud"]},
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return False
    return _is_from(claims, wanted)


def _issuers(issuer: str) -> list[str]:
    """Google has written its name in two ways."""
    return [issuer, issuer.removeprefix("https://")] if issuer == _GOOGLE else [issuer]


def _is_from(claims: Mapping[str, Any], wanted: TokenSettings) -> bool:
    asked = dict(wanted.claims)
    if wanted.email:
        asked["email"] = wanted.email
        if claims.get("email_verified") not in (True, "true"):
            return False
    if wanted.subject:
        asked["sub"] = wanted.subject
    found = [_is_equal(claims.get(name), value) for name, value in asked.items()]
    return bool(found) and all(found)


def _is_equal(claim: object, wanted: str) -> bool:
    return isinstance(claim, str) and hmac.compare_digest(
        claim.encode("utf-8", "replace"), wanted.encode()
    )
