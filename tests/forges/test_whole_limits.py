"""How many requests are opened in an hour, whatever becomes of them meanwhile: every forge."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_waiting import say
from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.world import World


@pytest.fixture
def story(world: World, tmp_path: Path) -> Iterator[Story]:
    """Three updates, of which one may be opened in an hour, and was."""
    with FickleRegistry() as registry:
        made = story_on(world, tmp_path, registry, ["api", "db", "web"])
        say(made, "{limits: {newPerHour: 1}}")
        assert made.apply() == 0
        assert len(world.kept()) == 1
        yield made


def test_a_request_of_the_last_hour_counts_though_it_is_merged_and_its_branch_gone(
    story: Story, world: World
) -> None:
    (branch, commit) = next(iter(story.branches().items()))
    story.git(story.remote, "update-ref", "refs/heads/main", commit)
    world.set_state(1, "merged")
    story.git(story.remote, "update-ref", "-d", f"refs/heads/{branch}")
    for _ in range(2):
        assert story.apply() == 0
        assert len(world.kept()) == 1
