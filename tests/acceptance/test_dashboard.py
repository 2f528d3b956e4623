"""The dashboard issue, the owners of files, and another base: what a RepositoryPolicy asks for."""

import json
import shutil
from collections.abc import Callable

import pytest

from imagebot.cli.main import main
from imagebot.demo.github_kept import HostedIssue
from imagebot.forges.github import GitHub
from tests.acceptance.test_commands import _fails, commit_to_the_branch, said, settled
from tests.acceptance.test_waiting import FROZEN, say, titles, with_apps
from tests.acceptance.world import PROJECT, World


def board(world: World) -> HostedIssue:
    (issue,) = world.forge.repository(PROJECT).issues
    return issue


def check(world: World, box: str) -> None:
    issue = board(world)
    assert f"- [ ] <!-- imagebot:{box}" in issue.body
    issue.body = issue.body.replace(f"- [ ] <!-- imagebot:{box}", f"- [x] <!-- imagebot:{box}")


def test_one_issue_tells_what_is_open_and_what_waits(world: World) -> None:
    with_apps(world, 2, "{dashboard: true, limits: {open: 1}}")
    settled(world)
    issue = board(world)
    assert issue.title == "Image updates"
    assert "## Open" in issue.body
    assert "## Waiting" in issue.body
    assert "at most 1 request in this git repository may be open at once" in issue.body
    before = issue.body
    world.apply()
    assert board(world).body == before


def test_without_being_asked_there_is_no_issue(world: World) -> None:
    world.apply()
    assert world.forge.repository(PROJECT).issues == []


def test_it_says_so_when_all_is_up_to_date(world: World) -> None:
    say(world, "{dashboard: {title: Images}}")
    world.apply()
    world.write_deployment("api", "1.1.0")
    world.commit("By hand", push=True)
    world.apply()
    assert board(world).title == "Images"
    assert "Every image is up to date." in board(world).body


def test_a_checked_box_opens_what_a_limit_keeps_back(world: World) -> None:
    with_apps(world, 1, "{dashboard: true, limits: {open: 1}}")
    world.apply()
    assert len(titles(world)) == 1
    check(world, "open")
    world.apply()
    assert len(titles(world)) == 2
    assert "- [x]" not in board(world).body


def test_a_checked_box_proposes_again_what_a_person_declined(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    world.close_by_hand()
    settled(world)
    assert titles(world) == []
    check(world, "again")
    world.apply()
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]
    assert "- [x]" not in board(world).body
    assert "imagebot:again" not in board(world).body
    shutil.rmtree(world.data)
    for _ in range(2):  # it lasts, and stands in the request
        settled(world)
        assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]
    assert [each.state for each in world.pull_requests()] == ["closed", "open"]


def test_what_was_proposed_again_and_closed_again_stays_closed(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    world.close_by_hand()
    world.apply()
    check(world, "again")
    stale = board(world).body
    world.apply()
    world.close_by_hand()
    settled(world)
    assert titles(world) == []
    board(world).body = stale  # as where it could not be written
    settled(world)
    assert titles(world) == []


def test_a_box_brings_back_a_skipped_version_and_no_limit_keeps_it_back(world: World) -> None:
    with_apps(world, 1, "{dashboard: true, limits: {open: 1}}")
    world.apply()
    said(world, "/imagebot skip it leaks")
    world.apply()
    world.apply()
    (another,) = titles(world)
    check(world, "again")
    world.apply()
    assert len(titles(world)) == 2
    assert another in titles(world)


@pytest.mark.parametrize("kept", ["stays", "deleted"])
def test_what_is_proposed_again_beside_a_persons_commit_stays_proposed(
    world: World, capsys: pytest.CaptureFixture[str], kept: str
) -> None:
    with_apps(world, 1, "{dashboard: true, limits: {open: 2}}")
    world.apply()
    say(world, "{dashboard: true, limits: {open: 1}}")
    (request,) = [each for each in world.open_requests() if "api" in each.title]
    branch = request.head
    commit = commit_to_the_branch(world, branch=branch)
    world.apply()
    request.state = "closed"
    settled(world)
    check(world, "again")
    capsys.readouterr()
    world.apply()
    assert "while imagebot closed" not in "".join(capsys.readouterr())
    both = ["Update acme/api to 1.1.0 (minor)", "Update acme/app-0 to 1.1.0 (minor)"]
    assert sorted(titles(world)) == both
    assert world.branches()[branch] == commit
    if kept == "deleted":
        world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
    shutil.rmtree(world.data)
    for _ in range(2):
        settled(world)
        assert sorted(titles(world)) == both
    assert len(world.pull_requests()) == 3
    (again,) = [each for each in world.open_requests() if "api" in each.title]
    again.state = "closed"
    settled(world)
    assert titles(world) == both[1:]


def test_what_was_declined_in_another_grouping_has_no_box(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    world.close_by_hand()
    world.write_policy("api", more="  pullRequest: {group: backend}\n")
    world.commit("Group", push=True)
    settled(world)
    assert titles(world) == []
    assert "reopening it undoes that" in board(world).body
    assert "imagebot:again" not in board(world).body


def test_what_a_freeze_keeps_back_has_no_box(world: World) -> None:
    say(world, f"{{dashboard: true, {FROZEN}}}")
    world.apply()
    _, _, waiting = board(world).body.partition("## Waiting")
    assert "- `Update acme/api to 1.1.0 (minor)`: `freeze: year's end, until " in waiting
    assert "[ ]" not in waiting


def test_a_box_that_was_checked_before_a_freeze_opens_nothing_in_it(world: World) -> None:
    with_apps(world, 1, "{dashboard: true, limits: {open: 1}}")
    world.apply()
    check(world, "open")
    say(world, f"{{dashboard: true, limits: {{open: 1}}, {FROZEN}}}")
    world.apply()
    assert len(titles(world)) == 1


def test_a_checked_box_rebuilds_over_a_persons_commit(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    commit = commit_to_the_branch(world)
    world.apply()
    check(world, "rebuild")
    world.apply()
    assert commit not in world.branches().values()
    world.apply()
    settled(world)


def test_a_checked_box_does_not_write_over_a_commit_that_came_after_it(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    commit_to_the_branch(world)
    world.apply()
    check(world, "rebuild")
    later = commit_to_the_branch(world, text="later: by hand\n")
    world.apply()
    assert later in world.branches().values()


def boxes(world: World) -> list[str]:
    """Those that are checked, as what is asked."""
    lines = board(world).body.splitlines()
    return [line.split(":")[1].split(" ")[0] for line in lines if line.startswith("- [x]")]


def with_no_push(world: World, run: Callable[[], int]) -> None:
    """Run while the server declines every push."""
    hook = world.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no pushes today >&2\nexit 1\n")
    hook.chmod(0o755)
    run()
    hook.unlink()


@pytest.mark.parametrize("limits", ["{}", "{open: 1}"])
def test_a_box_stays_checked_until_what_was_declined_is_proposed_again(
    world: World, monkeypatch: pytest.MonkeyPatch, limits: str
) -> None:
    with_apps(world, 1, f"{{dashboard: true, limits: {limits}}}")
    world.apply()
    said_of = world.pull_requests()[0]
    said_of.state = "closed"
    settled(world)
    check(world, "again")
    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "create", _fails)
        for _ in range(2):
            world.apply()
            assert boxes(world) == ["again"]
            assert "GitHub answered 500" in board(world).body
    assert said_of.title not in titles(world)
    world.apply()
    assert said_of.title in titles(world)
    assert boxes(world) == []
    settled(world)
    assert said_of.title in titles(world)


def test_a_box_beside_a_persons_commit_stays_checked_until_it_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    commit = commit_to_the_branch(world)
    world.apply()
    world.close_by_hand()
    settled(world)
    check(world, "again")
    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "create", _fails)
        world.apply()
    assert boxes(world) == ["again"]
    assert titles(world) == []
    world.apply()
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]
    assert boxes(world) == []
    assert commit in world.branches().values()
    settled(world)
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]


def test_a_box_stays_checked_until_the_branch_is_rebuilt(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    commit = commit_to_the_branch(world)
    world.apply()
    check(world, "rebuild")
    with_no_push(world, world.apply)
    assert boxes(world) == ["rebuild"]
    assert commit in world.branches().values()
    world.apply()
    assert boxes(world) == []
    assert commit not in world.branches().values()
    settled(world)


def test_a_box_stays_checked_where_what_was_said_could_not_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    commit = commit_to_the_branch(world)
    world.apply()
    check(world, "rebuild")
    said(world, "Looks good")
    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "comments", _fails)
        world.apply()
    assert boxes(world) == ["rebuild"]
    assert commit in world.branches().values()
    world.apply()
    assert boxes(world) == []
    assert commit not in world.branches().values()


def test_a_branch_that_was_rebuilt_is_not_again_though_its_request_was_not_updated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    commit = commit_to_the_branch(world)
    world.apply()
    check(world, "rebuild")
    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "update", _fails)
        world.apply()
    (rebuilt,) = world.branches().values()
    assert rebuilt != commit
    assert boxes(world) == []
    settled(world)
    assert list(world.branches().values()) == [rebuilt]


def test_a_box_stays_checked_until_the_request_is_open(world: World) -> None:
    with_apps(world, 1, "{dashboard: true, limits: {open: 1}}")
    world.apply()
    check(world, "open")
    with_no_push(world, world.apply)
    assert boxes(world) == ["open"]
    assert len(titles(world)) == 1
    world.apply()
    assert boxes(world) == []
    assert len(titles(world)) == 2


@pytest.mark.parametrize("ask", ["again", "rebuild"])
def test_a_box_stays_checked_through_a_freeze(world: World, ask: str) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    if ask == "rebuild":
        commit = commit_to_the_branch(world)
        world.apply()
    else:
        world.close_by_hand()
        world.apply()
        commit = "none"
    check(world, ask)
    say(world, f"{{dashboard: true, {FROZEN}}}")
    for _ in range(2):
        world.apply()
        assert boxes(world) == [ask]
    say(world, "{dashboard: true}")
    world.apply()
    assert boxes(world) == []
    assert titles(world) == ["Update acme/api to 1.1.0 (minor)"]
    assert commit not in world.branches().values()


def test_a_box_that_a_later_commit_forbids_is_emptied(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    commit_to_the_branch(world)
    world.apply()
    check(world, "rebuild")
    later = commit_to_the_branch(world, text="later: by hand\n")
    with_no_push(world, world.apply)
    assert boxes(world) == []
    world.apply()
    assert later in world.branches().values()


def test_an_issue_that_was_closed_is_opened_again(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    board(world).state = "closed"
    world.apply()
    assert board(world).state == "open"


def test_what_is_held_is_left_alone_and_told(world: World) -> None:
    say(world, "{dashboard: true}")
    world.apply()
    said(world, "/imagebot hold until Monday")
    world.apply()
    assert "alice holds it: until Monday" in board(world).body


def test_owners_of_the_changed_files_are_asked_for_review(world: World) -> None:
    hosted = world.forge.repository(PROJECT)
    hosted.collaborators = frozenset({"alice", "bob", "acme/platform"})
    (world.checkout / "CODEOWNERS").write_text("* @bob\n/apps/api/ @alice @acme/platform\n")
    world.write_policy("api", more="  pullRequest: {codeOwners: true}\n")
    world.commit("Owners", push=True)
    world.apply()
    (request,) = world.open_requests()
    assert (request.reviewers, request.teams) == (["alice"], ["platform"])


def test_updates_are_proposed_for_the_branch_that_the_policy_names(world: World) -> None:
    world.git(world.checkout, "push", "-q", "origin", "HEAD:refs/heads/staging")
    say(world, "{base: staging}")
    settled(world)
    (request,) = world.open_requests()
    assert request.base == "staging"


def test_plan_shows_the_base_that_the_policy_names_and_no_image_is_listed_twice(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.git(world.checkout, "push", "-q", "origin", "HEAD:refs/heads/staging")
    world.write_deployment("api", "1.1.0")
    say(world, "{base: staging}")
    capsys.readouterr()
    words = ["--settings", str(world.settings), "--repository", "config", "-o", "json"]
    assert main(["plan", *words]) == 0
    (changes,) = json.loads(capsys.readouterr().out)["changeSets"]
    assert changes["base"] == "staging"
    world.registry.requests.clear()
    world.apply()
    listed = [each for each in world.registry.requests if each.path.endswith("/tags/list")]
    assert len(listed) == 1


@pytest.mark.parametrize(
    ("code_owners", "reviewers", "told"),
    [
        ("* ops@example.com @alice\n", ["alice"], "by an e-mail address cannot be asked: ops@exam"),
        ("!x @bob\n!y @bob\n* @alice\n", ["alice"], "and 1 more of its lines mean nothing"),
        ("* " + " ".join(f"@u{n}" for n in range(17)), [], "2 owners beyond the first 15 are not"),
        ("#" * (1024 * 1024 + 1), [], "CODEOWNERS:1: warning: nobody is asked for review by this"),
    ],
)
def test_what_comes_of_owners_for_nobody_is_told(
    world: World,
    capsys: pytest.CaptureFixture[str],
    code_owners: str,
    reviewers: list[str],
    told: str,
) -> None:
    world.forge.repository(PROJECT).collaborators = frozenset({"alice", "bob"})
    (world.checkout / "CODEOWNERS").write_text(code_owners)
    world.write_policy("api", more="  pullRequest: {codeOwners: true}\n")
    world.commit("Owners", push=True)
    world.apply()
    said = capsys.readouterr()
    assert (said.out + said.err).count(told) == 1
    (request,) = world.open_requests()
    assert request.reviewers == reviewers
