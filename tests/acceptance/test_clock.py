"""`imagebot run` on a clock that is set while it runs, by libfaketime: nothing waits for it."""

import os
from pathlib import Path

import pytest

from tests.acceptance.test_run import running, status_of, wait_for
from tests.acceptance.world import World


def library() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        if os.environ.get("CI") == "true":
            pytest.fail("libfaketime must be installed in CI")
        pytest.skip("libfaketime is not installed")
    return str(found[0])


def test_a_clock_set_back_by_hours_delays_no_update(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, log = tmp_path / "clock", tmp_path / "run.log"
    clock.write_text("+0\n")
    monkeypatch.setenv("LD_PRELOAD", library())
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(clock))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    more = "interval: 5s\npolling: {min: 2s, max: 4s}\n"
    with running(world, log, more=more) as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        clock.write_text("-5h\n")
        wait_for(lambda: "the clock was set back by" in log.read_text(), log)
        world.registry.add("acme/api", "1.2.0")
        wait_for(lambda: world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)", log)
        assert status_of(f"{url}/healthz") == 200
        assert process.poll() is None
