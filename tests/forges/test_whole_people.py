"""Reviewers, through `imagebot apply`: asked once on every forge, whatever ends a run before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.world import World


@pytest.fixture
def story(world: World, tmp_path: Path) -> Iterator[Story]:
    """One update on this forge that alice is to review; nothing ran yet."""
    with FickleRegistry() as registry:
        made = story_on(world, tmp_path, registry, ["api"])
        made.write_policy("api", more="  pullRequest: {reviewers: [alice], labels: [images]}\n")
        made.commit("Ask alice", push=True)
        yield made


def test_who_was_not_asked_because_the_forge_did_not_answer_is_asked_by_the_next_run(
    story: Story, world: World
) -> None:
    world.server.answer_next(*world.review_request, 500)
    assert story.apply() != 0
    (kept,) = world.kept()
    assert kept.reviewers == []
    assert story.apply() == 0
    (kept,) = world.kept()
    assert (kept.reviewers, kept.labels) == (["alice"], world.has("images"))
    assert "owes_people" not in kept.body
