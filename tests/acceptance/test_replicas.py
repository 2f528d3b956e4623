"""Several `imagebot run` on one PostgreSQL: killed and cut off at random, each update comes once.

By hand, with more: REPLICA_KILLS=60 REPLICA_SEED=7 pytest -s, on this file.
"""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from imagebot.demo.github import EmbeddedForge
from imagebot.demo.registry import Request, Response
from tests.acceptance.world import FickleRegistry, World
from tests.servers.git_http import free_port
from tests.servers.postgresql import PASSWORD, PostgreSQL, running_postgresql

ROOT = Path(__file__).parent.parent.parent
SEED = os.environ.get("REPLICA_SEED", "1")
KILLS = int(os.environ.get("REPLICA_KILLS", "8"))  # in all, of the controllers and PostgreSQL
REPOSITORIES = int(os.environ.get("REPLICA_REPOSITORIES", "4"))
APPS = int(os.environ.get("REPLICA_APPS", "6"))  # in each git repository
ROUNDS = 2  # in each, every app has one update
PATIENCE_SECONDS = 240
REPLACED_WITHIN_SECONDS = 30


@pytest.fixture
def server() -> Iterator[PostgreSQL]:
    """One that may be killed."""
    with running_postgresql() as server:
        yield server


@dataclass
class Replica:
    """A process with a data folder of its own, begun anew whenever it ended, as a pod is."""

    folder: Path
    settings: str
    kills: int = 0
    ends: Counter[int] = field(default_factory=Counter)  # exit codes that we did not cause
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.address = f"127.0.0.1:{free_port()}"
        self.log = self.folder / "log"
        self.path = self.folder / "settings.yaml"
        self.path.write_text(
            f"{self.settings}dataDir: {self.folder / 'data'}\nlisten: {self.address}\n"
        )

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "imagebot", "run", "--settings", str(self.path)],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def keep_alive(self) -> None:
        if self.process is not None and (code := self.process.poll()) is not None:
            self.ends[code] += 1
            self.start()

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kills += 1
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
        self.process = None

    def readiness(self) -> tuple[int, str]:
        """Status and trouble that /readyz tells; 0 while nobody answers."""
        try:
            answer = requests.get(f"http://{self.address}/readyz", timeout=30)
        except requests.RequestException:
            return 0, ""
        return answer.status_code, str(answer.json()["trouble"])


def names() -> list[str]:
    return [f"app-{number}" for number in range(APPS)]


def made_worlds(folder: Path, registry: FickleRegistry, forge: EmbeddedForge) -> list[World]:
    worlds = []
    for number in range(REPOSITORIES):
        root = folder / f"fleet-{number}"
        root.mkdir()
        world = World(root, registry, forge, project=f"acme/fleet-{number}")
        registry.add("acme/api", "1.0.0")  # the world's own, which stays
        world.set_up()
        for name in names():
            registry.add(f"acme/{name}", "1.0.0")
            world.write_policy(name)
            world.write_deployment(name, "1.0.0")
        world.commit("Start all", push=True)
        worlds.append(world)
    return worlds


def settings_of(worlds: list[World], url_file: Path, interval: str) -> str:
    """One list of all git repositories, and the store that the replicas share."""
    entries = []
    for number, world in enumerate(worlds):
        text = world.settings.read_text()
        entry = text.partition("repositories:\n")[2].partition("registries:")[0]
        entries.append(entry.replace("name: config", f"name: fleet-{number}"))
    registries = worlds[0].settings.read_text().partition("registries:\n")[2]
    return (
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\n"
        f"store: {{urlFile: {url_file}}}\ninterval: {interval}\n"
        f"repositories:\n{''.join(entries)}registries:\n{registries}"
    )


@contextmanager
def running(replicas: list[Replica]) -> Iterator[None]:
    try:
        yield
    finally:
        for replica in replicas:
            if replica.process is not None:
                replica.process.kill()
                replica.process.wait(10)


def wait_until(is_so: Callable[[], bool], replicas: list[Replica]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at, "\n".join(
            replica.log.read_text()[-3000:] for replica in replicas
        )
        for replica in replicas:
            replica.keep_alive()
        time.sleep(0.1)


def missing(worlds: list[World], tag: str) -> list[str]:
    """Groups without an open request whose branch has the tag."""
    found = []
    for world in worlds:
        heads = {request.title: request.head for request in world.open_requests()}
        for name in names():
            head = heads.get(f"Update acme/{name} to {tag} (minor)")
            path = f"apps/{name}/deployment.yaml"
            if head is None or f'{name}:{tag}"' not in world.content(head, path):
                found.append(f"{world.project} {name}")
    return found


def merge_all(world: World) -> None:
    """A person merges every open request."""
    world.git(world.checkout, "fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
    heads = [f"origin/{request.head}" for request in world.open_requests()]
    world.git(world.checkout, "merge", "-q", "-m", "Merge", *heads)
    world.git(world.checkout, "push", "-q", "origin", "HEAD:main")


def doubled_runs(server: PostgreSQL) -> list[tuple[str, float]]:
    """Runs of a git repository that began before the one before it had ended, and by how much."""
    with server.connect() as connection:
        rows = connection.execute(
            "select repository, started_at, ended_at from run order by repository, started_at"
        ).fetchall()
    return [
        (first[0], first[2] - second[1])
        for first, second in itertools.pairwise(rows)
        if first[0] == second[0] and second[1] < first[2]
    ]


class Chaos:
    """Kills of controllers and of PostgreSQL at moments that the seed decides."""

    def __init__(self, server: PostgreSQL, replicas: list[Replica]) -> None:
        self.chance = random.Random(f"{SEED} kills")
        self.server = server
        self.replicas = replicas
        self.server_kills = 0

    def go_on(self, kills: int) -> None:
        for _ in range(kills):
            self.pause(0.3, 3)
            victim = self.chance.choice([None, *self.replicas])
            if victim is not None:
                victim.kill()
                self.pause(0, 1.5)
                victim.start()
                continue
            self.server.kill()
            self.server_kills += 1
            self.pause(0.5, 3)
            self.server.start()

    def pause(self, least: float, most: float) -> None:
        time.sleep(self.chance.uniform(least, most))
        for replica in self.replicas:
            replica.keep_alive()


def test_kills_of_controllers_and_of_postgresql_leave_each_update_proposed_exactly_once(
    tmp_path: Path, server: PostgreSQL
) -> None:
    started = time.monotonic()
    url_file = tmp_path / "store-url"
    url_file.write_text(server.url())
    with FickleRegistry() as registry, EmbeddedForge() as forge:
        worlds = made_worlds(tmp_path, registry, forge)
        settings = settings_of(worlds, url_file, "1s")
        replicas = [Replica(tmp_path / name, settings) for name in ("one", "two")]
        chaos = Chaos(server, replicas)
        lacking, doubled = 0, 0
        with running(replicas):
            for replica in replicas:
                replica.start()
            for number in range(1, ROUNDS + 1):
                pushing = threading.Thread(target=push_all, args=(registry, f"1.{number}.0"))
                pushing.start()
                chaos.go_on(KILLS // ROUNDS)
                pushing.join()
                tag = f"1.{number}.0"
                wait_until(lambda tag=tag: not missing(worlds, tag), replicas)
                settle(server, replicas)
                lacking += len(missing(worlds, tag))
                doubled += sum(len(world.pull_requests()) - APPS * number for world in worlds)
                for world in worlds:
                    merge_all(world)
            wait_until(lambda: not any(world.open_requests() for world in worlds), replicas)
            overlaps = doubled_runs(server)
    ends = sum((replica.ends for replica in replicas), Counter[int]())
    updates = REPOSITORIES * APPS * ROUNDS
    print(
        f"\nseed {SEED}: {updates} updates, {lacking} missing, {doubled} doubled, "
        f"{len(overlaps)} runs at once; {sum(replica.kills for replica in replicas)} kills of "
        f"controllers, {chaos.server_kills} of PostgreSQL, other ends {dict(ends)}, "
        f"{time.monotonic() - started:.0f} s"
    )
    logs = "".join(replica.log.read_text() for replica in replicas)
    assert PASSWORD not in logs
    assert (lacking, doubled, overlaps) == (0, 0, [])
    assert sum(replica.kills for replica in replicas) + chaos.server_kills == KILLS
    bugs = [line[:4000] for line in logs.splitlines() if "a bug in imagebot" in line]
    assert not bugs, bugs[0]


def push_all(registry: FickleRegistry, tag: str) -> None:
    """New images come one after another, while all around is being killed."""
    for name in names():
        registry.add(f"acme/{name}", tag)
        time.sleep(0.3)


def settle(server: PostgreSQL, replicas: list[Replica]) -> None:
    """Wait until every git repository was looked at anew, so that what would double has doubled."""
    with server.connect() as connection:
        query = "select key, done from target"
        before = dict(connection.execute(query).fetchall())
        wait_until(
            lambda: all(
                done >= before[key] + 2 for key, done in connection.execute(query).fetchall()
            ),
            replicas,
        )


HOLDERS = """
select count(*) from pg_locks where locktype = 'advisory' and granted
and (classid::bigint << 32 | objid::bigint) = hashtextextended('imagebot target fleet-0', 0)
"""


class SlowRegistry(FickleRegistry):
    """One whose answers can be held back."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()
        self.was_asked = threading.Event()

    def handle(self, request: Request) -> Response:
        if request.path.endswith("/tags/list"):
            self.was_asked.set()
            self.may_answer.wait(PATIENCE_SECONDS)
        return super().handle(request)


def test_a_replica_that_is_killed_in_the_middle_of_its_work_is_replaced(
    tmp_path: Path, server: PostgreSQL
) -> None:
    url_file = tmp_path / "store-url"
    url_file.write_text(server.url())
    with SlowRegistry() as registry, EmbeddedForge() as forge:
        registry.add("acme/api", "1.0.0", "1.1.0")
        world = World(tmp_path, registry, forge)
        world.set_up()
        settings = settings_of([world], url_file, "1h")
        replicas = [Replica(tmp_path / name, settings) for name in ("one", "two")]
        with running(replicas):
            replicas[0].start()
            wait_until(registry.was_asked.is_set, replicas[:1])
            replicas[1].start()
            wait_until(lambda: replicas[1].readiness()[0] == 503, replicas)
            with server.connect() as connection:
                (holders,) = connection.execute(HOLDERS).fetchone() or (0,)
            assert holders == 1  # the first, who waits for the registry
            replicas[0].kill()
            killed = time.monotonic()
            registry.may_answer.set()
            wait_until(lambda: len(world.open_requests()) == 1, replicas[1:])
            seconds = time.monotonic() - killed
            wait_until(lambda: replicas[1].readiness()[0] == 200, replicas[1:])
    print(f"\nreplaced after {seconds:.1f} s")
    assert len(world.pull_requests()) == 1
    assert seconds < REPLACED_WITHIN_SECONDS


def test_a_controller_says_that_postgresql_is_away_and_goes_on_when_it_is_back(
    tmp_path: Path, server: PostgreSQL
) -> None:
    url_file = tmp_path / "store-url"
    url_file.write_text(server.url())
    with FickleRegistry() as registry, EmbeddedForge() as forge:
        registry.add("acme/api", "1.0.0")
        world = World(tmp_path, registry, forge)
        world.set_up()
        replica = Replica(tmp_path / "one", settings_of([world], url_file, "1s"))
        with running([replica]):
            replica.start()
            wait_until(lambda: replica.readiness()[0] == 200, [replica])
            process = replica.process
            server.stop()
            registry.add("acme/api", "1.1.0")
            wait_until(lambda: "the store postgresql://" in replica.readiness()[1], [replica])
            health = requests.get(f"http://{replica.address}/healthz", timeout=30)
            assert health.status_code == 200  # a restart would not help
            server.start()
            wait_until(lambda: len(world.open_requests()) == 1, [replica])
            wait_until(lambda: replica.readiness() == (200, ""), [replica])
            assert replica.process is process, "it ended"
    lines = [json.loads(line) for line in replica.log.read_text().splitlines()]
    assert any("works again" in line["message"] for line in lines)
    assert PASSWORD not in replica.log.read_text()
