"""How long, how often and how much: no answer holds us longer or fills more than the limits."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from imagebot.demo.registry import Response
from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.host_limits import LocalLimits
from imagebot.image import Repository
from imagebot.registries.addresses import Unreachable
from tests.servers.registry import (
    NO_SUCH_HOST,
    HostileRegistry,
    RawServer,
    Script,
    dripping,
    sending,
    silent,
    tag_list,
)

from .conftest import Client

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Raw = Callable[[Script], RawServer]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"), id="head"),
        pytest.param(dripping(b"HTTP/1.1 "), id="status line"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="endless continue"),
        pytest.param(dripping(HEAD + b"Content-Length: 100000\r\n\r\n"), id="body"),
        pytest.param(dripping(HEAD + b"\r\n"), id="body without a length"),
        pytest.param(
            dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), id="chunks"
        ),
        pytest.param(
            dripping(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"), id="chunk length"
        ),
        pytest.param(silent, id="silence"),
    ],
)
def test_a_server_that_drips_bytes_meets_the_deadline(
    raw: Raw, client: Client, script: Script
) -> None:
    server = raw(script)
    found = client(server.host, limits={"operation_seconds": 0.4})
    with pytest.raises(RegistryUnavailable, match=r"longer than 0\.4 s"):
        found.list_tags(Repository(server.host, "a"))  # not for ever: the drip has no end


def test_silence_ends_at_the_read_timeout_and_is_tried_again(raw: Raw, client: Client) -> None:
    server = raw(silent)
    found = client(server.host, limits={"read_seconds": 0.1, "attempts": 2})
    with pytest.raises(RegistryUnavailable, match="did not answer in time"):
        found.list_tags(Repository(server.host, "a"))
    assert server.connection_count == 2


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"Content-Length: 999999999999\r\n\r\n",
        HEAD + b"Content-Length: 2000000\r\n\r\n",
        HEAD + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    ],
)
def test_a_huge_body_is_refused(raw: Raw, client: Client, head: bytes) -> None:
    server = raw(sending(head, *([b" " * 65536] * 64)))
    with pytest.raises(RegistryError, match="more than 1000000 bytes"):
        client(server.host, limits={"response_bytes": 1_000_000}).list_tags(
            Repository(server.host, "a")
        )
    assert server.connection_count == 1


def test_a_gzip_bomb_is_refused_before_it_is_read(
    registry: HostileRegistry, client: Client
) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    registry.answer_always(Response(200, {"Content-Encoding": "gzip"}, bomb))
    with pytest.raises(RegistryError, match="encoding we did not ask for"):
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert registry.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "script",
    [
        sending(HEAD + b"Content-Length: 100\r\n\r\n", b'{"tags": ["1"]}'),
        sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b'f\r\n{"tags": ["1"]}\r\n'),
        sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b'ff\r\n{"tags": ["1"]}\r\n'),
        sending(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
        sending(b""),
        sending(b"\x00\x01\x02\r\n\r\n"),
        sending(b"HTTP/1.1 99999 Odd\r\n\r\n"),
        sending(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
        sending(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
    ],
)
def test_a_broken_answer_is_never_taken_for_a_tag_list(
    raw: Raw, client: Client, script: Script
) -> None:
    server = raw(script)
    with pytest.raises(RegistryUnavailable):
        client(server.host).list_tags(Repository(server.host, "a"))
    assert server.connection_count == 2


def test_a_head_without_an_end_is_no_tag_list(raw: Raw, client: Client) -> None:
    server = raw(sending(HEAD))
    with pytest.raises(RegistryError):
        client(server.host).list_tags(Repository(server.host, "a"))


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
    client: Client, raw: Raw
) -> None:
    server = raw(sending(HEAD + b'Content-Length: 14\r\n\r\n{"tags":["1"]}'))
    found = client(server.host)
    for _ in range(3):
        assert found.list_tags(Repository(server.host, "a")).tags == ("1",)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_tried_again(
    registry: HostileRegistry, client: Client, status: int
) -> None:
    registry.answer_next(Response(status), tag_list("1"))
    assert client(registry.host).list_tags(Repository(registry.host, "a")).tags == ("1",)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_that_stays_can_be_tried_later(
    registry: HostileRegistry, client: Client, status: int
) -> None:
    registry.answer_always(Response(status))
    with pytest.raises(RegistryUnavailable, match=str(status)) as failed:
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert failed.value.can_retry
    assert len(registry.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_short_retry_after_is_waited_for(
    registry: HostileRegistry, client: Client, status: int
) -> None:
    registry.answer_next(Response(status, {"Retry-After": "0"}), tag_list("1"))
    assert client(registry.host).list_tags(Repository(registry.host, "a")).tags == ("1",)


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_told_and_not_waited_for(
    registry: HostileRegistry, client: Client, status: int
) -> None:
    registry.answer_always(Response(status, {"Retry-After": "120"}))
    with pytest.raises(RegistryUnavailable, match="wait 120 s") as later:
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert later.value.retry_after_seconds == 120
    assert len(registry.requests) == 1


def test_a_retry_after_date_is_understood(registry: HostileRegistry, client: Client) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    registry.answer_always(Response(429, {"Retry-After": at}))
    with pytest.raises(RegistryUnavailable) as later:
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert later.value.retry_after_seconds == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("text", ["9" * 500, "-1", "soon", "\u0661", "Thu, 99 Foo 2030", ""])
def test_an_odd_retry_after_is_never_waited_for(
    registry: HostileRegistry, client: Client, text: str
) -> None:
    registry.answer_always(Response(429, {"Retry-After": text.encode().decode("latin-1")}))
    with pytest.raises(RegistryUnavailable, match="429") as later:
        client(registry.host).list_tags(Repository(registry.host, "a"))
    assert (later.value.retry_after_seconds or 0) <= 86_400
    assert len(registry.requests) == 1


def test_a_registry_that_asked_us_to_wait_is_not_asked_for_the_next_repository(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_always(Response(429, {"Retry-After": "600"}))
    found = client(registry.host)
    for path in "abc":
        with pytest.raises(RegistryUnavailable, match="429") as later:
            found.list_tags(Repository(registry.host, path))
        assert later.value.retry_after_seconds == pytest.approx(600, abs=60)
    assert len(registry.requests) == 1


def test_a_registry_that_asked_one_replica_to_wait_is_not_asked_by_another(
    registry: HostileRegistry, client: Client
) -> None:
    shared = LocalLimits()
    first, second = (client(registry.host, host_limits=shared) for _ in range(2))
    registry.answer_always(Response(429, {"Retry-After": "600"}))
    for each in (first, second):
        with pytest.raises(RegistryUnavailable) as later:
            each.list_tags(Repository(registry.host, "a"))
        assert later.value.retry_after_seconds == pytest.approx(600, abs=60)
    assert len(registry.requests) == 1


def test_a_registry_is_asked_no_more_often_than_the_settings_allow(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_always(tag_list("1"))
    found = client(registry.host, requests_per_minute=1, host_limits=LocalLimits())
    assert found.list_tags(Repository(registry.host, "a")).tags == ("1",)
    with pytest.raises(RegistryUnavailable, match="not to be asked for") as later:
        found.list_tags(Repository(registry.host, "b"))
    assert later.value.retry_after_seconds == pytest.approx(55, abs=30)
    assert len(registry.requests) == 1


def test_errors_of_one_repository_do_not_silence_its_neighbours(
    registry: HostileRegistry, client: Client
) -> None:
    registry.misbehave = lambda request: Response(500) if "/bad" in request.path else None
    registry.add("good", "1")
    found = client(registry.host)
    bad = [Repository(registry.host, f"bad{number}") for number in range(6)]
    answers = found.list_many([*bad, Repository(registry.host, "good")])
    assert answers[Repository(registry.host, "good")].tags == ("1",)  # type: ignore[union-attr]
    assert all(isinstance(answers[each], RegistryUnavailable) for each in bad)


def test_a_repository_that_leads_to_a_dead_host_does_not_silence_its_neighbours(
    registry: HostileRegistry, client: Client
) -> None:
    away = Response(307, {"Location": f"http://{NO_SUCH_HOST}/"})
    registry.misbehave = lambda request: away if "/bad" in request.path else None
    registry.add("good", "1")
    found = client(registry.host)
    bad = [Repository(registry.host, f"bad{number}") for number in range(6)]
    answers = found.list_many([*bad, Repository(registry.host, "good")])
    assert answers[Repository(registry.host, "good")].tags == ("1",)  # type: ignore[union-attr]
    assert {type(answers[each]) for each in bad} <= {RegistryError, Unreachable}


def test_nobody_listening_is_told_and_soon_not_tried_any_more(client: Client) -> None:
    with HostileRegistry() as gone:
        host = gone.host
    found = client(host)
    for path in "abcde":
        with pytest.raises(RegistryUnavailable, match="could not be reached"):
            found.list_tags(Repository(host, path))
    assert found.request_count_by_host == {host: 6}  # three times two attempts


def test_a_name_that_does_not_resolve_is_told(client: Client) -> None:
    with pytest.raises(RegistryUnavailable, match="could not be resolved"):
        client(NO_SUCH_HOST).list_tags(Repository(NO_SUCH_HOST, "a"))
