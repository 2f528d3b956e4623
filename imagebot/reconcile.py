"""The story: one git repository, from its files to its pull requests.

`plan` is everything up to the first write and `reconcile` goes on from there with the same
code, so what `plan` shows is what `reconcile` does (law 3). Clients come as arguments; the
steps are called in the order of the drawing in docs/architecture.md. Running it again in the
same world changes nothing (law 2): names are computed, branches are compared with what is
wanted before anything is pushed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import asking, carrying, changeset, choosing, edits, formats, status
from imagebot.changeset import Group, Proposed
from imagebot.choosing.cases import Case, Decision, Wanted, case_of, choice_of, repositories_of
from imagebot.choosing.known import Known
from imagebot.edits import RewrittenFile
from imagebot.errors import ImagebotError, NotInRegistry, PushRejected, RegistryError
from imagebot.git import BareClone
from imagebot.image import Repository
from imagebot.interfaces import FileTree, Forge, Ledger, OccurrenceCache, Registry
from imagebot.model import (
    ChangeSet,
    Choice,
    Edit,
    Occurrence,
    Outcome,
    Problem,
    TagList,
    Update,
)
from imagebot.policy import sharing
from imagebot.policy.governing import Governor
from imagebot.policy.model import Policy
from imagebot.survey import Survey, survey

MAX_FRESH_STARTS = 5  # after a push that lost a race
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, and why the rest would not."""

    survey: Survey
    choices: tuple[Choice, ...]
    problems: tuple[Problem, ...]
    change_sets: tuple[ChangeSet, ...]
    policy_problems: tuple[Problem, ...] = ()  # those of the problems that policies or markers have


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


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What bears on a plan besides the files: what is proposed already, the time, the base."""

    now: datetime
    base: str
    proposed: tuple[Proposed, ...] = ()
    everything_together: bool = False
    within: str = ""  # only occurrences in this folder or file
    default_policy: Policy | None = None  # for occurrences, when the tree has no policy at all


def reconcile(clients: Clients, now: datetime) -> Outcome:
    """Bring the pull requests of one git repository in line with its policies."""
    for _ in range(MAX_FRESH_STARTS):
        try:
            return _reconcile_once(clients, now)
        except PushRejected as error:  # somebody was faster: look again at everything
            rejected = error
    raise rejected


def _reconcile_once(clients: Clients, now: datetime) -> Outcome:
    state = clients.git.refresh()
    branches = carrying.read_branches(clients.git, state)
    circumstances = Circumstances(
        now=now,
        base=state.base.branch,
        proposed=tuple(offer for branch in branches for offer in branch.proposed),
        everything_together=clients.is_direct,
    )
    tree = clients.git.tree(state.base.commit)
    wanted = plan(tree, clients.registry, clients.ledger, circumstances, clients.cache)
    if clients.is_direct:
        carried = carrying.commit_directly(clients.git, state, wanted.change_sets, now)
    else:
        keep = carrying.what_to_keep(branches, wanted.choices, wanted.problems)
        carried = carrying.carry(
            clients.git, clients.forge, state, branches, wanted.change_sets, keep, now
        )
    problems = (*wanted.problems, *carried.problems)
    return status.outcome(clients.name, wanted.choices, problems, carried.proposals, carried.closed)


def plan(
    tree: FileTree,
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    cache: OccurrenceCache | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Everything up to the first write."""
    found = survey(tree, cache)
    within = circumstances.within
    wanted, problems = govern(found, circumstances.default_policy, within)
    choices = choose(wanted, registry, ledger, circumstances, progress)
    change_sets, refused = present(tree, choices, circumstances)
    seen = [problem for problem in (*found.problems, *problems) if is_within(problem.file, within)]
    wrong = [
        problem
        for problem in (*found.policy_problems, *problems)
        if is_within(problem.file, within) or is_within(within, problem.file.rpartition("/")[0])
    ]
    seen += [problem for problem in wrong if problem not in seen]
    return Plan(found, choices, (*seen, *refused), change_sets, tuple(wrong))


def govern(
    found: Survey, default_policy: Policy | None, within: str = ""
) -> tuple[list[Wanted], list[Problem]]:
    """Which policy governs each occurrence that stands in the folder or file `within`."""
    occurrences = [item for item in found.occurrences if is_within(item.file, within)]
    if default_policy and not (found.policies or found.broken):
        return [Wanted(item, default_policy, item.reference) for item in occurrences], []
    governor = Governor(found.policies, found.broken)
    wanted: list[Wanted] = []
    problems = list(governor.problems)
    governed_each = [governor.govern(occurrence) for occurrence in occurrences]
    for occurrence, governed in zip(
        occurrences, sharing.settle(occurrences, governed_each), strict=True
    ):
        wanted.append(Wanted(occurrence, governed.policy, governed.reference))
        if governed.problem:
            problems.append(governed.problem)
    return wanted, problems


def is_within(file: str, folder: str) -> bool:
    return not folder or file == folder or file.startswith(folder + "/")


def choose(
    wanted: Sequence[Wanted],
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    progress: Progress | None = None,
) -> tuple[Choice, ...]:
    """Ask the registries once for each image, then decide once for each case."""
    cases = [case_of(item, circumstances.now.date()) for item in wanted]
    asked = [case for case in cases if isinstance(case, Case)]
    decided = decide(asked, registry, ledger, circumstances, progress)
    return tuple(
        choice_of(item, case if isinstance(case, Decision) else decided.decisions[case.key])
        for item, case in zip(wanted, cases, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Decided:
    """Each different case's decision by its key, and what was known for it."""

    known: Known
    decisions: Mapping[tuple[object, ...], Decision]


def decide(
    cases: Iterable[Case],
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    progress: Progress | None = None,
) -> Decided:
    """Decide once for each different case."""
    different = {case.key: case for case in cases}
    listings = registry.list_many(repositories_of(different.values()), progress)
    known = Known(
        now=circumstances.now,
        listings=listings,
        proposed=tuple(still_offered(registry, listings, circumstances.proposed)),
    )
    asking.note_listings(ledger, known, different.values())
    deciding = {key: choosing.decide(case, known) for key, case in different.items()}
    return Decided(known, asking.settle(deciding, known, registry, ledger))


def still_offered(
    registry: Registry,
    listings: Mapping[Repository, TagList | RegistryError],
    proposed: Iterable[Proposed],
) -> list[Proposed]:
    """What is proposed already and not surely gone.

    A listing without a tag that we proposed may be an old copy. The tag itself is asked for: only
    when the registry denies it does the proposal fall (law 7).
    """
    offers = list(proposed)
    missing = {
        (offer.repository, offer.tag)
        for offer in offers
        if isinstance(listing := listings.get(offer.repository), TagList)
        and offer.tag not in listing.tags
    }
    denied = {
        key
        for key, answer in registry.facts_many(sorted(missing)).items()
        if isinstance(answer, NotInRegistry)
    }
    return [offer for offer in offers if (offer.repository, offer.tag) not in denied]


def present(
    tree: FileTree, choices: Sequence[Choice], circumstances: Circumstances
) -> tuple[tuple[ChangeSet, ...], list[Problem]]:
    """Edit the files of each group and describe the change. A bad edit never costs its group."""
    groups = changeset.group_choices(choices, everything_together=circumstances.everything_together)
    files = {choice.occurrence.file for group in groups for choice in group.choices}
    sources = dict(tree.read(sorted(files)))
    change_sets: list[ChangeSet] = []
    problems: list[Problem] = []
    for group in groups:
        edited = edit_group(group, sources)
        problems += edited.problems
        if edited.files:
            remaining = replace(group, choices=edited.choices)
            branch = circumstances.base if circumstances.everything_together else None
            change_sets.append(
                changeset.build(
                    remaining,
                    edited.files,
                    edited.edits_by_file,
                    base=circumstances.base,
                    branch=branch,
                )
            )
    return tuple(change_sets), problems


@dataclass(frozen=True, slots=True)
class EditedGroup:
    files: Mapping[str, bytes]
    edits_by_file: Mapping[str, tuple[Edit, ...]]
    choices: tuple[Choice, ...]  # those whose edits went in
    problems: tuple[Problem, ...]


def edit_group(group: Group, sources: Mapping[str, bytes]) -> EditedGroup:
    """New content of each file of the group; an edit that cannot be made becomes a problem."""
    files: dict[str, bytes] = {}
    edits_by_file: dict[str, tuple[Edit, ...]] = {}
    kept: list[Choice] = []
    problems: list[Problem] = []
    for file in sorted({choice.occurrence.file for choice in group.choices}):
        choices = [choice for choice in group.choices if choice.occurrence.file == file]
        made, good, refused = rewritten(file, sources[file], choices)
        problems += refused
        if made and made.content != sources[file]:
            files[file], edits_by_file[file] = made.content, made.edits
            kept += good
    return EditedGroup(files, edits_by_file, tuple(kept), tuple(problems))


def rewritten(
    file: str, source: bytes, choices: Sequence[Choice]
) -> tuple[RewrittenFile | None, list[Choice], list[Problem]]:
    """The file with all edits that can be made together, and a problem for each of the others."""
    find = formats.finder(choice.policy for choice in choices if choice.policy)
    try:
        return edits.rewrite(file, source, _updates(choices), find), list(choices), []
    except ImagebotError:
        pass
    made: RewrittenFile | None = None
    good: list[Choice] = []
    problems = []
    for choice in choices:
        try:
            made = edits.rewrite(file, source, _updates([*good, choice]), find)
            good.append(choice)
        except ImagebotError as error:
            problems.append(_refused(choice.occurrence, error))
    return made, good, problems


def _updates(choices: Sequence[Choice]) -> list[Update]:
    return [choice.update for choice in choices if choice.update]


def _refused(occurrence: Occurrence, error: ImagebotError) -> Problem:
    return Problem(
        occurrence.file,
        occurrence.line,
        occurrence.column,
        f"cannot be edited safely: {error}",
        hint=error.hint,
        address=occurrence.address,
    )
