"""The labels that people switch imagebot by: made once in each git repository that has requests.

Talks to the forge. Where it is not known any more that they were made, they are found there.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from imagebot import lifecycle
from imagebot.carrying.hearing import Ear
from imagebot.errors import ForgeError
from imagebot.proposals import Proposal

SWITCHES = {
    lifecycle.HOLD_LABEL: "imagebot leaves the request alone while this is on",
    lifecycle.REBUILD_LABEL: "imagebot writes the branch anew, and takes this off",
}
ASKED_AGAIN_AFTER = timedelta(days=1)  # once refused: somebody may have granted it since
_MADE = b"1"
log = logging.getLogger(__name__)


def provide_switches(ear: Ear, proposals: Sequence[Proposal], now: datetime) -> None:
    """A forge that refuses is told of and left alone for a day; one that is silent is asked again.

    A person who deletes the labels does not see them again. Without a memory they are made with
    each new request.
    """
    done = f"switches 1 {ear.key}"
    kept = ear.cache.get_many([done]).get(done) if ear.cache else None
    is_new = any(each.action == "created" for each in proposals)
    has_open = any(lifecycle.is_open(each.pull_request) for each in proposals)
    if _is_settled(kept, now) or not (is_new or (ear.cache and has_open)):
        return
    mark = _MADE
    try:
        ear.forge.make_labels(SWITCHES)
    except ForgeError as error:
        log.warning("no labels %s: %s", ", ".join(SWITCHES), error.with_hint)
        if error.can_retry:
            return
        mark = now.isoformat().encode()
    if ear.cache:
        ear.cache.put_many({done: mark})


def _is_settled(kept: bytes | None, now: datetime) -> bool:
    """Whether they were made, or refused less than a day ago. A time to come counts for nothing."""
    if kept is None or kept == _MADE:
        return kept is not None
    return timedelta(0) <= now - datetime.fromisoformat(kept.decode()) < ASKED_AGAIN_AFTER
