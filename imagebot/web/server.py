"""A small HTTP server for a table of pages; each page is a function without arguments.

Does I/O: one listening socket. Only GET and HEAD are answered, bodies are thrown away, and nobody
can hold it up: heads are bounded, connections are few and are cut after a deadline, however
slowly they talk.
"""

import errno
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from imagebot.errors import SettingsError

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 32
DEADLINE = timedelta(seconds=10)  # for one connection, from accept to the last byte
_MAX_LINE_BYTES = 8192
_MAX_DISCARDED_BYTES = 64 * 1024
_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole page."""

    body: bytes
    content_type: str = _PLAIN
    status: HTTPStatus = HTTPStatus.OK


Pages = Mapping[str, Callable[[], Answer]]


class WebServer:
    """Serves from the moment it is made until `close`. `url` has the real port."""

    def __init__(self, listen: str, pages: Pages, deadline: timedelta = DEADLINE) -> None:
        self._server = _Server(listen, pages, deadline)
        host, port = self._server.socket.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="web",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def serve(listen: str, pages: Pages, deadline: timedelta = DEADLINE) -> WebServer:
    """Listen on `host:port` (`[::1]:8080`, `:8080` for every address, port 0 for a free one).

    Raises SettingsError when the address is wrong or in use.
    """
    return WebServer(listen, pages, deadline)


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


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True  # after a restart; two live listeners are still refused
    allow_reuse_port = False
    request_queue_size = 64

    def __init__(self, listen: str, pages: Pages, deadline: timedelta) -> None:
        self.pages = pages
        self._deadline = deadline
        self._open_lock = threading.Lock()
        self._opened: dict[socket.socket, float] = {}
        self.address_family, address = _resolved(listen)
        try:
            super().__init__(address, _Exchange)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            hint = "stop the other program, or set another address to listen on" if taken else ""
            raise SettingsError(
                f"cannot listen on {listen}: {error.strerror}", hint=hint
            ) from error

    def verify_request(self, request: object, client_address: object) -> bool:
        with self._open_lock:
            return len(self._opened) < MAX_CONNECTIONS

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        with self._open_lock:
            self._opened[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        with self._open_lock:
            self._opened.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cut whoever talks for too long; called every tenth of a second or oftener."""
        latest = time.monotonic() - self._deadline.total_seconds()
        with self._open_lock:
            late = [request for request, opened in self._opened.items() if opened < latest]
            for request in late:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it went away by itself

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("a connection ended early", exc_info=True)


class _Exchange(BaseHTTPRequestHandler):
    """One request and its answer; the connection is closed after it."""

    server: _Server
    timeout = DEADLINE.total_seconds()

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(_MAX_LINE_BYTES + 1)
        if len(self.raw_requestline) > _MAX_LINE_BYTES:
            self.requestline, self.command = "", "GET"
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.raw_requestline and self.parse_request():
            self.close_connection = True
            self._send(self._answer())
            self._discard_body()

    def _discard_body(self) -> None:
        """Closing over unread bytes would reset the connection, and lose the answer with it."""
        length = self.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit():
            self.rfile.read(min(int(length[:9]), _MAX_DISCARDED_BYTES))

    def _answer(self) -> Answer:
        page = self.server.pages.get(urlsplit(self.path).path)
        if page is None:
            return Answer(b"not found\n", status=HTTPStatus.NOT_FOUND)
        if self.command not in ("GET", "HEAD"):
            return Answer(b"only GET and HEAD\n", status=HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            return page()
        except Exception:
            log.exception("a bug in imagebot: a page could not be made")
            return Answer(b"internal error\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)  # send_response would name server and Python
        headers = {
            "Date": self.date_time_string(),
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the parser refuses, in our form: without banner and without echoing the request."""
        status = HTTPStatus(code)
        self.request_version = "HTTP/1.0"  # else a version that is not understood gets no head
        self._send(Answer(f"{status.phrase.lower()}\n".encode(), status=status))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the parent's name
        log.debug("a request was answered", extra={"detail": format % args})
