"""The ledger of first sights: since when imagebot knows each tag, and each digest under it.

Does I/O: SQL over the store's file (database.py). What it guards is one promise: no tag ever looks
older than it is. So a first listing says "age unknown" (seeded), a tag that moved starts again,
and a clock that was set back counts as standing still at the latest time that was noted.
`StoredLedger` and `PassingLedger` satisfy `interfaces.Ledger`. Thread-safe.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from imagebot.database import Database, sight_clock, sight_repositories, sights
from imagebot.image import Digest, Repository
from imagebot.kept import ROWS_PER_STATEMENT, parts
from imagebot.model import Sighting, TagRecord

MAX_TAGS_PER_REPOSITORY = 250_000  # above it, what is not listed any more is forgotten
_CLOCK_NOTED_EVERY = timedelta(hours=1)  # when nothing else is written


@dataclass(frozen=True, slots=True)
class _Sight:
    """One row: a tag, and since when it points to its digest (None: never asked)."""

    tag: str
    first_seen_at: datetime
    is_seeded: bool
    digest: str | None = None
    moved_from: str | None = None

    def pointing_to(self, digest: str, at: datetime) -> "_Sight":
        """The same tag once it was seen pointing somewhere."""
        if self.digest is None:
            return replace(self, digest=digest)
        if self.digest == digest:
            return self
        return _Sight(self.tag, at, is_seeded=False, digest=digest, moved_from=self.digest)

    def sighting(self) -> Sighting:
        moved_from = Digest(self.moved_from) if self.moved_from else None
        return Sighting(self.first_seen_at, self.is_seeded, moved_from)

    def record(self) -> TagRecord:
        digest = Digest(self.digest) if self.digest else None
        return TagRecord(self.first_seen_at, self.is_seeded, digest)


@dataclass(frozen=True, slots=True)
class _Moment:
    """When something is noted, on a clock that never goes back."""

    at: datetime
    is_behind: bool  # the real clock stands before something that was noted already

    def is_seeding(self, seeded_at: datetime | None) -> bool:
        """Whether a tag that is new now may have been there before imagebot looked.

        It may at the first listing, and in all that is noted at the very moment of it.
        """
        return seeded_at is None or (seeded_at == self.at and not self.is_behind)


class StoredLedger:
    """The ledger in the store's file. Every method raises StoreError on trouble."""

    def __init__(
        self, database: Database, *, max_tags_per_repository: int = MAX_TAGS_PER_REPOSITORY
    ) -> None:
        self._database = database
        self._max_tags = max_tags_per_repository
        self._lock = threading.Lock()
        self._latest: datetime | None = None  # of all that was noted through this object

    def note_listings(self, tags: Mapping[Repository, Sequence[str]], now: datetime) -> None:
        """Remember each tag that is new. The first listing of a repository seeds it."""
        moment = self._moment(now)
        for repository, listed in tags.items():
            with self._database.reading() as connection:
                place = _place(connection, repository)
                known = set(_tags(connection, place)) if place else set()
            new = [tag for tag in dict.fromkeys(listed) if tag not in known]
            if place is None or place.seeded_at is None or new:
                self._add(repository, new, moment)
            if len(known) + len(new) > self._max_tags:
                self._forget(repository, known.difference(listed))
        self._note_clock(moment)

    def note_digests(
        self, digests: Mapping[tuple[Repository, str], Digest], now: datetime
    ) -> Mapping[tuple[Repository, str], Sighting]:
        """Remember where each tag points now; a tag that moved starts again. Gives all back."""
        moment = self._moment(now)
        by_repository: dict[Repository, dict[str, str]] = {}
        for (repository, tag), digest in digests.items():
            by_repository.setdefault(repository, {})[tag] = digest.text
        sightings: dict[tuple[Repository, str], Sighting] = {}
        for repository, wanted in by_repository.items():
            with self._database.reading() as connection:
                found = _pointing(connection, repository, wanted)
            if any(tag not in found or found[tag].digest != wanted[tag] for tag in wanted):
                found = self._point(repository, wanted, moment)
            for tag in wanted:
                sightings[repository, tag] = found[tag].sighting()
        self._note_clock(moment)
        return sightings

    def records(self, repository: Repository) -> Mapping[str, TagRecord]:
        """Every tag of a repository that was ever listed, by name."""
        with self._database.reading() as connection:
            place = _place(connection, repository)
            rows = _sights(connection, place) if place else ()
            return {sight.tag: sight.record() for sight in rows}

    def _add(self, repository: Repository, new: Sequence[str], moment: _Moment) -> None:
        """Write new tags of a listing; what another thread noted meanwhile stays as it is."""
        with self._database.writing() as connection:
            place = _made_place(connection, repository)
            is_seeded = moment.is_seeding(place.seeded_at)
            _write(connection, place, (_Sight(tag, moment.at, is_seeded) for tag in new))
            if place.seeded_at is None:
                _update_place(connection, place, moment.at)
            _set_clock(connection, moment.at)

    def _point(
        self, repository: Repository, wanted: Mapping[str, str], moment: _Moment
    ) -> dict[str, _Sight]:
        """Write where tags point, over what is noted by now. Gives back their sights."""
        with self._database.writing() as connection:
            place = _made_place(connection, repository)
            before = _pointing(connection, repository, wanted)
            fresh = moment.is_seeding(place.seeded_at)
            after = {
                tag: before.get(tag, _Sight(tag, moment.at, fresh)).pointing_to(digest, moment.at)
                for tag, digest in wanted.items()
            }
            changed = [sight for tag, sight in after.items() if before.get(tag) != sight]
            _write(connection, place, changed, replaces=True)
            _set_clock(connection, moment.at)
        return after

    def _forget(self, repository: Repository, gone: Iterable[str]) -> None:
        """Make room. A tag that comes back later counts as new: younger, never older."""
        with self._database.writing() as connection:
            place = _made_place(connection, repository)
            for part in parts(sorted(gone)):
                is_theirs = sights.c.repository_id == place.id
                connection.execute(sights.delete().where(is_theirs, sights.c.tag.in_(part)))

    def _moment(self, now: datetime) -> _Moment:
        with self._database.reading() as connection:
            noted = connection.execute(sa.select(sight_clock.c.latest_at)).scalar()
        with self._lock:
            times = [each for each in (now, noted, self._latest) if each is not None]
            self._latest = max(times)
            return _Moment(self._latest, is_behind=self._latest > now)

    def _note_clock(self, moment: _Moment) -> None:
        """Remember the time now and then, so that a clock set back is found out."""
        with self._database.reading() as connection:
            noted = connection.execute(sa.select(sight_clock.c.latest_at)).scalar()
        if noted is None or moment.at - noted >= _CLOCK_NOTED_EVERY:
            with self._database.writing() as connection:
                _set_clock(connection, moment.at)


class PassingLedger:
    """A ledger for one run that must not write: what it notes is forgotten at its end.

    `open_below` gives the database of the store, opened to be read, or None where there is none;
    what that knows of a repository is taken over when the repository is first asked about.
    """

    def __init__(self, open_below: Callable[[], Database | None]) -> None:
        self._open_below = open_below
        self._own = Database(None)
        self._ledger = StoredLedger(self._own)
        self._lock = threading.RLock()
        self._taken: set[Repository] = set()

    def close(self) -> None:
        self._own.close()

    def note_listings(self, tags: Mapping[Repository, Sequence[str]], now: datetime) -> None:
        with self._lock:
            self._take(tags)
            self._ledger.note_listings(tags, now)

    def note_digests(
        self, digests: Mapping[tuple[Repository, str], Digest], now: datetime
    ) -> Mapping[tuple[Repository, str], Sighting]:
        with self._lock:
            self._take(repository for repository, _ in digests)
            return self._ledger.note_digests(digests, now)

    def records(self, repository: Repository) -> Mapping[str, TagRecord]:
        with self._lock:
            self._take([repository])
            return self._ledger.records(repository)

    def _take(self, repositories: Iterable[Repository]) -> None:
        missing = set(repositories) - self._taken
        below = self._open_below() if missing else None
        if below is not None and below.is_current:
            with ExitStack() as stack:
                theirs = stack.enter_context(below.reading())
                ours = stack.enter_context(self._own.writing())
                latest = theirs.execute(sa.select(sight_clock.c.latest_at)).scalar()
                if latest is not None:
                    _set_clock(ours, latest)
                for repository in missing:
                    _copy(theirs, ours, repository)
        self._taken |= missing


def _copy(theirs: Connection, ours: Connection, repository: Repository) -> None:
    place = _place(theirs, repository)
    if place is None:
        return
    own_place = _made_place(ours, repository)
    _write(ours, own_place, _sights(theirs, place))
    if place.seeded_at is not None:
        _update_place(ours, own_place, place.seeded_at)


# --- Rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """A repository's row. `seeded_at` None: it was never listed yet."""

    id: int
    seeded_at: datetime | None


def _place(connection: Connection, repository: Repository) -> _Place | None:
    columns = sight_repositories.c
    query = sa.select(columns.id, columns.seeded_at).where(columns.name == str(repository))
    row = connection.execute(query).first()
    return None if row is None else _Place(*row)


def _made_place(connection: Connection, repository: Repository) -> _Place:
    """The repository's row, made where it is missing. Within a writing transaction."""
    place = _place(connection, repository)
    if place is not None:
        return place
    made = connection.execute(sight_repositories.insert().values(name=str(repository)))
    return _Place(made.lastrowid, None)


def _update_place(connection: Connection, place: _Place, seeded_at: datetime) -> None:
    row = sight_repositories.update().where(sight_repositories.c.id == place.id)
    connection.execute(row.values(seeded_at=seeded_at))


def _tags(connection: Connection, place: _Place) -> Iterator[str]:
    query = sa.select(sights.c.tag).where(sights.c.repository_id == place.id)
    yield from connection.execute(query).scalars()


_SIGHT_COLUMNS = tuple(sights.c[name] for name in _Sight.__slots__)


def _sights(connection: Connection, place: _Place) -> Iterator[_Sight]:
    query = sa.select(*_SIGHT_COLUMNS).where(sights.c.repository_id == place.id)
    for row in connection.execute(query):
        yield _Sight(*row)


def _pointing(
    connection: Connection, repository: Repository, tags: Iterable[str]
) -> dict[str, _Sight]:
    """Those of the tags that are known, by name."""
    place = _place(connection, repository)
    found: dict[str, _Sight] = {}
    if place is not None:
        query = sa.select(*_SIGHT_COLUMNS).where(sights.c.repository_id == place.id)
        for part in parts(list(tags)):
            for row in connection.execute(query.where(sights.c.tag.in_(part))):
                found[row.tag] = _Sight(*row)
    return found


def _write(
    connection: Connection, place: _Place, rows: Iterable[_Sight], *, replaces: bool = False
) -> None:
    statement = insert(sights)
    if replaces:
        names = [column.name for column in _SIGHT_COLUMNS if column.name != "tag"]
        changed = {name: statement.excluded[name] for name in names}
        statement = statement.on_conflict_do_update(set_=changed)
    else:
        statement = statement.on_conflict_do_nothing()
    for part in _batches(rows):
        connection.execute(statement, [_as_row(place, sight) for sight in part])


def _as_row(place: _Place, sight: _Sight) -> dict[str, object]:
    row = {name: getattr(sight, name) for name in _Sight.__slots__}
    return {"repository_id": place.id, **row}


def _batches(rows: Iterable[_Sight]) -> Iterator[list[_Sight]]:
    batch: list[_Sight] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_PER_STATEMENT:
            yield batch
            batch = []
    if batch:
        yield batch


def _set_clock(connection: Connection, at: datetime) -> None:
    statement = insert(sight_clock).values(id=1, latest_at=at)
    later = sa.func.max(sight_clock.c.latest_at, statement.excluded.latest_at)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"latest_at": later})
    )
