"""What is Bitbucket Cloud's own in conversations: threads, uuids, tokens, merges by no commit."""

import logging
from dataclasses import replace

import pytest

from imagebot.errors import ForgeError
from imagebot.forges import bitbucket_conversation, bitbucket_merge
from imagebot.interfaces import Conversation
from imagebot.proposals import PullRequest
from imagebot.talk import (
    Comment,
    CommitStatus,
    MergeMethod,
    MergeOutcome,
    Reaction,
    StatusState,
)
from tests.forges.world import PROJECT, World, changes, git, opened_by
from tests.servers.bitbucket_talk import uuid_of

BRANCH = "imagebot/api-1a2b"
MARKER = "<!-- imagebot:dashboard -->"


@pytest.fixture
def opened(bitbucket: World) -> World:
    bitbucket.bare.push(BRANCH)
    opened_by(bitbucket.forge, changes())
    bitbucket.server.forget_requests()
    return bitbucket


def found(world: World) -> PullRequest:
    told: PullRequest = world.forge.find([BRANCH])[BRANCH]
    return told


def asked(world: World, text: str = "/imagebot hold", who: str = "alice") -> Comment:
    world.people.comment(1, who, text)
    comment: Comment = world.forge.comments(found(world)).comments[-1]
    return comment


def test_it_talks(opened: World) -> None:
    assert isinstance(opened.forge, Conversation)


def test_a_reply_stands_below_the_comment(opened: World) -> None:
    comment = asked(opened)
    opened.forge.answer(found(opened), comment, Reaction.DONE, "Held.")
    reply = opened.forge.comments(found(opened)).comments[-1]
    assert opened.server.parents == {int(reply.id): int(comment.id)}


def test_people_are_called_by_their_nickname_and_known_by_their_uuid(opened: World) -> None:
    comment = asked(opened)
    assert (comment.author, comment.name, comment.said_by) == (uuid_of("alice"), "alice", "alice")


def test_who_takes_the_nickname_of_another_may_not_write(opened: World) -> None:
    comment = asked(opened, who="mallory")
    assert not opened.forge.may_write(comment.author)
    assert not opened.forge.may_write("alice")


def test_who_may_write_is_looked_for_on_all_pages(opened: World) -> None:
    opened.server.permissions = {f"person{n}": "write" for n in range(60)} | {"alice": "admin"}
    opened.server.forget_requests()
    assert opened.forge.may_write(uuid_of("alice"))
    assert len(opened.server.reads) == 2


def test_among_too_many_writers_nobody_is_looked_for(
    opened: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bitbucket_conversation, "MAX_WRITERS_READ", 3)
    opened.server.permissions = {f"person{n}": "write" for n in range(5)}
    with pytest.raises(ForgeError, match="more than 3"):
        opened.forge.may_write(uuid_of("alice"))


def test_a_deleted_comment_is_no_comment(opened: World) -> None:
    comment = asked(opened)
    opened.server.deleted.add(int(comment.id))
    assert list(opened.forge.comments(found(opened)).comments) == []


def test_a_token_without_the_scope_account_is_told_by_who_opened_the_request(
    opened: World,
) -> None:
    opened.server.tells_account = False
    asked(opened)
    for _ in range(2):
        opened.forge.say(found(opened), "It is held.")
    assert opened.kept()[0].comments == ["/imagebot hold", "It is held."]
    assert [each.is_own for each in opened.forge.comments(found(opened)).comments] == [False, True]


def test_a_token_without_the_scope_account_finds_no_issue_of_its_own(opened: World) -> None:
    opened.server.tells_account = False
    with pytest.raises(ForgeError, match="which issues") as refusal:
        opened.forge.find_issue(MARKER)
    assert "account" in refusal.value.hint


def test_a_hidden_mark_in_a_comment_is_written_so_that_it_stays_hidden(opened: World) -> None:
    for _ in range(2):
        opened.forge.say(found(opened), f"Read this.\n\n{MARKER}")
    assert opened.kept()[0].comments == ["Read this.\n\n[//]: # (imagebot:dashboard)"]
    assert opened.forge.comments(found(opened)).comments[0].text == f"Read this.\n\n{MARKER}"


def test_a_status_without_an_address_leads_to_the_commit(opened: World) -> None:
    commit = git(opened.bare.folder, "rev-parse", BRANCH)
    opened.forge.set_status(commit, CommitStatus("imagebot/hold", StatusState.SUCCESS, "free"))
    shown = opened.people.statuses(commit)["imagebot/hold"]
    assert shown == ("success", "free", f"{opened.server.root}/{PROJECT}/commits/{commit}")


def test_the_branch_is_asked_for_its_head_right_before_a_merge(opened: World) -> None:
    request = found(opened)
    other = {"type": "commit", "hash": request.head_commit + "0" * 28}
    opened.server.answer_next(
        "GET", "/refs/branches/", 200, {"type": "branch", "name": BRANCH, "target": other}
    )
    whole = git(opened.bare.folder, "rev-parse", BRANCH)
    wanted = replace(request, head_commit=whole)
    outcome = opened.forge.merge(wanted, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING
    assert opened.server.reads[-1].endswith(f"/refs/branches/{BRANCH.replace('/', '%2F')}")
    assert opened.server.writes == []


def test_a_branch_that_is_gone_is_not_merged(opened: World) -> None:
    request = found(opened)
    opened.server.answer_next("GET", "/refs/branches/", 404)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING


def test_a_commit_told_by_too_few_digits_is_not_merged(opened: World) -> None:
    short = replace(found(opened), head_commit="")
    outcome = opened.forge.merge(short, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING


def test_a_strategy_that_is_switched_off_needs_a_person(opened: World) -> None:
    opened.server.strategies.remove("squash")
    with pytest.raises(ForgeError, match="strategy") as refusal:
        opened.forge.merge(found(opened), MergeMethod.SQUASH, by_forge=False)
    assert "allow squash" in refusal.value.hint
    assert not refusal.value.can_retry


def test_among_too_many_builds_none_is_taken_for_green(
    opened: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bitbucket_merge, "MAX_STATUSES_READ", 3)
    request = found(opened)
    for number in range(4):
        status = CommitStatus(f"build-{number}", StatusState.SUCCESS, "green")
        opened.forge.set_status(request.head_commit, status)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING


def test_a_merge_check_that_fails_is_waited_for(
    opened: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    checks = {"type": "error", "error": {"message": "1 or more merge checks have failed"}}
    opened.server.answer_next("POST", "/merge$", 400, checks)
    outcome = opened.forge.merge(found(opened), MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING
    assert "merge checks have failed" in caplog.text


def test_an_update_by_imagebot_leaves_a_draft_of_a_person_a_draft(opened: World) -> None:
    opened.people.mark_as_draft(1)
    opened.forge.update(found(opened), changes(title="Update api to 1.2.0"))
    assert opened.kept()[0].is_draft


def test_a_tracker_that_was_removed_is_told_as_such(opened: World) -> None:
    opened.server.answer_next("GET", "/issues$", 410)
    with pytest.raises(ForgeError, match="has no issues"):
        opened.forge.find_issue(MARKER)
