"""What a person declined by closing its pull request, and what goes with it.

Pure. Exactly the versions of a closed request are not proposed again. Neither is a lower one that
is as far from the current: who did not want 2.4.1 is not offered 2.4.0. But a fix of the current
version is, below a minor or major one that was declined, and so is whatever comes later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from imagebot.image import Digest
from imagebot.model import DECLINED, Candidate, GateVerdict, Verdict

BELOW_DECLINED = "below-declined"  # the gate of those that one declined version bars


@dataclass(frozen=True, slots=True)
class Declined:
    """One version of an image that a person does not want."""

    tag: str
    digest: Digest | None
    why: str = field(default="a person closed a request that proposed it", compare=False)
    request: int = field(default=0, compare=False)  # the closed one, if a box can undo it


def verdict_on(tag: str, digest: Digest | None, declined: Sequence[Declined]) -> GateVerdict | None:
    """The person's word on exactly this version; with another digest it is another version."""
    for each in declined:
        if each.tag == tag and (each.digest is None or digest is None or each.digest == digest):
            return GateVerdict(tag, DECLINED, Verdict.REJECT, each.why, undone_by=each.request)
    return None


def unbarred(
    candidates: Sequence[Candidate], declined: Sequence[Declined], *, with_digest: bool
) -> tuple[list[Candidate], list[GateVerdict]]:
    """The candidates, best first, that no declined one bars, and a verdict for each other.

    Where a digest is written the declined tag itself stays: its digest has to be looked at.
    """
    left: list[Candidate] = []
    verdicts: list[GateVerdict] = []
    bar: tuple[int, str] | None = None  # the lowest step that is barred below which tag
    for candidate in candidates:
        refused = verdict_on(candidate.tag, None, declined)
        if refused:
            step = _rank(candidate)
            bar = (step, candidate.tag) if bar is None or step < bar[0] else bar
            if with_digest:
                left.append(candidate)
            else:
                verdicts.append(refused)
        elif bar and _rank(candidate) >= bar[0]:
            why = f"not higher than {bar[1]}, which a person declined"
            verdicts.append(GateVerdict(candidate.tag, BELOW_DECLINED, Verdict.REJECT, why))
        else:
            left.append(candidate)
    return left, verdicts


def _rank(candidate: Candidate) -> int:
    """How far a candidate is; where the order knows no steps all are equally far."""
    return 0 if candidate.step is None else candidate.step.height
