"""What people declined, as the pull requests tell of it: those that stand and those that are gone.

Pure. Pull requests come in, versions that people do not want go out, by policy and image.
What a declined version bars besides itself is not decided here: see choosing/declined.py.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from imagebot import lifecycle, records
from imagebot.carrying.naming import stems
from imagebot.choosing.declined import Declined
from imagebot.image import Digest, Repository
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.request_state import mark


def declined_in(
    change_sets: Collection[ChangeSet],
    requests: Iterable[PullRequest],
    known: Mapping[tuple[str, Repository], tuple[Declined, ...]],
) -> dict[tuple[str, Repository], tuple[Declined, ...]]:
    """What is known to be declined of the images of these change sets, with what requests say.

    Whatever their branches: another grouping has others. An open request counts for what was
    declined before it, not for itself, and what it proposes again is not declined.
    """
    found = dict(known)
    requests = list(requests)
    standing_in = _standing_in(requests)
    by_image: dict[str, list[Declined]] = {}
    wanted = {changes.branch for changes in change_sets}
    marks: dict[str, str] = {}
    for request in requests:
        is_closed = request.state is PullRequestState.CLOSED
        past = records.declined_by(request.body, is_closed_by_person=is_closed)
        past = _without(past, _proposed_again(request, standing_in.get(request.head, ())))
        why = _why_by_mark(request, past)
        marks |= {each: why[each] for each in past.marks}
        for image, tag, digest in past.versions:
            told = why[mark((image, tag, digest))]
            is_own = told == lifecycle.why_declined(request)
            number = request.number if is_own and request.head in wanted else 0
            version = Declined(tag, Digest(digest) if digest else None, told, number)
            by_image.setdefault(image, []).append(version)
    offers = list(dict.fromkeys(offer for changes in change_sets for offer in changes.proposed))
    for offer in offers:
        image, digest = str(offer.repository), str(offer.digest or "")
        for each in (mark((image, offer.tag, digest)), mark((image, offer.tag, ""))):
            if each in marks:
                version = Declined(offer.tag, offer.digest, marks[each])
                by_image.setdefault(image, []).append(version)
    for key in dict.fromkeys((offer.policy, offer.repository) for offer in offers):
        if declined := by_image.get(str(key[1])):
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *declined)))
    return found


def _standing_in(requests: Iterable[PullRequest]) -> dict[str, list[PullRequest]]:
    """The open requests that stand in for those of a branch that a person keeps, by that branch."""
    found: dict[str, list[PullRequest]] = {}
    for request in filter(lifecycle.is_open, requests):
        for stem in stems(request.head):
            found.setdefault(stem, []).append(request)
    return found


def _proposed_again(closed: PullRequest, standing_in: Iterable[PullRequest]) -> frozenset[str]:
    """Marks of what newer ones of these propose.

    None of them was opened for what the closed one proposed, unless a box asked for that.
    """
    newer = (records.record_in(each.body) for each in standing_in if each.number > closed.number)
    return frozenset(each for record in newer if record for each in record.marks)


def _without(past: records.PastVersions, marks: Collection[str]) -> records.PastVersions:
    return records.PastVersions(
        tuple(each for each in past.versions if mark(each) not in marks),
        tuple(each for each in past.marks if each not in marks),
    )


def _why_by_mark(request: PullRequest, past: records.PastVersions) -> dict[str, str]:
    """Who declined each version that a request tells of: with it, or with one before it."""
    record = records.record_in(request.body)
    is_closed = request.state is PullRequestState.CLOSED
    own = record.marks if record and is_closed else frozenset()
    here, before = lifecycle.why_declined(request), f"a person declined it before #{request.number}"
    every = (*map(mark, past.versions), *past.marks)
    return {each: here if each in own else before for each in every}


def newest_elsewhere(
    closed: Iterable[PullRequest], requests: Mapping[str, PullRequest]
) -> list[PullRequest]:
    """The newest closed request of each branch of which none is known otherwise.

    A newer request of the same branch has taken over what was declined before, or undone it.
    """
    newest: dict[str, PullRequest] = {}
    for request in closed:
        if request.head in requests:
            continue
        known = newest.get(request.head)
        if known is None or known.number < request.number:
            newest[request.head] = request
    return list(newest.values())


def brought_back(request: PullRequest, again: Collection[str]) -> PullRequest:
    """A closed request as if imagebot had closed it, where a box asks for what it proposed.

    Only this run sees it so. It opens another request of the branch, which later ones go by.
    """
    if str(request.number) not in again or request.state is not PullRequestState.CLOSED:
        return request
    return replace(request, body=records.withdrawn_body(request.body))
