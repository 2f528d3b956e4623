"""What every forge must offer besides the texts of a request: comments, statuses, merges, issues.

The second contract suite, over the same worlds as `test_contract.py`, with people in them. Nothing
is skipped: what a forge lacks stands in `LACKS`, and the opposite is expected.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.proposals import PullRequest, PullRequestState
from imagebot.talk import CommitStatus, MergeMethod, MergeOutcome, Reaction, StatusState
from tests.forges.world import PROJECT, World, changes, git, opened_by

BRANCH = "imagebot/api-1a2b"
MARKER = "<!-- imagebot:dashboard -->"
NO_COMMIT = "1" * 40

MADE_BY_WHOEVER_SETS_THEM = {"azure-devops"}


@pytest.fixture
def opened(talking: World) -> Iterator[World]:
    """A world in which imagebot has one open pull request, and nobody counted the requests."""
    talking.bare.push(BRANCH)
    opened_by(talking.forge, changes())
    talking.server.forget_requests()
    yield talking
    assert_no_secret_in(talking)


def assert_no_secret_in(world: World) -> None:
    assert not any(world.own_token in seen.path for seen in world.server.requests)


def found(world: World) -> PullRequest:
    told: PullRequest = world.forge.find([BRANCH])[BRANCH]
    return told


def warnings(caplog: pytest.LogCaptureFixture) -> str:
    records = [each for each in caplog.records if each.levelno == logging.WARNING]
    return "\n".join(each.getMessage() for each in records)


# --- What a listing tells ------------------------------------------------------------------------


def test_a_request_tells_its_head_commit_and_when_it_was_opened(opened: World) -> None:
    told = found(opened)
    head = git(opened.bare.folder, "rev-parse", BRANCH)
    assert told.head_commit == (head[:12] if "whole head commits" in opened.lacks else head)
    assert told.created is not None
    assert told.created.tzinfo is not None
    assert not told.is_draft


def test_the_version_stays_while_nothing_happens(opened: World) -> None:
    assert found(opened).version == found(opened).version


@pytest.mark.parametrize("event", ["comment", "second comment", "label", "draft", "commit"])
def test_the_version_is_another_after_anything_happened(opened: World, event: str) -> None:
    people = opened.people
    if event == "second comment":
        people.comment(1, "alice", "First.")
    before = found(opened).version
    {
        "comment": lambda: people.comment(1, "alice", "/imagebot hold"),
        "second comment": lambda: people.comment(1, "alice", "Second."),
        "label": lambda: people.label(1, "imagebot/hold"),
        "draft": lambda: people.mark_as_draft(1),
        "commit": lambda: opened.bare.push(BRANCH, "1.2.0"),
    }[event]()
    after = found(opened).version
    has_happened = event != "label" or "labels" not in opened.lacks
    has_versions = "versions in lists" not in opened.lacks
    assert bool(before) == bool(after) == has_versions
    assert (before != after) == (has_happened and has_versions)


def test_all_that_is_told_of_thirty_requests_costs_one_read(opened: World) -> None:
    heads = [f"imagebot/{number:02}" for number in range(30)]
    for head in heads:
        opened.bare.point(head, at=BRANCH)
        opened_by(opened.forge, changes(head))
    opened.server.forget_requests()
    told = opened.forge.find(heads)
    assert all(each.head_commit and each.created for each in told.values())
    has_versions = "versions in lists" not in opened.lacks
    assert {bool(each.version) for each in told.values()} == {has_versions}
    assert len(opened.server.requests) == 1


def test_an_unchanged_world_is_asked_for_conditionally(opened: World) -> None:
    first = opened.connect().find([BRANCH])
    again = opened.connect().find([BRANCH])
    assert again == first
    assert len(opened.server.requests) == 2
    was_conditional = "if-none-match" in opened.server.requests[-1].headers
    expected = "conditional requests" not in opened.lacks
    assert (was_conditional, opened.server.unchanged_count == 1) == (expected, expected)


def test_a_changed_world_is_seen_although_it_was_asked_for_conditionally(opened: World) -> None:
    before = found(opened)
    opened.forge.update(before, changes(title="Update api to 1.2.0"))
    assert found(opened).title == "Update api to 1.2.0"


# --- Opening -------------------------------------------------------------------------------------


def test_a_request_is_opened_as_a_draft_where_that_is_wanted(talking: World) -> None:
    talking.bare.push(BRANCH)
    told = opened_by(talking.forge, changes(is_draft=True))
    expected = "drafts" not in talking.lacks
    assert (told.is_draft, talking.kept()[0].is_draft, found(talking).is_draft) == (expected,) * 3


def test_an_update_leaves_a_draft_a_draft(talking: World) -> None:
    talking.bare.push(BRANCH)
    opened_by(talking.forge, changes(is_draft=True))
    talking.server.forget_requests()
    talking.forge.update(found(talking), changes(is_draft=True))
    assert talking.server.writes == []
    talking.forge.update(found(talking), changes(title="Update api to 1.2.0", is_draft=False))
    assert talking.kept()[0].is_draft == ("drafts" not in talking.lacks)


def test_assignees_and_milestone_are_set_when_a_request_is_opened(talking: World) -> None:
    talking.people.add_milestone("2026.12")
    talking.bare.push(BRANCH)
    opened_by(talking.forge, changes(assignees=("alice",), milestone="2026.12"))
    (kept,) = talking.kept()
    assert kept.assignees == (["alice"] if "assignees" not in talking.lacks else [])
    assert kept.milestone == ("2026.12" if "milestones" not in talking.lacks else "")


def test_assignees_and_milestone_are_not_set_again(opened: World) -> None:
    opened.people.add_milestone("2026.12")
    opened.forge.update(found(opened), changes(assignees=("alice",), milestone="2026.12"))
    assert opened.server.writes == []


def test_what_is_refused_of_assignees_and_milestone_is_warned_of(
    talking: World, caplog: pytest.LogCaptureFixture
) -> None:
    talking.bare.push(BRANCH)
    wanted = changes(
        assignees=("alice", "nobody"), milestone="none such", reviewers=("bob",), labels=("images",)
    )
    told = opened_by(talking.forge, wanted)
    (kept,) = talking.kept()
    assert (told.number, kept.milestone) == (kept.number, "")
    assert kept.assignees == (["alice"] if "assignees" not in talking.lacks else [])
    assert (kept.reviewers, kept.labels) == (["bob"], talking.has("images"))
    assert "none such" in warnings(caplog)
    assert "nobody" in warnings(caplog) or "assignees" in talking.lacks


# --- Comments ------------------------------------------------------------------------------------


def test_comments_are_told_oldest_first_with_who_said_them(opened: World) -> None:
    opened.people.comment(1, "alice", "/imagebot hold")
    opened.forge.say(found(opened), "It is held.")
    opened.people.comment(1, "mallory", "/imagebot skip")
    told = opened.forge.comments(found(opened)).comments
    assert [(each.author, each.text, each.is_own) for each in told] == [
        (opened.author_of("alice"), "/imagebot hold", False),
        (told[1].author, "It is held.", True),
        (opened.author_of("mallory"), "/imagebot skip", False),
    ]
    assert len({each.id for each in told}) == 3
    assert all(each.written is not None and each.written.tzinfo for each in told)


def test_a_request_of_which_nobody_spoke_has_no_comments(opened: World) -> None:
    assert list(opened.forge.comments(found(opened)).comments) == []


def test_of_a_long_conversation_the_newest_are_told(opened: World) -> None:
    for number in range(520):
        opened.people.comment(1, "alice", f"comment {number}")
    request = found(opened)
    opened.server.forget_requests()
    told = [each.text for each in opened.forge.comments(request).comments]
    assert told == [f"comment {number}" for number in range(220, 520)]
    assert len(opened.server.reads) <= 300 // opened.page_size + 4


def test_who_we_are_is_asked_once(opened: World) -> None:
    request = found(opened)
    opened.people.comment(1, "alice", "Hello.")
    opened.forge.comments(request)
    opened.server.forget_requests()
    opened.forge.comments(request)
    opened.forge.comments(request)
    assert len(opened.server.requests) == 2


def test_something_is_said_once(opened: World) -> None:
    for _ in range(2):
        opened.forge.say(found(opened), "Somebody committed to this branch.\n")
    assert [text.rstrip() for text in opened.kept()[0].comments] == [
        "Somebody committed to this branch."
    ]


def test_what_somebody_else_said_does_not_count_as_said(opened: World) -> None:
    opened.people.comment(1, "mallory", "Somebody committed to this branch.")
    opened.forge.say(found(opened), "Somebody committed to this branch.")
    assert len(opened.kept()[0].comments) == 2


def test_something_else_is_said_besides(opened: World) -> None:
    opened.forge.say(found(opened), "First.")
    opened.forge.say(found(opened), "Second.")
    assert opened.kept()[0].comments == ["First.", "Second."]


def test_what_was_said_although_the_answer_was_lost_is_not_said_again(opened: World) -> None:
    request = found(opened)
    opened.server.fail_next("POST", opened.comments_path, "resets", acts_first=True)
    with pytest.raises(ForgeUnavailable):
        opened.forge.say(request, "Once.")
    opened.forge.say(request, "Once.")
    assert opened.kept()[0].comments == ["Once."]


@pytest.mark.parametrize("reaction", list(Reaction))
def test_a_command_is_answered_by_a_reaction_and_a_reply(opened: World, reaction: Reaction) -> None:
    opened.people.comment(1, "alice", "/imagebot hold")
    (asked,) = opened.forge.comments(found(opened)).comments
    for _ in range(2):  # as after an answer that was lost
        opened.forge.answer(found(opened), asked, reaction, "To alice: held.")
    assert opened.kept()[0].comments == ["/imagebot hold", "To alice: held."]
    is_lacking = "refusing reactions" in opened.lacks and reaction is Reaction.REFUSED
    is_lacking = is_lacking or "reactions" in opened.lacks
    expected = [] if is_lacking else [("/imagebot hold", reaction.value)]
    assert opened.people.reactions(1) == expected


def test_an_answer_without_words_is_a_reaction_alone(opened: World) -> None:
    opened.people.comment(1, "alice", "/imagebot explain")
    (asked,) = opened.forge.comments(found(opened)).comments
    opened.forge.answer(found(opened), asked, Reaction.DONE, "")
    assert opened.kept()[0].comments == ["/imagebot explain"]
    assert len(opened.people.reactions(1)) == (0 if "reactions" in opened.lacks else 1)


@pytest.mark.parametrize(
    ("author", "may"), [("alice", True), ("bob", False), ("mallory", False), ("nobody", False)]
)
def test_who_may_write_is_known(opened: World, author: str, may: bool) -> None:
    opened.people.comment(1, author, "/imagebot hold")
    (asked,) = opened.forge.comments(found(opened)).comments
    assert opened.forge.may_write(asked.author) is may


def test_nobody_may_write_whose_permission_must_not_be_asked(opened: World) -> None:
    opened.people.comment(1, "alice", "/imagebot hold")
    (asked,) = opened.forge.comments(found(opened)).comments
    opened.server.answer_next(*opened.permission_request, 403, {"message": "Forbidden"})
    with pytest.raises(ForgeError, match="403") as refusal:
        opened.forge.may_write(asked.author)
    assert not refusal.value.can_retry
    assert "needs" in refusal.value.hint


def test_a_label_is_taken_off_and_the_others_stay(opened: World) -> None:
    opened.forge.update(found(opened), changes(labels=("images", "imagebot/rebuild")))
    left = opened.forge.take_off(found(opened), "imagebot/rebuild")
    assert list(left.labels) == opened.kept()[0].labels == opened.has("images")
    assert found(opened).labels == left.labels


def test_taking_off_a_label_that_is_not_there_is_a_success(opened: World) -> None:
    opened.forge.update(found(opened), changes(labels=("images", "imagebot/rebuild")))
    stale = found(opened)
    opened.forge.take_off(stale, "imagebot/rebuild")
    left = opened.forge.take_off(stale, "imagebot/rebuild")
    assert list(left.labels) == opened.kept()[0].labels == opened.has("images")


# --- Statuses ------------------------------------------------------------------------------------


def status(state: StatusState, text: str = "waits for its cool-down") -> CommitStatus:
    return CommitStatus("imagebot/cooldown", state, text, "https://example.org/why")


@pytest.mark.parametrize("state", list(StatusState))
def test_what_a_gate_says_is_shown_on_the_commit(opened: World, state: StatusState) -> None:
    commit = found(opened).head_commit
    for _ in range(2):
        opened.forge.set_status(commit, status(state))
    shown = opened.people.statuses(commit)["imagebot/cooldown"]
    assert shown == (state.value, "waits for its cool-down", "https://example.org/why")


def test_the_last_word_of_a_gate_counts(opened: World) -> None:
    commit = found(opened).head_commit
    for state in (StatusState.PENDING, StatusState.SUCCESS, StatusState.PENDING):
        opened.forge.set_status(commit, replace(status(state), url=""))
        assert opened.people.statuses(commit)["imagebot/cooldown"][0] == state.value


def test_gates_speak_each_for_itself(opened: World) -> None:
    commit = found(opened).head_commit
    opened.forge.set_status(commit, status(StatusState.PENDING))
    opened.forge.set_status(commit, replace(status(StatusState.SUCCESS), context="imagebot/soak"))
    assert set(opened.people.statuses(commit)) == {"imagebot/cooldown", "imagebot/soak"}


def test_a_status_of_a_commit_that_is_not_there_is_refused(opened: World) -> None:
    with pytest.raises(ForgeError):
        opened.forge.set_status(NO_COMMIT, status(StatusState.SUCCESS))


# --- Merging -------------------------------------------------------------------------------------


def test_what_is_green_is_merged(opened: World) -> None:
    opened.people.check(1, "success")
    request = found(opened)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.MERGED
    assert opened.kept()[0].state == "merged"
    assert found(opened).state is PullRequestState.MERGED


def test_where_checks_are_needed_one_has_to_show_up_first(opened: World) -> None:
    request = found(opened)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False, needs_checks=True)
    assert outcome is MergeOutcome.WAITING
    opened.people.check(1, "success")
    request = found(opened)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False, needs_checks=True)
    assert outcome is MergeOutcome.MERGED


def test_nothing_is_merged_before_a_check_has_shown_up_by_the_forge_either(opened: World) -> None:
    request = found(opened)
    if "auto-merge" in opened.lacks:
        with pytest.raises(ForgeError):
            opened.forge.merge(request, MergeMethod.MERGE, by_forge=True, needs_checks=True)
        return
    for _ in range(2):
        outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=True, needs_checks=True)
        assert outcome is MergeOutcome.WAITING
    assert opened.kept()[0].state == "open"
    assert not opened.people.is_handed_over(1)
    opened.people.check(1, "success")
    request = found(opened)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=True, needs_checks=True)
    assert outcome is MergeOutcome.MERGED


@pytest.mark.parametrize("by_forge", [False, True])
@pytest.mark.parametrize("check", ["none", "success"])
def test_what_was_pushed_a_moment_ago_is_not_merged_however_green(
    opened: World, by_forge: bool, check: str
) -> None:
    if check != "none":
        opened.people.check(1, check)
    request = found(opened)
    if by_forge and "auto-merge" in opened.lacks:
        with pytest.raises(ForgeError):
            opened.forge.merge(request, MergeMethod.MERGE, by_forge=True, is_fresh=True)
        assert opened.kept()[0].state == "open"
        return
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=by_forge, is_fresh=True)
    assert opened.kept()[0].state == "open"
    may_be_handed_over = by_forge and check != "none"
    assert outcome is MergeOutcome.WAITING or may_be_handed_over


def test_what_the_forge_waits_for_a_check_of_is_handed_over_at_once(opened: World) -> None:
    opened.people.check(1, "pending")
    if "auto-merge" in opened.lacks:
        with pytest.raises(ForgeError):
            opened.forge.merge(found(opened), MergeMethod.MERGE, by_forge=True, is_fresh=True)
        opened.people.check(1, "success")
        assert opened.kept()[0].state == "open"
        return
    outcome = opened.forge.merge(
        found(opened), MergeMethod.MERGE, by_forge=True, needs_checks=True, is_fresh=True
    )
    assert outcome is MergeOutcome.QUEUED
    opened.people.check(1, "success")
    assert opened.kept()[0].state == "merged"


@pytest.mark.parametrize("state", ["pending", "failure"])
def test_what_is_not_green_waits(opened: World, state: str) -> None:
    opened.people.check(1, state)
    request = found(opened)
    opened.server.forget_requests()
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING
    assert opened.kept()[0].state == "open"


def test_a_draft_waits(opened: World) -> None:
    opened.people.check(1, "success")
    if "drafts" not in opened.lacks:
        opened.people.mark_as_draft(1)
    request = found(opened)
    expected = MergeOutcome.MERGED if "drafts" in opened.lacks else MergeOutcome.WAITING
    assert opened.forge.merge(request, MergeMethod.MERGE, by_forge=False) is expected


@pytest.mark.parametrize("by_forge", [False, True])
def test_a_later_head_is_not_merged(opened: World, by_forge: bool) -> None:
    request = found(opened)
    opened.bare.push(BRANCH, "6.6.6")
    opened.people.check(1, "success")
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=by_forge)
    assert outcome is MergeOutcome.WAITING
    assert opened.kept()[0].state == "open"
    assert not opened.people.is_handed_over(1)


def test_a_head_that_moves_at_the_last_moment_is_not_merged(opened: World) -> None:
    opened.people.check(1, "success")
    request = found(opened)
    opened.server.answer_next(*opened.merge_request, 409, {"message": "Head was modified"})
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING
    assert opened.kept()[0].state == "open"


@pytest.mark.parametrize("method", list(MergeMethod))
def test_the_method_is_the_one_that_is_wanted(opened: World, method: MergeMethod) -> None:
    opened.people.check(1, "success")
    opened.forge.merge(found(opened), method, by_forge=False)
    lacking = "merge methods" in opened.lacks and method is MergeMethod.REBASE
    assert opened.people.merge_method(1) == ("merge" if lacking else method.value)


@pytest.mark.parametrize("by_forge", [False, True])
def test_merging_what_is_merged_is_a_success(opened: World, by_forge: bool) -> None:
    opened.people.check(1, "success")
    request = found(opened)
    opened.server.fail_next(*opened.merge_request, "resets", acts_first=True)
    with pytest.raises(ForgeUnavailable):
        opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=by_forge)
    assert outcome is MergeOutcome.MERGED


def test_the_forge_merges_by_itself_what_becomes_green(opened: World) -> None:
    opened.people.check(1, "pending")
    request = found(opened)
    if "auto-merge" in opened.lacks:
        with pytest.raises(ForgeError) as refusal:
            opened.forge.merge(request, MergeMethod.MERGE, by_forge=True)
        assert not refusal.value.can_retry
        assert refusal.value.hint
        return
    for _ in range(2):
        outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=True)
        assert outcome is MergeOutcome.QUEUED
    assert opened.people.is_handed_over(1)
    assert opened.kept()[0].state == "open"
    opened.people.check(1, "success")
    assert opened.kept()[0].state == "merged"


def test_what_is_green_already_is_merged_at_once_by_the_forge(opened: World) -> None:
    opened.people.check(1, "success")
    request = found(opened)
    if "auto-merge" in opened.lacks:
        with pytest.raises(ForgeError):
            opened.forge.merge(request, MergeMethod.SQUASH, by_forge=True)
        return
    outcome = opened.forge.merge(request, MergeMethod.SQUASH, by_forge=True)
    assert outcome is MergeOutcome.MERGED
    assert (opened.kept()[0].state, opened.people.merge_method(1)) == ("merged", "squash")


def test_what_was_handed_over_is_called_back(opened: World) -> None:
    opened.people.check(1, "pending")
    request = found(opened)
    if "auto-merge" not in opened.lacks:
        opened.forge.merge(request, MergeMethod.MERGE, by_forge=True)
    for _ in range(2):
        opened.forge.call_back(request)
    assert not opened.people.is_handed_over(1)
    opened.people.check(1, "success")
    assert opened.kept()[0].state == "open"


def test_calling_back_what_is_merged_is_a_success(opened: World) -> None:
    opened.people.check(1, "success")
    request = found(opened)
    opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    opened.forge.call_back(request)
    assert opened.kept()[0].state == "merged"


def test_a_request_that_is_not_called_back_is_told_as_such(opened: World) -> None:
    if "auto-merge" in opened.lacks:
        assert opened.forge.call_back(found(opened)) is None
        return
    opened.people.check(1, "pending")
    request = found(opened)
    opened.forge.merge(request, MergeMethod.MERGE, by_forge=True)
    opened.server.answer_next(*opened.call_back_request, 403, {"message": "Forbidden"})
    with pytest.raises(ForgeError, match="stop the merge"):
        opened.forge.call_back(request)
    assert opened.people.is_handed_over(1)


# --- Issues --------------------------------------------------------------------------------------


def has_issues(world: World) -> bool:
    """Else says that asking is refused, which is all there is to say."""
    if "issues" not in world.lacks:
        return True
    with pytest.raises(ForgeError) as refusal:
        world.forge.find_issue(MARKER)
    assert not refusal.value.can_retry
    assert refusal.value.hint
    return False


def test_there_is_no_issue_at_first(opened: World) -> None:
    if has_issues(opened):
        assert opened.forge.find_issue(MARKER) is None


def test_an_issue_is_opened_and_found_by_its_marker(opened: World) -> None:
    if not has_issues(opened):
        return
    opened.forge.open_issue("Other", "Nothing.", ())
    made = opened.forge.open_issue("Images", f"What is open.\n{MARKER}\n", ("images",))
    assert opened.forge.find_issue(MARKER) == made
    kept = opened.people.issues()[-1]
    assert (kept.title, kept.body.rstrip(), kept.labels) == (
        "Images",
        f"What is open.\n{MARKER}",
        opened.has("images"),
    )
    assert (made.number, made.is_open, made.title) == (kept.number, True, "Images")
    assert made.url.startswith(opened.server.root)


def test_somebody_elses_issue_with_our_marker_is_not_ours(opened: World) -> None:
    if has_issues(opened):
        opened.people.open_issue("mallory", "Images", f"Click here.\n{MARKER}")
        assert opened.forge.find_issue(MARKER) is None


def test_an_open_issue_is_found_before_a_newer_closed_one(opened: World) -> None:
    if not has_issues(opened):
        return
    first = opened.forge.open_issue("First", MARKER, ())
    second = opened.forge.open_issue("Second", MARKER, ())
    assert opened.forge.find_issue(MARKER).number == second.number
    opened.people.close_issue(second.number)
    assert opened.forge.find_issue(MARKER).number == first.number
    opened.people.close_issue(first.number)
    assert opened.forge.find_issue(MARKER).number == second.number


def test_an_issue_that_says_what_it_should_is_left_alone(opened: World) -> None:
    if not has_issues(opened):
        return
    made = opened.forge.open_issue("Images", MARKER, ())
    opened.server.forget_requests()
    assert opened.forge.update_issue(made, title="Images", body=MARKER + "\r\n") == made
    assert opened.server.requests == []


def test_an_issue_that_was_closed_is_opened_again_with_what_differs(opened: World) -> None:
    if not has_issues(opened):
        return
    made = opened.forge.open_issue("Images", MARKER, ())
    opened.people.close_issue(made.number)
    closed = opened.forge.find_issue(MARKER)
    assert not closed.is_open
    body = f"Nothing is open.\n{MARKER}"
    after = opened.forge.update_issue(closed, title="Images", body=body)
    (kept,) = opened.people.issues()
    assert (kept.title, kept.body.rstrip(), kept.is_open) == ("Images", body, True)
    assert (after.number, after.is_open, after.body.rstrip()) == (made.number, True, body)


def test_a_lost_answer_leads_to_no_second_issue(opened: World) -> None:
    if not has_issues(opened):
        return
    opened.server.fail_next("POST", opened.issues_path, "resets", acts_first=True)
    made = opened.forge.open_issue("Images", MARKER, ())
    (kept,) = opened.people.issues()
    assert made.number == kept.number


def test_a_project_without_issues_is_told_as_such(opened: World) -> None:
    if not has_issues(opened):
        return
    opened.people.switch_issues_off()
    with pytest.raises(ForgeError, match="issues") as refusal:
        opened.forge.find_issue(MARKER)
    assert not refusal.value.can_retry
    assert "issues" in refusal.value.hint


def test_labels_that_people_are_to_set_are_made_once(talking: World) -> None:
    for _ in range(2):
        talking.forge.make_labels({"imagebot/hold": "leaves it alone", "images": "of images"})
    if talking.kind in MADE_BY_WHOEVER_SETS_THEM or "labels" in talking.lacks:
        assert talking.server.writes == []
        return
    kept = talking.server.project if talking.kind == "gitlab" else talking.server.repository
    assert sorted(kept(PROJECT).labels) == ["imagebot/hold", "images"]
