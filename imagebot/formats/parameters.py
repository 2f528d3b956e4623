"""Helm values that are set one by one, each by its key path: `image.tag` is `1.27`.

Pure. Argo CD, Helmfile and Skaffold write them, as pairs of name and value or as mappings. Those
that differ in the last key alone are one group.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from imagebot.formats.around import Around, Keyed, is_digest, is_digits, names_image, says_digest
from imagebot.formats.divided import names_another
from imagebot.formats.groups import (
    Group,
    add_group,
    add_named,
)
from imagebot.formats.image_keys import image_key, is_image_key, names_images, stem_of
from imagebot.formats.known_places import Layout
from imagebot.formats.siblings import Siblings
from imagebot.formats.sighting import add, reference_in, value_of
from imagebot.formats.walk import Path
from imagebot.model import Part
from imagebot.yaml_nodes import Node, Scalar

_MAX_BELOW = 3  # keys between an image and a digest that may be its own


class Parameter(NamedTuple):
    """A value and the key path that it is set at; `path` is where it stands in the file."""

    name: str
    value: Scalar
    path: Path


class _Stem(NamedTuple):
    """The parameters that differ in the last key alone, by that key."""

    name: str
    found: Mapping[str, Scalar]
    around: Around
    paths: Mapping[str, Path]
    registry: Scalar | None  # the one that `global` gives to all images
    digest_above: Keyed | None  # `imageDigest` of `image.tag`
    anchored: tuple[int, ...]  # starts of anchored collections around the values


def named_values(layout: Layout, items: Node | None, path: Path) -> Iterator[Parameter]:
    """The parameters of a list of mappings with `name` and `value`."""
    for item, place in layout.items(items, path):
        value = layout.at(item, "value")
        if isinstance(value, Scalar):
            yield Parameter(layout.text(layout.at(item, "name")), value, Path(place, "value"))


def add_parameters(layout: Layout, format_name: str, parameters: Iterable[Parameter]) -> None:
    """Record the groups and references that parameters name by their key paths."""
    parameters = tuple(parameters)
    values: dict[str, dict[str, Scalar]] = {}
    paths: dict[str, dict[str, Path]] = {}
    for parameter in parameters:
        above, _, leaf = parameter.name.rpartition(".")
        if leaf:
            values.setdefault(above, {})[leaf] = parameter.value
            paths.setdefault(above, {})[leaf] = parameter.path
        above, _, leaf = _without_digest(parameter).rpartition(".")
        if leaf:  # `image.digests.amd64` stands beside `image.tag`
            values.setdefault(above, {})[leaf] = parameter.value
            paths.setdefault(above, {})[leaf] = parameter.path
    below = [(each, *found) for each in parameters for found in _below_image(each, values)]
    for parameter, above, rest in below:
        values[above].setdefault(rest, parameter.value)
        paths[above].setdefault(rest, parameter.path)
    shared = values.get("global", {}).get("imageRegistry")
    registry = shared if value_of(shared) else None
    around = {name: Around(found) for name, found in values.items()}
    for name, found in values.items():
        anchored = sorted({at for value in found.values() for at in layout.anchored(value)})
        above, _, last = name.rpartition(".")
        digest = next(around[above].digests_above(last), None) if above in around else None
        stem = _Stem(name, found, around[name], paths[name], registry, digest, tuple(anchored))
        _add_groups(layout, format_name, stem)
        for leaf in found:
            said = image_key(leaf)
            is_image = said is not None and not said.is_repository
            if is_image or names_images(name.rpartition(".")[2]):
                _add_image(layout, format_name, stem, leaf)


def _without_digest(parameter: Parameter) -> str:
    """The key path above a digest that is one of several, "" of all other parameters."""
    above = parameter.name.rpartition(".")[0]
    is_one = is_digest(value_of(parameter.value)) and says_digest(above.rpartition(".")[2])
    return above if is_one else ""


def _below_image(
    parameter: Parameter, values: Mapping[str, Mapping[str, Scalar]]
) -> Iterator[tuple[str, str]]:
    """The image that a digest stands below, as `image.sub.digest` does, and the keys between.

    Not one whose digest stands with another name, as that of `image.side.repository` does.
    """
    above, _, rest = parameter.name.rpartition(".")
    text = value_of(parameter.value)
    if not (is_digest(text) or (is_digits(text) and says_digest(rest))):
        return
    for _ in range(_MAX_BELOW):
        if not above or names_image(values.get(above, ())):
            return
        above, _, last = above.rpartition(".")
        rest = f"{last}.{rest}"
        if "repository" in values.get(above, ()):
            yield above, rest


def _add_groups(layout: Layout, format_name: str, stem: _Stem) -> None:
    key_path: Path | None = None
    for step in stem.name.split(".") if stem.name else ():
        key_path = Path(key_path, step)
    add_group(layout.page, layout.document, _group(stem, format_name, is_image_key(key_path)))
    for leaf in stem.found:
        said = image_key(leaf)
        if said and said.is_repository:
            flat = _group(stem, format_name, stem=said.stem)
            add_group(layout.page, layout.document, flat)


def _group(of: _Stem, format_name: str, is_image: bool = False, stem: str = "") -> Group:
    above = None if stem else of.digest_above
    siblings = Siblings(of.around, stem, is_image, False, of.registry, above)
    return Group(siblings, lambda key: of.paths[key], of.anchored, format_name)


def _add_image(layout: Layout, format_name: str, stem: _Stem, leaf: str) -> None:
    """Record a parameter that is a whole reference, or a name with its tag in another one."""
    value, path = stem.found[leaf], stem.paths[leaf]
    page, document = layout.page, layout.document
    reference = reference_in(page, document, value, path)
    if reference is None:
        return
    group = _group(stem, format_name, stem=stem_of(leaf))
    is_bare = reference.tag is None and reference.digest is None
    if (is_bare and names_another(stem.found)) or add_named(page, document, group, leaf, value):
        return
    if not is_bare:
        version = (reference.tag, reference.digest)
        parts: dict[Part, Scalar] = {Part.REFERENCE: value}
        add(page, document, path, format_name, parts, reference, version, stem.anchored)
