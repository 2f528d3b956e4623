"""Tekton: images of steps, sidecars and step templates, and the parameters that hold them.

Pure. `$(params.x)` is looked up as Tekton does: what a run or a pipeline gives wins over a task's
default, and embedded tasks see the parameters around them. What a task in another file gets
cannot be known here, so its default is what counts. Bundles are images: `bundle` of a reference,
and of the parameters that the bundles resolver gets.
"""

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from imagebot.formats.composed import Expand, Fragment, Fragments, expand_names
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path, below, mappings, object_text, objects
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "tekton"
_GROUP = "tekton.dev"
_REFERENCES = ("taskRef", "pipelineRef")
_VARIABLE = re.compile(r"\$\((?P<name>[^()$]+)\)")

Texts = Mapping[str, Fragments]


class _Scope(NamedTuple):
    """What a mapping's values may name."""

    values: ChainMap[str, Fragments]  # by what stands between `$(` and `)`
    given: frozenset[str]  # parameters that were handed in, which no default overrides


_OUTSIDE = _Scope(ChainMap(), frozenset())


def claims(page: Page, document: Document) -> bool:
    """Documents with at least one object of Tekton, or of its triggers."""
    return any(
        object_text(each, "apiVersion").partition("/")[0].endswith(_GROUP)
        for each, _ in objects(document)
    )


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    scopes = _Scopes(layout)

    def fill(scalar: Scalar, path: Path) -> None:
        layout.image(scalar, path, scopes.expander(path))

    find_images(page, document, NAME, is_kubernetes=True, fill=fill)
    for place in mappings(document.root):
        for key in _REFERENCES:
            path = below(place.path, key, "bundle")
            layout.image(layout.at(place.mapping, key, "bundle"), path, scopes.expander(path))
        if object_text(place.mapping, "resolver") == "bundles":
            parameters = layout.at(place.mapping, "params")
            for item, path in layout.items(parameters, Path(place.path, "params")):
                if layout.text(layout.at(item, "name")) == "bundle":
                    path = Path(path, "value")
                    layout.image(layout.at(item, "value"), path, scopes.expander(path))


class _Scopes:
    """The parameters that can be named at each place of a document."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._inner: dict[tuple[int, int], _Scope] = {}  # by the ids of mapping and outer scope

    def expander(self, path: Path) -> Expand:
        values = self._at(path).values

        def expand(fragment: Fragment) -> Fragments:
            return expand_names(fragment, _VARIABLE, values)

        return expand

    def _at(self, path: Path) -> _Scope:
        scope = _OUTSIDE
        for step, node in zip(path.steps(), self._layout.along(path), strict=False):
            if step == "params":
                break  # what is given to somebody else is said in the words of the giver
            scope = self._inside(node, scope)
        return scope

    def _inside(self, node: Node | None, outer: _Scope) -> _Scope:
        found = self._layout.of(node)
        if "params" not in found and "matrix" not in found:
            return outer
        key = id(node), id(outer)
        if key not in self._inner:
            self._inner[key] = self._entered(found, outer)
        return self._inner[key]

    def _entered(self, found: Mapping[str, Node], outer: _Scope) -> _Scope:
        prefix = "tt.params" if "resourcetemplates" in found else "params"
        values: dict[str, Fragments] = {}
        given: set[str] = set()
        for item, _ in self._layout.items(found.get("params"), Path(None, "params")):
            parameter = self._layout.of(item)
            name = self._layout.text(parameter.get("name"))
            if "value" in parameter:
                given.add(name)
            elif "default" not in parameter or name in outer.given:
                continue  # the one that is handed in, or the one of that name further out
            said = parameter.get("value", parameter.get("default"))
            values.update(_named(prefix, name, dict(self._texts(said, outer.values))))
        for name in self._varied(found.get("matrix")):
            given.add(name)
            values.update(_named(prefix, name, {}))
        return _Scope(outer.values.new_child(values), outer.given | given)

    def _texts(self, node: Node | None, values: Texts) -> Iterator[tuple[str, Fragments]]:
        """A parameter's texts by what follows its name: `.key` in an object, `[0]` in an array."""
        if isinstance(node, Scalar):
            yield "", self._layout.filled(node, _VARIABLE, values)
        elif isinstance(node, Collection) and node.is_mapping:
            for key, value in self._layout.of(node).items():
                yield f".{key}", self._layout.filled(value, _VARIABLE, values)
        elif isinstance(node, Collection):
            for index, value in enumerate(node.children):
                yield f"[{index}]", self._layout.filled(value, _VARIABLE, values)

    def _varied(self, matrix: Node | None) -> Iterator[str]:
        """The names that a matrix gives many values to, so that none of them is the one."""
        layout = self._layout
        lists = [layout.at(matrix, "params")]
        lists += (
            layout.at(item, "params")
            for item, _ in layout.items(layout.at(matrix, "include"), Path(None, "include"))
        )
        for parameters in lists:
            for item, _ in layout.items(parameters, Path(None, "params")):
                yield layout.text(layout.at(item, "name"))


def _named(prefix: str, name: str, texts: Texts) -> dict[str, Fragments]:
    """A parameter's texts by all that may stand for them between `$(` and `)`."""
    ways = [f"{prefix}.{name}", f"{prefix}['{name}']", f'{prefix}["{name}"]']
    if prefix == "params":
        ways.append(f"inputs.params.{name}")
    found: dict[str, Fragments] = {
        f"{way}{rest}": fragments for way in ways for rest, fragments in texts.items()
    }
    return found or dict.fromkeys(ways, ())
