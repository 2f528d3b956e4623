"""A flood of deliveries that prove nothing, over real sockets, and the senders that do."""

import hmac
import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from imagebot.deliveries import Deliveries
from imagebot.hook_senders import Auth
from imagebot.hooks import READERS
from imagebot.hooks.receiving import Hooks
from imagebot.image import Repository
from imagebot.secret import Secret
from imagebot.settings_model import HookSettings
from imagebot.store import Store
from imagebot.store_address import in_file
from imagebot.web.server import MAX_CONNECTIONS, Answer, WebServer, serve

PATIENCE_SECONDS = 60.0
SECRET = "0123456789abcdef-right"
FLOODING = MAX_CONNECTIONS + 8  # more at one time than there are places
DELIVERIES = 20


class Watched:
    """Satisfies `owed.Wakeups`."""

    def image(self, repository: Repository) -> Sequence[str]:
        return ["config"]

    def project(self, project: str, host: str = "") -> Sequence[str]:
        return ["config"]


def refuse_to_fetch(url: str, is_internal: bool) -> bytes:
    raise AssertionError(f"{url} was asked")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    store = Store(in_file(tmp_path / "store.sqlite"))
    ways = (("generic", Auth.HEADER, "authorization"), ("github", Auth.SIGNATURE, ""))
    receivers = [
        HookSettings(
            sender, "a", auth, (Secret(SECRET),), header=header, registry="", per_minute=60_000
        )
        for sender, auth, header in ways
    ]
    hooks = Hooks(
        receivers,
        READERS,
        Watched(),
        Deliveries(store.database),
        fetch=refuse_to_fetch,
        clock=lambda: datetime.now(UTC),
    )
    pages = {"/healthz": lambda: Answer(b"ok\n")}
    server = serve("127.0.0.1:0", pages, receive=hooks.receive)
    yield server
    server.close()
    store.close()


def answered(server: WebServer, path: str, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_SECONDS)
    try:
        connection.request("POST" if body else "GET", path, body or None, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def by_header(server: WebServer, number: int, secret: str) -> int:
    body = json.dumps({"image": f"ghcr.io/acme/api{number}"}).encode()
    return answered(server, "/hooks/generic/a", body, {"Authorization": f"Bearer {secret}"})


def by_signature(server: WebServer, number: int, secret: str, padding: int = 0) -> int:
    event = {"repository": {"full_name": "acme/config"}, "after": str(number)}
    body = json.dumps({**event, "padding": "x" * padding}).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()
    headers = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push"}
    return answered(server, "/hooks/github/a", body, {**headers, "X-GitHub-Delivery": str(number)})


class Flood:
    """Many who prove nothing, as fast as they can, to the end of the block."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._is_over = threading.Event()
        self.answers: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(FLOODING)]

    def __enter__(self) -> "Flood":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def _send(self, number: int) -> None:
        while not self._is_over.is_set():
            try:
                if number % 2:
                    status = by_header(self._server, number, "a wrong secret")
                else:
                    status = by_signature(self._server, number, "a wrong secret", 100_000)
            except (OSError, http.client.HTTPException):
                status = 0  # cut: nobody promised it an answer
            self.answers[status] += 1


def test_who_proves_himself_is_taken_in_the_middle_of_a_flood_that_does_not(
    server: WebServer,
) -> None:
    with Flood(server) as flood:
        while flood.answers.total() < FLOODING:
            by_header(server, 0, "a wrong secret")
        found = [by_header(server, number, SECRET) for number in range(DELIVERIES)]
        found += [by_signature(server, number, SECRET) for number in range(DELIVERIES)]
        health = answered(server, "/healthz", b"", {})
        while not flood.answers[429]:
            by_header(server, 0, "a wrong secret")
    assert found == [202] * 2 * DELIVERIES
    assert health == 200
    assert set(flood.answers) <= {0, 401, 429}
