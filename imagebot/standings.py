"""What the gates say of a proposal, as commit statuses that branch protection can ask for.

Pure. The contexts are always the same, so that a protection rule finds each of them on each
commit, also where a policy asks nothing of a gate.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from imagebot.model import Choice, Verdict
from imagebot.talk import CommitStatus, StatusState
from imagebot.texts import one_line

MAX_TEXT = 140  # GitHub takes no more
_PREFIX = "imagebot/"  # and the gate's name in `GateVerdict.gate`
COOLDOWN, PLATFORMS, WINDOW, HOLD = (
    f"{_PREFIX}{name}" for name in ("cooldown", "platforms", "window", "hold")
)
_PENDING, _SUCCESS = StatusState.PENDING, StatusState.SUCCESS


def of_gates(choices: Sequence[Choice]) -> tuple[CommitStatus, ...]:
    """What cool-down and platforms say of the tags that are proposed."""
    return (
        _gate(COOLDOWN, choices, "the policy asks for no age"),
        _gate(PLATFORMS, choices, "the policy asks for no platform"),
    )


def of_time(closed: str) -> CommitStatus:
    """Whether now is a time to merge. `closed` says why not, "" where it is."""
    state = _PENDING if closed else _SUCCESS
    return CommitStatus(WINDOW, state, _fit(closed or "updates may go now"))


def of_people(held: str) -> CommitStatus:
    """Whether a person said to leave it alone. `held` says who."""
    return CommitStatus(HOLD, _PENDING if held else _SUCCESS, _fit(held or "nobody holds it"))


_OTHERS = "somebody else committed to this branch, and imagebot does not know what it holds"
OF_OTHERS = tuple(
    CommitStatus(context, _PENDING, _OTHERS) for context in (COOLDOWN, PLATFORMS, WINDOW, HOLD)
)
"""Of a commit that is not imagebot's: whatever branch protection asks for, a person decides."""


def are_green(statuses: Iterable[CommitStatus]) -> bool:
    return all(each.state is _SUCCESS for each in statuses)


def fingerprint(commit: str, statuses: Sequence[CommitStatus]) -> str:
    """Equal where nothing new is to be shown on the same commit."""
    told = [[each.context, each.state.value, each.text] for each in statuses]
    return hashlib.sha256(json.dumps([commit, told]).encode()).hexdigest()[:16]


def _gate(context: str, choices: Sequence[Choice], otherwise: str) -> CommitStatus:
    proposed = [choice for choice in choices if choice.update]
    unknown = [choice for choice in proposed if choice.is_failure]
    if unknown:
        return CommitStatus(context, _PENDING, _fit(f"not known now: {unknown[0].reason}"))
    said = [
        each
        for choice in proposed
        if choice.update
        for each in choice.verdicts
        if _PREFIX + each.gate == context and each.tag == choice.update.tag
    ]
    waits = [each for each in said if each.verdict is not Verdict.ADMIT]
    if waits:
        return CommitStatus(context, _PENDING, _fit(str(waits[0])))
    more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
    text = f"{said[0].tag}: {said[0].reason}{more}" if said else otherwise
    return CommitStatus(context, _SUCCESS, _fit(text))


def _fit(text: str) -> str:
    return one_line(text, MAX_TEXT)
