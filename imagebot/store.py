"""What imagebot remembers between reconciliations: what is owed, what came of it, what was parsed.

Does I/O: SQL over one database (database.py). Nothing here decides anything, and nothing here is
the truth: git, the registries and the forge are. Losing it costs history and time, and the ages
that the ledger (ledger.py) keeps in it; never correctness. `Store` satisfies
`owed.StoreReader`, `owed.StoreWriter` and `interfaces.OccurrenceCache`. Thread-safe.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from imagebot.database import Database, insert_into
from imagebot.filelock import FileLock
from imagebot.host_limits import LocalLimits, SharedLimits, limits_for
from imagebot.kept import Kept, parts, utc_now
from imagebot.locks import LocalLocks, SharedLocks, locks_for
from imagebot.owed import Run, Target, next_try_at
from imagebot.proposals import OutcomeKind
from imagebot.store_address import StoreAddress
from imagebot.tables import Moment, earlier
from imagebot.tables import digests as digest_rows
from imagebot.tables import occurrences as occurrence_rows
from imagebot.tables import runs as run_rows
from imagebot.tables import targets as target_rows

MAX_CACHE_BYTES = 64 * 1024 * 1024
MAX_DIGEST_BYTES = 32 * 1024 * 1024  # some hundred thousand digests
MAX_RUNS_PER_REPOSITORY = 100
_TARGET = [target_rows.c[field.name] for field in fields(Target)]
_UNSUCCESSFUL = (OutcomeKind.STALLED, OutcomeKind.FAILED)


def digests_to_read(database: Database) -> Kept:
    """What the store remembers of digests, for those who may not write."""
    return Kept(database, digest_rows, MAX_DIGEST_BYTES)


def occurrences_to_read(database: Database) -> Kept:
    """What the store remembers of blobs, likewise."""
    return Kept(database, occurrence_rows, MAX_CACHE_BYTES)


class Store:
    """Opens the database, and makes it when it is missing; see `Database`, which raises."""

    def __init__(
        self,
        where: StoreAddress | Path | None,
        *,
        roll: Callable[[], float] = random.random,
        clock: Callable[[], datetime] = utc_now,
        max_cache_bytes: int = MAX_CACHE_BYTES,
        max_runs: int = MAX_RUNS_PER_REPOSITORY,
        is_read_only: bool = False,
    ) -> None:
        self._roll = roll
        self._max_runs = max_runs
        self.database = Database(
            where, is_read_only=is_read_only
        )  # the ledger and the memory of digests share it
        self.locks: LocalLocks | SharedLocks = locks_for(self.database)
        self.host_limits: LocalLimits | SharedLimits = limits_for(self.database)
        self._occurrences = Kept(self.database, occurrence_rows, max_cache_bytes, clock)
        self.digests = Kept(self.database, digest_rows, MAX_DIGEST_BYTES, clock)

    def close(self) -> None:
        self.locks.close()
        self.database.close()

    def lock(self) -> FileLock:
        """Keep a file for this process alone until the lock is released.

        From then on the store is not used where its folder was moved or deleted: SQLite would write
        on into a file that has no name any more.
        Raises StoreError naming the process that has it. Memory nobody can share, and PostgreSQL
        everybody may.
        """
        file = self.database.address.file
        lock = FileLock(file and file.with_name(file.name + ".lock"))
        self.database.is_in_place = lambda: lock.is_in_place() and (file is None or file.exists())
        return lock

    def lost(self) -> str:
        """Why nothing can be kept any more, where only a fresh start would help; else empty."""
        return "" if self.database.is_in_place() else self.database.loss

    # What is owed

    def request(self, key: str) -> None:
        """Note that somebody wants `key` to be looked at, once more than before."""
        with self._writing_targets() as connection:
            row = insert_into(target_rows, connection)
            row = row.values(key=key, requested=1, done=0, fails=0)
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=["key"], set_={"requested": target_rows.c.requested + 1}
                )
            )

    def request_in_turn(self, key: str, within: timedelta) -> timedelta:
        """Request `key` unless another process did so for its interval; gives back how long ago.

        By the database's clock, since those of several machines differ. Zero: it was requested
        now, as it always is where no other process can have done so.
        """
        if not self.database.is_shared:
            self.request(key)
            return timedelta(0)
        variables = {"key": key, "within": within.total_seconds()}
        with self._writing_targets() as connection:
            ago = connection.execute(_POLLED_AGO, variables).scalar()
            if ago is not None and 0 <= ago < within.total_seconds():
                return timedelta(seconds=ago)
            connection.execute(_POLL, variables)
        return timedelta(0)

    def target(self, key: str) -> Target:
        """What is noted for `key`; never requested when nothing is."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(*_TARGET).where(target_rows.c.key == key)).first()
        return Target(key, 0, 0) if row is None else Target(*row)

    def targets(self) -> Mapping[str, Target]:
        """All that were ever requested."""
        with self.database.reading() as connection:
            found = [Target(*row) for row in connection.execute(sa.select(*_TARGET))]
        return {target.key: target for target in found}

    def owed(self, now: datetime) -> list[Target]:
        """Every target that is due, those that waited longest first."""
        query = (
            sa.select(*_TARGET)
            .where(target_rows.c.requested > target_rows.c.done)
            .order_by(sa.nulls_first(target_rows.c.not_before.asc()), target_rows.c.key)
        )
        with self.database.reading() as connection:
            targets = [Target(*row) for row in connection.execute(query)]
        return [target for target in targets if target.is_due(now)]

    def finish(self, key: str, read_requested: int) -> None:
        """Everything requested up to `read_requested` is done; later requests stay owed."""
        done = sa.case(
            (target_rows.c.done > read_requested, target_rows.c.done), else_=read_requested
        )
        with self._writing_targets() as connection:
            connection.execute(
                target_rows.update()
                .where(target_rows.c.key == key)
                .values(done=done, not_before=None, fails=0)
            )

    def set_back(self, by: timedelta) -> None:
        """The clock was set back: what may be tried again at a time may be so much earlier."""
        with self._writing_targets() as connection:
            column = target_rows.c.not_before
            connection.execute(target_rows.update().values(not_before=earlier(column, by)))

    def fail(self, key: str, now: datetime, retry_after: timedelta | None = None) -> Target:
        """Leave `key` owed, but for later. Gives back what is noted now."""
        with self._writing_targets() as connection:
            row = connection.execute(sa.select(*_TARGET).where(target_rows.c.key == key)).first()
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

    def _writing_targets(self) -> AbstractContextManager[Connection]:
        return self.database.writing(target_rows.name)

    def forget(self, known: Collection[str], before: datetime) -> int:
        """Drop what is noted of keys that are not known and were not run since.

        Gives back how many keys that were.
        """
        recent = sa.select(run_rows.c.repository).where(run_rows.c.ended_at >= before)
        with self._writing_targets() as connection:
            keys = set(connection.execute(sa.select(target_rows.c.key)).scalars())
            keys -= set(connection.execute(recent.distinct()).scalars()) | set(known)
            for part in parts(sorted(keys)):
                connection.execute(target_rows.delete().where(target_rows.c.key.in_(part)))
                connection.execute(run_rows.delete().where(run_rows.c.repository.in_(part)))
        return len(keys)

    # What came of it

    def record(self, run: Run) -> None:
        """Add to the history; the oldest of the repository, beyond `max_runs`, are dropped."""
        kept = (
            sa.select(run_rows.c.id)
            .where(run_rows.c.repository == run.repository)
            .order_by(run_rows.c.id.desc())
            .limit(self._max_runs)
        )
        with self.database.writing(run_rows.name) as connection:
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

    def runs(self, repository: str, limit: int) -> Sequence[Run]:
        """The newest runs of one git repository, newest first."""
        query = sa.select(run_rows).where(run_rows.c.repository == repository)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(run_rows.c.id.desc()).limit(limit)).all()
        return [_run(row) for row in rows]

    def newest_runs(self, limit: int) -> Mapping[str, Sequence[Run]]:
        """So many of each git repository, newest first."""
        if limit == 1:
            return {name: [run] for name, run in self.last_runs().items()}
        order = sa.func.row_number().over(
            partition_by=run_rows.c.repository, order_by=run_rows.c.id.desc()
        )
        numbered = sa.select(run_rows.c.id, order.label("place")).subquery()
        newest = sa.select(numbered.c.id).where(numbered.c.place <= limit)
        query = sa.select(run_rows).where(run_rows.c.id.in_(newest)).order_by(run_rows.c.id.desc())
        found: dict[str, list[Run]] = {}
        with self.database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.repository, []).append(_run(row))
        return found

    def last_runs(self, since: datetime | None = None) -> Mapping[str, Run]:
        """The newest run of each repository, of those that ended since then."""
        newest = sa.select(sa.func.max(run_rows.c.id)).group_by(run_rows.c.repository)
        if since is not None:
            newest = newest.where(run_rows.c.ended_at >= since)
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(run_rows).where(run_rows.c.id.in_(newest))).all()
        return {row.repository: _run(row) for row in rows}

    def last_successes(self) -> Mapping[str, datetime]:
        """When each repository last came to an end that neither failed nor stalled."""
        query = (
            sa.select(run_rows.c.repository, sa.func.max(run_rows.c.ended_at, type_=Moment))
            .where(run_rows.c.kind.not_in([kind.value for kind in _UNSUCCESSFUL]))
            .group_by(run_rows.c.repository)
        )
        with self.database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    # What was parsed: interfaces.OccurrenceCache

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """What is remembered of `keys`. A store in trouble remembers nothing, and says so."""
        return self._occurrences.get_many(keys)

    def put_many(self, entries: Mapping[str, bytes]) -> None:
        """Remember `entries`; those that were not used for the longest time make room."""
        self._occurrences.put_many(entries)


def _run(row: sa.Row[Any]) -> Run:
    kind = OutcomeKind(row.kind)
    return Run(row.repository, kind, row.message, row.started_at, row.ended_at)


# Of PostgreSQL alone.
_NOW = "extract(epoch from clock_timestamp())::float8"
_POLLED_AGO = sa.text(f"SELECT {_NOW} - polled_at FROM target WHERE key = :key")  # noqa: S608
_POLL = sa.text(
    "INSERT INTO target (key, requested, done, fails, polled_at)"  # noqa: S608 no value in it
    f" VALUES (:key, 1, 0, 0, {_NOW})"
    " ON CONFLICT (key) DO UPDATE"
    " SET requested = target.requested + 1, polled_at = excluded.polled_at"
)
