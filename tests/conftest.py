"""What holds for all tests: laws are judged by what they find, never by how long that takes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from imagebot.store_address import StoreAddress, in_file
from tests.servers.postgresql import PostgreSQL, running_postgresql

settings.register_profile("imagebot", deadline=None)
settings.load_profile("imagebot")

# Whoever starts the tests in the background of a script has them ignore Ctrl-C (POSIX, sh,
# "Asynchronous Lists"), and so would the programs that tests start and stop by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One server for all tests of a process; each takes a schema of its own."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(params=["file", "postgresql"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> StoreAddress:
    """Where a store may be that outlives its process: what holds for one holds for the other."""
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.new_store()
    return in_file(tmp_path / "lasting.sqlite")
