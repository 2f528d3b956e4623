"""From governed occurrences and listed tags to one `Choice` for each occurrence.

Pure. Selection ranks the tags; here it is decided what that means for a value in a file: which
tag and digest should stand there, or why it stays as it is. What has to be known of single tags
is asked by yielding `Questions` (known.py), only for the candidates that may be taken, best first.
"""

from collections.abc import Sequence
from dataclasses import replace

from imagebot import gates
from imagebot.choosing.admission import Taken, first_admitted, not_known
from imagebot.choosing.build_times import Times, times_of
from imagebot.choosing.cases import Case, Decision
from imagebot.choosing.declined import BELOW_DECLINED, unbarred
from imagebot.choosing.known import Asking, Known
from imagebot.errors import RegistryError
from imagebot.model import (
    DECLINED,
    Candidate,
    Explanation,
    GateVerdict,
    ImageFacts,
    Selection,
    TagList,
    Verdict,
)
from imagebot.policy.model import Order, Pin
from imagebot.selection import explain, select
from imagebot.times import shown_time
from imagebot.version import Step

MAX_RANKED = 10  # times, while tags turn out to have moved


def decide(case: Case, known: Known) -> Asking[Decision]:
    """Decide for one case, asking what has to be known on the way."""
    tags, failure = _known_tags(case, known)
    if not tags:
        return Decision(failure, is_failure=True)
    selection, taken = yield from _first_of(case, tags, known)
    if isinstance(taken, Decision):
        return taken
    if taken.failure:
        return Decision(
            taken.failure, selection=selection, verdicts=taken.verdicts, is_failure=True
        )
    decision = yield from _from_taken(case, selection, taken, known)
    is_failure = bool(failure) or decision.is_failure
    reason = decision.reason if decision.tag or not failure else failure
    decision = replace(decision, is_failure=is_failure, reason=reason)
    return _unless_written(case, decision)


def _first_of(
    case: Case, tags: Sequence[str], known: Known
) -> Asking[tuple[Selection, Taken | Decision]]:
    """The selection and the best of it that may go; a decision where that cannot be known now.

    Build times are those of remembered digests. Who looks at a candidate learns where its tag
    points now; one that moved to an older build has to rank anew.
    """
    selection, failure = yield from _selected(case, tags, known)
    for _ in range(MAX_RANKED):
        if failure:
            return selection, Decision(failure, selection=selection, is_failure=True)
        taken = yield from _taken_of(case, selection, known)
        if case.policy.tags.order is not Order.NEWEST_BUILD:
            return selection, taken
        again, failure = yield from _selected(case, tags, known)
        if not failure and again.candidates == selection.candidates:
            return selection, taken
        selection = again
    why = "its tags move faster than they can be looked at"
    return selection, Decision(why, selection=selection, is_failure=True)


def _taken_of(case: Case, selection: Selection, known: Known) -> Asking[Taken]:
    """The best that no person declined and every gate admits."""
    refused = known.declined.get((case.policy.identity, case.repository), ())
    candidates = [
        each
        for each in selection.candidates
        if not (case.is_below_major and each.step is Step.MAJOR)
    ]
    left, barred = unbarred(candidates, refused, with_digest=case.wants_digest)
    taken = yield from first_admitted(case, left, known)
    better = _better_than(candidates, taken.candidate)
    stopped = (each for each in barred if each.tag in better)
    return replace(taken, verdicts=(*stopped, *taken.verdicts))


def explained(case: Case, known: Known) -> Explanation | None:
    """What became of every tag, by what `decide` came to know; None where no tag is known."""
    tags, _ = _known_tags(case, known)
    if not tags:
        return None
    rules, skipped = case.policy.tags, case.policy.skipped_on(known.now.date())
    found = explain(rules, case.tag, tags, skipped=skipped)
    if not found.selection.undated:
        return found
    undated = [*([case.tag] if case.tag else []), *found.selection.undated]
    try:
        next(times_of(case.policy, case.repository, undated, known, case.tag))
    except StopIteration as end:
        times: Times = end.value
        if not times.failure:
            return explain(rules, case.tag, tags, skipped=skipped, times=times.by_tag)
    return found  # not all could be asked


def _known_tags(case: Case, known: Known) -> tuple[tuple[str, ...], str]:
    """Tags to choose from, and what is wrong with the listing, if anything.

    A registry that fails or forgets tags must not lead to another choice (law 7): what is
    proposed already stays among the tags until the registry denies it (see reconcile).
    """
    offered = [
        offer.tag
        for offer in known.proposed
        if (offer.policy, offer.repository) == (case.policy.identity, case.repository)
    ]
    listing = known.listings.get(case.repository)
    if isinstance(listing, TagList) and listing.tags:
        return tuple(dict.fromkeys((*listing.tags, *offered))), ""
    failure = "the registry lists no tags"
    if isinstance(listing, RegistryError):
        failure = f"{listing}; {listing.hint}" if listing.hint else str(listing)
    return tuple(dict.fromkeys(offered)), failure


def _selected(case: Case, tags: Sequence[str], known: Known) -> Asking[tuple[Selection, str]]:
    """The selection, and why it cannot be made now, if so: not all ages are known."""
    rules, skipped = case.policy.tags, case.policy.skipped_on(known.now.date())
    selection = select(rules, case.tag, tags, skipped=skipped)
    if not selection.undated:
        return selection, ""
    undated = [*([case.tag] if case.tag else []), *selection.undated]
    times = yield from times_of(case.policy, case.repository, undated, known, case.tag)
    if times.failure:
        return selection, times.failure
    return select(rules, case.tag, tags, skipped=skipped, times=times.by_tag), ""


def _better_than(candidates: Sequence[Candidate], taken: Candidate | None) -> frozenset[str]:
    """The tags of the candidates before the one that is taken; of all where none is."""
    tags = [candidate.tag for candidate in candidates]
    return frozenset(tags[: tags.index(taken.tag)] if taken else tags)


# --- What is written -----------------------------------------------------------------------------


def _from_taken(case: Case, selection: Selection, taken: Taken, known: Known) -> Asking[Decision]:
    verdicts = taken.verdicts
    if taken.candidate:
        digest = taken.digest if case.wants_digest else None
        reason = _why_taken(case, verdicts) + _if_moved(case, taken.candidate.tag, known)
        return Decision(
            reason, taken.candidate.tag, digest, taken.candidate.step, selection, verdicts
        )
    # Who closed an update is not asked at once to pin what the update would have replaced.
    is_declined = any(each.gate in (DECLINED, BELOW_DECLINED) for each in verdicts)
    if case.tag and case.wants_digest and case.digest is None and not is_declined:
        return (yield from _pinned(case, selection, verdicts, known))
    if case.tag and case.policy.pin is Pin.TAG and case.digest is not None:
        reason = "the policy writes no digest"
        return Decision(reason, case.tag, None, Step.DIGEST, selection, verdicts)
    reason = _why_nothing(case, selection, verdicts)
    return Decision(reason, selection=selection, verdicts=verdicts)


def _why_taken(case: Case, verdicts: Sequence[GateVerdict]) -> str:
    if case.policy.tags.order is Order.DIGEST:
        return f"{case.tag} points to another digest"
    is_best = all(each.verdict is Verdict.ADMIT for each in verdicts)
    if case.is_below_major:
        best = "highest tag" if is_best else "best tag that may go now"
        return f"{best} below the major one, which has a request of its own"
    return "highest tag that the policy allows" if is_best else "best tag that may go now"


def _if_moved(case: Case, tag: str, known: Known) -> str:
    """A version that was pushed again is news, whether or not a cool-down waits for it."""
    sighting = known.sightings.get((case.repository, tag))
    if sighting is None or sighting.moved_from is None or case.policy.tags.order is Order.DIGEST:
        return ""
    was, since = sighting.moved_from.short, shown_time(sighting.first_seen_at)
    return f"; it was pushed again, seen {since}, and was {was} before"


def _why_nothing(case: Case, selection: Selection, verdicts: Sequence[GateVerdict]) -> str:
    stopped = [each for each in verdicts if each.verdict is not Verdict.ADMIT]
    if stopped and stopped[-1].gate == gates.CONTENT:
        if case.policy.tags.order is Order.DIGEST:
            return f"up to date: {case.tag} still points to the digest that is written"
        return f"up to date: {stopped[-1].tag} has {stopped[-1].reason}"
    if stopped:
        left = len(selection.candidates) - len({each.tag for each in stopped})
        more = (
            f"; the {left} below were not looked at" if left > 0 and not _is_held(stopped) else ""
        )
        return str(stopped[0]) + more
    return selection.note or "up to date"


def _is_held(stopped: Sequence[GateVerdict]) -> bool:
    return any(each.verdict is Verdict.HOLD for each in stopped)


def _pinned(
    case: Case, selection: Selection, verdicts: tuple[GateVerdict, ...], known: Known
) -> Asking[Decision]:
    """The current tag with its digest."""
    tag = str(case.tag)
    yield from known.ask_facts([(case.repository, tag)])
    answer = known.facts[case.repository, tag]
    offer = known.offer(case.policy.identity, case.repository, tag)
    digest = offer.digest if offer else None
    if isinstance(answer, ImageFacts):
        digest = answer.digest
    elif digest is None:
        reason = not_known(tag, answer)
        return Decision(reason, selection=selection, verdicts=verdicts, is_failure=True)
    reason = "the policy pins by digest"
    return Decision(reason, tag, digest, Step.DIGEST, selection, verdicts)


def _unless_written(case: Case, decision: Decision) -> Decision:
    """Where the file says so already, nothing is to be done; a digest alone counts alone."""
    if decision.tag is None:
        return decision
    is_written = (
        decision.digest == case.digest
        if case.is_digest_alone
        else (decision.tag, decision.digest) == (case.tag, case.digest)
    )
    return replace(decision, tag=None, reason="up to date") if is_written else decision
