"""One HTTP request and its whole answer, within a budget; connections are kept and reused.

Knows nothing of credentials, redirects or retries: see session.py. Environment variables,
proxies and netrc files are not looked at. Compressed answers are refused, so that the bytes
counted are the bytes kept.
"""

import http.client
import re
import ssl
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from imagebot import __version__, tracing
from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.registries.addresses import Unreachable
from imagebot.registries.connection import Connection, open_connection
from imagebot.registries.limits import Budget, Limits
from imagebot.registries.rules import Origin
from imagebot.traffic import UNREACHABLE, Traffic, outcome_of, remaining_in

_CHUNK_BYTES = 65536
_STANDARD_HEADERS = {"User-Agent": f"imagebot/{__version__}", "Accept-Encoding": "identity"}


_PRINTABLE_TARGET = re.compile(r"/[!-~]*", re.ASCII)


class ConnectionLost(RegistryUnavailable):
    """No answer came, or not all of it; asking again at once may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` compares names without case; `body` is complete."""

    url: str
    status: int
    headers: Message
    body: bytes

    @property
    def origin(self) -> Origin:
        return Origin.of(self.url)

    def header(self, name: str) -> str:
        """Value of a header, "" without one."""
        return str(self.headers.get(name, "")).strip()


class Transport:
    """Sends requests for one registry and one credential. Thread-safe."""

    def __init__(
        self,
        limits: Limits,
        *,
        internal: frozenset[Origin] = frozenset(),
        ca_file: Path | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self._limits = limits
        self._internal = internal  # origins that may have private addresses
        self._ca_file = ca_file
        self._traffic = traffic or Traffic()
        self._lock = threading.Lock()
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._is_closed = False

    def exchange(
        self,
        method: str,
        url: str,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and read all of its answer, whatever its status.

        Raises ConnectionLost, RegistryUnavailable (deadline) or RegistryError (an answer beyond
        the limits, a wrong certificate, an address that is not allowed).
        """
        with tracing.request(method, url) as span:
            answer = self._exchange(method, url, budget, headers, body)
            span.answered(answer.status)
            return answer

    def _exchange(
        self,
        method: str,
        url: str,
        budget: Budget,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        origin, target = Origin.of(url), _target(url)
        budget.spend_request()
        connection = self._take(origin)
        is_reusable = False
        outcome, left = UNREACHABLE, None
        try:
            self._connect(connection, origin, budget)
            connection.request(method, target, body=body, headers={**_STANDARD_HEADERS, **headers})
            response = connection.getresponse()
            content = self._read(response, origin, budget)
            outcome, left = outcome_of(response.status), remaining_in(response.headers.get)
            is_reusable = not response.will_close
            return Answer(url, response.status, response.headers, content)
        except (OSError, http.client.HTTPException) as error:
            raise _translated(error, origin, budget) from None
        finally:
            self._traffic.add(str(origin), outcome, left)
            self._give_back(origin, connection, is_reusable)

    def close(self) -> None:
        """Close what is idle, and send nothing more; what is in use closes when it ends."""
        self._is_closed = True
        self.close_idle()

    def close_idle(self) -> None:
        with self._lock:
            idle = [connection for kept in self._idle.values() for connection in kept]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _connect(self, connection: Connection, origin: Origin, budget: Budget) -> None:
        try:
            connection.prepare(budget)
        except OSError as error:
            budget.remaining_seconds()  # raises where it was the operation that ran out of time
            raise _not_connected(error, origin) from error

    def _take(self, origin: Origin) -> Connection:
        with self._lock:
            if self._is_closed:
                raise RegistryUnavailable(f"asking {origin} was ended")
            kept = self._idle[origin]
            while kept:
                connection = kept.pop()
                if connection.is_connected:
                    return connection
                connection.close()
        return open_connection(
            origin,
            self._limits,
            is_internal=origin in self._internal,
            ca_file=self._ca_file,
        )

    def _give_back(self, origin: Origin, connection: Connection, is_reusable: bool) -> None:
        if is_reusable:
            with self._lock:
                if not self._is_closed:
                    self._idle[origin].append(connection)
                    return
        connection.close()

    def _read(self, response: http.client.HTTPResponse, origin: Origin, budget: Budget) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", ""):
            raise RegistryError(f"{origin} answered in an encoding we did not ask for")
        limit = self._limits.response_bytes
        expected = response.length
        if expected is not None and expected > limit:
            raise _too_large(origin, limit)
        content = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            content += chunk
            budget.spend_bytes(len(chunk))
            if len(content) > limit:
                raise _too_large(origin, limit)
            budget.remaining_seconds()
        if expected is not None and len(content) < expected:
            raise http.client.IncompleteRead(b"", expected - len(content))
        response.close()
        return bytes(content)


def _target(url: str) -> str:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _PRINTABLE_TARGET.fullmatch(target):
        raise RegistryError(f"{parts.netloc!r} names an address with characters none may have")
    return target


def _too_large(origin: Origin, limit: int) -> RegistryError:
    return RegistryError(f"{origin} answered with more than {limit} bytes")


def _translated(
    error: OSError | http.client.HTTPException, origin: Origin, budget: Budget
) -> RegistryError:
    """In our words. The server may have chosen the text of a protocol error: it is left out."""
    if isinstance(error, TimeoutError):
        budget.remaining_seconds()  # raises where it was the operation that ran out of time
        return ConnectionLost(f"{origin} did not answer in time")
    if isinstance(error, http.client.IncompleteRead):
        return ConnectionLost(f"{origin} ended in the middle of its answer")
    if isinstance(error, http.client.HTTPException) and not isinstance(error, ConnectionError):
        return ConnectionLost(f"{origin} did not answer in HTTP ({type(error).__name__})")
    return ConnectionLost(f"{origin} closed the connection ({type(error).__name__})")


def _not_connected(error: OSError, origin: Origin) -> RegistryError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return RegistryError(
            f"the certificate of {origin} is not trusted: {error.verify_message}",
            hint="if one of your own CAs signed it, name its file for this registry (`caFile`)",
        )
    if isinstance(error, ssl.SSLError) and error.reason in _PLAIN_HTTP_REASONS:
        return RegistryError(
            f"{origin} does not speak TLS",
            hint="set `insecure: true` for this registry if it is meant to be plain HTTP",
        )
    reason = "no answer in time" if isinstance(error, TimeoutError) else error.strerror
    return Unreachable(
        f"{origin} could not be reached: {reason or type(error).__name__}",
        hint="check the address, the network and whether the registry is up",
    )


_PLAIN_HTTP_REASONS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}
