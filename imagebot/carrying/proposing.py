"""From a verdict on one group to its pull request: opened, brought up to date, or told of.

Talks to the forge. A failure is told in the proposal and costs no other group.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import lifecycle, records
from imagebot.carrying import wording
from imagebot.carrying.branches import Branch, has_same_versions
from imagebot.carrying.finishing import Finish, finish
from imagebot.carrying.hearing import MAX_REASON, Ear, Heard, put_off
from imagebot.carrying.merge_turns import MergeTurns
from imagebot.errors import ForgeError
from imagebot.interfaces import Conversation, Forge, Rereader
from imagebot.lifecycle import Action, Verdict
from imagebot.proposals import ChangeSet, Proposal, PullRequest, PullRequestState
from imagebot.request_state import RequestState
from imagebot.texts import code_span, prose

TOLD_OF_FOREIGN = (
    "Somebody else committed to this branch (`{commit}`), so imagebot writes nothing to it any "
    "more. Merge or close the request as you like. To have the branch written anew, over that "
    "commit, comment `/imagebot rebuild`."
)
TOLD_OF_SET_BACK = (
    "Somebody set this branch back to `{commit}`, which imagebot had written over, so imagebot "
    "writes nothing to it any more. Merge or close the request as you like. To have the branch "
    "written anew, over that commit, comment `/imagebot rebuild`."
)
TOLD_OF_TURNED = (
    "Somebody set the base branch of this request to {base}. imagebot made it for {wanted}, so it "
    "leaves the request alone until it is set back, or closed."
)
TOLD_OF_LOSS = (
    "Somebody edited the part of the description that imagebot writes, or wrote more beside it "
    "than there is room for. imagebot writes that part anew with what it knows. What stands above "
    "its first line (`imagebot:begin`) or below its last one stays as it is."
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One group: what is wanted, what stands, what was said, and what is to be done."""

    changes: ChangeSet
    verdict: Verdict
    branch: Branch | None
    request: PullRequest | None
    heard: Heard
    closed: str = ""  # why the clock keeps everything back
    earlier: tuple[PullRequest, ...] = ()  # of this branch and those that it stands in for
    commit: str = ""  # of the branch, as it will be pushed or stands


def propose(
    forge: Forge, ear: Ear | None, wanted: Wanted, now: datetime, turns: MergeTurns
) -> Proposal:
    """Do with the forge what the verdict says; the branch is pushed already."""
    try:
        proposal = _proposed(forge, ear, wanted)
        request = proposal.pull_request
        if ear and request and lifecycle.is_open(request):
            if not lifecycle.is_open(wanted.request):  # a new one knows what it was opened with
                wanted = replace(wanted, heard=Heard(records.state_in(request.body)))
            request = _settle(forge, ear, wanted, request, now, turns)
            is_merged = request.state is PullRequestState.MERGED
            action = "merged" if is_merged else proposal.action
            proposal = replace(proposal, pull_request=request, action=action)
        return proposal
    except ForgeError as error:  # the others go on; this one is tried again
        return Proposal(wanted.changes, "failed", str(error), wanted.request)


def foreseen(wanted: Wanted, *, has_requests: bool) -> Proposal:
    """What `propose` would come to, as far as the verdict says it."""
    changes, verdict, request = wanted.changes, wanted.verdict, wanted.request
    is_pushed = verdict.action is Action.PUSH
    if verdict.action is Action.WAIT:
        action = "waiting"
    elif verdict.action is Action.LEAVE:
        action = "skipped"
    elif not has_requests:
        action = "pushed" if is_pushed else "unchanged"
    elif not lifecycle.is_open(request):
        action = "created"
    else:
        action = "updated" if is_pushed else "unchanged"
    return Proposal(changes, action, verdict.reason, request, bool(wanted.closed))


def _proposed(forge: Forge, ear: Ear | None, wanted: Wanted) -> Proposal:
    changes, verdict, request = wanted.changes, wanted.verdict, wanted.request
    if verdict.action is Action.WAIT:
        return Proposal(changes, "waiting", verdict.reason, request, bool(wanted.closed))
    if verdict.action is Action.LEAVE:
        return Proposal(changes, "skipped", verdict.reason, request)
    if not forge.has_pull_requests:
        return Proposal(changes, "pushed" if verdict.action is Action.PUSH else "unchanged")
    if changes.is_carried_over and verdict.action is Action.KEEP and request:
        return Proposal(changes, "unchanged", "", request)
    if request is None or request.state is not PullRequestState.OPEN:
        opened = _opened(forge, changes, _inherited(wanted.earlier))
        return Proposal(changes, "created", "", _up_to_date(forge, ear, opened, changes))
    updated = _up_to_date(forge, ear, request, changes)
    is_same = verdict.action is Action.KEEP and updated == request
    return Proposal(changes, "unchanged" if is_same else "updated", "", updated)


def _opened(forge: Forge, changes: ChangeSet, state: RequestState) -> PullRequest:
    """A request whose record says that people are still to be asked: this run may end before.

    Likewise that it is no draft where it should be one, until it is seen to be.
    """
    state = replace(state, no_draft=changes.is_draft)
    has_people = bool(changes.reviewers or changes.assignees or changes.milestone)
    said = wording.of_new(changes, state, forge.max_body_characters)
    body = records.owing_people(said.body) if has_people else said.body
    opened = forge.create(replace(changes, body=body))
    if changes.is_draft and not opened.is_draft:
        merged = ", and imagebot sees to no merge of it" if changes.auto_merge else ""
        log.warning("#%s is no draft: the forge made none%s", opened.number, merged)
    return opened


def _up_to_date(
    forge: Forge, ear: Ear | None, request: PullRequest, changes: ChangeSet
) -> PullRequest:
    """With people asked, once, and the texts and labels that are wanted.

    The texts come last: by them the record says that nobody is to be asked any more. What is lost
    by them is told of before, since nobody would know it afterwards.
    """
    if records.owes_people(request.body):
        forge.ask_people(request, changes)
    said = wording.of_open(request, changes, forge.max_body_characters)
    if said.body != request.body:
        request = as_it_is_now(forge, request)
        said = wording.of_open(request, changes, forge.max_body_characters)
    if said.loses and ear:
        ear.forge.say(request, TOLD_OF_LOSS)
    return forge.update(request, replace(changes, title=said.title, body=said.body))


def as_it_is_now(forge: Forge, request: PullRequest) -> PullRequest:
    """With the text that is to be written over."""
    return forge.read_again(request) if isinstance(forge, Rereader) else request


def _inherited(earlier: Sequence[PullRequest]) -> RequestState:
    """A new request remembers what the group's earlier ones were closed for."""
    past = [
        records.declined_by(
            before.body, is_closed_by_person=before.state is PullRequestState.CLOSED
        )
        for before in reversed(earlier)
    ]
    return RequestState(
        declined=tuple(dict.fromkeys(version for each in past for version in each.versions)),
        declined_marks=tuple(dict.fromkeys(mark for each in past for mark in each.marks)),
    )


def _settle(
    forge: Forge,
    ear: Ear,
    wanted: Wanted,
    request: PullRequest,
    now: datetime,
    turns: MergeTurns,
) -> PullRequest:
    """Answer what was said, then keep in the record that it was; close what is to be skipped."""
    if request.is_draft and wanted.heard.state.no_draft:
        state = replace(wanted.heard.state, no_draft=False)
        wanted = replace(wanted, heard=replace(wanted.heard, state=state))
    what = what_to_finish(wanted, request, now)
    if wanted.verdict.action is Action.WAIT:
        wanted = replace(wanted, heard=put_off(wanted.heard))
    heard = wanted.heard
    is_pushed = wanted.verdict.action is Action.PUSH
    not_rebuilt = "" if is_pushed else wanted.verdict.reason
    if not ear.answer(request, heard, lambda: explained(wanted), not_rebuilt):
        # What was rebuilt must not be again, though nobody could be told: the branch shows it.
        is_rebuilt = is_pushed and heard.wants_rebuild
        return keep_state(forge, request, heard.state) if is_rebuilt else request
    state = _told_of_base(ear.forge, wanted, request, _told(ear.forge, wanted, request))
    if is_pushed or wanted.verdict.reason == lifecycle.TOO_LATE or state.label_obeyed:
        request, state = _without_label(ear.forge, request, state)
    if heard.skips:
        return close_skipped(forge, request, state, heard.skips)
    finished, state = finish(ear.forge, request, state, what, turns)
    if finished.state is PullRequestState.MERGED:
        return finished
    return keep_state(forge, request, state)


def _without_label(
    talk: Conversation, request: PullRequest, state: RequestState
) -> tuple[PullRequest, RequestState]:
    """Without the label that was obeyed. Where it stays on, that is remembered: once per asking."""
    if not lifecycle.has_label(request, lifecycle.REBUILD_LABEL):
        return request, state
    try:
        request = talk.take_off(request, lifecycle.REBUILD_LABEL)
        return request, replace(state, label_obeyed=False)
    except ForgeError as error:
        log.warning("#%s: %s stays on: %s", request.number, lifecycle.REBUILD_LABEL, error)
        return request, replace(state, label_obeyed=True)


def close_skipped(
    forge: Forge, request: PullRequest, state: RequestState, text: str
) -> PullRequest:
    """Closed, and remembered as answered; `text` says so, and that it was done (lifecycle.py)."""
    request = as_it_is_now(forge, request)
    body = wording.with_state(request.body, state, forge.max_body_characters)
    forge.close(request, text, body=body, proof=lifecycle.proof_of_closing(state))
    return replace(request, state=PullRequestState.CLOSED)


def what_to_finish(wanted: Wanted, request: PullRequest, now: datetime) -> Finish:
    """As it will stand, once what is to be pushed is there."""
    branch = wanted.branch
    is_pushed = wanted.verdict.action is Action.PUSH
    ours = branch.ours if branch else None
    held = lifecycle.left_alone(request, wanted.heard.state, now) or wanted.heard.trouble
    return Finish(
        commit=wanted.commit or (branch.head.commit if branch else ""),
        is_ours=is_pushed or ours is not None,
        is_current=is_pushed or (ours is not None and has_same_versions(ours, wanted.changes)),
        changes=wanted.changes,
        held=held,
        closed=wanted.closed,
        lacks_draft=wanted.changes.is_draft and wanted.heard.state.no_draft,
        is_fresh=is_pushed,
    )


def _told(talk: Conversation, wanted: Wanted, request: PullRequest) -> RequestState:
    """Say once that somebody else's commit stops imagebot."""
    state, branch = wanted.heard.state, wanted.branch
    is_foreign = branch is not None and branch.ours is None
    if is_foreign and wanted.verdict.action is Action.WAIT:
        return state  # to be written over later, which asks whether it was told of
    if wanted.heard.skips:
        return state
    if not is_foreign or wanted.verdict.action is not Action.LEAVE or branch is None:
        return replace(state, told_of="")
    if state.told_of != branch.head.commit:
        told = TOLD_OF_SET_BACK if branch.is_set_back else TOLD_OF_FOREIGN
        talk.say(request, told.format(commit=branch.head.commit[:12]))
    return replace(state, told_of=branch.head.commit)


def _told_of_base(
    talk: Conversation, wanted: Wanted, request: PullRequest, state: RequestState
) -> RequestState:
    """Say once that another base branch stops imagebot."""
    turned = request.base if lifecycle.is_turned(request) else ""
    if turned and turned != state.told_turned:
        base, wanted_base = code_span(turned), code_span(wanted.changes.base)
        talk.say(request, TOLD_OF_TURNED.format(base=base, wanted=wanted_base))
    return replace(state, told_turned=turned)


def keep_state(forge: Forge, request: PullRequest, state: RequestState) -> PullRequest:
    """Write the state into the record of a request, whatever people made of the rest."""
    limit = forge.max_body_characters
    if wording.with_state(request.body, state, limit) == request.body:
        return request
    request = as_it_is_now(forge, request)
    body = wording.with_state(request.body, state, limit)
    same = ChangeSet(
        group="",
        branch=request.head,
        base=request.base,
        title=request.title,
        body=body,
        message="",
        files={},
        updates=(),
    )
    return forge.update(request, same)


def explained(wanted: Wanted) -> str:
    """The answer to `/imagebot explain`."""
    verdict = wanted.verdict
    now = f"\n\nJust now: {prose(verdict.reason, MAX_REASON)}." if verdict.reason else ""
    return f"\n\n{wanted.changes.explanation}{now}"
