"""Transactions over the store's database: a file of SQLite, or PostgreSQL.

Does I/O. Knows how to open it, bring it up to date, refuse a damaged, foreign or newer one, and
turn the database's exceptions into ours; what the tables (tables.py) mean is `store.py`'s affair.
"""

import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from imagebot import engines, migrations
from imagebot.errors import StoreError, StoreUnavailable
from imagebot.store_address import MEMORY, StoreAddress, in_file
from imagebot.tables import schema

_COST = "that costs history, and the ages of tags start anew"
_MIGRATING = "migrating"  # a room, see `writing`
_URL = "mend user, password and database of its URL, or what the server's pg_hba.conf says of them"
# A connection that is not made has no SQLSTATE. What none of these is in may pass.
_REFUSALS = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|FATAL: +(role|database) .* does not exist|permission denied for database"
    r"|not permitted to log in|does not support SSL"
)
_MAY_NOT = "42501"  # the SQLSTATE of insufficient_privilege
_GRANT = "GRANT USAGE, CREATE ON SCHEMA ... TO its user, or make it the owner of its database"


class Database:
    """Opens the database, makes it when it is empty, and brings an older one up to date.

    A path is a file of SQLite; None is a database in memory. With `is_read_only` nothing is ever
    written, made or brought up to date. Raises StoreError when the database is damaged, not ours,
    or from a newer imagebot, and StoreUnavailable when it does not answer.
    """

    def __init__(self, where: StoreAddress | Path | None, *, is_read_only: bool = False) -> None:
        self.address = where if isinstance(where, StoreAddress) else _address(where)
        self.is_read_only = is_read_only
        self.is_in_place: Callable[[], bool] = _always
        self.is_current = True  # False: an empty or older one, only read, lacks the newer tables
        self._write_lock: AbstractContextManager[object] = (
            nullcontext() if self.is_shared else threading.RLock()
        )
        # In memory there is one connection, which cannot hold two transactions.
        self._read_lock: AbstractContextManager[object] = (
            self._write_lock if self.address == MEMORY else nullcontext()
        )
        self._engine = engines.engine_for(self.address, is_read_only=is_read_only)
        try:
            if is_read_only:
                self._look()
            else:
                self._open()
        except BaseException:
            self._engine.dispose()
            raise

    @property
    def is_shared(self) -> bool:
        """Whether several processes may run over it at once."""
        return self.address.server is not None

    @property
    def loss(self) -> str:
        """What is said while it is not in its place."""
        name = self.address.name
        return f"the store {name} was moved or deleted: put it back, or start imagebot again"

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._check_place()
        with self.translated(), self._read_lock, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, room: str = "") -> Iterator[Connection]:
        """One writer at a time, who sees what the one before him wrote.

        SQLite has one writer in all, and the lock spares its sleeping while it waits. In
        PostgreSQL those of one `room` take turns, so that none overwrites what another process
        wrote after he read it.
        """
        self._check_place()
        writer = self._engine.execution_options(imagebot_begin="BEGIN IMMEDIATE")
        with self.translated(), self._write_lock, writer.begin() as connection:
            if self.is_shared:
                if room == _MIGRATING:
                    connection.execute(_BE_PATIENT)
                connection.execute(_TAKE_TURN, {"room": f"imagebot {room}"})
            yield connection

    def _check_place(self) -> None:
        if not self.is_in_place():
            raise StoreUnavailable(self.loss)

    def _open(self) -> None:
        with self.writing(_MIGRATING) as connection:
            found = self._checked_revision(connection)
            if self.address == MEMORY:
                schema.create_all(connection)
            elif found != migrations.known_revisions()[0]:
                migrations.upgrade(connection)
            if not self.is_shared:
                soundness = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                if soundness != "ok":
                    raise self._refusal(f"is damaged ({soundness})")
        if not self.is_shared:
            self._turn_on_wal()

    def _look(self) -> None:
        with self.reading() as connection:
            found = self._checked_revision(connection)
        self.is_current = found == migrations.known_revisions()[0]

    def _checked_revision(self, connection: Connection) -> str | None:
        """The revision that the database is at, None for an empty one."""
        found = migrations.found_revision(connection)
        if found is None:
            self._check_is_free(connection)
        elif found not in migrations.known_revisions():
            raise self._refusal(
                f"has schema {found}, this imagebot knows {migrations.known_revisions()[0]}",
                f"run the imagebot that wrote it, or {self._removal}: {_COST}",
            )
        return found

    def _check_is_free(self, connection: Connection) -> None:
        """A database of PostgreSQL may hold what is another's; a file is one program's."""
        names = set(sa.inspect(connection).get_table_names())
        if self.is_shared and (taken := names & set(schema.tables)):
            hint = "name another database, or another schema with ?options=-csearch_path%3DNAME"
            raise self._refusal(f"has a table {min(taken)} of another program", hint)
        if names and not self.is_shared:
            raise self._refusal("is a database of another program", "name another file")

    def _turn_on_wal(self) -> None:
        """Readers and the writer do not wait for each other. Only now that the file is ours."""
        with self.translated():
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
            finally:
                connection.close()

    @property
    def _removal(self) -> str:
        return "empty its database" if self.is_shared else "delete the file"

    def _refusal(self, message: str, hint: str = "") -> StoreError:
        hint = hint or f"{self._removal} and start again: {_COST}"
        return StoreError(f"the store {self.address.name} {message}", hint=hint)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """The library's exceptions become ours."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            if not _is_passing(error):
                hint = _GRANT if _sql_state(error) == _MAY_NOT else ""
                hint = _URL if _is_refused(error) else hint
                raise self._refusal(f"cannot be read: {self._cause(error)}", hint) from error
            hint = (
                "check that it runs, and the URL; what runs goes on when the database answers"
                if self.is_shared
                else "check that its folder is writable and its disk has room"
            )
            raise StoreUnavailable(
                f"the store {self.address.name} cannot be used: {self._cause(error)}",
                hint=hint,
            ) from error

    def _cause(self, error: Exception) -> str:
        """The database's own words in one line, without the statement that SQLAlchemy adds."""
        words = " ".join(str(getattr(error, "orig", None) or error).split())
        password = self._password()
        return words.replace(password, "****") if password else words

    def _password(self) -> str:
        server = self.address.server
        return str(sa.make_url(server.reveal()).password or "") if server else ""


def insert_into(table: sa.Table, connection: Connection) -> "sqlite.Insert | postgresql.Insert":
    """An insert that knows `on_conflict_do_update`, which each database's has for itself."""
    is_lite = connection.dialect.name == "sqlite"
    return sqlite.insert(table) if is_lite else postgresql.insert(table)


_BE_PATIENT = sa.text("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0")
_TAKE_TURN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:room, 0))")


def _always() -> bool:
    return True


def _address(path: Path | None) -> StoreAddress:
    return MEMORY if path is None else in_file(path)


def _sql_state(error: Exception) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def _is_refused(error: Exception) -> bool:
    """Whether the database answered that it lets this user in no more than now."""
    is_about_connecting = isinstance(error, OperationalError) and not _sql_state(error)
    return is_about_connecting and bool(_REFUSALS.search(str(error)))


def _is_passing(error: Exception) -> bool:
    """Whether it may work later: the disk is full, the server is away, somebody is in the way.

    A full disk shows in SQLite as "disk I/O error" as often as by its name: both mean "later".
    """
    if _is_refused(error):
        return False
    if isinstance(
        error, OperationalError | InterfaceError | sqlite3.OperationalError | PoolTimeout
    ):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated
