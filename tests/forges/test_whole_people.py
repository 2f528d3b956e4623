"""Reviewers, through `imagebot apply`: asked once on every forge, whatever ends a run before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.cli.main import main
from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.world import World

CODE_OWNERS = {"gitea": ".* @alice\n", "forgejo": ".* @alice\n"}  # GitHub's are no expressions


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


def test_where_a_forge_has_no_code_owners_that_can_be_read_their_lack_is_told(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FickleRegistry() as registry:
        made = story_on(world, tmp_path, registry, ["api", "web"])
        (made.checkout / "CODEOWNERS").write_text(CODE_OWNERS.get(world.kind, "* @alice\n"))
        for name in ("api", "web"):
            made.write_policy(name, more="  pullRequest: {codeOwners: true}\n")
        made.commit("Ask the owners", push=True)
        words = ["--settings", str(made.settings), "--repository", "config"]
        assert main(["plan", *words]) == 0
        planned = capsys.readouterr()
        assert made.apply() == 0
    applied = capsys.readouterr()
    told = f"codeOwners: imagebot reads no code owners of a forge of type {world.kind}"
    expected = 0 if "code owners" not in world.lacks else 1
    for said in (planned, applied):
        assert (said.out + said.err).count(told) == expected
    assert [each.reviewers for each in world.kept()] == [[] if expected else ["alice"]] * 2
