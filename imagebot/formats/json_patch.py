"""JSON patches (RFC 6902) that set an image, in files of their own or inside a kustomization.

Pure. `{op: replace, path: /spec/.../containers/0/image, value: nginx:1.27}` says only by its path
that its value is an image. Whole containers that a patch adds are found as everywhere else. A
`test` compares with what stands elsewhere and sets nothing, so its value is not taken. Operations
that each set a part of one image (`/spec/values/image/tag`) are read as Helm's parameters are.
"""

import re
from collections.abc import Set

from imagebot.formats.evidence import Evidence
from imagebot.formats.images import Search, add_reference, find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.parameters import Parameter, add_parameters
from imagebot.formats.sighting import value_of
from imagebot.formats.walk import Entries, Path, Place, mappings, resolved, scalar_at
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "json-patch"
_KEYS = frozenset({"op", "path", "value"})
_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})
_SETTING = frozenset({"add", "replace"})
_CONTAINER = re.compile(r"/(?:containers|initContainers|ephemeralContainers)/[^/]+/image\Z")
_IMAGE = re.compile(r"/(?:image|volumes/[^/]+/image/reference)\Z")
_VOLUMES = re.compile(r"/volumes(?P<item>/[^/]+)?(?P<image>(?(item)/image))?\Z")

# `spec.values.image.tag`, `webImageTag` and `spec.images.0.newTag`.
_VERSION = re.compile(r"(?:[Ii]mages?\.(?:.*\.)?|[Ii]mage[_-]?|\.new)(tag|digest)\Z", re.IGNORECASE)

_METADATA = frozenset({"annotations", "labels"})  # where a text means what its reader makes of it


def claims(page: Page, document: Document) -> bool:
    """A list whose first item is an operation with a path."""
    root = document.root
    if not isinstance(root, Collection) or root.is_mapping or not root.children:
        return False
    first = resolved(root.children[0])
    if not isinstance(first, Collection) or not first.is_mapping:
        return False
    entries = Entries(_KEYS.__contains__).of(first)
    operation, path = scalar_at(entries, "op"), scalar_at(entries, "path")
    return operation is not None and operation.text in _OPERATIONS and path is not None


def read(page: Page, document: Document) -> None:
    root = document.root
    if isinstance(root, Collection):
        anchored = (root.start,) if root.anchor else ()
        _read_operations(Search(page, document, NAME, Entries(), {}, {}), root, None, anchored)
    find_images(page, document, NAME, is_kubernetes=True)


def read_lists(page: Page, document: Document) -> None:
    """Record what the operations set that a document holds as lists under `patch`."""
    search = Search(page, document, NAME, Entries(), {}, {})
    for place in mappings(document.root):
        for key, value in place.mapping.pairs():
            target = resolved(value)
            is_patch = type(key) is Scalar and key.text == "patch"
            if is_patch and isinstance(target, Collection) and not target.is_mapping:
                anchored = (*place.anchored, target.start) if target.anchor else place.anchored
                _read_operations(search, target, Path(place.path, "patch"), anchored)


def _read_operations(
    search: Search, operations: Collection, path: Path | None, anchored: tuple[int, ...]
) -> None:
    layout = Layout(search.page, search.document, NAME)
    parameters: list[Parameter] = []
    for index, item in enumerate(operations.children):
        operation = resolved(item)
        if (
            not isinstance(operation, Collection)
            or layout.text(layout.at(item, "op")) not in _SETTING
        ):
            continue
        target, value = layout.text(layout.at(item, "path")), layout.at(item, "value")
        around = (*anchored, operation.start) if operation.anchor else anchored
        place = Place(operation, Path(path, index), around)
        if not isinstance(value, Scalar):
            _image_volumes(search, layout, target, value, Path(place.path, "value"))
        elif evidence := _evidence(target):
            add_reference(search, place, "value", value, evidence)
        elif _METADATA.isdisjoint(target.split("/")):
            name = target.removeprefix("/").replace("/", ".")
            parameters.append(Parameter(name, value, Path(place.path, "value")))
    counts = len(search.page.occurrences), len(search.page.problems)
    add_parameters(layout, NAME, parameters)
    told = {item.address for item in search.page.problems[counts[1] :]}
    spans = (slot.span for item in search.page.occurrences[counts[0] :] for slot in item.slots)
    _tell_versions_alone(layout, parameters, {span.start for span in spans}, told)


def _tell_versions_alone(
    layout: Layout, parameters: list[Parameter], found: Set[int], told: Set[str]
) -> None:
    """Say of a tag that is set without the name of its image that nothing says whose it is.

    `found`: where the values stand that were recorded; `told`: addresses that were spoken of.
    """
    known = {_above(each) for each in parameters if str(each.path) in told}
    for parameter in parameters:
        part, start = _VERSION.search(parameter.name), parameter.value.start
        offset, end = (layout.document.byte_offset(at) for at in (start, parameter.value.end))
        is_found = any(offset <= at <= end for at in found)
        if part is None or is_found or _above(parameter) in known or not value_of(parameter.value):
            continue
        layout.page.report(
            offset,
            f"a patch sets the {part[1].lower()} of an image whose name it does not say, "
            "so it is not edited",
            hint="put a marker on the value, or set the name in the same patch",
            address=str(parameter.path),
        )


def _above(parameter: Parameter) -> str:
    return parameter.name.rpartition(".")[0]


def _image_volumes(
    search: Search, layout: Layout, target: str, value: Node | None, path: Path
) -> None:
    """Record the images in what is added: a list of volumes, one, or the `image` of one."""
    found = _VOLUMES.search(target)
    if found is None:
        return
    if found["image"]:
        images = [(value, path)]
    elif found["item"]:
        images = [(layout.at(value, "image"), Path(path, "image"))]
    else:
        images = [
            (layout.at(volume, "image"), Path(at, "image"))
            for volume, at in layout.items(value, path)
        ]
    for image, at in images:
        reference = layout.at(image, "reference")
        if isinstance(image, Collection) and isinstance(reference, Scalar):
            place = Place(image, at, layout.anchored(reference))
            add_reference(search, place, "reference", reference, Evidence.CONTAINER)


def _evidence(path: str) -> Evidence | None:
    if _CONTAINER.search(path):
        return Evidence.CONTAINER
    return Evidence.OBJECT if _IMAGE.search(path) else None
