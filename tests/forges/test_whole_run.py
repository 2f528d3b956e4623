"""What a whole run asks of a forge when nothing changed: every forge, through `imagebot apply`."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.carrying.hearing import MAX_ASKED_BLINDLY
from imagebot.carrying.merge_turns import MAX_ASKED_IN_VAIN
from imagebot.cli.main import main
from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.world import World

OPEN_REQUESTS = 30
MOST_PER_PAGE = 1
MOST_PER_MERGE = 4  # to know whether one request may be merged


@pytest.fixture
def story(world: World, tmp_path: Path) -> Iterator[Story]:
    """The stories' world on this forge, with 30 policies that have something to do."""
    with FickleRegistry() as registry:
        names = [f"app-{number:02}" for number in range(OPEN_REQUESTS)]
        made = story_on(world, tmp_path, registry, names)
        assert made.apply() == 0
        assert len(world.kept()) == OPEN_REQUESTS
        yield made


def test_a_run_in_which_nothing_changed_asks_once_for_each_page(story: Story, world: World) -> None:
    assert story.apply() == 0  # reads each conversation for the first time, and remembers it
    world.server.forget_requests()
    assert story.apply() == 0
    pages = -(-OPEN_REQUESTS // world.page_size)
    bodies = 1 if "whole bodies in lists" in world.lacks else 0  # in turn
    blind = MAX_ASKED_BLINDLY if "news in lists" in world.lacks else 0
    count = len(world.server.requests)
    print(f"\n{world.kind}: {OPEN_REQUESTS} open, nothing changed: {count} requests")
    assert world.server.writes == []
    assert 0 < count <= pages * MOST_PER_PAGE + bodies + blind, world.server.reads


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_what_waits_to_be_merged_costs_an_unchanged_run_no_more_the_more_there_are(
    world: World, tmp_path: Path, by: str
) -> None:
    with FickleRegistry() as registry:
        story = waiting_to_be_merged(world, tmp_path, registry, OPEN_REQUESTS, by)
        world.server.forget_requests()
        assert story.apply() == 0
    count = len(world.server.requests)
    print(f"\n{world.kind}: {OPEN_REQUESTS} open, to be merged by {by}: {count} requests")
    pages = -(-OPEN_REQUESTS // world.page_size)
    bodies = 1 if "whole bodies in lists" in world.lacks else 0
    blind = MAX_ASKED_BLINDLY if "news in lists" in world.lacks else 0
    most = pages * MOST_PER_PAGE + bodies + blind + MAX_ASKED_IN_VAIN * MOST_PER_MERGE
    assert 0 < count <= most, world.server.requests


def test_what_became_green_is_merged_within_a_bounded_number_of_runs(
    talking: World, tmp_path: Path
) -> None:
    many = 2 * MAX_ASKED_IN_VAIN + 1
    with FickleRegistry() as registry:
        story = waiting_to_be_merged(talking, tmp_path, registry, many, "imagebot")
        shutil.rmtree(story.data)  # where it stopped is lost, and starts anywhere
        talking.people.check(many, "success")
        for _ in range(3):
            assert story.apply() == 0
    merged = [each.number for each in talking.kept() if each.state == "merged"]
    assert merged == [many]


def waiting_to_be_merged(
    world: World, folder: Path, registry: FickleRegistry, many: int, by: str
) -> Story:
    """With so many open requests, each of a commit on which no check has shown up."""
    names = [f"app-{number:02}" for number in range(many)]
    story = story_on(world, folder, registry, names)
    for name in names:
        story.write_policy(name, more=f"  pullRequest: {{autoMerge: {{by: {by}}}}}\n")
    story.commit("Merge", push=True)
    for _ in range(2):  # opens them, and reads each conversation once
        assert story.apply() == 0
    assert [each.state for each in world.kept()] == ["open"] * many
    return story


def test_a_plan_takes_no_turn_from_the_runs_that_read_conversations_in_turn(
    bitbucket_server: World, tmp_path: Path
) -> None:
    world = bitbucket_server
    with FickleRegistry() as registry:
        names = [f"app-{number:02}" for number in range(2 * MAX_ASKED_BLINDLY)]
        story = story_on(world, tmp_path, registry, names)
        for _ in range(3):  # opens them, and reads each conversation once
            assert story.apply() == 0
        first = read_by_a_run(story, world)
        assert len(first) == MAX_ASKED_BLINDLY
        main(["plan", "--repository", "config", "--settings", str(story.settings)])
        assert not first & read_by_a_run(story, world)


def read_by_a_run(story: Story, world: World) -> set[str]:
    """The numbers of the requests whose conversations one more run reads."""
    world.server.forget_requests()
    assert story.apply() == 0
    found = (re.search(r"/pull-requests/(\d+)/activities", each) for each in world.server.reads)
    return {each[1] for each in found if each}


def test_a_body_tells_of_labels_only_where_there_are_any(world: World, tmp_path: Path) -> None:
    with FickleRegistry() as registry:
        assert story_on(world, tmp_path, registry, ["api"]).apply() == 0
    (kept,) = world.kept()
    assert "/imagebot rebuild" in kept.body
    assert ("imagebot/hold" in kept.body) is ("labels" not in world.lacks)


def test_what_plain_git_prints_is_for_people_alone(
    github: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FickleRegistry() as registry:
        story = story_on(github, tmp_path, registry, ["api"])
        for mode in ("pull-request", "direct"):
            story.write_settings(forge="{type: plain}")
            text = story.settings.read_text()
            story.settings.write_text(text.replace("base: main", f"base: main\n    mode: {mode}"))
            capsys.readouterr()
            assert story.apply() == 0
            told = capsys.readouterr().out
            assert "/api` | `1.0.0` | `1.1.0`" in told
            for word in ("<!--", "Opened by imagebot", "/imagebot rebuild", "imagebot/hold"):
                assert word not in told
