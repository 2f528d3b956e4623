"""`imagebot status` after runs, from the store alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest

from imagebot import clients, settings
from imagebot.cli.main import main
from tests.acceptance.world import World


def status(world: World, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["status", "--settings", str(world.settings), *words]) == 0
    return capsys.readouterr().out


def of_config(world: World, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (found,) = json.loads(status(world, capsys, "-o", "json"))["repositories"]
    return found


def test_it_tells_images_by_state_and_open_requests(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    found = of_config(world, capsys)
    assert found["name"] == "config"
    assert {state: count for state, count in found["images"].items() if count} == {"behind": 1}
    assert [each["title"] for each in found["openRequests"]] == ["Update acme/api to 1.1.0 (minor)"]
    shown = status(world, capsys)
    assert "  images: 1 behind\n" in shown
    assert "  open: Update acme/api to 1.1.0 (minor) http://" in shown


def test_what_is_owed_at_once_names_no_time(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    with clients.build(settings.load(world.settings, os.environ)) as built:
        built.store.request("config")
    assert "  owed\n" in status(world, capsys)


def test_it_tells_of_runs_by_apply_as_of_those_by_the_controller(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    world.apply()
    found = of_config(world, capsys)
    assert found["lastRun"]["outcome"] == "waiting"
    shown = status(world, capsys, "--runs", "5")
    assert shown.startswith("config: waiting at ")
    assert shown.count("  run: ") == 2


def test_it_tells_of_an_apply_that_failed_why(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(world.remote, world.remote.with_name("moved.git"))
    assert world.apply() == 6
    last = of_config(world, capsys)["lastRun"]
    assert last["outcome"] in ("failed", "stalled")
    assert str(world.remote) in last["message"]


def test_before_anything_was_looked_at_it_says_so_and_makes_no_file(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(world.data, ignore_errors=True)
    assert status(world, capsys) == "config: not looked at yet\n"
    assert not world.data.exists()


def test_it_asks_no_registry_and_no_forge(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.apply()
    before = world.everything()
    shutil.rmtree(world.data / "git")
    status(world, capsys, "--runs", "3")
    assert not (world.data / "git").exists()
    assert world.everything() == before


def test_an_unknown_name_is_a_mistake(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--settings", str(world.settings), "confg"]) == 2
    assert "known: config" in capsys.readouterr().err


def test_watching_ends_well_on_ctrl_c_and_prints_a_line_a_change(world: World) -> None:
    world.apply()
    command = [sys.executable, "-m", "imagebot", "status", "--watch"]
    with subprocess.Popen(
        [*command, "--settings", str(world.settings)],
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        try:
            assert watching.stdout
            assert watching.stdout.readline().startswith("config: ")
            watching.send_signal(signal.SIGINT)
            assert watching.wait(30) == 0
        finally:
            watching.kill()
