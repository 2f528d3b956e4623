"""Find joined strings (`image: nginx:1.27`) and groups (`repository`, `tag`, ...) in a tree.

Pure. Both shapes occur in Kubernetes manifests, in custom resources and in Helm values; what
differs is how much evidence a bare word needs before it is called an image.
"""

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, TypeAlias

from imagebot.errors import InvalidReference
from imagebot.formats.around import Around, Keyed
from imagebot.formats.beside import names_another, unclear_version
from imagebot.formats.groups import NAME as GROUP_FORMAT
from imagebot.formats.groups import (
    GlobalRegistries,
    Group,
    add_group,
    add_named,
    report_unclear,
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

CONTAINER_LISTS = frozenset({"containers", "initContainers", "ephemeralContainers"})
_FILE_ENDING = re.compile(
    r"\.(?:png|jpe?g|gif|svg|ico|webp|bmp|iso|img|qcow2|vmdk|raw|vhdx?|html?|css|md|ya?ml|json)\Z",
    re.I,
)
_GROUP_KEYS = frozenset({"repository", "tag", "<<", "repo", "version", "digest"})
_VALUES_KEYS = frozenset({"values", "valuesObject", "valuesInline"})
_MAX_WORDS = 3  # more are a sentence
_METADATA = frozenset({"annotations", "labels", "matchLabels"})

Fill: TypeAlias = Callable[[Scalar, Path], None]


class Evidence(Enum):
    """How sure the place makes us that a string is an image."""

    CONTAINER = "container"  # nothing else can stand there
    OBJECT = "object"  # `image` of a Kubernetes object: whatever parses
    WORD = "word"  # `image` of any other file: a tag, a digest or a path is needed
    SUFFIX = "suffix"  # `sidecarImage`: a tag or a digest is needed


class Search(NamedTuple):
    """A document while images are looked for in it."""

    page: Page
    document: Document
    format_name: str  # of joined strings
    entries: Entries
    around: dict[int, Around]  # by id of a mapping
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
    search = Search(page, document, joined_format, Entries(), {}, fill)
    registries = GlobalRegistries(page, document)
    for place in mappings(document.root, skipped_keys):
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
            evidence = _evidence(name, place.path, is_kubernetes, search.page.is_json)
            if type(node) is Scalar and evidence:
                registry = registries.of(place.path)
                add_reference(search, place, name, node, evidence, registry)
        elif names_images(name) and _are_values(place.path, is_kubernetes):
            _list(search, place, name, resolved(value))
    if is_group:
        _group(search, place, registries)
    is_usual = place.path is not None and place.path.step == "images"
    if is_usual or (is_named_image(place.path) and _are_values(place.path, is_kubernetes)):
        _named_images(search, place)


def _are_values(path: Path | None, is_kubernetes: bool) -> bool:
    """Whether these are Helm values, or a file that nothing says more of."""
    return not is_kubernetes or (path is not None and not _VALUES_KEYS.isdisjoint(path.steps()))


def _list(search: Search, place: Place, key: str, items: Node) -> None:
    if isinstance(items, Collection) and not items.is_mapping:
        path, name = Path(place.path, key), search.format_name
        add_list(search.page, search.document, items, path, name, place.anchored)


def _digest_above(search: Search, place: Place, stem: str) -> Keyed | None:
    """`digest` or `imageDigest` beside the mapping `image`, whose tag it may belong to.

    Names that have a stem are not alone in their mapping, so its key has to say that it is one.
    """
    if place.path is None or place.above is None or (stem and not image_key(place.path.key)):
        return None
    return next(_around(search, place.above).digests_above(place.path.key), None)


def _is_metadata(path: Path | None) -> bool:
    """Whether these are annotations or labels, where a text means what its reader makes of it."""
    return path is not None and path.step in _METADATA and path.parent is not None


def _is_image_volume(path: Path | None) -> bool:
    """Whether a mapping is the `image` of an item of `volumes` (KEP-4639)."""
    return (
        path is not None
        and path.step == "image"
        and path.parent is not None
        and isinstance(path.parent.step, int)
        and path.parent.key.lower().endswith("volumes")
    )


def _evidence(key: str, path: Path | None, is_kubernetes: bool, is_json: bool) -> Evidence | None:
    """How sure a key makes us, None where it names no image."""
    if key == "reference":
        sure = Evidence.CONTAINER if is_kubernetes else Evidence.SUFFIX
        return sure if _is_image_volume(path) else None
    if key != "image":
        return Evidence.SUFFIX
    if not is_kubernetes or _is_data(path):
        # In JSON these may be pictures of web pages, and paths of assets.
        return Evidence.SUFFIX if is_json else Evidence.WORD
    if path is None:
        return Evidence.OBJECT
    if isinstance(path.step, int) and path.key in CONTAINER_LISTS:
        return Evidence.CONTAINER
    if path.step == "rbd":
        return Evidence.SUFFIX  # a Ceph block device
    if not _VALUES_KEYS.isdisjoint(path.steps()):
        return Evidence.SUFFIX if is_json else Evidence.WORD
    return Evidence.OBJECT


def _is_data(path: Path | None) -> bool:
    """Whether these are the texts of a ConfigMap or Secret."""
    return path is not None and path.parent is None and path.step in ("data", "stringData")


def add_reference(
    search: Search,
    place: Place,
    key: str,
    scalar: Scalar,
    evidence: Evidence,
    global_registry: Scalar | None = None,
) -> None:
    """Record a whole reference, or a name with what stands beside it, if it is an image."""
    page, document = search.page, search.document
    text = value_of(scalar)
    path = Path(place.path, key)
    if not text or (not scalar.style and not reads_as_string(text)):
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
        if evidence is Evidence.CONTAINER or _looks_meant(text):
            page.report(
                document.byte_offset(scalar.start), str(error), hint=error.hint, address=str(path)
            )
        return
    if evidence is not Evidence.CONTAINER and not _FILE_ENDING.search(reference.name):
        found = _around(search, place.mapping)
        siblings = Siblings(found, stem_of(key), global_registry=global_registry)
        group = _group_at(place, siblings, search.format_name)
        is_bare = reference.tag is None and reference.digest is None
        if not (is_bare and names_another(found)) and add_named(page, document, group, key, scalar):
            return
        unclear = unclear_version(siblings) if is_bare else None
        if unclear and evidence is not Evidence.SUFFIX:
            report_unclear(page, document, group, unclear, key)
            return
    if _is_image(reference, evidence):
        parts = {Part.REFERENCE: scalar}
        version = (reference.tag, reference.digest)
        add(page, document, path, search.format_name, parts, reference, version, place.anchored)


def _looks_meant(text: str) -> bool:
    """Whether a text that does not parse still has the shape of a reference with a version."""
    words = text.split()
    text = "".join(words)  # an image that was folded in two has a blank in it
    if "/" not in text or "://" in text or len(words) > _MAX_WORDS or len(text) > 300:
        return False
    return "@sha256:" in text or ":" in text.rpartition("/")[2]


def _is_image(reference: ImageReference, evidence: Evidence) -> bool:
    if evidence is Evidence.CONTAINER or reference.tag or reference.digest:
        return True
    if _FILE_ENDING.search(reference.name) or evidence is Evidence.SUFFIX:
        return False
    return evidence is Evidence.OBJECT or "/" in reference.name


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
    )
    add_group(search.page, search.document, _group_at(place, siblings, GROUP_FORMAT))


def _named_images(search: Search, place: Place) -> None:
    """Record the references that a mapping `images` gives names of its own to."""
    for key, value in place.mapping.pairs():
        node = resolved(value)
        if type(key) is not Scalar or type(node) is not Scalar:
            continue
        said = image_key(key.text)
        if said is None or not said.is_usual:
            add_reference(search, place, key.text, node, Evidence.SUFFIX)
