"""What the forge merges by itself, and what it must never get to merge: every forge that does."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from imagebot import carrying
from imagebot.errors import ForgeUnavailable
from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.world import PROJECT, World

FILE = "apps/api/deployment.yaml"
AUTO_MERGING = ("github", "gitlab", "gitea", "forgejo", "bitbucket_server", "azure_devops")


@pytest.fixture(params=AUTO_MERGING)
def merging(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    assert "auto-merge" not in found.lacks
    return found


@pytest.fixture
def handed_over(merging: World, tmp_path: Path) -> Iterator[Story]:
    """1.1.0, which the forge merges as soon as its check is green."""
    with FickleRegistry() as registry:
        story = story_on(merging, tmp_path, registry, ["api"])
        rule = "{autoMerge: {steps: [minor], by: forge}}"
        story.write_policy("api", more=f"  pullRequest: {rule}\n")
        story.commit("Merge minor steps", push=True)
        assert story.apply() == 0
        merging.people.check(1, "pending")
        assert story.apply() == 0
        assert merging.people.is_handed_over(1)
        yield story


def proposed(story: Story) -> str:
    (branch,) = story.branches()
    return story.content(branch, FILE)


def is_merged_when_green(world: World) -> bool:
    world.people.check(1, "success")
    return world.kept()[0].state == "merged"


def fail_to_update(world: World, patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ForgeUnavailable("it answered 502")

    owner = next(kind for kind in type(world.forge).__mro__ if "update" in vars(kind))
    patch.setattr(owner, "update", refuse)


def be_killed_after_the_push(_: World, patch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    patch.setattr(carrying, "propose", die)


@pytest.mark.parametrize("befalls", [fail_to_update, be_killed_after_the_push])
def test_a_step_that_the_policy_forbids_is_never_merged_whatever_befalls_the_run(
    handed_over: Story,
    merging: World,
    monkeypatch: pytest.MonkeyPatch,
    befalls: Callable[[World, pytest.MonkeyPatch], None],
) -> None:
    handed_over.registry.add("acme/api", "2.0.0")
    with monkeypatch.context() as patch:
        befalls(merging, patch)
        with suppress(KeyboardInterrupt):
            assert handed_over.apply() != 0
    assert ":2.0.0" in proposed(handed_over)
    assert not merging.people.is_handed_over(1)
    assert not is_merged_when_green(merging)
    assert handed_over.apply() == 0
    assert merging.kept()[0].state == "open"


def test_what_cannot_be_called_back_gets_no_other_commit(
    handed_over: Story, merging: World, capsys: pytest.CaptureFixture[str]
) -> None:
    handed_over.registry.add("acme/api", "2.0.0")
    merging.server.answer_next(*merging.call_back_request, 403, {"message": "Forbidden"})
    assert handed_over.apply() != 0
    assert "the forge may be merging the request" in capsys.readouterr().out
    assert ":1.1.0" in proposed(handed_over)
    assert handed_over.apply() == 0
    assert ":2.0.0" in proposed(handed_over)
    assert not is_merged_when_green(merging)


def test_a_newer_version_of_an_allowed_step_is_handed_over_anew(
    handed_over: Story, merging: World
) -> None:
    handed_over.registry.add("acme/api", "1.2.0")
    assert handed_over.apply() == 0
    merging.people.check(1, "pending")
    assert handed_over.apply() == 0
    assert ":1.2.0" in proposed(handed_over)
    assert merging.people.is_handed_over(1)
    assert is_merged_when_green(merging)


def test_what_was_handed_over_by_a_run_that_ended_before_it_could_say_so_is_called_back(
    handed_over: Story, merging: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over.registry.add("acme/api", "1.2.0")
    assert handed_over.apply() == 0
    merging.people.check(1, "pending")
    with monkeypatch.context() as patch:
        fail_to_update(merging, patch)
        handed_over.apply()
    assert merging.people.is_handed_over(1)
    handed_over.registry.add("acme/api", "2.0.0")
    with monkeypatch.context() as patch:
        fail_to_update(merging, patch)
        assert handed_over.apply() != 0
    assert not is_merged_when_green(merging)


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_what_should_be_a_draft_and_could_not_be_is_merged_by_people_alone(
    github: World, tmp_path: Path, by: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a plan of GitHub without drafts."""
    refusal = {"message": "Draft pull requests are not supported in this repository."}
    with FickleRegistry() as registry:
        story = wanting_a_draft(github, tmp_path, registry, by)
        github.server.answer_next("POST", github.pulls_path, 422, refusal)
        assert story.apply() == 0
        assert "is no draft: the forge made none, and imagebot sees to no merge" in caplog.text
        story.registry.add("acme/api", "1.2.0")
        run_until_green(story, github)
        assert (github.kept()[0].state, github.people.is_handed_over(1)) == ("open", False)
        story.write_policy("api", more=f"  pullRequest: {rule_without_draft(by)}\n")
        story.commit("Want no draft", push=True)
        run_until_green(story, github)
        assert github.kept()[0].state == "merged"


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_a_draft_that_a_person_made_ready_is_merged(github: World, tmp_path: Path, by: str) -> None:
    with FickleRegistry() as registry:
        story = wanting_a_draft(github, tmp_path, registry, by)
        run_until_green(story, github)
        assert (github.kept()[0].is_draft, github.kept()[0].state) == (True, "open")
        github.server.pull_requests(PROJECT)[0].is_draft = False
        run_until_green(story, github)
        assert github.kept()[0].state == "merged"


def wanting_a_draft(world: World, folder: Path, registry: FickleRegistry, by: str) -> Story:
    story = story_on(world, folder, registry, ["api"])
    rule = rule_without_draft(by).replace("{", "{draft: true, ", 1)
    story.write_policy("api", more=f"  pullRequest: {rule}\n")
    story.commit("Merge drafts", push=True)
    return story


def rule_without_draft(by: str) -> str:
    return f"{{autoMerge: {{steps: [minor], by: {by}}}}}"


def run_until_green(story: Story, world: World) -> None:
    assert story.apply() == 0
    world.people.check(1, "pending")
    assert story.apply() == 0
    world.people.check(1, "success")
    assert story.apply() == 0
