"""The store and the clone deleted between any two requests to the forge: nothing comes of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

from imagebot.demo.github import EmbeddedForge
from imagebot.demo.json_server import Connection, Request
from tests.acceptance.world import FickleRegistry, World


class Interrupted(EmbeddedForge):
    """Calls `between` before its n-th request."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.between: dict[int, Callable[[], object]] = {}

    def deliver(self, connection: Connection, request: Request) -> None:
        self.count += 1
        self.between.pop(self.count, lambda: None)()
        super().deliver(connection, request)


def requests_after(world: World) -> list[tuple[str, str, list[str], str]]:
    """A request is opened and brought up to date; whatever fails is run once more."""
    for tag in ("1.1.0", "1.2.0"):
        world.registry.add("acme/api", tag)
        if world.apply() != 0:
            assert world.apply() == 0
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before
    found = []
    for made in world.pull_requests():
        content = world.content(made.head, "apps/api/deployment.yaml")
        shown = content.replace(world.registry.host, "registry")
        found.append((made.state, made.title, made.labels, shown))
    return found


def test_deleting_the_store_between_any_two_requests_changes_nothing(tmp_path: Path) -> None:
    undisturbed, count = run_through(tmp_path / "undisturbed", -1)
    assert len(undisturbed) == 1
    assert count >= 6
    for number in range(1, count + 1):
        found, _ = run_through(tmp_path / str(number), number)
        assert found == undisturbed, f"deleted before request {number} of {count}"


def run_through(folder: Path, number: int) -> tuple[list[tuple[str, str, list[str], str]], int]:
    folder.mkdir()
    with FickleRegistry() as registry, Interrupted() as forge:
        registry.add("acme/api", "1.0.0")
        world = World(folder, registry, forge)
        world.set_up()
        world.write_policy("api", more="  pullRequest: {labels: [deps]}\n")
        world.commit("Label", push=True)
        was_deleted = []
        forge.between[number] = lambda: was_deleted.append(shutil.rmtree(world.data))
        found = requests_after(world)
        assert bool(was_deleted) == (number > 0)
        return found, forge.count
