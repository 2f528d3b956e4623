"""Limits of registry hosts: a rate, and what a host asked for, alone or for all replicas."""

import threading
from collections.abc import Iterator

import pytest

from imagebot.database import Database
from imagebot.host_limits import (
    BURST_SECONDS,
    LONGEST_SECONDS,
    HostLimit,
    LocalLimits,
    SharedLimits,
    limits_for,
)
from imagebot.interfaces import HostLimits
from imagebot.store_address import StoreAddress
from tests.servers.postgresql import PostgreSQL

PATIENCE = 3600.0


@pytest.fixture
def limits(lasting: StoreAddress) -> Iterator[HostLimits]:
    database = Database(lasting)
    found = limits_for(database)
    assert isinstance(found, SharedLimits if database.is_shared else LocalLimits)
    yield found
    database.close()


# The arithmetic


def test_a_host_of_which_nothing_is_known_may_be_asked() -> None:
    assert HostLimit().wait(1e9) == 0


def test_requests_come_at_their_rate_after_a_burst_of_five_seconds() -> None:
    limit, now, waits = HostLimit(), 1e9, []
    for _ in range(20):  # 60 a minute
        wait = limit.wait(now)
        waits.append(wait)
        limit = limit.after_request(now, 60)
    assert waits[:6] == [0] * 6
    assert waits[6:] == [float(second) for second in range(1, 15)]


def test_a_pause_earns_no_more_than_one_burst() -> None:
    limit = HostLimit().after_request(0, 60)
    later = 1e6
    count = 0
    while limit.wait(later) == 0:
        limit = limit.after_request(later, 60)
        count += 1
    assert count == BURST_SECONDS + 1


def test_a_time_that_a_clock_noted_which_stood_wrong_is_no_reason_to_wait() -> None:
    assert HostLimit(not_before=1e9 + LONGEST_SECONDS).wait(1e9) == LONGEST_SECONDS
    assert HostLimit(not_before=1e9 + 2 * LONGEST_SECONDS).wait(1e9) == 0


# The contract of both


def test_a_host_without_a_rate_may_be_asked_for_ever(limits: HostLimits) -> None:
    assert [limits.reserve("ghcr.io", None, PATIENCE) for _ in range(100)] == [0] * 100


def test_places_are_given_one_after_another(limits: HostLimits) -> None:
    waits = [limits.reserve("ghcr.io", 1, PATIENCE) for _ in range(4)]
    assert waits[0] == 0
    assert waits == sorted(waits)
    assert 3 * 60 - BURST_SECONDS - 60 < waits[3] <= 3 * 60 - BURST_SECONDS
    assert limits.reserve("quay.io", 1, PATIENCE) == 0


def test_who_has_no_patience_takes_no_place(limits: HostLimits) -> None:
    limits.reserve("ghcr.io", 1, PATIENCE)
    refused = [limits.reserve("ghcr.io", 1, 0) for _ in range(5)]
    assert all(0 < wait <= 60 - BURST_SECONDS for wait in refused)


def test_a_host_that_asks_to_be_left_alone_is(limits: HostLimits) -> None:
    limits.hold_off("ghcr.io", 100)
    limits.hold_off("ghcr.io", 10)  # which takes nothing back
    for per_minute in (None, 600):
        assert 10 < limits.reserve("ghcr.io", per_minute, PATIENCE) <= 100
    assert limits.reserve("quay.io", None, PATIENCE) == 0


def test_nobody_is_left_alone_for_days(limits: HostLimits) -> None:
    limits.hold_off("ghcr.io", 1e6)
    assert limits.reserve("ghcr.io", None, PATIENCE) <= LONGEST_SECONDS


# Several processes


def test_what_one_was_told_all_keep_to(postgresql: PostgreSQL) -> None:
    address = postgresql.new_store()
    databases = [Database(address), Database(address)]
    told, other = (SharedLimits(database) for database in databases)
    told.hold_off("ghcr.io", 300)
    assert 200 < other.reserve("ghcr.io", None, PATIENCE) <= 300
    assert 200 < other.reserve("ghcr.io", None, PATIENCE) <= 300  # without a query
    for database in databases:
        database.close()


def test_all_together_stay_below_the_rate(postgresql: PostgreSQL) -> None:
    """Every place lies one step after another, whoever takes it: none twice, none left out."""
    address = postgresql.new_store()
    databases = [Database(address) for _ in range(2)]
    waits: list[float] = []

    def take(database: Database) -> None:
        limits = SharedLimits(database)
        for _ in range(25):
            waits.append(limits.reserve("ghcr.io", 1, 1e9))

    threads = [threading.Thread(target=take, args=(each,)) for each in databases for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == 100
    steps = sorted(round((wait + BURST_SECONDS) / 60) for wait in waits if wait)
    assert steps == list(range(1, 100))
    for database in databases:
        database.close()


def test_a_store_that_is_away_leaves_each_to_its_own_limits() -> None:
    database = Database(None)
    limits = SharedLimits(database)  # which has no clock to ask
    waits = [limits.reserve("ghcr.io", 1, PATIENCE) for _ in range(2)]
    assert waits[0] == 0
    assert 0 < waits[1] <= 60
    limits.hold_off("quay.io", 100)
    assert 10 < limits.reserve("quay.io", None, PATIENCE) <= 100
    database.close()
