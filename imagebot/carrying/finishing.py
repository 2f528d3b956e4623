"""What is done on an open request that stands as wanted: gates shown on its commit, and merging.

Talks to the forge. What was shown, and which commit the forge was asked to merge, stands in the
record of the request, so that an unchanged world costs nothing.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagebot import records, standings
from imagebot.carrying.merge_turns import MergeTurns
from imagebot.errors import ForgeError
from imagebot.interfaces import Conversation
from imagebot.policy.model import AutoMerge, MergedBy
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.request_state import CALLED_BACK, RequestState
from imagebot.talk import CommitStatus, MergeMethod, MergeOutcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finish:
    """One request's head commit, and all that bears on merging it."""

    commit: str  # "" where the branch has none
    is_ours: bool
    is_current: bool  # the commit holds the versions that the change set wants
    changes: ChangeSet
    held: str  # why a person wants it left alone
    closed: str  # why now is no time for it
    lacks_draft: bool = False  # the policy wants one, and the forge made none
    is_fresh: bool = False  # of this run, so that no check had time to say that it is there

    @property
    def statuses(self) -> tuple[CommitStatus, ...]:
        """What is shown on this very commit: of other versions nothing is said of their gates."""
        if not self.is_ours:
            return standings.OF_OTHERS
        time, people = standings.of_time(self.closed), standings.of_people(self.held)
        return (*(self.changes.gates if self.is_current else ()), time, people)


def finish(
    talk: Conversation,
    request: PullRequest,
    state: RequestState,
    what: Finish,
    turns: MergeTurns,
) -> tuple[PullRequest, RequestState]:
    """Show the gates, then merge what may be merged. A refusal is told in the log.

    Nothing is shown on somebody else's commit where a person took the record away: nothing could
    say that it was, and so each run would show it again.
    """
    has_record = records.record_in(request.body) is not None
    if not what.commit or not (what.is_ours or has_record):
        return request, state
    try:
        state = _shown(talk, state, what)
        return _merged(talk, request, state, what, turns)
    except ForgeError as error:
        log.warning("#%s: %s", request.number, error)
        return request, state


def recalled(
    talk: Conversation, request: PullRequest, state: RequestState, what: Finish
) -> RequestState:
    """Ask the forge to merge no more what may not be merged now, and remember that.

    A request is called back also where no record says that it was handed over, if it is held or
    about to get another commit: the run that did may have ended before it could say so.
    """
    if not _must_be_recalled(request, state, what):
        return state
    talk.call_back(request)
    return replace(state, handed_over=CALLED_BACK)


def _must_be_recalled(request: PullRequest, state: RequestState, what: Finish) -> bool:
    rule, is_held = what.changes.auto_merge, bool(what.held)
    is_handed_over = state.handed_over not in ("", CALLED_BACK)
    if what.is_fresh:
        return is_handed_over or what.changes.hands_over
    is_unsure = bool(is_held and rule and rule.by is MergedBy.FORGE and not state.handed_over)
    is_known = is_held or not what.is_ours or not what.changes.is_carried_over
    may_be_merged = bool(rule and _may_be_merged(request, what))
    return (is_handed_over or is_unsure) and is_known and not may_be_merged


def call_back(talk: Conversation, request: PullRequest, state: RequestState) -> RequestState:
    """Ask the forge to merge it no more, and remember that. A refusal is told in the log."""
    try:
        talk.call_back(request)
    except ForgeError as error:
        log.warning("#%s may be merged by the forge: %s", request.number, error)
        return state
    return replace(state, handed_over=CALLED_BACK)


def _shown(talk: Conversation, state: RequestState, what: Finish) -> RequestState:
    if not what.changes.shows_gates:
        return state
    statuses: Sequence[CommitStatus] = what.statuses
    print_now = standings.fingerprint(what.commit, statuses)
    if print_now != state.statuses:
        for each in statuses:
            talk.set_status(what.commit, each)
    return replace(state, statuses=print_now)


def _merged(
    talk: Conversation,
    request: PullRequest,
    state: RequestState,
    what: Finish,
    turns: MergeTurns,
) -> tuple[PullRequest, RequestState]:
    rule = what.changes.auto_merge
    if rule is None or not _may_be_merged(request, what):
        return request, state
    by_forge = rule.by is MergedBy.FORGE
    if (by_forge and state.handed_over == what.commit) or (what.is_fresh and not by_forge):
        return request, state
    if not turns.take(request.number):
        return request, state
    outcome = talk.merge(
        replace(request, head_commit=what.commit),
        _method(rule),
        by_forge=by_forge,
        needs_checks=not rule.without_checks,
        is_fresh=what.is_fresh,
    )
    if outcome is not MergeOutcome.WAITING:
        turns.paid_off()
    if outcome is MergeOutcome.MERGED:
        return replace(request, state=PullRequestState.MERGED), state
    if outcome is MergeOutcome.QUEUED:
        state = replace(state, handed_over=what.commit)
    return request, state


def _method(rule: AutoMerge) -> MergeMethod:
    return MergeMethod(rule.method.value)


def _may_be_merged(request: PullRequest, what: Finish) -> bool:
    """Only imagebot's own commit, with every gate open, that is no draft and need not be one."""
    is_open = request.state is PullRequestState.OPEN
    is_known = not what.changes.is_carried_over
    return (
        what.is_ours
        and what.is_current
        and is_open
        and is_known
        and not (request.is_draft or what.lacks_draft)
        and standings.are_green(what.statuses)
    )
