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

from imagebot import (
    asking,
    carrying,
    changeset,
    choosing,
    edits,
    formats,
    grouping,
    owners,
    records,
    request_rules,
    status,
    timing,
)
from imagebot.body import UserTemplate
from imagebot.body.told import NOTHING_TOLD
from imagebot.carrying import dashboards
from imagebot.carrying.branches import Branch
from imagebot.choosing.cases import Case, Decision, Wanted, case_of, choice_of, repositories_of
from imagebot.choosing.declined import Declined
from imagebot.choosing.known import Known
from imagebot.describing import Describer
from imagebot.edits import RewrittenFile
from imagebot.errors import ImagebotError, NotInRegistry, PushRejected, RegistryError
from imagebot.git import BareClone, GitState
from imagebot.grouping import Group
from imagebot.image import Digest, Repository
from imagebot.interfaces import Conversation, FileTree, Forge, Ledger, OccurrenceCache, Registry
from imagebot.model import (
    ChangeSet,
    Choice,
    Edit,
    Occurrence,
    Outcome,
    Problem,
    Proposed,
    PullRequest,
    PullRequestState,
    TagList,
    Update,
)
from imagebot.owners import Dialect
from imagebot.policy import defaults, sharing
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
    describer: Describer | None = None  # who finds out what bodies tell of the images


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What bears on a plan besides the files: what is proposed already, the time, the base."""

    now: datetime
    base: str
    proposed: tuple[Proposed, ...] = ()
    everything_together: bool = False
    within: str = ""  # only occurrences in this folder or file
    default_policy: Policy | None = None  # for occurrences, when the tree has no policy at all
    owners: Dialect | None = None  # how the forge reads CODEOWNERS, None where it does not


def reconcile(clients: Clients, now: datetime) -> Outcome:
    """Bring the pull requests of one git repository in line with its policies."""
    for _ in range(MAX_FRESH_STARTS):
        try:
            return _reconcile_once(clients, now)
        except PushRejected as error:  # somebody was faster: look again at everything
            rejected = error
    raise rejected


def _reconcile_once(clients: Clients, now: datetime, *, is_turned: bool = False) -> Outcome:
    state = clients.git.refresh()
    branches = carrying.read_branches(clients.git, state)
    circumstances = Circumstances(
        now=now,
        base=state.base.branch,
        proposed=tuple(offer for branch in branches for offer in branch.proposed),
        everything_together=clients.is_direct,
        owners=owners.DIALECTS.get(clients.forge.name),
    )
    tree = clients.git.tree(state.base.commit)
    looked = look(tree, clients.registry, clients.ledger, circumstances, clients.cache)
    rules = looked.survey.repository_policy
    if rules and rules.base not in ("", state.base.branch) and not is_turned:
        clients.git.turn_to(rules.base)
        return _reconcile_once(clients, now, is_turned=True)
    wanted = settle(looked, clients.registry, clients.ledger, circumstances, clients.describer)
    if clients.is_direct:
        carried = carrying.commit_directly(clients.git, state, wanted.change_sets, now)
        return _told(clients, wanted, carried)
    return _through_requests(clients, state, branches, looked, wanted, circumstances)


def _told(clients: Clients, wanted: Plan, carried: carrying.Carried) -> Outcome:
    problems = (*wanted.problems, *carried.problems)
    return status.outcome(clients.name, wanted.choices, problems, carried.proposals, carried.closed)


def _through_requests(
    clients: Clients,
    state: GitState,
    branches: Sequence[Branch],
    looked: "Looked",
    wanted: Plan,
    circumstances: Circumstances,
) -> Outcome:
    """Carry the plan by pull requests, and tell of it on the dashboard where there is one."""
    now, forge = circumstances.now, clients.forge
    rules = looked.survey.repository_policy
    talk = forge if isinstance(forge, Conversation) and rules and rules.dashboard else None
    board = dashboards.find(talk) if talk else dashboards.Board()
    wanted, requests = _without_declined(clients, looked, wanted, circumstances, branches)
    if _was_merged_meanwhile(clients, state, branches, requests):
        raise PushRejected(f"{state.base.branch} moved while it was looked at")
    closed, kept_back = _waits(looked, wanted, branches, requests, now)
    world = carrying.World(
        clients.git,
        forge,
        state,
        branches,
        requests,
        now,
        clients.name,
        clients.cache,
        asked=board.asked,
        closed=closed,
        waits={name: why for name, why in kept_back.items() if name not in board.asked.open},
    )
    keep = carrying.what_to_keep(branches, wanted.choices, wanted.problems)
    outcome = _told(clients, wanted, carrying.carry(world, wanted.change_sets, keep))
    if talk and rules and rules.dashboard:
        dashboards.show(talk, board, rules.dashboard, outcome)
    return outcome


def _without_declined(
    clients: Clients,
    looked: "Looked",
    wanted: Plan,
    circumstances: Circumstances,
    branches: Sequence[Branch],
) -> tuple[Plan, dict[str, PullRequest]]:
    """The plan without the versions that people declined, and the requests of all branches.

    What was declined stands in the requests, and which requests matter is known only from a plan;
    another choice may be another group, so it is looked at again.
    """
    requests: dict[str, PullRequest] = {}
    asked: set[str] = set()
    heads = {branch.head.branch for branch in branches}
    while True:
        heads |= {changes.branch for changes in wanted.change_sets}
        if heads - asked:
            requests |= clients.forge.find(sorted(heads - asked))
            asked |= heads
        declined = declined_in(wanted.change_sets, requests, looked.known.declined)
        if declined == looked.known.declined:
            return wanted, requests
        looked.known.declined = declined
        wanted = settle(looked, clients.registry, clients.ledger, circumstances, clients.describer)


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
        if (request := requests.get(branch.head.branch))
        and request.state is PullRequestState.MERGED
        and request.head_commit == branch.head.commit
    ]
    return bool(merged) and clients.git.refresh().base.commit != state.base.commit


def _waits(
    looked: "Looked",
    wanted: Plan,
    branches: Sequence[Branch],
    requests: Mapping[str, PullRequest],
    now: datetime,
) -> tuple[dict[str, str], dict[str, str]]:
    """What the clock keeps back, and what limits do: why not now, by branch.

    What the clock keeps back takes no place of what may go.
    """
    policies = {choice.policy.identity: choice.policy for choice in wanted.choices if choice.policy}
    closed = timing.closed_by_the_clock(wanted.change_sets, policies, now)
    kept_back = timing.kept_back(
        [changes for changes in wanted.change_sets if changes.branch not in closed],
        requests,
        {branch.head.branch: branch.proposed for branch in branches},
        policies,
        looked.survey.repository_policy,
        {key: sighting.first_seen_at for key, sighting in looked.known.sightings.items()},
        now,
    )
    return closed, kept_back


def declined_in(
    change_sets: Iterable[ChangeSet],
    requests: Mapping[str, PullRequest],
    known: Mapping[tuple[str, Repository], tuple[Declined, ...]],
) -> dict[tuple[str, Repository], tuple[Declined, ...]]:
    """What is known to be declined with what the requests of these change sets say of it.

    An open request counts for what was declined before it, not for itself.
    """
    found = dict(known)
    for changes in change_sets:
        request = requests.get(changes.branch)
        if request is None:
            continue
        is_closed = request.state is PullRequestState.CLOSED
        versions = records.declined_by(request.body, is_closed_by_person=is_closed)
        for key in {(offer.policy, offer.repository) for offer in changes.proposed}:
            declined = [
                Declined(tag, Digest(digest) if digest else None)
                for image, tag, digest in versions
                if image == str(key[1])
            ]
            if declined:
                found[key] = tuple(dict.fromkeys((*found.get(key, ()), *declined)))
    return found


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in the tree and asked of the registries, before anything is decided."""

    tree: FileTree
    survey: Survey
    wanted: tuple[Wanted, ...]
    problems: tuple[Problem, ...]  # of governing
    known: Known


def plan(
    tree: FileTree,
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    cache: OccurrenceCache | None = None,
    progress: Progress | None = None,
    describer: Describer | None = None,
) -> Plan:
    """Everything up to the first write. Without `describer` bodies tell nothing of the images."""
    looked = look(tree, registry, ledger, circumstances, cache, progress)
    return settle(looked, registry, ledger, circumstances, describer)


def look(
    tree: FileTree,
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    cache: OccurrenceCache | None = None,
    progress: Progress | None = None,
) -> Looked:
    """Find what is governed, and ask the registries once for each image."""
    found = survey(tree, cache)
    wanted, problems = govern(found, circumstances.default_policy, circumstances.within)
    cases = [case_of(item, circumstances.now.date()) for item in wanted]
    asked = [case for case in cases if isinstance(case, Case)]
    known = listed(asked, registry, ledger, circumstances, progress)
    return Looked(tree, found, tuple(wanted), tuple(problems), known)


def settle(
    looked: Looked,
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    describer: Describer | None = None,
) -> Plan:
    """Decide by what is known, asking for what is missing, and present the changes."""
    found, problems, within = looked.survey, looked.problems, circumstances.within
    choices = choose(looked.wanted, looked.known, registry, ledger, circumstances)
    going, kept_back = _going(choices, circumstances)
    change_sets, refused = present(looked, going, circumstances, describer)
    seen = [problem for problem in (*found.problems, *problems) if is_within(problem.file, within)]
    wrong = [
        problem
        for problem in (*found.policy_problems, *problems)
        if is_within(problem.file, within) or is_within(within, problem.file.rpartition("/")[0])
    ]
    seen += [problem for problem in wrong if problem not in seen]
    return Plan(found, choices, (*seen, *refused, *kept_back), change_sets, tuple(wrong))


def _going(
    choices: Sequence[Choice], circumstances: Circumstances
) -> tuple[Sequence[Choice], list[Problem]]:
    """Without those that the clock keeps back, where there is no request that could wait."""
    if not circumstances.everything_together:
        return choices, []
    going: list[Choice] = []
    problems: list[Problem] = []
    for choice in choices:
        closed = timing.closed_policy(choice.policy, circumstances.now) if choice.update else ""
        if closed:
            place = choice.occurrence
            text = f"its update waits: {closed}"
            problems.append(Problem(place.file, place.line, place.column, text, is_warning=True))
        else:
            going.append(choice)
    return going, problems


def govern(
    found: Survey, default_policy: Policy | None, within: str = ""
) -> tuple[list[Wanted], list[Problem]]:
    """Which policy governs each occurrence that stands in the folder or file `within`."""
    occurrences = [item for item in found.occurrences if is_within(item.file, within)]
    if default_policy and not (found.policies or found.broken):
        shown = defaults.complete(default_policy, found.repository_policy)
        return [Wanted(item, shown, item.reference) for item in occurrences], []
    governor = Governor(found.policies, found.broken, found.repository_policy)
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
    known: Known,
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
) -> tuple[Choice, ...]:
    """Decide once for each case, and say for each occurrence what that means."""
    cases = [case_of(item, circumstances.now.date()) for item in wanted]
    decisions = decide([case for case in cases if isinstance(case, Case)], known, registry, ledger)
    return tuple(
        choice_of(item, case if isinstance(case, Decision) else decisions[case.key])
        for item, case in zip(wanted, cases, strict=True)
    )


def listed(
    cases: Iterable[Case],
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    progress: Progress | None = None,
) -> Known:
    """What the registries list for these cases, and what the ledger knows of it."""
    different = list({case.key: case for case in cases}.values())
    listings = registry.list_many(repositories_of(different), progress)
    known = Known(
        now=circumstances.now,
        listings=listings,
        proposed=tuple(still_offered(registry, listings, circumstances.proposed)),
    )
    asking.note_listings(ledger, known, different)
    return known


def decide(
    cases: Iterable[Case], known: Known, registry: Registry, ledger: Ledger
) -> Mapping[tuple[object, ...], Decision]:
    """Each different case's decision by its key. `known` grows by what had to be asked."""
    different = {case.key: case for case in cases}
    deciding = {key: choosing.decide(case, known) for key, case in different.items()}
    return asking.settle(deciding, known, registry, ledger)


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
    looked: Looked,
    choices: Sequence[Choice],
    circumstances: Circumstances,
    describer: Describer | None,
) -> tuple[tuple[ChangeSet, ...], list[Problem]]:
    """Edit the files of each group and describe the change. A bad edit never costs its group."""
    groups = grouping.group_choices(choices, everything_together=circumstances.everything_together)
    files = {choice.occurrence.file for group in groups for choice in group.choices}
    sources = dict(looked.tree.read(sorted(files)))
    templates, problems = read_templates(looked.tree, groups)
    edited = [(group, edit_group(group, sources)) for group in groups]
    problems += [problem for _, each in edited for problem in each.problems]
    remaining = [
        (replace(group, choices=each.choices), each) for group, each in edited if each.files
    ]
    told = NOTHING_TOLD
    if describer and not circumstances.everything_together:  # a direct commit has no body
        proposed = [group.choices for group, _ in remaining]
        told = describer.tell(proposed, looked.known.facts, circumstances.now)
    owners_of = _owners(looked.tree, circumstances.owners)
    change_sets = [
        changeset.build(
            group,
            each.files,
            each.edits_by_file,
            base=circumstances.base,
            branch=circumstances.base if circumstances.everything_together else None,
            before=sources,
            told=told,
            template=templates.get(template_of(group)),
            owners=owners_of(group, sorted(each.files)),
        )
        for group, each in remaining
    ]
    return tuple(change_sets), problems


def _owners(
    tree: FileTree, dialect: Dialect | None
) -> Callable[[Group, Sequence[str]], tuple[str, ...]]:
    """Whom CODEOWNERS names for the files of a group whose policies ask for them.

    The file is read once, and only where a policy asks.
    """
    found: list[bytes] = []

    def owners_of(group: Group, files: Sequence[str]) -> tuple[str, ...]:
        asks = any(policy.pull_request.code_owners for policy in request_rules.policies_of(group))
        if not asks or dialect is None:
            return ()
        if not found:
            places = dict(tree.read(owners.FILES[dialect]))
            found.append(next((places[p] for p in owners.FILES[dialect] if p in places), b""))
        return owners.owners_of(found[0], dialect, files).reviewers

    return owners_of


def template_of(group: Group) -> str:
    """Path of the file with the template of the group's body, "" for imagebot's own."""
    rules = [policy.pull_request for policy in request_rules.policies_of(group)]
    return request_rules.first(rules, lambda each: each.template)


def read_templates(
    tree: FileTree, groups: Iterable[Group]
) -> tuple[dict[str, UserTemplate], list[Problem]]:
    """The templates that the groups' policies name, by path, and what is wrong with the names."""
    policies = {
        policy.pull_request.template: policy
        for group in groups
        for policy in request_rules.policies_of(group)
        if policy.pull_request.template
    }
    texts = dict(tree.read(sorted(policies)))
    missing = [
        Problem(
            policy.file,
            policy.line,
            0,
            f"pullRequest.template: there is no file {path!r}, so imagebot's own is taken",
            hint="the path is from the root of the git repository",
            is_warning=True,
        )
        for path, policy in policies.items()
        if path not in texts
    ]
    found = {
        path: UserTemplate(path, text.decode(errors="replace")) for path, text in texts.items()
    }
    return found, missing


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
