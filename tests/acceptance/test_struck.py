"""`imagebot run` on many git repositories, ended and killed at any moment: each update comes once.

By hand, with more: STRUCK_REPOSITORIES=20 STRUCK_TIMES=20 STRUCK_SEED=7 pytest -s, on this file.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from imagebot.demo.github import EmbeddedForge
from tests.acceptance.test_hanging import write_settings
from tests.acceptance.test_run import PATIENCE_SECONDS, ROOT, running, wait_for
from tests.acceptance.world import FickleRegistry, World

SEED = os.environ.get("STRUCK_SEED", "1")
TIMES = int(os.environ.get("STRUCK_TIMES", "3"))  # by each of the two signals
REPOSITORIES = int(os.environ.get("STRUCK_REPOSITORIES", "4"))
SHARE_AT_WORK = 0.8  # the rest is struck while it starts
LONGEST_SECONDS = 1.5 + REPOSITORIES / 4  # that one runs before it is struck


def test_signals_at_any_moment_leave_one_right_request_for_each_update(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    strikes = [signal.SIGTERM, signal.SIGKILL] * TIMES
    chance.shuffle(strikes)
    ends: Counter[str] = Counter()
    with ExitStack() as stack:
        registry = stack.enter_context(FickleRegistry())
        forge = stack.enter_context(EmbeddedForge())
        worlds = made_worlds(tmp_path, registry, forge)
        last = worlds[f"fleet-{REPOSITORIES - 1}"]
        plain = last.settings.read_text()
        last.settings.write_text(f"{plain}listen: 127.0.0.1:0\n")
        for number, strike in enumerate(strikes):
            for name in chance.sample(sorted(worlds), max(1, REPOSITORIES // 2)):
                registry.add(f"acme/{name}", f"1.{number + 1}.0")
            ends[struck(last.settings, tmp_path / f"{number}.log", strike, chance)] += 1
        for name in worlds:
            registry.add(f"acme/{name}", "2.0.0")
        last.settings.write_text(plain)
        log = tmp_path / "last.log"
        with running(last, log, more="jitter: 0\ninterval: 2s\n") as (process, _):
            wait_for(lambda: all(is_proposed(world, name) for name, world in worlds.items()), log)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
        for name, world in worlds.items():
            assert_whole(world, name)
        with sqlite3.connect(last.data / "imagebot.sqlite") as connection:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        connection.close()
    print(f"\nseed {SEED}: {dict(ends)}")


def made_worlds(folder: Path, registry: FickleRegistry, forge: EmbeddedForge) -> dict[str, World]:
    """Each git repository has one image of its name. The last one's settings list them all."""
    registry.add("acme/api", "1.0.0")  # the world's own, which stays
    worlds = {}
    for number in range(REPOSITORIES):
        name = f"fleet-{number}"
        (folder / name).mkdir()
        world = worlds[name] = World(folder / name, registry, forge, project=f"acme/{name}")
        world.set_up()
        registry.add(f"acme/{name}", "1.0.0")
        world.write_policy(name)
        world.write_deployment(name, "1.0.0")
        world.commit("Start", push=True)
    write_settings(worlds)
    return worlds


def struck(settings: Path, log: Path, strike: signal.Signals, chance: random.Random) -> str:
    """Run and strike at a random moment; what it came to."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "imagebot", "run", "--settings", str(settings)],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        if chance.random() < SHARE_AT_WORK:
            wait_for(lambda: "listening on" in log.read_text(), log)
        time.sleep(chance.uniform(0, LONGEST_SECONDS))
        process.send_signal(strike)
        code = process.wait(PATIENCE_SECONDS)
    finally:
        process.kill()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert not [line for line in lines if "exception" in line], log.read_text()
    has_begun = any("outcome" in line for line in lines)
    if strike is signal.SIGTERM and has_begun:
        assert code == 0, log.read_text()
    assert code in (0, -strike), log.read_text()
    return f"{strike.name} {'at work' if has_begun else 'at the start'}: {code}"


def is_proposed(world: World, name: str) -> bool:
    return [each.title for each in world.open_requests()] == [
        f"Update acme/{name} to 2.0.0 (major)"
    ]


def assert_whole(world: World, name: str) -> None:
    """One request for all updates of the image, whose branch is the base but for the tag."""
    (request,) = world.pull_requests()
    assert list(world.branches()) == [request.head]
    path = f"apps/{name}/deployment.yaml"
    base = world.content("main", path)
    assert world.content(request.head, path) == base.replace(f"{name}:1.0.0", f"{name}:2.0.0")
    changed = world.git(world.remote, "diff", "--name-only", f"main...{request.head}").split()
    assert changed == [path]
    world.git(world.remote, "fsck", "--strict")
