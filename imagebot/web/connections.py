"""Listening on an address, with few connections at one time and none for long.

Does I/O: sockets. What is said on a connection is server.py's affair.
"""

import errno
import socket
import socketserver
import threading
import time
from datetime import timedelta
from typing import Any

from imagebot.errors import SettingsError

_MOMENT_SECONDS = 1.0


def parse_listen(listen: str) -> tuple[str, int]:
    """Host and port; an empty host means every address."""
    host, colon, port = listen.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    is_ambiguous = ":" in host and not is_bracketed
    if not colon or is_ambiguous or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise SettingsError(
            f"cannot listen on {listen!r}: not host:port",
            hint="write 127.0.0.1:8080, [::1]:8080, or :8080 for every address",
        )
    return (host[1:-1] if is_bracketed else host), int(port)


def _resolved(listen: str) -> tuple[socket.AddressFamily, Any]:
    host, port = parse_listen(listen)
    try:
        found = socket.getaddrinfo(
            host or "0.0.0.0",  # noqa: S104 the user asked for every address
            port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {listen!r}: {host!r} is no address of this machine"
        ) from error
    family, _, _, _, address = found[0]
    return family, address


class BoundedServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """At most `max_connections` at one time, each cut after `deadline`.

    One more than that waits a moment for a place, then takes that of the one that has kept us
    waiting longest. Nobody is cut within that moment: many who are quick take turns.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True  # after a restart; two live listeners are still refused
    allow_reuse_port = False
    request_queue_size = 64

    def __init__(
        self,
        listen: str,
        exchange: type[socketserver.BaseRequestHandler],
        max_connections: int,
        deadline: timedelta,
    ) -> None:
        self._max_connections = max_connections
        self._deadline = deadline
        self._open_lock = threading.Condition()
        self._opened: dict[socket.socket, float] = {}  # the oldest first
        self._heard: set[socket.socket] = set()  # those that wait for us, not we for them
        self.address_family, address = _resolved(listen)
        try:
            super().__init__(address, exchange)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            hint = "stop the other program, or set another address to listen on" if taken else ""
            raise SettingsError(
                f"cannot listen on {listen}: {error.strerror}", hint=hint
            ) from error

    def verify_request(self, request: object, client_address: object) -> bool:
        latest = time.monotonic() + _MOMENT_SECONDS
        with self._open_lock:
            while len(self._opened) >= self._max_connections:
                now = time.monotonic()
                slowest = next((each for each in self._opened if each not in self._heard), None)
                may_stay_until = latest if slowest is None else self._moment_of(slowest)
                if now < may_stay_until:
                    self._open_lock.wait(may_stay_until - now)
                elif slowest is None:
                    return False  # all wait for our answer
                else:
                    del self._opened[slowest]
                    _cut(slowest)
            return True

    def _moment_of(self, request: socket.socket) -> float:
        return self._opened[request] + _MOMENT_SECONDS

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        with self._open_lock:
            self._opened[request] = time.monotonic()
        super().process_request(request, client_address)

    def note_heard(self, request: socket.socket) -> None:
        """All that will be read of the request was read; its answer is on its way."""
        with self._open_lock:
            self._heard.add(request)

    def note_waiting(self, request: socket.socket) -> None:
        """We wait for it again."""
        with self._open_lock:
            self._heard.discard(request)
            self._open_lock.notify_all()

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        with self._open_lock:
            self._opened.pop(request, None)
            self._heard.discard(request)
            self._open_lock.notify_all()
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cut whoever talks for too long; called every tenth of a second or oftener."""
        latest = time.monotonic() - self._deadline.total_seconds()
        with self._open_lock:
            late = [request for request, opened in self._opened.items() if opened < latest]
            for request in late:
                _cut(request)


def _cut(request: socket.socket) -> None:
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it went away by itself
