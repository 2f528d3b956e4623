"""Stores of older imagebots: brought up to date without loss, and newer ones refused."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from imagebot import migrations
from imagebot.database import Database
from imagebot.errors import StoreError
from imagebot.store import Store
from imagebot.store_address import StoreAddress, read_url
from imagebot.tables import schema
from tests.servers.postgresql import PostgreSQL

REVISIONS = "imagebot_revision"

# What imagebot made before it had revisions, by the number that it wrote down, as SQLite tells it.
NUMBERED = {
    1: """
CREATE TABLE imagebot_schema (version INTEGER NOT NULL, PRIMARY KEY (version));
CREATE TABLE target (
    "key" TEXT NOT NULL, requested INTEGER NOT NULL, done INTEGER NOT NULL,
    not_before FLOAT, fails INTEGER NOT NULL, PRIMARY KEY ("key"));
CREATE TABLE run (
    id INTEGER NOT NULL, repository TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
    started_at FLOAT NOT NULL, ended_at FLOAT NOT NULL, PRIMARY KEY (id));
CREATE INDEX run_by_repository ON run (repository, id);
CREATE TABLE occurrence_cache (
    "key" TEXT NOT NULL, content BLOB NOT NULL, size_bytes INTEGER NOT NULL,
    used_at FLOAT NOT NULL, PRIMARY KEY ("key"));
CREATE INDEX occurrence_cache_by_use ON occurrence_cache (used_at, size_bytes);
""",
    2: """
CREATE TABLE digest_cache (
    "key" TEXT NOT NULL, content BLOB NOT NULL, size_bytes INTEGER NOT NULL,
    used_at FLOAT NOT NULL, PRIMARY KEY ("key"));
CREATE INDEX digest_cache_by_use ON digest_cache (used_at, size_bytes);
CREATE TABLE sight_clock (id INTEGER NOT NULL, latest_at FLOAT NOT NULL, PRIMARY KEY (id));
CREATE TABLE sight_repository (
    id INTEGER NOT NULL, name TEXT NOT NULL, seeded_at FLOAT, PRIMARY KEY (id), UNIQUE (name));
CREATE TABLE sight (
    repository_id INTEGER NOT NULL, tag TEXT NOT NULL, first_seen_at FLOAT NOT NULL,
    is_seeded BOOLEAN NOT NULL, digest TEXT, moved_from TEXT,
    PRIMARY KEY (repository_id, tag)) WITHOUT ROWID;
""",
    3: """
CREATE TABLE image_use (
    target TEXT NOT NULL, image TEXT NOT NULL, interval_seconds FLOAT, followed TEXT NOT NULL,
    PRIMARY KEY (target, image));
CREATE INDEX image_use_by_image ON image_use (image);
CREATE TABLE image_poll (
    image TEXT NOT NULL, due_at FLOAT NOT NULL, claimed_until FLOAT, wanted_at FLOAT,
    polled_at FLOAT, changed_at FLOAT NOT NULL, fails INTEGER NOT NULL, trouble TEXT NOT NULL,
    fingerprint TEXT NOT NULL, etag TEXT NOT NULL, digests TEXT NOT NULL, PRIMARY KEY (image));
CREATE INDEX image_poll_by_due ON image_poll (due_at);
CREATE TABLE listing_cache (
    "key" TEXT NOT NULL, content BLOB NOT NULL, size_bytes INTEGER NOT NULL,
    used_at FLOAT NOT NULL, PRIMARY KEY ("key"));
CREATE INDEX listing_cache_by_use ON listing_cache (used_at, size_bytes);
""",
}
ROWS = {
    1: """
INSERT INTO target VALUES ('fleet', 7, 6, 1790000000.5, 2);
INSERT INTO run VALUES (3, 'fleet', 'proposed', 'one', 1790000000.25, 1790000001.5);
INSERT INTO occurrence_cache VALUES ('a', x'00ff', 2, 1790000000.0);
""",
    2: """
INSERT INTO digest_cache VALUES ('b', x'ff', 1, 1790000000.0);
INSERT INTO sight_clock VALUES (1, 1790000002.0);
INSERT INTO sight_repository VALUES (5, 'ghcr.io/acme/api', 1790000000.0);
INSERT INTO sight VALUES (5, '1.0', 1790000000.0, 1, 'sha256:aa', NULL);
""",
    3: "INSERT INTO image_use VALUES ('fleet', 'ghcr.io/acme/api', 60.0, '[]');",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "imagebot.sqlite"


def numbered(path: Path, number: int) -> None:
    with sqlite3.connect(path) as connection:
        for each in range(1, number + 1):
            connection.executescript(NUMBERED[each] + ROWS[each])
        connection.execute("INSERT INTO imagebot_schema VALUES (?)", (number,))
    connection.close()


def contents(path: Path) -> dict[str, list[dict[str, object]]]:
    """Rows by table, each by column."""
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        found = {
            name: [dict(row) for row in connection.execute(f'select * from "{name}"')]
            for (name,) in tables.fetchall()
        }
    connection.close()
    return found


def test_there_is_one_line_of_revisions_numbered_from_one() -> None:
    known = migrations.known_revisions()
    assert known == tuple(f"{number:04}" for number in range(len(known), 0, -1))
    folder = Path(migrations.__file__).parent
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [known[0]]
    assert [script.revision for script in scripts.walk_revisions()] == list(known)


def test_the_migrations_make_the_tables_that_the_program_knows(lasting: StoreAddress) -> None:
    database = Database(lasting)
    with database.reading() as connection:
        options = {"version_table": REVISIONS, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, schema)
    database.close()
    assert differences == []


def test_the_migrations_make_what_sqlite_would_be_told_to_make(path: Path) -> None:
    """The comparison of columns does not see tables without rowids."""
    Database(path).close()
    with sqlite3.connect(path) as connection:
        made = dict(connection.execute("select name, sql from sqlite_master"))
    for name in (REVISIONS, f"sqlite_autoindex_{REVISIONS}_1"):
        del made[name]
    database = Database(None)  # made without migrations
    with database.reading() as connection:
        rows = connection.exec_driver_sql("select name, sql from sqlite_master").all()
    database.close()
    assert _plain(made) == _plain({row[0]: row[1] for row in rows})


def _plain(statements: dict[str, str | None]) -> dict[str, str]:
    return {name: " ".join((text or "").split()) for name, text in statements.items()}


@pytest.mark.parametrize("number", list(NUMBERED))
def test_a_file_from_before_the_revisions_is_brought_up_to_date_and_loses_nothing(
    path: Path, number: int
) -> None:
    numbered(path, number)
    before = contents(path)
    Store(path).close()
    after = contents(path)
    assert before.pop("imagebot_schema") == [{"version": number}]
    assert len(before) == {1: 3, 2: 7, 3: 10}[number]
    for table, rows in before.items():
        assert [{**row, **old} for row, old in zip(after[table], rows, strict=True)] == after[table]


@pytest.mark.parametrize("number", list(NUMBERED))
def test_the_tables_of_an_upgraded_file_are_those_of_a_new_one(path: Path, number: int) -> None:
    numbered(path, number)
    database = Database(path)
    with database.reading() as connection:
        options = {"version_table": REVISIONS}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), schema)
    database.close()
    assert differences == []


def test_a_file_that_is_only_read_is_not_brought_up_to_date(path: Path) -> None:
    numbered(path, 1)
    before = path.read_bytes()
    database = Database(path, is_read_only=True)
    assert not database.is_current
    database.close()
    assert path.read_bytes() == before


def test_an_empty_database_that_is_only_read_is_left_empty(postgresql: PostgreSQL) -> None:
    name = postgresql.new_schema()
    where = read_url(postgresql.url(name))
    database = Database(where, is_read_only=True)
    assert not database.is_current
    database.close()
    query = "select count(*) from pg_tables where schemaname = %s"
    with postgresql.connect() as connection:
        assert connection.execute(query, (name,)).fetchone() == (0,)


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_store_of_a_newer_imagebot_is_refused(lasting: StoreAddress, is_read_only: bool) -> None:
    database = Database(lasting)
    with database.writing() as connection:
        connection.exec_driver_sql("update imagebot_revision set version_num = '9999'")
    database.close()
    known = migrations.known_revisions()[0]
    with pytest.raises(
        StoreError, match=f"has schema 9999, this imagebot knows {known}"
    ) as refused:
        Database(lasting, is_read_only=is_read_only)
    assert "run the imagebot that wrote it" in refused.value.hint
    assert not refused.value.can_retry


def test_a_numbered_file_of_a_newer_imagebot_is_refused(path: Path) -> None:
    numbered(path, 1)
    with sqlite3.connect(path) as connection:
        connection.execute("update imagebot_schema set version = 4711")
    connection.close()
    with pytest.raises(StoreError, match="has schema 4711"):
        Store(path)


def test_tables_of_another_program_in_postgresql_are_left_alone(postgresql: PostgreSQL) -> None:
    name = postgresql.new_schema()
    with postgresql.connect() as connection:
        connection.execute(f"create table {name}.run (theirs int)")
    with pytest.raises(StoreError, match="has a table run of another program"):
        Store(read_url(postgresql.url(name)))
    with postgresql.connect() as connection:
        connection.execute(f"alter table {name}.run rename to theirs")
    Store(read_url(postgresql.url(name))).close()  # beside others there is room


START = """
import sys
from imagebot.store import Store
from imagebot.store_address import read_url
store = Store(read_url(sys.argv[1]))
store.request("fleet")
store.close()
"""


def test_processes_that_start_at_once_migrate_once(postgresql: PostgreSQL, path: Path) -> None:
    numbered(path, 1)
    for url in (postgresql.url(postgresql.new_schema()), f"sqlite:///{path}"):
        starting = [
            subprocess.Popen([sys.executable, "-c", START, url], stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        for process in starting:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
        store = Store(read_url(url))
        assert store.target("fleet").requested == 4 + (7 if "sqlite" in url else 0)
        store.close()
