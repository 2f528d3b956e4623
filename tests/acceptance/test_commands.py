"""What people say on a request, as they say it: comments and labels, and what comes of them."""

import os
import shutil

import pytest

from imagebot.errors import ForgeUnavailable
from imagebot.forges.github import GitHub
from imagebot.git import BareClone
from tests.acceptance.world import PROJECT, World

FILE = "apps/api/deployment.yaml"
TWENTY_DAYS_AGO = "2020-01-01T00:00:00Z"


def said(world: World, text: str, who: str = "alice", may: str = "write") -> None:
    """A person comments on the one open request."""
    (request,) = world.open_requests()
    world.forge.repository(PROJECT).permissions[who] = may
    world.forge.say_as(PROJECT, request.number, who, text)


def _fails(*_: object, **__: object) -> None:
    raise ForgeUnavailable("GitHub answered 500")


def answers(world: World, number: int = 1) -> list[str]:
    (request,) = [each for each in world.pull_requests() if each.number == number]
    return [each.body for each in request.comments if each.author == "imagebot"]


def reactions(world: World) -> list[tuple[str, str]]:
    return [each for said in world.pull_requests()[0].comments for each in said.reactions]


def commit_to_the_branch(
    world: World, *, at: str = TWENTY_DAYS_AGO, text: str = "by: hand\n", branch: str = ""
) -> str:
    """To the one branch, if none is named."""
    if not branch:
        (branch,) = world.branches()
    world.git(world.checkout, "fetch", "-q", "origin", branch)
    world.git(world.checkout, "checkout", "-q", "-B", "other", "FETCH_HEAD")
    (world.checkout / FILE).write_text(text)
    os.environ["GIT_COMMITTER_DATE"] = at
    try:
        world.commit("By hand")
    finally:
        del os.environ["GIT_COMMITTER_DATE"]
    world.git(world.checkout, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
    world.git(world.checkout, "checkout", "-q", "main")
    return world.branches()[branch]


def settled(world: World, code: int = 0) -> None:
    """Run, and see that another run finds nothing to do."""
    assert world.apply() == code
    before = world.everything()
    for _ in range(2):
        assert world.apply() == code
        assert world.everything() == before


def test_a_held_request_is_left_as_it_is_until_it_is_resumed(world: World) -> None:
    world.apply()
    said(world, "/imagebot hold waiting for the database")
    settled(world)
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    (request,) = world.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"
    assert reactions(world) == [("imagebot", "+1")]
    said(world, "/imagebot resume")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)"
    assert len(answers(world)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "\t/imagebot skip",
        "    /imagebot skip",
        "> /imagebot skip",
        "```\n/imagebot skip",
        "- /imagebot skip",
    ],
)
def test_what_is_shown_as_code_quotation_or_item_is_no_command(world: World, text: str) -> None:
    world.apply()
    said(world, text)
    settled(world)
    assert (len(world.open_requests()), answers(world)) == (1, [])


HOSTILE = "@everyone closes #1 <img src=x> https://evil.example [a](http://b)"


@pytest.mark.parametrize("verb", ["rebuild", "explain", "@everyone"])
def test_a_reason_that_is_told_in_an_answer_is_nothing_but_text(world: World, verb: str) -> None:
    world.apply()
    said(world, f"/imagebot hold {HOSTILE}")
    world.apply()
    said(world, f"/imagebot {verb}")
    settled(world)
    told = answers(world)[-1]
    assert "everyone" in told
    for each in ("@everyone closes", "closes #1", "<img", "[a](", "https://evil"):
        assert each not in told


def test_a_held_request_is_not_withdrawn_either(world: World) -> None:
    world.apply()
    said(world, "/imagebot hold")
    world.apply()
    world.write_deployment("api", "1.1.0")
    world.commit("By hand", push=True)
    settled(world)
    assert len(world.open_requests()) == 1


def test_a_hold_survives_the_loss_of_all_local_state(world: World) -> None:
    world.apply()
    said(world, "/imagebot hold")
    world.apply()
    world.registry.add("acme/api", "1.2.0")

    shutil.rmtree(world.data)
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.1.0 (minor)"


def test_the_label_holds_as_long_as_it_is_on(world: World) -> None:
    world.apply()
    world.pull_requests()[0].labels.append("imagebot/hold")
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.1.0 (minor)"
    world.pull_requests()[0].labels.remove("imagebot/hold")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)"


def test_a_skipped_version_is_closed_and_not_proposed_again(world: World) -> None:
    world.apply()
    said(world, "/imagebot skip broken on arm64")
    settled(world)
    assert world.open_requests() == []
    assert "not proposed again" in answers(world)[0]
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)"


def test_snooze_puts_a_request_off(world: World) -> None:
    world.apply()
    said(world, "/imagebot snooze 52w")
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.1.0 (minor)"


def test_explain_says_why_this_tag_and_what_is_not_taken(world: World) -> None:
    world.write_policy("api", tags=", allow: minor")
    world.commit("Allow minor", push=True)
    world.registry.add("acme/api", "2.0.0")
    world.apply()
    said(world, "/imagebot explain")
    settled(world)
    (answer,) = answers(world)
    assert "\n\n\n" not in answer
    assert "highest tag that the policy allows" in answer
    assert "2.0.0" in answer


def test_each_explain_is_answered_and_names_its_comment(world: World) -> None:
    world.apply()
    said(world, "/imagebot explain")
    settled(world)
    said(world, "/imagebot explain")
    settled(world)
    first, second = answers(world)
    assert first != second
    assert first.partition("\n")[2] == second.partition("\n")[2]


@pytest.mark.parametrize("verb", ["hold", "skip", "rebuild", "snooze 7d", "explain"])
def test_people_without_write_access_command_nothing(world: World, verb: str) -> None:
    world.apply()
    before = world.branches()
    said(world, f"/imagebot {verb}", "mallory", "read")
    settled(world)
    assert "write access" in answers(world)[0]
    assert reactions(world) == [("imagebot", "confused")]
    assert (len(world.open_requests()), world.branches()) == (1, before)


def test_a_command_that_is_none_is_answered_with_those_there_are(world: World) -> None:
    world.apply()
    said(world, "/imagebot rebild")
    settled(world)
    assert "did you mean rebuild? Known: `" in answers(world)[0]
    assert "/imagebot rebuild | skip [reason]" in answers(world)[0]


def test_a_persons_commit_is_told_of_once_and_rebuilt_when_asked(world: World) -> None:
    world.apply()
    commit = commit_to_the_branch(world)
    settled(world)
    (told,) = answers(world)
    assert commit[:12] in told
    assert "/imagebot rebuild" in told
    said(world, "/imagebot rebuild")
    settled(world)
    (branch,) = world.branches()
    assert "1.1.0" in world.content(branch, FILE)
    assert world.branches()[branch] != commit
    assert len(answers(world)) == 2


def test_a_commit_after_the_command_is_not_overwritten(world: World) -> None:
    world.apply()
    said(world, "/imagebot rebuild")
    commit = commit_to_the_branch(world, at="2037-01-01T00:00:00Z")
    settled(world)
    assert list(world.branches().values()) == [commit]
    assert any("nothing is rebuilt: somebody committed after" in each for each in answers(world))
    assert ("imagebot", "confused") in reactions(world)


@pytest.mark.parametrize("at", ["2001-01-01T00:00:00Z", "2037-01-01T00:00:00Z"])
@pytest.mark.parametrize("by", ["comment", "label"])
def test_a_commit_after_the_switch_is_kept_whatever_its_clock_says(
    world: World, by: str, at: str
) -> None:
    world.apply()
    first = commit_to_the_branch(world)
    settled(world)
    if by == "comment":
        said(world, "/imagebot rebuild")
    else:
        world.pull_requests()[0].labels.append("imagebot/rebuild")
    later = commit_to_the_branch(world, at=at, text="later: by hand\n")
    settled(world)
    assert list(world.branches().values()) == [later]
    assert later != first
    assert world.open_requests()[0].labels == []


def test_commands_are_never_carried_out_again_however_many_follow(world: World) -> None:
    world.apply()
    said(world, "/imagebot hold")
    settled(world)
    said(world, "/imagebot resume")
    settled(world)
    said(world, "/imagebot hold for good")
    settled(world)
    for number in range(60):
        said(world, f"/imagebot nonsense{number}", who="mallory", may="read")
    settled(world)
    said(world, "hi", who="mallory", may="read")
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.1.0 (minor)"


def test_a_rebuild_of_what_is_held_is_refused_and_its_label_stays_on(world: World) -> None:
    world.apply()
    said(world, "/imagebot hold")
    world.apply()
    before = world.branches()
    said(world, "/imagebot rebuild")
    world.pull_requests()[0].labels.append("imagebot/rebuild")
    settled(world)
    assert answers(world)[-1].endswith("nothing is rebuilt: alice holds it.")
    assert world.branches() == before
    assert world.open_requests()[0].labels == ["imagebot/rebuild"]
    said(world, "/imagebot resume")
    settled(world)
    assert world.open_requests()[0].labels == []


def test_a_skip_whose_closing_failed_is_done_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply()
    said(world, "/imagebot skip")
    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "close", _fails)
        world.apply()
    assert len(world.open_requests()) == 1
    settled(world)
    assert world.open_requests() == []
    assert len(answers(world)) == 1


def test_skip_means_what_the_person_saw_though_a_newer_tag_came_meanwhile(world: World) -> None:
    world.apply()
    said(world, "/imagebot skip")
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    (skipped,) = world.pull_requests()
    assert (skipped.state, skipped.title) == ("closed", "Update acme/api to 1.1.0 (minor)")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)"


def test_the_label_rebuilds_and_is_taken_off(world: World) -> None:
    world.apply()
    commit_to_the_branch(world)
    settled(world)
    world.pull_requests()[0].labels.append("imagebot/rebuild")
    settled(world)
    (branch,) = world.branches()
    assert "1.1.0" in world.content(branch, FILE)
    assert world.open_requests()[0].labels == []


def test_all_that_was_said_is_answered_in_one_run(world: World) -> None:
    world.apply()
    for text in ("/imagebot hold", "thanks", "/imagebot explain", "/imagebot resume"):
        said(world, text)
    settled(world)
    assert len(answers(world)) == 3


def test_a_conversation_that_cannot_be_read_stops_all_rewriting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply()
    said(world, "/imagebot hold")
    world.registry.add("acme/api", "1.2.0")
    with monkeypatch.context() as patched:
        patched.setattr(GitHub, "comments", _fails)
        world.apply()
    assert world.open_requests()[0].title == "Update acme/api to 1.1.0 (minor)"
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.1.0 (minor)"


def test_the_labels_that_switch_are_there_to_be_set_and_made_once(world: World) -> None:
    hosted = world.forge.repository(PROJECT)
    assert hosted.labels == []
    settled(world)
    assert sorted(hosted.labels) == ["imagebot/hold", "imagebot/rebuild"]
    hosted.labels.clear()  # whoever deletes them does not see them again
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert hosted.labels == []
    shutil.rmtree(world.data)
    settled(world)
    assert len(hosted.labels) == 2


def test_a_forge_that_refuses_to_make_labels_costs_no_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GitHub, "make_labels", _fails)
    assert world.apply() == 0
    assert len(world.open_requests()) == 1


@pytest.mark.parametrize("by", ["comment", "label"])
def test_a_rebuild_is_done_once_though_the_forge_refuses_what_follows(
    world: World, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply()
    commit_to_the_branch(world)
    world.apply()
    if by == "comment":
        said(world, "/imagebot rebuild")
        monkeypatch.setattr(GitHub, "answer", _fails)
    else:
        world.pull_requests()[0].labels.append("imagebot/rebuild")
        monkeypatch.setattr(GitHub, "take_off", _fails)
    pushes: list[object] = []
    push = BareClone.push
    monkeypatch.setattr(BareClone, "push", lambda *its: pushes.append(its) or push(*its))
    for _ in range(3):
        world.apply()
    assert len(pushes) == 1
    later = commit_to_the_branch(world, text="later: by hand\n")
    for _ in range(3):
        world.apply()
        assert list(world.branches().values()) == [later]
    monkeypatch.undo()
    world.apply()
    assert world.open_requests()[0].labels == []
    assert list(world.branches().values()) == [later]


def nothing_wants_it(world: World) -> None:
    """A person made the change on the base branch too."""
    world.write_deployment("api", "1.1.0")
    world.commit("By hand", push=True)


def test_a_persons_branch_that_nothing_wants_any_more_is_told_of_once(world: World) -> None:
    world.apply()
    commit = commit_to_the_branch(world)
    nothing_wants_it(world)
    settled(world)
    (told,) = answers(world)
    assert told.startswith("Nothing is left to update here")
    assert commit[:12] in told
    (request,) = world.open_requests()
    assert world.branches() == {request.head: commit}


def test_commands_on_a_persons_branch_that_nothing_wants_are_answered(world: World) -> None:
    world.apply()
    commit = commit_to_the_branch(world)
    nothing_wants_it(world)
    settled(world)
    for verb in ("explain", "rebuild", "hold", "resume"):
        said(world, f"/imagebot {verb}")
        settled(world)
    explained, rebuilt, _, _ = answers(world)[1:]
    assert "nothing asks for it any more, but somebody else committed to it" in explained
    assert "nothing is rebuilt: nothing asks for this change just now" in rebuilt
    assert list(world.branches().values()) == [commit]
    said(world, "/imagebot skip")
    settled(world)
    assert world.open_requests() == []
    assert list(world.branches().values()) == [commit]


def test_of_a_persons_branch_nothing_is_said_while_its_registry_fails(world: World) -> None:
    world.apply()
    commit_to_the_branch(world)
    world.apply()
    assert len(answers(world)) == 1
    world.registry.failing["acme/api"] = 500
    world.apply()
    assert len(answers(world)) == 1
    del world.registry.failing["acme/api"]
    settled(world)
    assert len(answers(world)) == 1


def test_a_persons_own_request_from_such_a_branch_is_no_business_of_imagebots(
    world: World,
) -> None:
    world.apply()
    commit_to_the_branch(world)
    nothing_wants_it(world)
    (request,) = world.open_requests()
    request.body = "My own words."
    before = world.everything()
    world.apply()
    assert world.everything() == before


def test_a_crowd_without_write_access_gets_one_answer_that_names_them(world: World) -> None:
    world.apply()
    for number in range(12):
        said(world, "/imagebot hold", f"mallory{number % 2}", "read")
    settled(world)
    (answer,) = answers(world)
    assert "write access" in answer
    assert "`mallory0`" in answer
    assert "`mallory1`" in answer
    assert "and 1 more" in answer
    said(world, "/imagebot hold", "mallory0", "read")
    settled(world)
    assert len(answers(world)) == 2


def test_a_hold_below_more_comments_than_are_read_is_kept_until_a_person_goes_on(
    world: World,
) -> None:
    world.apply()
    said(world, "/imagebot hold")
    for _ in range(301):
        said(world, "/imagebot resume", "mallory", "read")
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.1.0 (minor)"
    assert any(each.startswith("imagebot holds this request: more") for each in answers(world))
    said(world, "/imagebot resume")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)"


def test_a_long_conversation_that_was_followed_holds_nothing(world: World) -> None:
    world.apply()
    for _ in range(2):
        for _ in range(200):
            said(world, "hi", "mallory", "read")
        settled(world)
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert world.open_requests()[0].title == "Update acme/api to 1.2.0 (minor)"
