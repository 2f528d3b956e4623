"""The whole path as a user runs it: `imagebot apply` against a registry, git and a forge."""

import re
import shutil
from pathlib import Path

import pytest

from imagebot import records
from imagebot.cli.main import main
from tests.acceptance.world import DEPLOYMENT, World, json_of
from tests.servers.git_http import take_push_options, told

FILE = "apps/api/deployment.yaml"


def test_a_new_tag_becomes_a_pull_request_that_changes_only_the_tag(world: World) -> None:
    assert world.apply() == 0
    (request,) = world.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"
    before = DEPLOYMENT.format(host=world.registry.host, image="api", tag="1.0.0")
    assert world.content(request.head, FILE) == before.replace("1.0.0", "1.1.0")


def test_a_second_run_in_the_same_world_writes_nothing(world: World) -> None:
    world.apply()
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def test_deleting_all_local_state_changes_nothing(world: World) -> None:
    world.apply()
    before = world.everything()
    shutil.rmtree(world.data)
    assert world.apply() == 0
    assert world.everything() == before


def test_a_newer_tag_updates_the_same_pull_request(world: World) -> None:
    world.apply()
    (first,) = world.open_requests()
    number = first.number
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    (request,) = world.pull_requests()
    assert (request.number, request.title) == (number, "Update acme/api to 1.2.0 (minor)")
    assert ":1.2.0" in world.content(request.head, FILE)
    assert len(world.branches()) == 1


def test_a_merged_request_leaves_nothing_to_do_and_its_branch_goes(world: World) -> None:
    world.apply()
    (request,) = world.open_requests()
    world.git(world.remote, "update-ref", "refs/heads/main", world.branches()[request.head])
    assert world.apply() == 0
    assert world.open_requests() == []
    assert world.branches() == {}


def test_a_move_of_the_base_elsewhere_leaves_the_branch_alone(world: World) -> None:
    world.apply()
    before = world.branches()
    (world.checkout / "README.md").write_text("hello\n")
    world.commit("Say hello", push=True)
    world.apply()
    assert world.branches() == before


def test_a_change_of_the_edited_file_on_the_base_rebuilds_the_branch(world: World) -> None:
    world.apply()
    before = world.branches()
    path = world.checkout / FILE
    path.write_text(path.read_text() + "# a new last line\n")
    world.commit("Add a line", push=True)
    world.apply()
    assert world.branches() != before
    (request,) = world.open_requests()
    content = world.content(request.head, FILE)
    assert ":1.1.0" in content
    assert content.endswith("# a new last line\n")


def test_an_update_that_the_base_has_by_other_hands_is_withdrawn_with_a_comment(
    world: World,
) -> None:
    world.apply()
    world.write_deployment("api", "1.1.0")
    world.commit("Update by hand", push=True)
    world.apply()
    (request,) = world.pull_requests()
    assert request.state == "closed"
    assert "nothing is left to update" in request.comments[-1].body
    assert world.branches() == {}


def test_a_base_that_was_rewritten_keeps_the_request(world: World) -> None:
    world.apply()
    world.git(world.checkout, "commit", "-q", "--amend", "-m", "Another root")
    world.git(world.checkout, "push", "-q", "--force", "origin", "HEAD:main")
    assert world.apply() == 0
    assert len(world.open_requests()) == 1
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def test_what_imagebot_withdrew_is_proposed_again_when_it_is_wanted_again(world: World) -> None:
    world.apply()
    world.write_deployment("api", "1.1.0")
    world.commit("Update by hand", push=True)
    world.apply()
    world.write_deployment("api", "1.0.0")
    world.commit("Roll back", push=True)
    world.apply()
    assert len(world.open_requests()) == 1


KINDS_OF_COMMITS = [
    "new commit", "amend", "force push", "merge of base", "bot's name", "earlier commit",
    "another branch's commit",
]  # fmt: skip
RUNS_SURVIVED = 20


@pytest.mark.parametrize("kind", KINDS_OF_COMMITS)
def test_a_persons_commit_on_the_branch_is_never_overwritten(world: World, kind: str) -> None:
    """Not by a newer version, a base that moves in the edited file, or a store that is new."""
    world.apply()
    (branch,) = world.branches()
    push_as_person(world, branch, kind)
    before = world.branches()
    for number in range(RUNS_SURVIVED):
        world.registry.add("acme/api", f"1.2.{number}")
        if number % 7 == 3:
            shutil.rmtree(world.data)
        if number % 7 == 5:
            world.write_deployment("api", f"1.0.{number}")
            world.commit("Move the base", push=True)
        assert world.apply() == 0
    assert world.branches() == before
    (request,) = [each for each in world.pull_requests() if each.head == branch]
    said = [comment.body for comment in request.comments]
    assert len([text for text in said if "Somebody" in text]) == len(said) == 1


def push_as_person(world: World, branch: str, kind: str) -> None:
    clone = world.folder / "person"
    world.git(world.folder, "clone", "-q", "-b", branch, str(world.remote), str(clone))
    bots_name, bots_email = world.git(clone, "log", "-1", "--format=%an%n%ae").splitlines()
    if kind == "earlier commit":
        world.registry.add("acme/api", "1.1.9")
        world.apply()
    elif kind == "another branch's commit":
        world.registry.add("acme/web", "2.0.0", "2.0.1")
        world.write_policy("web")
        world.write_deployment("web", "2.0.0")
        world.commit("Add web", push=True)
        world.apply()
        (other,) = set(world.branches()) - {branch}
        world.git(clone, "fetch", "-q", "origin", other)
        world.git(clone, "reset", "-q", "--hard", "FETCH_HEAD")
    elif kind == "merge of base":
        (world.checkout / "x.txt").write_text("x")
        world.commit("Move the base", push=True)
        world.git(clone, "fetch", "-q", "origin", "main")
        world.git(clone, "merge", "-q", "--no-edit", "origin/main")
    else:
        if kind == "force push":
            world.git(clone, "reset", "-q", "--hard", "origin/main")
        (clone / "note.txt").write_text("mine")
        world.git(clone, "add", "-A")
        is_bots = kind == "bot's name"
        who = ["-c", f"user.name={bots_name}", "-c", f"user.email={bots_email}"] if is_bots else []
        how = ["--amend", "--no-edit"] if kind == "amend" else ["-m", "Mine"]
        world.git(clone, *who, "commit", "-q", *how)
    world.git(clone, "push", "-q", "--force", "origin", f"HEAD:{branch}")


def test_a_request_that_a_person_closed_is_not_opened_again_for_the_same_version(
    world: World,
) -> None:
    world.apply()
    world.close_by_hand()
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def test_the_next_version_after_a_closed_request_is_proposed(world: World) -> None:
    world.apply()
    world.close_by_hand()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    (request,) = world.open_requests()
    assert request.title == "Update acme/api to 1.2.0 (minor)"


def test_a_closed_group_stays_closed_while_one_of_its_images_cannot_be_asked(
    world: World,
) -> None:
    world.registry.add("acme/web", "2.0.0", "2.0.1")
    for name, tag in (("api", "1.0.0"), ("web", "2.0.0")):
        world.write_policy(name, more="  pullRequest: {group: backend}\n")
        world.write_deployment(name, tag)
    world.commit("Group", push=True)
    world.apply()
    world.close_by_hand()
    (branch,) = world.branches()
    world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
    before = world.everything()
    world.registry.failing["acme/web"] = 500
    assert world.apply() == 4
    assert world.everything() == before


def test_a_digest_alone_under_a_marker_is_brought_up_to_date_once(world: World) -> None:
    path = world.checkout / "apps" / "api" / "extra.yaml"
    old = "sha256:" + "0" * 64
    path.write_text(f"apiDigest: {old}  # imagebot: api:digest\n")
    (world.checkout / FILE).unlink()
    world.commit("Only a digest", push=True)
    assert world.apply() == 0
    (request,) = world.open_requests()
    content = world.content(request.head, "apps/api/extra.yaml")
    assert old not in content
    assert "sha256:" in content
    world.git(world.remote, "update-ref", "refs/heads/main", world.branches()[request.head])
    assert world.apply() == 0
    assert world.branches() == {}
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def test_plan_shows_exactly_what_apply_does(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = json_of(capsys, "plan", "--repository", "config", "--settings", str(world.settings))
    here = json_of(capsys, "plan", str(world.checkout), "--settings", str(world.settings))
    main(["plan", str(world.checkout), "--settings", str(world.settings), "--output", "diff"])
    diff = capsys.readouterr().out
    world.apply()
    (request,) = world.open_requests()
    (changes,) = planned["changeSets"]
    assert (changes.pop("action"), planned.pop("notAsked")) == ("created", "")
    assert here["changeSets"][0].pop("action") is None
    assert "imagebot plan --repository NAME" in here.pop("notAsked")
    assert here == planned
    assert (changes["title"], changes["branch"]) == (request.title, request.head)
    told, record, _ = records.apart(changes["body"])
    assert told.strip() in request.body
    assert records.record_in(record) == records.record_in(request.body)
    actual = world.git(world.remote, "diff", "main", request.head, "--", FILE)
    assert [line for line in diff.splitlines() if line[:1] in "+-"] == [
        line for line in actual.splitlines() if line[:1] in "+-"
    ]


def test_plan_writes_nothing_and_tells_of_pending_changes_by_its_exit_code(world: World) -> None:
    before = world.everything()
    words = ["plan", str(world.checkout), "--settings", str(world.settings)]
    assert main(words) == 0
    assert main([*words, "--exit-code"]) == 10
    assert world.everything() == before


def test_an_old_listing_does_not_turn_the_request_back(world: World) -> None:
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    before = world.everything()
    world.registry.hidden["acme/api"] = {"1.2.0"}
    world.apply()
    assert world.everything() == before


def test_a_tag_that_is_truly_gone_is_no_longer_proposed(world: World) -> None:
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    world.registry.remove_tag("acme/api", "1.2.0")
    world.apply()
    (request,) = world.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"


def test_a_registry_that_fails_costs_nothing_that_was_proposed(world: World) -> None:
    world.apply()
    before = world.everything()
    world.registry.failing["acme/api"] = 500
    assert world.apply() == 4
    assert world.everything() == before


def test_one_failing_image_does_not_stop_the_others(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.registry.add("acme/web", "2.0.0", "2.0.1")
    world.write_policy("web")
    world.write_deployment("web", "2.0.0")
    world.commit("Add web", push=True)
    world.registry.failing["acme/api"] = 500
    assert world.apply() == 4
    (request,) = world.open_requests()
    assert request.title == "Update acme/web to 2.0.1 (patch)"
    told = capsys.readouterr().err
    assert re.search(r"^apps/api\S*:\d+:\d+: error: \S+/acme/api: .*500", told, re.M), told


def test_one_unreadable_file_does_not_stop_the_others_and_is_reported(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = world.checkout / "apps" / "bad.yaml"
    bad.write_text("image: [unclosed\n  image: {{ .Values.x }}\n")
    world.commit("Break a file", push=True)
    world.apply()
    assert len(world.open_requests()) == 1
    assert "apps/bad.yaml" in capsys.readouterr().err


def test_a_policy_that_breaks_keeps_its_pull_request(world: World) -> None:
    world.apply()
    policy = world.checkout / "apps/api/imagebot.yaml"
    policy.write_text(policy.read_text().replace("order: semver", "order: semver, ragne: '>=1'"))
    world.commit("Break the policy", push=True)
    assert world.apply() == 3
    assert len(world.open_requests()) == 1


def test_a_policy_of_the_repository_reaches_requests_and_what_breaks_it_stops_only_new_ones(
    world: World,
) -> None:
    for_all = world.checkout / "imagebot.yaml"
    text = (
        "apiVersion: imagebot.dev/v1alpha1\nkind: RepositoryPolicy\nmetadata:\n  name: all\n"
        '  annotations: {config.kubernetes.io/local-config: "true"}\n'
        "spec:\n  pullRequest: {labels: ['update/{step}']}\n"
    )
    for_all.write_text(text)
    world.commit("Label all requests", push=True)
    world.apply()
    (request,) = world.open_requests()
    assert "update/minor" in request.labels
    before = world.branches()
    for_all.write_text(text.replace("labels", "lables"))
    world.registry.add("acme/api", "1.2.0")
    world.commit("Break it", push=True)
    assert world.apply() == 3
    assert world.branches() == before
    assert [each.number for each in world.open_requests()] == [request.number]
    for_all.write_text(text + "---\n" + text)
    world.commit("Have two of them", push=True)
    assert world.apply() == 3
    assert world.branches() == before
    assert len(world.open_requests()) == 1


def test_a_suspended_policy_keeps_its_pull_request_as_it_is(world: World) -> None:
    world.apply()
    before = world.branches()
    world.write_policy("api", more="  suspend: {reason: release week}\n")
    world.commit("Suspend", push=True)
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert world.branches() == before
    assert len(world.open_requests()) == 1


def test_a_policy_that_goes_takes_its_pull_request_along(world: World) -> None:
    world.apply()
    (world.checkout / "apps/api/imagebot.yaml").unlink()
    world.commit("Drop the policy", push=True)
    world.apply()
    assert world.open_requests() == []
    assert world.branches() == {}


def test_without_a_policy_apply_writes_nothing(world: World) -> None:
    (world.checkout / "apps/api/imagebot.yaml").unlink()
    world.commit("Drop the policy", push=True)
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def test_a_named_group_lands_in_one_request(world: World) -> None:
    world.registry.add("acme/web", "2.0.0", "2.0.1")
    group = "  pullRequest: {group: backend, labels: [deps]}\n"
    for name, tag in (("api", "1.0.0"), ("web", "2.0.0")):
        world.write_policy(name, more=group)
        world.write_deployment(name, tag)
    world.commit("Group", push=True)
    world.apply()
    (request,) = world.open_requests()
    assert request.title == "Update 2 images (backend)"
    assert request.labels == ["deps"]
    changed = world.git(world.remote, "diff", "--name-only", "main", request.head).split()
    assert changed == ["apps/api/deployment.yaml", "apps/web/deployment.yaml"]


def test_direct_mode_commits_to_the_base_branch(world: World) -> None:
    world.write_settings(forge="{type: plain}", more="    mode: direct\n")
    assert world.apply() == 0
    assert ":1.1.0" in world.content("main", FILE)
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def test_plain_git_pushes_the_branch_and_prints_the_text(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_settings(forge="{type: plain}")
    assert world.apply() == 0
    assert len(world.branches()) == 1
    assert "Why this tag" in capsys.readouterr().out
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


OPTIONS = "[merge_request.create, 'merge_request.target={base}', 'merge_request.title={title}']"


def test_plain_git_asks_the_server_for_a_request_by_push_options_once(world: World) -> None:
    """Each branch has its own title; a second run says nothing; a newer tag says it anew."""
    take_push_options(world.remote)
    world.registry.add("acme/web", "1.0.0", "1.1.0")
    world.write_policy("web")
    world.write_deployment("web", "1.0.0")
    world.commit("Add web", push=True)
    world.write_settings(forge=f"{{type: plain, pushOptions: {OPTIONS}}}")
    assert world.apply() == 0
    first = told(world.remote)[1:]
    assert sorted(options for _, options in first) == [
        ["merge_request.create", "merge_request.target=main",
         f"merge_request.title=Update acme/{image} to 1.1.0 (minor)"]
        for image in ("api", "web")
    ]  # fmt: skip
    assert sorted(refs for refs, _ in first) == [[f"refs/heads/{b}"] for b in world.branches()]
    before = world.everything()
    assert world.apply() == 0
    assert (world.everything(), told(world.remote)[1:]) == (before, first)
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    ((refs, options),) = told(world.remote)[3:]
    assert len(refs) == 1
    assert options[-1] == "merge_request.title=Update acme/api to 1.2.0 (minor)"
    assert len(world.branches()) == 2


def test_a_server_that_takes_no_push_options_fails_the_proposal_with_the_reason(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.git(world.remote, "config", "receive.advertisePushOptions", "false")
    world.write_settings(forge=f"{{type: plain, pushOptions: {OPTIONS}}}")
    assert world.apply() != 0
    printed = capsys.readouterr()
    assert "the git server takes no push options" in printed.out + printed.err
    assert world.branches() == {}


def test_a_push_that_loses_a_race_starts_again_and_converges(world: World) -> None:
    """A hook on the server moves the branch to a person's commit, before our push is taken."""
    world.apply()
    (world.checkout / "by-hand.txt").write_text("by hand\n")
    world.commit("By hand")
    world.git(world.checkout, "push", "-q", "origin", "HEAD:refs/heads/by-hand")
    (branch,) = world.branches()
    hook = world.remote / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\n"
        "test -e raced && exit 0\n: > raced\n"
        f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/{branch} refs/heads/by-hand\n"
    )
    hook.chmod(0o755)
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert (world.remote / "raced").exists()
    assert world.branches()[branch] == world.git(world.remote, "rev-parse", "by-hand").strip()


def test_a_push_that_another_process_forestalled_is_made_again_on_what_stands_then(
    world: World,
) -> None:
    """Just before our push is taken, the branch goes to what another imagebot wants now."""
    world.apply()
    (branch,) = world.branches()
    first, (request,) = world.branches()[branch], world.pull_requests()
    title, body = request.title, request.body
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    theirs = world.branches()[branch]
    assert theirs != first
    world.git(world.remote, "update-ref", f"refs/heads/{branch}", first)
    request.title, request.body = title, body
    hook = world.remote / "hooks" / "pre-receive"
    hook.write_text(
        "#!/bin/sh\n"
        "test -e raced && exit 0\n: > raced\n"
        f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/{branch} {theirs}\n"
    )
    hook.chmod(0o755)
    world.registry.add("acme/api", "1.3.0")
    assert world.apply() == 0
    assert (world.remote / "raced").exists()
    assert ":1.3.0" in world.content(branch, "apps/api/deployment.yaml")
    (request,) = world.pull_requests()
    assert request.title == "Update acme/api to 1.3.0 (minor)"


def test_no_secret_appears_in_output_commits_or_requests(
    world: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        world.apply("--output", "json")
    printed = capfd.readouterr()
    (request,) = world.open_requests()
    log = world.git(world.remote, "log", "--all", "--format=%B%an%ae")
    shown = [printed.out, printed.err, caplog.text, request.body, request.title, log]
    stored = [path.read_bytes() for path in Path(world.data).rglob("*") if path.is_file()]
    assert all(world.forge.token not in text for text in shown)
    assert all(world.forge.token.encode() not in content for content in stored)


def test_a_request_whose_update_is_in_another_one_now_is_closed_by_saying_so(
    world: World,
) -> None:
    world.apply()
    world.write_policy("api", more="  pullRequest: {group: backend}\n")
    world.commit("Group", push=True)
    world.apply()
    first, second = world.pull_requests()
    assert (first.state, second.state) == ("closed", "open")
    assert f"belongs to the branch `{second.head}` now" in first.comments[-1].body


def test_what_is_left_open_when_commits_become_direct_is_warned_of(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    (branch,) = world.branches()
    text = world.settings.read_text()
    world.settings.write_text(text.replace("base: main\n", "base: main\n    mode: direct\n"))
    capsys.readouterr()
    assert world.apply() == 0
    printed = "".join(capsys.readouterr())
    assert f"left from `mode: pull-request`: {branch}" in printed
    assert "mode: pull-request` do it" in printed
    assert ":1.1.0" in world.content("main", "apps/api/deployment.yaml")
    assert len(world.open_requests()) == 1
    world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
    assert world.apply() == 0
    assert "left from" not in "".join(capsys.readouterr())
