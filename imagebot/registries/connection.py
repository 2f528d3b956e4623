"""One connection to one origin, over a checked address, with a deadline under every read.

urllib3 opens and frames; two things are ours. The address comes from `addresses.lookup`, so what
was checked is what is connected to, while TLS still verifies the name. And every receive on the
socket waits no longer than the operation has left: a socket timeout alone starts anew with
each byte, so a server that drips bytes, in the head or in the body, could hold us for ever.
"""

import http.client
import math
import socket
import ssl
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from imagebot.errors import RegistryError
from imagebot.registries.addresses import lookup
from imagebot.registries.limits import Budget, Limits
from imagebot.registries.rules import Origin


class _DeadlineSocket(socket.socket):
    ends_at = math.inf  # monotonic clock
    read_seconds = math.inf

    def recv_into(self, *arguments: Any, **named: Any) -> int:
        self.settimeout(_patience(self.ends_at, self.read_seconds))
        return super().recv_into(*arguments, **named)


class _DeadlineTLSSocket(ssl.SSLSocket):
    ends_at = math.inf
    read_seconds = math.inf

    def recv_into(self, *arguments: Any, **named: Any) -> int:
        self.settimeout(_patience(self.ends_at, self.read_seconds))
        return super().recv_into(*arguments, **named)


def _patience(ends_at: float, read_seconds: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("deadline")
    return min(left, read_seconds)


class _Checked(HTTPConnection):
    """urllib3's connection, told where to connect by us. `prepare` before each request."""

    limits: Limits
    budget: Budget
    is_internal = False

    def _new_conn(self) -> socket.socket:
        wait = min(self.limits.connect_seconds, self.budget.remaining_seconds())
        found = lookup(self.host, self.port, is_internal=self.is_internal, timeout=wait)
        problem: OSError = OSError("no address")
        for place in found:
            connected = _DeadlineSocket(place.family, socket.SOCK_STREAM)
            try:
                connected.settimeout(
                    min(self.limits.connect_seconds, self.budget.remaining_seconds())
                )
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected.connect(place.address)
            except OSError as error:
                connected.close()
                problem = error
                continue
            return connected
        raise problem

    def getresponse(self) -> http.client.HTTPResponse:  # type: ignore[override]
        """The standard library's response: urllib3 would log a malformed head, and with it
        whatever the server has put there."""
        return http.client.HTTPConnection.getresponse(self)

    def prepare(self, budget: Budget) -> None:
        """Bind the next exchange to its operation's deadline, connecting first if need be."""
        self.budget = budget
        if self.sock is None:
            self.connect()
        connected: Any = self.sock
        connected.ends_at = budget.ends_at
        connected.read_seconds = self.limits.read_seconds
        self.timeout = min(self.limits.read_seconds, budget.remaining_seconds())


class _CheckedTLS(_Checked, HTTPSConnection):
    pass


Connection = _Checked


def open_connection(
    origin: Origin, limits: Limits, *, is_internal: bool, ca_file: Path | None
) -> Connection:
    """A connection that connects when it is first used."""
    connection: _Checked
    if origin.scheme == "https":
        connection = _CheckedTLS(origin.host, origin.port, ssl_context=_tls(ca_file))
    else:
        connection = _Checked(origin.host, origin.port)
    connection.limits = limits
    connection.is_internal = is_internal
    return connection


@lru_cache(maxsize=64)
def _tls(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _DeadlineTLSSocket
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(ca_file))
        except (OSError, ssl.SSLError) as error:
            raise RegistryError(
                f"the CA file {ca_file} cannot be used: {error}",
                hint="it must hold PEM certificates (-----BEGIN CERTIFICATE-----)",
            ) from error
    return context
