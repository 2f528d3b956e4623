"""Who hangs holds up nobody else: more git repositories wait for it than may run at a time."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebot.demo.github import EmbeddedForge
from tests.acceptance.test_replicas import SlowRegistry
from tests.acceptance.test_run import running, wait_for
from tests.acceptance.world import FickleRegistry, World

HANGING = 5  # git repositories; one more than may run at a time


@pytest.fixture
def hanging() -> Iterator[SlowRegistry]:
    with SlowRegistry() as registry:
        yield registry
        registry.may_answer.set()


def test_a_registry_that_hangs_at_the_first_start_keeps_no_other_git_repository_waiting(
    tmp_path: Path, hanging: SlowRegistry
) -> None:
    with ExitStack() as stack:
        good = stack.enter_context(FickleRegistry())
        forge = stack.enter_context(EmbeddedForge())
        names = [f"hangs-{number}" for number in range(HANGING)] + ["good"]
        worlds = {}
        for name in names:
            registry = good if name == "good" else hanging
            registry.add("acme/api", "1.0.0", "1.1.0")
            (tmp_path / name).mkdir()
            worlds[name] = World(tmp_path / name, registry, forge, project=f"acme/{name}")
            worlds[name].set_up()
        write_settings(worlds)
        log = tmp_path / "run.log"
        with running(worlds["good"], log, more="jitter: 0\n"):
            wait_for(lambda: len(worlds["good"].open_requests()) == 1, log)
            lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["repository"] for line in lines if "outcome" in line} <= {"good"}
    assert hanging.was_asked.is_set()


def write_settings(worlds: dict[str, World]) -> None:
    """All of them in the settings of the last."""
    entries, registries = [], []
    for name, world in worlds.items():
        head, _, rest = world.settings.read_text().partition("repositories:\n")
        entry, _, registry = rest.partition("registries:\n")
        entries.append(entry.replace("name: config", f"name: {name}"))
        registries.append(registry)
    text = f"{head}repositories:\n{''.join(entries)}registries:\n"
    world.settings.write_text(text + "".join(dict.fromkeys(registries)))
