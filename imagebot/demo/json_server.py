"""A small HTTP server on a free loopback port that answers JSON, for the demo's forge.

One request at a time, so that what answers needs no locks of its own. Ends with its `with` block.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

MAX_REQUEST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is as sent, percent-encoded. `document` is the body's JSON, None without a body.

    `query` has the last value of each name, `pairs` all of them in the order sent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    document: Any
    pairs: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A `document` that is a str goes out as plain text, None as an empty body."""

    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if self.document is None:
            return b""
        text = self.document if isinstance(self.document, str) else json.dumps(self.document)
        return text.encode()

    def content_type(self) -> str:
        kind = "text/plain" if isinstance(self.document, str) else "application/json"
        return f"{kind}; charset=utf-8"


class Connection(BaseHTTPRequestHandler):
    """Reads one request after another and hands each to its server's `deliver`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    json_server: "JsonServer"

    def answer_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_REQUEST_BYTES:
            self.send(Answer(413, {"message": "the request is too large"}))
            self.close_connection = True
            return
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        try:
            document = json.loads(body) if body else None
        except ValueError:
            self.send(Answer(400, {"message": "Problems parsing JSON"}))
            return
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(pairs),
            pairs=pairs,
            headers={name.lower(): value for name, value in self.headers.items()},
            document=document,
        )
        with self.json_server.turn:
            self.json_server.deliver(self, request)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer_one

    def send(self, answer: Answer) -> None:
        body = answer.encoded()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Silent: the demo tells its own story."""


class JsonServer:
    """Serves `answer` on 127.0.0.1 from entering to leaving the `with` block."""

    scheme = "http"

    def __init__(self) -> None:
        self.turn = threading.RLock()
        connection = type("Connection", (Connection,), {"json_server": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), connection)
        self._server.daemon_threads = True  # an idle kept-alive connection must not hold us up
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def root(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def deliver(self, connection: Connection, request: Request) -> None:
        connection.send(self.answer(request))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
