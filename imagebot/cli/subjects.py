"""Where an image is written, under which policy, and which others name it: for `explain`.

Pure but for what it is given: a survey of the files comes in, `Subject`s to be explained go out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from imagebot.choosing.cases import Case, Decision, Wanted, case_of
from imagebot.cli.explained import Subject
from imagebot.cli.plan import DEFAULT_POLICY
from imagebot.errors import UsageError
from imagebot.image import ImageReference
from imagebot.model import Occurrence, Part, Problem
from imagebot.planning import is_within
from imagebot.policy.governing import Governed, Governor
from imagebot.policy.model import Policy
from imagebot.survey import Survey

MAX_SUBJECTS = 50


@dataclass(frozen=True, slots=True)
class Subjects:
    """What is to be explained. `would_govern`: policies that name the image, if nothing does."""

    found: tuple[Subject, ...]
    problems: tuple[Problem, ...] = ()
    is_written: bool = True
    would_govern: tuple[Policy, ...] = ()
    left_out_count: int = 0


def subjects_of(
    found: Survey, reference: ImageReference, policy_name: str | None, within: str, today: date
) -> Subjects:
    """Each policy and current tag of the image; a tag given with it takes the files' place."""
    governor = Governor(found.policies, found.broken, found.repository_policy)
    named = named_policy(found.policies, policy_name)
    problems = [
        each
        for each in (*found.policy_problems, *governor.problems)
        if is_within(each.file, within) or is_within(within, each.file.rpartition("/")[0])
    ]
    subjects: dict[tuple[object, ...], Subject] = {}
    for occurrence in found.occurrences:
        if not is_within(occurrence.file, within):
            continue
        governed = governor.govern(occurrence)
        whole = governed.reference or occurrence.reference
        if whole is None or whole.repository != reference.repository:
            continue
        problems += [governed.problem] if governed.problem and not named else []
        given = reference if reference.tag or reference.digest else whole
        subject = _subject(occurrence, governed, named, given, today)
        is_alone = (given.tag, given.digest) != (whole.tag, whole.digest)
        others = governor.others(occurrence) if not named else ()
        subject = replace(subject, others=others, is_asked_alone=is_alone)
        key = (subject.case.key, subject.hindrance.reason if subject.hindrance else "")
        subjects[key] = _joined(subjects.get(key), subject)
    if subjects:
        every = tuple(subjects.values())
        left_out = max(len(every) - MAX_SUBJECTS, 0)
        return Subjects(every[:MAX_SUBJECTS], tuple(problems), left_out_count=left_out)
    naming = governor.naming(reference.repository)
    policies = [named] if named else [*naming[:MAX_SUBJECTS]] or [DEFAULT_POLICY]
    return Subjects(
        tuple(
            Subject(
                Case(policy, reference.repository, reference.tag, reference.digest),
                is_named=policy is named,
            )
            for policy in policies
        ),
        tuple(problems),
        is_written=False,
        would_govern=naming,
    )


def _subject(
    occurrence: Occurrence,
    governed: Governed,
    named: Policy | None,
    reference: ImageReference,
    today: date,
) -> Subject:
    policy = named or governed.policy or DEFAULT_POLICY
    decided = case_of(Wanted(occurrence, policy, reference), today)
    hindrance = decided if isinstance(decided, Decision) else None
    if policy is DEFAULT_POLICY:
        why = governed.problem.message if governed.problem else "no policy governs it"
        hindrance = Decision(why)
    is_digest_alone = all(slot.part is Part.DIGEST for slot in occurrence.slots)
    case = Case(policy, reference.repository, reference.tag, reference.digest, is_digest_alone)
    place = f"{occurrence.file}:{occurrence.line}"
    return Subject(case, (place,), hindrance, is_named=named is not None)


def _joined(one: Subject | None, other: Subject) -> Subject:
    """The same policy and tag in another place."""
    if one is None:
        return other
    known = {(each.policy.identity, each.why) for each in one.others}
    more = [each for each in other.others if (each.policy.identity, each.why) not in known]
    return replace(
        one,
        places=one.places + other.places,
        others=(*one.others, *more),
        is_asked_alone=one.is_asked_alone and other.is_asked_alone,
    )


def named_policy(policies: Sequence[Policy], name: str | None) -> Policy | None:
    """The policy of that name or identity. Raises UsageError where it is not exactly one."""
    if name is None:
        return None
    matching = [policy for policy in policies if name in (policy.name, policy.identity)]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(sorted(policy.identity for policy in matching or policies))
    raise UsageError(
        f"{'several policies are' if matching else 'no policy is'} called {name!r}",
        hint=f"name one of: {names}" if names else "there is no policy here",
    )
