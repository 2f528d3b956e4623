"""The best candidate that every gate admits, asking about one after the other.

Pure: yields `Questions` (known.py). What cannot be asked of a registry decides nothing, except
that what is proposed already stays proposed (law 7).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from imagebot import gates
from imagebot.choosing.cases import Case
from imagebot.choosing.declined import verdict_on
from imagebot.choosing.known import Asking, Known
from imagebot.errors import NotInRegistry, RegistryError
from imagebot.gates import Age
from imagebot.image import Digest, Repository
from imagebot.model import Candidate, GateVerdict, ImageContent, ImageFacts, Verdict
from imagebot.policy.model import Held, UnknownAge

MAX_LOOKED_AT = 10  # candidates of one case of which facts are asked, best first


@dataclass(frozen=True, slots=True)
class Taken:
    """The best candidate that every gate admits, if there is one, and what the gates said."""

    candidate: Candidate | None = None
    digest: Digest | None = None
    verdicts: tuple[GateVerdict, ...] = ()
    failure: str = ""  # a registry could not be asked: nothing may be decided


def first_admitted(case: Case, candidates: Sequence[Candidate], known: Known) -> Asking[Taken]:
    if candidates and not (case.policy.file or case.wants_digest):
        return Taken(candidates[0])  # the default policy shows what there is, and asks no more
    verdicts: list[GateVerdict] = []
    waits = False
    for candidate in _worth_a_look(case, candidates, known):
        is_proposed = known.offer(case.policy.identity, case.repository, candidate.tag) is not None
        if waits and not is_proposed:
            continue
        looked = yield from _look_at(case, candidate, known)
        verdicts += looked.verdicts
        last = looked.verdicts[-1].verdict if looked.verdicts else Verdict.ADMIT
        is_same = last is Verdict.REJECT and looked.verdicts[-1].gate == gates.CONTENT
        if looked.failure or looked.candidate or is_same:
            return replace(looked, verdicts=tuple(verdicts))
        waits = waits or (last is Verdict.HOLD and case.policy.held is Held.WAIT)
    return Taken(verdicts=tuple(verdicts))


def _worth_a_look(case: Case, candidates: Sequence[Candidate], known: Known) -> Iterator[Candidate]:
    """The best few, and what is proposed already, however many are better."""
    yield from candidates[:MAX_LOOKED_AT]
    for candidate in candidates[MAX_LOOKED_AT:]:
        if known.offer(case.policy.identity, case.repository, candidate.tag):
            yield candidate


def _look_at(case: Case, candidate: Candidate, known: Known) -> Asking[Taken]:
    """Ask about one candidate until a gate says no, or all say yes."""
    key = (case.repository, candidate.tag)
    yield from known.ask_facts([key, *_current_to_ask(case)])
    answer = known.facts[key]
    if isinstance(answer, NotInRegistry):
        gone = GateVerdict(candidate.tag, "registry", Verdict.REJECT, "listed, but does not exist")
        return Taken(verdicts=(gone,))
    if isinstance(answer, RegistryError):
        return _as_proposed(case, candidate, known, answer)
    verdicts: list[GateVerdict] = []
    for gate in _GATES:
        verdict = yield from gate(case, candidate, answer.digest, known)
        if isinstance(verdict, RegistryError):
            return _as_proposed(case, candidate, known, verdict)
        verdicts += [verdict] if verdict else []
        if verdict and verdict.verdict is Verdict.HOLD:
            return _before_it_moved(case, candidate, answer.digest, known, verdicts)
        if verdict and verdict.verdict is Verdict.REJECT:
            return Taken(verdicts=tuple(verdicts))
    return Taken(candidate, answer.digest, tuple(verdicts))


def _before_it_moved(
    case: Case, candidate: Candidate, digest: Digest, known: Known, verdicts: list[GateVerdict]
) -> Taken:
    """Where a digest is proposed already, the tag's move to another changes nothing of it."""
    offer = known.offer(case.policy.identity, case.repository, candidate.tag)
    if offer and offer.digest and offer.digest != digest:
        return Taken(candidate, offer.digest, tuple(verdicts))
    return Taken(verdicts=tuple(verdicts))


def _as_proposed(case: Case, candidate: Candidate, known: Known, error: RegistryError) -> Taken:
    """A registry that cannot be asked changes nothing of what is proposed already."""
    offer = known.offer(case.policy.identity, case.repository, candidate.tag)
    if offer and (offer.digest or not case.wants_digest):
        return Taken(candidate, offer.digest)
    return Taken(failure=not_known(candidate.tag, error))


def not_known(tag: str, error: RegistryError) -> str:
    return f"{tag} cannot be asked about: {error}"


# --- Gates, and what each has to know ------------------------------------------------------------

GateAnswer = GateVerdict | RegistryError | None


def _declined(case: Case, candidate: Candidate, digest: Digest, known: Known) -> Asking[GateAnswer]:
    yield from ()
    refused = known.declined.get((case.policy.identity, case.repository), ())
    return verdict_on(candidate.tag, digest, refused)


def _cooldown(case: Case, candidate: Candidate, digest: Digest, known: Known) -> Asking[GateAnswer]:
    rules, key = case.policy.cooldown, (case.repository, candidate.tag)
    if not rules.for_step(candidate.step):
        return None
    sighting = known.sightings.get(key)
    if sighting is None:
        why = known.ledger_failure or "it is not known since when this tag exists"
        if rules.unknown_age is UnknownAge.ADMIT and not known.ledger_failure:
            why = f"{why}, which the policy lets pass"
            return GateVerdict(candidate.tag, gates.COOLDOWN, Verdict.ADMIT, why)
        return GateVerdict(candidate.tag, gates.COOLDOWN, Verdict.HOLD, why)
    offer = known.offer(case.policy.identity, *key)
    is_proposed = offer is not None and offer.digest in (None, digest)
    age = Age(sighting, is_proposed=is_proposed)
    if gates.needs_published(rules, candidate.step, age, known.now):
        yield from known.ask_published([key])
        published = known.published[key]
        age = replace(age, published_at=None if isinstance(published, Exception) else published)
    return gates.cooldown(rules, candidate.tag, candidate.step, age, known.now)


def _platforms(
    case: Case, candidate: Candidate, digest: Digest, known: Known
) -> Asking[GateAnswer]:
    if not case.policy.platforms:
        return None
    key = (case.repository, digest)
    yield from known.ask_contents([key])
    content = known.contents[key]
    if isinstance(content, RegistryError):
        return content
    return gates.platforms(case.policy.platforms, candidate.tag, content)


def _content(case: Case, candidate: Candidate, digest: Digest, known: Known) -> Asking[GateAnswer]:
    current = _current_digest(case, known)
    if not isinstance(current, Digest):
        return current
    keys = [(case.repository, each) for each in (current, digest)]
    if case.policy.platforms and current != digest:
        yield from known.ask_contents(keys)
    contents = {
        key[1]: content
        for key in keys
        if isinstance(content := known.contents.get(key), ImageContent)
    }
    if not gates.is_same_content(case.policy.platforms, current, digest, contents):
        return None
    why = f"the same content as the current {case.tag}"
    return GateVerdict(candidate.tag, gates.CONTENT, Verdict.REJECT, why)


def _current_to_ask(case: Case) -> list[tuple[Repository, str]]:
    """The current tag, where its digest is not written."""
    is_written = case.digest is not None or case.tag is None
    return [] if is_written or not case.policy.file else [(case.repository, str(case.tag))]


def _current_digest(case: Case, known: Known) -> Digest | RegistryError | None:
    """None where there is none to compare with: no tag, or one that is gone."""
    if case.digest is not None or case.tag is None:
        return case.digest
    answer = known.facts.get((case.repository, case.tag))
    if isinstance(answer, ImageFacts):
        return answer.digest
    return None if isinstance(answer, NotInRegistry) else answer


# Content first: what runs already has nothing to wait for.
_GATES = (_content, _declined, _cooldown, _platforms)
