"""What `apply` would come to, for `imagebot plan`: which change waits, is left alone, or is done.

Reads the forge of a git repository of the settings, and writes nothing. Of a folder on disk only
the clock is known, and it is said that nobody was asked.
"""

from dataclasses import dataclass, replace

from rich.markup import escape

from imagebot import looking_ahead, reconcile, timing
from imagebot.carrying import Carried
from imagebot.cli import show
from imagebot.clients import ToPlan
from imagebot.describing import Describer
from imagebot.errors import ForgeError
from imagebot.planning import Circumstances, Looked, Plan
from imagebot.proposals import Proposal
from imagebot.texts import visible_prose

_UNKNOWN = "what people closed, hold or snooze, and what limits keep back, is not known here"
_WORDS = {
    "created": "would be created",
    "updated": "would be updated",
    "pushed": "would be pushed",
    "unchanged": "stays as it is",
    "waiting": "waits",
    "skipped": "is left alone",
}


@dataclass(frozen=True, slots=True)
class Foresight:
    """The plan that is left, and what would become of it. An action may be "": not known."""

    plan: Plan
    carried: Carried
    not_asked: str = ""  # why the forge was not asked


def look_ahead(
    to_plan: ToPlan,
    looked: Looked,
    wanted: Plan,
    circumstances: Circumstances,
    describer: Describer | None,
) -> Foresight:
    """Ask the forge where there is one; a forge that fails costs what only it could tell."""
    remote = to_plan.remote
    if remote is None or to_plan.is_direct:
        why = "" if to_plan.is_direct else f"{_UNKNOWN}: `imagebot plan --repository NAME` asks"
        return Foresight(wanted, by_the_clock(wanted, circumstances), why)
    clients = replace(remote.clients(), describer=describer)
    try:
        left, carried = reconcile.foresee(
            clients, remote.state, remote.branches, looked, wanted, circumstances
        )
    except ForgeError as error:
        why = f"{_UNKNOWN}: {error}"
        return Foresight(wanted, by_the_clock(wanted, circumstances), why)
    why = (
        "" if clients.forge.has_pull_requests else f"{_UNKNOWN}: no forge is named in the settings"
    )
    plan = replace(left, problems=(*left.problems, *carried.problems))
    return Foresight(plan, carried, why)


def by_the_clock(wanted: Plan, circumstances: Circumstances) -> Carried:
    """What windows and freezes alone keep back."""
    policies = looking_ahead.policies_of(wanted)
    closed = timing.closed_by_the_clock(wanted.change_sets, policies, circumstances.now)
    return Carried(
        tuple(
            Proposal(changes, "waiting" if changes.branch in closed else "", why)
            for changes in wanted.change_sets
            for why in [closed.get(changes.branch, "")]
        )
    )


def tell(foresight: Foresight) -> None:
    """One line for each change of which something is known, and a last one for what is not."""
    console = show.stdout_console()
    for proposal in foresight.carried.proposals:
        if proposal.action:
            words = f"{_WORDS[proposal.action]}: {proposal.changes.title}"
            console.print(escape(visible_prose(words + show.where(proposal))))
    for request in foresight.carried.closed:
        console.print(escape(visible_prose(f"would be closed: {request.title} ({request.url})")))
    if foresight.not_asked and foresight.plan.change_sets:
        show.stderr_console().print(
            escape(visible_prose(f"the forge was not asked: {foresight.not_asked}"))
        )


def as_json(foresight: Foresight) -> dict[str, object]:
    """The keys that a plan has of it (docs/cli.md, `plan --output json`)."""
    return {
        "changeSets": [
            {
                **show.change_set_as_json(proposal.changes),
                "action": proposal.action or None,
                "reason": proposal.reason,
                "pullRequest": show.pull_request_as_json(proposal.pull_request),
            }
            for proposal in foresight.carried.proposals
        ],
        "closed": [show.pull_request_as_json(request) for request in foresight.carried.closed],
        "notAsked": foresight.not_asked,
    }
