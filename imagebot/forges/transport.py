"""The HTTP session under every forge: one host, bounded answers, no redirects, limits respected.

PyGithub and python-gitlab read answers of any size, sleep as long as a server tells them to and
follow the addresses in its answers; `rest.py` leaves all of this to the session. It asks
conditionally for what it has been told before (`kept_answers.py`), and gives whole, checked
answers or raises `ForgeError` or `ForgeUnavailable`. A refusal that a person has to
mend (401, 403, 404, 422) passes through, since what it means depends on what was asked.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from imagebot import tracing
from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.kept_answers import KeptAnswers
from imagebot.tracing import Span
from imagebot.traffic import UNREACHABLE, Traffic, outcome_of, remaining_in
from imagebot.workers import waiting

MAX_ANSWER_BYTES = 32 * 1024 * 1024  # 100 pull requests with the longest bodies stay below
LONGEST_WAIT_SECONDS = 24 * 3600.0  # what a forge may ask for; more is taken for a mistake
SECONDARY_LIMIT_SECONDS = 60.0  # GitHub: "wait for at least one minute" where no header says more
_YEARS_IN_SECONDS = 10 * 365 * 24 * 3600  # a reset above it is a moment since 1970
_READ_BYTES = 64 * 1024
_SHOWN_CHARACTERS = 300


class RateLimited(ForgeUnavailable):
    """The forge did not act, and says when to come back."""


class Refused(ForgeError):
    """The forge answered with a refusal that a person has to mend."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class ForgeSession(requests.Session):
    """Sends to one origin (scheme, host, port) and reads every answer to its end, in bounds."""

    def __init__(self, origin: str, timeout_seconds: float) -> None:
        super().__init__()
        self._origin = origin
        self._host = urlsplit(origin).netloc
        self._timeout_seconds = timeout_seconds

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if origin_of(request.url or "") != self._origin:
            raise ForgeError(
                f"{self._host} points to another host ({origin_of(request.url or '')})",
                hint="imagebot does not carry its token there; check the forge's own address",
            )
        self._refuse_before_the_limit_ends(request)
        with waiting(), tracing.request(request.method, request.url) as span:
            return self._exchange(request, options, span)

    def _exchange(
        self, request: requests.PreparedRequest, options: dict[str, Any], span: Span
    ) -> requests.Response:
        options |= {
            "stream": True,
            "allow_redirects": False,
            "timeout": self._timeout_seconds,
        }
        kept = _kept_answers.ask_conditionally(request)
        give_up_at = time.monotonic() + self._timeout_seconds
        outcome, left = UNREACHABLE, None
        try:
            response = super().send(request, **options)
            span.answered(response.status_code)
            body = _read(response, self._host, give_up_at)
            outcome, left = outcome_of(response.status_code), remaining_in(response.headers.get)
        except requests.exceptions.SSLError as error:
            raise ForgeError(
                f"the certificate of {self._host} is not trusted: {_innermost(error)}",
                hint="name the authority's certificate in the settings if it is your own",
            ) from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise self._too_slow() from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise ForgeUnavailable(
                f"{self._host} could not be reached: {_innermost(error)}"
            ) from error
        finally:
            traffic.add(self._host, outcome, left)
        if kept and response.status_code == 304:
            body = kept.stand_in(response)
        # requests keeps a body that was read for it nowhere else.
        response._content = body
        response._content_consumed = True  # type: ignore[attr-defined]
        refuse_redirect(self._host, response)
        _rests.note(request, rest_seconds(response.headers, datetime.now(UTC)))
        refuse_unavailable(self._host, response)
        _refuse_unreadable(self._host, response)
        _refuse_endless(self._host, response)
        _kept_answers.keep(request, response)
        return response

    def _refuse_before_the_limit_ends(self, request: requests.PreparedRequest) -> None:
        """Asking on after an answer that said "that was the last one" would only be refused."""
        wait_seconds = _rests.seconds(request)
        if wait_seconds > 0:
            raise RateLimited(
                f"the limit of our requests to {self._host} is used up",
                hint="it will be tried again when the limit is over",
                retry_after_seconds=wait_seconds,
            )

    def _too_slow(self) -> ForgeUnavailable:
        return ForgeUnavailable(
            f"{self._host} did not answer within {self._timeout_seconds:g} seconds"
        )


class _Rests:
    """Until when whose requests rest, for all sessions of the process: a limit belongs to a token,
    and PyGithub makes a new session for each request. Tokens are kept as hashes only."""

    def __init__(self) -> None:
        self._ends_at: dict[bytes, float] = {}  # monotonic
        self._lock = threading.Lock()

    def note(self, request: requests.PreparedRequest, wait_seconds: float) -> None:
        if wait_seconds <= 0:
            return
        now = time.monotonic()
        with self._lock:
            self._ends_at = {whose: at for whose, at in self._ends_at.items() if at > now}
            self._ends_at[_whose(request)] = now + wait_seconds

    def seconds(self, request: requests.PreparedRequest) -> float:
        if not self._ends_at:
            return 0.0
        with self._lock:
            return self._ends_at.get(_whose(request), 0.0) - time.monotonic()


def _whose(request: requests.PreparedRequest) -> bytes:
    shown_token = str(request.headers.get("Authorization", ""))
    return hashlib.sha256(f"{origin_of(request.url or '')} {shown_token}".encode()).digest()


traffic = Traffic()  # of all forges; PyGithub makes a session for each request
_rests = _Rests()
_kept_answers = KeptAnswers()


def origin_of(url: str) -> str:
    """`scheme://host:port` with the default port written out, so that equal origins are equal."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _read(response: requests.Response, host: str, give_up_at: float) -> bytes:
    """The whole body. A single slow byte at a time does not get past the deadline."""
    body = bytearray()
    try:
        while piece := response.raw.read1(_READ_BYTES, decode_content=True):
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise ForgeError(f"{host} answered with more than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > give_up_at:
                raise ForgeUnavailable(f"{host} sends its answer too slowly")
    except BaseException:
        response.raw.close()  # half-read connections must not go back to the pool
        raise
    response.raw.release_conn()
    return bytes(body)


def refuse_redirect(host: str, response: requests.Response) -> None:
    if 300 <= response.status_code < 400 and response.status_code != 304:
        raise ForgeError(
            f"{host} redirects {urlsplit(response.request.url or '').path!r} elsewhere",
            hint="if the project was renamed or moved, write its new name in the settings",
        )


def refuse_unavailable(host: str, response: requests.Response) -> None:
    """Raise for rate limits and for faults of the server: a later try can help."""
    status, headers, now = response.status_code, response.headers, datetime.now(UTC)
    if status == 429 or (status == 403 and _is_limit(response)):
        raise RateLimited(
            f"{host} limits the rate of our requests ({status})",
            hint="it will be tried again when the limit is over; an App has a limit of its own",
            retry_after_seconds=limit_ends_in_seconds(headers, now),
        )
    if status >= 500 or status in (202, 408):
        raise ForgeUnavailable(
            f"{host} answered {status}", retry_after_seconds=retry_after_seconds(headers, now)
        )


def _is_limit(response: requests.Response) -> bool:
    headers = response.headers
    if "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0":
        return True
    return b"rate limit" in response.content[:4096].lower()


def limit_ends_in_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Retry-After wins; the reset time counts only where the limit it belongs to is used up."""
    wait_seconds = retry_after_seconds(headers, now)
    if wait_seconds is not None:
        return wait_seconds
    reset_seconds = _used_up_for_seconds(headers, now)
    return SECONDARY_LIMIT_SECONDS if reset_seconds is None else reset_seconds


def rest_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """How long to be silent after any answer: Azure DevOps sends Retry-After with good ones too."""
    asked = retry_after_seconds(headers, now)
    return asked if asked is not None else _used_up_for_seconds(headers, now) or 0.0


def _used_up_for_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Until the reset, where nothing remains. A reset is a moment, or seconds from now (RFC)."""
    for prefix in ("x-ratelimit", "ratelimit"):
        reset = headers.get(f"{prefix}-reset", "")
        if headers.get(f"{prefix}-remaining") == "0" and re.fullmatch(r"\d{1,18}", reset):
            is_moment = float(reset) > _YEARS_IN_SECONDS
            return _bounded(float(reset) - (now.timestamp() if is_moment else 0.0))
    return None


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The Retry-After header, in seconds or as a date; None without one that can be read."""
    asked = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,18}", asked):
        return _bounded(float(asked))
    try:
        until = parsedate_to_datetime(asked)
        # Without a zone it is GMT (RFC 9110, section 5.6.7), whatever zone this machine is in.
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return _bounded((until - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _bounded(wait_seconds: float) -> float:
    return min(max(wait_seconds, 0.0), LONGEST_WAIT_SECONDS)


def _refuse_unreadable(host: str, response: requests.Response) -> None:
    """A success whose body is cut off, or is some proxy's page, must not look like an answer.

    Nor must anything that no parser gets to the end of, which a refusal may hold as well.
    """
    if not response.content:
        return
    try:
        json.loads(response.content)
    except RecursionError as error:
        raise ForgeUnavailable(
            f"{host} answered {response.status_code} with JSON that is nested too deeply"
        ) from error
    except ValueError as error:
        if response.status_code >= 300:
            return
        if response.status_code == 203:  # Azure DevOps shows its page to sign in
            raise ForgeError(
                f"{host} answered 203, with a page to sign in at",
                hint="the token is wrong, revoked or expired",
            ) from error
        raise ForgeUnavailable(
            f"{host} answered {response.status_code} with something that is not JSON"
        ) from error


def _refuse_endless(host: str, response: requests.Response) -> None:
    """An empty page that leads to another: the libraries would follow for ever, or recurse."""
    if response.content.strip() == b"[]" and "next" in response.links:
        raise ForgeUnavailable(f"{host} names another page after an empty one")


def shown(text: object, *secrets: str) -> str:
    """A forge's own words for our message: one line, bounded, without the secrets we sent."""
    words = " ".join(str(text).split())
    for secret in secrets:
        if secret:
            words = words.replace(secret, "****")
    words = "".join(letter for letter in words if letter.isprintable())
    return words if len(words) <= _SHOWN_CHARACTERS else words[:_SHOWN_CHARACTERS] + "..."


def _innermost(error: BaseException) -> str:
    """What really went wrong, under the layers that requests and urllib3 put around it."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (part for part in error.args if isinstance(part, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return shown(getattr(error, "strerror", None) or error or type(error).__name__)
        error = inner
