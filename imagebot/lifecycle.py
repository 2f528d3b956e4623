"""What is to be done about one group's branch and pull request, by what stands on both.

Pure. The rules that people rely on stand here, in the order in which they are asked: what a
person said or did comes first, then whether anything differs at all, then whether now is the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from imagebot import records
from imagebot.commands import USAGE, Command, Misread, Verb
from imagebot.proposals import PullRequest, PullRequestState
from imagebot.request_state import MAX_ANSWERED, RequestState
from imagebot.talk import MAX_COMMENTS_READ, Comment, Conversed, Reaction
from imagebot.texts import code_span
from imagebot.times import shown_time

HOLD_LABEL = "imagebot/hold"
REBUILD_LABEL = "imagebot/rebuild"
_WORTH_REMEMBERING = (
    0.5  # the share of a conversation from which on it is noted how far it was read
)
FOREIGN = "somebody else committed to this branch, so imagebot leaves it alone"
SET_BACK = "somebody set this branch back to an earlier commit, so imagebot leaves it alone"
TOO_LATE = "somebody committed after imagebot last spoke of it; ask again to write over that"


class Action(StrEnum):
    PUSH = "push"  # write the branch anew, then open or update its request
    KEEP = "keep"  # the branch is as wanted; its request may still need other texts
    LEAVE = "leave"  # a person's word: not even the texts change
    WAIT = "wait"  # wanted, but not now


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done, and why, where it is not simply what is wanted."""

    action: Action
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that bears on one group. A branch that is nobody's does not exist."""

    has_branch: bool
    is_foreign: bool  # the head of the branch is not the commit that imagebot put there
    is_as_wanted: bool  # the branch holds just the wanted files
    has_same_versions: bool  # the branch proposes just the wanted versions
    is_behind: bool  # the branch does not start from the base as it is now
    is_declined: bool  # the newest request of the branch proposed just these versions
    request: PullRequest | None
    state: RequestState
    wants_rebuild: bool = False  # a person asked for it, and knew of what is written over
    is_skipped: bool = False  # a person asked just now to propose these versions no more
    rebase: str = "conflict"  # conflict, behind or never
    waits: str = ""  # why nothing may be opened or pushed now


def is_open(request: PullRequest | None) -> bool:
    return request is not None and request.state is PullRequestState.OPEN


def judge(standing: Standing, now: datetime) -> Verdict:
    """The one thing to do now."""
    request, state = standing.request, standing.state
    is_closed = request is not None and request.state is PullRequestState.CLOSED
    if is_closed and standing.is_declined:
        return Verdict(Action.LEAVE, "a person closed the request for exactly these versions")
    if request is not None and is_open(request):
        if standing.is_skipped:  # what it proposes now is what the person saw
            return Verdict(Action.LEAVE, "a person asked to skip it")
        left = left_alone(request, state, now) or _has_lost_its_branch(standing)
        if left:
            return Verdict(Action.LEAVE, left)
    if standing.is_foreign and not standing.wants_rebuild:
        return Verdict(Action.LEAVE, FOREIGN)
    if not _must_be_written(standing):
        is_new = standing.waits and not is_open(request) and request is not None
        return Verdict(Action.WAIT, standing.waits) if is_new else Verdict(Action.KEEP)
    if standing.waits:
        return Verdict(Action.WAIT, standing.waits)
    return Verdict(Action.PUSH)


def left_alone(request: PullRequest, state: RequestState, now: datetime) -> str:
    """What a person said of an open request, or made of it, if anything."""
    if is_turned(request):
        return f"somebody set its base branch to {request.base}"
    if state.held_by:
        because = f": {state.hold_reason}" if state.hold_reason else ""
        return f"{state.held_by} holds it{because}"
    if has_label(request, HOLD_LABEL):
        return f"the label {HOLD_LABEL} holds it"
    if state.is_snoozed(now) and state.snoozed_until:
        return f"snoozed until {shown_time(state.snoozed_until)}"
    return ""


def has_label(request: PullRequest, label: str) -> bool:
    """In whatever case: a forge takes a label that is there in another case for the same one."""
    return any(each.casefold() == label.casefold() for each in request.labels)


def is_turned(request: PullRequest) -> bool:
    """Whether it goes to another branch than imagebot made it for."""
    wrote = records.wrote_in(request.body)
    return wrote is not None and wrote.base != request.base


def _has_lost_its_branch(standing: Standing) -> str:
    if standing.has_branch or standing.wants_rebuild or not standing.is_declined:
        return ""
    return "a person deleted the branch for exactly these versions"


def _must_be_written(standing: Standing) -> bool:
    if not standing.has_branch or standing.is_foreign or standing.wants_rebuild:
        return True
    if standing.rebase == "never" and standing.has_same_versions:
        return False
    if standing.rebase == "behind" and standing.is_behind:
        return True
    return not standing.is_as_wanted


# --- Commands ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What a command came to: the state after it, and what is answered."""

    state: RequestState
    reaction: Reaction
    text: str
    rebuilds: bool = False
    explains: bool = False
    denied: str = ""  # why nothing is done, where it is about who asked


SKIPPED = (
    "closed as asked{because}: exactly these versions are not proposed again. Reopen the request "
    "to undo it."
)
TOO_MUCH_SAID = (
    f"more came at once than is read (the newest {MAX_COMMENTS_READ} comments, or fewer among much "
    "that the forge lists with them), and an older comment may have said hold. "
    "`/imagebot resume` goes on"
)


def read_to_here(state: RequestState, said: Conversed) -> RequestState:
    """The state of a request on which this was said.

    Where nothing among as many as can be read was known before, older ones may never have been
    read. Then imagebot itself holds the request until a person says that it may go on.
    """
    if said.share < _WORTH_REMEMBERING:
        return state
    known = {*state.answered, state.heard_to}
    is_whole = said.share < 1 or any(each.id in known for each in said.comments)
    newest = next((each.id for each in reversed(said.comments) if not each.is_own), "")
    state = replace(state, heard_to=newest)
    if is_whole or state.held_by:
        return state
    return replace(state, held_by="imagebot", hold_reason=TOO_MUCH_SAID)


def deny(asked: Command | Misread, state: RequestState, why: str) -> Obeyed:
    """Answer somebody who may not command; many are answered together."""
    return replace(refuse(asked, state, why), denied=why)


def unanswered(state: RequestState, asked: Sequence[Command | Misread]) -> list[Command | Misread]:
    """Those that no earlier run carried out."""
    until = state.answered_until
    return [
        each
        for each in asked
        if each.comment.id not in state.answered
        and not (until and each.comment.written and each.comment.written < until)
    ]


def obey(command: Command, state: RequestState, now: datetime) -> Obeyed:
    """Carry a command out on the state. The same command in the same world gives the same."""
    who = command.comment.said_by
    if command.verb is Verb.HOLD:
        held = replace(state, held_by=who, hold_reason=command.reason)
        return _done(held, command, "this request is left as it is until `/imagebot resume`.")
    if command.verb is Verb.RESUME:
        free = replace(state, held_by="", hold_reason="", snoozed_until=None)
        return _done(free, command, "imagebot looks after this request again.")
    if command.verb is Verb.SNOOZE and command.duration:
        until = (command.comment.written or now) + command.duration
        snoozed = replace(state, snoozed_until=until)
        text = f"this request is left as it is until {shown_time(until)}."
        return _done(snoozed, command, text)
    if command.verb is Verb.SKIP:
        closing = replace(
            state,
            closing=command.comment.id,
            skipped_by=who,
            skip_reason=command.reason,
            skipped_at=command.comment.written,
        )
        return _done(closing, command, "")  # said when it is closed
    if command.verb is Verb.REBUILD:
        text = "the branch is written anew on the base."
        return replace(_done(state, command, text), rebuilds=True)
    return replace(_done(state, command, ""), explains=True)


def skipped(state: RequestState, said: Sequence[Comment]) -> str:
    """What is said when a request is closed because a comment asked for it; "" where none did."""
    if not state.closing:
        return ""
    because = f" ({code_span(state.skip_reason)})" if state.skip_reason else ""
    text = SKIPPED.format(because=because)
    asked = next((each for each in said if each.id == state.closing), None)
    return addressed(asked, text) if asked else f"Comment {code_span(state.closing)}: {text}"


def proof_of_closing(state: RequestState) -> str:
    """What is said afterwards, where an open request may be one that was not closed yet."""
    return f"Closed, as comment {code_span(state.closing)} asked." if state.closing else ""


def is_closed_before(state: RequestState, said: Sequence[Comment]) -> bool:
    """Whether a person reopened what was closed; else a run ended before it could close it."""
    return any(each.is_own and each.text.strip() == proof_of_closing(state) for each in said)


def reopened(state: RequestState) -> RequestState:
    """Without what the request was once closed for."""
    return replace(state, closing="", skipped_by="", skip_reason="", skipped_at=None)


def why_declined(request: PullRequest) -> str:
    """Who declined what a closed request proposed, and why, as far as it is known."""
    name, state = f"#{request.number}", records.state_in(request.body)
    undone = "reopening it undoes that"
    if not state.skipped_by:
        return f"somebody closed {name}; {undone}"
    at = f" at {shown_time(state.skipped_at)}" if state.skipped_at else ""
    because = f": {state.skip_reason}" if state.skip_reason else ""
    return f"{state.skipped_by} skipped {name}{at}{because}; {undone}"


def refuse(asked: Command | Misread, state: RequestState, why: str) -> Obeyed:
    """Answer without doing anything."""
    text = addressed(asked.comment, why)
    return Obeyed(_answered(state, asked), Reaction.REFUSED, text)


def misread(asked: Misread, state: RequestState) -> Obeyed:
    end = "" if asked.why.endswith("?") else "."
    return refuse(asked, state, f"{asked.why}{end} Known: {code_span(USAGE)}")


def _done(state: RequestState, command: Command, text: str) -> Obeyed:
    said = addressed(command.comment, text) if text else ""
    return Obeyed(_answered(state, command), Reaction.DONE, said)


def addressed(comment: Comment, text: str) -> str:
    """Which comment is meant: two equal commands get two answers that differ."""
    who, name = code_span(comment.said_by), code_span(comment.id)
    return f"To {who} (comment {name}): {text}"


def _answered(state: RequestState, asked: Command | Misread) -> RequestState:
    """Answered once and for all: a comment older than those that are remembered is no news."""
    ids = tuple(dict.fromkeys((*state.answered, asked.comment.id)))
    until = asked.comment.written if len(ids) > MAX_ANSWERED else None
    return replace(
        state, answered=ids[-MAX_ANSWERED:], answered_until=until or state.answered_until
    )
