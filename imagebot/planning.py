"""A plan: everything from the files of a tree up to the first look at a forge.

`imagebot plan` shows it and `reconcile` carries it out (law 3). Registries and ledger are asked for
what decisions have to know; nothing is written. Clients come as arguments.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import (
    asking,
    choosing,
    grouping,
    presenting,
    timing,
    tracing,
)
from imagebot.choosing.cases import Case, Decision, Wanted, case_of, choice_of, repositories_of
from imagebot.choosing.known import Known
from imagebot.describing import Describer
from imagebot.errors import NotInRegistry, RegistryError
from imagebot.image import Repository
from imagebot.interfaces import FileTree, Ledger, Registry
from imagebot.model import Choice, Problem, TagList
from imagebot.overlays import FORMAT as OVERLAY_FORMAT
from imagebot.overlays import Overlays
from imagebot.policy import defaults, sharing
from imagebot.policy.governing import Governor
from imagebot.policy.model import Policy
from imagebot.proposals import NO_FORGE, ChangeSet, ForgeTraits, Proposed
from imagebot.survey import Survey
from imagebot.version import Step

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
class Circumstances:
    """What bears on a plan besides the files: what is proposed already, the time, the base."""

    now: datetime
    base: str
    proposed: tuple[Proposed, ...] = ()
    everything_together: bool = False
    within: str = ""  # only occurrences in this folder or file
    default_policy: Policy | None = None  # for occurrences, when the tree has no policy at all
    forge: ForgeTraits = NO_FORGE


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in the tree and asked of the registries, before anything is decided."""

    tree: FileTree
    survey: Survey
    wanted: tuple[Wanted, ...]
    problems: tuple[Problem, ...]  # of governing
    known: Known


def look(
    tree: FileTree,
    found: Survey,
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
    progress: Progress | None = None,
) -> Looked:
    """Find what is governed of what was found, and ask the registries once for each image."""
    wanted, problems = govern(found, circumstances.default_policy, circumstances.within)
    cases = [case_of(item, circumstances.now.date()) for item in wanted]
    asked = [case for case in cases if isinstance(case, Case)]
    with tracing.span("list tags"):
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
    with tracing.span("decide"):
        choices = choose(looked.wanted, looked.known, registry, ledger, circumstances)
    going, kept_back = _going(choices, circumstances)
    if not circumstances.everything_together:
        beside = _below_major(looked, choices, registry, ledger, circumstances)
        going = (*going, *beside)
    frame = presenting.Frame(
        circumstances.now,
        circumstances.base,
        circumstances.everything_together,
        circumstances.forge,
        _unread(found, problems),
    )
    facts = looked.known.facts
    with tracing.span("edit"):
        change_sets, refused = presenting.present(looked.tree, going, facts, frame, describer)
    seen = [problem for problem in (*found.problems, *problems) if is_within(problem.file, within)]
    wrong = [
        problem
        for problem in (*found.policy_problems, *problems)
        if is_within(problem.file, within) or is_within(within, problem.file.rpartition("/")[0])
    ]
    wrong += [each for each in seen if not each.is_warning and each not in wrong]
    seen += [problem for problem in wrong if problem not in seen]
    return Plan(found, choices, (*seen, *refused, *kept_back), change_sets, tuple(wrong))


def _unread(found: Survey, problems: Sequence[Problem]) -> list[Problem]:
    """What was not read of any file's images, and which of them nothing governs by mistake."""
    of_policies = set(found.policy_problems)
    unread = [problem for problem in found.problems if problem not in of_policies]
    return [*unread, *(problem for problem in problems if not problem.is_warning)]


def _below_major(
    looked: Looked,
    choices: Sequence[Choice],
    registry: Registry,
    ledger: Ledger,
    circumstances: Circumstances,
) -> list[Choice]:
    """What goes beside major updates that have requests of their own, and so hide nothing."""
    cases: list[tuple[Wanted, Case]] = []
    for item, choice in zip(looked.wanted, choices, strict=True):
        is_major = choice.update is not None and choice.update.step is Step.MAJOR
        if is_major and choice.policy and grouping.keeps_major_apart(choice.policy):
            case = case_of(item, circumstances.now.date())
            if isinstance(case, Case):
                cases.append((item, replace(case, is_below_major=True)))
    decisions = decide([case for _, case in cases], looked.known, registry, ledger)
    beside = [choice_of(item, decisions[case.key]) for item, case in cases]
    return [choice for choice in beside if choice.update]


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
    overlays = Overlays(found.kustomizations)
    wanted: list[Wanted] = []
    problems = list(governor.problems)
    governed_each = [governor.govern(occurrence) for occurrence in occurrences]
    settled = list(zip(occurrences, sharing.settle(occurrences, governed_each), strict=True))
    updated = {
        (occurrence.file, occurrence.reference.name)
        for occurrence, governed in settled
        if governed.policy and occurrence.reference and occurrence.format == OVERLAY_FORMAT
    }
    for occurrence, governed in settled:
        refusal = governed.problem.message if governed.problem else ""
        wanted.append(Wanted(occurrence, governed.policy, governed.reference, refusal))
        if governed.problem:
            problems.append(governed.problem)
        if governed.policy and (overridden := overlays.problem(occurrence, updated)):
            problems.append(overridden)
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
