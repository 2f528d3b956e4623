"""What people closed stays closed, whatever imagebot's disk has lost, and hides nothing else."""

import shutil

import pytest

from imagebot.cli.main import main
from tests.acceptance.test_waiting import with_apps
from tests.acceptance.world import PROJECT, World

GROUP = "  pullRequest: {group: backend}\n"


def titles(world: World) -> list[str]:
    return [request.title for request in world.open_requests()]


def with_two_images(world: World) -> None:
    world.registry.add("acme/web", "2.0.0", "2.0.1")
    for name, tag in (("api", "1.0.0"), ("web", "2.0.0")):
        world.write_policy(name, more=GROUP)
        world.write_deployment(name, tag)
    world.commit("Group", push=True)


def test_a_closed_major_does_not_hide_the_fixes_of_the_current_version(world: World) -> None:
    world.registry.add("acme/api", "2.0.0")
    world.apply()
    assert titles(world) == ["Update acme/api to 2.0.0 (major)"]
    world.close_by_hand()
    world.apply()
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]
    world.registry.add("acme/api", "1.1.1")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.1.1 (minor)"]
    assert world.apply() == 0
    assert titles(world) == ["Update acme/api to 1.1.1 (minor)"]


@pytest.mark.parametrize("branch", ["stays", "deleted"])
def test_what_was_declined_alone_is_not_proposed_in_a_group(world: World, branch: str) -> None:
    world.apply()
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]
    world.close_by_hand()
    if branch == "deleted":
        head = world.pull_requests()[0].head
        world.git(world.remote, "update-ref", "-d", f"refs/heads/{head}")
    with_two_images(world)
    shutil.rmtree(world.data)
    world.apply()
    assert titles(world) == ["Update acme/web to 2.0.1 (patch, backend)"]
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    (request,) = world.open_requests()
    assert "1.2.0" in world.content(request.head, "apps/api/deployment.yaml")


def test_what_was_declined_in_a_group_is_not_proposed_alone(world: World) -> None:
    with_two_images(world)
    world.apply()
    world.close_by_hand()
    for name in ("api", "web"):
        world.write_policy(name)
    world.commit("No group", push=True)
    world.apply()
    assert titles(world) == []


def test_a_request_of_another_branch_that_was_reopened_declines_nothing(world: World) -> None:
    world.apply()
    world.close_by_hand()
    with_two_images(world)
    world.apply()
    assert titles(world) == ["Update acme/web to 2.0.1 (patch, backend)"]
    world.pull_requests()[0].state = "open"
    world.apply()
    group = world.pull_requests()[1].head
    assert "1.1.0" in world.content(group, "apps/api/deployment.yaml")


def test_what_imagebot_closed_itself_is_declined_nowhere(world: World) -> None:
    world.apply()
    world.write_policy("api", tags=", range: <1.1")
    world.commit("Not yet", push=True)
    world.apply()
    assert titles(world) == []
    with_two_images(world)
    world.apply()
    (request,) = world.open_requests()
    assert "1.1.0" in world.content(request.head, "apps/api/deployment.yaml")


def test_all_versions_that_were_ever_declined_stay_declined(world: World) -> None:
    world.registry.add("acme/api", "2.0.0")
    for closed in ("2.0.0 (major)", "1.1.0 (minor)"):
        world.apply()
        assert titles(world) == [f"Update acme/api to {closed}"]
        world.close_by_hand()
        shutil.rmtree(world.data)
    before = world.everything()
    for _ in range(2):
        assert world.apply() == 0
        assert world.everything() == before
    world.registry.add("acme/api", "2.0.1")
    world.apply()
    assert titles(world) == ["Update acme/api to 2.0.1 (major)"]
    world.close_by_hand()
    assert world.apply() == 0
    assert titles(world) == []


def test_a_merged_request_hands_on_what_was_declined_before(world: World) -> None:
    world.registry.add("acme/api", "2.0.0")
    world.apply()
    world.close_by_hand()
    world.apply()
    (request,) = world.open_requests()
    world.git(world.remote, "update-ref", "refs/heads/main", f"refs/heads/{request.head}")
    world.apply()
    world.apply()
    assert titles(world) == []
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]


def test_a_request_that_was_reopened_is_kept_up_to_date_again(world: World) -> None:
    world.apply()
    (request,) = world.open_requests()
    world.close_by_hand()
    world.apply()
    world.call("PATCH", f"/repos/{PROJECT}/pulls/{request.number}", {"state": "open"})
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]
    assert world.open_requests()[0].number == request.number


def test_of_a_closed_group_only_what_is_newer_is_proposed(world: World) -> None:
    with_two_images(world)
    world.apply()
    world.close_by_hand()
    assert world.apply() == 0
    assert titles(world) == []
    world.registry.add("acme/web", "2.0.2")
    world.apply()
    (request,) = world.open_requests()
    assert request.title == "Update acme/web to 2.0.2 (patch, backend)"
    changed = world.git(world.remote, "diff", "--name-only", "main", request.head).split()
    assert changed == ["apps/web/deployment.yaml"]


def test_a_branch_that_a_person_deleted_is_not_pushed_again_for_the_same_version(
    world: World,
) -> None:
    world.apply()
    (branch,) = world.branches()
    world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]
    assert list(world.branches()) == [branch]


def test_a_closed_request_whose_branch_is_gone_counts_as_well(world: World) -> None:
    world.apply()
    (branch,) = world.branches()
    world.close_by_hand()
    world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def told_of(world: World, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    main([*words, "--settings", str(world.settings)])
    return capsys.readouterr().out


def test_what_was_closed_or_skipped_is_told_wherever_the_rest_is(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with_apps(world, 1, "{dashboard: true}")
    world.apply()
    api, other = sorted(world.open_requests(), key=lambda each: each.title)
    api.state = "closed"
    world.forge.repository(PROJECT).permissions["alice"] = "write"
    world.forge.say_as(PROJECT, other.number, "alice", "/imagebot skip it is broken")
    world.apply()
    assert "(`it is broken`)" in other.comments[-2].body + other.comments[-1].body
    by_hand = f"1.1.0 is not taken: somebody closed #{api.number}; reopening it undoes that"
    for _ in range(2):
        said = told_of(world, capsys, "apply")
        assert "config: held: 2 image references, none behind, 2 declined" in said
    (issue,) = world.forge.repository(PROJECT).issues
    skipped = issue.body.partition("## Skipped")[2]
    skipped = skipped.replace("\u200b", "")
    host = world.registry.host
    assert f"Propose again: `{host}/acme/api` `1.1.0`: `somebody closed #{api.number}; " in skipped
    again = f"Propose again: `{host}/acme/app-0`"
    assert f"{again} `1.1.0`: `alice skipped #{other.number} at 20" in skipped
    assert "UTC: it is broken; reopening it undoes that`" in skipped
    status = told_of(world, capsys, "status")
    assert "images: 2 declined" in status
    assert "declined: apps/api/deployment.yaml:" in status
    assert f" {host}/acme/api: {by_hand}" in status
    planned = told_of(world, capsys, "plan", "--repository", "config")
    assert by_hand in planned
    assert "it is broken" in planned


def test_what_was_reopened_and_closed_by_hand_is_told_of_without_the_old_reason(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    world.forge.repository(PROJECT).permissions["alice"] = "write"
    world.forge.say_as(PROJECT, 1, "alice", "/imagebot skip it is broken")
    world.apply()
    (request,) = world.pull_requests()
    assert request.state == "closed"
    request.state = "open"
    world.apply()
    world.close_by_hand()
    assert "somebody closed #1" in told_of(world, capsys, "plan", "--repository", "config")


def test_a_version_that_an_earlier_request_proposed_is_told_of_as_that(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    world.close_by_hand()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    world.registry.remove_tag("acme/api", "1.2.0")
    said = told_of(world, capsys, "plan", "--repository", "config")
    assert "1.1.0 is not taken: a person declined it before #2" in said
