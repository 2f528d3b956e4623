"""Requests that the forge may merge by itself are called back before anything else is done to them.

Talks to the forge. The forge merges what stands on the branch when its checks are green, whatever
imagebot meant when it handed the request over; a run may end, or fail, after any of its steps. So
no branch gets another commit while the forge may be merging it, and what may not be merged any
more is called back before its texts are written.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from imagebot import lifecycle, records
from imagebot.carrying.finishing import recalled
from imagebot.carrying.hearing import Ear
from imagebot.carrying.proposing import Wanted, keep_state, what_to_finish
from imagebot.errors import ForgeError
from imagebot.interfaces import Forge
from imagebot.lifecycle import Action
from imagebot.proposals import PullRequest
from imagebot.request_state import CALLED_BACK

NOT_PUSHED = "not pushed, since the forge may be merging the request and was not stopped: {why}"
log = logging.getLogger(__name__)


def recall(
    forge: Forge, ear: Ear, wanted: Sequence[Wanted], now: datetime, refused: Collection[str]
) -> tuple[list[Wanted], dict[str, str]]:
    """With what the forge was asked, and why some branches must not be pushed, by branch.

    `refused` are branches that are not pushed anyway.
    """
    found: list[Wanted] = []
    not_pushed: dict[str, str] = {}
    for each in wanted:
        branch, is_pushed = each.changes.branch, each.verdict.action is Action.PUSH
        try:
            found.append(each if branch in refused else _recalled(forge, ear, each, now))
        except ForgeError as error:
            found.append(each)
            if is_pushed:
                not_pushed[branch] = NOT_PUSHED.format(why=error.with_hint)
            elif each.request:
                number = each.request.number
                log.warning("#%s may be merged by the forge: %s", number, error)
    return found, not_pushed


def _recalled(forge: Forge, ear: Ear, wanted: Wanted, now: datetime) -> Wanted:
    request, before = wanted.request, wanted.heard.state
    if request is None or not lifecycle.is_open(request):
        return wanted
    state = recalled(ear.forge, request, before, what_to_finish(wanted, request, now))
    wanted = replace(wanted, heard=replace(wanted.heard, state=state))
    if state == before or wanted.verdict.action is not Action.PUSH:
        return wanted  # said with the rest of what is settled
    return replace(wanted, request=_noted(forge, request))


def _noted(forge: Forge, request: PullRequest) -> PullRequest:
    """With that in its record before the push, after which this run may say nothing any more.

    Else a commit that stays, since the push was refused, would count as handed over for ever.
    """
    state = replace(records.state_in(request.body), handed_over=CALLED_BACK)
    try:
        return keep_state(forge, request, state)
    except ForgeError as error:
        log.warning(
            "#%s was called back, and its record does not say so: %s", request.number, error
        )
        return request
