"""A small HTTP server that keeps what it is sent, and can refuse or hang on demand."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = b""


class Listener:
    """Answers every POST with `status`, not before `released` is set, and every GET with 200."""

    def __init__(self) -> None:
        self.status = 200
        self.location = ""  # where it sends a POST
        self.received: list[Received] = []
        self.released = threading.Event()
        self.released.set()
        self._news = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                listener._take(Received(self.path, dict(self.headers), body))
                listener.released.wait(60)
                self._answer(listener.status, listener.location)

            def do_GET(self) -> None:
                listener._take(Received(self.path, dict(self.headers)))
                self._answer(200)

            def _answer(self, status: int, location: str = "") -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if location:
                    self.send_header("Location", location)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, count: int) -> list[Received]:
        """What came, once there are so many."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= count, 30), self.received
            return list(self.received)

    def _take(self, received: Received) -> None:
        with self._news:
            self.received.append(received)
            self._news.notify_all()
