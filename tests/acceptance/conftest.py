from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.demo.github import EmbeddedForge
from tests.acceptance.world import FickleRegistry, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with FickleRegistry() as registry, EmbeddedForge() as forge:
        registry.add("acme/api", "1.0.0", "1.1.0")
        made = World(tmp_path, registry, forge)
        made.set_up()
        yield made
