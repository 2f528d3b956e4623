"""What imagebot remembers between reconciliations: what is owed, what came of it, what was parsed.

Does I/O: SQL over one SQLite file (database.py). Nothing here decides anything, and nothing here is
the truth: git, the registries and the forge are. Deleting the file costs history and time, never
correctness. `Store` satisfies `owed.StoreReader`, `owed.StoreWriter` and
`interfaces.OccurrenceCache`. Thread-safe.
"""

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from imagebot.database import Database, Moment, path_of
from imagebot.database import occurrences as occurrence_rows
from imagebot.database import runs as run_rows
from imagebot.database import targets as target_rows
from imagebot.errors import StoreError
from imagebot.filelock import FileLock
from imagebot.model import OutcomeKind
from imagebot.owed import Run, Target, next_try_at

log = logging.getLogger(__name__)

MAX_CACHE_BYTES = 64 * 1024 * 1024
MAX_RUNS_PER_REPOSITORY = 100
_ROWS_PER_STATEMENT = 1000  # SQLite allows 32766 variables; the statement's text grows with them
_USE_NOTED_EVERY = timedelta(hours=1)  # so that reading an unchanged tree does not write
_UNSUCCESSFUL = (OutcomeKind.STALLED, OutcomeKind.FAILED)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """Opens the file, and makes it when it is missing. `sqlite://` alone lives in memory.

    Raises StoreError when the file is damaged, not ours, or from a newer imagebot, and
    SettingsError for a kind of database that is not supported.
    """

    def __init__(
        self,
        url_or_path: str | Path,
        *,
        roll: Callable[[], float] = random.random,
        clock: Callable[[], datetime] = _utc_now,
        max_cache_bytes: int = MAX_CACHE_BYTES,
    ) -> None:
        self.path = path_of(url_or_path)
        self._roll = roll
        self._clock = clock
        self._max_cache_bytes = max_cache_bytes
        self._database = Database(self.path)
        with self._database.reading() as connection:
            self._cache_bytes = _count_cache_bytes(connection)  # at most; exact after each count

    def close(self) -> None:
        self._database.close()

    def lock(self) -> FileLock:
        """Keep the file for this process alone until the lock is released.

        Raises StoreError naming the process that has it. In memory there is nothing to share.
        """
        return FileLock(self.path and self.path.with_name(self.path.name + ".lock"))

    # What is owed

    def request(self, key: str) -> None:
        """Note that somebody wants `key` to be looked at, once more than before."""
        row = insert(target_rows).values(key=key, requested=1, done=0, fails=0)
        with self._database.writing() as connection:
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=["key"], set_={"requested": target_rows.c.requested + 1}
                )
            )

    def target(self, key: str) -> Target:
        """What is noted for `key`; never requested when nothing is."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(target_rows).where(target_rows.c.key == key)).first()
        return Target(key, 0, 0) if row is None else Target(*row)

    def owed(self, now: datetime) -> list[Target]:
        """Every target that is due, those that waited longest first."""
        query = (
            sa.select(target_rows)
            .where(target_rows.c.requested > target_rows.c.done)
            .order_by(sa.nulls_first(target_rows.c.not_before.asc()), target_rows.c.key)
        )
        with self._database.reading() as connection:
            targets = [Target(*row) for row in connection.execute(query)]
        return [target for target in targets if target.is_due(now)]

    def finish(self, key: str, read_requested: int) -> None:
        """Everything requested up to `read_requested` is done; later requests stay owed."""
        with self._database.writing() as connection:
            connection.execute(
                target_rows.update()
                .where(target_rows.c.key == key)
                .values(
                    done=sa.func.max(target_rows.c.done, read_requested), not_before=None, fails=0
                )
            )

    def fail(self, key: str, now: datetime, retry_after: timedelta | None = None) -> Target:
        """Leave `key` owed, but for later. Gives back what is noted now."""
        with self._database.writing() as connection:
            row = connection.execute(sa.select(target_rows).where(target_rows.c.key == key)).first()
            if row is None:
                return Target(key, 0, 0)
            noted = Target(*row)
            fails = noted.fails + 1
            not_before = next_try_at(now, fails, retry_after, self._roll())
            connection.execute(
                target_rows.update()
                .where(target_rows.c.key == key)
                .values(fails=fails, not_before=not_before)
            )
        return Target(key, noted.requested, noted.done, not_before, fails)

    # What came of it

    def record(self, run: Run) -> None:
        """Add to the history; the oldest beyond the last hundred of the repository are dropped."""
        kept = (
            sa.select(run_rows.c.id)
            .where(run_rows.c.repository == run.repository)
            .order_by(run_rows.c.id.desc())
            .limit(MAX_RUNS_PER_REPOSITORY)
        )
        with self._database.writing() as connection:
            connection.execute(
                run_rows.insert().values(
                    repository=run.repository,
                    kind=run.kind.value,
                    message=run.message,
                    started_at=run.started_at,
                    ended_at=run.ended_at,
                )
            )
            connection.execute(
                run_rows.delete()
                .where(run_rows.c.repository == run.repository)
                .where(run_rows.c.id.not_in(kept))
            )

    def last_runs(self) -> Mapping[str, Run]:
        """The newest run of each repository."""
        newest = sa.select(sa.func.max(run_rows.c.id)).group_by(run_rows.c.repository)
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(run_rows).where(run_rows.c.id.in_(newest))).all()
        return {
            row.repository: Run(
                row.repository,
                OutcomeKind(row.kind),
                row.message,
                row.started_at,
                row.ended_at,
            )
            for row in rows
        }

    def last_successes(self) -> Mapping[str, datetime]:
        """When each repository last came to an end that neither failed nor stalled."""
        query = (
            sa.select(run_rows.c.repository, sa.func.max(run_rows.c.ended_at, type_=Moment))
            .where(run_rows.c.kind.not_in([kind.value for kind in _UNSUCCESSFUL]))
            .group_by(run_rows.c.repository)
        )
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    # What was parsed: interfaces.OccurrenceCache

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """What is remembered of `keys`. A store in trouble remembers nothing, and says so."""
        now = self._clock()
        found: dict[str, bytes] = {}
        stale: list[str] = []
        query = sa.select(
            occurrence_rows.c.key, occurrence_rows.c.content, occurrence_rows.c.used_at
        )
        try:
            with self._database.reading() as connection:
                for part in _parts(keys):
                    for row in connection.execute(query.where(occurrence_rows.c.key.in_(part))):
                        found[row.key] = row.content
                        if abs(now - row.used_at) > _USE_NOTED_EVERY:
                            stale.append(row.key)
            self._note_use(stale, now)
        except StoreError as error:
            log.warning("the occurrence cache is not read: %(error)s", {"error": error})
        return found

    def put_many(self, entries: Mapping[str, bytes]) -> None:
        """Remember `entries`; those that were not used for the longest time make room."""
        now = self._clock()
        rows = [
            {"key": key, "content": content, "size_bytes": len(content), "used_at": now}
            for key, content in entries.items()
        ]
        statement = insert(occurrence_rows)
        statement = statement.on_conflict_do_update(
            index_elements=["key"],
            set_={name: statement.excluded[name] for name in ("content", "size_bytes", "used_at")},
        )
        if not rows:
            return
        try:
            with self._database.writing() as connection:
                connection.execute(statement, rows)
                self._cache_bytes += sum(len(content) for content in entries.values())
                if self._cache_bytes > self._max_cache_bytes:
                    self._make_room(connection)
        except StoreError as error:
            log.warning("the occurrence cache is not written: %(error)s", {"error": error})

    def _note_use(self, keys: Sequence[str], now: datetime) -> None:
        if not keys:
            return
        with self._database.writing() as connection:
            for part in _parts(keys):
                connection.execute(
                    occurrence_rows.update()
                    .where(occurrence_rows.c.key.in_(part))
                    .values(used_at=now)
                )

    def _make_room(self, connection: Connection) -> None:
        """Drop what was not used for longest until three quarters of the bound are left."""
        newest_first = sa.select(
            occurrence_rows.c.key,
            sa.func.sum(occurrence_rows.c.size_bytes)
            .over(order_by=(occurrence_rows.c.used_at.desc(), occurrence_rows.c.key))
            .label("bytes_so_far"),
        ).subquery()
        too_old = sa.select(newest_first.c.key).where(
            newest_first.c.bytes_so_far > self._max_cache_bytes * 3 // 4
        )
        if _count_cache_bytes(connection) > self._max_cache_bytes:
            connection.execute(occurrence_rows.delete().where(occurrence_rows.c.key.in_(too_old)))
        self._cache_bytes = _count_cache_bytes(connection)


def _count_cache_bytes(connection: Connection) -> int:
    total = sa.select(sa.func.coalesce(sa.func.sum(occurrence_rows.c.size_bytes), 0))
    return int(connection.execute(total).scalar_one())


def _parts(keys: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while part := list(islice(remaining, _ROWS_PER_STATEMENT)):
        yield part
