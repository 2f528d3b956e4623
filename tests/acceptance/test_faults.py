"""A forge that fails, two processes on one git repository, kills: one right request per group.

By hand, with more: FAULT_UPDATES=1000 FAULT_SEED=7 pytest -s, on this file.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from imagebot.demo.github import EmbeddedForge
from tests.acceptance.world import FickleRegistry, World
from tests.servers.fault_proxy import FaultProxy, OldLists

ROOT = Path(__file__).parent.parent.parent
UPDATES = int(os.environ.get("FAULT_UPDATES", "24"))
SEED = os.environ.get("FAULT_SEED", "1")
ROUNDS = 2 if UPDATES < 200 else 8  # odd ones open requests, even ones update them
RUNS_PER_ROUND = 2 if UPDATES < 200 else 3
SHARE_OF_WRITES = 0.3
SHARE_OF_READS = 0.5 * ROUNDS / UPDATES  # one in two runs gets past the look-up of each group
SHARE_OF_KILLS = 0.3  # of the runs, at any moment, besides those at a request


@dataclass
class Worker:
    """One of the processes: its own settings and store, its own proxy, killed now and then."""

    world: World
    name: str
    lists: OldLists
    kills: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    run: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{SEED} kills of {self.name}")
        self.proxy = FaultProxy(
            self.world.forge,
            f"{SEED} {self.name}",
            SHARE_OF_WRITES,
            SHARE_OF_READS,
            self.kill,
            self.lists,
        )

    def kill(self) -> None:
        if self.run is not None and self.run.poll() is None:
            self.kills += 1
            self.run.kill()
            self.run.wait(10)

    def write_settings(self) -> Path:
        text = self.world.settings.read_text()
        text = text.replace(self.world.forge.root, self.proxy.root)
        text = text.replace(str(self.world.data), str(self.world.folder / self.name))
        path = self.world.folder / f"{self.name}.yaml"
        path.write_text(text)
        return path

    def work(self) -> None:
        settings = self.write_settings()
        for _ in range(RUNS_PER_ROUND):
            self.run = subprocess.Popen(
                [sys.executable, "-m", "imagebot", "apply", "--settings", str(settings)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            is_killed = self.chance.random() < SHARE_OF_KILLS
            try:
                self.run.wait(self.chance.uniform(0.3, 3) if is_killed else 300)
            except subprocess.TimeoutExpired:
                self.kill()
            self.codes[self.run.returncode] += 1


def names() -> list[str]:
    return [f"app-{number:03}" for number in range(UPDATES // ROUNDS)]


def set_up(world: World) -> None:
    world.registry.add("acme/api", "1.0.0")  # the world's own, which stays
    world.set_up()
    for name in names():
        world.registry.add(f"acme/{name}", "1.0.0")
        world.write_policy(name)
        world.write_deployment(name, "1.0.0")
    world.commit("Start all", push=True)


def merge_all(world: World) -> None:
    """A person merges every open request."""
    world.git(world.checkout, "fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
    heads = [f"origin/{request.head}" for request in world.open_requests()]
    for start in range(0, len(heads), 20):
        world.git(world.checkout, "merge", "-q", "-m", "Merge", *heads[start : start + 20])
    world.git(world.checkout, "push", "-q", "origin", "HEAD:main")


def test_faults_kills_and_two_processes_leave_exactly_one_right_request_for_each_group(
    tmp_path: Path,
) -> None:
    started, missing, doubled = time.monotonic(), 0, 0
    with FickleRegistry() as registry, EmbeddedForge() as forge:
        world = World(tmp_path, registry, forge)
        set_up(world)
        lists = OldLists()
        workers = [Worker(world, name, lists) for name in ("one", "two")]
        with workers[0].proxy, workers[1].proxy:
            for number in range(1, ROUNDS + 1):
                if number % 2 and number > 1:
                    merge_all(world)
                for name in names():
                    registry.add(f"acme/{name}", f"1.{number}.0")
                threads = [threading.Thread(target=worker.work) for worker in workers]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                assert world.apply() == 0
                missing += missing_of(world, f"1.{number}.0")
                doubled += len(world.pull_requests()) - len(names()) * ((number + 1) // 2)
        before = world.everything()
        assert world.apply() == 0
        assert world.everything() == before
    told = sum((worker.proxy.done for worker in workers), Counter[str]())
    codes = sum((worker.codes for worker in workers), Counter[int]())
    print(
        f"\nseed {SEED}: {len(names()) * ROUNDS} updates, {missing} missing, {doubled} doubled; "
        f"{sum(worker.proxy.request_count for worker in workers)} requests, "
        f"{told.total()} faults {dict(sorted(told.items()))}, "
        f"{sum(worker.kills for worker in workers)} kills, exit codes {dict(codes)}, "
        f"{time.monotonic() - started:.0f} s"
    )
    opened = sum(worker.proxy.opened_count for worker in workers)
    print(f"{opened} of {len(world.pull_requests())} requests were opened through the faults")
    assert opened > 0, "nothing was opened through the faults, so nothing was shown"
    assert (missing, doubled) == (0, 0)


def missing_of(world: World, tag: str) -> int:
    """Groups without one open request of the right title whose branch differs by the tag alone."""
    heads: dict[str, list[str]] = {}
    for request in world.open_requests():
        heads.setdefault(request.title, []).append(request.head)
    missing = 0
    for name in names():
        before = world.git(world.remote, "show", f"main:apps/{name}/deployment.yaml")
        old = before.partition(f"{name}:")[2].partition('"')[0]
        title = f"Update acme/{name} to {tag} (minor)"
        found = heads.get(title, [])
        wanted = before.replace(f"{name}:{old}", f"{name}:{tag}")
        files = [world.content(head, f"apps/{name}/deployment.yaml") for head in found]
        changed = [
            world.git(world.remote, "diff", "--name-only", f"main...{head}").split()
            for head in found
        ]
        missing += files != [wanted] or changed != [[f"apps/{name}/deployment.yaml"]]
    return missing
