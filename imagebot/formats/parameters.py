"""Helm values that are set one by one, each by its key path: `image.tag` is `1.27`.

Pure. Argo CD, Helmfile and Skaffold write them, as pairs of name and value or as mappings. Those
that differ in the last key alone are one group.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.groups import (
    Group,
    add_group,
    add_joined,
    flat_group,
    is_image_key,
    reads_as_group,
    version_beside,
)
from imagebot.formats.known_places import Layout
from imagebot.formats.sighting import (
    add,
    is_templated,
    read_reference,
    report_templated,
    value_of,
    whole,
)
from imagebot.formats.walk import Path
from imagebot.model import Part
from imagebot.yaml_spans import Node, Scalar


class Parameter(NamedTuple):
    """A value and the key path that it is set at; `path` is where it stands in the file."""

    name: str
    value: Scalar
    path: Path


class _Stem(NamedTuple):
    """The parameters that differ in the last key alone, by that key."""

    name: str
    found: Mapping[str, Scalar]
    paths: Mapping[str, Path]
    registry: Scalar | None  # the one that `global` gives to all images


def named_values(layout: Layout, items: Node | None, path: Path) -> Iterator[Parameter]:
    """The parameters of a list of mappings with `name` and `value`."""
    for item, place in layout.items(items, path):
        value = layout.at(item, "value")
        if isinstance(value, Scalar):
            yield Parameter(layout.text(layout.at(item, "name")), value, Path(place, "value"))


def add_parameters(layout: Layout, format_name: str, parameters: Iterable[Parameter]) -> None:
    """Record the groups and references that parameters name by their key paths."""
    values: dict[str, dict[str, Scalar]] = {}
    paths: dict[str, dict[str, Path]] = {}
    for parameter in parameters:
        above, _, leaf = parameter.name.rpartition(".")
        if leaf:
            values.setdefault(above, {})[leaf] = parameter.value
            paths.setdefault(above, {})[leaf] = parameter.path
    shared = values.get("global", {}).get("imageRegistry")
    registry = shared if value_of(shared) else None
    for name, found in values.items():
        stem = _Stem(name, found, paths[name], registry)
        _add_groups(layout, format_name, stem)
        for leaf in found:
            if leaf.endswith(("mage", "mageName")) or name.rpartition(".")[2] == "images":
                _add_image(layout, format_name, stem, leaf)


def _add_groups(layout: Layout, format_name: str, stem: _Stem) -> None:
    key_path: Path | None = None
    for step in stem.name.split(".") if stem.name else ():
        key_path = Path(key_path, step)
    is_image = is_image_key(key_path)

    def path_of(key: str) -> Path:
        return stem.paths[key]

    group = Group(
        stem.found, is_image, path_of, global_registry=stem.registry, format_name=format_name
    )
    if reads_as_group(stem.found, is_image):
        add_group(layout.page, layout.document, group)
    else:
        add_joined(layout.page, layout.document, group)
    for leaf in stem.found:
        if leaf.endswith("mageRepository"):
            name = leaf.removesuffix("Repository")
            flat = flat_group(stem.found, name, path_of, global_registry=stem.registry)
            if flat is not None:
                add_group(layout.page, layout.document, flat._replace(format_name=format_name))


def _add_image(layout: Layout, format_name: str, stem: _Stem, leaf: str) -> None:
    """Record a parameter that is a whole reference, or a name with its tag in another one."""
    value, path = stem.found[leaf], stem.paths[leaf]
    beside = version_beside(stem.found, leaf.removesuffix("Name"))
    text = value_of(value)
    if not text:
        return
    if is_templated(text):
        report_templated(layout.page, layout.document, value, path)
        return
    try:
        reference = read_reference(text)
    except InvalidReference:
        return
    if reference.tag or reference.digest:
        version = (reference.tag, reference.digest)
        parts: dict[Part, Scalar] = {Part.REFERENCE: value}
        add(layout.page, layout.document, path, format_name, parts, reference, version)
    elif beside is not None:
        parts, version = {Part.NAME: value, **beside[0]}, beside[1]
        whole_reference = whole(reference.name, *version)
        add(layout.page, layout.document, path, format_name, parts, whole_reference, version)
