"""What is done about a branch and its request: a person's word first, then need, then time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from imagebot import lifecycle
from imagebot.commands import Command, Misread, Verb
from imagebot.lifecycle import Action, Standing, judge, obey
from imagebot.proposals import PullRequest, PullRequestState
from imagebot.request_state import EMPTY, RequestState
from imagebot.talk import Comment, Reaction

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OPEN = PullRequest(1, "https://forge/1", PullRequestState.OPEN, "imagebot/api", "main", "", "")
CLOSED = replace(OPEN, state=PullRequestState.CLOSED)
COMMENT = Comment("7", "alice", "/imagebot hold", written=NOW - timedelta(hours=1))
NEW = Standing(
    has_branch=False,
    is_foreign=False,
    is_as_wanted=False,
    has_same_versions=False,
    is_behind=False,
    is_declined=False,
    request=None,
    state=EMPTY,
)
STANDS = replace(
    NEW, has_branch=True, is_as_wanted=True, has_same_versions=True, request=OPEN, is_declined=True
)
FOREIGN = replace(STANDS, is_foreign=True, is_as_wanted=False)


@pytest.mark.parametrize(
    ("standing", "action"),
    [
        (NEW, Action.PUSH),
        (replace(NEW, waits="frozen"), Action.WAIT),
        (STANDS, Action.KEEP),
        (replace(STANDS, waits="frozen"), Action.KEEP),
        (replace(STANDS, request=None), Action.KEEP),  # killed between push and create
        (replace(STANDS, is_as_wanted=False), Action.PUSH),
        (replace(STANDS, is_as_wanted=False, waits="frozen"), Action.WAIT),
        (replace(STANDS, is_as_wanted=False, rebase="never"), Action.KEEP),
        (
            replace(STANDS, is_as_wanted=False, has_same_versions=False, rebase="never"),
            Action.PUSH,
        ),
        (replace(STANDS, is_skipped=True, is_as_wanted=False), Action.LEAVE),
        (replace(STANDS, is_behind=True), Action.KEEP),
        (replace(STANDS, is_behind=True, rebase="behind"), Action.PUSH),
        (FOREIGN, Action.LEAVE),
        (replace(FOREIGN, wants_rebuild=True), Action.PUSH),
        (replace(FOREIGN, wants_rebuild=True, waits="frozen"), Action.WAIT),
        (replace(STANDS, wants_rebuild=True), Action.PUSH),
        (replace(STANDS, request=CLOSED), Action.LEAVE),
        (replace(STANDS, request=CLOSED, is_declined=False), Action.KEEP),
        (replace(STANDS, request=CLOSED, is_declined=False, waits="full"), Action.WAIT),
        (replace(STANDS, has_branch=False), Action.LEAVE),  # a person deleted the branch
        (replace(STANDS, has_branch=False, is_declined=False), Action.PUSH),
        (replace(STANDS, has_branch=False, wants_rebuild=True), Action.PUSH),
    ],
)
def test_each_standing_leads_to_one_action(standing: Standing, action: Action) -> None:
    assert judge(standing, NOW).action is action


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (replace(STANDS, state=RequestState("alice", "on leave")), "alice holds it: on leave"),
        (
            replace(STANDS, request=replace(OPEN, labels=(lifecycle.HOLD_LABEL,))),
            "the label imagebot/hold holds it",
        ),
        (
            replace(STANDS, state=RequestState(snoozed_until=NOW + timedelta(hours=1))),
            "snoozed until 2026-11-26 13:00 UTC",
        ),
    ],
)
@pytest.mark.parametrize("base", [{}, {"is_as_wanted": False}, {"wants_rebuild": True}])
def test_what_a_person_said_comes_before_everything_else(
    standing: Standing, why: str, base: dict[str, bool]
) -> None:
    verdict = judge(replace(standing, **base), NOW)
    assert (verdict.action, verdict.reason) == (Action.LEAVE, why)


def test_a_snooze_that_is_over_holds_nothing() -> None:
    over = RequestState(snoozed_until=NOW)
    assert judge(replace(STANDS, state=over), NOW).action is Action.KEEP


def test_hold_and_resume_undo_each_other() -> None:
    held = obey(Command(Verb.HOLD, COMMENT, "on leave"), EMPTY, NOW)
    assert (held.state.held_by, held.state.hold_reason) == ("alice", "on leave")
    free = obey(Command(Verb.RESUME, replace(COMMENT, id="8")), held.state, NOW)
    assert free.state == RequestState(answered=("7", "8"))


def test_snooze_counts_from_the_comment_and_not_from_the_run() -> None:
    command = Command(Verb.SNOOZE, COMMENT, duration=timedelta(days=7))
    first, later = obey(command, EMPTY, NOW), obey(command, EMPTY, NOW + timedelta(days=1))
    assert first == later
    assert first.state.snoozed_until == NOW + timedelta(days=6, hours=23)
    assert "2026-12-03 11:00 UTC" in first.text


@pytest.mark.parametrize(
    ("verb", "does"),
    [(Verb.SKIP, "closing"), (Verb.REBUILD, "rebuilds"), (Verb.EXPLAIN, "explains")],
)
def test_what_a_command_asks_to_be_done_is_told(verb: Verb, does: str) -> None:
    obeyed = obey(Command(verb, COMMENT), EMPTY, NOW)
    done = [each for each in ("rebuilds", "explains") if getattr(obeyed, each)]
    done += ["closing"] if obeyed.state.closing == COMMENT.id else []
    assert done == [does]


def test_an_answer_names_the_comment_and_is_given_once() -> None:
    asked: list[Command | Misread] = [Misread(COMMENT, "which command?")]
    answered = lifecycle.misread(Misread(COMMENT, "which command?"), EMPTY)
    assert answered.reaction is Reaction.REFUSED
    assert answered.text.startswith("To `alice` (comment `7`): which command?")
    assert lifecycle.unanswered(EMPTY, asked) == asked
    assert lifecycle.unanswered(answered.state, asked) == []
