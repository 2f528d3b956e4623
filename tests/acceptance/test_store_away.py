"""`imagebot run` that is started while its PostgreSQL is away, or does not let it in."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from imagebot.cli.waiting import MOST_SECONDS, pause_seconds
from tests.acceptance.conftest import world
from tests.acceptance.test_run import PATIENCE_SECONDS, ROOT, running, status_of, wait_for
from tests.acceptance.world import World
from tests.servers.postgresql import PASSWORD, PostgreSQL, running_postgresql

__all__ = ["world"]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


@pytest.fixture
def stored(world: World, server: PostgreSQL) -> Iterator[World]:
    """A world whose store is in the server, each test's in a schema of its own."""
    store_in(world, server.url(server.new_schema()))
    yield world
    server.start()


def store_in(world: World, url: str) -> None:
    (world.folder / "store-url").write_text(url)
    text = world.settings.read_text()
    if "store:" not in text:
        world.settings.write_text(text + "store: {urlFile: store-url}\n")


def test_a_controller_that_is_started_first_waits_for_the_database_and_then_works(
    stored: World, server: PostgreSQL, tmp_path: Path
) -> None:
    server.stop()
    log = tmp_path / "run.log"
    with running(stored, log) as (process, url):
        wait_for(lambda: status_of(f"{url}/healthz") == 200, log)
        answer = requests.get(f"{url}/readyz", timeout=30)
        assert answer.status_code == 503
        shown = answer.json()
        assert shown["trouble"].startswith("opening the store: the store postgresql://127.0.0.1:")
        assert shown["repositories"]["config"]["message"] == "not reconciled yet"
        delivery = requests.post(f"{url}/hooks/github/main", data=b"{}", timeout=30)
        assert (delivery.status_code, delivery.headers["Retry-After"]) == (503, "60")
        server.start()
        wait_for(lambda: len(stored.open_requests()) == 1, log)
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line["text"] for line in lines if line["logger"] == "imagebot.troubles"]
    assert [text.partition(":")[0] for text in told] == [
        "opening the store",
        "opening the store works again",
    ]
    assert PASSWORD not in log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_in_order(
    stored: World, server: PostgreSQL, tmp_path: Path, number: signal.Signals
) -> None:
    server.stop()
    log = tmp_path / "run.log"
    with running(stored, log) as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 503, log)
        process.send_signal(signal.SIGHUP)  # reads the settings again where they are in use
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert json.loads(log.read_text().splitlines()[-1])["text"] == "stopped"


def run_to_its_end(world: World) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "imagebot", "run", "--settings", str(world.settings)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_a_database_that_refuses_the_password_ends_it_with_the_reason(
    stored: World, server: PostgreSQL
) -> None:
    store_in(stored, server.url().replace(PASSWORD, "wr0ng"))
    done = run_to_its_end(stored)
    assert done.returncode == 1
    assert "password authentication failed" in done.stderr
    assert "hint: mend user, password and database of its URL" in done.stderr
    assert "wr0ng" not in done.stderr


def test_a_database_that_is_not_there_on_the_server_ends_it_with_the_reason(
    stored: World, server: PostgreSQL
) -> None:
    store_in(stored, server.url().replace("/postgres?", "/nothing?"))
    done = run_to_its_end(stored)
    assert done.returncode == 1
    assert r"database \"nothing\" does not exist" in done.stderr


def test_a_store_of_a_newer_imagebot_ends_it_with_the_reason(
    stored: World, server: PostgreSQL
) -> None:
    assert stored.apply() == 0
    schema = (stored.folder / "store-url").read_text().rpartition("%3D")[2]
    with server.connect() as connection:
        name = f"{schema}.imagebot_revision"
        connection.execute(f"update {name} set version_num = 'of-tomorrow'")
    done = run_to_its_end(stored)
    assert done.returncode == 1
    assert "has schema of-tomorrow" in done.stderr


def test_pauses_between_tries_grow_up_to_a_bound_that_does_not() -> None:
    assert [pause_seconds(tries, 1.0) for tries in range(6)] == [1, 2, 4, 8, 15, 15]
    assert pause_seconds(100_000, 0.0) == MOST_SECONDS / 2
