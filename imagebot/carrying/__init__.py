"""Carry change sets to where people see them: branches by git, pull requests by the forge.

The last step of the story and the only one that writes. What stands on the remote and what people
said decide what is done (lifecycle.py): a branch whose content is as wanted is left alone; a
commit that is not ours stops all rewriting of its branch (law 10); a request that a person closed
is not opened again for the same versions. One push carries all branches, each with a lease on the
commit we saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from imagebot import lifecycle, records, tracing
from imagebot.carrying import editions, wishes
from imagebot.carrying.branches import Branch, by_head, has_same_versions, is_as_wanted
from imagebot.carrying.branches import read_branches as read_branches
from imagebot.carrying.branches import what_to_keep as what_to_keep
from imagebot.carrying.hearing import Ear, Heard
from imagebot.carrying.merge_turns import MergeTurns, somewhere
from imagebot.carrying.naming import is_merged_as_it_is, stems
from imagebot.carrying.proposing import Wanted, foreseen, propose
from imagebot.carrying.pushing import push_all
from imagebot.carrying.recalling import recall
from imagebot.carrying.switches import provide_switches
from imagebot.carrying.unwanted import Unwanted
from imagebot.carrying.world import World as World
from imagebot.dashboard import Box
from imagebot.errors import ForgeError, GitError
from imagebot.git import BareClone, GitState, Push
from imagebot.interfaces import Conversation, Forge, PushAnnouncer
from imagebot.lifecycle import Action, Standing, Verdict
from imagebot.model import Problem
from imagebot.proposals import ChangeSet, Proposal, PullRequest

MAX_NAMED = 10  # branches in one warning


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of the change sets."""

    proposals: tuple[Proposal, ...]
    closed: tuple[PullRequest, ...] = ()
    problems: tuple[Problem, ...] = ()
    unmet: Mapping[str, Sequence[Box]] = field(default_factory=dict)  # by branch: see wishes.py


def commit_directly(
    git: BareClone, state: GitState, change_sets: Sequence[ChangeSet], now: datetime
) -> Carried:
    """Commit to the base branch itself, where the settings ask for it."""
    if not change_sets:
        return Carried(())
    (changes,) = change_sets  # grouped as one, see grouping.group_choices
    commit = git.commit(state.base, changes.base, changes.files, changes.message, now)
    with tracing.span("push", {"imagebot.branches": 1}):
        git.push([Push(changes.base, commit, state.base.commit)])
    return Carried((Proposal(changes, "pushed", f"commit {commit[:12]} on {changes.base}"),))


def told_of_left(branches: Sequence[Branch]) -> tuple[Problem, ...]:
    """Of branches from before the settings asked for direct commits: nobody looks after them."""
    if not branches:
        return ()
    names = [branch.head.branch for branch in branches]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    told = f"left from `mode: pull-request`: {', '.join(names[:MAX_NAMED])}{more}"
    hint = (
        "imagebot neither updates nor closes them while it commits directly: merge or close their "
        "requests and delete the branches, or let one run with `mode: pull-request` do it"
    )
    return (Problem("", 0, 0, told, hint=hint, is_warning=True),)


def carry(world: World, change_sets: Sequence[ChangeSet], keep: Mapping[str, str]) -> Carried:
    """Make branches and pull requests as the change sets want them, and withdraw the rest.

    `keep` are branches that are not withdrawn although nothing asks for them, with the reason.
    """
    ear = _ear(world)
    heard = _hear(world, ear)
    wanted = [_weighed(world, changes, heard) for changes in change_sets]
    unwanted = Unwanted.of(world, change_sets, keep, heard)
    with tracing.span("commit"):
        wanted, not_made = _all_committed(world, wanted)
    if ear:
        wanted, not_recalled = recall(world.forge, ear, wanted, world.now, not_made)
        not_made |= not_recalled
    pushes = [
        _push(world.forge, each)
        for each in wanted
        if each.verdict.action is Action.PUSH and each.changes.branch not in not_made
    ]
    closed, closable = unwanted.close(ear)
    pushes += [Push(branch.head.branch, None, branch.head.commit) for branch in closable]
    refused = not_made | push_all(world.git, pushes)
    _note_editions(world, [each for each in wanted if each.changes.branch not in refused])
    proposals = _all_proposed(world, ear, wanted, refused)
    if ear:
        _remember(ear, heard, world, proposals)
        provide_switches(ear, proposals, world.now)
    problems = [*unwanted.problems, *unwanted.told(refused)]
    unmet = wishes.unmet(world, wanted, proposals, refused)
    return Carried(tuple(proposals), tuple(closed), tuple(problems), unmet)


def _all_proposed(
    world: World, ear: Ear | None, wanted: Sequence[Wanted], refused: Mapping[str, str]
) -> list[Proposal]:
    """In the order of `wanted`, though those that may be merged are gone through in turn."""
    turns = _merge_turns(world, ear, wanted)
    before = turns.last
    proposals: dict[str, Proposal] = {}
    for each in sorted(wanted, key=lambda one: _turn(one, turns)):
        branch = each.changes.branch
        proposals[branch] = (
            Proposal(each.changes, "failed", refused[branch], each.request)
            if branch in refused
            else _proposed(world, ear, each, turns)
        )
    if ear and turns.last != before:
        ear.keep_merge_place(turns.last)
    return [proposals[each.changes.branch] for each in wanted]


def _merge_turns(world: World, ear: Ear | None, wanted: Sequence[Wanted]) -> MergeTurns:
    numbers = {each.request.number for each in wanted if each.request and _takes_turns(each)}
    last = ear.merge_place() if ear and numbers else None
    return MergeTurns(somewhere(numbers, world.now) if last is None else last)


def _turn(wanted: Wanted, turns: MergeTurns) -> tuple[int, tuple[bool, int]]:
    """First what waits for no turn, last what has no number yet, each as it stood."""
    if wanted.request and _takes_turns(wanted):
        return 1, turns.place(wanted.request.number)
    return (2 if wanted.changes.auto_merge else 0), (False, 0)


def _takes_turns(wanted: Wanted) -> bool:
    return wanted.changes.auto_merge is not None and lifecycle.is_open(wanted.request)


def _proposed(world: World, ear: Ear | None, wanted: Wanted, turns: MergeTurns) -> Proposal:
    with tracing.span("propose", {"imagebot.branch": wanted.changes.branch}) as span:
        proposal = propose(world.forge, ear, wanted, world.now, turns)
        span.set("imagebot.action", proposal.action)
        return proposal


def foresee(world: World, change_sets: Sequence[ChangeSet], keep: Mapping[str, str]) -> Carried:
    """What `carry` would come to, by the same rules; nothing is written and nobody answered.

    An "unchanged" request may still get other texts.
    """
    heard = _hear(world, _ear(world))
    wanted = [_weighed(world, changes, heard) for changes in change_sets]
    unwanted = Unwanted.of(world, change_sets, keep, heard)
    proposals = [foreseen(each, has_requests=world.forge.has_pull_requests) for each in wanted]
    return Carried(tuple(proposals), tuple(unwanted.closing()), tuple(unwanted.told({})))


def _ear(world: World) -> Ear | None:
    forge = world.forge
    return Ear(forge, world.name, world.cache) if isinstance(forge, Conversation) else None


def _hear(world: World, ear: Ear | None) -> dict[str, Heard]:
    open_ones = [each for _, each in sorted(world.requests.items()) if lifecycle.is_open(each)]
    return ear.hear_all(open_ones, world.now) if ear else {}


def _remember(
    ear: Ear, heard: Mapping[str, Heard], world: World, proposals: Sequence[Proposal]
) -> None:
    """Requests whose conversations were read and answered need no second look."""
    after = {each.changes.branch: each.pull_request for each in proposals if each.pull_request}
    done = []
    for head, said in heard.items():
        request = after.get(head) or world.requests[head]
        is_open = lifecycle.is_open(request)
        answered = records.state_in(request.body).answered
        if is_open and set(said.state.answered) <= set(answered) and not said.trouble:
            done.append(request)
    ear.forget_none(done)


# --- What is wanted ------------------------------------------------------------------------------


def _weighed(world: World, changes: ChangeSet, heard: Mapping[str, Heard]) -> Wanted:
    branch = by_head(world.branches).get(changes.branch)
    request = world.requests.get(changes.branch)
    said = heard.get(changes.branch, Heard())
    ours = branch.ours if branch else None
    asks_rebuild = said.wants_rebuild or changes.branch in world.asked.rebuild
    may_rebuild = _may_rebuild(branch, said)
    standing = Standing(
        has_branch=branch is not None,
        is_foreign=branch is not None and ours is None and not is_merged_as_it_is(branch, request),
        is_as_wanted=ours is not None and is_as_wanted(ours, changes),
        has_same_versions=ours is not None and has_same_versions(ours, changes),
        is_behind=ours is not None and ours.parent != world.state.base.commit,
        is_declined=request is not None and records.is_declined(changes.body, request.body),
        request=request,
        state=said.state,
        wants_rebuild=asks_rebuild and may_rebuild,
        is_skipped=bool(said.skips),
        rebase=changes.rebase,
        waits=world.closed.get(changes.branch) or world.waits.get(changes.branch, ""),
    )
    verdict = lifecycle.judge(standing, world.now)
    if said.trouble and verdict.action is Action.PUSH:
        verdict = Verdict(Action.LEAVE, said.trouble)
    if verdict.reason == lifecycle.FOREIGN and asks_rebuild and not may_rebuild:
        verdict = Verdict(Action.LEAVE, lifecycle.TOO_LATE)
    closed = world.closed.get(changes.branch, "")
    if branch and branch.is_set_back and verdict.reason == lifecycle.FOREIGN:
        verdict = Verdict(Action.LEAVE, lifecycle.SET_BACK)
    changes = _of_edition(changes, editions.edition_of(ours))
    earlier = tuple(
        world.requests[name]
        for name in (changes.branch, *stems(changes.branch))
        if name in world.requests
    )
    return Wanted(changes, verdict, branch, request, said, closed, earlier)


def _may_rebuild(branch: Branch | None, said: Heard) -> bool:
    """Over somebody's commit only if imagebot spoke of that very one before it was asked.

    Neither a label nor a box nor the clock of whoever committed tells which came first.
    """
    if branch is None or branch.ours is not None:
        return True
    return said.state.told_of == branch.head.commit


def _all_committed(world: World, wanted: Sequence[Wanted]) -> tuple[list[Wanted], dict[str, str]]:
    """With the commits that are to be pushed, and why some could not be made or signed, by branch.

    What a later try can mend (a forge that limits the rate, a full disk) is asked for nothing more
    in this run.
    """
    made: list[Wanted] = []
    refused: dict[str, str] = {}
    over = ""
    for each in wanted:
        try:
            if over and each.verdict.action is Action.PUSH:
                refused[each.changes.branch] = over
                made.append(each)
            else:
                made.append(_committed(world, each))
        except (ForgeError, GitError) as error:
            refused[each.changes.branch] = error.with_hint
            over = error.with_hint if error.can_retry else ""
            made.append(each)
    return made, refused


def _committed(world: World, wanted: Wanted) -> Wanted:
    """With the commit that is to be pushed, made in the clone."""
    if wanted.verdict.action is not Action.PUSH:
        return wanted
    changes, ours = wanted.changes, wanted.branch.ours if wanted.branch else None
    edition = max(world.editions.get(changes.branch, 0), editions.edition_of(ours)) + 1
    message = editions.numbered(changes.message, edition)
    commit = world.git.commit(world.state.base, changes.branch, changes.files, message, world.now)
    return replace(wanted, commit=commit, changes=_of_edition(changes, edition))


def _of_edition(changes: ChangeSet, edition: int) -> ChangeSet:
    return replace(changes, body=records.with_edition(changes.body, edition))


def _note_editions(world: World, wanted: Sequence[Wanted]) -> None:
    """In the store, where no request can tell."""
    if world.forge.has_pull_requests:
        return
    stands = {
        each.changes.branch: records.edition_in(each.changes.body)
        for each in wanted
        if each.verdict.action in (Action.PUSH, Action.KEEP)
    }
    news = {name: each for name, each in stands.items() if each > world.editions.get(name, 0)}
    editions.note_in_store(world.cache, world.name, news)


def _push(forge: Forge, wanted: Wanted) -> Push:
    changes, branch = wanted.changes, wanted.branch
    options = forge.push_options(changes) if isinstance(forge, PushAnnouncer) else ()
    expected = branch.head.commit if branch else None
    return Push(changes.branch, wanted.commit, expected, tuple(options))
