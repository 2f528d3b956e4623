"""Connections to the store's database, each kind set up so that nothing waits for ever.

Does I/O when the engine is used. What is said to the databases here is all that differs between
them, but for the order of writers (database.py) and the locks (locks.py).
"""

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError

from imagebot.errors import SettingsError, StoreError
from imagebot.secret import Secret
from imagebot.store_address import StoreAddress

BUSY_TIMEOUT = timedelta(seconds=10)
MAX_CONNECTIONS = 20  # of one process: its workers, its timers and its web server
_LITE: dict[str, Any] = {"timeout": BUSY_TIMEOUT.total_seconds(), "check_same_thread": False}

# A host that vanished is known to be gone after some 15 seconds, on either side.
_KEEPALIVE = {"idle": 5, "interval": 3, "count": 3}
_CONNECT_SECONDS = 5
_SERVER: dict[str, Any] = {
    "connect_timeout": _CONNECT_SECONDS,
    "application_name": "imagebot",
    "keepalives": 1,
    **{f"keepalives_{name}": value for name, value in _KEEPALIVE.items()},
    "tcp_user_timeout": 10_000,  # milliseconds
}
_SESSION = {
    "lock_timeout": f"{BUSY_TIMEOUT.total_seconds():.0f}s",
    "statement_timeout": "60s",
    # A process that is stopped in the middle of a transaction must not stop the others.
    "idle_in_transaction_session_timeout": "30s",
    **{f"tcp_keepalives_{name}": str(value) for name, value in _KEEPALIVE.items()},
}


def engine_for(address: StoreAddress, *, is_read_only: bool) -> Engine:
    """The engine of an address. Raises StoreError when the file's folder cannot be made."""
    if address.server:
        return server_engine(address.server, is_read_only=is_read_only)
    return _file_engine(address.file, is_read_only=is_read_only)


def server_engine(url: Secret, *, is_read_only: bool = False, **options: Any) -> Engine:
    """An engine of PostgreSQL. Raises SettingsError when its driver is not installed."""
    options = options or {
        "pool_size": MAX_CONNECTIONS // 2,
        "max_overflow": MAX_CONNECTIONS - MAX_CONNECTIONS // 2,
        "pool_timeout": BUSY_TIMEOUT.total_seconds(),
        "pool_pre_ping": True,  # else each connection fails once after the server's restart
    }
    try:
        engine = sa.create_engine(url.reveal(), connect_args=_SERVER, **options)
    except ImportError as error:
        raise SettingsError(
            "the store is in PostgreSQL, whose driver is not installed",
            hint="pip install 'imagebot[postgresql]'",
        ) from error
    except (ArgumentError, ValueError):
        raise SettingsError(
            "the store's URL cannot be read", hint="write postgresql://user@host/database"
        ) from None  # its message may quote the password
    session = _SESSION | ({"default_transaction_read_only": "on"} if is_read_only else {})

    def prepare(connection: Any, record: object) -> None:
        connection.autocommit = True  # what a transaction sets, its end takes back
        for name, value in session.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.autocommit = False

    sa.event.listen(engine, "connect", prepare)
    return engine


def _file_engine(path: Path | None, *, is_read_only: bool) -> Engine:
    if path is not None and not is_read_only:
        _make_folder(path.parent)
    url = sa.URL.create("sqlite", database=str(path) if path else None)
    options: dict[str, Any] = {"connect_args": _LITE}
    if path is None:
        options["poolclass"] = sa.StaticPool
    elif is_read_only:
        options = {"creator": lambda: _opened_to_read(path), "poolclass": sa.NullPool}
    engine = sa.create_engine(url, **options)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _opened_to_read(path: Path) -> sqlite3.Connection:
    """Without a trace: SQLite would make the files of a WAL, which then belong to this user.

    Where there is no WAL, nobody writes; the connection lives for one look only.
    """
    has_wal = path.with_name(path.name + "-wal").exists()
    words = "mode=ro" if has_wal else "mode=ro&immutable=1"
    address = f"file:{quote(str(path))}?{words}"
    opened: sqlite3.Connection = sqlite3.connect(address, uri=True, **_LITE)
    return opened


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the store's folder {folder} cannot be made: {error.strerror}",
            hint="name a folder that this user may write",
        ) from error


def _prepare(connection: Any, record: object) -> None:
    # sqlite3 would begin transactions when it sees fit; _begin does so instead, since a reader
    # that turns writer in WAL mode fails at once, whatever the busy timeout.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get("imagebot_begin", "BEGIN")
    connection.exec_driver_sql(str(statement))
