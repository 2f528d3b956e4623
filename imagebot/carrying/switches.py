"""The labels that people switch imagebot by: made once in each git repository that has requests.

Talks to the forge. Where it is not known any more that they were made, they are found there.
"""

import logging
from collections.abc import Sequence

from imagebot import lifecycle
from imagebot.carrying.hearing import Ear
from imagebot.errors import ForgeError
from imagebot.proposals import Proposal

SWITCHES = {
    lifecycle.HOLD_LABEL: "imagebot leaves the request alone while this is on",
    lifecycle.REBUILD_LABEL: "imagebot writes the branch anew, and takes this off",
}
log = logging.getLogger(__name__)


def provide_switches(ear: Ear, proposals: Sequence[Proposal]) -> None:
    """A forge that refuses is told of once and left alone; one that is silent is asked again.

    A person who deletes the labels does not see them again. Without a memory they are made with
    each new request.
    """
    done = f"switches 1 {ear.key}"
    is_known = ear.cache is not None and done in ear.cache.get_many([done])
    is_new = any(each.action == "created" for each in proposals)
    has_open = any(lifecycle.is_open(each.pull_request) for each in proposals)
    if is_known or not (is_new or (ear.cache and has_open)):
        return
    try:
        ear.forge.make_labels(SWITCHES)
    except ForgeError as error:
        log.warning("no labels %s: %s", ", ".join(SWITCHES), error.with_hint)
        if error.can_retry:
            return
    if ear.cache:
        ear.cache.put_many({done: b"1"})
