"""A table of bytes that may be forgotten: bounded in size, what was not used for longest leaves.

Does I/O: SQL over the store's database (database.py). What is kept saves work and is never the
truth, so a database in trouble keeps nothing, and says so in the log. Thread-safe.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from imagebot.database import Database, insert_into
from imagebot.errors import StoreError
from imagebot.troubles import Troubles

ROWS_PER_STATEMENT = 1000  # SQLite allows 32766 variables; the statement's text grows with them
_CHANGED = ("content", "size_bytes", "used_at")
_USE_NOTED_EVERY = timedelta(hours=1)  # so that reading what is unchanged does not write


def utc_now() -> datetime:
    return datetime.now(UTC)


class Kept:
    """Satisfies `interfaces.OccurrenceCache` and `interfaces.DigestCache`.

    Over a database that is opened to be read, nothing may be put, and use is not noted.
    """

    def __init__(
        self,
        database: Database,
        table: sa.Table,
        max_bytes: int,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._table = table
        self._max_bytes = max_bytes
        self._clock = clock
        self._troubles = Troubles()
        name = table.name.replace("_", " ")
        self._reading, self._noting = f"reading the {name}", f"writing the {name}"
        self._bytes = 0  # at most; exact after each count
        if not database.is_read_only:
            with database.reading() as connection:
                self._bytes = self._count_bytes(connection)

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """What is kept of `keys`."""
        now = self._clock()
        try:
            found, stale = self._found(keys, now)
            if not self._database.is_read_only:
                self._note_use(stale, now)
        except StoreError as error:
            self._troubles.note(self._reading, error, logging.WARNING)
            return {}
        self._troubles.end(self._reading)
        return found

    def put_many(self, entries: Mapping[str, bytes]) -> None:
        """Keep `entries`; those that were not used for the longest time make room."""
        now = self._clock()
        rows = [
            {"key": key, "content": content, "size_bytes": len(content), "used_at": now}
            for key, content in entries.items()
        ]
        if not rows:
            return
        try:
            with self._writing() as connection:
                statement = insert_into(self._table, connection)
                changed = {name: statement.excluded[name] for name in _CHANGED}
                statement = statement.on_conflict_do_update(index_elements=["key"], set_=changed)
                connection.execute(statement, rows)
                self._bytes += sum(len(content) for content in entries.values())
                if self._bytes > self._max_bytes:
                    self._make_room(connection)
        except StoreError as error:
            self._troubles.note(self._noting, error, logging.WARNING)
        else:
            self._troubles.end(self._noting)

    def _found(self, keys: Sequence[str], now: datetime) -> tuple[dict[str, bytes], list[str]]:
        """Content by key, and the keys whose use has to be noted anew."""
        columns = self._table.c
        query = sa.select(columns.key, columns.content, columns.used_at)
        found: dict[str, bytes] = {}
        stale: list[str] = []
        with self._database.reading() as connection:
            for part in parts(keys):
                for row in connection.execute(query.where(columns.key.in_(part))):
                    found[row.key] = row.content
                    if abs(now - row.used_at) > _USE_NOTED_EVERY:
                        stale.append(row.key)
        return found, stale

    def _note_use(self, keys: Sequence[str], now: datetime) -> None:
        if not keys:
            return
        with self._writing() as connection:
            for part in parts(keys):
                connection.execute(
                    self._table.update().where(self._table.c.key.in_(part)).values(used_at=now)
                )

    def _writing(self) -> AbstractContextManager[Connection]:
        return self._database.writing(self._table.name)

    def _make_room(self, connection: Connection) -> None:
        """Drop what was not used for longest until three quarters of the bound are left."""
        columns = self._table.c
        newest_first = sa.select(
            columns.key,
            sa.func.sum(columns.size_bytes)
            .over(order_by=(columns.used_at.desc(), columns.key))
            .label("bytes_so_far"),
        ).subquery()
        too_old = sa.select(newest_first.c.key).where(
            newest_first.c.bytes_so_far > self._max_bytes * 3 // 4
        )
        if self._count_bytes(connection) > self._max_bytes:
            connection.execute(self._table.delete().where(columns.key.in_(too_old)))
        self._bytes = self._count_bytes(connection)

    def _count_bytes(self, connection: Connection) -> int:
        total = sa.select(sa.func.coalesce(sa.func.sum(self._table.c.size_bytes), 0))
        return int(connection.execute(total).scalar_one())


def parts(keys: Sequence[str]) -> Iterator[list[str]]:
    """The keys in lists that fit into one statement."""
    remaining = iter(keys)
    while part := list(islice(remaining, ROWS_PER_STATEMENT)):
        yield part
