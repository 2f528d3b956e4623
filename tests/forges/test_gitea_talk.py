"""What is Gitea's and Forgejo's own in conversations: administrators, reactions, 405s, trackers."""

import logging
from typing import Any

import pytest

from imagebot.errors import ForgeError
from imagebot.forges import gitea_merge
from imagebot.interfaces import Conversation
from imagebot.proposals import PullRequest
from imagebot.talk import Comment, MergeMethod, MergeOutcome, Reaction
from tests.forges.people_gitea import CHECK
from tests.forges.world import PROJECT, World, changes, opened_by
from tests.servers import gitea_kept
from tests.servers.gitea_kept import GiteaPull, GiteaRepository

BRANCH = "imagebot/api-1a2b"
MARKER = "<!-- imagebot:dashboard -->"


@pytest.fixture(params=["gitea", "forgejo"])
def opened(request: pytest.FixtureRequest) -> World:
    world: World = request.getfixturevalue(request.param)
    world.bare.push(BRANCH)
    opened_by(world.forge, changes())
    world.server.forget_requests()
    return world


def found(world: World) -> PullRequest:
    told: PullRequest = world.forge.find([BRANCH])[BRANCH]
    return told


def repository(world: World) -> GiteaRepository:
    kept: GiteaRepository = world.server.repository(PROJECT)
    return kept


def pull(world: World) -> GiteaPull:
    kept: GiteaPull = world.server.pull(repository(world), "1")
    return kept


def asked(world: World, text: str = "/imagebot hold", who: str = "alice") -> Comment:
    world.people.comment(1, who, text)
    comment: Comment = world.forge.comments(found(world)).comments[-1]
    return comment


def show(world: World, context: str, state: str) -> None:
    texts = {"context": context, "description": "", "target_url": ""}
    world.server.set_status_as(repository(world), found(world).head_commit, state=state, **texts)


def merged(world: World, *, by_forge: bool = False) -> MergeOutcome:
    outcome: MergeOutcome = world.forge.merge(found(world), MergeMethod.MERGE, by_forge=by_forge)
    return outcome


def test_it_talks(opened: World) -> None:
    assert isinstance(opened.forge, Conversation)


# --- Comments ------------------------------------------------------------------------------------


def test_only_an_administrator_is_told_who_may_write(opened: World) -> None:
    opened.server.is_admin = False
    with pytest.raises(ForgeError, match="Only admins") as refusal:
        opened.forge.may_write("alice")
    assert "administrator" in refusal.value.hint


@pytest.mark.parametrize("level", ["write", "admin", "owner"])
def test_whoever_may_do_more_may_write(opened: World, level: str) -> None:
    repository(opened).permissions["bob"] = level
    assert opened.forge.may_write("bob")


@pytest.mark.parametrize("author", ["Ghost", "a/b", "a b?c"])
def test_no_account_may_not_write(opened: World, author: str) -> None:
    assert not opened.forge.may_write(author)


def test_a_comment_that_a_migration_brought_is_nobodys_command(opened: World) -> None:
    opened.server.say_as(PROJECT, 1, "alice", "/imagebot skip", original_author="mallory")
    assert opened.forge.comments(found(opened)).comments == ()


def test_a_conversation_comes_in_one_answer(opened: World) -> None:
    for number in range(120):
        opened.people.comment(1, "alice", f"comment {number}")
    request = found(opened)
    opened.server.forget_requests()
    assert len(opened.forge.comments(request).comments) == 120
    assert [read.rpartition("/")[2] for read in opened.server.reads] == ["comments", "user"]


def test_a_token_that_may_not_tell_whose_it_is_is_told_the_scope(opened: World) -> None:
    opened.people.comment(1, "alice", "/imagebot hold")
    opened.server.answer_next("GET", "/user$", 403)
    with pytest.raises(ForgeError) as refusal:
        opened.forge.comments(found(opened))
    assert "read:user" in refusal.value.hint


def test_an_instance_without_that_reaction_gets_the_reply_alone(opened: World) -> None:
    comment = asked(opened)
    opened.server.reactions.remove("confused")
    opened.forge.answer(found(opened), comment, Reaction.REFUSED, "Not now.")
    assert opened.people.reactions(1) == []
    assert opened.kept()[0].comments[-1] == "Not now."


def test_a_reaction_that_is_refused_for_want_of_a_scope_is_told(opened: World) -> None:
    comment = asked(opened)
    opened.server.answer_next("POST", "/reactions$", 403)
    with pytest.raises(ForgeError, match="react to a comment"):
        opened.forge.answer(found(opened), comment, Reaction.DONE, "Held.")


# --- Requests ------------------------------------------------------------------------------------


def test_a_draft_is_known_by_its_title_where_the_instance_does_not_tell(
    opened: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = opened.server._document

    def as_before_1_21(*arguments: Any) -> dict[str, Any]:
        told = document(*arguments)
        del told["draft"]
        return told

    monkeypatch.setattr(opened.server, "_document", as_before_1_21)
    assert not found(opened).is_draft
    opened.people.mark_as_draft(1)
    assert found(opened).is_draft
    opened.server.broken.clear()  # of the description of 1.23


def test_a_token_without_the_organisations_scope_labels_all_the_same(opened: World) -> None:
    opened.server.answer_next("GET", "/orgs/acme/labels$", 403)
    opened.forge.update(found(opened), changes(labels=("images",)))
    assert opened.kept()[0].labels == ["images"]


def test_a_label_is_taken_off_however_it_is_written(opened: World) -> None:
    opened.forge.update(found(opened), changes(labels=("Imagebot/Hold", "images")))
    assert opened.forge.take_off(found(opened), "imagebot/hold").labels == ("images",)
    assert opened.kept()[0].labels == ["images"]


def test_whom_the_instance_drops_in_silence_is_warned_of(
    opened: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.bare.point("imagebot/other", at=BRANCH)
    document = opened.server._document
    nobody = {"assignees": None}
    monkeypatch.setattr(opened.server, "_document", lambda *these: document(*these) | nobody)
    opened_by(opened.forge, changes("imagebot/other", assignees=("alice",)))
    assert "not assigned to alice" in caplog.text


def test_one_assignee_more_keeps_those_of_before(opened: World) -> None:
    opened.bare.point("imagebot/other", at=BRANCH)
    opened_by(opened.forge, changes("imagebot/other", assignees=("alice", "nobody", "bob")))
    assert opened.kept()[1].assignees == ["alice", "bob"]


def test_two_comments_in_one_second_are_two_versions(opened: World) -> None:
    opened.people.comment(1, "alice", "First.")
    before, second = found(opened).version, pull(opened).changed
    opened.people.comment(1, "alice", "Second.")
    pull(opened).changed = second
    assert found(opened).version != before


def test_a_milestone_of_a_longer_title_is_another(
    opened: World, caplog: pytest.LogCaptureFixture
) -> None:
    opened.people.add_milestone("2026.12.1")
    opened.bare.point("imagebot/other", at=BRANCH)
    opened_by(opened.forge, changes("imagebot/other", milestone="2026.12"))
    assert opened.kept()[1].milestone == ""
    assert "no milestone 2026.12" in caplog.text


# --- Merging -------------------------------------------------------------------------------------


def test_what_has_no_checks_at_all_is_green(opened: World) -> None:
    assert merged(opened) is MergeOutcome.MERGED


def test_what_is_red_waits_though_no_protection_asks_for_it(opened: World) -> None:
    show(opened, "lint", "failure")
    assert merged(opened) is MergeOutcome.WAITING
    assert opened.server.writes == []


@pytest.mark.parametrize("state", ["failure", "pending"])
def test_a_check_that_nothing_requires_is_waited_for_by_imagebot_itself(
    opened: World, state: str
) -> None:
    show(opened, "lint", state)  # their auto-merge would not wait for it
    assert merged(opened, by_forge=True) is MergeOutcome.WAITING
    assert opened.kept()[0].state == "open"
    show(opened, "lint", "success")
    assert merged(opened, by_forge=True) is MergeOutcome.MERGED


@pytest.mark.parametrize("state", ["warning", "error", "pending"])
def test_only_success_is_green(opened: World, state: str) -> None:
    show(opened, "lint", state)
    assert merged(opened) is MergeOutcome.WAITING


def test_the_last_status_of_a_check_counts(opened: World) -> None:
    show(opened, "lint", "failure")
    show(opened, "lint", "success")
    assert merged(opened) is MergeOutcome.MERGED


def test_a_red_check_on_a_later_page_is_seen(opened: World) -> None:
    show(opened, "lint", "failure")
    for number in range(5):
        show(opened, f"check {number}", "success")
    opened.server.max_items = 2
    assert merged(opened) is MergeOutcome.WAITING


def test_more_checks_than_are_read_are_not_green(
    opened: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitea_merge, "MAX_STATUS_PAGES", 2)
    for number in range(5):
        show(opened, f"check {number}", "success")
    opened.server.max_items = 2
    assert merged(opened) is MergeOutcome.WAITING


def test_a_required_check_that_has_not_begun_is_waited_for(opened: World) -> None:
    repository(opened).required.add(CHECK)
    assert merged(opened) is MergeOutcome.WAITING
    assert merged(opened, by_forge=True) is MergeOutcome.QUEUED
    opened.people.check(1, "success")
    assert opened.kept()[0].state == "merged"


def test_what_is_scheduled_and_lies_there_green_is_merged(opened: World) -> None:
    opened.people.check(1, "pending")
    assert merged(opened, by_forge=True) is MergeOutcome.QUEUED
    show(opened, CHECK, "success")  # and nobody looks at what is scheduled
    assert opened.kept()[0].state == "open"
    assert merged(opened, by_forge=True) is MergeOutcome.MERGED
    assert opened.kept()[0].state == "merged"


def test_a_conflict_waits(opened: World) -> None:
    opened.bare.push("main", "6.6.6")
    assert merged(opened) is MergeOutcome.WAITING
    assert merged(opened, by_forge=True) is MergeOutcome.WAITING
    assert opened.server.writes == []


def test_what_a_person_closed_waits(opened: World) -> None:
    request = found(opened)
    opened.set_state(1, "closed")
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=True)
    assert outcome is MergeOutcome.WAITING


@pytest.mark.parametrize("by_forge", [False, True])
def test_what_somebody_else_merged_at_the_last_moment_is_merged(
    opened: World, by_forge: bool
) -> None:
    answer = {"message": ""}  # all that they say of it
    opened.server.answer_next("POST", "/merge$", 405, answer, acts_first=True)
    assert merged(opened, by_forge=by_forge) is MergeOutcome.MERGED


def test_what_is_not_merged_yet_after_a_405_waits(opened: World) -> None:
    opened.server.answer_next("POST", "/merge$", 405, {"message": "Please try again later"})
    assert merged(opened) is MergeOutcome.WAITING


@pytest.mark.parametrize("by_forge", [False, True])
def test_a_head_that_moves_at_the_last_moment_is_refused_by_its_commit(
    opened: World, by_forge: bool
) -> None:
    request = found(opened)
    opened.bare.push(BRANCH, "6.6.6")
    read_before = opened.server._document(repository(opened), pull(opened))
    read_before["head"]["sha"] = request.head_commit
    opened.server.answer_next("GET", "/pulls/1$", 200, read_before)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=by_forge)
    assert (outcome, opened.kept()[0].state) == (MergeOutcome.WAITING, "open")
    assert not opened.people.is_handed_over(1)
    assert opened.server.writes == [f"POST /api/v1/repos/{PROJECT}/pulls/1/merge"]


@pytest.mark.parametrize("by_forge", [False, True])
def test_a_user_who_may_not_merge_is_told_what_to_do(opened: World, by_forge: bool) -> None:
    repository(opened).permissions["imagebot"] = "read"
    with pytest.raises(ForgeError, match="not allowed to merge") as refusal:
        merged(opened, by_forge=by_forge)
    assert "protection" in refusal.value.hint
    assert not refusal.value.can_retry


def test_a_method_that_the_repository_does_not_allow_is_told(opened: World) -> None:
    repository(opened).merge_styles.remove("merge")
    with pytest.raises(ForgeError, match="merge style") as refusal:
        merged(opened)
    assert "method" in refusal.value.hint


# --- Issues --------------------------------------------------------------------------------------


def test_a_request_with_the_marker_is_no_issue(opened: World) -> None:
    opened.forge.update(found(opened), changes(body=MARKER))
    opened.people.switch_issues_off()  # then they list requests where issues are asked for
    with pytest.raises(ForgeError, match="has no issues"):
        opened.forge.find_issue(MARKER)


def test_an_issue_of_another_is_not_ours_though_it_is_listed_as_ours(opened: World) -> None:
    theirs = opened.server.add_issue(repository(opened), "mallory", "Images", MARKER)
    listed = [gitea_kept.issue(opened.server.root, repository(opened), theirs)]
    opened.server.answer_next("GET", "/issues$", 200, listed, {"X-Total-Count": "1"})
    assert opened.forge.find_issue(MARKER) is None


def test_an_issue_tracker_elsewhere_has_no_issues_here(opened: World) -> None:
    repository(opened).has_issues = False
    repository(opened).external_tracker = "https://tracker.example"
    with pytest.raises(ForgeError, match="has no issues"):
        opened.forge.find_issue(MARKER)


def test_issues_and_requests_are_numbered_together(opened: World) -> None:
    made = opened.forge.open_issue("Images", MARKER, ())
    opened.bare.point("imagebot/other", at=BRANCH)
    other = opened_by(opened.forge, changes("imagebot/other"))
    assert (made.number, other.number) == (2, 3)
    opened.forge.say(other, "Hello.")
    assert opened.kept()[1].comments == ["Hello."]


def test_a_label_that_may_not_be_made_does_not_keep_the_issue_from_being_opened(
    opened: World, caplog: pytest.LogCaptureFixture
) -> None:
    opened.server.answer_next("POST", "config/labels$", 403)
    with caplog.at_level(logging.WARNING):
        made = opened.forge.open_issue("Images", MARKER, ("images",))
    assert opened.forge.find_issue(MARKER) == made
    assert "no label images" in caplog.text


def test_an_issue_is_found_below_many_others(opened: World) -> None:
    made = opened.forge.open_issue("Images", MARKER, ())
    for number in range(60):
        opened.server.add_issue(repository(opened), "imagebot", f"Other {number}", "Nothing.")
    assert opened.forge.find_issue(MARKER) == made
