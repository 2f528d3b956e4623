"""The story: one git repository, from its files to its pull requests.

`plan` is everything up to the first write and `reconcile` goes on from there with the same
code, so what `plan` shows is what `reconcile` does (law 3). Clients come as arguments; the
steps are called in the order of the drawing in docs/architecture.md. Running it again in the
same world changes nothing (law 2): names are computed, branches are compared with what is
wanted before anything is pushed.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import (
    carrying,
    declining,
    records,
    status,
    timing,
    tracing,
)
from imagebot.carrying import dashboards, editions, naming
from imagebot.carrying.branches import Branch
from imagebot.describing import Describer
from imagebot.errors import ForgeError, PushRejected
from imagebot.git import BareClone, GitState
from imagebot.interfaces import Conversation, Forge, Ledger, OccurrenceCache, Registry
from imagebot.planning import Circumstances, Looked, Plan, look, settle
from imagebot.policy.model import Policy
from imagebot.proposals import ChangeSet, Outcome, PullRequest
from imagebot.survey import Survey, survey

log = logging.getLogger(__name__)

MAX_FRESH_STARTS = 5  # after a push that lost a race


@dataclass(frozen=True, slots=True)
class Clients:
    """What the story needs of the world, for one git repository."""

    name: str  # of the git repository, for people
    git: BareClone
    forge: Forge
    registry: Registry
    ledger: Ledger
    cache: OccurrenceCache | None = None
    is_direct: bool = False  # commit to the base branch, no pull request
    describer: Describer | None = None  # who finds out what bodies tell of the images
    watched: Sequence[str] = ()  # branches whose requests were open when last seen


def reconcile(clients: Clients, now: datetime) -> Outcome:
    """Bring the pull requests of one git repository in line with its policies."""
    for _ in range(MAX_FRESH_STARTS):
        try:
            return _reconcile_once(clients, now)
        except PushRejected as error:  # somebody was faster: look again at everything
            rejected = error
    raise rejected


def stand_on_base(git: BareClone, cache: OccurrenceCache | None) -> tuple[GitState, Survey]:
    """The remote as it is now, and what its base holds: the branch that the RepositoryPolicy names.

    The policy that counts is the one on the branch that the settings, or the remote, name.
    """
    state, found = _look_at_base(git, cache)
    rules = found.repository_policy
    if git.is_turned or rules is None or rules.base in ("", state.base.branch):
        return state, found
    git.turn_to(rules.base)
    return _look_at_base(git, cache)


def _look_at_base(git: BareClone, cache: OccurrenceCache | None) -> tuple[GitState, Survey]:
    with tracing.span("fetch"):
        state = git.refresh()
    with tracing.span("scan"):
        return state, survey(git.tree(state.base.commit), cache)


def _reconcile_once(clients: Clients, now: datetime) -> Outcome:
    state, found = stand_on_base(clients.git, clients.cache)
    branches = carrying.read_branches(clients.git, state)
    circumstances = Circumstances(
        now=now,
        base=state.base.branch,
        proposed=tuple(offer for branch in branches for offer in branch.proposed),
        everything_together=clients.is_direct,
        forge=clients.forge.name,
    )
    tree = clients.git.tree(state.base.commit)
    looked = look(tree, found, clients.registry, clients.ledger, circumstances)
    wanted = settle(looked, clients.registry, clients.ledger, circumstances, clients.describer)
    if clients.is_direct:
        carried = carrying.commit_directly(clients.git, state, wanted.change_sets, now)
        left = carrying.told_of_left(branches)
        carried = replace(carried, problems=(*carried.problems, *left))
        return _told(clients, wanted, carried)
    return _through_requests(clients, state, branches, looked, wanted, circumstances)


def _told(
    clients: Clients,
    wanted: Plan,
    carried: carrying.Carried,
    requests: Mapping[str, PullRequest] | None = None,
) -> Outcome:
    problems = (*wanted.problems, *carried.problems)
    told = status.outcome(clients.name, wanted.choices, problems, carried.proposals, carried.closed)
    return replace(told, requests=tuple((requests or {}).values()))


def _through_requests(
    clients: Clients,
    state: GitState,
    branches: Sequence[Branch],
    looked: Looked,
    wanted: Plan,
    circumstances: Circumstances,
) -> Outcome:
    """Carry the plan by pull requests, and tell of it on the dashboard where there is one."""
    ahead = _look_ahead(clients, state, branches, looked, wanted, circumstances)
    if _was_merged_meanwhile(clients, state, branches, ahead.world.requests):
        raise PushRejected(f"{state.base.branch} moved while it was looked at")
    if editions.have_moved(clients.git, ahead.world.branches):
        raise PushRejected("a branch moved while it was looked at")
    carried = carrying.carry(ahead.world, ahead.wanted.change_sets, ahead.keep)
    requests = {**_left(clients, ahead.world.requests), **ahead.world.requests}
    outcome = _told(clients, ahead.wanted, carried, requests)
    rules = looked.survey.repository_policy
    if ahead.talk and rules and rules.dashboard:
        dashboards.show(ahead.talk, ahead.board, rules.dashboard, outcome)
    return outcome


def foresee(
    clients: Clients,
    state: GitState,
    branches: Sequence[Branch],
    looked: Looked,
    wanted: Plan,
    circumstances: Circumstances,
) -> tuple[Plan, carrying.Carried]:
    """The plan without what people declined, and what carrying it would come to. Writes nothing.

    Raises ForgeError where the forge cannot be asked.
    """
    ahead = _look_ahead(clients, state, branches, looked, wanted, circumstances)
    return ahead.wanted, carrying.foresee(ahead.world, ahead.wanted.change_sets, ahead.keep)


def _left(clients: Clients, known: Mapping[str, PullRequest]) -> Mapping[str, PullRequest]:
    """What became of requests whose branches are gone, as after a merge. Only ever told of, so a
    forge that does not answer now is asked again in the next run."""
    gone = sorted(set(clients.watched) - set(known))
    try:
        return clients.forge.find(gone) if gone else {}
    except ForgeError as error:
        log.warning(
            "what became of the pull requests of %(branches)s is not known now: %(error)s",
            {"branches": ", ".join(gone), "error": error},
        )
        return {}


@dataclass(frozen=True, slots=True)
class _Ahead:
    """All that is known before the first write."""

    wanted: Plan
    world: carrying.World
    keep: Mapping[str, str]
    talk: Conversation | None  # where there is a dashboard
    board: dashboards.Board


def _look_ahead(
    clients: Clients,
    state: GitState,
    branches: Sequence[Branch],
    looked: Looked,
    wanted: Plan,
    circumstances: Circumstances,
) -> _Ahead:
    now, forge = circumstances.now, clients.forge
    rules = looked.survey.repository_policy
    talk = forge if isinstance(forge, Conversation) and rules and rules.dashboard else None
    board = dashboards.find(talk) if talk else dashboards.Board()
    asked = board.asked
    wanted, requests = _without_declined(
        clients, looked, wanted, circumstances, branches, asked.again
    )
    again = {head for head, each in requests.items() if str(each.number) in asked.again}
    may_open = asked.open | again
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
    return _Ahead(wanted, world, keep, talk, board)


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


def _was_merged_meanwhile(
    clients: Clients,
    state: GitState,
    branches: Sequence[Branch],
    requests: Mapping[str, PullRequest],
) -> bool:
    """Whether a merge came between the look at git and the look at the forge."""
    merged = [
        branch
        for branch in branches
        if naming.is_merged_as_it_is(branch, requests.get(branch.head.branch))
    ]
    return bool(merged) and clients.git.refresh().base.commit != state.base.commit


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
