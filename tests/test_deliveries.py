"""What is remembered of deliveries: each once, for a while, and not too many."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.deliveries import Deliveries
from imagebot.store import Store
from imagebot.store_address import StoreAddress

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)


@pytest.fixture
def store(lasting: StoreAddress) -> Iterator[Store]:
    store = Store(lasting)
    yield store
    store.close()


@pytest.fixture
def seen(store: Store) -> Deliveries:
    return Deliveries(store.database, max_deliveries=10)


def test_what_is_claimed_cannot_be_claimed_again(seen: Deliveries) -> None:
    assert seen.claim("a", {"1": SOON}, NOW)
    assert not seen.claim("a", {"1": SOON}, NOW)
    assert seen.claim("b", {"1": SOON}, NOW)


def test_one_known_id_is_enough_and_then_the_others_are_not_noted(seen: Deliveries) -> None:
    assert seen.claim("a", {"1": SOON}, NOW)
    assert not seen.claim("a", {"1": SOON, "2": SOON}, NOW)
    assert seen.claim("a", {"2": SOON}, NOW)


def test_each_counts_until_its_time(seen: Deliveries) -> None:
    assert seen.claim("a", {"1": SOON, "2": SOON + timedelta(hours=1)}, NOW)
    assert seen.claim("a", {"1": SOON}, SOON)
    assert not seen.claim("a", {"2": SOON}, SOON)


def test_what_is_released_may_be_claimed_again(seen: Deliveries) -> None:
    assert seen.claim("a", {"1": SOON, "2": SOON}, NOW)
    seen.release("a", ["1", "2"])
    assert seen.claim("a", {"1": SOON, "2": SOON}, NOW)


def test_the_oldest_of_too_many_are_forgotten(seen: Deliveries) -> None:
    for number in range(30):
        assert seen.claim("a", {str(number): SOON + timedelta(seconds=number)}, NOW)
    seen.clean(NOW)
    assert seen.claim("a", {"0": SOON}, NOW)
    assert not seen.claim("a", {"29": SOON}, NOW)
    assert not seen.claim("a", {"20": SOON}, NOW)


def test_it_is_cleaned_while_it_is_used(store: Store) -> None:
    seen = Deliveries(store.database, max_deliveries=10)
    for number in range(501):
        seen.claim("a", {str(number): SOON + timedelta(seconds=number)}, NOW)
    assert seen.claim("a", {"0": SOON}, NOW)
