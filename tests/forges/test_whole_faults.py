"""Each kind of write fails once, before or after its effect, and all comes right: every forge."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.demo.json_server import Answer, Request
from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.world import World
from tests.servers.faults import Fault

MOST_RUNS = 20


@pytest.fixture
def story(talking: World, tmp_path: Path) -> Iterator[Story]:
    """One update on this forge with a label and a reviewer; nothing ran yet."""
    with FickleRegistry() as registry:
        made = story_on(talking, tmp_path, registry, ["api"])
        made.write_policy("api", more="  pullRequest: {reviewers: [alice], labels: [images]}\n")
        made.commit("Ask alice", push=True)
        yield made


def fail_each_kind_of_write_once(world: World, *, after_effect: bool) -> set[str]:
    """Gives the kinds that failed, which grow as they come."""
    failed: set[str] = set()

    def fault_for(request: Request) -> Fault | None:
        kind = f"{request.method} {re.sub(r'[0-9a-f]{7,}|[0-9]+', 'N', request.path)}"
        if request.method == "GET" or request.path.endswith("/graphql") or kind in failed:
            return None
        failed.add(kind)
        answer = Answer(502, {"message": "late"})
        return Fault(
            request.method, request.path, "answers", answer=answer, acts_first=after_effect
        )

    world.server._fault_for = fault_for
    return failed


def run_until_nothing_fails(story: Story, world: World) -> None:
    for _ in range(MOST_RUNS):
        code = story.apply()
        world.server.forget_requests()
        if code == 0 and story.apply() == 0:
            writes = [each for each in world.server.writes if not each.endswith("/graphql")]
            if not writes:
                return
    raise AssertionError("it never settles")


def ours(world: World) -> list[str]:
    return [text for text in world.kept()[0].comments if not text.startswith("/imagebot")]


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_request_is_opened_answered_and_closed_once_though_each_write_fails_once(
    story: Story, talking: World, after_effect: bool
) -> None:
    failed = fail_each_kind_of_write_once(talking, after_effect=after_effect)
    run_until_nothing_fails(story, talking)
    (kept,) = talking.kept()
    assert (kept.state, kept.reviewers, kept.labels) == ("open", ["alice"], talking.has("images"))
    assert "1.1.0" in kept.title
    assert kept.comments == []

    talking.people.comment(1, "alice", "/imagebot explain")
    run_until_nothing_fails(story, talking)
    assert len(ours(talking)) == 1

    talking.people.comment(1, "alice", "/imagebot skip")
    run_until_nothing_fails(story, talking)
    (kept,) = talking.kept()
    assert kept.state == "closed"
    assert len([text for text in ours(talking) if "closed as asked" in text]) == 1
    assert len([text for text in ours(talking) if not text.startswith("Closed, as")]) == 2
    assert len(failed) >= 3


def test_a_deleted_branch_stays_away_until_a_newer_version_and_never_makes_two_requests(
    story: Story, talking: World
) -> None:
    assert story.apply() == 0
    (branch,) = story.branches()
    story.git(story.checkout, "push", "-q", "origin", f":{branch}")
    run_until_nothing_fails(story, talking)
    assert story.branches() == {}
    story.registry.add("acme/api", "1.2.0")
    run_until_nothing_fails(story, talking)
    (kept,) = [each for each in talking.kept() if each.state == "open"]
    assert "1.2.0" in kept.title
    assert list(story.branches()) == [branch]


def test_a_title_full_of_traps_is_written_once_and_not_again(story: Story, talking: World) -> None:
    title = "'/merge Fixes #1 @alice <b>&amp; $(x) `y`'"
    story.write_policy("api", more=f"  pullRequest: {{title: {title}}}\n")
    story.commit("Title", push=True)
    run_until_nothing_fails(story, talking)
    (kept,) = talking.kept()
    assert kept.state == "open"
