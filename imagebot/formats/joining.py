"""Join a digest that has a marker of its own to the image whose marker names the same policy.

Pure. They may stand in two mappings, two documents or two lines of a script. Where a digest may
belong to more than one image, neither is left to be edited: alone, one would stay behind.
"""

from dataclasses import replace

from imagebot.formats.page import Page
from imagebot.formats.sighting import whole
from imagebot.model import Occurrence

_HINT = "let each policy have one image and one digest in a file, or # imagebot: ignore"


def join_digests(page: Page) -> None:
    """Join what a file's markers put apart; what cannot be told apart is taken out and told."""
    by_policy: dict[str, list[Occurrence]] = {}
    for item in page.occurrences:
        if item.marker is not None and not item.is_ignored:
            by_policy.setdefault(item.marker.policy, []).append(item)
    for marked in by_policy.values():
        digests = [item for item in marked if _is_digest_alone(item)]
        images = [item for item in marked if not _is_digest_alone(item)]
        images = [item for item in images if not any(slot.part.is_digest for slot in item.slots)]
        if not digests or not images:
            continue
        taken = {id(item) for item in (*digests, *images)}
        page.occurrences = [item for item in page.occurrences if id(item) not in taken]
        if len(digests) == len(images) == 1 and images[0].digest is None:
            page.occurrences.append(_joined(images[0], digests[0]))
            continue
        for digest in digests:
            count = f"each of {len(images)} images" if len(images) > 1 else "an image"
            message = f"a marked digest may belong to {count} of its policy, so none is edited"
            offset = digest.slots[0].span.start
            page.report(offset, message, hint=_HINT, address=digest.address, is_warning=False)


def _is_digest_alone(item: Occurrence) -> bool:
    return all(slot.part.is_digest for slot in item.slots)


def _joined(image: Occurrence, digest: Occurrence) -> Occurrence:
    reference = image.reference
    return replace(
        image,
        slots=(*image.slots, *digest.slots),
        digest=digest.digest,
        reference=whole(reference.name, image.tag, digest.digest) if reference else None,
        aliases=tuple(sorted({*image.aliases, *digest.aliases})),
        other_markers=(*image.other_markers, *digest.other_markers),
    )
