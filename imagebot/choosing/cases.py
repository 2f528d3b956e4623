"""What is decided, for which occurrences: cases, and decisions turned into choices.

Pure. Occurrences of one image with one tag under one policy are one `Case`, decided once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from imagebot.image import Digest, ImageReference, Repository
from imagebot.model import Choice, GateVerdict, Occurrence, Selection, Update
from imagebot.policy.model import Order, Pin, Policy
from imagebot.version import Step


@dataclass(frozen=True, slots=True)
class Wanted:
    """An occurrence with the policy that governs it, and the image it stands for.

    `refusal` says why none governs although one would: it has errors, two do, an alias has another.
    """

    occurrence: Occurrence
    policy: Policy | None
    reference: ImageReference | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision depends on, besides the world."""

    policy: Policy
    repository: Repository
    tag: str | None
    digest: Digest | None
    is_digest_alone: bool = False  # only a digest is written, beside no name or tag
    can_hold_digest: bool = True  # a chart's version has no room for one
    is_below_major: bool = False  # what goes beside a major version that is proposed apart

    @property
    def key(self) -> tuple[object, ...]:
        written = (self.tag, self.digest, self.is_digest_alone, self.can_hold_digest)
        return (self.policy.identity, self.repository, self.is_below_major, *written)

    @property
    def wants_digest(self) -> bool:
        """Whether a digest is to be written with the tag."""
        is_written = self.digest is not None or self.is_digest_alone
        is_followed = self.policy.tags.order is Order.DIGEST
        keeps = self.policy.pin is Pin.KEEP and (is_written or is_followed)
        return self.can_hold_digest and (self.policy.pin is Pin.DIGEST or keeps)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for a case. `tag` None: nothing is to be written, `reason` says why."""

    reason: str
    tag: str | None = None
    digest: Digest | None = None
    step: Step | None = None
    selection: Selection | None = None
    verdicts: tuple[GateVerdict, ...] = ()
    is_failure: bool = False
    is_suspended: bool = False


def case_of(item: Wanted, today: date) -> Case | Decision:
    """The case that an occurrence is of, or the decision where no registry has to be asked."""
    if item.policy is None or item.reference is None:
        if item.occurrence.is_ignored:
            return Decision("a marker says to ignore it")
        return Decision(item.refusal or "no policy governs it")
    suspended = item.policy.suspended_on(today)
    if suspended:
        return Decision(suspended, is_suspended=True)
    untouched = _why_untouched(item)
    if untouched:
        return Decision(untouched)
    reference = item.reference
    is_digest_alone = all(slot.part.is_digest for slot in item.occurrence.slots)
    if is_digest_alone and item.policy.pin is Pin.TAG:
        return Decision("only a digest is written here, and the policy writes tags (pin: tag)")
    return Case(
        item.policy,
        reference.repository,
        reference.tag,
        reference.digest,
        is_digest_alone=is_digest_alone,
        can_hold_digest=item.occurrence.can_hold_digest,
    )


def _why_untouched(item: Wanted) -> str:
    if item.occurrence.reference is None:  # a tag or digest alone under a marker
        return ""
    if item.reference and item.reference.tag is None:
        if item.reference.digest:
            return "written as a digest without a tag, so there is no version to compare"
        return "no tag is written here"
    return ""


def repositories_of(cases: Iterable[Case]) -> list[Repository]:
    """Each image repository once, in a stable order."""
    return sorted({case.repository for case in cases})


def choice_of(item: Wanted, decision: Decision) -> Choice:
    """What a decision means for one occurrence."""
    update = None
    if decision.tag and item.reference:
        update = Update(
            item.occurrence, item.reference, decision.tag, decision.digest, decision.step
        )
    return Choice(
        item.occurrence,
        item.policy,
        item.reference,
        decision.selection,
        update,
        decision.reason,
        decision.is_failure,
        decision.is_suspended,
        decision.verdicts,
    )
