"""Values that were read one by one and belong together, as one image.

Pure. Which values belong together is decided by who calls: markers and fields have rules of
their own, and their own ways to find a name or a digest that none of the values has.
"""

from collections.abc import Iterable
from typing import NamedTuple

from imagebot.formats.marked import Reading
from imagebot.formats.sighting import Piece
from imagebot.image import Digest, ImageReference
from imagebot.model import Part
from imagebot.yaml_nodes import Scalar


class Joined(NamedTuple):
    """What the values of one image say together: the first tag and reference, the last digest."""

    parts: dict[Part, Scalar | Piece]
    tag: str | None
    digest: Digest | None
    reference: ImageReference | None


def joined(values: Iterable[tuple[Scalar, Reading]]) -> Joined:
    """Put together what each value is read as. Of two for one part the last counts."""
    parts: dict[Part, Scalar | Piece] = {}
    tag, digest, reference = None, None, None
    for scalar, reading in values:
        parts[reading.part] = Piece(scalar, reading.start, reading.end) if reading.end else scalar
        tag = tag or reading.tag or None
        digest = reading.digest or digest
        reference = reference or reading.reference
    return Joined(parts, tag, digest, reference)
