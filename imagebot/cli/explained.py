"""What `explain` and `policy test` tell of one policy that meets one current tag.

Decides nothing: the decision comes from the code that `plan` and `apply` run (planning.decide).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from imagebot import choosing, planning
from imagebot.choosing.cases import Case, Decision
from imagebot.choosing.known import Known
from imagebot.given import Given, without_unasked
from imagebot.interfaces import Ledger, Registry
from imagebot.model import Explanation, GateVerdict, Ground, TagList, Verdict
from imagebot.planning import Circumstances, Progress
from imagebot.policy.governing import OtherPolicy
from imagebot.policy.model import Policy, Skip
from imagebot.proposals import Proposed
from imagebot.selection.shapes import natural_key
from imagebot.tag_lists import GivenTag

NEAREST_FIRST = (
    Ground.SKIPPED,
    Ground.STEP,
    Ground.RANGE,
    Ground.PRE_RELEASE,
    Ground.EXCLUDED,
    Ground.SAME,
    Ground.LOWER,
    Ground.FAMILY,
    Ground.FILTER,
    Ground.UNREADABLE,
    Ground.ARTIFACT,
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy and a current tag, with the places where that is written.

    `hindrance`: why nothing is decided there, whatever tags there are. The default policy, which
    has no file, stands where none governs.
    """

    case: Case
    places: tuple[str, ...] = ()
    hindrance: Decision | None = None
    others: tuple[OtherPolicy, ...] = ()
    is_named: bool = False  # by --policy
    is_asked_alone: bool = False  # the tag was given, and stands at none of the places


@dataclass(frozen=True, slots=True)
class TagRow:
    """What became of one tag."""

    tag: str
    verdict: str  # chosen, held, refused, allowed, current, rejected
    reason: str
    ground: Ground | None = None  # of a rejection


@dataclass(frozen=True, slots=True)
class Explained:
    subject: Subject
    decision: Decision
    explanation: Explanation | None  # None: no tag is known
    dropped_count: int  # names in the listing that are no tags
    is_current_listed: bool
    now: datetime
    unasked: tuple[tuple[str, str], ...] = ()  # gate, and what it would have asked

    @property
    def policy(self) -> Policy:
        return self.subject.case.policy

    @property
    def chosen(self) -> str | None:
        """The tag to write; None while anything hinders that."""
        return None if self.subject.hindrance else self.decision.tag

    @property
    def reason(self) -> str:
        hindrance = self.subject.hindrance
        return hindrance.reason if hindrance else self.decision.reason

    @property
    def skips(self) -> tuple[Skip, ...]:
        """Those that count today."""
        today = self.now.date()
        return tuple(each for each in self.policy.skip if each.until is None or today < each.until)

    def rows(self) -> list[TagRow]:
        """Every tag once: the candidates, best first, the current, the rejections by reason."""
        if self.explanation is None:
            return []
        stopped = {
            each.tag: each for each in self.decision.verdicts if each.verdict is not Verdict.ADMIT
        }
        rows = [self._candidate(each.tag, stopped) for each in self.explanation.candidates]
        current = self.subject.case.tag
        if current and self.is_current_listed and current not in {row.tag for row in rows}:
            rows.append(TagRow(current, "current", "the current tag"))
        rejections = sorted(
            self.explanation.rejections, key=lambda each: natural_key(each.tag), reverse=True
        )
        rejections.sort(key=lambda each: NEAREST_FIRST.index(each.ground))
        rows += [TagRow(each.tag, "rejected", each.reason, each.ground) for each in rejections]
        return rows

    def _candidate(self, tag: str, stopped: dict[str, GateVerdict]) -> TagRow:
        if tag == self.chosen:
            return TagRow(tag, "chosen", self.decision.reason.partition(";")[0])
        if tag in stopped:
            verdict = stopped[tag]
            word = "held" if verdict.verdict is Verdict.HOLD else "refused"
            return TagRow(tag, word, f"{verdict.gate}: {verdict.reason}")
        if self.chosen:
            return TagRow(tag, "allowed", f"{self.chosen} is better")
        waits = any(each.verdict is Verdict.HOLD for each in stopped.values())
        return TagRow(tag, "allowed", "waits with a better one" if waits else "not looked at")


def explain_all(
    subjects: Sequence[Subject],
    registry: Registry,
    ledger: Ledger,
    now: datetime,
    *,
    proposed: tuple[Proposed, ...] = (),
    progress: Progress | None = None,
) -> list[Explained]:
    """Decide as `plan` does, and ask selection what became of every tag."""
    circumstances = Circumstances(now, "main", proposed)
    cases = [subject.case for subject in subjects]
    known = planning.listed(cases, registry, ledger, circumstances, progress)
    decisions = planning.decide(cases, known, registry, ledger)
    return [_explained(subject, decisions[subject.case.key], known, now) for subject in subjects]


def _explained(subject: Subject, decision: Decision, known: Known, now: datetime) -> Explained:
    listing = known.listings.get(subject.case.repository)
    tags = listing.tags if isinstance(listing, TagList) else ()
    is_listed = subject.case.tag in tags
    explanation = choosing.explained(subject.case, known)
    dropped = listing.dropped_count if isinstance(listing, TagList) else 0
    return Explained(subject, decision, explanation, dropped, is_listed, now)


def explain_given(
    subjects: Iterable[Subject], tags: Sequence[GivenTag], now: datetime
) -> list[Explained]:
    """The same over tags that were given; what would have to be asked is named instead."""
    has_times = any(each.at for each in tags)
    listed = {each.tag for each in tags}
    has_digests = any(each.digest for each in tags)
    found = []
    for subject in subjects:
        case = subject.case
        policy, unasked = without_unasked(case.policy, has_times=has_times)
        given = Given(case.repository, tags, unlisted=case.tag or "")
        asked = replace(subject, case=replace(case, policy=policy))
        (explained,) = explain_all([asked], given, given, now)
        more = [("registry", "whether the tag still exists")]
        if not has_digests:
            more.append(("content", "whether it differs from what runs today"))
        decision = explained.decision
        has_digest = has_digests and decision.tag in listed
        if case.wants_digest and not has_digest:
            more.append(("pin", "which digest to write"))
        if not has_digest:
            decision = replace(decision, digest=None)
        if not tags:
            decision = Decision("the list that was given holds no tags")
        found.append(
            replace(explained, subject=subject, decision=decision, unasked=(*unasked, *more))
        )
    return found
