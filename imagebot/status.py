"""What happened, in words and kinds: choices and proposals -> `Outcome`.

Pure. The one place that decides whether a reconciliation counts as up to date, proposed,
waiting, held or failed, and the one line that logs, the API and the command line show of it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from imagebot.model import Choice, Problem
from imagebot.proposals import Outcome, OutcomeKind, Proposal, PullRequest

HELD = "held"
DECLINED = "declined"


def outcome(
    repository: str,
    choices: Sequence[Choice],
    problems: Sequence[Problem],
    proposals: Sequence[Proposal],
    closed: Sequence[PullRequest] = (),
) -> Outcome:
    """Sum up one reconciliation."""
    return Outcome(
        repository,
        kind(choices, problems, proposals, closed),
        summary(choices, problems, proposals, closed),
        tuple(choices),
        tuple(problems),
        tuple(proposals),
        tuple(closed),
    )


def kind(
    choices: Sequence[Choice],
    problems: Sequence[Problem],
    proposals: Sequence[Proposal],
    closed: Sequence[PullRequest] = (),
) -> OutcomeKind:
    """The most urgent of what happened: failed, then stalled, proposed, held, waiting."""
    actions = {proposal.action for proposal in proposals}
    if "failed" in actions or any(choice.is_failure for choice in choices):
        return OutcomeKind.FAILED
    if any(not problem.is_warning for problem in problems):
        return OutcomeKind.STALLED
    if closed or actions & {"created", "updated", "pushed", "merged"}:
        return OutcomeKind.PROPOSED
    if "skipped" in actions or any(state(choice) in (HELD, DECLINED) for choice in choices):
        return OutcomeKind.HELD
    is_waiting = actions & {"unchanged", "waiting"}
    return OutcomeKind.WAITING if is_waiting else OutcomeKind.UP_TO_DATE


def summary(
    choices: Sequence[Choice],
    problems: Sequence[Problem],
    proposals: Sequence[Proposal],
    closed: Sequence[PullRequest] = (),
) -> str:
    """One line: counts of what was seen, done and not done."""
    parts = [counted(len(choices), "image reference")]
    behind = sum(1 for choice in choices if choice.update)
    parts.append(f"{behind} behind" if behind else "none behind")
    held = sum(1 for choice in choices if state(choice) == HELD)
    parts += [f"{held} held"] if held else []
    declined = sum(1 for choice in choices if state(choice) == DECLINED)
    parts += [f"{declined} declined"] if declined else []
    actions = Counter(proposal.action for proposal in proposals)
    parts += [f"{counted(count, 'change set')} {action}" for action, count in actions.items()]
    failures = sum(1 for choice in choices if choice.is_failure)
    errors = sum(1 for problem in problems if not problem.is_warning)
    parts += [f"{counted(len(closed), 'request')} closed"] if closed else []
    parts += [f"{failures} not known (registry)"] if failures else []
    warnings = len(problems) - errors
    parts += [counted(errors, "problem")] if errors else []
    parts += [counted(warnings, "warning")] if warnings else []
    return ", ".join(parts)


def unanswered(choices: Iterable[Choice]) -> dict[str, Problem]:
    """What kept each image's registry from being asked, at the image's first place, by its name.

    The name stays the same from run to run, where a registry in trouble answers anew each time.
    """
    found: dict[str, Problem] = {}
    for choice in choices:
        if choice.is_failure and choice.reference:
            name, at = str(choice.reference.repository), choice.occurrence
            message = f"{name}: {choice.reason}"
            found.setdefault(name, Problem(at.file, at.line, at.column, message))
    return found


def counted(count: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def state(choice: Choice) -> str:
    """One word for one occurrence, as metrics and JSON show it."""
    if choice.policy is None or not choice.policy.file:  # the default policy has no file
        return "ungoverned"
    if choice.is_failure:
        return "failed"
    if choice.update:
        return "behind"
    if choice.held:
        return HELD
    if choice.declined:
        return DECLINED
    return "suspended" if choice.is_suspended else "current"


def why(choice: Choice) -> str:
    """The reason of a choice and, where a better tag was passed over for it, what stopped that."""
    passed_over = choice.passed_over if choice.update else ()
    return "; ".join((choice.reason, *(str(each) for each in passed_over[:1])))
