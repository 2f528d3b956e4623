"""Bearer tokens of one registry session: asked of the token service, kept until shortly before
they expire, forgotten when the registry refuses them.

The key is realm, service, scope and account, so a token never serves another repository. Only
the token service may see the credentials, and it must be the registry itself, one that ships
with imagebot, or one that the settings list.
"""

import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from imagebot.errors import RegistryError
from imagebot.image import shortened
from imagebot.registries.accounts import BasicCredentials
from imagebot.registries.rules import Origin, RegistryRules
from imagebot.registries.transport import Answer
from imagebot.secret import Secret

DEFAULT_LIFETIME_SECONDS = 60.0  # distribution token specification, `expires_in`
MAX_LIFETIME_SECONDS = 3600.0
_EARLY_SECONDS = 15.0  # a token in flight must not expire on the way
_PRINTABLE = re.compile(r"[!-~]{1,65536}", re.ASCII)
_CLIENT_ID = "imagebot"

Ask = Callable[[str, str, dict[str, str], bytes | None], Answer]  # method, URL, headers, body


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Where to ask for a token, and for what."""

    realm: str
    service: str
    scope: str
    account: str


@dataclass(frozen=True, slots=True)
class _Kept:
    token: Secret
    expires_at: float  # monotonic clock


class TokenCache:
    """Tokens by request. Thread-safe; two threads may fetch the same one, the last stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[TokenRequest, _Kept] = {}

    def get(self, request: TokenRequest) -> Secret | None:
        with self._lock:
            kept = self._kept.get(request)
            if kept is None or kept.expires_at <= time.monotonic():
                self._kept.pop(request, None)
                return None
            return kept.token

    def put(self, request: TokenRequest, token: Secret, lifetime_seconds: float) -> None:
        early = min(_EARLY_SECONDS, lifetime_seconds / 4)
        now = time.monotonic()
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if kept.expires_at > now}
            self._kept[request] = _Kept(token, now + lifetime_seconds - early)

    def forget(self, request: TokenRequest, token: Secret) -> None:
        """Drop this token, unless another has taken its place meanwhile."""
        with self._lock:
            kept = self._kept.get(request)
            if kept is not None and kept.token == token:
                del self._kept[request]

    def tokens(self) -> tuple[Secret, ...]:
        with self._lock:
            return tuple(kept.token for kept in self._kept.values())


def check_realm(realm: str, rules: RegistryRules) -> None:
    """Raise RegistryError unless credentials for this registry may go to that token service."""
    origin = Origin.of(realm)
    if origin in rules.token_origins:
        return
    if origin.scheme == "http" and Origin.of(f"https://{origin}") in rules.token_origins:
        raise RegistryError(f"{rules.host} sends us to its token service by plain HTTP ({origin})")
    raise RegistryError(
        f"{rules.host} sends us for a token to {shortened(str(origin))}, which is not known as its"
        " token service",
        hint=f"if that is right, add {shortened(str(origin))} to `tokenServers` of this registry",
    )


def fetch(
    request: TokenRequest, credentials: BasicCredentials | None, ask: Ask
) -> tuple[Secret, float]:
    """Ask the token service. Gives back the token and its lifetime in seconds."""
    if credentials is not None and credentials.is_identity_token:
        answer = _ask_oauth2(request, credentials, ask)
    else:
        answer = _ask_basic(request, credentials, ask)
    host = Origin.of(request.realm)
    if answer.status in (400, 401, 403, 404):
        raise _refused(host, answer.status, request, credentials)
    if answer.status != 200:
        raise RegistryError(f"the token service {host} answered {answer.status}")
    return _read(answer, host)


def _ask_basic(request: TokenRequest, credentials: BasicCredentials | None, ask: Ask) -> Answer:
    query = {"scope": request.scope}
    if request.service:
        query = {"service": request.service} | query
    headers = {}
    if credentials is not None:
        query["account"] = credentials.username
        headers["Authorization"] = basic_header(credentials)
    joiner = "&" if urlsplit(request.realm).query else "?"
    return ask("GET", f"{request.realm}{joiner}{urlencode(query)}", headers, None)


def _ask_oauth2(request: TokenRequest, credentials: BasicCredentials, ask: Ask) -> Answer:
    """Identity tokens are refresh tokens (distribution spec, "OAuth2 token authentication")."""
    form = {
        "grant_type": "refresh_token",
        "service": request.service,
        "client_id": _CLIENT_ID,
        "scope": request.scope,
        "refresh_token": credentials.password.reveal(),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask("POST", request.realm, headers, urlencode(form).encode())


def _refused(
    host: Origin, status: int, request: TokenRequest, credentials: BasicCredentials | None
) -> RegistryError:
    if credentials is None:
        return RegistryError(
            f"the token service {host} answered {status} to an anonymous request",
            hint="set credentials for this registry",
        )
    return RegistryError(
        f"the token service {host} answered {status} to {shortened(credentials.username)!r}"
        f" from {credentials.source}",
        hint="check the user name and password (or token) there, and that it has not expired",
    )


def _read(answer: Answer, host: Origin) -> tuple[Secret, float]:
    try:
        document = json.loads(answer.body)
        token = document.get("token") or document.get("access_token")
        lifetime = float(document.get("expires_in") or DEFAULT_LIFETIME_SECONDS)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise RegistryError(f"the token service {host} did not answer with a token") from None
    if not isinstance(token, str) or not _PRINTABLE.fullmatch(token):
        raise RegistryError(f"the token service {host} did not answer with a token")
    if not lifetime > 0:  # also not a number
        lifetime = DEFAULT_LIFETIME_SECONDS
    return Secret(token), min(lifetime, MAX_LIFETIME_SECONDS)


def basic_header(credentials: BasicCredentials) -> str:
    """Value of an `Authorization` header (RFC 7617)."""
    pair = f"{credentials.username}:{credentials.password.reveal()}"
    return "Basic " + b64encode(pair.encode()).decode()
