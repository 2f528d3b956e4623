"""What waits, and for what: windows, freezes, limits, and a repository's policy that is broken."""

from datetime import UTC, datetime, timedelta

import pytest

from imagebot.forges.github import GitHub
from imagebot.proposals import PullRequest
from tests.acceptance.test_commands import _fails, answers, commit_to_the_branch, said, settled
from tests.acceptance.world import PROJECT, World
from tests.servers.agit import AgitServer

REPOSITORY_POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: RepositoryPolicy
metadata:
  name: config
  annotations: {{config.kubernetes.io/local-config: "true"}}
spec: {spec}
"""
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()
FAR_AWAY = (datetime.now(UTC) + timedelta(days=400)).date()
FROZEN = f"freezes: [{{from: {YESTERDAY}, until: {FAR_AWAY}, reason: year's end}}]"


def titles(world: World) -> list[str]:
    return [request.title for request in world.open_requests()]


def with_apps(world: World, count: int, spec: str) -> None:
    for number in range(count):
        world.registry.add(f"acme/app-{number}", "1.0.0", "1.1.0")
        world.write_policy(f"app-{number}")
        world.write_deployment(f"app-{number}", "1.0.0")
    say(world, spec)


def say(world: World, spec: str) -> None:
    text = REPOSITORY_POLICY.format(spec=spec)
    (world.checkout / "repository-policy.yaml").write_text(text)
    world.commit("Say", push=True)


def test_a_freeze_keeps_back_what_is_new_and_what_is_newer(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    say(world, f"{{{FROZEN}}}")
    assert world.apply() == 0
    assert titles(world) == []
    assert world.branches() == {}
    said = capsys.readouterr().out
    assert f", freeze: year's end, until {FAR_AWAY} 00:00 UTC)" in said
    say(world, "{}")
    world.apply()
    say(world, f"{{{FROZEN}}}")
    world.registry.add("acme/api", "1.2.0")
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before
    say(world, "{}")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]


def test_a_freeze_of_one_policy_keeps_back_no_other(world: World) -> None:
    with_apps(world, 1, "{}")
    world.write_policy("api", more=f"  {FROZEN}\n")
    world.commit("Freeze api", push=True)
    world.apply()
    assert titles(world) == ["Update acme/app-0 to 1.1.0 (minor)"]


def test_outside_its_window_nothing_goes(world: World) -> None:
    now = datetime.now(UTC)
    hours = f"{(now + timedelta(hours=2)):%H}:00-{(now + timedelta(hours=3)):%H}:00"
    say(world, f"{{windows: {{allow: ['{hours}']}}}}")
    world.apply()
    assert titles(world) == []
    say(world, "{windows: {allow: ['00:00-24:00']}}")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]


def test_direct_commits_wait_for_the_clock_too(world: World) -> None:
    with_apps(world, 1, "{}")
    world.write_policy("api", more=f"  {FROZEN}\n")
    world.commit("Freeze api", push=True)
    world.write_settings(forge="{type: plain}", more="    mode: direct\n")
    assert world.apply() == 0
    assert "1.0.0" in world.content("main", "apps/api/deployment.yaml")
    assert "1.1.0" in world.content("main", "apps/app-0/deployment.yaml")


def test_no_more_requests_are_open_than_the_limit_says(world: World) -> None:
    with_apps(world, 3, "{limits: {open: 2}}")
    for _ in range(3):
        assert world.apply() == 0
        assert len(titles(world)) == 2
    world.close_first_by_hand()
    for _ in range(2):
        assert world.apply() == 0
        assert len(titles(world)) == 2
    assert len(world.pull_requests()) == 3


def test_an_open_request_is_brought_up_to_date_whatever_the_limit_says(world: World) -> None:
    world.apply()
    say(world, "{limits: {open: 1}}")
    with_apps(world, 1, "{limits: {open: 1}}")
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]


def test_no_more_requests_are_opened_in_an_hour_than_the_limit_says(world: World) -> None:
    with_apps(world, 3, "{limits: {newPerHour: 1}}")
    for _ in range(3):
        assert world.apply() == 0
        assert len(world.pull_requests()) == 1


@pytest.mark.parametrize("limit", ["open: 1", "newPerHour: 1"])
@pytest.mark.parametrize("by", ["branches", "AGit"])
def test_limits_hold_on_plain_git(world: World, limit: str, by: str) -> None:
    agit = AgitServer(world.remote).set_up() if by == "AGit" else None
    world.write_settings(forge="{type: plain, agit: true}" if agit else "{type: plain}")
    with_apps(world, 2, f"{{limits: {{{limit}}}}}")
    for _ in range(3):
        assert world.apply() == 0
        assert len(agit.requests() if agit else world.branches()) == 1
    say(world, "{limits: {open: 2}}")
    assert world.apply() == 0
    assert len(agit.requests() if agit else world.branches()) == 2


def test_what_was_merged_makes_room_on_plain_git(world: World) -> None:
    world.write_settings(forge="{type: plain}")
    with_apps(world, 1, "{limits: {open: 1}}")
    assert world.apply() == 0
    (first, commit), *_ = world.branches().items()
    world.git(world.remote, "update-ref", "refs/heads/main", commit)
    world.apply()
    world.apply()
    (second,) = world.branches()
    assert second != first


def merge_and_delete(world: World) -> None:
    """As a forge does that deletes the branch of what is merged."""
    request = world.open_requests()[0]
    world.call("PUT", f"/repos/{PROJECT}/pulls/{request.number}/merge", {})
    world.git(world.remote, "update-ref", "-d", f"refs/heads/{request.head}")


def test_what_was_merged_within_the_hour_counts_for_the_limit_of_its_policy(world: World) -> None:
    for name in ("api", "slow"):
        world.write_policy(name, more="  pullRequest: {by: image, limits: {newPerHour: 1}}\n")
    world.registry.add("acme/slow", "1.0.0", "1.1.0")
    world.write_deployment("slow", "1.0.0")
    world.commit("Bound", push=True)
    assert world.apply() == 0
    assert len(world.open_requests()) == 2  # one of each policy
    merge_and_delete(world)
    merge_and_delete(world)
    world.registry.add("acme/api", "1.2.0")
    world.git(world.checkout, "pull", "-q", "--rebase", "origin", "main")
    world.write_policy("slow", more="  pullRequest: {by: image, limits: {newPerHour: 2}}\n")
    world.commit("Two of slow's", push=True)
    world.registry.add("acme/slow", "1.2.0")
    assert world.apply() == 0
    assert titles(world) == ["Update acme/slow to 1.2.0 (minor)"]


def test_without_a_count_of_the_last_hour_only_what_is_new_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply()
    (request,) = world.open_requests()
    said(world, "/imagebot explain")
    world.registry.add("acme/api", "1.2.0")
    with_apps(world, 1, "{dashboard: true, limits: {newPerHour: 2}}")
    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "recent", _fails)
        assert world.apply() == 0
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]
    assert len(request.comments) == 2
    (issue,) = world.forge.repository(PROJECT).issues
    why = "how many were opened in the last hour is not known now: GitHub answered 500"
    assert why in issue.body.partition("## Waiting")[2]
    assert world.apply() == 0
    assert len(titles(world)) == 2


def test_a_broken_repository_policy_opens_nothing_and_closes_nothing(world: World) -> None:
    world.apply()
    with_apps(world, 1, "{limits: {open: many}}")
    assert world.apply() == 3
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert len(titles(world)) == 1


@pytest.mark.parametrize("by", ["comment", "label"])
def test_only_the_rebuild_waits_for_the_end_of_a_freeze(world: World, by: str) -> None:
    world.write_policy("api", more="  pullRequest: {status: true}\n")
    world.commit("Show gates", push=True)
    world.apply()
    commit = commit_to_the_branch(world)
    settled(world)
    if by == "comment":
        said(world, "/imagebot rebuild")
    else:
        world.pull_requests()[0].labels.append("imagebot/rebuild")
    said(world, "/imagebot explain")
    say(world, f"{{{FROZEN}}}")
    settled(world)
    (explained,) = answers(world)[1:]
    assert "year's end" in explained
    head = world.forge.repository(PROJECT).statuses[commit]
    assert head["imagebot/window"].state == "pending"
    assert list(world.branches().values()) == [commit]
    say(world, "{}")
    settled(world)
    assert list(world.branches().values()) != [commit]
    assert len(answers(world)) == (3 if by == "comment" else 2)
    assert world.open_requests()[0].labels == []


def test_what_is_called_back_in_a_freeze_is_called_back_once_though_a_rebuild_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.forge.repository(PROJECT).required.add("ci")
    rule = "{autoMerge: {steps: [minor], method: squash, by: forge}}"
    world.write_policy("api", more=f"  pullRequest: {rule}\n")
    world.commit("Merge", push=True)
    world.apply()
    calls: list[object] = []
    call_back = GitHub.call_back

    def counted(forge: GitHub, request: PullRequest) -> None:
        calls.append(request.number)
        call_back(forge, request)

    monkeypatch.setattr(GitHub, "call_back", counted)
    world.pull_requests()[0].labels.append("imagebot/rebuild")
    say(world, f"{{{FROZEN}}}")
    for _ in range(3):
        world.apply()
    assert world.open_requests()[0].auto_merge == ""
    assert len(calls) == 1
