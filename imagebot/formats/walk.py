"""Walk a document's tree and name the places in it as users do.

Pure. `spec.template.spec.containers[0].image` is made only for the few places that are told
to somebody; on the way down a path is a chain of steps.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from imagebot.yaml_nodes import Alias, Collection, Document, Node, Scalar

_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$/-]*")
_MERGE_DEPTH = 50  # a `<<` of a `<<` of a `<<` ...; nearly all were looked up on the way
_MAX_MERGED = 300_000  # values copied by `<<` in one document
_RESOURCE_SETS = "fluxcd.controlplane.io/"
_MAX_STEP_LENGTH = 120  # a hostile key is not repeated in every address below it


class Path(NamedTuple):
    """One step down from `parent`: a mapping's key or a sequence's index."""

    parent: "Path | None"
    step: str | int

    def __str__(self) -> str:
        steps: list[str] = []
        path: Path | None = self
        while path is not None:
            steps.append(_written(path.step))
            path = path.parent
        return "".join(reversed(steps)).removeprefix(".")

    def steps(self) -> tuple[str | int, ...]:
        """All steps from the root to this one."""
        steps: list[str | int] = []
        path: Path | None = self
        while path is not None:
            steps.append(path.step)
            path = path.parent
        return tuple(reversed(steps))

    @property
    def key(self) -> str:
        """The nearest key at or above this step; "" inside a top-level sequence."""
        path: Path | None = self
        while path is not None:
            if isinstance(path.step, str):
                return path.step
            path = path.parent
        return ""


def below(path: Path | None, key: str, *keys: str) -> Path:
    """The way further down through keys."""
    path = Path(path, key)
    for each in keys:
        path = Path(path, each)
    return path


def _written(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    step = step[:_MAX_STEP_LENGTH]
    return f".{step}" if _SIMPLE_KEY.fullmatch(step) else f'["{step}"]'


class Place(NamedTuple):
    """A mapping in the tree, the way to it, and the anchored nodes it stands in."""

    mapping: Collection
    path: Path | None
    anchored: tuple[int, ...]  # starts of anchored collections around, this one included
    above: Collection | None = None  # the mapping that holds it, perhaps in a list


def mappings(root: Node, skipped_keys: frozenset[str] = frozenset()) -> Iterator[Place]:
    """Every mapping, each once, in document order. `skipped_keys` are left out at the root."""
    waiting: list[Place] = []
    if isinstance(root, Collection):
        waiting.append(Place(root, None, ()))
    while waiting:
        node, path, anchored, above = place = waiting.pop()
        if node.anchor is not None:
            anchored = (*anchored, node.start)
            place = Place(node, path, anchored, above)
        below: list[Place] = []
        if node.is_mapping:
            yield place
            for key, value in node.pairs():
                if type(value) is Collection:
                    text = key.text if type(key) is Scalar else "?"
                    if path is not None or text not in skipped_keys:
                        below.append(Place(value, Path(path, text), anchored, node))
        else:
            for index, item in enumerate(node.children):
                if type(item) is Collection and not _is_schema(item):
                    below.append(Place(item, Path(path, index), anchored, above))
        waiting.extend(reversed(below))


def _is_schema(item: Collection) -> bool:
    """Whether an item of a List is a CustomResourceDefinition, full of `image` keys."""
    return item.is_mapping and any(
        type(key) is Scalar
        and key.text == "kind"
        and type(value) is Scalar
        and value.text == "CustomResourceDefinition"
        for key, value in item.pairs()
    )


# As in `newTag`, `image_repository`, `manifestDigest`, `sha256`; an `s` at the end is taken off.
_OF_IMAGE = ("image", "name", "repository", "repo", "registry", "hub", "tag", "version")
_OF_DIGEST = ("digest", "sha", "sha256", "hash")
_DIGEST_LENGTH = 64  # of its digits alone
_KEPT_ENDINGS = (*_OF_IMAGE, *_OF_DIGEST)


def is_of_image(key: str) -> bool:
    """Whether a key can belong to an image that is written in several values."""
    return key.lower().removesuffix("s").endswith(_KEPT_ENDINGS)


class Entries:
    """Values of a mapping by key: aliases followed, `<<` merged in below what is written.

    For the trees of one document. Only keys that a format asks for are kept, by default those of
    an image and of what stands beside it, and what is long enough for a digest; each mapping is
    looked at once, so that anchors merged a thousand times cost nothing.
    """

    def __init__(self, is_kept: Callable[[str], bool] = is_of_image) -> None:
        self._is_kept = is_kept
        self._known: dict[int, dict[str, Node]] = {}
        self._merges_left = _MAX_MERGED

    def of(self, mapping: Collection, depth: int = _MERGE_DEPTH) -> dict[str, Node]:
        """Values by key; of a key that is there twice the last."""
        known = self._known.get(id(mapping))
        if known is not None:
            return known
        self._known[id(mapping)] = {}  # what a mapping finds that merges itself
        written: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in mapping.pairs():
            if type(key) is not Scalar:
                continue
            if key.text == "<<" and not key.style:
                merged = {**self._merged(value, depth - 1), **merged} if depth else merged
            elif self._is_kept(key.text) or _may_be_digest(value):
                written[key.text] = resolved(value)
        self._merges_left -= len(merged)
        found = {**merged, **written} if merged and self._merges_left > 0 else written
        self._known[id(mapping)] = found
        return found

    def _merged(self, value: Node, depth: int) -> dict[str, Node]:
        target = resolved(value)
        if not isinstance(target, Collection):
            return {}
        if target.is_mapping:
            return self.of(target, depth)
        merged: dict[str, Node] = {}
        for item in target.children:
            source = resolved(item)
            if isinstance(source, Collection) and source.is_mapping:
                merged = {**self.of(source, depth), **merged}
        return merged


def _may_be_digest(value: Node) -> bool:
    return type(value) is Scalar and len(value.text) >= _DIGEST_LENGTH


def written(mapping: Collection) -> dict[str, Node]:
    """Values of all keys that stand in a mapping itself; of a key that is there twice the last."""
    return {key.text: resolved(value) for key, value in mapping.pairs() if type(key) is Scalar}


def resolved(node: Node) -> Node:
    """The node itself, or what an alias stands for."""
    return node.target if isinstance(node, Alias) else node


def scalar_at(found: Mapping[str, Node], key: str) -> Scalar | None:
    node = found.get(key)
    return node if isinstance(node, Scalar) else None


class Held(NamedTuple):
    """A sequence of Kubernetes objects, and the keys that lead to it."""

    items: Collection
    steps: tuple[str, ...]


def held_objects(holder: Collection) -> Held | None:
    """The objects in a List, or in a ResourceSet of the Flux Operator; None in anything else."""
    if object_text(holder, "kind").endswith("List"):
        steps: tuple[str, ...] = ("items",)
    elif object_text(holder, "apiVersion").startswith(_RESOURCE_SETS):
        steps = ("spec", "resources")
    else:
        return None
    node: Node | None = holder
    for step in steps:
        is_mapping = isinstance(node, Collection) and node.is_mapping
        node = written(node).get(step) if is_mapping and isinstance(node, Collection) else None
    is_list = isinstance(node, Collection) and not node.is_mapping
    return Held(node, steps) if is_list and isinstance(node, Collection) else None


def objects(document: Document) -> Iterator[tuple[Collection, Path | None]]:
    """The Kubernetes objects of a document: its root, and those in Lists, each once."""
    root = document.root
    if not (isinstance(root, Collection) and root.is_mapping):
        return
    waiting: list[tuple[Collection, Path | None]] = [(root, None)]
    seen: set[int] = set()  # objects that aliases repeat
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node, path
        held = held_objects(node)
        if held is not None:
            place = below(path, *held.steps)
            for index, item in reversed(list(enumerate(held.items.children))):
                each = resolved(item)
                if isinstance(each, Collection) and each.is_mapping:
                    waiting.append((each, Path(place, index)))


def object_text(mapping: Collection, key: str) -> str:
    """Text of a scalar in a mapping, "" without one."""
    for name, value in mapping.pairs():
        if type(name) is Scalar and name.text == key and type(value) is Scalar:
            return value.text
    return ""


def top_level(document: Document, key: str) -> str:
    """Text of a scalar at the document's root, "" without one."""
    if not isinstance(document.root, Collection) or not document.root.is_mapping:
        return ""
    return object_text(document.root, key)
