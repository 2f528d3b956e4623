"""Lists of whole references in Helm values: `images: [acme/api:1.0, acme/side:2.0]`.

Pure. A list of texts under such a key may hold anything, pictures and captions, so it counts
only where each of its texts reads as a reference; those with a tag or digest are recorded.
"""

from imagebot.errors import InvalidReference
from imagebot.formats.evidence import is_address_or_type
from imagebot.formats.groups import Group, report_unclear
from imagebot.formats.page import Page
from imagebot.formats.siblings import Unclear
from imagebot.formats.sighting import add, is_templated, read_reference, report_templated, value_of
from imagebot.formats.walk import Path, resolved
from imagebot.image import ImageReference
from imagebot.model import Part
from imagebot.yaml_nodes import Collection, Document, Scalar
from imagebot.yaml_scalars import reads_as_string


def add_list(
    page: Page,
    document: Document,
    items: Collection,
    path: Path,
    group: Group,
) -> None:
    """Record the images that a list holds as texts; a digest beside the list is told instead."""
    texts = [
        (index, scalar)
        for index, scalar in enumerate(map(resolved, items.children))
        if isinstance(scalar, Scalar) and value_of(scalar)
    ]
    read = [(index, scalar, _reference(scalar)) for index, scalar in texts]
    if any(each is None and not _is_filled_in(scalar) for _, scalar, each in read):
        return
    if any(each is not None and is_address_or_type(each) for _, _, each in read):
        return
    if any(each and (each.tag or each.digest) for _, _, each in read):
        try:
            group.siblings.digest()
        except Unclear as unclear:
            report_unclear(page, document, group, unclear, path.key)
            return
    for index, scalar, reference in read:
        at = Path(path, index)
        if reference is None:
            report_templated(page, document, scalar, at)
        elif reference.tag or reference.digest:
            version = (reference.tag, reference.digest)
            parts = {Part.REFERENCE: scalar}
            name, anchored = group.format_name, group.anchored
            add(page, document, at, name, parts, reference, version, anchored)


def _reference(scalar: Scalar) -> ImageReference | None:
    text = value_of(scalar)
    if is_templated(text) or (not scalar.style and not reads_as_string(text)):
        return None
    try:
        return read_reference(text)
    except InvalidReference:
        return None


def _is_filled_in(scalar: Scalar) -> bool:
    """Whether another tool makes an image of a text: one with a path, so that it can be one."""
    return is_templated(scalar.text) and "/" in scalar.text
