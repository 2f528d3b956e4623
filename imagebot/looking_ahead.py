"""All that is known before the first write: the plan without what people declined, and the world.

Asks the forge, the registry and the ledger, and writes nothing, so that `imagebot plan` and
`imagebot apply` come to the same (law 3). What is done about it is left to carrying/.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import carrying, declining, records, timing
from imagebot.carrying import dashboards, editions, naming
from imagebot.carrying.branches import Branch
from imagebot.git import GitState
from imagebot.interfaces import Conversation
from imagebot.planning import Circumstances, Looked, Plan, settle
from imagebot.policy.model import Policy
from imagebot.proposals import ChangeSet, PullRequest
from imagebot.story_clients import Clients


@dataclass(frozen=True, slots=True)
class Ahead:
    """All that is known before the first write."""

    wanted: Plan
    world: carrying.World
    keep: Mapping[str, str]
    talk: Conversation | None  # where there is a dashboard
    board: dashboards.Board


def look_ahead(
    clients: Clients,
    state: GitState,
    branches: Sequence[Branch],
    looked: Looked,
    wanted: Plan,
    circumstances: Circumstances,
) -> Ahead:
    now, forge = circumstances.now, clients.forge
    rules = looked.survey.repository_policy
    talk = forge if isinstance(forge, Conversation) and rules and rules.dashboard else None
    board = dashboards.find(talk) if talk else dashboards.Board()
    asked = board.asked
    wanted, requests = _without_declined(
        clients, looked, wanted, circumstances, branches, asked.again
    )
    again = {head for head, each in requests.items() if str(each.number) in asked.again}
    may_open = asked.open | {
        changes.branch
        for changes in wanted.change_sets
        if again & {changes.branch, *naming.stems(changes.branch)}
    }
    noted = _editions(clients, branches, wanted.change_sets, requests)
    branches = editions.judged(branches, noted)
    closed, kept_back = _waits(clients, looked, wanted, branches, requests, now)
    world = carrying.World(
        clients.git,
        forge,
        state,
        branches,
        requests,
        now,
        clients.name,
        clients.cache,
        asked=asked,
        closed=closed,
        waits={name: why for name, why in kept_back.items() if name not in may_open},
        editions=noted,
        choices=wanted.choices,
    )
    keep = carrying.what_to_keep(branches, requests, wanted.choices, wanted.problems)
    return Ahead(wanted, world, keep, talk, board)


def _without_declined(
    clients: Clients,
    looked: Looked,
    wanted: Plan,
    circumstances: Circumstances,
    branches: Sequence[Branch],
    again: Collection[str] = (),
) -> tuple[Plan, dict[str, PullRequest]]:
    """The plan without the versions that people declined, and the requests of all branches.

    What was declined stands in the requests, and which requests matter is known only from a plan;
    another choice may be another group, so it is looked at again.
    """
    requests: dict[str, PullRequest] = {}
    asked: set[str] = set()
    heads = {branch.head.branch for branch in branches}
    proposed = {branch.head.branch: set(branch.proposed) for branch in branches}
    closed: Sequence[PullRequest] | None = None
    while True:
        heads |= {changes.branch for changes in wanted.change_sets}
        if heads - asked:
            told = clients.forge.find(sorted(heads - asked))
            requests |= {head: declining.brought_back(each, again) for head, each in told.items()}
            asked |= heads
        standing = editions.judged(branches, editions.noted_in(requests))
        wanted = replace(wanted, change_sets=naming.named(wanted.change_sets, standing, requests))
        if any(changes.branch not in asked for changes in wanted.change_sets):
            continue
        is_new = any(set(each.proposed) != proposed.get(each.branch) for each in wanted.change_sets)
        if is_new and closed is None:
            closed = clients.forge.declined()
        telling = [*requests.values(), *declining.newest_elsewhere(closed or (), requests)]
        declined = declining.declined_in(wanted.change_sets, telling, looked.known.declined)
        if declined == looked.known.declined:
            return wanted, requests
        looked.known.declined = declined
        wanted = settle(looked, clients.registry, clients.ledger, circumstances, clients.describer)


def _editions(
    clients: Clients,
    branches: Sequence[Branch],
    change_sets: Sequence[ChangeSet],
    requests: Mapping[str, PullRequest],
) -> Mapping[str, int]:
    """The editions that were noted, by branch. Where pushes only add, nothing can be lost."""
    if clients.forge.has_pull_requests:
        return editions.noted_in(requests)
    names = {*(each.head.branch for each in branches), *(each.branch for each in change_sets)}
    known: set[str] = set() if clients.git.only_adds else names
    return editions.noted_in_store(clients.cache, clients.name, known)


def _waits(
    clients: Clients,
    looked: Looked,
    wanted: Plan,
    branches: Sequence[Branch],
    requests: Mapping[str, PullRequest],
    now: datetime,
) -> tuple[dict[str, str], dict[str, str]]:
    """What the clock keeps back, and what limits do: why not now, by branch.

    What the clock keeps back takes no place of what may go.
    """
    policies = policies_of(wanted)
    closed = timing.closed_by_the_clock(wanted.change_sets, policies, now)
    kept_back = timing.kept_back(
        [changes for changes in wanted.change_sets if changes.branch not in closed],
        timing.Counted(
            requests,
            {branch.head.branch: branch.proposed for branch in branches},
            {
                branch.head.branch: branch.ours.written
                for branch in branches
                if branch.ours and branch.ours.written
            },
            {changes.branch for changes in wanted.change_sets},
            policies,
            _governed(wanted),
            looked.survey.repository_policy,
        ),
        {key: sighting.first_seen_at for key, sighting in looked.known.sightings.items()},
        now,
        clients.forge.recent,
    )
    return closed, kept_back


def _governed(wanted: Plan) -> dict[records.Place, set[str]]:
    """By which policies each image of each file is governed."""
    found: dict[records.Place, set[str]] = {}
    for choice in wanted.choices:
        if choice.policy and choice.reference:
            place = (str(choice.reference.repository), choice.occurrence.file)
            found.setdefault(place, set()).add(choice.policy.identity)
    return found


def policies_of(wanted: Plan) -> dict[str, Policy]:
    """By identity, those that any choice was made by."""
    return {choice.policy.identity: choice.policy for choice in wanted.choices if choice.policy}
