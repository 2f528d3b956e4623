"""The store: what is owed survives, a damaged file is refused, losing it costs history only."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.database import Database
from imagebot.errors import StoreError, StoreUnavailable
from imagebot.interfaces import OccurrenceCache
from imagebot.owed import (
    MAX_BACK_OFF,
    MAX_WAIT,
    Run,
    StoreReader,
    StoreWriter,
    Target,
    back_off,
    next_try_at,
)
from imagebot.proposals import OutcomeKind
from imagebot.store import MAX_RUNS_PER_REPOSITORY, Store, digests_to_read
from imagebot.store_address import MEMORY, StoreAddress, in_file
from tests.servers.postgresql import PostgreSQL

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "imagebot.db"


@pytest.fixture(params=["file", "memory", "postgresql"])
def address(request: pytest.FixtureRequest, path: Path) -> StoreAddress:
    """Where stores are: what holds for one of them holds for all."""
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.new_store()
    return MEMORY if request.param == "memory" else in_file(path)


def run_sql(where: StoreAddress, *statements: str) -> None:
    """What somebody does to the database behind our back."""
    database = Database(where)
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    database.close()


@pytest.fixture
def store(address: StoreAddress) -> Iterator[Store]:
    store = Store(address, roll=lambda: 0.5)
    yield store
    store.close()


def test_a_store_offers_every_socket_it_is_used_through(store: Store) -> None:
    reader: StoreReader = store
    writer: StoreWriter = store
    cache: OccurrenceCache = store
    assert reader is writer is cache


# What is owed


def test_a_key_that_nobody_requested_is_not_owed(store: Store) -> None:
    assert store.target("fleet") == Target("fleet", 0, 0)
    assert store.owed(NOW) == []


def test_a_requested_key_is_owed_until_it_is_finished(store: Store) -> None:
    store.request("fleet")
    assert store.owed(NOW) == [Target("fleet", requested=1, done=0)]
    store.finish("fleet", 1)
    assert store.owed(NOW) == []


def test_a_request_that_came_during_the_work_stays_owed(store: Store) -> None:
    store.request("fleet")
    read = store.target("fleet").requested
    store.request("fleet")
    store.finish("fleet", read)
    assert store.owed(NOW) == [Target("fleet", requested=2, done=1)]


def test_a_poll_in_turn_counts_as_a_request(store: Store) -> None:
    assert store.request_in_turn("fleet", HOUR) == timedelta(0)
    store.request("fleet")
    assert store.target("fleet").requested == 2


def test_where_nobody_else_polls_every_turn_is_ours(path: Path) -> None:
    store = Store(path)
    for _ in range(3):
        assert store.request_in_turn("fleet", HOUR) == timedelta(0)
    assert store.target("fleet").requested == 3
    store.close()


def test_of_processes_that_share_a_store_one_polls_each_interval(postgresql: PostgreSQL) -> None:
    address = postgresql.new_store()
    first, second = Store(address), Store(address)
    first.request("fleet")  # by a hook, which is nobody's turn
    assert first.request_in_turn("fleet", HOUR) == timedelta(0)
    assert timedelta(0) < second.request_in_turn("fleet", HOUR) < HOUR
    assert second.target("fleet").requested == 2
    with first.database.writing() as connection:
        connection.exec_driver_sql("update target set polled_at = polled_at - 3600")
    assert second.request_in_turn("fleet", HOUR) == timedelta(0)
    with first.database.writing() as connection:  # the server's clock was set back
        connection.exec_driver_sql("update target set polled_at = polled_at + 7200")
    assert first.request_in_turn("fleet", HOUR) == timedelta(0)
    assert first.target("fleet").requested == 4
    first.close()
    second.close()


def test_an_older_finish_never_takes_back_a_newer_one(store: Store) -> None:
    store.request("fleet")
    store.request("fleet")
    store.finish("fleet", 2)
    store.finish("fleet", 1)
    assert store.target("fleet").done == 2


def test_a_failed_key_is_left_alone_for_its_back_off_and_then_owed_again(store: Store) -> None:
    store.request("fleet")
    noted = store.fail("fleet", NOW)
    assert noted == store.target("fleet")
    assert noted.fails == 1
    assert noted.not_before == NOW + 5 * SECOND  # half of the first bound
    assert store.owed(NOW + 4 * SECOND) == []
    assert store.owed(NOW + 5 * SECOND) == [noted]


def test_a_new_request_does_not_cut_a_back_off_short(store: Store) -> None:
    store.request("fleet")
    store.fail("fleet", NOW, retry_after=timedelta(minutes=10))
    store.request("fleet")
    assert store.owed(NOW + timedelta(minutes=9)) == []


def test_finishing_forgets_the_failures(store: Store) -> None:
    store.request("fleet")
    store.fail("fleet", NOW)
    store.finish("fleet", 1)
    assert store.target("fleet") == Target("fleet", requested=1, done=1)


def test_a_wait_noted_by_a_clock_that_stood_wrong_does_not_park_a_target_for_days() -> None:
    parked = Target("fleet", requested=1, done=0, not_before=NOW + timedelta(days=2), fails=1)
    assert parked.is_due(NOW)


def test_the_longest_waiting_target_comes_first(store: Store) -> None:
    for key in ("never-failed", "failed-late", "failed-early"):
        store.request(key)
    store.fail("failed-late", NOW + 10 * SECOND)
    store.fail("failed-early", NOW)
    owed = [target.key for target in store.owed(NOW + timedelta(hours=1))]
    assert owed == ["never-failed", "failed-early", "failed-late"]


@pytest.mark.parametrize(
    ("fails", "bound"),
    [
        (1, 10 * SECOND),
        (2, 20 * SECOND),
        (5, 160 * SECOND),
        (10, MAX_BACK_OFF),
        (10**9, MAX_BACK_OFF),
    ],
)
def test_the_back_off_is_anything_below_a_bound_that_doubles(fails: int, bound: timedelta) -> None:
    assert back_off(fails, 0.0) == SECOND
    assert back_off(fails, 0.5) == bound / 2
    assert back_off(fails, 0.999) < bound


@pytest.mark.parametrize("roll", [0.0, 0.5, 0.999])
def test_no_try_comes_before_the_time_that_was_asked_for(roll: float) -> None:
    asked = timedelta(minutes=10)
    assert next_try_at(NOW, 1, asked, roll) >= NOW + asked


@pytest.mark.parametrize("asked", [timedelta(days=365), timedelta(days=-1), timedelta(0)])
def test_an_absurd_retry_after_is_bounded(asked: timedelta) -> None:
    assert NOW < next_try_at(NOW, 99, asked, 0.999) <= NOW + MAX_WAIT


# What came of it


def run(repository: str, kind: OutcomeKind, minute: int) -> Run:
    started_at = NOW + timedelta(minutes=minute)
    return Run(repository, kind, f"run {minute}", started_at, started_at + SECOND)


def test_the_last_run_of_each_repository_is_remembered_exactly(store: Store) -> None:
    store.record(run("fleet", OutcomeKind.PROPOSED, 1))
    store.record(run("apps", OutcomeKind.STALLED, 2))
    store.record(run("fleet", OutcomeKind.FAILED, 3))
    assert store.last_runs() == {
        "fleet": run("fleet", OutcomeKind.FAILED, 3),
        "apps": run("apps", OutcomeKind.STALLED, 2),
    }


def test_the_last_success_is_the_end_of_the_last_run_that_neither_failed_nor_stalled(
    store: Store,
) -> None:
    store.record(run("fleet", OutcomeKind.UP_TO_DATE, 1))
    store.record(run("fleet", OutcomeKind.FAILED, 3))
    store.record(run("apps", OutcomeKind.STALLED, 2))
    assert store.last_successes() == {"fleet": run("fleet", OutcomeKind.UP_TO_DATE, 1).ended_at}


def test_the_history_of_a_repository_is_bounded(store: Store) -> None:
    store.record(run("apps", OutcomeKind.PROPOSED, 0))
    for minute in range(MAX_RUNS_PER_REPOSITORY + 5):
        store.record(run("fleet", OutcomeKind.UP_TO_DATE, minute))
    query = "select repository, count(*) from run group by 1"
    with store.database.reading() as connection:
        counts = {row[0]: row[1] for row in connection.exec_driver_sql(query)}
    assert counts == {"fleet": MAX_RUNS_PER_REPOSITORY, "apps": 1}


def test_runs_that_ended_before_a_moment_can_be_left_out(store: Store) -> None:
    store.record(run("fleet", OutcomeKind.PROPOSED, 1))
    store.record(run("apps", OutcomeKind.STALLED, 2))
    since = NOW + timedelta(minutes=2)
    assert store.last_runs(since) == {"apps": run("apps", OutcomeKind.STALLED, 2)}


# What was parsed


def test_the_cache_gives_back_what_was_put_and_nothing_for_what_was_not(store: Store) -> None:
    store.put_many({"a": b"1", "b": b""})
    store.put_many({"a": b"2"})
    store.put_many({})
    assert store.get_many(["a", "b", "c"]) == {"a": b"2", "b": b""}
    assert store.get_many([]) == {}


def test_the_cache_takes_tens_of_thousands_of_keys_at_once(store: Store) -> None:
    entries = {f"{number:040x}:1": b"x" * 50 for number in range(40_000)}
    store.put_many(entries)
    assert store.get_many(list(entries)) == entries


def test_the_cache_drops_what_was_not_used_longest(address: StoreAddress) -> None:
    times = (NOW + timedelta(hours=2 * number) for number in range(100))
    store = Store(address, clock=lambda: next(times), max_cache_bytes=1000)
    store.put_many({"oldest": b"x" * 300})
    store.put_many({"older": b"x" * 300})
    store.put_many({"newer": b"x" * 300})
    store.get_many(["oldest"])  # is used, so that "older" is now the one to go
    store.put_many({"newest": b"x" * 150})
    keys = ["oldest", "older", "newer", "newest"]
    assert set(store.get_many(keys)) == {"oldest", "newer", "newest"}
    store.close()


def test_the_cache_counts_what_an_earlier_process_left(lasting: StoreAddress) -> None:
    first = Store(lasting, max_cache_bytes=1000)
    first.put_many({"a": b"x" * 900})
    first.close()
    second = Store(lasting, max_cache_bytes=1000)
    second.put_many({"b": b"x" * 200})
    assert set(second.get_many(["a", "b"])) == {"b"}
    second.close()


def test_a_cache_in_trouble_remembers_nothing_and_stops_nobody(lasting: StoreAddress) -> None:
    store = Store(lasting)
    run_sql(lasting, "drop table occurrence_cache")
    store.put_many({"a": b"1"})
    assert store.get_many(["a"]) == {}
    store.close()


# The file


def test_what_is_owed_survives_the_process(lasting: StoreAddress) -> None:
    first = Store(lasting)
    first.request("fleet")
    first.fail("fleet", NOW)
    noted = first.target("fleet")
    first.close()
    second = Store(lasting)
    assert second.target("fleet") == noted
    second.close()


def test_a_deleted_file_is_made_again_and_costs_history_only(path: Path) -> None:
    store = Store(path)
    store.request("fleet")
    store.close()
    for leftover in path.parent.iterdir():
        leftover.unlink()
    store = Store(path)
    assert store.owed(NOW) == []
    store.close()


def test_a_file_that_is_no_database_is_refused_with_what_to_do(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(StoreError, match=r"imagebot\.db cannot be read") as refused:
        Store(path)
    assert "delete the file" in refused.value.hint
    assert not refused.value.can_retry


def test_a_damaged_file_is_refused_with_what_to_do(path: Path) -> None:
    store = Store(path)
    store.put_many({str(number): b"x" * 1000 for number in range(200)})
    store.close()
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 40] = b"\xff" * (4096 * 37)
    path.write_bytes(content)
    with pytest.raises(StoreError) as refused:
        Store(path)
    assert "delete the file" in refused.value.hint


def test_the_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("create table theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Store(path)
    assert path.read_bytes() == before


def test_a_file_that_is_opened_to_be_read_is_left_without_a_trace(path: Path) -> None:
    store = Store(path)
    store.digests.put_many({"a": b"1"})
    store.close()
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    database = Database(path, is_read_only=True)
    assert digests_to_read(database).get_many(["a", "b"]) == {"a": b"1"}
    with pytest.raises(StoreError, match="readonly"), database.writing() as connection:
        connection.exec_driver_sql("delete from target")
    database.close()
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_what_another_process_is_writing_can_be_read_meanwhile(path: Path) -> None:
    store = Store(path)
    database = Database(path, is_read_only=True)
    kept = digests_to_read(database)
    store.digests.put_many({"a": b"1"})  # stands in the write-ahead log alone
    assert kept.get_many(["a"]) == {"a": b"1"}
    store.close()
    database.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/below cannot be made"):
        Store(tmp_path / "file" / "below" / "imagebot.db")


def test_trouble_while_running_can_be_tried_again_and_is_told_in_our_words(path: Path) -> None:
    store = Store(path)
    with sqlite3.connect(path) as connection:
        connection.execute("drop table target")
    with pytest.raises(StoreUnavailable, match="no such table: target"):
        store.request("fleet")
    store.close()


def test_threads_lose_no_request(lasting: StoreAddress) -> None:
    store = Store(lasting)

    def request_often() -> None:
        for _ in range(50):
            store.request("fleet")
            store.owed(NOW)

    threads = [threading.Thread(target=request_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.target("fleet").requested == 400
    store.close()


# The lock

HOLD = """
import sys
from pathlib import Path
from imagebot.store import Store
with Store(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_is_first(path: Path) -> None:
    store = Store(path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid} .*imagebot.db$") as refused:
            store.lock()
        assert not refused.value.can_retry
        holder.kill()
        holder.wait()
    store.lock().release()  # a killed holder leaves nothing behind
    store.close()


def test_a_lock_can_be_taken_again_after_its_release(path: Path) -> None:
    store = Store(path)
    with store.lock(), pytest.raises(StoreError):
        store.lock()
    store.lock().release()
    store.close()


def test_a_store_whose_folder_was_moved_is_not_used_until_it_is_back(path: Path) -> None:
    store = Store(path)
    with store.lock():
        store.request("fleet")
        path.parent.rename(path.parent.with_name("elsewhere"))
        for use in (lambda: store.request("fleet"), lambda: store.owed(NOW)):
            with pytest.raises(StoreUnavailable, match=f"{path} was moved or deleted: put it back"):
                use()
        assert store.lost()
        assert not path.parent.exists()
        path.parent.with_name("elsewhere").rename(path.parent)
        assert store.lost() == ""
        assert [target.key for target in store.owed(NOW)] == ["fleet"]
    store.close()


@pytest.mark.parametrize("name", ["imagebot.db", "imagebot.db.lock"])
def test_a_store_of_which_a_file_was_deleted_is_not_used(path: Path, name: str) -> None:
    store = Store(path)
    with store.lock():
        (path.parent / name).unlink()
        with pytest.raises(StoreUnavailable, match="was moved or deleted"):
            store.request("fleet")
        assert store.lost()
    store.close()


def test_a_store_in_memory_has_nobody_to_lock_out() -> None:
    store = Store(None)
    with store.lock():
        store.lock().release()
    store.close()
