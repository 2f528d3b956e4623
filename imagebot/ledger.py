"""The ledger of first sights: since when imagebot knows each tag, and each digest under it.

Does I/O through the store's database (database.py, sight_rows.py). What it guards is one promise:
no tag ever looks older than it is. So a first listing says "age unknown" (seeded), a tag that moved
starts again, and a clock that was set back counts as standing still at the latest time that was
noted. `StoredLedger` and `PassingLedger` satisfy `interfaces.Ledger`. Thread-safe.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from imagebot import sight_rows
from imagebot.database import Database
from imagebot.image import Digest, Repository
from imagebot.model import Sighting, TagRecord
from imagebot.sight_rows import Key, Place, Sight, in_parts
from imagebot.times import shown_duration, shown_time

MAX_TAGS_PER_REPOSITORY = 250_000  # above it, what is not listed any more is forgotten
_CLOCK_NOTED_EVERY = timedelta(hours=1)  # when nothing else is written
_WORTH_TELLING = timedelta(minutes=5)  # clocks of several machines are never quite equal
_LISTINGS_AT_ONCE = 50
_ROWS_AT_ONCE = 20_000  # in one transaction, so that nobody waits long; a listing stays whole
_DIGESTS_AT_ONCE = 5000
_ROOM = "sight"  # see Database.writing

log = logging.getLogger(__name__)
TagKey = tuple[Repository, str]


@dataclass(frozen=True, slots=True)
class _Moment:
    """When something is noted, on a clock that never goes back."""

    at: datetime
    is_behind: bool  # the real clock stands before something that was noted already

    def is_seeding(self, place: Place) -> bool:
        """Whether a tag that is new now may have been there before imagebot looked.

        It may at the first listing, and in all that is noted at the very moment of it.
        """
        seeded_at = place.seeded_at
        return seeded_at is None or (seeded_at == self.at and not self.is_behind)


class StoredLedger:
    """The ledger in the store. Every method raises StoreError on trouble."""

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
        for part in in_parts(tags.items(), _LISTINGS_AT_ONCE):
            new, gone = self._changes(part)
            for share in _shares(new):
                self._add(share, moment)
            for place, names in gone:
                self._forget(place, names)
        self._note_clock(moment)

    def note_digests(
        self, digests: Mapping[TagKey, Digest], now: datetime
    ) -> Mapping[TagKey, Sighting]:
        """Remember where each tag points now; a tag that moved starts again. Gives all back."""
        moment = self._moment(now)
        sightings: dict[TagKey, Sighting] = {}
        for part in in_parts(digests.items(), _DIGESTS_AT_ONCE):
            wanted = {key: digest.text for key, digest in part}
            with self._database.reading() as connection:
                places = sight_rows.places(connection, {repository for repository, _ in wanted})
                rows = sight_rows.sights(connection, _keys(places, wanted))
            found = {key: rows.get(_key(places, key)) for key in wanted}
            if any(sight is None or sight.digest != wanted[key] for key, sight in found.items()):
                found = dict(self._point(wanted, moment))
            sightings |= {key: sight.sighting() for key, sight in found.items() if sight}
        self._note_clock(moment)
        return sightings

    def records(self, repository: Repository) -> Mapping[str, TagRecord]:
        """Every tag of a repository that was ever listed, by name."""
        with self._database.reading() as connection:
            place = sight_rows.places(connection, [repository]).get(repository)
            rows = sight_rows.sights_at(connection, place) if place else ()
            return {tag: sight.record() for tag, sight in rows}

    def first_seen(self, tags: Iterable[TagKey]) -> Mapping[TagKey, datetime]:
        """Since when each tag is known, of those that imagebot saw come out."""
        wanted = list(tags)
        with self._database.reading() as connection:
            places = sight_rows.places(connection, {repository for repository, _ in wanted})
            rows = sight_rows.sights(connection, _keys(places, wanted))
        sights = {key: rows.get(_key(places, key)) for key in wanted}
        return {
            key: sight.first_seen_at
            for key, sight in sights.items()
            if sight is not None and not sight.is_seeded
        }

    def _changes(
        self, listings: Sequence[tuple[Repository, Sequence[str]]]
    ) -> tuple[dict[Repository, list[str]], list[tuple[Place, set[str]]]]:
        """The new tags of each repository that has some or was not listed yet; what may go."""
        new: dict[Repository, list[str]] = {}
        gone: list[tuple[Place, set[str]]] = []
        with self._database.reading() as connection:
            places = sight_rows.places(connection, [repository for repository, _ in listings])
            for repository, listed in listings:
                place = places.get(repository)
                known = sight_rows.tags_at(connection, place) if place else set()
                missing = [tag for tag in dict.fromkeys(listed) if tag not in known]
                if missing or place is None or place.seeded_at is None:
                    new[repository] = missing
                if place is not None and len(known) + len(missing) > self._max_tags:
                    gone.append((place, known.difference(listed)))
        return new, gone

    def _add(self, new: Mapping[Repository, Sequence[str]], moment: _Moment) -> None:
        """Write new tags of listings; what another thread noted meanwhile stays as it is."""
        with self._database.writing(_ROOM) as connection:
            places = sight_rows.made_places(connection, new)
            for repository, tags in new.items():
                place = places[repository]
                is_seeded = moment.is_seeding(place)
                sight_rows.add_tags(connection, place, tags, moment.at, is_seeded=is_seeded)
            unseeded = [place.id for place in places.values() if place.seeded_at is None]
            sight_rows.set_seeded(connection, unseeded, moment.at)
            sight_rows.set_latest(connection, moment.at)

    def _point(self, wanted: Mapping[TagKey, str], moment: _Moment) -> dict[TagKey, Sight]:
        """Write where tags point, over what is noted by now. Gives back their sights."""
        after: dict[TagKey, Sight] = {}
        changed: list[tuple[Key, Sight]] = []
        with self._database.writing(_ROOM) as connection:
            places = sight_rows.made_places(connection, {repository for repository, _ in wanted})
            before = sight_rows.sights(connection, _keys(places, wanted))
            for key, digest in wanted.items():
                place = places[key[0]]
                known = before.get((place.id, key[1]))
                sight = known or Sight(moment.at, moment.is_seeding(place))
                after[key] = sight.pointing_to(digest, moment.at)
                if after[key] != known:
                    changed.append(((place.id, key[1]), after[key]))
            sight_rows.put(connection, changed)
            sight_rows.set_latest(connection, moment.at)
        return after

    def _forget(self, place: Place, gone: Iterable[str]) -> None:
        """Make room. A tag that comes back later counts as new: younger, never older."""
        with self._database.writing(_ROOM) as connection:
            sight_rows.forget(connection, place, gone)

    def _moment(self, now: datetime) -> _Moment:
        with self._database.reading() as connection:
            noted = sight_rows.latest(connection)
        with self._lock:
            times = [each for each in (now, noted, self._latest) if each is not None]
            self._latest = max(times)
        ahead = self._latest - now
        if ahead >= _WORTH_TELLING:
            log.warning(
                "the ledger knows a time %(ahead)s ahead of the clock: a clock ran ahead once, or "
                "this one is slow. Until %(until)s new tags count as seen then, so cool-downs last "
                "longer; set the clock right, or delete the store to begin anew (ages count from "
                "then)",
                {"ahead": shown_duration(ahead), "until": shown_time(self._latest)},
            )
        return _Moment(self._latest, is_behind=ahead > timedelta(0))

    def _note_clock(self, moment: _Moment) -> None:
        """Remember the time now and then, so that a clock set back is found out."""
        with self._database.reading() as connection:
            noted = sight_rows.latest(connection)
        if noted is None or moment.at - noted >= _CLOCK_NOTED_EVERY:
            with self._database.writing(_ROOM) as connection:
                sight_rows.set_latest(connection, moment.at)


def _shares(new: Mapping[Repository, list[str]]) -> Iterator[dict[Repository, list[str]]]:
    """What is written in one transaction each."""
    share: dict[Repository, list[str]] = {}
    count = 0
    for repository, tags in new.items():
        if share and count + len(tags) > _ROWS_AT_ONCE:
            yield share
            share, count = {}, 0
        share[repository] = tags
        count += len(tags)
    if share:
        yield share


def _key(places: Mapping[Repository, Place], key: TagKey) -> Key:
    """The row's key; of a repository without a row, one that no row has."""
    place = places.get(key[0])
    return (place.id if place else -1, key[1])


def _keys(places: Mapping[Repository, Place], keys: Iterable[TagKey]) -> list[Key]:
    return [_key(places, key) for key in keys if key[0] in places]


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
        self, digests: Mapping[TagKey, Digest], now: datetime
    ) -> Mapping[TagKey, Sighting]:
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
            with below.reading() as theirs, self._own.writing() as ours:
                latest = sight_rows.latest(theirs)
                if latest is not None:
                    sight_rows.set_latest(ours, latest)
                found = sight_rows.places(theirs, missing)
                made = sight_rows.made_places(ours, found)
                for repository, place in found.items():
                    number = made[repository].id
                    rows = sight_rows.sights_at(theirs, place)
                    sight_rows.put(ours, (((number, tag), sight) for tag, sight in rows))
                    if place.seeded_at is not None:
                        sight_rows.set_seeded(ours, [number], place.seeded_at)
        self._taken |= missing
