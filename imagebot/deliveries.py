"""Which deliveries of hooks came already, so that nobody wakes us twice by sending one again.

Does I/O: SQL over the store's database. Bounded in time, by what each id is noted with, and in
number: a sender that sends more forgets its oldest. Losing it costs a poll too many. Thread-safe.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from imagebot.database import Database
from imagebot.tables import deliveries as rows

MAX_DELIVERIES = 100_000  # about 15 MB
_CLEAN_EVERY = 500  # claims


class Deliveries:
    """Satisfies `hooks.receiving.Seen`."""

    def __init__(self, database: Database, max_deliveries: int = MAX_DELIVERIES) -> None:
        self._database = database
        self._max_deliveries = max_deliveries
        self._claims = itertools.count(1)

    def claim(self, receiver: str, ids: Mapping[str, datetime], now: datetime) -> bool:
        """Note ids, each until when it counts; False when one is noted already, then none is."""
        values = [{"receiver": receiver, "id": each, "until": ids[each]} for each in ids]
        mine = rows.c.receiver == receiver, rows.c.id.in_(list(ids))
        with self._database.writing(_room(receiver)) as connection:
            connection.execute(rows.delete().where(*mine, rows.c.until <= now))
            if connection.execute(sa.select(rows.c.id).where(*mine)).first():
                return False
            connection.execute(rows.insert(), values)
            if next(self._claims) % _CLEAN_EVERY == 0:
                self._clean(connection, now)
        return True

    def release(self, receiver: str, ids: Sequence[str]) -> None:
        """Forget ids, since nothing came of them."""
        with self._database.writing(_room(receiver)) as connection:
            connection.execute(
                rows.delete().where(rows.c.receiver == receiver, rows.c.id.in_(list(ids)))
            )

    def clean(self, now: datetime) -> None:
        """Forget what counts no more, and the oldest of too many."""
        with self._database.writing(_room("")) as connection:
            self._clean(connection, now)

    def _clean(self, connection: sa.Connection, now: datetime) -> None:
        connection.execute(rows.delete().where(rows.c.until <= now))
        count = connection.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one()
        excess = count - self._max_deliveries
        if excess > 0:
            newest = sa.select(rows.c.until).order_by(rows.c.until).offset(excess - 1).limit(1)
            until = connection.execute(newest).scalar_one()
            connection.execute(rows.delete().where(rows.c.until <= until))


def _room(receiver: str) -> str:
    """Those who note deliveries of one receiver take turns."""
    return f"{rows.name} {receiver}"
