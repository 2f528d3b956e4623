"""From governed occurrences and listed tags to one `Choice` for each occurrence.

Pure. Selection ranks the tags; here it is decided what that means for a value in a file: which
tag and digest should stand there, or why it stays as it is. Nothing is asked of a registry: what
has to be asked is given back (`repositories_to_list`, `digests_to_ask`) and comes in again as
an argument.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from imagebot.changeset import Proposed
from imagebot.errors import RegistryError
from imagebot.image import Digest, ImageReference, Repository
from imagebot.model import Choice, ImageFacts, Occurrence, Selection, TagList, Update
from imagebot.policy.model import Pin, Policy
from imagebot.selection import select
from imagebot.version import Step

Listings = Mapping[Repository, TagList | RegistryError]
Facts = Mapping[tuple[Repository, str], ImageFacts | RegistryError]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An occurrence with the policy that governs it, and the image it stands for."""

    occurrence: Occurrence
    policy: Policy | None
    reference: ImageReference | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A choice before the digest is known. `tag` None: nothing to write, `reason` says why."""

    wanted: Wanted
    selection: Selection | None
    tag: str | None
    step: Step | None
    reason: str
    needs_digest: bool = False
    is_failure: bool = False
    is_suspended: bool = False


def repositories_to_list(wanted: Iterable[Wanted], today: date) -> list[Repository]:
    """Each image repository once, in a stable order."""
    return sorted({
        item.reference.repository
        for item in wanted
        if item.reference and item.policy
        and not item.policy.suspended_on(today) and _why_untouched(item) is None
    })  # fmt: skip


def draft(item: Wanted, listings: Listings, proposed: Sequence[Proposed], today: date) -> Draft:
    """Decide the tag for one occurrence. `proposed` are tags known to be offered already."""
    if item.policy is None or item.reference is None:
        is_ignored = item.occurrence.is_ignored
        reason = "a marker says to ignore it" if is_ignored else "no policy governs it"
        return Draft(item, None, None, None, reason)
    suspended = item.policy.suspended_on(today)
    if suspended:
        return Draft(item, None, None, None, suspended, is_suspended=True)
    untouched = _why_untouched(item)
    if untouched is not None:
        return Draft(item, None, None, None, untouched)
    listing = listings.get(item.reference.repository)
    offered = [
        offer.tag
        for offer in proposed
        if (offer.policy, offer.repository) == (item.policy.identity, item.reference.repository)
    ]
    tags, failure = _known_tags(listing, offered)
    if not tags:
        return Draft(item, None, None, None, failure, is_failure=True)
    selection = select(item.policy.tags, item.reference.tag, tags)
    return _from_selection(item, item.policy, item.reference, selection, failure)


def _known_tags(
    listing: TagList | RegistryError | None, offered: Sequence[str]
) -> tuple[tuple[str, ...], str]:
    """Tags to choose from, and what is wrong with the listing, if anything.

    A registry that fails or forgets tags must not lead to another choice (law 7): what is
    proposed already stays among the tags until the registry denies it (see reconcile).
    """
    if isinstance(listing, TagList) and listing.tags:
        return tuple(dict.fromkeys((*listing.tags, *offered))), ""
    failure = "the registry lists no tags"
    if isinstance(listing, RegistryError):
        failure = f"{listing}; {listing.hint}" if listing.hint else str(listing)
    return tuple(dict.fromkeys(offered)), failure


def _why_untouched(item: Wanted) -> str | None:
    if item.occurrence.reference is None:  # a tag or digest alone under a marker
        return None
    if item.reference and item.reference.tag is None:
        if item.reference.digest:
            return "written as a digest without a tag, so there is no version to compare"
        return "no tag is written here"
    return None


def _from_selection(
    item: Wanted,
    policy: Policy,
    reference: ImageReference,
    selection: Selection,
    failure: str,
) -> Draft:
    wants_digest = item.occurrence.can_hold_digest and (
        policy.pin is Pin.DIGEST
        or (policy.pin is Pin.KEEP and (reference.digest is not None or _is_digest_alone(item)))
    )
    if selection.candidates:
        best = selection.candidates[0]
        reason = "highest tag that the policy allows"
        return Draft(item, selection, best.tag, best.step, reason, wants_digest, bool(failure))
    if reference.tag and wants_digest and reference.digest is None:
        return Draft(item, selection, reference.tag, Step.DIGEST, "the policy pins by digest", True)
    if reference.tag and policy.pin is Pin.TAG and reference.digest is not None:
        return Draft(item, selection, reference.tag, Step.DIGEST, "the policy writes no digest")
    reason = failure or selection.note or "up to date"
    return Draft(item, selection, None, None, reason, is_failure=bool(failure))


def _is_digest_alone(item: Wanted) -> bool:
    return all(slot.part.is_digest for slot in item.occurrence.slots)


def digests_to_ask(drafts: Iterable[Draft]) -> list[tuple[Repository, str]]:
    """Image repository and tag of each digest that has to be known, once each."""
    return sorted({
        (item.wanted.reference.repository, item.tag)
        for item in drafts
        if item.tag and item.needs_digest and item.wanted.reference
    })  # fmt: skip


def finish(item: Draft, facts: Facts, proposed: Sequence[Proposed]) -> Choice:
    """Add the digest and make the choice. A digest that cannot be known means no update."""
    occurrence, policy, reference = (
        item.wanted.occurrence, item.wanted.policy, item.wanted.reference
    )  # fmt: skip
    digest: Digest | None = None
    reason, is_failure, tag = item.reason, item.is_failure, item.tag
    if tag and policy and reference and item.needs_digest:
        answer = facts.get((reference.repository, tag))
        digest = _digest(answer, policy, reference.repository, tag, proposed)
        if digest is None:
            reason, is_failure, tag = f"digest of {tag} is not known: {answer}", True, None
    update = None
    if tag and reference and not _stands_already(item.wanted, reference, tag, digest):
        update = Update(occurrence, reference, tag, digest, item.step)
    elif tag:
        reason = "up to date"
    return Choice(
        occurrence,
        policy,
        reference,
        item.selection,
        update,
        reason,
        is_failure,
        item.is_suspended,
    )


def _stands_already(
    wanted: Wanted, reference: ImageReference, tag: str, digest: Digest | None
) -> bool:
    """Whether the file says so today; where only a digest is written, the digest alone counts."""
    if _is_digest_alone(wanted):
        return digest == reference.digest
    return (tag, digest) == (reference.tag, reference.digest)


def _digest(
    answer: ImageFacts | RegistryError | None,
    policy: Policy,
    repository: Repository,
    tag: str,
    proposed: Sequence[Proposed],
) -> Digest | None:
    if isinstance(answer, ImageFacts):
        return answer.digest
    same = (
        offer.digest
        for offer in proposed
        if (offer.policy, offer.repository, offer.tag) == (policy.identity, repository, tag)
    )
    return next(same, None)
