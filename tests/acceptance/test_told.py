"""Notifications of a real `imagebot run`, as a webhook gets them."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from imagebot import telling
from imagebot.database import Database
from imagebot.history import History
from tests.acceptance.test_run import PATIENCE_SECONDS, running, status_of, wait_for
from tests.acceptance.world import World
from tests.servers.listener import Listener

_RUNS = re.compile(r'^imagebot_reconciliations_total\{outcome="waiting".*\} (\d+)', re.MULTILINE)


@pytest.fixture
def webhook() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


@contextmanager
def serving(world: World, webhook: Listener, log: Path, remind: str = "") -> Iterator[str]:
    """A service that tells the webhook, until what it wants to tell was told."""
    (world.folder / "url").write_text(f"json://{webhook.host}/told\n")
    world.write_settings()
    told = f"notifications: [{{name: team, urlFile: '{world.folder}/url'{remind}}}]\n"
    with running(world, log, more=f"interval: 1s\n{told}") as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0  # after the last message left


def messages(webhook: Listener) -> list[dict[str, str]]:
    return [json.loads(received.body) for received in webhook.received]


def runs_without_change(url: str) -> int:
    found = _RUNS.search(requests.get(f"{url}/metrics", timeout=PATIENCE_SECONDS).text)
    return int(found[1]) if found else 0


def test_a_proposal_is_told_once_no_change_is_not_and_an_old_one_is_reminded_of(
    world: World, webhook: Listener, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    with serving(world, webhook, log) as url:
        wait_for(lambda: bool(webhook.received), log)
        before = runs_without_change(url)
        wait_for(lambda: runs_without_change(url) >= before + 2, log)
    (told,) = messages(webhook)
    assert told["title"] == "imagebot: config: proposed"
    (request,) = world.open_requests()
    assert told["message"].count("\n") == 0
    assert request.title in told["message"]

    three_hours_pass(world, request.number)
    log = tmp_path / "again.log"
    with serving(world, webhook, log, remind=", remind: 2h") as url:
        wait_for(lambda: len(webhook.received) > 1, log)
        before = runs_without_change(url)
        wait_for(lambda: runs_without_change(url) >= before + 2, log)
    _, reminder = messages(webhook)
    assert reminder["title"] == "imagebot: config: reminder"
    assert request.title in reminder["message"]


def three_hours_pass(world: World, number: int) -> None:
    """As if somebody had last been told of the request three hours ago."""
    database = Database(world.data / "imagebot.sqlite")
    history = History(database)
    before = history.told("team", "config")
    told = telling.loaded(before)
    assert told
    at = (datetime.now(UTC) - timedelta(hours=3)).timestamp()
    after = telling.dumped(replace(told, reminded={str(number): at}))
    assert history.claim_told("team", "config", before, after)
    database.close()
