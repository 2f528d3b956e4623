"""What is posted to hooks, over real sockets: read in bounds, handed on, and never in the way."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.delivery import Head, Reply
from imagebot.web.bodies import BodyRefused, read_body
from imagebot.web.server import (
    MAX_BODY_BYTES,
    MAX_CONNECTIONS,
    MAX_HOOKS_AT_ONCE,
    Answer,
    WebServer,
    serve,
)

PATIENCE_SECONDS = 30.0
PATH = "/hooks/generic/a"


class Receiver:
    """Takes everything but what comes without a key, and remembers it."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.bodies: list[bytes] = []

    def __call__(self, head: Head) -> Reply | Callable[[bytes], Reply]:
        self.heads.append(head)
        if head.header("X-Key") != "right":
            return Reply(401, b"no\n")
        return self.take

    def take(self, body: bytes) -> Reply:
        if body == b"a bug":
            raise ValueError("with a secret in it")
        self.bodies.append(body)
        return Reply(202, b"noted\n", headers={"X-More": "1"})


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def server(receiver: Receiver) -> Iterator[WebServer]:
    server = serve("127.0.0.1:0", {"/healthz": lambda: Answer(b"ok\n")}, receive=receiver)
    yield server
    server.close()


def connect(server: WebServer) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), PATIENCE_SECONDS)


def said(server: WebServer, request: bytes) -> bytes:
    """All that is answered; the sender leaves its side open."""
    with connect(server) as connection:
        connection.sendall(request)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def post(body: bytes, *headers: str, path: str = PATH, key: str = "right") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"X-Key: {key}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1])


def health(server: WebServer) -> int:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/healthz")
    found = connection.getresponse().status
    connection.close()
    return found


def test_a_body_is_handed_on_as_it_was_sent(server: WebServer, receiver: Receiver) -> None:
    body = bytes(range(256)) * 10
    received = said(server, post(body, f"Content-Length: {len(body)}", path=PATH + "?q=1"))
    assert status(received) == 202
    assert b"X-More: 1\r\n" in received
    assert receiver.bodies == [body]
    assert (receiver.heads[0].method, receiver.heads[0].path) == ("POST", PATH)


def test_chunks_are_put_together(server: WebServer, receiver: Receiver) -> None:
    chunks = b"4\r\nWiki\r\n6;a=b\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nX-Late: 1\r\n\r\n"
    assert status(said(server, post(chunks, "Transfer-Encoding: chunked"))) == 202
    assert receiver.bodies == [b"Wikipedia in \r\n\r\nchunks."]


def test_a_header_that_came_twice_has_both_values(server: WebServer, receiver: Receiver) -> None:
    said(server, post(b"", "Content-Length: 0", "X-Key: right"))
    assert receiver.heads[0].header("x-key") == "right, right"


@pytest.mark.parametrize(
    ("body", "headers", "refusal"),
    [
        (b"x", ["Content-Length: 1048577"], 413),
        (b"x", ["Content-Length: 99999999999"], 413),
        (b"x", ["Content-Length: 9999999999999"], 400),
        (b"", [], 411),
        (b"x", ["Content-Length: -1"], 400),
        (b"x", ["Content-Length: 1", "Content-Length: 1"], 400),
        (b"1\r\nx\r\n0\r\n\r\n", ["Content-Length: 11", "Transfer-Encoding: chunked"], 400),
        (b"x", ["Transfer-Encoding: gzip"], 400),
        (b"zz\r\n", ["Transfer-Encoding: chunked"], 400),
        (b"2\r\nabc\r\n0\r\n\r\n", ["Transfer-Encoding: chunked"], 400),
        (b"FFFFFFFF\r\n", ["Transfer-Encoding: chunked"], 413),
        (b"x", ["Content-Length: 1", "Content-Encoding: gzip"], 415),
    ],
)
def test_a_body_that_is_too_long_or_of_unclear_length_is_refused(
    server: WebServer, receiver: Receiver, body: bytes, headers: list[str], refusal: int
) -> None:
    with connect(server) as connection:
        connection.sendall(post(body, *headers))
        connection.shutdown(socket.SHUT_WR)
        assert status(connection.recv(65536)) == refusal
    assert receiver.bodies == []


def test_the_sender_of_a_body_that_is_too_long_reads_why(server: WebServer) -> None:
    body = b"x" * (2 * MAX_BODY_BYTES)
    assert status(said(server, post(body, f"Content-Length: {len(body)}"))) == 413


def test_who_is_refused_by_the_head_does_not_get_to_send_a_body(
    server: WebServer, receiver: Receiver
) -> None:
    with connect(server) as connection:
        connection.sendall(post(b"", "Content-Length: 1000", key="wrong"))
        assert status(connection.recv(65536)) == 401
    assert receiver.bodies == []


def test_who_asks_whether_to_go_on_is_told_so(server: WebServer, receiver: Receiver) -> None:
    with connect(server) as connection:
        connection.sendall(post(b"", "Content-Length: 2", "Expect: 100-continue"))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ok")
        assert status(connection.recv(65536)) == 202
    assert receiver.bodies == [b"ok"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_refused_and_told_what_is_allowed(server: WebServer, method: str) -> None:
    received = said(server, f"{method} {PATH} HTTP/1.1\r\n\r\n".encode())
    assert status(received) == 405
    assert b"Allow: POST, OPTIONS\r\n" in received


def test_without_receivers_there_are_no_hooks() -> None:
    server = serve("127.0.0.1:0", {})
    assert status(said(server, post(b"", "Content-Length: 0"))) == 404
    server.close()


def test_a_bug_is_answered_without_the_reason(server: WebServer) -> None:
    received = said(server, post(b"a bug", "Content-Length: 5"))
    assert status(received) == 500
    assert b"secret" not in received


def test_senders_that_drip_their_bodies_never_keep_others_from_being_answered(
    server: WebServer, receiver: Receiver
) -> None:
    slow = [connect(server) for _ in range(3 * MAX_CONNECTIONS)]
    for connection in slow:
        connection.sendall(post(b"x", f"Content-Length: {MAX_BODY_BYTES}"))
    assert health(server) == 200
    assert status(said(server, post(b"ok", "Content-Length: 2"))) == 202
    for connection in slow:
        connection.close()


def test_a_body_that_drips_is_cut_off_at_the_deadline(receiver: Receiver) -> None:
    server = serve("127.0.0.1:0", {}, timedelta(milliseconds=200), receiver)
    received = said(server, post(b"x", "Content-Length: 1000"))
    assert received == b"" or status(received) == 400
    assert receiver.bodies == []
    server.close()


def test_deliveries_that_take_long_leave_connections_for_the_probes() -> None:
    is_taken, may_end = threading.Semaphore(0), threading.Event()

    def slow() -> Reply:
        is_taken.release()
        may_end.wait(PATIENCE_SECONDS)
        return Reply(202, b"noted\n")

    server = serve(
        "127.0.0.1:0", {"/healthz": lambda: Answer(b"ok\n")}, receive=lambda head: lambda body: slow
    )
    busy = [connect(server) for _ in range(MAX_HOOKS_AT_ONCE)]
    for connection in busy:
        connection.sendall(post(b"", "Content-Length: 0"))
        assert is_taken.acquire(timeout=PATIENCE_SECONDS)
    received = said(server, post(b"", "Content-Length: 0"))
    assert status(received) == 503
    assert b"Retry-After: 1\r\n" in received
    assert health(server) == 200
    may_end.set()
    for connection in busy:
        assert status(connection.recv(65536)) == 202
        connection.close()
    server.close()


@given(st.binary(max_size=200), st.sampled_from(["chunked", "gzip, chunked", "identity", ""]))
def test_whatever_is_sent_as_chunks_is_a_body_or_a_refusal(sent: bytes, encoding: str) -> None:
    with suppress(BodyRefused):
        assert len(read_body(BytesIO(sent), {"transfer-encoding": encoding}, 100)) <= 100


@given(st.lists(st.binary(min_size=1, max_size=50)))
def test_every_body_can_be_sent_in_chunks(pieces: list[bytes]) -> None:
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    assert read_body(BytesIO(sent), {"transfer-encoding": "chunked"}, 10_000) == b"".join(pieces)
