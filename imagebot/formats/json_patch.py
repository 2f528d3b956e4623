"""JSON patches (RFC 6902) that set an image, in files of their own or inside a kustomization.

Pure. `{op: replace, path: /spec/.../containers/0/image, value: nginx:1.27}` says only by its path
that its value is an image. Whole containers that a patch adds are found as everywhere else. A
`test` compares with what stands elsewhere and sets nothing, so its value is not taken.
"""

import re

from imagebot.formats.images import Evidence, Search, add_reference, find_images
from imagebot.formats.page import Page
from imagebot.formats.walk import Entries, Path, Place, resolved, scalar_at
from imagebot.yaml_spans import Collection, Document, Scalar

NAME = "json-patch"
_KEYS = frozenset({"op", "path", "value"})
_OPERATIONS = frozenset({"add", "remove", "replace", "move", "copy", "test"})
_SETTING = frozenset({"add", "replace"})
_CONTAINER = re.compile(r"/(?:containers|initContainers|ephemeralContainers)/[^/]+/image\Z")
_IMAGE = re.compile(r"/(?:image|volumes/[^/]+/image/reference)\Z")


def claims(page: Page, document: Document) -> bool:
    """A list whose first item is an operation with a path."""
    root = document.root
    if not isinstance(root, Collection) or root.is_mapping or not root.children:
        return False
    first = resolved(root.children[0])
    if not isinstance(first, Collection) or not first.is_mapping:
        return False
    entries = Entries(_KEYS).of(first)
    operation, path = scalar_at(entries, "op"), scalar_at(entries, "path")
    return operation is not None and operation.text in _OPERATIONS and path is not None


def read(page: Page, document: Document) -> None:
    root = document.root
    if not isinstance(root, Collection):
        return
    operations = Entries(_KEYS)
    search = Search(page, document, NAME, Entries())
    for index, item in enumerate(root.children):
        operation = resolved(item)
        if not isinstance(operation, Collection) or not operation.is_mapping:
            continue
        found = operations.of(operation)
        name, path, value = (scalar_at(found, key) for key in ("op", "path", "value"))
        if name is None or path is None or value is None or name.text not in _SETTING:
            continue
        if evidence := _evidence(path):
            anchored = tuple(node.start for node in (root, operation) if node.anchor)
            place = Place(operation, Path(None, index), anchored)
            add_reference(search, place, "value", value, evidence)
    find_images(page, document, NAME, is_kubernetes=True)


def _evidence(path: Scalar) -> Evidence | None:
    if _CONTAINER.search(path.text):
        return Evidence.CONTAINER
    return Evidence.OBJECT if _IMAGE.search(path.text) else None
