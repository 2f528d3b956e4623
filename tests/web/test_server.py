"""The web server over real sockets: right pages, clear refusals, and nobody holds it up."""

import http.client
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from imagebot.errors import SettingsError
from imagebot.web.connections import parse_listen
from imagebot.web.server import MAX_CONNECTIONS, Answer, WebServer, serve

PATIENCE_SECONDS = 30.0


def broken() -> Answer:
    raise ValueError("with a secret in it")


PAGES = {"/hello": lambda: Answer(b"hello\n"), "/broken": broken}


@pytest.fixture
def server() -> Iterator[WebServer]:
    server = serve("127.0.0.1:0", PAGES)
    yield server
    server.close()


def ask(
    server: WebServer, path: str, method: str = "GET", body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_SECONDS)
    connection.request(method, path, body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def connect(server: WebServer) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), PATIENCE_SECONDS)


def everything(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


@pytest.mark.parametrize("path", ["/hello", "/hello?verbose=1"])
def test_a_page_is_answered_whatever_the_query(server: WebServer, path: str) -> None:
    response, content = ask(server, path)
    assert (response.status, content) == (200, b"hello\n")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_head_answers_the_same_head_without_the_page(server: WebServer) -> None:
    response, content = ask(server, "/hello", "HEAD")
    assert (response.status, response.headers["Content-Length"], content) == (200, "6", b"")


@pytest.mark.parametrize("path", ["/", "/hello/", "/../hello", "/HELLO", "/etc/passwd"])
def test_every_other_path_is_not_found(server: WebServer, path: str) -> None:
    response, content = ask(server, path)
    assert (response.status, content) == (404, b"not found\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_every_other_method_is_refused_and_told_what_is_allowed(
    server: WebServer, method: str
) -> None:
    response, _ = ask(server, "/hello", method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


def test_the_sender_of_a_body_still_gets_its_answer(server: WebServer) -> None:
    response, _ = ask(server, "/hello", "POST", b"x" * 60_000)
    assert response.status == 405


@pytest.mark.parametrize("path", ["/hello", "/missing"])
def test_no_answer_names_the_server_or_its_language(server: WebServer, path: str) -> None:
    response, content = ask(server, path)
    whole = str(response.headers).lower().encode() + content.lower()
    assert "Server" not in response.headers
    assert b"python" not in whole


def test_a_page_that_breaks_is_an_error_without_the_reason(
    server: WebServer, caplog: pytest.LogCaptureFixture
) -> None:
    response, content = ask(server, "/broken")
    assert (response.status, content) == (500, b"internal error\n")
    assert any(record.exc_info for record in caplog.records)
    assert ask(server, "/hello")[0].status == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /hello HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET /hello HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 431),
        (b"<script>alert(1)</script> a b c\r\n\r\n", 400),
        (b"GET /hello HTTP/9.9\r\n\r\n", 505),
        (b"GET /hello HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 200),
    ],
)
def test_a_head_that_is_wrong_or_too_long_is_refused_without_echo(
    server: WebServer, head: bytes, status: int
) -> None:
    with connect(server) as connection:
        connection.sendall(head)
        received = everything(connection)
    assert received.startswith(b"HTTP/1.0 %d " % status)
    assert b"script" not in received
    assert b"Server:" not in received


def test_who_talks_too_slowly_is_cut_off_at_the_deadline() -> None:
    server = serve("127.0.0.1:0", PAGES, deadline=timedelta(milliseconds=200))
    with connect(server) as connection:
        connection.sendall(b"GET /hello HTTP/1.1\r\nX: ")
        assert everything(connection) == b""  # ends, instead of waiting for the rest of the head
    server.close()


def test_whoever_keeps_us_waiting_longest_makes_room_for_one_more(server: WebServer) -> None:
    idle = [connect(server) for _ in range(MAX_CONNECTIONS)]
    for connection in idle:
        connection.sendall(b"POST /hooks/a/b HTTP/1.1\r\nContent-Le")
    assert ask(server, "/hello")[0].status == 200
    assert everything(idle[0]) == b""
    for connection in idle:
        connection.close()


def test_an_answer_that_is_being_made_is_not_cut_off_for_others() -> None:
    is_asked, may_end = threading.Semaphore(0), threading.Event()

    def slow() -> Answer:
        is_asked.release()
        may_end.wait(PATIENCE_SECONDS)
        return Answer(b"at last\n")

    server = serve("127.0.0.1:0", {"/slow": slow})
    asking = [connect(server) for _ in range(MAX_CONNECTIONS)]
    for connection in asking:
        connection.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        assert is_asked.acquire(timeout=PATIENCE_SECONDS)
    with connect(server) as one_more:
        assert everything(one_more) == b""
    may_end.set()
    for connection in asking:
        assert everything(connection).endswith(b"at last\n")
        connection.close()
    server.close()


def test_a_port_in_use_is_an_error_that_names_the_address(server: WebServer) -> None:
    listen = urlsplit(server.url).netloc
    with pytest.raises(SettingsError, match=rf"cannot listen on {listen}: .*in use") as refused:
        serve(listen, PAGES)
    assert "another address" in refused.value.hint


def test_an_ipv6_address_can_be_listened_on() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    server = serve("[::1]:0", PAGES)
    assert server.url.startswith("http://[::1]:")
    assert ask(server, "/hello")[1] == b"hello\n"
    server.close()


def test_a_closed_server_listens_no_more() -> None:
    server = serve("127.0.0.1:0", PAGES)
    server.close()
    with pytest.raises(ConnectionRefusedError):
        ask(server, "/hello")


@pytest.mark.parametrize(
    ("listen", "parsed"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:8080", ("::1", 8080)),
        ("localhost:0", ("localhost", 0)),
        (":8080", ("", 8080)),
    ],
)
def test_an_address_to_listen_on_is_host_and_port(listen: str, parsed: tuple[str, int]) -> None:
    assert parse_listen(listen) == parsed


@pytest.mark.parametrize(
    "listen", ["", "8080", "host", "host:", "::1:8080", "h:99999", "h:-1", "h:８"]
)
def test_any_other_address_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(SettingsError, match="not host:port") as refused:
        serve(listen, PAGES)
    assert "127.0.0.1:8080" in refused.value.hint


def test_a_host_that_is_not_here_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"cannot listen on '?192\.0\.2\.1:0"):
        serve("192.0.2.1:0", PAGES)
