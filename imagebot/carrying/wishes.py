"""Which boxes of the dashboard are still to be obeyed after a run. Pure."""

from collections.abc import Mapping, Sequence

from imagebot import lifecycle
from imagebot.carrying.naming import stems
from imagebot.carrying.proposing import Wanted
from imagebot.carrying.world import World
from imagebot.dashboard import Ask, Box
from imagebot.lifecycle import Action
from imagebot.proposals import Proposal, PullRequestState


def unmet(
    world: World,
    wanted: Sequence[Wanted],
    proposals: Sequence[Proposal],
    refused: Mapping[str, str],
) -> dict[str, tuple[Box, ...]]:
    """What boxes asked for that failed or waits, by branch. What a person's word forbids is done.

    `refused` are branches that could not be pushed.
    """
    asked = world.asked
    again = {
        each.head: str(each.number)
        for each in world.requests.values()
        if str(each.number) in asked.again and each.state is PullRequestState.CLOSED
    }
    found: dict[str, tuple[Box, ...]] = {}
    for each, proposal in zip(wanted, proposals, strict=True):
        branch, boxes = each.changes.branch, []
        if branch in asked.rebuild and _is_not_rebuilt(each, refused):
            boxes.append(Box(Ask.REBUILD, branch))
        if _is_not_opened(proposal):
            boxes += [Box(Ask.OPEN, branch)] if branch in asked.open else []
            heads = (branch, *stems(branch))
            boxes += [Box(Ask.AGAIN, again[head]) for head in heads if head in again]
        if boxes:
            found[branch] = tuple(boxes)
    return found


def _is_not_rebuilt(wanted: Wanted, refused: Mapping[str, str]) -> bool:
    """Also where what was said could not be read: somebody may have said hold."""
    waits = wanted.verdict.action is Action.WAIT or bool(wanted.heard.trouble)
    return waits or wanted.changes.branch in refused


def _is_not_opened(proposal: Proposal) -> bool:
    is_late = proposal.action in ("failed", "waiting")
    return is_late and not lifecycle.is_open(proposal.pull_request)
