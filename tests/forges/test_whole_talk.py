"""People and imagebot on one request, through `imagebot apply`: every forge that is talked on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from imagebot.forges import steps
from tests.acceptance.test_commands import commit_to_the_branch
from tests.acceptance.world import FickleRegistry
from tests.acceptance.world import World as Story
from tests.forges.stories import story_on
from tests.forges.world import World

# Forges that list what happened together with what was said.
BURYING = ("gitlab", "bitbucket", "bitbucket-server")


@pytest.fixture
def story(talking: World, tmp_path: Path) -> Iterator[Story]:
    """One open request on this forge."""
    with FickleRegistry() as registry:
        made = story_on(talking, tmp_path, registry, ["api"])
        assert made.apply() == 0
        yield made


def settled(story: Story, world: World) -> None:
    """Run, and see that another run writes nothing."""
    assert story.apply() == 0
    world.server.forget_requests()
    assert story.apply() == 0
    assert changes_of(world) == []


def changes_of(world: World) -> list[str]:
    """What was written, without GitHub's questions, which are asked by POST."""
    return [each for each in world.server.writes if not each.endswith("/graphql")]


def title(world: World) -> str:
    return world.kept()[0].title


def answers(world: World) -> list[str]:
    return [text for text in world.kept()[0].comments if text.startswith("To ")]


def propose(story: Story, rules: str) -> None:
    story.write_policy("api", more=f"  pullRequest: {rules}\n")
    story.commit("Rules", push=True)


def test_a_held_request_is_left_as_it_is_until_it_is_resumed(story: Story, talking: World) -> None:
    talking.people.comment(1, "alice", "/imagebot hold")
    settled(story, talking)
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert "1.1.0" in title(talking)
    talking.people.comment(1, "alice", "/imagebot resume")
    settled(story, talking)
    assert "1.2.0" in title(talking)
    assert len(answers(talking)) == 2


def test_a_hold_survives_the_loss_of_all_local_state(story: Story, talking: World) -> None:
    talking.people.comment(1, "alice", "/imagebot hold")
    settled(story, talking)
    for file in sorted(story.data.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert "1.1.0" in title(talking)
    assert len(answers(talking)) == 1


def test_a_hold_that_is_buried_by_more_than_is_read_is_kept(story: Story, talking: World) -> None:
    talking.people.comment(1, "alice", "/imagebot hold")
    talking.people.bury(1)
    for _ in range(0 if talking.kind in BURYING else 300):
        talking.people.comment(1, "mallory", "Hello.")
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert "1.1.0" in title(talking)
    (told,) = [each for each in talking.kept()[0].comments if "imagebot holds" in each]
    assert "/imagebot resume" in told
    talking.people.comment(1, "alice", "/imagebot resume")
    settled(story, talking)
    assert "1.2.0" in title(talking)


@pytest.mark.parametrize("author", ["bob", "mallory"])
def test_who_may_not_write_is_told_so_and_not_obeyed(
    story: Story, talking: World, author: str
) -> None:
    talking.people.comment(1, author, "/imagebot hold")
    settled(story, talking)
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert "1.2.0" in title(talking)
    assert len(answers(talking)) == 1
    assert "write access" in answers(talking)[0]


def test_a_skipped_request_is_closed_and_not_opened_again(story: Story, talking: World) -> None:
    talking.people.comment(1, "alice", "/imagebot skip it leaks")
    settled(story, talking)
    (kept,) = talking.kept()
    assert kept.state == "closed"
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert [each.state for each in talking.kept()] == ["closed", "open"]


def closed_as_asked(world: World) -> list[str]:
    return [text for text in world.kept()[0].comments if "closed as asked" in text]


def test_a_skipped_request_that_is_reopened_stays_open(story: Story, talking: World) -> None:
    if talking.kind == "bitbucket":  # which reopens none
        return
    talking.people.comment(1, "alice", "/imagebot skip")
    settled(story, talking)
    talking.set_state(1, "opened" if talking.kind == "gitlab" else "open")
    settled(story, talking)
    assert talking.kept()[0].state == "open"
    assert len(closed_as_asked(talking)) == 1
    talking.people.comment(1, "alice", "/imagebot skip")
    settled(story, talking)
    assert talking.kept()[0].state == "closed"
    assert len(closed_as_asked(talking)) == 2


def test_a_skip_on_a_persons_branch_gets_one_answer(story: Story, talking: World) -> None:
    commit_to_the_branch(story)
    talking.people.comment(1, "alice", "/imagebot skip")
    settled(story, talking)
    assert talking.kept()[0].state == "closed"
    ours = [text for text in talking.kept()[0].comments if not text.startswith("/")]
    assert len(closed_as_asked(talking)) == 1
    proof = [text for text in ours if text.startswith("Closed, as comment")]
    assert len(proof) == (talking.kind in ("bitbucket-server", "azure-devops"))
    assert ours == closed_as_asked(talking) + proof


@pytest.mark.parametrize(
    "talking", ["bitbucket", "bitbucket_server", "azure_devops"], indirect=True
)
def test_a_run_that_ends_between_text_and_closing_leaves_no_skip_undone(
    story: Story, talking: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def ends(before: str, body: str | None, change: Callable[[str], object]) -> Iterator[None]:
        assert body
        assert body != before
        change(body)
        raise KeyboardInterrupt
        yield

    talking.people.comment(1, "alice", "/imagebot skip")
    with monkeypatch.context() as patched:
        patched.setattr(steps, "text_first", ends)
        with suppress(KeyboardInterrupt):
            story.apply()
    assert talking.kept()[0].state == "open"
    settled(story, talking)
    assert talking.kept()[0].state == "closed"
    assert len(closed_as_asked(talking)) == 1


def test_a_persons_commit_is_kept_and_told_of_until_a_rebuild_is_asked_for(
    story: Story, talking: World
) -> None:
    theirs = commit_to_the_branch(story)
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert list(story.branches().values()) == [theirs]
    assert len(talking.kept()[0].comments) == 1
    talking.people.comment(1, "alice", "/imagebot rebuild")
    settled(story, talking)
    assert theirs not in story.branches().values()
    assert "1.2.0" in title(talking)


@pytest.mark.parametrize("label", ["imagebot/hold", "imagebot/rebuild"])
def test_a_label_works_as_a_switch(story: Story, talking: World, label: str) -> None:
    if "labels" in talking.lacks:
        return
    theirs = commit_to_the_branch(story) if label == "imagebot/rebuild" else ""
    settled(story, talking)  # which speaks of the commit
    talking.people.label(1, label)
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert theirs not in story.branches().values()
    is_held = label == "imagebot/hold"
    assert ("1.1.0" in title(talking)) == is_held
    assert talking.kept()[0].labels == ([label] if is_held else [])


def test_each_gate_is_shown_on_the_head_commit(story: Story, talking: World) -> None:
    propose(story, "{status: true}")
    settled(story, talking)
    (commit,) = story.branches().values()
    gates = ("cooldown", "hold", "platforms", "window")
    shown = talking.people.statuses(commit)
    assert {name: text[0] for name, text in shown.items()} == {
        f"imagebot/{gate}": "success" for gate in gates
    }
    talking.people.comment(1, "alice", "/imagebot hold")
    settled(story, talking)
    assert talking.people.statuses(commit)["imagebot/hold"][0] == "pending"


def test_imagebot_merges_when_what_is_required_is_green(story: Story, talking: World) -> None:
    talking.people.check(1, "pending")
    propose(story, "{autoMerge: {steps: [minor], by: imagebot}}")
    settled(story, talking)
    assert talking.kept()[0].state == "open"
    talking.people.check(1, "success")
    settled(story, talking)
    assert [each.state for each in talking.kept()] == ["merged"]
    assert story.branches() == {}


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_nothing_is_merged_in_the_run_that_opened_it_nor_before_a_check_is_there(
    talking: World, tmp_path: Path, by: str
) -> None:
    with FickleRegistry() as registry:
        story = story_on(talking, tmp_path, registry, ["api"])
        propose(story, f"{{autoMerge: {{by: {by}}}}}")
        assert story.apply() == 0
        assert talking.kept()[0].state == "open"
        settled(story, talking)
        assert talking.kept()[0].state == "open"
        talking.people.check(1, "success")
        settled(story, talking)
        expected = "open" if by == "forge" and "auto-merge" in talking.lacks else "merged"
        assert talking.kept()[0].state == expected


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_without_checks_nothing_is_merged_in_the_run_that_opened_it(
    talking: World, tmp_path: Path, by: str
) -> None:
    with FickleRegistry() as registry:
        story = story_on(talking, tmp_path, registry, ["api"])
        propose(story, f"{{autoMerge: {{by: {by}, withoutChecks: true}}}}")
        assert story.apply() == 0
        assert talking.kept()[0].state == "open"
        story.apply()
        expected = "open" if by == "forge" and "auto-merge" in talking.lacks else "merged"
        assert talking.kept()[0].state == expected


def test_the_forge_merges_what_it_was_handed_unless_a_person_holds_it(
    story: Story, talking: World
) -> None:
    if "auto-merge" in talking.lacks:
        propose(story, "{autoMerge: {steps: [minor], by: forge}}")
        settled(story, talking)
        assert talking.kept()[0].state == "open"
        return
    talking.people.check(1, "pending")
    propose(story, "{autoMerge: {steps: [minor], by: forge}}")
    settled(story, talking)
    assert talking.people.is_handed_over(1)
    talking.people.comment(1, "alice", "/imagebot hold")
    settled(story, talking)
    assert not talking.people.is_handed_over(1)
    talking.people.comment(1, "alice", "/imagebot resume")
    settled(story, talking)
    assert talking.people.is_handed_over(1)
    talking.people.check(1, "success")
    settled(story, talking)
    assert [each.state for each in talking.kept()] == ["merged"]


def ask_for_a_dashboard(story: Story) -> None:
    story.checkout.joinpath("imagebot.yaml").write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: RepositoryPolicy\n"
        "metadata: {name: all}\nspec: {dashboard: true}\n"
    )
    story.commit("Dashboard", push=True)


def test_a_box_of_the_dashboard_proposes_again_what_was_closed(
    story: Story, talking: World
) -> None:
    if "issues" in talking.lacks:
        return
    ask_for_a_dashboard(story)
    talking.set_state(1, "closed")
    settled(story, talking)
    assert [each.state for each in talking.kept()] == ["closed"]
    (issue,) = talking.people.issues()
    assert "Propose again" in issue.body
    talking.people.check_boxes(issue.number)
    for _ in range(2):
        settled(story, talking)
        assert [each.state for each in talking.kept()] == ["closed", "open"]
    assert "[x]" not in talking.people.issues()[0].body


def test_a_dashboard_is_kept_where_there_are_issues(story: Story, talking: World) -> None:
    ask_for_a_dashboard(story)
    settled(story, talking)
    if "issues" not in talking.lacks:
        (issue,) = talking.people.issues()
        assert "acme/api" in issue.body
        talking.people.close_issue(issue.number)
        settled(story, talking)
        assert talking.people.issues()[0].is_open


def test_a_switch_works_in_whatever_case_the_repository_has_its_label(
    story: Story, talking: World
) -> None:
    if "labels" in talking.lacks:
        assert talking.has("Imagebot/Hold") == []
        return
    talking.people.label(1, "Imagebot/Hold")
    story.registry.add("acme/api", "1.2.0")
    settled(story, talking)
    assert "1.1.0" in title(talking)
    talking.people.label(1, "IMAGEBOT/Rebuild")
    (branch,) = story.branches()
    talking.forge.take_off(talking.forge.find([branch])[branch], "imagebot/hold")
    settled(story, talking)
    assert "1.2.0" in title(talking)
    assert talking.kept()[0].labels == []
