"""Gates shown on commits, and requests that are merged without a person."""

import re

import pytest

from imagebot.demo.github_kept import Status
from imagebot.errors import ForgeError
from imagebot.forges.github import GitHub
from tests.acceptance.test_commands import commit_to_the_branch, said, settled
from tests.acceptance.world import PROJECT, World


def propose(world: World, rules: str, tags: str = "") -> None:
    world.write_policy("api", tags=tags, more=f"  pullRequest: {rules}\n")
    world.commit("Rules", push=True)
    world.apply()


def statuses(world: World) -> dict[str, str]:
    hosted = world.forge.repository(PROJECT)
    shown = hosted.statuses.get(world.pull_requests()[0].head_commit, {})
    return {context: status.state for context, status in shown.items()}


def test_each_gate_is_a_status_of_the_head_commit(world: World) -> None:
    propose(world, "{status: true}")
    assert statuses(world) == {
        "imagebot/cooldown": "success",
        "imagebot/platforms": "success",
        "imagebot/window": "success",
        "imagebot/hold": "success",
    }
    settled(world)


def test_without_being_asked_nothing_is_shown(world: World) -> None:
    world.apply()
    assert statuses(world) == {}


def test_a_hold_is_shown_until_it_ends(world: World) -> None:
    propose(world, "{status: true}")
    said(world, "/imagebot hold")
    settled(world)
    assert statuses(world)["imagebot/hold"] == "pending"
    said(world, "/imagebot resume")
    settled(world)
    assert statuses(world)["imagebot/hold"] == "success"


def test_a_newer_commit_gets_its_own_statuses(world: World) -> None:
    propose(world, "{status: true}")
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert len(statuses(world)) == 4


def texts(world: World) -> dict[str, str]:
    hosted = world.forge.repository(PROJECT)
    shown = hosted.statuses.get(world.pull_requests()[0].head_commit, {})
    return {context: status.description or "" for context, status in shown.items()}


def test_no_gate_is_green_on_somebody_elses_commit(world: World) -> None:
    propose(world, "{status: true}")
    commit_to_the_branch(world)
    settled(world)
    assert set(statuses(world)) == {
        "imagebot/cooldown",
        "imagebot/platforms",
        "imagebot/window",
        "imagebot/hold",
    }
    assert set(statuses(world).values()) == {"pending"}
    assert all("somebody else committed" in text for text in texts(world).values())
    said(world, "/imagebot rebuild")
    settled(world)
    assert set(statuses(world).values()) == {"success"}


def test_on_a_held_request_the_gates_tell_of_the_version_that_its_commit_holds(
    world: World,
) -> None:
    more = "  platforms: [linux/amd64]\n  pullRequest: {status: true}\n"
    world.write_policy("api", more=more)
    world.commit("Rules", push=True)
    world.apply()
    said(world, "/imagebot hold")
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert texts(world)["imagebot/platforms"].startswith("1.1.0: ")
    assert statuses(world)["imagebot/hold"] == "pending"
    said(world, "/imagebot resume")
    settled(world)
    assert texts(world)["imagebot/platforms"].startswith("1.2.0: ")
    assert set(statuses(world).values()) == {"success"}


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_a_step_that_the_policy_allows_is_merged(world: World, by: str) -> None:
    propose(
        world, f"{{autoMerge: {{steps: [minor], method: squash, by: {by}, withoutChecks: true}}}}"
    )
    (request,) = world.pull_requests()
    assert not request.merged_at  # checks are let appear first
    world.apply()
    (request,) = world.pull_requests()
    assert request.merged_at
    assert request.merged_by == "squash"
    settled(world)
    assert world.branches() == {}


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_another_step_waits_for_a_person(world: World, by: str) -> None:
    propose(world, f"{{autoMerge: {{steps: [patch], by: {by}}}}}")
    settled(world)
    (request,) = world.open_requests()
    assert (request.auto_merge, request.merged_at) == ("", None)


@pytest.mark.parametrize("by", ["forge", "imagebot"])
def test_nothing_is_merged_before_what_is_required_is_green(world: World, by: str) -> None:
    hosted = world.forge.repository(PROJECT)
    hosted.required.add("ci")
    propose(world, f"{{autoMerge: {{steps: [minor], by: {by}}}}}")
    settled(world)
    (request,) = world.open_requests()
    hosted.statuses.setdefault(request.head_commit, {})["ci"] = Status("success", None, None)
    world.apply()
    settled(world)
    assert world.pull_requests()[0].merged_at


def test_what_a_person_holds_is_not_merged(world: World) -> None:
    propose(world, "{autoMerge: {steps: [patch], by: imagebot}}")
    said(world, "/imagebot hold")
    world.apply()
    world.write_policy("api", more="  pullRequest: {autoMerge: {steps: [minor], by: imagebot}}\n")
    world.commit("Allow minor", push=True)
    settled(world)
    assert len(world.open_requests()) == 1


def hand_over(world: World) -> None:
    """Up to date, and to be merged by the forge once its check is green."""
    world.forge.repository(PROJECT).required.add("ci")
    propose(world, "{autoMerge: {steps: [minor], method: squash, by: forge}}")
    settled(world)
    assert world.open_requests()[0].auto_merge == "squash"


def become_green(world: World) -> None:
    hosted = world.forge.repository(PROJECT)
    head = world.open_requests()[0].head_commit
    hosted.statuses.setdefault(head, {})["ci"] = Status("success", None, None)


@pytest.mark.parametrize("how", ["comment", "label"])
@pytest.mark.parametrize("record", ["kept", "lost"])
def test_a_hold_calls_back_what_was_handed_to_the_forge(
    world: World, how: str, record: str
) -> None:
    hand_over(world)
    (request,) = world.open_requests()
    if record == "lost":  # the run ended between handing over and saying so
        request.body, count = re.subn(r'"handed_over":"[^"]*",?', "", request.body)
        assert count == 1
    if how == "comment":
        said(world, "/imagebot hold")
    else:
        request.labels.append("imagebot/hold")
    settled(world)
    assert request.auto_merge == ""
    become_green(world)
    settled(world)
    assert world.open_requests() == [request]


def test_what_was_called_back_is_handed_over_again_after_the_hold(world: World) -> None:
    hand_over(world)
    said(world, "/imagebot hold")
    settled(world)
    said(world, "/imagebot resume")
    settled(world)
    assert world.open_requests()[0].auto_merge == "squash"
    become_green(world)
    settled(world)
    assert world.open_requests() == []


def test_a_hold_calls_back_also_what_cannot_be_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over(world)
    said(world, "/imagebot hold")

    def refuse(*_: object) -> None:
        raise ForgeError("no answers today")

    monkeypatch.setattr(GitHub, "answer", refuse)
    world.apply()
    assert world.open_requests()[0].auto_merge == ""


def test_what_a_person_made_a_draft_is_called_back(world: World) -> None:
    hand_over(world)
    world.open_requests()[0].is_draft = True
    settled(world)
    assert world.open_requests()[0].auto_merge == ""


def test_a_held_request_that_nothing_asks_for_any_more_is_called_back(world: World) -> None:
    hand_over(world)
    said(world, "/imagebot hold")
    (world.checkout / "apps/api/imagebot.yaml").unlink()
    world.commit("Drop the policy", push=True)
    settled(world)
    assert world.open_requests()[0].auto_merge == ""


def test_a_persons_commit_that_nothing_asks_for_any_more_is_called_back(world: World) -> None:
    hand_over(world)
    commit_to_the_branch(world)
    world.write_deployment("api", "1.1.0")
    world.commit("Update by hand", push=True)
    settled(world)
    (request,) = world.open_requests()
    assert request.auto_merge == ""


def test_a_persons_commit_is_called_back_also_while_its_registry_is_away(world: World) -> None:
    hand_over(world)
    commit_to_the_branch(world)
    world.registry.failing["acme/api"] = 503
    world.apply()
    assert world.open_requests()[0].auto_merge == ""


def test_a_persons_commit_without_a_record_is_not_shown_gates_again_and_again(
    world: World,
) -> None:
    propose(world, "{status: true}")
    commit_to_the_branch(world)
    (request,) = world.open_requests()
    request.body = "Mine"
    settled(world)
    assert not [
        context
        for context in world.forge.repository(PROJECT).statuses.get(request.head_commit, {})
        if context.startswith("imagebot/")
    ]


def test_what_was_called_back_for_a_push_that_was_refused_is_handed_over_again(
    world: World,
) -> None:
    hand_over(world)
    hook = world.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 5
    assert world.open_requests()[0].auto_merge == ""
    hook.unlink()
    rules = "  pullRequest: {autoMerge: {steps: [minor], method: squash, by: forge}}\n"
    world.write_policy("api", tags=', exclude: ["1.2.0"]', more=rules)
    world.commit("Not this one", push=True)
    settled(world)
    assert world.open_requests()[0].auto_merge == "squash"


def test_a_persons_commit_is_not_merged(world: World) -> None:
    world.apply()
    commit_to_the_branch(world)
    propose(world, "{autoMerge: {steps: [minor], by: imagebot}}")
    settled(world)
    assert len(world.open_requests()) == 1


def test_a_draft_is_not_merged(world: World) -> None:
    propose(world, "{draft: true, autoMerge: {steps: [minor], by: imagebot}}")
    settled(world)
    (request,) = world.open_requests()
    assert request.is_draft


def test_whom_a_person_takes_away_is_not_asked_again(world: World) -> None:
    hosted = world.forge.repository(PROJECT)
    hosted.collaborators |= {"alice"}
    hosted.milestones.append("June")
    propose(world, "{reviewers: [alice], assignees: [alice], milestone: June}")
    (request,) = world.pull_requests()
    assert (request.reviewers, request.assignees, request.milestone) == (
        ["alice"],
        ["alice"],
        "June",
    )
    request.reviewers.clear()
    request.assignees.clear()
    request.milestone = ""
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    (request,) = world.pull_requests()
    assert (request.reviewers, request.assignees, request.milestone) == ([], [], "")


@pytest.mark.parametrize("shows", ["gates", "nothing"])
def test_imagebot_merges_nothing_before_a_check_has_shown_up(world: World, shows: str) -> None:
    status = "true" if shows == "gates" else "false"  # imagebot's own are no check
    rule = "autoMerge: {steps: [minor], by: imagebot}"
    propose(world, f"{{status: {status}, {rule}}}")
    settled(world)
    (request,) = world.open_requests()
    become_green(world)
    world.apply()
    assert request.merged_at
