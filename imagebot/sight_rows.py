"""The rows of the ledger of first sights, many at a time.

Does I/O: SQL within the caller's transaction (database.py). Plain statements instead of built
ones, since half a million rows go through here on a first run; they stand here as SQLite takes
them, and mean the same to PostgreSQL. What the rows promise is ledger.py's affair.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy.engine import Connection, CursorResult

from imagebot.image import Digest, Repository
from imagebot.model import Sighting, TagRecord

_AT_ONCE = 1000  # rows of one statement; each of two variables, of which SQLite allows 32766

Key = tuple[int, str]  # a place's id and a tag
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Place:
    """A repository's row. `seeded_at` None: it was never listed yet."""

    id: int
    seeded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sight:
    """A tag's row: since when it points to its digest (None: it was never asked for one)."""

    first_seen_at: datetime
    is_seeded: bool
    digest: str | None = None
    moved_from: str | None = None

    def pointing_to(self, digest: str, at: datetime) -> "Sight":
        """The same tag once it was seen pointing somewhere."""
        if self.digest is None:
            return replace(self, digest=digest)
        if self.digest == digest:
            return self
        return Sight(at, is_seeded=False, digest=digest, moved_from=self.digest)

    def sighting(self) -> Sighting:
        moved_from = Digest(self.moved_from) if self.moved_from else None
        return Sighting(self.first_seen_at, self.is_seeded, moved_from)

    def record(self) -> TagRecord:
        digest = Digest(self.digest) if self.digest else None
        return TagRecord(self.first_seen_at, self.is_seeded, digest)


def latest(connection: Connection) -> datetime | None:
    """The latest time that was ever noted."""
    row = _run(connection, "SELECT latest_at FROM sight_clock").first()
    return None if row is None else _moment(row[0])


def set_latest(connection: Connection, at: datetime) -> None:
    _run(
        connection,
        "INSERT INTO sight_clock (id, latest_at) VALUES (1, ?) "
        "ON CONFLICT (id) DO UPDATE SET latest_at = excluded.latest_at "
        "WHERE sight_clock.latest_at < excluded.latest_at",
        (at.timestamp(),),
    )


def places(connection: Connection, repositories: Iterable[Repository]) -> dict[Repository, Place]:
    """The rows of those repositories that have one."""
    found: dict[Repository, Place] = {}
    for part in in_parts(repositories, _AT_ONCE):
        by_name = {str(repository): repository for repository in part}
        query = "SELECT name, id, seeded_at FROM sight_repository WHERE name IN "
        query += f"({','.join('?' * len(by_name))})"  # placeholders alone
        for name, number, seeded_at in _run(connection, query, tuple(by_name)):
            found[by_name[name]] = Place(number, None if seeded_at is None else _moment(seeded_at))
    return found


def made_places(
    connection: Connection, repositories: Iterable[Repository]
) -> dict[Repository, Place]:
    """The rows of the repositories, made where they are missing. Within a writing transaction."""
    wanted = list(repositories)
    known = places(connection, wanted)
    missing = [(str(repository),) for repository in wanted if repository not in known]
    if not missing:
        return known
    _run(connection, "INSERT INTO sight_repository (name) VALUES (?)", missing)
    return places(connection, wanted)


def set_seeded(connection: Connection, ids: Iterable[int], at: datetime) -> None:
    rows = [(at.timestamp(), number) for number in ids]
    if rows:
        statement = "UPDATE sight_repository SET seeded_at = ? WHERE id = ?"
        _run(connection, statement, rows)


def tags_at(connection: Connection, place: Place) -> set[str]:
    query = "SELECT tag FROM sight WHERE repository_id = ?"
    return {row[0] for row in _run(connection, query, (place.id,))}


def sights_at(connection: Connection, place: Place) -> Iterator[tuple[str, Sight]]:
    """Every tag of a repository."""
    query = (
        "SELECT tag, first_seen_at, is_seeded, digest, moved_from"
        " FROM sight WHERE repository_id = ?"
    )
    for tag, *row in _run(connection, query, (place.id,)):
        yield tag, _sight(*row)


def sights(connection: Connection, keys: Iterable[Key]) -> dict[Key, Sight]:
    """Those of the tags that are known."""
    found: dict[Key, Sight] = {}
    for part in in_parts(keys, _AT_ONCE):
        query = (
            f"WITH wanted (id, tag) AS (VALUES {','.join(['(?,?)'] * len(part))})"  # noqa: S608
            " SELECT sight.repository_id, sight.tag, first_seen_at, is_seeded, digest, moved_from"
            " FROM wanted CROSS JOIN sight"  # in this order: look each one up by its key
            " WHERE sight.repository_id = wanted.id AND sight.tag = wanted.tag"
        )
        variables = tuple(value for key in part for value in key)
        for number, tag, *row in _run(connection, query, variables):
            found[number, tag] = _sight(*row)
    return found


def add_tags(
    connection: Connection, place: Place, tags: Iterable[str], at: datetime, *, is_seeded: bool
) -> None:
    """Add tags without a digest; what is there already stays as it is."""
    statement = (
        "INSERT INTO sight (repository_id, tag, first_seen_at, is_seeded) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING"
    )
    number, seconds = place.id, at.timestamp()
    for part in in_parts(tags, _AT_ONCE):
        rows = [(number, tag, seconds, is_seeded) for tag in part]
        _run(connection, statement, rows)


def put(connection: Connection, rows: Iterable[tuple[Key, Sight]]) -> None:
    """Write whole rows over what is there."""
    statement = (
        "INSERT INTO sight (repository_id, tag, first_seen_at, is_seeded, digest, moved_from)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (repository_id, tag) DO UPDATE SET"
        " first_seen_at = excluded.first_seen_at, is_seeded = excluded.is_seeded,"
        " digest = excluded.digest, moved_from = excluded.moved_from"
    )
    for part in in_parts(rows, _AT_ONCE):
        values = [
            (*key, sight.first_seen_at.timestamp(), sight.is_seeded, sight.digest, sight.moved_from)
            for key, sight in part
        ]
        _run(connection, statement, values)


def forget(connection: Connection, place: Place, tags: Iterable[str]) -> None:
    statement = "DELETE FROM sight WHERE repository_id = ? AND tag = ?"
    for part in in_parts(tags, _AT_ONCE):
        _run(connection, statement, [(place.id, tag) for tag in part])


def in_parts(items: Iterable[Item], size: int) -> Iterator[Sequence[Item]]:
    remaining = iter(items)
    while part := list(islice(remaining, size)):
        yield part


def _run(
    connection: Connection, statement: str, variables: Any = ()
) -> CursorResult[*tuple[Any, ...]]:
    """Run a statement whose variables are question marks: for one row, or for a list of rows."""
    if connection.dialect.name != "sqlite":
        statement = statement.replace("?", "%s")
    return connection.exec_driver_sql(statement, variables)


def _sight(
    first_seen_at: float, is_seeded: int, digest: str | None, moved_from: str | None
) -> Sight:
    return Sight(_moment(first_seen_at), bool(is_seeded), digest, moved_from)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
