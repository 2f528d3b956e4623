"""Values that stand once in a file and serve several images: an anchored tag, a default.

Pure. Changing such a value changes all of them. So one policy has to govern all of them that are
governed, and an image that no policy governs has to be the same one: another image might not have
the tag. Where that is not so none is updated, and each says who else is in it.
"""

from collections.abc import Sequence
from dataclasses import replace

from imagebot.model import Occurrence, Part, Problem
from imagebot.policy.governing import Governed

_OTHER_PARTS = frozenset({Part.NAME, Part.REGISTRY})
_HINT = "let one policy govern all of them, or write the value once for each"


def settle(occurrences: Sequence[Occurrence], governed: Sequence[Governed]) -> list[Governed]:
    """Take the policy from occurrences that share a value with one of another policy, or of none.

    What is refused already keeps its own reason. Both sequences have the same order.
    """
    settled = list(governed)
    for indices in _sharing(occurrences):
        first_by_policy: dict[int, int] = {}
        images = {_image(occurrences[at]) for at in indices if governed[at].policy is not None}
        for index in indices:
            is_same_image = images == {_image(occurrences[index])}
            if governed[index].policy is None and governed[index].problem is None and is_same_image:
                continue  # it changes along, which the plan shows
            first_by_policy.setdefault(id(governed[index].policy), index)
        for index in indices if len(first_by_policy) > 1 else ():
            here = governed[index]
            if here.problem is None and here.policy is not None:
                other = next(at for key, at in first_by_policy.items() if key != id(here.policy))
                problem = _problem(occurrences[index], occurrences[other], governed[other])
                settled[index] = replace(here, policy=None, problem=problem)
    return settled


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
    image = other.reference.repository.familiar if other.reference else "another image"
    if by_other.policy is None:
        governs = "which no policy governs"
    else:
        governs = f"which policy {by_other.policy.name!r} governs"
    message = f"the value also serves {other.address} ({image}), {governs}; so it is not changed"
    return Problem(
        occurrence.file, occurrence.line, occurrence.column, message, _HINT, occurrence.address
    )
