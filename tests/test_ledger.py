"""The ledger of first sights: no tag ever looks older than it is, whatever happens to it or us."""

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot import sight_rows
from imagebot.database import Database
from imagebot.errors import StoreError
from imagebot.image import Digest, Repository
from imagebot.interfaces import Ledger
from imagebot.ledger import PassingLedger, StoredLedger
from imagebot.model import Sighting, TagRecord
from imagebot.store import Store
from imagebot.store_address import StoreAddress
from tests.making import DIGEST_A, DIGEST_B
from tests.servers.postgresql import PostgreSQL

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
API = Repository("ghcr.io", "acme/api")
WEB = Repository("ghcr.io", "acme/web")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "imagebot.sqlite"


@pytest.fixture(params=["stored", "in memory", "passing", "passing over a file", "postgresql"])
def ledger(request: pytest.FixtureRequest, path: Path) -> Iterator[Ledger]:
    if request.param in ("stored", "in memory", "postgresql"):
        where: StoreAddress | Path | None = path if request.param == "stored" else None
        if request.param == "postgresql":
            server: PostgreSQL = request.getfixturevalue("postgresql")
            where = server.new_store()
        database = Database(where)
        yield StoredLedger(database)
        database.close()
        return
    below = None
    if request.param == "passing over a file":
        Store(path).close()
        below = Database(path, is_read_only=True)
    passing = PassingLedger(lambda: below)
    yield passing
    passing.close()


def point(ledger: Ledger, tag: str, digest: Digest, now: datetime) -> Sighting:
    return ledger.note_digests({(API, tag): digest}, now)[API, tag]


# Contract of both flavours


def test_tags_of_a_first_listing_are_of_unknown_age(ledger: Ledger) -> None:
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW)
    assert ledger.records(API) == {"1.0": TagRecord(NOW, True), "1.1": TagRecord(NOW, True)}
    assert ledger.records(WEB) == {}


def test_a_tag_of_a_later_listing_is_new_then(ledger: Ledger) -> None:
    ledger.note_listings({API: ["1.0"]}, NOW)
    ledger.note_listings({API: ["1.0", "1.1"], WEB: ["2.0"]}, NOW + HOUR)
    assert ledger.records(API) == {
        "1.0": TagRecord(NOW, True),
        "1.1": TagRecord(NOW + HOUR, False),
    }
    assert ledger.records(WEB) == {"2.0": TagRecord(NOW + HOUR, True)}


def test_the_first_look_at_a_digest_is_as_old_as_the_listing_of_its_tag(ledger: Ledger) -> None:
    ledger.note_listings({API: ["1.0"]}, NOW)
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW + HOUR)
    assert point(ledger, "1.0", DIGEST_A, NOW + 2 * HOUR) == Sighting(NOW, True)
    assert point(ledger, "1.1", DIGEST_A, NOW + 2 * HOUR) == Sighting(NOW + HOUR, False)
    assert ledger.records(API)["1.1"] == TagRecord(NOW + HOUR, False, DIGEST_A)


def test_a_tag_that_moved_starts_again_and_tells_from_where(ledger: Ledger) -> None:
    ledger.note_listings({API: ["1.0"]}, NOW)
    point(ledger, "1.0", DIGEST_A, NOW)
    moved = Sighting(NOW + HOUR, False, moved_from=DIGEST_A)
    assert point(ledger, "1.0", DIGEST_B, NOW + HOUR) == moved
    assert point(ledger, "1.0", DIGEST_B, NOW + 5 * HOUR) == moved
    assert ledger.records(API)["1.0"] == TagRecord(NOW + HOUR, False, DIGEST_B)


def test_a_tag_that_moved_back_starts_again_too(ledger: Ledger) -> None:
    for hours, digest in enumerate((DIGEST_A, DIGEST_B, DIGEST_A)):
        sighting = point(ledger, "1.0", digest, NOW + hours * HOUR)
    assert sighting == Sighting(NOW + 2 * HOUR, False, moved_from=DIGEST_B)


def test_a_tag_that_goes_and_comes_back_unchanged_keeps_its_first_sight(ledger: Ledger) -> None:
    ledger.note_listings({API: ["1.0"]}, NOW)
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW + HOUR)
    point(ledger, "1.1", DIGEST_A, NOW + HOUR)
    ledger.note_listings({API: ["1.0"]}, NOW + 2 * HOUR)
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW + 3 * HOUR)
    assert point(ledger, "1.1", DIGEST_A, NOW + 3 * HOUR) == Sighting(NOW + HOUR, False)


def test_a_tag_that_was_never_listed_is_of_unknown_age_while_its_repository_is(
    ledger: Ledger,
) -> None:
    assert point(ledger, "1.0", DIGEST_A, NOW) == Sighting(NOW, True)
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW + HOUR)
    assert ledger.records(API)["1.1"] == TagRecord(NOW + HOUR, True)
    assert point(ledger, "1.2", DIGEST_A, NOW + 2 * HOUR) == Sighting(NOW + 2 * HOUR, False)


def test_a_clock_that_was_set_back_makes_nothing_older(ledger: Ledger) -> None:
    years_ago = NOW - timedelta(days=2000)
    ledger.note_listings({API: ["1.0"]}, NOW)
    ledger.note_listings({API: ["1.0", "1.1"]}, years_ago)
    moved = point(ledger, "1.0", DIGEST_A, years_ago)
    assert moved == Sighting(NOW, True)
    assert point(ledger, "1.0", DIGEST_B, years_ago) == Sighting(NOW, False, moved_from=DIGEST_A)
    assert ledger.records(API)["1.1"] == TagRecord(NOW, False)
    assert ledger.records(API)["1.0"].first_seen_at == NOW


def test_the_zone_of_the_clock_does_not_matter(ledger: Ledger) -> None:
    ledger.note_listings({API: ["1.0"]}, NOW.astimezone(ZoneInfo("Asia/Kolkata")))
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW)
    assert ledger.records(API)["1.1"] == TagRecord(NOW, True)  # of the very same moment


def test_nothing_noted_is_nothing_known(ledger: Ledger) -> None:
    ledger.note_listings({}, NOW)
    ledger.note_listings({API: []}, NOW)
    assert ledger.note_digests({}, NOW) == {}
    assert ledger.records(API) == {}


def test_tens_of_thousands_of_tags_are_noted_at_once(ledger: Ledger) -> None:
    tags = [f"1.{number}.0" for number in range(20_000)]
    ledger.note_listings({API: tags}, NOW)
    ledger.note_listings({API: [*tags, "2.0.0"]}, NOW + HOUR)
    sightings = ledger.note_digests({(API, tag): DIGEST_A for tag in tags[:3000]}, NOW + HOUR)
    assert set(sightings.values()) == {Sighting(NOW, True)}
    records = ledger.records(API)
    assert len(records) == 20_001
    assert records["2.0.0"] == TagRecord(NOW + HOUR, False)


# Laws

Event = Callable[[Ledger, datetime], None]
TAGS = st.sampled_from(["1.0", "1.1", "2.0"])
REPOSITORIES = st.sampled_from([API, WEB])
LISTINGS = st.tuples(REPOSITORIES, st.sets(TAGS))
DIGESTS = st.sampled_from([DIGEST_A, DIGEST_B])
POINTS = st.tuples(REPOSITORIES, TAGS, DIGESTS)
CLOCKS = st.integers(-72, 72).map(lambda hours: NOW + hours * HOUR)
law = settings(deadline=None, max_examples=30)
HISTORIES = st.lists(st.tuples(LISTINGS | POINTS, CLOCKS, st.booleans()), max_size=8)


@cache
def made(number: int) -> Database:
    return Database(None)


def emptied(number: int = 0) -> Database:
    """A database in memory; making one anew for each example would take most of the time."""
    database = made(number)
    with database.writing() as connection:
        for table in ("sight", "sight_repository", "sight_clock"):
            connection.exec_driver_sql(f"delete from {table}")
    return database


def note(ledger: Ledger, event: tuple[object, ...], now: datetime) -> None:
    if len(event) == 2:
        repository, tags = event
        assert isinstance(repository, Repository)
        assert isinstance(tags, set | frozenset)
        ledger.note_listings({repository: sorted(tags)}, now)
    else:
        repository, tag, digest = event
        assert isinstance(repository, Repository)
        assert isinstance(digest, Digest)
        ledger.note_digests({(repository, str(tag)): digest}, now)


def everything(ledger: Ledger) -> dict[tuple[Repository, str], TagRecord]:
    return {
        (repository, tag): record
        for repository in (API, WEB)
        for tag, record in ledger.records(repository).items()
    }


@law
@given(HISTORIES)
def test_a_first_sight_changes_only_when_its_tag_moves_whatever_the_clock_does(
    history: list[tuple[tuple[object, ...], datetime, bool]],
) -> None:
    database = emptied()
    ledger = StoredLedger(database)
    for event, now, restarts in history:
        before = everything(ledger)
        ledger = StoredLedger(database) if restarts else ledger
        note(ledger, event, now)
        after = everything(ledger)
        assert before.keys() <= after.keys()
        for key, record in before.items():
            has_moved = record.digest not in (None, after[key].digest)
            same_age = (record.first_seen_at, record.is_seeded)
            assert has_moved or same_age == (after[key].first_seen_at, after[key].is_seeded)
            assert after[key].first_seen_at >= record.first_seen_at
            assert not has_moved or not after[key].is_seeded


@law
@given(HISTORIES)
def test_no_tag_seems_to_have_been_there_when_it_was_not_known_yet(
    history: list[tuple[tuple[object, ...], datetime, bool]],
) -> None:
    database = emptied()
    ledger = StoredLedger(database)
    latest = since_restart = datetime.fromtimestamp(0, UTC)
    for event, now, restarts in history:
        known = everything(ledger)
        if restarts:
            ledger, since_restart = StoredLedger(database), datetime.fromtimestamp(0, UTC)
        note(ledger, event, now)
        for key in everything(ledger).keys() - known.keys():
            first_seen_at = everything(ledger)[key].first_seen_at
            assert first_seen_at >= max(now, since_restart)
            assert first_seen_at > latest - HOUR  # over a restart, time is kept to the hour
        latest, since_restart = max(latest, now), max(since_restart, now)


@law
@given(
    HISTORIES,
    st.lists(LISTINGS | st.tuples(REPOSITORIES, TAGS, st.just(DIGEST_A)), max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_of_what_is_noted_in_one_moment_does_not_matter(
    history: list[tuple[tuple[object, ...], datetime, bool]],
    events: list[tuple[object, ...]],
    random: object,
) -> None:
    later = NOW + 100 * HOUR
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    results = []
    for order in (events, shuffled):
        database = emptied()
        ledger = StoredLedger(database)
        for event, now, _ in history:
            note(ledger, event, now)
        for event in order:
            note(ledger, event, later)
        results.append(everything(ledger))
    assert results[0] == results[1]


@law
@given(HISTORIES, LISTINGS)
def test_losing_the_ledger_makes_ages_unknown_and_never_longer(
    history: list[tuple[tuple[object, ...], datetime, bool]], listing: tuple[object, ...]
) -> None:
    later = NOW + 100 * HOUR
    kept, lost = emptied(), emptied(1)
    for event, now, _ in history:
        note(StoredLedger(kept), event, now)
    note(StoredLedger(kept), listing, later)
    note(StoredLedger(lost), listing, later)
    remembered = everything(StoredLedger(kept))
    for key, record in everything(StoredLedger(lost)).items():
        assert record.is_seeded
        assert record.first_seen_at >= remembered[key].first_seen_at


@law
@given(HISTORIES, HISTORIES)
def test_a_passing_ledger_says_what_the_stored_one_would(
    before: list[tuple[tuple[object, ...], datetime, bool]],
    after: list[tuple[tuple[object, ...], datetime, bool]],
) -> None:
    below, own = emptied(), emptied(1)
    for event, now, _ in before:
        note(StoredLedger(below), event, now)
        note(StoredLedger(own), event, now)
    passing, stored = PassingLedger(lambda: below), StoredLedger(own)
    untouched = everything(StoredLedger(below))
    for event, now, _ in after:
        note(passing, event, now)
        note(stored, event, now)
    assert everything(passing) == everything(stored)
    assert everything(StoredLedger(below)) == untouched
    passing.close()


# The stored one


def test_what_was_seen_survives_the_process(lasting: StoreAddress) -> None:
    first = Store(lasting)
    StoredLedger(first.database).note_listings({API: ["1.0"]}, NOW)
    first.close()
    second = Store(lasting)
    ledger = StoredLedger(second.database)
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW + HOUR)
    assert ledger.records(API)["1.1"] == TagRecord(NOW + HOUR, False)
    assert ledger.records(API)["1.0"] == TagRecord(NOW, True)
    second.close()


def test_a_clock_set_back_before_a_restart_is_found_out(lasting: StoreAddress) -> None:
    database = Database(lasting)
    StoredLedger(database).note_listings({API: ["1.0"]}, NOW)
    StoredLedger(database).note_listings({API: ["1.0"]}, NOW + 48 * HOUR)  # nothing is new
    database.close()
    database = Database(lasting)
    ledger = StoredLedger(database)
    ledger.note_listings({API: ["1.0", "1.1"]}, NOW - timedelta(days=2000))
    assert ledger.records(API)["1.1"] == TagRecord(NOW + 48 * HOUR, False)
    database.close()


def test_nothing_is_written_when_nothing_is_new(path: Path) -> None:
    database = Database(path)
    ledger = StoredLedger(database)
    with sqlite3.connect(path) as watcher:

        def commits() -> int:
            return int(watcher.execute("pragma data_version").fetchone()[0])

        tags = [f"1.{number}" for number in range(3000)]
        start = commits()
        ledger.note_listings({API: tags, WEB: ["1.0"]}, NOW)
        ledger.note_digests({(API, tag): DIGEST_A for tag in tags}, NOW)
        noted = commits()
        assert noted != start
        ledger.note_listings({API: tags[5:], WEB: ["1.0"]}, NOW + timedelta(minutes=1))
        ledger.note_digests({(API, tag): DIGEST_A for tag in tags}, NOW + timedelta(minutes=1))
        assert commits() == noted
    watcher.close()
    database.close()


def test_a_repository_that_lists_ever_other_tags_cannot_fill_the_disk(
    lasting: StoreAddress,
) -> None:
    database = Database(lasting)
    ledger = StoredLedger(database, max_tags_per_repository=25)
    for turn in range(10):
        tags = [f"{turn}.{number}" for number in range(10)]
        ledger.note_listings({API: tags, WEB: ["1.0"]}, NOW + turn * HOUR)
        assert set(tags) <= ledger.records(API).keys()
        assert len(ledger.records(API)) <= 25
    ledger.note_listings({API: ["0.0"]}, NOW + 10 * HOUR)
    assert ledger.records(API)["0.0"] == TagRecord(NOW + 10 * HOUR, False)  # younger, never older
    assert ledger.records(WEB) == {"1.0": TagRecord(NOW, True)}
    database.close()


def test_threads_that_reconcile_at_once_agree_on_every_first_sight(lasting: StoreAddress) -> None:
    databases = [Database(lasting), Database(lasting)]  # as two processes have
    ledgers = [StoredLedger(database) for database in databases]
    tags = [f"1.{number}" for number in range(200)]
    start = threading.Barrier(8)
    seen: list[dict[str, Sighting]] = []
    failures: list[Exception] = []

    def reconcile(number: int) -> None:
        ledger, now = ledgers[number % 2], NOW + number * timedelta(seconds=1)
        try:
            start.wait(10)
            for part in (tags[:50], tags, tags[number:]):
                ledger.note_listings({API: part, WEB: part}, now)
            noted = ledger.note_digests({(API, tag): DIGEST_A for tag in tags}, now)
            seen.append({tag: sighting for (_, tag), sighting in noted.items()})
        except Exception as error:  # noqa: BLE001 - whatever it is, the test fails with it
            failures.append(error)

    threads = [threading.Thread(target=reconcile, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(seen) == 8
    assert all(sightings == seen[0] for sightings in seen)
    records = ledgers[0].records(API)
    assert records.keys() == set(tags)
    assert all(record.digest == DIGEST_A for record in records.values())
    assert all(NOW <= record.first_seen_at < NOW + HOUR for record in records.values())
    for database in databases:
        database.close()


@pytest.mark.parametrize("table", ["sight", "sight_repository", "sight_clock"])
def test_trouble_is_told_as_the_stores(lasting: StoreAddress, table: str) -> None:
    database = Database(lasting)
    ledger = StoredLedger(database)
    ledger.note_listings({API: ["1.0"]}, NOW)
    with database.writing() as connection:
        connection.exec_driver_sql(f"drop table {table}")
    with pytest.raises(StoreError, match=re.escape(lasting.name)):
        ledger.note_listings({API: ["1.0", "1.1"]}, NOW)
    with pytest.raises(StoreError, match=re.escape(lasting.name)):
        ledger.note_digests({(API, "1.0"): DIGEST_A}, NOW)
    database.close()


# The passing one


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def passing_over(path: Path) -> PassingLedger:
    return PassingLedger(lambda: Database(path, is_read_only=True) if path.is_file() else None)


def test_a_passing_ledger_knows_the_file_and_leaves_it_as_it_is(path: Path) -> None:
    store = Store(path)
    StoredLedger(store.database).note_listings({API: ["1.0"]}, NOW)
    store.close()
    before = files(path.parent)
    passing = passing_over(path)
    passing.note_listings({API: ["1.0", "1.1"]}, NOW + HOUR)
    assert passing.records(API) == {
        "1.0": TagRecord(NOW, True),
        "1.1": TagRecord(NOW + HOUR, False),
    }
    passing.close()
    assert files(path.parent) == before


def test_a_passing_ledger_makes_no_file(path: Path) -> None:
    passing = passing_over(path)
    passing.note_listings({API: ["1.0"]}, NOW)
    assert passing.records(API) == {"1.0": TagRecord(NOW, True)}
    passing.close()
    assert files(path.parent) == {}


@pytest.mark.parametrize("is_empty", [False, True])
def test_a_passing_ledger_over_an_older_or_empty_file_knows_nothing_of_it(
    path: Path, is_empty: bool
) -> None:
    if is_empty:
        path.touch()
    else:
        Store(path).close()
        with sqlite3.connect(path) as connection:
            connection.execute("drop table sight")
            connection.execute("update imagebot_revision set version_num = '0001'")
        connection.close()
    passing = passing_over(path)
    passing.note_listings({API: ["1.0"]}, NOW)
    assert passing.records(API) == {"1.0": TagRecord(NOW, True)}
    passing.close()


def test_a_passing_ledger_over_a_damaged_file_says_so_each_time(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to look at" * 100)
    passing = passing_over(path)
    asked: Sequence[Callable[[], object]] = (
        lambda: passing.note_listings({API: ["1.0"]}, NOW),
        lambda: passing.note_listings({API: ["1.0"]}, NOW),
        lambda: passing.records(API),
        lambda: point(passing, "1.0", DIGEST_A, NOW),
    )
    for ask in asked:
        with pytest.raises(StoreError, match="cannot be read"):
            ask()
    passing.close()


def test_a_clock_far_behind_the_ledger_is_told_with_what_to_do(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.note_listings({API: ["1.0.0"]}, NOW + timedelta(days=2))
    assert caplog.records == []
    ledger.note_listings({API: ["1.0.0", "1.1.0"]}, NOW)
    assert any("set the clock right" in each.getMessage() for each in caplog.records)


def test_another_process_whose_clock_is_behind_does_not_turn_the_noted_time_back() -> None:
    database = Database(None)
    with database.writing() as connection:
        sight_rows.set_latest(connection, NOW + timedelta(days=2))
        sight_rows.set_latest(connection, NOW)
        assert sight_rows.latest(connection) == NOW + timedelta(days=2)
    database.close()
