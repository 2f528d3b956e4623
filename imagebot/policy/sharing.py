"""Values that stand once in a file and serve several images: an anchored tag, a default.

Pure. Changing such a value changes all of them. So one policy has to govern all of them that are
governed; where two do, none is updated, and each says who else is in it. An image that no policy
governs changes along, and is told of; not so where that would leave its old digest behind a new
tag, or where a marker says to ignore it.
"""

from collections.abc import Sequence
from dataclasses import replace

from imagebot.model import Occurrence, Part, Problem
from imagebot.policy.governing import Governed

_OTHER_PARTS = frozenset({Part.NAME, Part.REGISTRY})
_HINT = "let one policy govern all of them, or write the value once for each"
_APART = "to keep them apart, write the value once for each"


def settle(occurrences: Sequence[Occurrence], governed: Sequence[Governed]) -> list[Governed]:
    """Take the policy from occurrences that share a value with one that must not change along.

    What is refused already keeps its own reason; what changes along without a policy of its own
    gets a warning. Both sequences have the same order.
    """
    settled = list(governed)
    along: dict[int, int] = {}  # who changes along, with whom
    for indices in _sharing(occurrences):
        first_by_policy: dict[int, int] = {}
        images = {_image(occurrences[at]) for at in indices if governed[at].policy is not None}
        following: list[int] = []
        for index in indices:
            is_same_image = images == {_image(occurrences[index])}
            if governed[index].policy is None and governed[index].problem is None:
                if is_same_image:
                    continue  # its lines are shown with those of the other
                if _may_follow(occurrences[index]):
                    following.append(index)
                    continue
            first_by_policy.setdefault(id(governed[index].policy), index)
        for index in indices if len(first_by_policy) > 1 else ():
            here = governed[index]
            if here.problem is None and here.policy is not None:
                other = next(at for key, at in first_by_policy.items() if key != id(here.policy))
                problem = _problem(occurrences[index], occurrences[other], governed[other])
                settled[index] = replace(here, policy=None, problem=problem)
        along |= {index: at for at in first_by_policy.values() for index in following}
    for index, at in along.items():
        policy = settled[at].policy
        if policy is not None:
            told = _told_along(occurrences[index], occurrences[at], policy.name)
            settled[index] = replace(governed[index], problem=told)
    return settled


def _may_follow(occurrence: Occurrence) -> bool:
    """Whether an image that no policy governs may get the tag that another image shares with it."""
    return not occurrence.is_ignored and occurrence.digest is None


def _image(occurrence: Occurrence) -> str:
    return str(occurrence.reference.repository) if occurrence.reference else occurrence.address


def _sharing(occurrences: Sequence[Occurrence]) -> list[list[int]]:
    """Indices of occurrences whose tag, digest or reference stands in the same bytes."""
    indices_by_place: dict[tuple[str, int, int], list[int]] = {}
    for index, occurrence in enumerate(occurrences):
        for slot in occurrence.slots:
            if slot.part not in _OTHER_PARTS:
                place = (occurrence.file, slot.span.start, slot.span.end)
                indices_by_place.setdefault(place, []).append(index)
    return [indices for indices in indices_by_place.values() if len(indices) > 1]


def _problem(occurrence: Occurrence, other: Occurrence, by_other: Governed) -> Problem:
    if by_other.policy is not None:
        governs = f"which policy {by_other.policy.name!r} governs"
    elif other.is_ignored:
        governs = "which a marker says to ignore"
    elif other.digest is not None and by_other.problem is None:
        governs = "which no policy governs and whose digest would be left behind"
    else:
        governs = "which no policy governs"
    message = f"the value also serves {_named(other)}, {governs}; so it is not changed"
    return Problem(
        occurrence.file, occurrence.line, occurrence.column, message, _HINT, occurrence.address
    )


def _told_along(occurrence: Occurrence, other: Occurrence, policy: str) -> Problem:
    message = (
        f"no policy governs {_named(occurrence)}, but it changes along with {_named(other)}, "
        f"which policy {policy!r} governs: one value serves both"
    )
    file, line, column = occurrence.file, occurrence.line, occurrence.column
    return Problem(file, line, column, message, _APART, occurrence.address, is_warning=True)


def _named(occurrence: Occurrence) -> str:
    reference = occurrence.reference
    image = reference.repository.familiar if reference else "another image"
    return f"{occurrence.address} ({image})"
