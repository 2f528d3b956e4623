"""Which git repository uses which image repository, and what is known of each of those.

Does I/O: SQL over the store's database. Losing it costs polls only: each reconciliation writes
anew what it uses. Thread-safe.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from imagebot.database import Database
from imagebot.database import image_polls as polls
from imagebot.database import image_uses as uses
from imagebot.image import Repository
from imagebot.polls import Use


class PollStore:
    """The rows of uses and polls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note_uses(self, target: str, found: Iterable[Use]) -> None:
        """`target` uses these image repositories, and no other."""
        wanted = {str(use.image): _row(target, use) for use in found}
        with self._database.writing() as connection:
            rows = connection.execute(sa.select(uses).where(uses.c.target == target))
            known = {row.image: dict(row._mapping) for row in rows}
            changed = [image for image, row in known.items() if wanted.get(image) != row]
            new = [row for image, row in wanted.items() if known.get(image) != row]
            for image in changed:
                connection.execute(
                    uses.delete().where(uses.c.target == target, uses.c.image == image)
                )
            if new:
                connection.execute(uses.insert(), new)

    def users(self, image: Repository) -> list[str]:
        """Names of the git repositories that use an image repository."""
        query = sa.select(uses.c.target).where(uses.c.image == str(image)).order_by(uses.c.target)
        with self._database.reading() as connection:
            return list(connection.execute(query).scalars())

    def want(self, image: Repository, now: datetime) -> None:
        """Have it asked soon, and take no earlier answer for it."""
        with self._database.writing() as connection:
            connection.execute(
                polls.update().where(polls.c.image == str(image)).values(due_at=now, wanted_at=now)
            )


def _row(target: str, use: Use) -> dict[str, object]:
    return {
        "target": target,
        "image": str(use.image),
        "interval_seconds": _seconds(use.interval),
        "followed": json.dumps(sorted(use.followed)),
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
