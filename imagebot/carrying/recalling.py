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

from imagebot import lifecycle
from imagebot.carrying.finishing import recalled
from imagebot.carrying.hearing import Ear
from imagebot.carrying.proposing import Wanted, what_to_finish
from imagebot.errors import ForgeError
from imagebot.lifecycle import Action

NOT_PUSHED = "not pushed, since the forge may be merging the request and was not stopped: {why}"
log = logging.getLogger(__name__)


def recall(
    ear: Ear, wanted: Sequence[Wanted], now: datetime, refused: Collection[str]
) -> tuple[list[Wanted], dict[str, str]]:
    """With what the forge was asked, and why some branches must not be pushed, by branch.

    `refused` are branches that are not pushed anyway.
    """
    found: list[Wanted] = []
    not_pushed: dict[str, str] = {}
    for each in wanted:
        branch, is_pushed = each.changes.branch, each.verdict.action is Action.PUSH
        try:
            found.append(each if branch in refused else _recalled(ear, each, now))
        except ForgeError as error:
            found.append(each)
            if is_pushed:
                not_pushed[branch] = NOT_PUSHED.format(why=error.with_hint)
            elif each.request:
                number = each.request.number
                log.warning("#%s may be merged by the forge: %s", number, error)
    return found, not_pushed


def _recalled(ear: Ear, wanted: Wanted, now: datetime) -> Wanted:
    request, before = wanted.request, wanted.heard.state
    if request is None or not lifecycle.is_open(request):
        return wanted
    state = recalled(ear.forge, request, before, what_to_finish(wanted, request, now))
    return replace(wanted, heard=replace(wanted.heard, state=state))
