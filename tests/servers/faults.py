"""Misbehaviour for any server of ours: before it acts, or, worse, after it has acted.

Mix in before a `JsonServer`. Each fault strikes once, at the first request that fits.
"""

import gzip
import hashlib
import re
import socket
import ssl
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from imagebot.demo.json_server import Answer, Connection, JsonServer, Request


@dataclass(frozen=True)
class Fault:
    method: str
    path: str  # regular expression, searched in the path
    kind: str  # a key of KINDS
    acts_first: bool = False  # the server does what it was asked before it misbehaves
    answer: Answer = field(default_factory=lambda: Answer(500, {"message": "Server Error"}))
    seconds: float = 0.0


class Misbehaving(JsonServer):
    gives_etags = False  # whether this forge answers conditional requests

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.requests: list[Request] = []
        self.unchanged_count = 0  # answers without a body, since the asker has it
        self._faults: list[Fault] = []

    def use_tls(self, certificate: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https"

    @property
    def writes(self) -> list[str]:
        """Method and path of every request that may change something, in order."""
        return [f"{seen.method} {seen.path}" for seen in self.requests if seen.method != "GET"]

    @property
    def reads(self) -> list[str]:
        return [f"{seen.method} {seen.path}" for seen in self.requests if seen.method == "GET"]

    def forget_requests(self) -> None:
        self.requests.clear()

    def fail_next(self, method: str, path: str, kind: str = "answers", **options: Any) -> None:
        self._faults.append(Fault(method, path, kind, **options))

    def answer_next(
        self,
        method: str,
        path: str,
        status: int,
        document: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        acts_first: bool = False,
    ) -> None:
        document = {"message": "no"} if document is None else document
        answer = Answer(status, document, headers or {})
        self.fail_next(method, path, "answers", answer=answer, acts_first=acts_first)

    def checked(self, request: Request, answer: Answer) -> None:
        """A subclass compares what it says by itself with the forge's contract."""

    def deliver(self, connection: Connection, request: Request) -> None:
        self.requests.append(request)
        fault = self._fault_for(request)
        if fault is None or fault.acts_first:
            answer = self.answer(request)
            self.checked(request, answer)
        else:
            answer = fault.answer
        if fault is None:
            connection.send(self._conditional(request, answer))
            return
        KINDS[fault.kind](connection, fault, answer)

    def _conditional(self, request: Request, answer: Answer) -> Answer:
        """RFC 9110, 13.1.2."""
        if not self.gives_etags or request.method != "GET" or answer.status != 200:
            return answer
        etag = f'W/"{hashlib.sha256(answer.encoded()).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            self.unchanged_count += 1
            return Answer(304, None, {"ETag": etag})
        return replace(answer, headers={**answer.headers, "ETag": etag})

    def _fault_for(self, request: Request) -> Fault | None:
        for fault in self._faults:
            if fault.method == request.method and re.search(fault.path, request.path):
                self._faults.remove(fault)
                return fault
        return None


def answers(connection: Connection, fault: Fault, answer: Answer) -> None:
    connection.send(fault.answer)


def resets(connection: Connection, fault: Fault, answer: Answer) -> None:
    linger = struct.pack("ii", 1, 0)  # a reset instead of an orderly end
    connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close_connection = True
    connection.rfile.close()
    connection.wfile.close()
    connection.connection.close()


def cuts_body(connection: Connection, fault: Fault, answer: Answer) -> None:
    """Promises the whole body and ends in the middle of it."""
    head(connection, answer, len(answer.encoded()))
    connection.wfile.write(answer.encoded()[: len(answer.encoded()) // 2])
    connection.close_connection = True


def cuts_json(connection: Connection, fault: Fault, answer: Answer) -> None:
    """A complete body that is half a document, as from a proxy that cut it."""
    half = answer.encoded()[: len(answer.encoded()) // 2]
    head(connection, answer, len(half))
    connection.wfile.write(half)


def drips(connection: Connection, fault: Fault, answer: Answer) -> None:
    """A byte now and then, each well within a read timeout, until the other side has enough."""
    head(connection, answer, 1_000_000)
    connection.close_connection = True
    try:
        while True:
            connection.wfile.write(b" ")
            connection.wfile.flush()
            time.sleep(fault.seconds)
    except OSError:
        pass


def floods(connection: Connection, fault: Fault, answer: Answer) -> None:
    """More than anyone should read."""
    length = 64 * 1024 * 1024
    head(connection, answer, length)
    connection.close_connection = True
    try:
        for _ in range(length // 65536):
            connection.wfile.write(b" " * 65536)
    except OSError:
        pass


def compresses(connection: Connection, fault: Fault, answer: Answer) -> None:
    body = gzip.compress(answer.encoded())
    head(connection, answer, len(body), ("Content-Encoding", "gzip"))
    connection.wfile.write(body)


def sends_chunks(connection: Connection, fault: Fault, answer: Answer) -> None:
    body = answer.encoded()
    head(connection, answer, None, ("Transfer-Encoding", "chunked"))
    for start in range(0, len(body), 1000):
        piece = body[start : start + 1000]
        connection.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.wfile.write(b"0\r\n\r\n")


def cuts_chunks(connection: Connection, fault: Fault, answer: Answer) -> None:
    """Ends in the middle of a chunk."""
    body = answer.encoded()
    head(connection, answer, None, ("Transfer-Encoding", "chunked"))
    connection.wfile.write(b"%x\r\n%s" % (len(body), body[: len(body) // 2]))
    connection.close_connection = True


def says_nothing(connection: Connection, fault: Fault, answer: Answer) -> None:
    connection.close_connection = True
    time.sleep(fault.seconds)


def head(
    connection: Connection, answer: Answer, length: int | None, *more: tuple[str, str]
) -> None:
    connection.send_response(answer.status)
    connection.send_header("Content-Type", answer.content_type())
    for name, text in more:
        connection.send_header(name, text)
    if length is not None:
        connection.send_header("Content-Length", str(length))
    connection.end_headers()


KINDS = {
    "compresses": compresses,
    "sends_chunks": sends_chunks,
    "cuts_chunks": cuts_chunks,
    "answers": answers,
    "resets": resets,
    "cuts_body": cuts_body,
    "cuts_json": cuts_json,
    "drips": drips,
    "floods": floods,
    "says_nothing": says_nothing,
}
