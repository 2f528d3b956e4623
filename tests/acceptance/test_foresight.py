"""`plan --repository` says what `apply` would come to, and `apply` comes to just that."""

from typing import Any

import pytest

from imagebot.cli.main import main
from tests.acceptance.test_commands import commit_to_the_branch, said
from tests.acceptance.test_waiting import with_apps
from tests.acceptance.world import World, json_of


def ahead(world: World, capsys: pytest.CaptureFixture[str]) -> Any:
    """The plan of the git repository, for which nothing was written."""
    before = world.everything()
    words = ("plan", "--repository", "config", "--settings", str(world.settings))
    planned = json_of(capsys, *words)
    assert world.everything() == before
    return planned


def comes_true(world: World, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """Action and reason of each change by the plan, which `apply` told as well."""
    planned = ahead(world, capsys)
    (outcome,) = json_of(capsys, "apply", "config", "--settings", str(world.settings))
    foreseen = [(each["action"], each["reason"]) for each in planned["changeSets"]]
    assert [(each["action"], each["reason"]) for each in outcome["proposals"]] == foreseen
    assert [each["number"] for each in outcome["closed"]] == [
        each["number"] for each in planned["closed"]
    ]
    assert [each["reason"] for each in outcome["images"]] == [
        each["reason"] for each in planned["images"]
    ]
    return foreseen


def test_new_requests_newer_versions_and_a_second_run(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comes_true(world, capsys) == [("created", "")]
    assert comes_true(world, capsys) == [("unchanged", "")]
    world.registry.add("acme/api", "1.2.0")
    assert comes_true(world, capsys) == [("updated", "")]


def test_a_version_that_a_person_closed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.apply()
    world.close_by_hand()
    assert comes_true(world, capsys) == []
    (image,) = ahead(world, capsys)["images"]
    assert "declined" in image["reason"] or "closed" in image["reason"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("/imagebot hold until Monday", "alice holds it: until Monday"),
        ("/imagebot skip", "a person asked to skip it"),
    ],
)
def test_what_a_person_said_and_nobody_answered_yet(
    world: World, capsys: pytest.CaptureFixture[str], command: str, reason: str
) -> None:
    world.apply()
    world.registry.add("acme/api", "1.2.0")
    said(world, command)
    assert comes_true(world, capsys) == [("skipped", reason)]


def test_a_snooze(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.apply()
    said(world, "/imagebot snooze 7d")
    world.apply()
    ((action, reason),) = comes_true(world, capsys)
    assert (action, reason[:13]) == ("skipped", "snoozed until")


def test_a_label_that_holds(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.apply()
    world.pull_requests()[0].labels.append("imagebot/hold")
    assert comes_true(world, capsys) == [("skipped", "the label imagebot/hold holds it")]


def test_a_persons_commit(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.apply()
    commit_to_the_branch(world)
    ((action, reason),) = comes_true(world, capsys)
    assert (action, "somebody else committed" in reason) == ("skipped", True)


FREEZE = "  freezes: [{from: 2020-01-01, until: 2999-01-01, reason: audit}]\n"


def test_a_freeze(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.write_policy("api", more=FREEZE)
    world.commit("Freeze", push=True)
    ((action, reason),) = comes_true(world, capsys)
    assert (action, "audit" in reason) == ("waiting", True)


def test_a_limit(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with_apps(world, 2, "{limits: {open: 1}}")
    foreseen = comes_true(world, capsys)
    assert sorted(action for action, _ in foreseen) == ["created", "waiting", "waiting"]
    assert all(reason for action, reason in foreseen if action == "waiting")


def test_a_request_that_nothing_asks_for(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.apply()
    (world.checkout / "apps/api/imagebot.yaml").unlink()
    world.write_policy("web")
    world.commit("Another policy", push=True)
    assert [each["number"] for each in ahead(world, capsys)["closed"]] == [1]
    assert comes_true(world, capsys) == []


def test_the_table_says_what_would_be_done(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    said(world, "/imagebot hold")
    capsys.readouterr()
    assert main(["plan", "--repository", "config", "--settings", str(world.settings)]) == 0
    shown = capsys.readouterr()
    (line,) = [line for line in shown.out.splitlines() if line.startswith("is left alone")]
    assert "Update acme/api to 1.1.0" in line
    assert "/pull/1, alice holds it)" in line
    assert "the forge was not asked" not in shown.err


def test_a_folder_on_disk_knows_the_clock_and_says_who_was_not_asked(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["plan", str(world.checkout), "--settings", str(world.settings)]
    assert main(words) == 0
    assert "the forge was not asked: what people closed" in capsys.readouterr().err
    world.write_policy("api", more=FREEZE)
    assert main(words) == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if each.startswith("waits")]
    assert "audit" in line


def test_a_forge_that_fails_costs_only_what_it_would_have_told(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    (world.folder / "token").write_text("wrong")
    planned = ahead(world, capsys)
    assert "GitHub" in planned["notAsked"]
    (changes,) = planned["changeSets"]
    assert (changes["action"], changes["pullRequest"]) == (None, None)
