"""How often a registry host is asked: for this process alone, or for all that share a store.

Does I/O: SQL over the store's database. A rate is a time at which the next request is due, so one
row a host is all there is to remember (the generic cell rate algorithm). Limits spare others and
decide nothing: a store in trouble limits each process for itself. Both satisfy
`interfaces.HostLimits`. Thread-safe.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from imagebot.database import Database
from imagebot.errors import StoreError
from imagebot.tables import host_limits as rows

log = logging.getLogger(__name__)

BURST_SECONDS = 5.0  # what may come at once after a pause: the requests of so long a time
LONGEST_SECONDS = 900.0  # then it is asked again, whatever it said
_LOOKED_AT_EVERY = 1.0  # seconds, for hosts without a rate: no query for each request


@dataclass(frozen=True, slots=True)
class HostLimit:
    """What is known of a host, in seconds of some clock: nothing before, and the next arrival."""

    not_before: float = 0.0
    arrival: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next request may go."""
        not_before = self.not_before if self.not_before <= now + LONGEST_SECONDS else now
        return max(not_before - now, self.arrival - BURST_SECONDS - now, 0.0)

    def after_request(self, now: float, per_minute: int) -> "HostLimit":
        return HostLimit(self.not_before, max(self.arrival, now) + 60 / per_minute)

    def left_alone(self, until: float) -> "HostLimit":
        return HostLimit(max(self.not_before, until), self.arrival)


class LocalLimits:
    """For this process alone. `monotonic` is in seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[str, HostLimit] = {}

    def reserve(self, host: str, per_minute: int | None, patience_seconds: float) -> float:
        now = self._monotonic()
        with self._lock:
            limit = self._known.get(host, HostLimit())
            wait = limit.wait(now)
            if per_minute and wait <= patience_seconds:
                self._known[host] = limit.after_request(now, per_minute)
        return wait

    def hold_off(self, host: str, seconds: float) -> None:
        until = self._monotonic() + min(seconds, LONGEST_SECONDS)
        with self._lock:
            self._known[host] = self._known.get(host, HostLimit()).left_alone(until)


class SharedLimits:
    """For all that share a store in PostgreSQL, by its clock."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._own = LocalLimits(monotonic)
        self._looked_at: dict[str, float] = {}
        self._is_in_trouble = False

    def reserve(self, host: str, per_minute: int | None, patience_seconds: float) -> float:
        own = self._own.reserve(host, None, 0)
        try:
            if per_minute:
                wait = self._reserved(host, per_minute, patience_seconds)
            else:
                wait = self._looked(host)
            self._is_in_trouble = False
        except StoreError as error:
            self._note(error)
            wait = self._own.reserve(host, per_minute, patience_seconds)
        return max(own, wait)

    def hold_off(self, host: str, seconds: float) -> None:
        self._own.hold_off(host, seconds)
        try:
            with self._database.writing(_room(host)) as connection:
                limit, now = _read(connection, host)
                _write(connection, host, limit.left_alone(now + min(seconds, LONGEST_SECONDS)))
        except StoreError as error:
            self._note(error)

    def _reserved(self, host: str, per_minute: int, patience_seconds: float) -> float:
        with self._database.writing(_room(host)) as connection:
            limit, now = _read(connection, host)
            wait = limit.wait(now)
            if wait <= patience_seconds:
                _write(connection, host, limit.after_request(now, per_minute))
        return wait

    def _looked(self, host: str) -> float:
        """Take over what another process was told, at most once a second."""
        now = self._monotonic()
        if now - self._looked_at.get(host, -_LOOKED_AT_EVERY) < _LOOKED_AT_EVERY:
            return 0.0
        self._looked_at[host] = now
        with self._database.reading() as connection:
            limit, there = _read(connection, host)
        wait = HostLimit(limit.not_before).wait(there)
        if wait:
            self._own.hold_off(host, wait)
        return wait

    def _note(self, error: StoreError) -> None:
        if not self._is_in_trouble:
            log.warning("limits of registries are not shared: %(error)s", {"error": error})
        self._is_in_trouble = True


def limits_for(database: Database) -> LocalLimits | SharedLimits:
    """The limits of a store."""
    return SharedLimits(database) if database.is_shared else LocalLimits()


_NOW = sa.text("SELECT extract(epoch FROM clock_timestamp())::float8")


def _read(connection: sa.Connection, host: str) -> tuple[HostLimit, float]:
    """What is known of a host, and the time, both by the server's clock."""
    columns = (
        sa.type_coerce(rows.c.not_before, sa.Float),
        sa.type_coerce(rows.c.arrival_at, sa.Float),
    )
    row = connection.execute(sa.select(*columns).where(rows.c.host == host)).first()
    return HostLimit(*row) if row else HostLimit(), connection.execute(_NOW).scalar_one()


def _write(connection: sa.Connection, host: str, limit: HostLimit) -> None:
    variables = {"host": host, "not_before": limit.not_before, "arrival": limit.arrival}
    connection.execute(_UPSERT, variables)


_UPSERT = sa.text(
    "INSERT INTO host_limit (host, not_before, arrival_at) VALUES (:host, :not_before, :arrival)"
    " ON CONFLICT (host) DO UPDATE"
    " SET not_before = excluded.not_before, arrival_at = excluded.arrival_at"
)


def _room(host: str) -> str:
    return f"{rows.name} {host}"
