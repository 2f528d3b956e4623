"""The history in the store: decisions, changes of them, pull requests seen, and what is counted.

Does I/O: SQL through database.py. Only one look at a git repository at a time notes something
(the controller sees to it), in one transaction: what is counted is counted with the row that it is
counted from, so a process that is killed at any moment counts nothing twice. Raises StoreError.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from imagebot import history_figures, tables
from imagebot import history_rows as rows
from imagebot.database import Database, insert_into
from imagebot.history_model import (
    REQUEST_EVENTS,
    Change,
    Changes,
    Decision,
    Figures,
    SeenRequest,
    bucket_of,
    compared,
    requests_compared,
)

MAX_CHANGES_PER_REPOSITORY = 2000
DEFAULT_AGE = timedelta(days=90)
_PLACES_AT_ONCE = 500
Noun = TypeVar("Noun")
_FORGOTTEN = ""  # whose tallies those are that outlive their git repository


class History:
    """Reads and writes the history of all git repositories. Thread-safe.

    Changes and pull requests that ended are forgotten after `age`, at the next look.
    """

    def __init__(self, database: Database, *, age: timedelta = DEFAULT_AGE) -> None:
        self._database = database
        self._age = age

    def note(
        self,
        repository: str,
        decisions: Sequence[Decision] | None,
        requests: Sequence[SeenRequest],
        at: datetime,
    ) -> Changes:
        """Take in what one look found. `decisions` None: nothing was decided; those before stand.

        Where all is as before, nothing is written.
        """
        with self._database.reading() as connection:
            noted = _differences(connection, repository, decisions, requests, at)
            is_stale = _is_stale(connection, repository, at - self._age)
        if noted == Changes() and not is_stale:
            return noted
        with self._database.writing() as connection:
            noted = _differences(connection, repository, decisions, requests, at)
            _write_decisions(connection, repository, noted)
            _replace_requests(connection, repository, noted.requests)
            for event, seen in _events(noted):
                history_figures.count(connection, repository, event, 0, 0.0, len(seen))
            for stage, took in _leads(noted, at):
                seconds = max(took.total_seconds(), 0.0)
                history_figures.count(
                    connection,
                    repository,
                    history_figures.LEAD + stage,
                    bucket_of(took),
                    seconds,
                    1,
                )
            _forget(connection, repository, at - self._age)
        return noted

    def decisions(self, repository: str) -> Sequence[Decision]:
        """The latest for each place, by place."""
        with self._database.reading() as connection:
            found = _decisions(connection, repository)
        return [found[place] for place in sorted(found)]

    def changes(self, repository: str, limit: int) -> Sequence[Change]:
        """What was decided differently than before, newest first."""
        table = tables.decision_changes
        query = sa.select(table).where(table.c.repository == repository)
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(table.c.id.desc()).limit(limit)).all()
        return [rows.change(row) for row in found]

    def requests(self, repository: str) -> Sequence[SeenRequest]:
        """All that are remembered, newest first."""
        with self._database.reading() as connection:
            found = _requests(connection, repository)
        return [found[number] for number in sorted(found, reverse=True)]

    def waiting(self, states: Sequence[str]) -> Mapping[str, Sequence[Decision]]:
        """The latest decisions in one of these states, by git repository and then place."""
        table = tables.decisions
        query = sa.select(table).where(table.c.state.in_(states)).order_by(table.c.place)
        with self._database.reading() as connection:
            return _by_repository(connection.execute(query), rows.decision)

    def open_requests(self) -> Mapping[str, Sequence[SeenRequest]]:
        """Those that were open when last seen, by git repository, the newest first."""
        table = tables.requests_seen
        query = sa.select(table).where(table.c.state == "open").order_by(table.c.number.desc())
        with self._database.reading() as connection:
            return _by_repository(connection.execute(query), rows.request)

    def open_branches(self, repository: str) -> Sequence[str]:
        """Branches whose pull requests were open when last seen."""
        table = tables.requests_seen
        query = sa.select(table.c.branch).where(table.c.repository == repository)
        with self._database.reading() as connection:
            found = connection.execute(query.where(table.c.state == "open")).scalars().all()
        return sorted(set(found))

    def figures(self) -> Figures:
        """All of it in numbers, by a few queries whatever its size."""
        with self._database.reading() as connection:
            return history_figures.read(connection)

    def states(self) -> Mapping[tuple[str, str], int]:
        """How many images are in which state, by git repository and state."""
        with self._database.reading() as connection:
            return history_figures.states(connection)

    def forget(self, keep: Collection[str]) -> int:
        """Drop what is remembered of git repositories other than these. Gives back how many.

        What was counted of them stays in the sums.
        """
        with self._database.reading() as connection:
            known = {name for table in _OF_REPOSITORIES for name in _names(connection, table)}
        gone = sorted(known - {*keep, _FORGOTTEN})
        if gone:
            with self._database.writing() as connection:
                for row in history_figures.tallies(connection, gone):
                    history_figures.count(connection, _FORGOTTEN, *row)
                for table, name in product(_OF_REPOSITORIES, gone):
                    connection.execute(table.delete().where(table.c.repository == name))
        return len(gone)

    def told(self, notifier: str, repository: str) -> str:
        """What a notifier was told last of a repository, "" if nothing."""
        table = tables.told
        query = sa.select(table.c.content).where(table.c.notifier == notifier)
        with self._database.reading() as connection:
            found = connection.execute(query.where(table.c.repository == repository)).scalar()
        return found or ""

    def claim_told(self, notifier: str, repository: str, before: str, after: str) -> bool:
        """Write what it was told, unless somebody else told it more than `before` by now."""
        table = tables.told
        key = {"notifier": notifier, "repository": repository}
        chosen = [table.c[name] == value for name, value in key.items()]
        with self._database.writing() as connection:
            if before:
                known = table.c.content == before
                change = table.update().where(*chosen, known).values(content=after)
                return connection.execute(change).rowcount == 1
            row = insert_into(table, connection).values(**key, content=after)
            changed = row.on_conflict_do_update(
                index_elements=list(key), set_={"content": after}, where=table.c.content == ""
            )
            # psycopg counts no rows of an insert; what comes back does.
            return connection.execute(changed.returning(table.c.content)).first() is not None


_OF_REPOSITORIES = (
    *(tables.decisions, tables.decision_changes, tables.requests_seen),
    *(tables.tallies, tables.told),
)


def _by_repository(
    found: Iterable[sa.Row[Any]], noun: Callable[[sa.Row[Any]], Noun]
) -> Mapping[str, Sequence[Noun]]:
    made: dict[str, list[Noun]] = {}
    for row in found:
        made.setdefault(row.repository, []).append(noun(row))
    return made


def _names(connection: Connection, table: sa.Table) -> Sequence[str]:
    return connection.execute(sa.select(table.c.repository).distinct()).scalars().all()


def _differences(
    connection: Connection,
    repository: str,
    decisions: Sequence[Decision] | None,
    requests: Sequence[SeenRequest],
    at: datetime,
) -> Changes:
    noted = Changes()
    if decisions is not None:
        written, gone, changed = compared(_decisions(connection, repository), decisions, at)
        noted = Changes(written, gone, changed)
    seen, opened, ended = requests_compared(_requests(connection, repository), requests, at)
    return Changes(
        noted.written,
        noted.gone,
        noted.changed,
        seen,
        opened,
        tuple(request for request in ended if request.state == "merged"),
        tuple(request for request in ended if request.state == "closed"),
    )


def _decisions(connection: Connection, repository: str) -> dict[str, Decision]:
    query = sa.select(tables.decisions).where(tables.decisions.c.repository == repository)
    return {row.place: rows.decision(row) for row in connection.execute(query)}


def _requests(connection: Connection, repository: str) -> dict[int, SeenRequest]:
    query = sa.select(tables.requests_seen).where(tables.requests_seen.c.repository == repository)
    return {row.number: rows.request(row) for row in connection.execute(query)}


def _write_decisions(connection: Connection, repository: str, noted: Changes) -> None:
    table = tables.decisions
    replaced = [*noted.gone, *(decision.place for decision in noted.written)]
    for start in range(0, len(replaced), _PLACES_AT_ONCE):
        part = replaced[start : start + _PLACES_AT_ONCE]
        chosen = (table.c.repository == repository, table.c.place.in_(part))
        connection.execute(table.delete().where(*chosen))
    if noted.written:
        written = [rows.decision_row(repository, decision) for decision in noted.written]
        connection.execute(table.insert(), written)
    if noted.changed:
        changed = [rows.change_row(repository, change) for change in noted.changed]
        connection.execute(tables.decision_changes.insert(), changed[-MAX_CHANGES_PER_REPOSITORY:])


def _replace_requests(connection: Connection, repository: str, seen: Iterable[SeenRequest]) -> None:
    table = tables.requests_seen
    for request in seen:
        key = (table.c.repository == repository, table.c.number == request.number)
        connection.execute(table.delete().where(*key))
        connection.execute(table.insert().values(**rows.request_row(repository, request)))


def _events(noted: Changes) -> Iterable[tuple[str, Sequence[SeenRequest]]]:
    for event in REQUEST_EVENTS:
        if seen := getattr(noted, event):
            yield event, seen


def _leads(noted: Changes, at: datetime) -> Iterable[tuple[str, timedelta]]:
    """How long it took, of requests whose tags were all seen when they came out."""
    for request in noted.opened:
        if request.first_seen_at:
            yield "proposed", request.opened_at - request.first_seen_at
    for request in noted.merged:
        if request.first_seen_at:
            yield "merged", (request.ended_at or at) - request.first_seen_at


def _is_stale(connection: Connection, repository: str, before: datetime) -> bool:
    query = sa.select(tables.requests_seen.c.number).where(*_ended(repository, before)).limit(1)
    return connection.execute(query).first() is not None


def _ended(repository: str, before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    table = tables.requests_seen
    return (
        table.c.repository == repository,
        table.c.state != "open",
        table.c.ended_at < before,
    )


def _forget(connection: Connection, repository: str, before: datetime) -> None:
    table = tables.decision_changes
    of_repository = table.c.repository == repository
    newest = sa.select(table.c.id).where(of_repository).order_by(table.c.id.desc())
    oldest_kept = newest.offset(MAX_CHANGES_PER_REPOSITORY - 1).limit(1).scalar_subquery()
    too_many = table.c.id < oldest_kept
    connection.execute(table.delete().where(of_repository, too_many | (table.c.at < before)))
    connection.execute(tables.requests_seen.delete().where(*_ended(repository, before)))
