"""Images of custom resources under keys that do not say so: `spec.package` of Crossplane.

Pure. Kind and group say what a value is, so that nothing is guessed; what stands under `image` or
in a group is found in every object (images.py).
"""

from collections.abc import Iterator
from typing import NamedTuple

from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path, object_text, objects
from imagebot.yaml_nodes import Document, Node


class _Place(NamedTuple):
    """Keys from the object down to a value, `*` for each item of a list, and what is there."""

    keys: tuple[str, ...]
    scheme: str = ""  # in front of the image
    is_of_openshift: bool = False  # a mapping with `kind: DockerImage` and `name`


def _openshift(*keys: str) -> _Place:
    return _Place((*keys, "from"), is_of_openshift=True)


_PACKAGE = (_Place(("spec", "package")),)
_STREAM = (_openshift("spec", "tags", "*"),)
_BUILD = (
    *(_openshift("spec", "strategy", f"{each}Strategy") for each in ("docker", "source", "custom")),
    _openshift("spec", "source", "images", "*"),
)
_REGISTRY = ("spec", "source", "registry", "url")
_PLACES = {
    **{("pkg.crossplane.io", kind): _PACKAGE for kind in ("Provider", "Function", "Configuration")},
    ("image.openshift.io", "ImageStream"): _STREAM,
    ("build.openshift.io", "BuildConfig"): _BUILD,
    ("", "ImageStream"): _STREAM,  # v1, of old
    ("", "BuildConfig"): _BUILD,
    ("cdi.kubevirt.io", "DataVolume"): (_Place(_REGISTRY, "docker://"),),
    ("cdi.kubevirt.io", "DataImportCron"): (_Place(("spec", "template", *_REGISTRY), "docker://"),),
    ("kubevirt.io", "VirtualMachine"): (
        _Place(("spec", "dataVolumeTemplates", "*", *_REGISTRY), "docker://"),
    ),
    ("fluxcd.controlplane.io", "FluxInstance"): (
        _Place(("spec", "distribution", "artifact"), "oci://"),
    ),
}


def read(page: Page, document: Document, format_name: str) -> None:
    """Record what the objects of a document hold at the places that are known of their kinds."""
    layout = Layout(page, document, format_name)
    for node, path in objects(document):
        group, slash, _ = object_text(node, "apiVersion").partition("/")
        for place in _PLACES.get((group if slash else "", object_text(node, "kind")), ()):
            for value, at in _values(layout, node, path, place.keys):
                _record(layout, place, value, at)


def _record(layout: Layout, place: _Place, value: Node, path: Path) -> None:
    if place.scheme:
        layout.image_behind(place.scheme, value, path)
    elif not place.is_of_openshift:
        layout.image(value, path)
    elif layout.text(layout.at(value, "kind")) == "DockerImage":
        layout.image(layout.at(value, "name"), Path(path, "name"))


def _values(
    layout: Layout, node: Node, path: Path | None, keys: tuple[str, ...]
) -> Iterator[tuple[Node, Path]]:
    """What stands under keys, one below the other, and in each item of a list among them."""
    key, *rest = keys
    if key == "*":
        below = layout.items(node, path) if path is not None else iter(())
    else:
        value = layout.at(node, key)
        below = iter(()) if value is None else iter([(value, Path(path, key))])
    for value, at in below:
        if rest:
            yield from _values(layout, value, at, tuple(rest))
        else:
            yield value, at
