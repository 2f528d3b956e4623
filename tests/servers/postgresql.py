"""Debian's PostgreSQL as a server for tests: on a free port of loopback, by password, killable."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from imagebot.store_address import StoreAddress, read_url

PASSWORD = "s3cr3t-of-the-store"
_WAIT_SECONDS = 60  # for a start, however busy the machine


def _programs() -> Path:
    """The folder of initdb and postgres: the newest that Debian installed, or that of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_major)
    found = str(debian[-1]) if debian else shutil.which("initdb")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("postgresql must be installed in CI")
        pytest.skip("postgresql is not installed")
    return Path(found).parent


def _major(initdb: Path) -> int:
    name = initdb.parents[1].name
    return int(name) if name.isdigit() else 0


class PostgreSQL:
    """A server over a folder of its own. `kill` is what a crash of the machine's process is."""

    def __init__(self, folder: Path) -> None:
        self._programs = _programs()
        self._data = folder / "data"
        self._log = folder / "log"
        self._log.touch()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:  # which it refuses to run as
            entry = _somebody()
            self._user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            *("initdb", "--no-sync", "--encoding=UTF8", "--locale=C", "--username=imagebot"),
            *("--auth=scram-sha-256", f"--pwfile={password}", f"--pgdata={self._data}"),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            **self._user,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start, and wait until it answers. What a killed one left may need some tries."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                self._spawn()
            with suppress(psycopg.OperationalError), self.connect():
                return
            time.sleep(0.1)
        raise AssertionError(self._log.read_text()[-3000:])

    def _spawn(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",  # what it wrote survives its own death, not that of the machine
            "max_connections": 200,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres",
                    *("-D", str(self._data)),
                    *(
                        word
                        for name, value in options.items()
                        for word in ("-c", f"{name}={value}")
                    ),
                ],
                **self._user,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            )

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order, although clients are connected."""
        self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_WAIT_SECONDS)
            self._process = None

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection of the administrator, where each statement counts at once."""
        return psycopg.connect(self.url(), autocommit=True, connect_timeout=10)

    def url(self, schema: str = "public") -> str:
        return (
            f"postgresql://imagebot:{PASSWORD}@127.0.0.1:{self.port}/postgres"
            f"?options=-csearch_path%3D{schema}"
        )

    def new_schema(self) -> str:
        """The name of an empty schema, which is as good as a database and made at once."""
        name = f"s{uuid.uuid4().hex}"
        with self.connect() as connection:
            connection.execute(f"create schema {name}")
        return name

    def new_store(self) -> StoreAddress:
        return read_url(self.url(self.new_schema()))


def _somebody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    # Not in pytest's folders, which nobody but this user may enter.
    folder = Path(tempfile.mkdtemp(prefix="imagebot-postgresql-"))
    folder.chmod(0o755)
    try:
        server = PostgreSQL(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
