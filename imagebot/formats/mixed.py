"""A List whose objects belong to several formats: what each of the formats is to see of it.

Pure. Each part is the whole document with nothing in place of the objects of other formats, so that
addresses, places and anchors are those of the document.
"""

from collections.abc import Callable
from dataclasses import replace

from imagebot.formats.walk import held_objects, objects, resolved
from imagebot.yaml_nodes import Alias, Collection, Document, Node, Scalar


def split(document: Document, format_of: Callable[[Document], str]) -> list[Document]:
    """The parts of a document, by the formats of its objects; itself where these are of one."""
    by_format: dict[str, set[int]] = {}
    for node, path in objects(document):
        if path is not None and held_objects(node) is None:
            format_name = format_of(replace(document, root=node))
            by_format.setdefault(format_name, set()).add(id(node))
    if len(by_format) < 2 or not isinstance(document.root, Collection):
        return [document]
    document.anchored_around(document.root.start)  # what surrounds a place is found in the whole
    everything = set().union(*by_format.values())
    return [
        replace(document, root=_Rest(everything - kept).of(document.root))
        for kept in by_format.values()
    ]


class _Rest:
    """Holders of objects without some of them; what they hold directly is shared, not copied."""

    def __init__(self, left_out: set[int]) -> None:
        self._left_out = left_out
        self._known: dict[int, Collection] = {}  # aliases may repeat a holder any number of times

    def of(self, holder: Collection) -> Collection:
        held = held_objects(holder)
        if held is None:
            return holder
        if id(holder) not in self._known:
            self._known[id(holder)] = holder  # what one finds that holds itself
            self._known[id(holder)] = self._copy(holder, held.steps)
        return self._known[id(holder)]

    def _copy(self, node: Collection, steps: tuple[str, ...]) -> Collection:
        copy = replace(node, children=list(node.children))
        for index, child in enumerate(node.children):
            target = resolved(child)
            if not isinstance(target, Collection):
                continue
            if not steps:
                copy.children[index] = self._item(child, target)
            elif index % 2 and _text(node.children[index - 1]) == steps[0]:
                copy.children[index] = _in_place_of(child, self._copy(target, steps[1:]))
        return copy

    def _item(self, child: Node, target: Collection) -> Node:
        if id(target) in self._left_out:
            return Scalar("", "", None, child.start, child.start, in_flow=False)
        return _in_place_of(child, self.of(target))


def _in_place_of(child: Node, copy: Collection) -> Node:
    """An alias stays one, so that nobody walks down what it repeats."""
    return child._replace(target=copy) if isinstance(child, Alias) else copy


def _text(key: Node) -> str:
    return key.text if isinstance(key, Scalar) else ""
