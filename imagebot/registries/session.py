"""The guarded session: all requests for one registry with one credential.

Adds to the transport what must be decided per answer: proof of who we are, redirects, waiting
and trying again. The rules that keep secrets home are here: credentials and tokens leave for the
registry's own origin alone (credentials also for its token service), are dropped for good when
a redirect leaves it, and nothing goes from TLS to plain HTTP.
"""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.image import shortened
from imagebot.interfaces import HostLimits
from imagebot.registries import challenge, masking, tokens
from imagebot.registries.accounts import BasicCredentials
from imagebot.registries.addresses import Unreachable
from imagebot.registries.circuit import Circuit
from imagebot.registries.limits import Budget, Limits, TooSlow
from imagebot.registries.rules import Origin, RegistryRules, resolved
from imagebot.registries.transport import Answer, ConnectionLost, Transport
from imagebot.secret import Secret
from imagebot.traffic import Traffic

_REDIRECTS = {301, 302, 303, 307, 308}
_SERVER_TROUBLE = {500, 502, 503, 504}
_REPEATABLE = {"GET", "HEAD"}
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_TOLD_WAIT_SECONDS = 86_400.0
PULL = "pull"
PUSH = "pull,push"


@dataclass(frozen=True, slots=True)
class _Realm:
    """What the registry's bearer challenge said; remembered to save asking for it again."""

    url: str
    service: str


class GuardedSession:
    """Requests to one registry with one credential. Thread-safe."""

    def __init__(
        self,
        rules: RegistryRules,
        credentials: BasicCredentials | None,
        limits: Limits,
        *,
        traffic: Traffic | None = None,
        places: threading.BoundedSemaphore | None = None,
        circuit: Circuit | None = None,
        host_limits: HostLimits | None = None,
        offers_basic: bool = False,
    ) -> None:
        """`offers_basic`: send a password without being asked, where no challenge asks for it."""
        self.rules = rules
        self.limits = limits
        self._credentials = credentials
        self._places = places or threading.BoundedSemaphore(rules.concurrency)
        self._transport = Transport(
            limits,
            internal=rules.token_origins if rules.internal else frozenset(),
            ca_file=rules.ca_file,
            traffic=traffic,
        )
        self._tokens = tokens.TokenCache()
        self._circuit = circuit or Circuit()
        self._host_limits = host_limits
        self._realm: _Realm | None = None
        self._asks_for_basic = (
            offers_basic and credentials is not None and not credentials.is_identity_token
        )
        self._scope_names: dict[str, str] = {}  # by our scope, where the registry's differs

    def url(self, path: str) -> str:
        return f"{self.rules.scheme}://{self.rules.origin}{path}"

    def request(
        self,
        method: str,
        url: str,
        budget: Budget,
        *,
        repository: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        actions: str = PULL,
    ) -> Answer:
        """Ask on behalf of one repository (its path) and follow the answer to its end.

        The answer's status is neither a redirect nor 401, 403, 429 nor 5xx: those raise.
        """
        scope = f"repository:{repository}:{actions}"
        asked = dict(headers or {})
        self._circuit.check()
        is_home = True
        for _ in range(self.limits.redirects + 1):
            # Once away, for good: a stranger may not send our credentials to a place of his choice.
            is_home = is_home and Origin.of(url) == self.rules.origin
            if is_home:
                answer = self._as_ourselves(method, url, budget, asked, body, scope)
            else:
                answer = self._as_nobody(method, url, budget, asked)
            if answer.status not in _REDIRECTS:
                return answer
            url = self._next_place(answer, method)
        raise RegistryError(f"{self.rules.host} redirected more than {self.limits.redirects} times")

    def exchange(self, path: str, form: Mapping[str, str]) -> bytes:
        """Post a form to the registry itself, as nobody. Nothing of the form is ever shown.

        Raises RegistryError unless the answer's status is 200.
        """
        budget = Budget(self.limits, f"signing in to {self.rules.host}")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url = self.url(path)
        answer = self._patiently("POST", url, budget, headers, urlencode(form).encode())
        if answer.status != 200:
            raise RegistryError(f"{self.rules.host} answered {answer.status} at {path}")
        return answer.body

    @contextmanager
    def discreet(self) -> Iterator[None]:
        """Mask our secrets in errors that leave the block.

        Messages name hosts that a server chose, and a server that was given a password can put
        it into a host name.
        """
        try:
            yield
        except RegistryError as error:
            secrets = self._secret_texts()
            message = masking.masked(str(error), secrets)
            if message != str(error):
                error.args = (message,)
                error.__cause__ = None  # it names the same host
            error.hint = masking.masked(error.hint, secrets)
            raise

    def close(self) -> None:
        self._transport.close()

    def close_idle(self) -> None:
        """Close connections that nobody uses now; new ones are opened when needed."""
        self._transport.close_idle()

    def _secret_texts(self) -> list[str]:
        texts = [token.reveal() for token in self._tokens.tokens()]
        if self._credentials is not None:
            texts.append(self._credentials.password.reveal())
            texts.append(tokens.basic_header(self._credentials).removeprefix("Basic "))
        return texts

    def _next_place(self, answer: Answer, method: str) -> str:
        host = self.rules.host
        if method not in _REPEATABLE:
            raise RegistryError(f"{host} redirected a {method}, which is not followed")
        place = resolved(answer.url, answer.header("Location"))
        if not answer.header("Location"):
            raise RegistryError(f"{host} redirected to nowhere")
        if answer.origin.scheme == "https" and Origin.of(place).scheme != "https":
            raise RegistryError(f"{host} redirected from TLS to plain HTTP")
        return place

    # -- who we are ---------------------------------------------------------------------------

    def _as_nobody(
        self, method: str, url: str, budget: Budget, headers: Mapping[str, str]
    ) -> Answer:
        """Ask a host that a redirect named: no credentials, no token, whatever it answers."""
        if method not in _REPEATABLE:
            raise RegistryError(
                f"{self.rules.host} sends a {method} to another host ({Origin.of(url)})"
            )
        answer = self._patiently(method, url, budget, headers)
        if answer.status in (401, 403):
            raise RegistryError(
                f"{self.rules.host} redirected to {answer.origin}, which answered {answer.status}"
            )
        return answer

    def _as_ourselves(
        self,
        method: str,
        url: str,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None,
        scope: str,
    ) -> Answer:
        """Ask the registry, with proof once it wants some.

        At most three times: with what we have, after reading the challenge, and once more when
        the token was an old one.
        """
        proof = self._known_proof(scope, budget)
        answer = self._patiently(method, url, budget, {**headers, **proof}, body)
        if answer.status == 401:
            proof = self._new_proof(answer, scope, budget, refused=proof)
            answer = self._patiently(method, url, budget, {**headers, **proof}, body)
        if answer.status in (401, 403):
            raise self._refused(answer)
        return answer

    def _known_proof(self, scope: str, budget: Budget) -> dict[str, str]:
        """Proof without being asked, by what this registry asked for before."""
        if self._asks_for_basic and self._credentials is not None:
            return {"Authorization": tokens.basic_header(self._credentials)}
        if self._realm is not None:
            named = self._scope_names.get(scope, scope)
            return _bearer(self._token(self._realm, named, budget))
        return {}

    def _new_proof(
        self, answer: Answer, scope: str, budget: Budget, *, refused: Mapping[str, str]
    ) -> dict[str, str]:
        """Proof by the challenge in a 401; a token that was just refused is not used again."""
        challenges = challenge.parse(answer.headers.get_all("WWW-Authenticate") or ())
        by_scheme = {found.scheme: found for found in reversed(challenges)}
        if "bearer" in by_scheme:
            parameters = by_scheme["bearer"].parameters
            realm = _Realm(parameters.get("realm", ""), parameters.get("service", ""))
            tokens.check_realm(realm.url, self.rules)
            self._realm = realm
            named = _narrowed(parameters.get("scope", ""), scope)
            if named != scope:
                self._scope_names[scope] = named
            return _bearer(self._token(realm, named, budget, is_refused=True))
        if "basic" in by_scheme and self._credentials is not None:
            if self._credentials.is_identity_token:
                raise RegistryError(
                    f"{self.rules.host} wants a user name and password, and"
                    f" {self._credentials.source} has an identity token for it"
                )
            proof = {"Authorization": tokens.basic_header(self._credentials)}
            if proof != refused:
                self._asks_for_basic = True
                return proof
        raise self._refused(answer)

    def _token(
        self, realm: _Realm, scope: str, budget: Budget, *, is_refused: bool = False
    ) -> Secret:
        account = self._credentials.username if self._credentials else ""
        request = tokens.TokenRequest(realm.url, realm.service, scope, account)
        kept = self._tokens.get(request)
        if kept is not None and not is_refused:
            return kept

        def ask(method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
            return self._patiently(method, url, budget, headers, body)

        token, lifetime = tokens.fetch(request, self._credentials, ask)
        self._tokens.put(request, token, lifetime)
        return token

    def _refused(self, answer: Answer) -> RegistryError:
        host = self.rules.host
        if self._credentials is None:
            return RegistryError(
                f"{host} answered {answer.status} to an anonymous request",
                hint="set credentials for this registry; some registries also answer so"
                " when the repository does not exist",
            )
        return RegistryError(
            f"{host} answered {answer.status} to {shortened(self._credentials.username)!r}"
            f" from {self._credentials.source}",
            hint="check that the password (or token) there is valid and may pull this"
            " repository, and that the repository exists",
        )

    # -- waiting and trying again -------------------------------------------------------------

    def _patiently(
        self,
        method: str,
        url: str,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One exchange; lost connections, 5xx and a short `Retry-After` are tried again."""
        try:
            answer = self._tried(method, url, budget, headers, body)
        except (ConnectionLost, TooSlow) as error:
            if self._is_ours(url):  # a stranger that a redirect named tells nothing of us all
                self._circuit.fail(error, budget.purpose)
            raise
        except Unreachable as error:
            if self._is_ours(url):
                self._circuit.fail_to_connect(error)
            raise
        if self._is_ours(url):
            self._circuit.succeed()
        return answer

    def _tried(
        self,
        method: str,
        url: str,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        attempts = self.limits.attempts if method in _REPEATABLE else 1
        for attempt in range(1, attempts + 1):
            is_last = attempt == attempts
            try:
                answer = self._in_turn(method, url, budget, headers, body)
            except (ConnectionLost, Unreachable):
                if is_last:
                    raise
                self._pause(_FIRST_PAUSE_SECONDS * 2**attempt, budget)
                continue
            if answer.status != 429 and answer.status not in _SERVER_TROUBLE:
                return answer
            wait = _retry_after(answer)
            if wait and answer.status == 429 and self._host_limits and self._is_ours(url):
                self._host_limits.hold_off(self.rules.host, wait)
            if is_last or not self._is_worth_waiting(answer.status, wait, budget):
                later = _come_later(answer, wait)
                if self._is_ours(url) and (wait or answer.status != 429):
                    asked = wait if answer.status == 429 else None
                    self._circuit.fail(later, budget.purpose, wait_seconds=asked)
                raise later
            self._pause(wait or _FIRST_PAUSE_SECONDS * 2**attempt, budget)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _is_ours(self, url: str) -> bool:
        return Origin.of(url) in self.rules.token_origins

    def _is_worth_waiting(self, status: int, wait: float | None, budget: Budget) -> bool:
        if wait is None:
            return status != 429
        return wait <= self.limits.wait_seconds and wait < budget.remaining_seconds()

    def _pause(self, seconds: float, budget: Budget) -> None:
        jittered = seconds * random.uniform(1, 1.25)  # noqa: S311 - spreads load, hides nothing
        time.sleep(min(jittered, budget.remaining_seconds()))

    def _in_turn(
        self,
        method: str,
        url: str,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        self._keep_to_limits(url, budget)
        if not self._places.acquire(timeout=budget.remaining_seconds()):
            raise budget.too_slow()
        try:
            return self._transport.exchange(method, url, budget, headers, body)
        finally:
            self._places.release()

    def _keep_to_limits(self, url: str, budget: Budget) -> None:
        """Wait for our turn at the registry; a long way off, it is told instead."""
        if self._host_limits is None or Origin.of(url) != self.rules.origin:
            return
        patience = min(self.limits.wait_seconds, budget.remaining_seconds())
        host, per_minute = self.rules.host, self.rules.requests_per_minute
        wait = self._host_limits.reserve(host, per_minute, patience)
        if wait > patience:
            raise RegistryUnavailable(
                f"{host} is not to be asked for {wait:.0f} s: it asked for that, or it is asked "
                "as often as the settings allow",
                retry_after_seconds=wait,
            )
        if wait > 0:
            time.sleep(wait)


def _bearer(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def _narrowed(offered: str, wanted: str) -> str:
    """The scope a challenge asks for, if it grants no more than we want; else the wanted one.

    Registries behind a path-rewriting proxy know the repository by another name and say it here.
    """
    kind, _, rest = offered.partition(":")
    name, _, actions = rest.rpartition(":")
    allowed = set(wanted.rpartition(":")[2].split(","))
    is_plain = kind == "repository" and name and " " not in offered and len(offered) < 512
    return offered if is_plain and set(actions.split(",")) <= allowed else wanted


def _retry_after(answer: Answer) -> float | None:
    """Seconds from a `Retry-After` header (RFC 9110, 10.2.3), None without a readable one."""
    text = answer.header("Retry-After")
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), _LONGEST_TOLD_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), _LONGEST_TOLD_WAIT_SECONDS)


def _come_later(answer: Answer, wait: float | None) -> RegistryUnavailable:
    when = f"; it asks to wait {wait:.0f} s" if wait is not None else ""
    hint = "credentials usually raise the limit" if answer.status == 429 else ""
    return RegistryUnavailable(
        f"{answer.origin} answered {answer.status}{when}", hint=hint, retry_after_seconds=wait
    )
