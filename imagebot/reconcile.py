"""The story: one git repository, from its files to its pull requests.

`plan` is everything up to the first write and `reconcile` goes on from there with the same
code, so what `plan` shows is what `reconcile` does (law 3). Clients come as arguments; the
steps are called in the order of the drawing in docs/architecture.md. Running it again in the
same world changes nothing (law 2): names are computed, branches are compared with what is
wanted before anything is pushed.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from imagebot import carrying, status, tracing
from imagebot.carrying import dashboards, editions, naming
from imagebot.carrying.branches import Branch
from imagebot.errors import ForgeError, PushRejected
from imagebot.git import BareClone, GitState
from imagebot.interfaces import OccurrenceCache
from imagebot.looking_ahead import look_ahead
from imagebot.planning import Circumstances, Looked, Plan, look, settle
from imagebot.proposals import Outcome, PullRequest
from imagebot.story_clients import Clients, traits_of
from imagebot.survey import Survey, survey

log = logging.getLogger(__name__)

MAX_FRESH_STARTS = 5  # after a push that lost a race


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
        forge=traits_of(clients.forge),
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
    ahead = look_ahead(clients, state, branches, looked, wanted, circumstances)
    if _was_merged_meanwhile(clients, state, branches, ahead.world.requests):
        raise PushRejected(f"{state.base.branch} moved while it was looked at")
    if editions.have_moved(clients.git, ahead.world.branches):
        raise PushRejected("a branch moved while it was looked at")
    carried = carrying.carry(ahead.world, ahead.wanted.change_sets, ahead.keep)
    requests = {**_left(clients, ahead.world.requests), **ahead.world.requests}
    outcome = _told(clients, ahead.wanted, carried, requests)
    rules = looked.survey.repository_policy
    if ahead.talk and rules and rules.dashboard:
        dashboards.show(ahead.talk, ahead.board, rules.dashboard, outcome, carried.unmet)
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
    ahead = look_ahead(clients, state, branches, looked, wanted, circumstances)
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
