"""The tables of the store, and transactions over one SQLite file.

Does I/O. Knows how to open the file, refuse a damaged, foreign or newer one, and turn the
database's exceptions into ours; what the tables mean is `store.py`'s affair.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from imagebot.errors import SettingsError, StoreError, StoreUnavailable

SCHEMA_VERSION = 3
_GROWS_FROM = {1, 2}  # what came since then are tables alone
BUSY_TIMEOUT = timedelta(seconds=10)
_CONNECT: dict[str, Any] = {"timeout": BUSY_TIMEOUT.total_seconds(), "check_same_thread": False}
_COST = "that costs history, and the ages of tags start anew"


class Moment(sa.types.TypeDecorator[datetime]):
    """A point in time as seconds since 1970 in UTC: SQLite has no type that keeps the zone."""

    impl = sa.Float
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> float | None:
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


schema = sa.MetaData()
version = sa.Table(
    "imagebot_schema",
    schema,
    sa.Column("version", sa.Integer, primary_key=True),
)
targets = sa.Table(
    "target",
    schema,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("requested", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("not_before", Moment),
    sa.Column("fails", sa.Integer, nullable=False),
)
runs = sa.Table(
    "run",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("repository", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Index("run_by_repository", "repository", "id"),
)


def _kept(name: str) -> sa.Table:
    """A table of what may be forgotten: see kept.py."""
    return sa.Table(
        name,
        schema,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("used_at", Moment, nullable=False),
        sa.Index(f"{name}_by_use", "used_at", "size_bytes"),
    )


occurrences = _kept("occurrence_cache")
digests = _kept("digest_cache")
image_uses = sa.Table(
    "image_use",
    schema,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("interval_seconds", sa.Float),
    sa.Column("followed", sa.Text, nullable=False),  # tags in JSON
    sa.Index("image_use_by_image", "image"),
)
image_polls = sa.Table(
    "image_poll",
    schema,
    sa.Column("image", sa.Text, primary_key=True),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("claimed_until", Moment),
    sa.Column("wanted_at", Moment),
    sa.Column("polled_at", Moment),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("fails", sa.Integer, nullable=False),
    sa.Column("trouble", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),  # of the listing
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("digests", sa.Text, nullable=False),  # of followed tags, in JSON
    sa.Index("image_poll_by_due", "due_at"),
)
listings = _kept("listing_cache")
sight_clock = sa.Table(
    "sight_clock",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("latest_at", Moment, nullable=False),
)
sight_repositories = sa.Table(
    "sight_repository",
    schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("seeded_at", Moment),
)
sights = sa.Table(
    "sight",
    schema,
    sa.Column("repository_id", sa.Integer, primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Column("is_seeded", sa.Boolean, nullable=False),
    sa.Column("digest", sa.Text),
    sa.Column("moved_from", sa.Text),
    sqlite_with_rowid=False,
)


class Database:
    """Opens the file, and makes it when it is missing; `path` None is a database in memory.

    With `is_read_only` nothing is ever written, made or brought up to date.
    Raises StoreError when the file is damaged, not ours, or from a newer imagebot.
    """

    def __init__(self, path: Path | None, *, is_read_only: bool = False) -> None:
        self.path = path
        self.is_read_only = is_read_only
        self.is_current = True  # False: an empty or older file, only read, lacks the newer tables
        self._write_lock = threading.RLock()
        # In memory there is one connection, which cannot hold two transactions.
        self._read_lock: AbstractContextManager[object] = (
            self._write_lock if path is None else nullcontext()
        )
        self._engine = _engine(path, is_read_only=is_read_only)
        try:
            if is_read_only:
                self._look()
            else:
                self._open()
        except BaseException:
            self._engine.dispose()
            raise

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._translated(), self._read_lock, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One writer at a time; the lock spares SQLite's sleeping while it waits."""
        writer = self._engine.execution_options(imagebot_begin="BEGIN IMMEDIATE")
        with self._translated(), self._write_lock, writer.begin() as connection:
            yield connection

    def _open(self) -> None:
        with self.writing() as connection:
            if not self._tables(connection):
                schema.create_all(connection)
                connection.execute(version.insert().values(version=SCHEMA_VERSION))
            if self._found_version(connection) in _GROWS_FROM:
                schema.create_all(connection)
                connection.execute(version.update().values(version=SCHEMA_VERSION))
            self._check_version(connection)
            soundness = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if soundness != "ok":
                raise self._refusal(f"is damaged ({soundness})")
        self._turn_on_wal()

    def _look(self) -> None:
        with self.reading() as connection:
            is_made = bool(self._tables(connection))
            self.is_current = is_made and self._found_version(connection) not in _GROWS_FROM
            if self.is_current:
                self._check_version(connection)

    def _tables(self, connection: Connection) -> set[str]:
        names = set(sa.inspect(connection).get_table_names())
        if names and version.name not in names:
            raise self._refusal("is a database of another program", "name another file")
        return names

    def _turn_on_wal(self) -> None:
        """Readers and the writer do not wait for each other. Only now that the file is ours."""
        with self._translated():
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
            finally:
                connection.close()

    def _found_version(self, connection: Connection) -> int | None:
        return connection.execute(sa.select(sa.func.max(version.c.version))).scalar()

    def _check_version(self, connection: Connection) -> None:
        found = self._found_version(connection)
        if found != SCHEMA_VERSION:
            raise self._refusal(
                f"has schema {found}, this imagebot knows {SCHEMA_VERSION}",
                f"run the imagebot that wrote it, or delete the file: {_COST}",
            )

    def _refusal(self, message: str, hint: str = "") -> StoreError:
        hint = hint or f"delete the file and start again: {_COST}"
        return StoreError(f"the store {self.path or 'in memory'} {message}", hint=hint)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, sqlite3.OperationalError) as error:
            # A full disk shows as "disk I/O error" as often as by its name: both mean "later".
            raise StoreUnavailable(
                f"the store {self.path or 'in memory'} cannot be used: {_cause(error)}",
                hint="check that its folder is writable and its disk has room",
            ) from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._refusal(f"cannot be read: {_cause(error)}") from error


def _cause(error: Exception) -> object:
    """The database's own words, without the statement that SQLAlchemy adds."""
    return getattr(error, "orig", None) or error


def path_of(url_or_path: str | Path) -> Path | None:
    """The file behind a path or an SQLite URL; None for a store in memory."""
    text = str(url_or_path)
    if "://" not in text:
        return Path(text).absolute()
    scheme, _, rest = text.partition("://")
    if scheme != "sqlite":
        raise SettingsError(
            f"the store cannot live in {scheme!r}",
            hint="give a path, or sqlite:///relative or sqlite:////absolute/path",
        )
    return Path(rest.removeprefix("/")).absolute() if rest else None


def _engine(path: Path | None, *, is_read_only: bool) -> Engine:
    if path is not None and not is_read_only:
        _make_folder(path.parent)
    url = sa.URL.create("sqlite", database=str(path) if path else None)
    options: dict[str, Any] = {"connect_args": _CONNECT}
    if path is None:
        options["poolclass"] = sa.StaticPool
    elif is_read_only:
        options = {"creator": lambda: _opened_to_read(path), "poolclass": sa.NullPool}
    engine = sa.create_engine(url, **options)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _opened_to_read(path: Path) -> sqlite3.Connection:
    """Without a trace: SQLite would make the files of a WAL, which then belong to this user.

    Where there is no WAL, nobody writes; the connection lives for one look only.
    """
    has_wal = path.with_name(path.name + "-wal").exists()
    words = "mode=ro" if has_wal else "mode=ro&immutable=1"
    address = f"file:{quote(str(path))}?{words}"
    opened: sqlite3.Connection = sqlite3.connect(address, uri=True, **_CONNECT)
    return opened


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the store's folder {folder} cannot be made: {error.strerror}",
            hint="name a folder that this user may write",
        ) from error


def _prepare(connection: Any, record: object) -> None:
    # sqlite3 would begin transactions when it sees fit; _begin does so instead, since a reader
    # that turns writer in WAL mode fails at once, whatever the busy timeout.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get("imagebot_begin", "BEGIN")
    connection.exec_driver_sql(str(statement))
