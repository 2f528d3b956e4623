"""The history in numbers: what is counted, and all of it by a few queries whatever its size.

Does I/O over a connection of history.py.
"""

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from imagebot import tables
from imagebot.history_model import LEAD_BOUNDS_SECONDS, REQUEST_EVENTS, Figures, Lead

LEAD = "lead:"
"""Before the stage, in the name of a figure."""


def read(connection: Connection) -> Figures:
    places, requests = tables.decisions, tables.requests_seen
    oldest = (
        sa.select(places.c.repository, sa.func.min(places.c.behind_since, type_=tables.Moment))
        .where(places.c.behind_since.is_not(None))
        .group_by(places.c.repository)
    )
    is_open = requests.c.state == "open"
    opened = sa.select(requests.c.repository, sa.func.sum(sa.case((is_open, 1), else_=0)))
    tallies = connection.execute(sa.select(tables.tallies)).all()
    return Figures(
        states=states(connection),
        behind_since={row[0]: row[1] for row in connection.execute(oldest)},
        open_requests={
            row[0]: row[1] for row in connection.execute(opened.group_by(requests.c.repository))
        },
        requests={
            (row.repository, row.figure): row[3] for row in tallies if row.figure in REQUEST_EVENTS
        },
        leads=_lead_figures(
            (row.repository, row.figure.removeprefix(LEAD), row.bucket, row[3], row[4])
            for row in tallies
            if row.figure.startswith(LEAD)
        ),
    )


def states(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Images by git repository and state."""
    places = tables.decisions
    key = (places.c.repository, places.c.state)
    query = sa.select(*key, sa.func.count()).group_by(*key)
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def _lead_figures(
    found: Iterable[tuple[str, str, int, int, float]],
) -> Mapping[tuple[str, str], Lead]:
    leads: dict[tuple[str, str], Lead] = {}
    for repository, stage, bucket, count, seconds in found:
        lead = leads.get((repository, stage), Lead())
        if not 0 <= bucket <= len(LEAD_BOUNDS_SECONDS):
            continue
        counts = [*lead.counts]
        counts[bucket] += count
        leads[repository, stage] = Lead(tuple(counts), lead.total_seconds + seconds)
    return leads


def tallies(connection: Connection, names: Sequence[str]) -> Sequence[tuple[str, int, float, int]]:
    table = tables.tallies
    columns = (table.c.figure, table.c.bucket, table.c.total_seconds, table.c.count)
    query = sa.select(*columns).where(table.c.repository.in_(names))
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def count(
    connection: Connection, repository: str, figure: str, bucket: int, seconds: float, count: int
) -> None:
    table = tables.tallies
    key = {"repository": repository, "figure": figure, "bucket": bucket}
    chosen = [table.c[name] == value for name, value in key.items()]
    grown = {"count": table.c.count + count, "total_seconds": table.c.total_seconds + seconds}
    if connection.execute(table.update().where(*chosen).values(grown)).rowcount == 0:
        connection.execute(table.insert().values(**key, count=count, total_seconds=seconds))
