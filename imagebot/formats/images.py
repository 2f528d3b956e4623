"""Find joined strings (`image: nginx:1.27`) and groups (`repository`, `tag`, ...) in a tree.

Pure. Both shapes occur in Kubernetes manifests, in custom resources and in Helm values; what
differs is how much evidence a bare word needs before it is called an image.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from imagebot.errors import InvalidReference
from imagebot.formats.around import Around, Keyed, is_digest
from imagebot.formats.divided import names_another, unclear_version
from imagebot.formats.evidence import (
    Evidence,
    evidence_of,
    is_image,
    is_in_values,
    looks_meant,
    names_file,
)
from imagebot.formats.groups import NAME as GROUP_FORMAT
from imagebot.formats.groups import (
    GlobalRegistries,
    Group,
    add_group,
    add_named,
    report_unclear,
    under_hub,
)
from imagebot.formats.image_keys import (
    image_key,
    is_image_key,
    is_named_image,
    names_images,
    stem_of,
)
from imagebot.formats.image_lists import add_list
from imagebot.formats.page import Page
from imagebot.formats.siblings import Siblings
from imagebot.formats.sighting import (
    add,
    is_templated,
    read_reference,
    report_templated,
    value_of,
)
from imagebot.formats.walk import Entries, Path, Place, mappings, resolved, written
from imagebot.image import ImageReference
from imagebot.model import Part
from imagebot.yaml_nodes import Collection, Document, Node, Scalar
from imagebot.yaml_scalars import reads_as_string

_GROUP_KEYS = frozenset({"repository", "tag", "<<", "repo", "version", "digest"})
_ALONE = frozenset({"", "image", "reference"})  # how the keys of a mapping's one image begin
_METADATA = frozenset({"annotations", "labels", "matchLabels"})

Fill: TypeAlias = Callable[[Scalar, Path], None]


class Search(NamedTuple):
    """A document while images are looked for in it."""

    page: Page
    document: Document
    format_name: str  # of joined strings
    entries: Entries
    around: dict[int, Around]  # by id of a mapping
    places: dict[int, Place]  # the same, of those that were read so far
    fill: Fill | None = None


def find_images(
    page: Page,
    document: Document,
    joined_format: str,
    *,
    is_kubernetes: bool,
    skipped_keys: frozenset[str] = frozenset(),
    is_read: Callable[[Path | None], bool] | None = None,
    fill: Fill | None = None,
) -> None:
    """Record every joined string and every group of a document, or of the mappings that are read.

    `fill` takes the templated ones, where the format knows what fills them in.
    """
    search = Search(page, document, joined_format, Entries(), {}, {}, fill)
    registries = GlobalRegistries(page, document)
    for place in mappings(document.root, skipped_keys):
        search.places[id(place.mapping)] = place
        if (is_kubernetes and _is_metadata(place.path)) or (is_read and not is_read(place.path)):
            continue
        _read_mapping(search, place, registries, is_kubernetes)


def _read_mapping(
    search: Search, place: Place, registries: GlobalRegistries, is_kubernetes: bool
) -> None:
    is_group = False
    for key, value in place.mapping.pairs():
        if type(key) is not Scalar:
            continue
        name = key.text
        if name in _GROUP_KEYS:
            is_group = True
        elif (said := image_key(name)) or name == "reference":
            if said and not said.is_usual and not _are_values(place.path, is_kubernetes):
                continue
            if said and said.is_repository:
                _group(search, place, registries, said.stem)
                continue
            node = resolved(value)
            evidence = evidence_of(name, place.path, is_kubernetes, search.page.is_json)
            if type(node) is Scalar and evidence:
                add_reference(search, place, name, node, evidence, registries)
        elif names_images(name) and _are_values(place.path, is_kubernetes):
            _list(search, place, name, resolved(value))
    if is_group:
        _group(search, place, registries)
    is_usual = place.path is not None and place.path.step == "images"
    if is_usual or (is_named_image(place.path) and _are_values(place.path, is_kubernetes)):
        _named_images(search, place)


def _are_values(path: Path | None, is_kubernetes: bool) -> bool:
    """Whether these are Helm values, or a file that nothing says more of."""
    return not is_kubernetes or is_in_values(path)


def _list(search: Search, place: Place, key: str, items: Node) -> None:
    if isinstance(items, Collection) and not items.is_mapping:
        path, name = Path(place.path, key), search.format_name
        above = next(_around(search, place.mapping).digests_above(key), None)
        siblings = Siblings(Around({}), digest_above=above)
        group = _group_at(place, siblings, name)
        add_list(search.page, search.document, items, path, group)


def _digest_above(search: Search, place: Place, stem: str) -> Keyed | None:
    """`digest` or `imageDigest` beside the mapping `image`, whose tag it may belong to.

    Names that have a stem are not alone in their mapping, so its key has to say that it is one.
    """
    if place.path is None or place.above is None:
        return None
    above = place.path.key
    if stem not in _ALONE and not (image_key(above) or names_images(above)):
        return None
    near = next(_around(search, place.above).digests_above(place.path.key), None)
    return near or _digest_two_above(search, place.path, place.above)


def _digest_two_above(search: Search, path: Path, above: Collection) -> Keyed | None:
    """`webDigest` beside `web: {image: {...}}`; two levels up a plain `digest` is another's."""
    holder = search.places.get(id(above))
    if holder is None or holder.path is None or holder.above is None or path.key != "image":
        return None
    return next(_around(search, holder.above).digests_named(holder.path.key), None)


def _is_metadata(path: Path | None) -> bool:
    """Whether these are annotations or labels, where a text means what its reader makes of it."""
    return path is not None and path.step in _METADATA and path.parent is not None


def add_reference(
    search: Search,
    place: Place,
    key: str,
    scalar: Scalar,
    evidence: Evidence,
    registries: GlobalRegistries | None = None,
) -> None:
    """Record a whole reference, or a name with what stands beside it, if it is an image."""
    page, document = search.page, search.document
    text = value_of(scalar)
    path = Path(place.path, key)
    if not text or (not scalar.style and not reads_as_string(text)):
        return
    if evidence is Evidence.AHEAD and not looks_meant(text):
        return
    if is_templated(text):
        if search.fill:
            search.fill(scalar, path)
        else:
            report_templated(page, document, scalar, path)
        return
    try:
        reference = read_reference(text)
    except InvalidReference as error:
        if evidence is Evidence.CONTAINER or (evidence is not Evidence.AHEAD and looks_meant(text)):
            page.report(
                document.byte_offset(scalar.start), str(error), hint=error.hint, address=str(path)
            )
        return
    if evidence is not Evidence.CONTAINER and not names_file(reference):
        group = _group_of(search, place, key, registries)
        if not is_image(reference, evidence) and not group.siblings.tag():
            group = group._replace(siblings=group.siblings._replace(digest_above=None))
        if _add_with_siblings(search, group, key, scalar, reference, evidence):
            return
        hub = group.siblings.hub_above
        if hub is not None and "/" not in reference.name and is_image(reference, evidence):
            report_unclear(page, document, group, under_hub(scalar, hub), key)
            return
    if is_image(reference, evidence):
        parts = {Part.REFERENCE: scalar}
        version = (reference.tag, reference.digest)
        add(page, document, path, search.format_name, parts, reference, version, place.anchored)


def _group_of(search: Search, place: Place, key: str, registries: GlobalRegistries | None) -> Group:
    stem = stem_of(key)
    above = _digest_above(search, place, stem)
    siblings = Siblings(_around(search, place.mapping), stem, digest_above=above)
    if registries is not None:
        siblings = siblings._replace(
            global_registry=registries.of(place.path), hub_above=registries.hub_above(place.path)
        )
    return _group_at(place, siblings, search.format_name)


def _add_with_siblings(
    search: Search,
    group: Group,
    key: str,
    scalar: Scalar,
    reference: ImageReference,
    evidence: Evidence,
) -> bool:
    """Record a name with what stands beside it; False where that is nothing of the image's."""
    page, document = search.page, search.document
    is_bare = reference.tag is None and reference.digest is None
    if not (is_bare and names_another(group.siblings.found)) and (
        add_named(page, document, group, key, scalar)
    ):
        return True
    unclear = unclear_version(group.siblings) if is_bare else None
    if unclear is None or evidence is Evidence.SUFFIX:
        return False
    report_unclear(page, document, group, unclear, key)
    return True


def _around(search: Search, mapping: Collection) -> Around:
    """All that stands in a mapping, written or merged; gathered once."""
    known = search.around.get(id(mapping))
    if known is None:
        known = Around({**search.entries.of(mapping), **written(mapping)})
        search.around[id(mapping)] = known
    return known


def _group_at(place: Place, siblings: Siblings, format_name: str) -> Group:
    return Group(siblings, lambda key: Path(place.path, key), place.anchored, format_name)


def _group(
    search: Search,
    place: Place,
    registries: GlobalRegistries,
    stem: str = "",
) -> None:
    """Record the group that a mapping is, or the one whose keys begin with `stem`."""
    is_item = place.path is not None and isinstance(place.path.step, int)
    is_image = not stem and is_image_key(place.path)
    siblings = Siblings(
        _around(search, place.mapping),
        stem,
        is_image,
        is_item,
        registries.of(place.path),
        _digest_above(search, place, stem),
        registries.hub_above(place.path),
    )
    add_group(search.page, search.document, _group_at(place, siblings, GROUP_FORMAT))


def _named_images(search: Search, place: Place) -> None:
    """Record the references that a mapping `images` gives names of its own to."""
    for key, value in place.mapping.pairs():
        node = resolved(value)
        if type(key) is not Scalar or type(node) is not Scalar:
            continue
        said = image_key(key.text)
        is_alone = said is None or not said.is_usual
        if is_alone and not is_digest(value_of(node)):
            add_reference(search, place, key.text, node, Evidence.SUFFIX)
