"""Which git repository uses which image repository, and what is known of each of those.

Does I/O: SQL over the store's database. Losing it costs polls only: each reconciliation writes
anew what it uses. Listings are kept apart from what is known of them, and may be forgotten at
any time: a fingerprint says whether the one that is kept is the one that is meant. Thread-safe.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from imagebot.database import Database
from imagebot.image import Digest, Repository
from imagebot.kept import Kept, parts, utc_now
from imagebot.model import TagList
from imagebot.polls import Answer, Pace, Poll, Use, fingerprint, is_news, noted
from imagebot.tables import earlier
from imagebot.tables import image_polls as polls
from imagebot.tables import image_uses as uses
from imagebot.tables import listings as listing_rows

MAX_LISTING_BYTES = 64 * 1024 * 1024  # some million tags

Roll = Callable[[], float]
"""Random numbers in [0, 1)."""
Change = Callable[[Poll | None, Use], Poll | None]
"""From what is known of an image repository, and what its users need, to what is known now."""


class PollStore:
    """The rows of uses, of polls, and the listings that are kept."""

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._listings = Kept(database, listing_rows, MAX_LISTING_BYTES, clock)

    # Who uses what

    def note_uses(self, target: str, found: Iterable[Use]) -> set[Repository]:
        """`target` uses these image repositories, and no other. Gives back which are other uses."""
        wanted = {str(use.image): _use_row(target, use) for use in found}
        with self._database.writing(polls.name) as connection:
            rows = connection.execute(sa.select(uses).where(uses.c.target == target))
            known = {row.image: dict(row._mapping) for row in rows}
            gone = [image for image, row in known.items() if wanted.get(image) != row]
            new = [row for image, row in wanted.items() if known.get(image) != row]
            for part in parts(gone):
                connection.execute(
                    uses.delete().where(uses.c.target == target, uses.c.image.in_(part))
                )
            if new:
                connection.execute(uses.insert(), new)
        return {_repository(str(row["image"])) for row in new}

    def users(self, images: Iterable[Repository]) -> list[str]:
        """Names of the git repositories that use any of these image repositories."""
        found: set[str] = set()
        with self._database.reading() as connection:
            for part in parts([str(image) for image in images]):
                query = sa.select(uses.c.target).where(uses.c.image.in_(part)).distinct()
                found.update(connection.execute(query).scalars())
        return sorted(found)

    def forget(self, known_targets: Iterable[str]) -> int:
        """Drop what git repositories used that are known no more, and what nobody uses then.

        Gives back how many image repositories were dropped.
        """
        known = set(known_targets)
        with self._database.writing(polls.name) as connection:
            targets = set(connection.execute(sa.select(uses.c.target).distinct()).scalars())
            for part in parts(sorted(targets - known)):
                connection.execute(uses.delete().where(uses.c.target.in_(part)))
            used = sa.select(uses.c.image)
            return connection.execute(polls.delete().where(polls.c.image.not_in(used))).rowcount

    # What is known of them

    def want(self, image: Repository, now: datetime) -> None:
        """Have it asked soon, and take no earlier answer for it."""
        with self._database.writing(polls.name) as connection:
            connection.execute(
                polls.update()
                .where(polls.c.image == str(image))
                .values(due_at=now, wanted_at=now, claimed_until=None)
            )

    def retry_troubled(self, now: datetime, host: str = "") -> None:
        """Ask those that failed, of one registry or of all: what was wrong may be mended."""
        of_host = [polls.c.image.startswith(f"{host}/", autoescape=True)] if host else []
        with self._database.writing(polls.name) as connection:
            connection.execute(
                polls.update()
                .where(polls.c.trouble != "", polls.c.due_at > now, *of_host)
                .values(due_at=now)
            )

    def read(self, images: Iterable[Repository]) -> dict[Repository, Poll]:
        """What is known of these, as far as anything is."""
        names = [str(image) for image in images]
        with self._database.reading() as connection:
            return _read(connection, names)

    def due(self, now: datetime, limit: int, except_hosts: Collection[str] = ()) -> list[Poll]:
        """Those that somebody uses and nobody is asking, the longest due first."""
        query = (
            sa.select(polls.c.image)
            .where(polls.c.due_at <= now, _is_free(now), polls.c.image.in_(sa.select(uses.c.image)))
            .where(*(_is_not_of(host) for host in sorted(except_hosts)))
            .order_by(polls.c.due_at)
            .limit(limit)
        )
        with self._database.reading() as connection:
            names = list(connection.execute(query).scalars())
            known = _read(connection, names) if names else {}
        return [known[_repository(name)] for name in names]

    def set_back(self, by: timedelta) -> None:
        """The clock was set back: all that is planned for a time comes so much earlier."""
        columns = (polls.c.due_at, polls.c.claimed_until, polls.c.wanted_at, polls.c.polled_at)
        changed = {column.name: earlier(column, by) for column in (*columns, polls.c.changed_at)}
        with self._database.writing(polls.name) as connection:
            connection.execute(polls.update().values(**changed))

    def claim(self, found: Sequence[Poll], now: datetime, until: datetime) -> list[Poll]:
        """Those that are ours to ask until then; another process may have been faster."""
        ours: set[str] = set()
        with self._database.writing(polls.name) as connection:
            for part in parts([str(poll.image) for poll in found]):
                claimed = (
                    polls.update()
                    .where(polls.c.image.in_(part), polls.c.due_at <= now, _is_free(now))
                    .values(claimed_until=until)
                    .returning(polls.c.image)
                )
                ours.update(connection.execute(claimed).scalars())
        return [poll for poll in found if str(poll.image) in ours]

    def claim_on(self, images: Iterable[Repository], until: datetime) -> None:
        """Go on having these for ourselves."""
        with self._database.writing(polls.name) as connection:
            for part in parts([str(image) for image in images]):
                ours = polls.update().where(polls.c.image.in_(part))
                connection.execute(ours.values(claimed_until=until))

    def change(
        self, changes: Mapping[Repository, Change]
    ) -> dict[Repository, tuple[Poll | None, Poll]]:
        """Change what is known, in one transaction. Gives back what it was and what it is now.

        A change that gives None changes nothing.
        """
        names = [str(image) for image in changes]
        done: dict[Repository, tuple[Poll | None, Poll]] = {}
        with self._database.writing(polls.name) as connection:
            known = _read(connection, names)
            needed = _needed(connection, names)
            for image, change in changes.items():
                before = known.get(image)
                after = change(before, needed.get(image, Use(image)))
                if after is not None:
                    done[image] = before, after
            new = [_poll_row(after) for before, after in done.values() if before is None]
            if new:
                connection.execute(polls.insert(), new)
            old = [
                {f"new_{key}": value for key, value in _poll_row(after).items()}
                for before, after in done.values()
                if before is not None
            ]
            if old:
                connection.execute(_UPDATE, old)
        return done

    def note(
        self,
        answers: Mapping[Repository, Answer],
        asked_at: datetime,
        pace: Pace,
        roll: Roll,
        *,
        keeps_all: bool = False,
    ) -> list[Repository]:
        """Note what registries answered. Gives back those whose users should look.

        `keeps_all`: the listings are kept also where they are known, but were forgotten.
        """
        known = {} if keeps_all else self.read(answers)
        self._keep(
            TagList(image, answer.tags)
            for image, answer in answers.items()
            if answer.tags is not None
            and (image not in known or known[image].fingerprint != fingerprint(answer.tags))
        )

        def change(answer: Answer) -> Change:
            return lambda before, use: noted(before, use, answer, asked_at, pace, roll())

        done = self.change({image: change(answer) for image, answer in answers.items()})
        return [image for image, (before, after) in done.items() if is_news(before, after)]

    # Listings

    def _keep(self, listings: Iterable[TagList]) -> None:
        self._listings.put_many(
            {str(each.repository): "\n".join(each.tags).encode() for each in listings}
        )

    def listings(self, known: Iterable[Poll]) -> dict[Repository, TagList]:
        """What these image repositories listed at their last poll, as far as it is kept."""
        wanted = {str(poll.image): poll for poll in known if poll.fingerprint}
        found: dict[Repository, TagList] = {}
        for name, content in self._listings.get_many(list(wanted)).items():
            tags = tuple(content.decode().split("\n")) if content else ()
            if fingerprint(tags) == wanted[name].fingerprint:
                found[wanted[name].image] = TagList(wanted[name].image, tags)
        return found


_COLUMNS = [column.name for column in polls.c if column.name != "image"]
_UPDATE = (
    polls.update()
    .where(polls.c.image == sa.bindparam("new_image"))
    .values({name: sa.bindparam(f"new_{name}") for name in _COLUMNS})
)


def _is_free(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(polls.c.claimed_until.is_(None), polls.c.claimed_until <= now)


def _is_not_of(host: str) -> sa.ColumnElement[bool]:
    return sa.not_(polls.c.image.startswith(f"{host}/", autoescape=True))


def _read(connection: Connection, names: Sequence[str]) -> dict[Repository, Poll]:
    rows: list[sa.Row[Any]] = []
    for part in parts(names):
        rows += connection.execute(sa.select(polls).where(polls.c.image.in_(part))).all()
    needed = _needed(connection, names)
    found = {}
    for row in rows:
        image = _repository(row.image)
        use = needed.get(image, Use(image))
        found[image] = Poll(
            image,
            row.due_at,
            row.changed_at,
            row.polled_at,
            row.wanted_at,
            row.fails,
            row.trouble,
            row.fingerprint,
            row.etag,
            {tag: Digest(text) for tag, text in json.loads(row.digests).items()},
            use.followed,
            row.claimed_until,
        )
    return found


def _needed(connection: Connection, names: Sequence[str]) -> dict[Repository, Use]:
    """What all users of each image repository need together."""
    found: dict[Repository, Use] = {}
    for part in parts(names):
        query = sa.select(uses).where(uses.c.image.in_(part))
        for row in connection.execute(query):
            image = _repository(row.image)
            before = found.get(image, Use(image))
            interval = before.interval
            if row.interval_seconds is not None:
                own = timedelta(seconds=row.interval_seconds)
                interval = own if interval is None else min(interval, own)
            followed = before.followed | frozenset(json.loads(row.followed))
            found[image] = Use(image, interval, followed)
    return found


def _poll_row(poll: Poll) -> dict[str, object]:
    return {
        "image": str(poll.image),
        "due_at": poll.due_at,
        "claimed_until": poll.claimed_until,
        "wanted_at": poll.wanted_at,
        "polled_at": poll.polled_at,
        "changed_at": poll.changed_at,
        "fails": poll.fails,
        "trouble": poll.trouble,
        "fingerprint": poll.fingerprint,
        "etag": poll.etag,
        "digests": json.dumps({tag: str(digest) for tag, digest in sorted(poll.digests.items())}),
    }


def _use_row(target: str, use: Use) -> dict[str, object]:
    return {
        "target": target,
        "image": str(use.image),
        "interval_seconds": None if use.interval is None else use.interval.total_seconds(),
        "followed": json.dumps(sorted(use.followed)),
    }


def _repository(name: str) -> Repository:
    registry, _, path = name.partition("/")
    return Repository(registry, path)
