"""A small HTTP server for a table of pages, each a function without arguments, and for hooks.

Does I/O: one listening socket. Pages answer GET and HEAD; what is posted below `/hooks/` goes to
one function, the rest is thrown away. Nobody can hold it up: heads and bodies are bounded,
connections are few and are cut after a deadline, however slowly they talk, and whoever has kept
us waiting longest makes room for the next. So a probe of `/healthz` is always answered. Only who
proved himself gets one of the places in which something is done.
"""

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from imagebot.delivery import Head, Receive, Reply
from imagebot.web.bodies import BodyRefused, read_body
from imagebot.web.connections import BoundedServer

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 32
DEADLINE = timedelta(seconds=10)  # for one connection, from accept to the last byte
MAX_BODY_BYTES = 1024 * 1024  # of what a hook's sender posts
MAX_HOOKS_AT_ONCE = MAX_CONNECTIONS // 2  # that proved themselves
HOOKS = "/hooks/"
_HOOK_METHODS = "POST, OPTIONS"
_MAX_LINE_BYTES = 8192
_MAX_DISCARDED_BYTES = 64 * 1024
_MAX_DISCARDED_OF_HOOKS_BYTES = 4 * MAX_BODY_BYTES
_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole page."""

    body: bytes
    content_type: str = _PLAIN
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


Pages = Mapping[str, Callable[[], Answer]]


class WebServer:
    """Serves from the moment it is made until `close`. `url` has the real port."""

    def __init__(
        self,
        listen: str,
        pages: Pages,
        deadline: timedelta = DEADLINE,
        receive: Receive | None = None,
    ) -> None:
        self._server = _Server(listen, pages, deadline, receive)
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


def serve(
    listen: str, pages: Pages, deadline: timedelta = DEADLINE, receive: Receive | None = None
) -> WebServer:
    """Listen on `host:port` (`[::1]:8080`, `:8080` for every address, port 0 for a free one).

    `receive` takes what is posted to hooks; without it there are none.
    Raises SettingsError when the address is wrong or in use.
    """
    return WebServer(listen, pages, deadline, receive)


class _Server(BoundedServer):
    def __init__(
        self, listen: str, pages: Pages, deadline: timedelta, receive: Receive | None
    ) -> None:
        self.pages = pages
        self.receive = receive
        self.hook_places = threading.BoundedSemaphore(MAX_HOOKS_AT_ONCE)
        super().__init__(listen, _Exchange, MAX_CONNECTIONS, deadline)

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("a connection ended early", exc_info=True)


class _Exchange(BaseHTTPRequestHandler):
    """One request and its answer; the connection is closed after it."""

    server: _Server
    timeout = DEADLINE.total_seconds()

    def handle_one_request(self) -> None:
        self.close_connection = True
        self._unread_bytes = 0
        self.raw_requestline = self.rfile.readline(_MAX_LINE_BYTES + 1)
        if len(self.raw_requestline) > _MAX_LINE_BYTES:
            self.requestline, self.command = "", "GET"
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self.raw_requestline and self.parse_request():
            self.close_connection = True
            path = urlsplit(self.path).path
            receive = self.server.receive if path.startswith(HOOKS) else None
            self._send(self._received(path, receive) if receive else self._page(path))
            self._discard_body()

    def _discard_body(self) -> None:
        """Closing over unread bytes would reset the connection, and lose the answer with it."""
        if self._unread_bytes:
            self.server.note_waiting(self.request)
            self.connection.shutdown(socket.SHUT_WR)
        while self._unread_bytes > 0:
            piece = self.rfile.read(min(self._unread_bytes, _MAX_LINE_BYTES))
            self._unread_bytes = self._unread_bytes - len(piece) if piece else 0

    def _leave_body(self, limit: int) -> None:
        length = self.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit():
            self._unread_bytes = min(int(length[:9]), limit)
        elif "Transfer-Encoding" in self.headers:
            self._unread_bytes = limit  # or as much as there is

    def _page(self, path: str) -> Answer:
        self._leave_body(_MAX_DISCARDED_BYTES)
        page = self.server.pages.get(path)
        if page is None:
            return Answer(b"not found\n", status=HTTPStatus.NOT_FOUND)
        if self.command not in ("GET", "HEAD"):
            return _not_allowed("only GET and HEAD\n", "GET, HEAD")
        self.server.note_heard(self.request)
        try:
            return page()
        except Exception:
            log.exception("a bug in imagebot: a page could not be made")
            return Answer(b"internal error\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _received(self, path: str, receive: Receive) -> Answer:
        self._leave_body(_MAX_DISCARDED_OF_HOOKS_BYTES)
        if self.command not in _HOOK_METHODS.split(", "):
            return _not_allowed("only POST\n", _HOOK_METHODS)
        try:
            return self._taken(path, receive)
        except BodyRefused as refused:
            return Answer(f"{refused}\n".encode(), status=refused.status)
        except OSError:
            raise  # the sender is gone
        except Exception:
            log.exception("a bug in imagebot: a delivery could not be taken")
            return Answer(b"internal error\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _taken(self, path: str, receive: Receive) -> Answer:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        taken = receive(Head(self.command, path, headers))
        if isinstance(taken, Reply):
            return _answer(taken)
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if self.command == "POST":
            body = read_body(self.rfile, headers, MAX_BODY_BYTES)
            self._unread_bytes = 0
        self.server.note_heard(self.request)
        proven = taken(body)
        if isinstance(proven, Reply):
            return _answer(proven)
        if not self.server.hook_places.acquire(blocking=False):
            status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "1"}
            return Answer(b"busy\n", status=status, headers=headers)
        try:
            return _answer(proven())
        finally:
            self.server.hook_places.release()

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)  # send_response would name server and Python
        headers = {
            "Date": self.date_time_string(),
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
            **answer.headers,
        }
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


def _not_allowed(text: str, methods: str) -> Answer:
    status = HTTPStatus.METHOD_NOT_ALLOWED
    return Answer(text.encode(), status=status, headers={"Allow": methods})


def _answer(reply: Reply) -> Answer:
    return Answer(reply.body, reply.content_type, reply.status, reply.headers)
