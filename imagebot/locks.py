"""One holder at a time of each key: among the threads of this process, or all that share a store.

Does I/O: SQL on a session of its own. A lock of PostgreSQL lives as long as the session that took
it, so whoever is killed gives all his back at once, and nothing has to expire. A session that
is lost without its process (the server's restart) is made anew and takes back what was held; for
that to come first, nobody takes anything new in the first seconds. Both satisfy `owed.Locks`.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from imagebot import engines
from imagebot.database import Database

log = logging.getLogger(__name__)

SETTLING = timedelta(seconds=5)


def locks_for(database: Database) -> "LocalLocks | SharedLocks":
    """The locks of a store. Close them."""
    server = database.address.server
    if server is None:
        return LocalLocks()
    engine = engines.server_engine(server, poolclass=sa.NullPool)
    return SharedLocks(engine.execution_options(isolation_level="AUTOCOMMIT"), database.translated)


class LocalLocks:
    """For a store that this process has for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, object] = {}

    @contextmanager
    def hold(self, key: str) -> Iterator[bool]:
        token = object()
        with self._lock:
            is_ours = self._held.setdefault(key, token) is token
        try:
            yield is_ours
        finally:
            with self._lock:
                if self._held.get(key) is token:
                    del self._held[key]

    def give_up(self, key: str) -> None:
        with self._lock:
            self._held.pop(key, None)

    def tend(self) -> None:
        """Nothing is ever lost."""

    def close(self) -> None:
        """Nothing is open."""


class SharedLocks:
    """For a store in PostgreSQL. Methods raise StoreError where the database does not answer."""

    def __init__(
        self,
        engine: Engine,
        translated: Callable[[], AbstractContextManager[None]],
        *,
        settling: timedelta = SETTLING,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._translated = translated
        self._settling = settling
        self._monotonic = monotonic
        self._lock = threading.Lock()  # of all below: a session serves one thread at a time
        self._held: dict[str, object] = {}
        self._session: Connection | None = None
        self._settles_until: float | None = None  # None: there never was a session

    @contextmanager
    def hold(self, key: str) -> Iterator[bool]:
        token = object()
        with self._lock, self._translated():
            is_ours = key not in self._held and self._take(key)
            if is_ours:
                self._held[key] = token
        try:
            yield is_ours
        finally:
            self._release(key, token)

    def give_up(self, key: str) -> None:
        """Release what a thread holds that does not come to its end."""
        with self._lock:
            token = self._held.get(key)
        self._release(key, token)

    def tend(self) -> None:
        """See that the session is there. Called often, so that what was held is taken back soon."""
        with self._lock, self._translated():
            self._ask("SELECT true")

    def close(self) -> None:
        with self._lock:
            self._drop()
            self._engine.dispose()

    def _take(self, key: str) -> bool:
        self._ask("SELECT true")  # finds out here, and not below, that the session was lost
        if self._settles_until is not None and self._monotonic() < self._settles_until:
            return False
        return self._ask(_TAKE_UNLESS_JUST_STARTED, key, settling=self._settling)

    def _release(self, key: str, token: object) -> None:
        with self._lock:
            if token is None or self._held.get(key) is not token:
                return
            del self._held[key]
            # A session that is gone holds nothing. It is made anew when something is taken.
            with suppress(SQLAlchemyError):
                if self._session is not None:
                    self._session.execute(_RELEASE, {"key": _name(key)})
                return
            self._drop()

    def _ask(self, query: str, key: str = "", **values: object) -> bool:
        """Ask the session, and once more a new one when it is lost."""
        if self._session is not None:
            try:
                return self._answer(self._session, query, key, values)
            except SQLAlchemyError:
                self._drop()
        return self._answer(self._new_session(), query, key, values)

    def _answer(self, session: Connection, query: str, key: str, values: dict[str, object]) -> bool:
        variables = {"key": _name(key), **values} if key else values
        return bool(session.execute(sa.text(query), variables).scalar_one())

    def _new_session(self) -> Connection:
        session = self._engine.connect()
        try:
            for key in self._held:
                if not self._answer(session, _TAKE, key, {}):
                    log.warning(
                        "another process took %(key)s while the store was away", {"key": key}
                    )
        except BaseException:
            session.invalidate()
            session.close()
            raise
        if self._settles_until is None:
            self._settles_until = self._monotonic()
        else:
            self._settles_until = self._monotonic() + self._settling.total_seconds()
        self._session = session
        return session

    def _drop(self) -> None:
        if self._session is not None:
            with suppress(SQLAlchemyError):
                self._session.invalidate()
                self._session.close()
            self._session = None


_TAKE = "SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"
_RELEASE = sa.text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))")
_TAKE_UNLESS_JUST_STARTED = (
    "SELECT CASE WHEN clock_timestamp() - pg_postmaster_start_time() < :settling THEN false"
    " ELSE pg_try_advisory_lock(hashtextextended(:key, 0)) END"
)


def _name(key: str) -> str:
    return f"imagebot target {key}"
