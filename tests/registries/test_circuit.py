"""The circuit of a registry: open after repeated trouble, tried by one, closed by a good answer."""

import logging

import pytest

from imagebot.errors import RegistryUnavailable
from imagebot.image import Repository
from imagebot.registries import Registries
from imagebot.registries.circuit import (
    FIRST_SECONDS,
    LONGEST_SECONDS,
    TROUBLED_COUNT,
    UNREACHABLE_COUNT,
    Circuit,
    State,
)
from tests.registries.conftest import Client
from tests.servers.registry import HostileRegistry, Response

AWAY = RegistryUnavailable("it is away")


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(clock: Clock) -> Circuit:
    circuit = Circuit(clock)
    for number in range(TROUBLED_COUNT):
        circuit.fail(AWAY, f"listing {number}")
    return circuit


def is_open(circuit: Circuit) -> bool:
    try:
        circuit.check()
    except RegistryUnavailable:
        return True
    return False


def test_trouble_of_several_repositories_in_a_row_opens_it(opened: Circuit) -> None:
    assert opened.state is State.OPEN
    assert opened.reason == "it is away"
    with pytest.raises(RegistryUnavailable, match="it is away; not asked again for now") as caught:
        opened.check()
    assert caught.value.retry_after_seconds == FIRST_SECONDS


def test_the_log_says_when_it_opens_and_when_all_is_well_again(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    circuit = Circuit(clock, "registry.test")
    for number in range(2 * TROUBLED_COUNT):
        circuit.fail(AWAY, f"listing {number}")
    circuit.succeed()
    circuit.succeed()
    assert caplog.messages == [
        "registry.test is not asked for 30 s: it is away",
        "registry.test answers again",
    ]


def test_trouble_of_one_repository_alone_never_opens_it(clock: Clock) -> None:
    circuit = Circuit(clock)
    for _ in range(100):
        circuit.fail(AWAY, "listing acme/broken")
    assert not is_open(circuit)


def test_a_good_answer_between_starts_the_count_again(clock: Clock) -> None:
    circuit = Circuit(clock)
    for number in range(3 * TROUBLED_COUNT):
        circuit.fail(AWAY, f"listing {number}")
        if number % 2:
            circuit.succeed()
    assert not is_open(circuit)


def test_connections_that_cannot_be_made_open_it_sooner(clock: Clock) -> None:
    circuit = Circuit(clock)
    for _ in range(UNREACHABLE_COUNT - 1):
        circuit.fail_to_connect(AWAY)
    assert not is_open(circuit)
    circuit.fail_to_connect(AWAY)
    assert is_open(circuit)


def test_after_the_wait_one_request_alone_finds_out(clock: Clock, opened: Circuit) -> None:
    clock.seconds += FIRST_SECONDS
    assert not is_open(opened)  # this one
    assert is_open(opened)  # and no other
    assert opened.state is State.HALF_OPEN
    opened.succeed()
    assert (opened.state, is_open(opened)) == (State.CLOSED, False)


def test_each_time_it_is_still_away_the_wait_doubles_up_to_a_bound(
    clock: Clock, opened: Circuit
) -> None:
    waits = []
    for number in range(7):
        clock.seconds += LONGEST_SECONDS
        opened.check()
        opened.fail(AWAY, f"listing {number}")
        with pytest.raises(RegistryUnavailable) as caught:
            opened.check()
        waits.append(caught.value.retry_after_seconds)
    assert waits == [60, 120, 240, 480, 900, 900, 900]


def test_those_that_were_on_their_way_when_it_opened_do_not_lengthen_the_wait(
    clock: Clock, opened: Circuit
) -> None:
    clock.seconds += 10
    opened.fail(AWAY, "listing late")
    opened.fail_to_connect(AWAY)
    clock.seconds += FIRST_SECONDS - 10
    assert not is_open(opened)


def test_one_that_finds_out_and_never_comes_back_does_not_keep_it_open_for_ever(
    clock: Clock, opened: Circuit
) -> None:
    clock.seconds += FIRST_SECONDS
    opened.check()
    clock.seconds += FIRST_SECONDS * 10
    assert not is_open(opened)


def test_a_wait_that_the_registry_asked_for_opens_it_at_once(clock: Clock) -> None:
    circuit = Circuit(clock)
    circuit.fail(AWAY, "listing a", wait_seconds=120)
    clock.seconds += 119
    assert is_open(circuit)
    clock.seconds += 1
    assert not is_open(circuit)


def test_a_registry_with_trouble_everywhere_is_asked_no_more(
    registry: HostileRegistry, client: Client
) -> None:
    registries: Registries = client(registry.host, limits={"attempts": 1}, concurrency=1)
    images = [Repository(registry.host, f"acme/app-{number:02}") for number in range(20)]
    registry.answer_always(Response(503, {}, b""))
    found = registries.list_many(images)
    assert all(isinstance(each, RegistryUnavailable) for each in found.values())
    assert len(registry.requests) == TROUBLED_COUNT
    assert registries.circuits[registry.host][0] is State.OPEN


def test_one_image_in_trouble_keeps_no_other_from_being_listed(
    registry: HostileRegistry, client: Client
) -> None:
    registries: Registries = client(registry.host, limits={"attempts": 1}, concurrency=1)
    images = [Repository(registry.host, f"acme/app-{number:02}") for number in range(20)]
    for image in images:
        registry.add(image.path, "1.0")
    registry.misbehave = lambda request: (
        Response(503, {}, b"") if "app-07" in request.target else None
    )
    for _ in range(TROUBLED_COUNT + 1):
        found = registries.list_many(images)
    failed = [image.path for image, each in found.items() if isinstance(each, RegistryUnavailable)]
    assert failed == ["acme/app-07"]
    assert registries.circuits[registry.host] == (State.CLOSED, "")
