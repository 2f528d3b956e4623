"""`imagebot run` as a service: it proposes, answers, keeps to one, and ends when told."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.acceptance.world import World
from tests.servers.git_http import free_port

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 600  # only what never comes takes that long


@contextmanager
def running(
    world: World, log: Path, *, more: str = "interval: 1s\n", port: int = 0
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    address = f"127.0.0.1:{port or free_port()}"
    world.settings.write_text(world.settings.read_text() + f"listen: {address}\n{more}")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "imagebot", "run", "--settings", str(world.settings)],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        yield process, f"http://{address}"
    finally:
        process.kill()
        process.wait(10)


def wait_for(is_so: Callable[[], bool], log: Path) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.1)


def status_of(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:  # not there yet, or too busy to answer
        return 0


def test_it_proposes_again_and_again_answers_and_ends_cleanly(world: World, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with running(world, log) as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        assert status_of(f"{url}/healthz") == 200
        wait_for(lambda: len(world.open_requests()) == 1, log)
        world.registry.add("acme/api", "1.2.0")
        wait_for(lambda: world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)", log)
        assert len(world.pull_requests()) == 1
        metrics = requests.get(f"{url}/metrics", timeout=PATIENCE_SECONDS).text
        assert 'imagebot_reconciliations_total{outcome="proposed"}' in metrics
        asked = f'imagebot_registry_requests_total{{host="{world.registry.host}",outcome="ok"}}'
        assert asked in metrics
        assert 'imagebot_occurrences{repository="config",state="behind"} 1.0' in metrics
        assert 'imagebot_pull_requests_total{event="opened"} 1.0' in metrics
        command = [sys.executable, "-m", "imagebot", "status", "--settings", str(world.settings)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        shown = done.stdout
        assert "  images: 1 behind\n" in shown
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["message"] == "stopped"
    assert [line for line in lines if line.get("run") and line.get("repository") == "config"]
    assert world.forge.token not in log.read_text()


def test_a_second_service_on_the_same_store_is_refused(world: World, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with running(world, log) as (_, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        text = world.settings.read_text()
        second = tmp_path / "second.yaml"
        second.write_text(text.replace(url.removeprefix("http://"), f"127.0.0.1:{free_port()}"))
        done = subprocess.run(
            [sys.executable, "-m", "imagebot", "run", "--settings", str(second)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert "imagebot.sqlite" in done.stderr


def test_a_failing_forge_does_not_end_the_service(world: World, tmp_path: Path) -> None:
    (world.folder / "token").write_text("ghp_wrong")
    log = tmp_path / "run.log"
    with running(world, log) as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        wait_for(lambda: '"stalled"' in log.read_text() or '"failed"' in log.read_text(), log)
        assert process.poll() is None
        assert status_of(f"{url}/healthz") == 200


def test_the_log_says_once_what_is_wrong_with_a_policy_and_where(
    world: World, tmp_path: Path
) -> None:
    world.write_policy("api", more="  suspendd: true\n")
    world.commit("A mistake", push=True)
    log = tmp_path / "run.log"
    with running(world, log) as (_, url):
        wait_for(lambda: log.read_text().count('"stalled"') >= 3, log)
        assert status_of(f"{url}/readyz") == 200
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [line for line in lines if "suspendd" in line.get("problem", "")]
    assert line["place"].startswith("apps/api/imagebot.yaml:")
    assert line["repository"] == "config"


def test_a_data_folder_that_is_deleted_is_told_and_asks_for_a_restart_which_mends_it(
    world: World, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    with running(world, log) as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        shutil.rmtree(world.data)
        wait_for(lambda: status_of(f"{url}/healthz") == 503, log)
        wait_for(lambda: "moved or deleted" in requests.get(f"{url}/readyz", timeout=5).text, log)
        world.registry.add("acme/api", "1.2.0")
        wait_for(lambda: log.read_text().count("moved or deleted") >= 2, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert not world.data.exists()
    assert log.read_text().count("starting what is owed: ") == 1
    assert "Traceback" not in log.read_text()
    world.write_settings()
    with running(world, log):
        wait_for(lambda: world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)", log)
    assert len(world.pull_requests()) == 1


@pytest.mark.parametrize("words", [[], ["--settings", "nowhere.yaml"]])
def test_without_usable_settings_it_says_so_and_ends(tmp_path: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "imagebot", "run", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()  # as every line of a log that is collected
    assert json.loads(line)["level"] == "critical"
    assert "; hint: " in json.loads(line)["text"]


def test_settings_that_change_are_taken_over_and_broken_ones_are_told_of(
    world: World, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    with running(world, log) as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        good = world.settings.read_text()
        world.settings.write_text(good + "intervall: 2s\n")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "intervall" in requests.get(f"{url}/readyz", timeout=5).text, log)
        assert status_of(f"{url}/readyz") == 200  # it works on by the former ones
        assert "imagebot_settings_stale 1.0" in requests.get(f"{url}/metrics", timeout=5).text
        world.settings.write_text(good.replace("name: config", "name: renamed"))
        wait_for(lambda: '"renamed"' in requests.get(f"{url}/readyz", timeout=5).text, log)
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        shown = requests.get(f"{url}/readyz", timeout=5).json()
        assert shown["warnings"] == []
        assert list(shown["repositories"]) == ["renamed"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert len(world.open_requests()) == 1
    assert world.forge.token not in log.read_text()
