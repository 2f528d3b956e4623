"""What a real Gitea is seen to take of requests that are opened, updated and found again."""

import os
import shutil
import signal
import subprocess

from tests.acceptance.test_kills import DEADLY_GIT, ROOT, apply_command
from tests.real_gitea.world import FILE, RealWorld

_OTHERS = 120  # more than two pages
_PUSHED_AT_ONCE = 20  # Gitea's hooks take their time for each


def opened_with_labels_reviewers_milestone_assignee_and_as_a_draft(world: RealWorld) -> None:
    world.ask("POST", "/milestones", {"title": "M1"})
    people = "reviewers: [alice], assignees: [alice]"
    world.rules(f"{{{people}, labels: [images], milestone: M1, draft: true}}")
    world.apply()
    pull = world.pull()
    assert (pull["title"], pull["draft"]) == ("WIP: Update acme/api to 1.1.0 (minor)", True)
    assert [each["name"] for each in pull["labels"]] == ["images"]
    assert [each["login"] for each in pull["requested_reviewers"]] == ["alice"]
    assert [each["login"] for each in pull["assignees"]] == ["alice"]
    assert pull["milestone"]["title"] == "M1"
    assert pull["user"]["login"] == "imagebot"
    base = world.text_at("main")
    assert world.text_at(pull["head"]["ref"]) == base.replace(":1.0.0", ":1.1.0")


def a_second_run_writes_nothing(world: RealWorld) -> None:
    world.apply()
    world.settles()


def a_newer_tag_updates_the_same_request(world: RealWorld) -> None:
    world.apply()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    pull = world.pull()
    assert (pull["state"], pull["title"]) == ("open", "Update acme/api to 1.2.0 (minor)")
    assert ":1.2.0" in world.text_at(pull["head"]["ref"])
    assert "1.2.0" in pull["body"]
    world.settles()


def an_unknown_reviewer_is_warned_of_and_costs_nothing(world: RealWorld) -> None:
    world.rules("{reviewers: [nobody9, alice], assignees: [alice], labels: [images]}")
    said = world.apply()
    assert "nobody9" in said, said
    pull = world.pull()
    assert [each["login"] for each in pull["requested_reviewers"]] == ["alice"]
    assert [each["login"] for each in pull["assignees"]] == ["alice"]
    assert [each["name"] for each in pull["labels"]] == ["images"]
    world.settles()


def a_deleted_store_changes_nothing(world: RealWorld) -> None:
    world.apply()
    world.say("/imagebot hold")
    world.apply()
    shutil.rmtree(world.data)
    world.settles()
    shutil.rmtree(world.data)
    world.registry.add("acme/api", "1.2.0")
    world.settles()  # the hold stands on the forge


def killed_right_after_the_push_and_still_one_request(world: RealWorld) -> None:
    struck, deadly = world.folder / "struck", world.folder / "bin" / "git"
    deadly.parent.mkdir()
    words = {"command": "push", "moment": "after", "git": shutil.which("git"), "struck": struck}
    deadly.write_text(DEADLY_GIT.format(**words))
    deadly.chmod(0o755)
    path = f"{deadly.parent}{os.pathsep}{os.environ['PATH']}"
    killed = subprocess.run(
        apply_command(world),
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        timeout=120,
    )
    assert (killed.returncode, struck.exists()) == (-signal.SIGKILL, True)
    assert (len(world.branches()), world.pulls()) == (1, [])
    world.apply()
    pull = world.pull()
    assert (pull["state"], pull["title"]) == ("open", "Update acme/api to 1.1.0 (minor)")
    assert ":1.1.0" in world.text_at(pull["head"]["ref"])
    world.settles()


def not_hidden_by_120_open_requests_of_other_people(world: RealWorld) -> None:
    world.apply()
    world.git(world.checkout, "checkout", "-q", "-b", "others")
    (world.checkout / "other.txt").write_text("other\n")
    world.commit("Other")
    names = [f"other-{number}" for number in range(_OTHERS)]
    for start in range(0, _OTHERS, _PUSHED_AT_ONCE):
        refs = [f"HEAD:refs/heads/{name}" for name in names[start : start + _PUSHED_AT_ONCE]]
        world.git(world.checkout, "push", "-q", "origin", *refs)
    for name in names:
        wanted = {"head": name, "base": "main", "title": name}
        world.ask("POST", "/pulls", wanted, who="alice")
    shutil.rmtree(world.data)
    world.settles()
    assert any("/pulls?" in each and "page=3" in each for each in world.exchanges.asked)
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert world.states()[0] == ("open", "1.2.0 (minor)")
    assert len(world.branches()) == 1
    newest = world.ask("GET", "/pulls?state=all&sort=newest&limit=1")[0]["number"]
    assert newest == _OTHERS + 1


def each_gate_is_a_status_of_the_head_commit(world: RealWorld) -> None:
    world.rules("{status: true}")
    world.apply()
    found = world.ask("GET", f"/commits/{world.pull()['head']['sha']}/statuses")
    gates = ("cooldown", "platforms", "window", "hold")
    assert {each["context"]: each["status"] for each in found} == {
        f"imagebot/{gate}": "success" for gate in gates
    }
    world.settles()


def one_dashboard_issue_tells_what_is_open_and_what_waits(world: RealWorld) -> None:
    _with_a_request_that_waits(world)
    issue = world.dashboard()
    assert (issue["title"], issue["user"]["login"]) == ("Image updates", "imagebot")
    assert "## Open" in issue["body"]
    assert "## Waiting" in issue["body"]
    world.settles()


def a_box_that_somebody_checks_on_the_dashboard_acts(world: RealWorld) -> None:
    _with_a_request_that_waits(world)
    issue, box = world.dashboard(), "- [ ] <!-- imagebot:open"
    assert box in issue["body"]
    checked = issue["body"].replace(box, box.replace("[ ]", "[x]"))
    world.ask("PATCH", f"/issues/{issue['number']}", {"body": checked}, who="alice")
    world.apply()
    assert [state for state, _ in world.states()] == ["open", "open"]
    assert "- [x]" not in world.dashboard()["body"]


def _with_a_request_that_waits(world: RealWorld) -> None:
    world.registry.add("acme/web", "2.0.0", "2.0.1")
    world.write_policy("web")
    world.write_deployment("web", "2.0.0")
    world.rules(repository="{dashboard: true, limits: {open: 1}}")
    world.apply()
    assert len(world.pulls()) == 1


def agit_opens_a_request_without_a_branch_and_moves_it_on(world: RealWorld) -> None:
    _by_agit(world)
    world.apply()
    first = world.pull()
    assert (first["state"], first["title"]) == ("open", "Update acme/api to 1.1.0 (minor)")
    world.settles()
    shutil.rmtree(world.data)
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert (world.pull()["state"], world.branches()) == ("open", {})
    assert ":1.2.0" in world.text_at("refs/pull/1/head", FILE)
    world.git(world.checkout, "merge-base", "--is-ancestor", first["head"]["sha"], "FETCH_HEAD")
    world.settles()


def agit_leaves_what_is_closed_and_asks_anew_for_the_next_version(world: RealWorld) -> None:
    _by_agit(world)
    world.apply()
    world.turn("closed")
    world.settles()
    shutil.rmtree(world.data)
    world.settles()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert world.states() == [("closed", "1.1.0 (minor)"), ("open", "1.2.0 (minor)")]
    world.settles()


def _by_agit(world: RealWorld) -> None:
    login = f", username: imagebot, passwordFile: {world.folder}/token"
    world.write_settings(forge="{type: plain, agit: true}", git=login)


BEHAVIOURS = (
    opened_with_labels_reviewers_milestone_assignee_and_as_a_draft,
    a_second_run_writes_nothing,
    a_newer_tag_updates_the_same_request,
    an_unknown_reviewer_is_warned_of_and_costs_nothing,
    a_deleted_store_changes_nothing,
    killed_right_after_the_push_and_still_one_request,
    not_hidden_by_120_open_requests_of_other_people,
    each_gate_is_a_status_of_the_head_commit,
    one_dashboard_issue_tells_what_is_open_and_what_waits,
    a_box_that_somebody_checks_on_the_dashboard_acts,
    agit_opens_a_request_without_a_branch_and_moves_it_on,
    agit_leaves_what_is_closed_and_asks_anew_for_the_next_version,
)
