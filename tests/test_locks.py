"""Locks by key: one holder among threads and processes, none left behind by the dead."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from imagebot.database import Database
from imagebot.errors import StoreError, StoreUnavailable
from imagebot.locks import LocalLocks, SharedLocks, locks_for
from imagebot.owed import Locks
from imagebot.store import Store
from imagebot.store_address import StoreAddress, read_url
from tests.servers.postgresql import PASSWORD, PostgreSQL, running_postgresql


@pytest.fixture
def locks(lasting: StoreAddress) -> Iterator[Locks]:
    database = Database(lasting)
    found = locks_for(database)
    found_type = SharedLocks if database.is_shared else LocalLocks
    assert isinstance(found, found_type)
    settled(found)
    yield found
    found.close()
    database.close()


def settled(locks: LocalLocks | SharedLocks) -> None:
    """The tests' server may just have started, which is a reason to wait."""
    if isinstance(locks, SharedLocks):
        locks._settling = timedelta(0)


def test_a_key_has_one_holder_at_a_time(locks: Locks) -> None:
    with locks.hold("fleet") as first, locks.hold("apps") as other, locks.hold("fleet") as second:
        assert (first, other, second) == (True, True, False)
    with locks.hold("fleet") as again:
        assert again


def test_who_was_refused_releases_nothing(locks: Locks) -> None:
    with locks.hold("fleet"):
        with locks.hold("fleet"):
            pass
        with locks.hold("fleet") as still:
            assert not still


def test_a_holder_that_raises_releases(locks: Locks) -> None:
    with pytest.raises(ZeroDivisionError), locks.hold("fleet"):
        _ = 1 / 0
    with locks.hold("fleet") as again:
        assert again


def test_what_was_given_up_can_be_held_anew_and_is_not_released_by_the_old_holder(
    locks: Locks,
) -> None:
    old = locks.hold("fleet")
    assert old.__enter__()
    locks.give_up("fleet")
    with locks.hold("fleet") as new:
        assert new
        old.__exit__(None, None, None)
        with locks.hold("fleet") as third:
            assert not third
    locks.give_up("fleet")  # of nobody: nothing happens


# Several processes

HOLD = """
import sys
from datetime import timedelta
from imagebot.store import Store
from imagebot.store_address import read_url
store = Store(read_url(sys.argv[1]))
store.locks._settling = timedelta(0)
with store.locks.hold("fleet") as is_ours:
    print(is_ours, flush=True)
    sys.stdin.read()
"""


def held_elsewhere(url: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_killed_process_leaves_no_lock_behind(postgresql: PostgreSQL) -> None:
    url = postgresql.url(postgresql.new_schema())
    store = Store(read_url(url))
    settled(store.locks)
    with held_elsewhere(url) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "True\n"
        with store.locks.hold("fleet") as is_ours:
            assert not is_ours
        with store.locks.hold("apps") as is_ours:
            assert is_ours
        holder.kill()
        holder.wait()
    assert eventually_held(store.locks, "fleet")
    store.close()


def eventually_held(locks: Locks, key: str) -> bool:
    """The server learns of the death from the kernel, not from us: ask until it has."""
    for _ in range(1_000_000):
        with locks.hold(key) as is_ours:
            if is_ours:
                return True
    return False


# The server goes away


@pytest.fixture
def own_server() -> Iterator[PostgreSQL]:
    """One that may be stopped."""
    with running_postgresql() as server:
        yield server


def test_what_was_held_is_taken_back_before_others_can_have_it(own_server: PostgreSQL) -> None:
    url = read_url(own_server.url())
    stores = [Store(url), Store(url)]
    first, second = (store.locks for store in stores)
    assert isinstance(first, SharedLocks)
    assert isinstance(second, SharedLocks)
    for locks in (first, second):
        settled(locks)
        locks.tend()
    with first.hold("fleet") as is_ours:
        assert is_ours
        own_server.kill()
        with pytest.raises(StoreUnavailable), second.hold("fleet"):
            pass
        with pytest.raises(StoreUnavailable, match=r"postgresql://127\.0\.0\.1") as away:
            first.tend()
        assert PASSWORD not in str(away.value) + repr(away.value.__cause__)
        own_server.start()
        second._settling = timedelta(hours=1)  # which it waits once its session is a new one
        with second.hold("fleet") as is_theirs:
            assert not is_theirs
        first.tend()
        second._settles_until = 0
        second._settling = timedelta(0)
        with second.hold("fleet") as is_theirs:
            assert not is_theirs
    with second.hold("fleet") as is_theirs:
        assert is_theirs
    for store in stores:
        store.close()


def test_a_release_without_a_server_is_no_trouble(own_server: PostgreSQL) -> None:
    store = Store(read_url(own_server.url()))
    settled(store.locks)
    with store.locks.hold("fleet") as is_ours:
        assert is_ours
        own_server.stop()
    own_server.start()
    store.locks.tend()
    store.locks._settles_until = 0  # type: ignore[union-attr]
    with store.locks.hold("fleet") as is_ours:
        assert is_ours
    store.close()


def test_a_store_goes_on_where_the_server_was_away(own_server: PostgreSQL) -> None:
    store = Store(read_url(own_server.url()))
    store.request("fleet")
    own_server.kill()
    with pytest.raises(StoreUnavailable) as away:
        store.request("fleet")
    assert away.value.can_retry
    assert "goes on when the database answers" in away.value.hint
    assert PASSWORD not in str(away.value)
    store.put_many({"a": b"1"})  # caches are silent
    own_server.start()
    store.request("fleet")
    assert store.target("fleet").requested == 2
    store.close()


def test_a_wrong_password_is_told_without_the_password(postgresql: PostgreSQL) -> None:
    wrong = "another-s3cr3t"
    with pytest.raises(StoreError, match="password authentication failed") as refused:
        Store(read_url(postgresql.url().replace(PASSWORD, wrong)))
    assert not refused.value.can_retry
    assert "password" in refused.value.hint
    assert wrong not in str(refused.value) + refused.value.hint + repr(refused.value.__cause__)


def test_a_user_who_may_not_make_tables_is_told_what_to_grant(postgresql: PostgreSQL) -> None:
    name = postgresql.new_schema()
    with postgresql.connect() as connection:
        connection.execute(f"create role {name} login password '{PASSWORD}'")
        connection.execute(f"grant usage on schema {name} to {name}")
    url = postgresql.url(name).replace("imagebot:", f"{name}:")
    with pytest.raises(StoreError, match="permission denied for schema") as refused:
        Store(read_url(url))
    assert refused.value.hint.startswith("GRANT USAGE, CREATE ON SCHEMA")
    assert not refused.value.can_retry


def test_a_server_that_nobody_runs_is_told_by_its_address(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"the store postgresql://127\.0\.0\.1:1/x cannot"):
        Store(read_url("postgresql://u:p@127.0.0.1:1/x"))
