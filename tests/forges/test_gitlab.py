"""What is GitLab's own: quick actions, drafts, reviewers by id."""

import logging

import pytest

from imagebot.errors import ForgeError
from imagebot.talk import CommitStatus, MergeMethod, MergeOutcome, StatusState
from tests.forges.world import PROJECT, World, changes, opened_by
from tests.servers.gitlab_kept import Note

BRANCH = "imagebot/api-1a2b"


@pytest.fixture
def opened(gitlab: World) -> World:
    gitlab.bare.push(BRANCH)
    opened_by(gitlab.forge, changes())
    gitlab.server.forget_requests()
    return gitlab


@pytest.mark.parametrize("line", ["/merge", "/assign @alice", "  /close", "\t/label ~x"])
def test_no_line_of_a_text_is_a_quick_action(gitlab: World, line: str) -> None:
    gitlab.bare.push(BRANCH)
    told = opened_by(gitlab.forge, changes(body=f"| table |\n{line}\nend"))
    gitlab.forge.close(told, f"{line}\nbye")
    (kept,) = gitlab.kept()
    for text in (kept.body, *kept.comments):
        assert not any(part.strip().startswith("/") for part in text.splitlines())
        assert line.strip().removeprefix("/") in text


def test_a_text_with_a_disarmed_quick_action_is_no_difference(opened: World) -> None:
    body = "first\n/merge\n"
    opened.forge.update(opened.forge.find([BRANCH])[BRANCH], changes(body=body))
    opened.server.forget_requests()
    opened.forge.update(opened.forge.find([BRANCH])[BRANCH], changes(body=body))
    assert opened.server.writes == []


def test_a_persons_draft_stays_a_draft(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title=f"Draft: {changes().title}"))
    opened.server.forget_requests()
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes())
    assert opened.server.writes == []
    opened.forge.update(found, changes(title="Update api to 1.2.0"))
    assert opened.kept()[0].title == "Draft: Update api to 1.2.0"


def test_all_differences_are_one_write(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title="Other", body="Other.", labels=("a", "b")))
    assert len(opened.server.writes) == 1
    assert opened.kept()[0].labels == ["a", "b"]


def test_a_group_cannot_be_a_reviewer_and_is_warned_of(
    gitlab: World, caplog: pytest.LogCaptureFixture
) -> None:
    gitlab.bare.push(BRANCH)
    opened_by(gitlab.forge, changes(reviewers=("acme/platform",)))
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert any("acme/platform" in text for text in warnings)


def test_a_project_in_a_group_of_groups_is_reached(gitlab: World) -> None:
    gitlab.server.add_project("acme/team/sub/config", gitlab.bare.folder)
    gitlab.bare.push(BRANCH)
    told = gitlab.connect(project="acme/team/sub/config").create(changes())
    assert "acme/team/sub/config" in told.url


def test_what_gitlab_itself_notes_is_nothing_that_was_said(opened: World) -> None:
    (kept,) = opened.server.merge_requests(PROJECT)
    kept.notes += [Note(9000 + number, "alice", "added 1 commit", True) for number in range(400)]
    opened.people.comment(1, "alice", "/imagebot hold")
    kept.notes += [Note(9500 + number, "alice", "added 1 commit", True) for number in range(400)]
    told = opened.forge.comments(opened.forge.find([BRANCH])[BRANCH]).comments
    assert [each.text for each in told] == ["/imagebot hold"]


def test_a_reply_is_no_quick_action(opened: World) -> None:
    for _ in range(2):
        opened.forge.say(opened.forge.find([BRANCH])[BRANCH], "/merge\nnow")
    assert opened.kept()[0].comments == ["&#47;merge\nnow"]


def test_a_draft_is_one_by_its_title(gitlab: World) -> None:
    gitlab.bare.push(BRANCH)
    opened_by(gitlab.forge, changes(is_draft=True))
    assert gitlab.kept()[0].title == f"Draft: {changes().title}"


def test_a_status_that_is_refused_for_another_reason_is_told(opened: World) -> None:
    commit = opened.forge.find([BRANCH])[BRANCH].head_commit
    refused = {"message": "Cannot transition status via :enqueue from :running"}
    opened.server.answer_next("POST", "/statuses/", 400, refused)
    with pytest.raises(ForgeError, match="400"):
        opened.forge.set_status(commit, CommitStatus("imagebot/soak", StatusState.PENDING, "x"))


def test_what_is_red_is_not_merged_although_the_project_would_let_it(opened: World) -> None:
    asked = opened.forge.find([BRANCH])[BRANCH]
    kept = opened.server.project(PROJECT)
    document = opened.server.document(kept, kept.requests[0])
    kept.requests[0].pipeline = "failed"
    red = opened.server.document(kept, kept.requests[0]) | {
        "detailed_merge_status": document["detailed_merge_status"]
    }
    opened.server.answer_next("GET", r"/merge_requests/\d+$", 200, red)
    outcome = opened.forge.merge(asked, MergeMethod.MERGE, by_forge=False)
    assert (outcome, opened.kept()[0].state) == (MergeOutcome.WAITING, "open")


def test_a_refused_auto_merge_waits(opened: World) -> None:
    opened.people.check(1, "pending")
    asked = opened.forge.find([BRANCH])[BRANCH]
    opened.server.answer_next("PUT", "/merge$", 405, {"message": "405 Method Not Allowed"})
    outcome = opened.forge.merge(asked, MergeMethod.MERGE, by_forge=True)
    assert outcome is MergeOutcome.WAITING


def test_a_milestone_of_a_group_above_will_do(gitlab: World) -> None:
    gitlab.people.add_milestone("2026.12")
    gitlab.bare.push(BRANCH)
    opened_by(gitlab.forge, changes(milestone="2026.12"))
    asked = next(seen for seen in gitlab.server.requests if seen.path.endswith("/milestones"))
    assert asked.query["include_ancestors"] == "true"
    assert gitlab.kept()[0].milestone == "2026.12"


def test_who_may_not_merge_here_is_told_so(opened: World) -> None:
    asked = opened.forge.find([BRANCH])[BRANCH]
    opened.server.answer_next("PUT", "/merge$", 401, {"message": "401 Unauthorized"})
    with pytest.raises(ForgeError, match="merge into main") as refusal:
        opened.forge.merge(asked, MergeMethod.MERGE, by_forge=False)
    assert "protected branches" in refusal.value.hint


@pytest.mark.parametrize("status", [401, 403])
def test_a_status_that_must_not_be_set_is_told_with_what_to_do(opened: World, status: int) -> None:
    commit = opened.forge.find([BRANCH])[BRANCH].head_commit
    opened.server.answer_next("POST", "/statuses/", status, {"message": "Forbidden"})
    with pytest.raises(ForgeError, match=str(status)) as refusal:
        opened.forge.set_status(commit, CommitStatus("imagebot/soak", StatusState.PENDING, "x"))
    assert "token" in refusal.value.hint
