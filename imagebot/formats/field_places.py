"""Walk a tree by the address of a field, also into the texts of block scalars.

Pure. What is found remembers the document that it stands in, since a text has its own.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from imagebot.field_paths import Every, Index, Into, Key, Step, Where
from imagebot.formats.page import Page
from imagebot.formats.sighting import alias_lines
from imagebot.formats.walk import Path, resolved
from imagebot.yaml_blocks import Block, read_block
from imagebot.yaml_nodes import Collection, Document, Node, Scalar
from imagebot.yaml_spans import MAX_NODES

_MAX_MATCHES = 10_000  # of one field in one document
_MAX_VISITED = 300_000
_MAX_MERGED = 300_000  # values looked at behind `<<` in one file


class FieldPlace(NamedTuple):
    """A node, the way to it, and the collection that holds it."""

    node: Node
    path: Path | None
    parent: Collection | None
    document: Document
    anchored: tuple[int, ...] = ()  # starts of the anchored collections around it
    aliases: tuple[int, ...] = ()  # lines where the text that it stands in is repeated
    above: Collection | None = None  # the mapping that holds that collection, perhaps in a list

    @property
    def offset(self) -> int:
        return self.document.byte_offset(self.node.start)

    def child(self, node: Node, step: str | int) -> "FieldPlace":
        parent = self.node if isinstance(self.node, Collection) else None
        is_anchored = parent is not None and parent.anchor is not None
        anchored = (*self.anchored, self.node.start) if is_anchored else self.anchored
        path = Path(self.path, step)
        above = self.parent if self.parent is not None and self.parent.is_mapping else self.above
        return FieldPlace(
            resolved(node), path, parent, self.document, anchored, self.aliases, above
        )

    @property
    def holder(self) -> tuple[str, Collection] | None:
        """The key under which the collection around it stands, and the mapping that has the key."""
        if self.above is None or self.path is None or self.path.parent is None:
            return None
        return self.path.parent.key, self.above


class Barred(NamedTuple):
    """A place from which an address cannot be followed, and why."""

    place: FieldPlace
    reason: str


class FieldPlaces:
    """Looks for addresses in one file; each text is read once, however many lead into it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._blocks: dict[int, Block | None] = {}
        self._nodes_left = MAX_NODES
        self._merges_left = _MAX_MERGED

    def of(
        self, document: Document, steps: Sequence[Step]
    ) -> tuple[list[FieldPlace], list[Barred]]:
        """What an address means in a document, and where it could not be followed."""
        places = [FieldPlace(resolved(document.root), None, None, document)]
        barred: list[Barred] = []
        for step in steps:
            further = (below for place in places for below in self._below(place, step, barred))
            places = list(islice(further, _MAX_MATCHES + 1))
            if len(places) > _MAX_MATCHES:
                reason = f"leads to more than {_MAX_MATCHES:,} places, so none is used"
                return [], [Barred(places[0], reason)]
            if self._merges_left < 0:
                reason = f"meets more than {_MAX_MERGED:,} merged values, so none is used"
                return [], [Barred(FieldPlace(document.root, None, None, document), reason)]
        return places, barred

    def _below(self, place: FieldPlace, step: Step, barred: list[Barred]) -> Iterator[FieldPlace]:
        if isinstance(step, Into):
            yield from self._inside(place, barred)
        else:
            yield from self._in(place, step)

    def _inside(self, place: FieldPlace, barred: list[Barred]) -> Iterator[FieldPlace]:
        """The documents in the text of a literal block scalar."""
        node = place.node
        if not isinstance(node, Scalar) or node.style != "|":
            barred.append(Barred(place, "goes into what is no literal block scalar (key: |)"))
            return
        block = self._block(place, node)
        if block is None:
            barred.append(Barred(place, "goes into a text whose lines cannot be told apart"))
            return
        if block.reading.broken is not None:
            cause = block.reading.broken.cause
            barred.append(Barred(place, f"goes into a text that is not YAML throughout: {cause}"))
            return
        starts = (*place.anchored, node.start) if node.anchor else place.anchored
        repeated = alias_lines(self._page, place.document, starts)
        aliases = tuple(sorted({*place.aliases, *repeated}))
        for document in block.reading.documents:
            yield FieldPlace(resolved(document.root), place.path, None, document, aliases=aliases)

    def _block(self, place: FieldPlace, node: Scalar) -> Block | None:
        if place.offset not in self._blocks:
            block = read_block(self._page.source, place.document, node, self._nodes_left)
            self._blocks[place.offset] = block
            self._nodes_left -= block.reading.node_count if block else 0
        return self._blocks[place.offset]

    def _in(self, place: FieldPlace, step: Step) -> Iterator[FieldPlace]:
        """What one step leads to from a collection."""
        if not isinstance(place.node, Collection):
            return
        if isinstance(step, Key) and step.is_deep:
            yield from _deep(place, step.name)
            return
        if isinstance(step, Index):
            children = list(_written(place))
            if not place.node.is_mapping and -len(children) <= step.number < len(children):
                yield children[step.number]
            return
        for child in self._children(place):
            if isinstance(step, Every):
                yield child
            elif isinstance(step, Key):
                if place.node.is_mapping and child.path and child.path.step == step.name:
                    yield child
            elif isinstance(step, Where) and self._holds(child, step):
                yield child

    def _children(self, place: FieldPlace) -> Iterator[FieldPlace]:
        """The values of a mapping, with those that it takes in by `<<`, or the items of a list."""
        own: set[str | int] = set()
        sources: deque[Node] = deque()
        for child in _written(place):
            is_merge = child.path is not None and child.path.step == "<<"
            if is_merge:
                sources.append(child.node)
                continue
            own.add(child.path.step if child.path else "")
            yield child
        if sources:
            yield from self._merged(place, sources, own)

    def _merged(
        self, place: FieldPlace, waiting: deque[Node], own: set[str | int]
    ) -> Iterator[FieldPlace]:
        """What stands in the mappings merged in, the nearest first; `own` keys are hidden."""
        seen: set[int] = set()
        while waiting and self._merges_left >= 0:
            node = resolved(waiting.popleft())
            if not isinstance(node, Collection) or id(node) in seen:
                continue
            seen.add(id(node))
            if not node.is_mapping:
                waiting.extendleft(reversed(node.children))
                continue
            further: list[Node] = []
            for child in _written(place._replace(node=node)):
                self._merges_left -= 1
                step = child.path.step if child.path else ""
                if step == "<<":
                    further.append(child.node)
                elif step not in own:
                    own.add(step)
                    yield child
            waiting.extendleft(reversed(further))

    def _holds(self, child: FieldPlace, where: Where) -> bool:
        places = [child]
        for key in where.keys:
            places = [below for each in places for below in self._in(each, Key(key))]
        node = places[-1].node if places else None
        if not isinstance(node, Scalar):
            return False
        return (node.text == where.text) is where.is_equal


def _written(place: FieldPlace) -> Iterator[FieldPlace]:
    """What stands in a collection itself; `<<` is a key like any other."""
    node = place.node
    if not isinstance(node, Collection):
        return
    if not node.is_mapping:
        for index, item in enumerate(node.children):
            yield place.child(item, index)
        return
    for key, value in node.pairs():
        if isinstance(key, Scalar):
            yield place.child(value, key.text)


def _deep(place: FieldPlace, name: str) -> Iterator[FieldPlace]:
    """Values of a key in this collection and all below it, in document order."""
    waiting = [place]
    seen: set[int] = set()
    while waiting and len(seen) < _MAX_VISITED:
        current = waiting.pop()
        if id(current.node) in seen:
            continue
        seen.add(id(current.node))
        children = list(_written(current))
        is_mapping = isinstance(current.node, Collection) and current.node.is_mapping
        for child in children:
            if is_mapping and child.path and child.path.step == name:
                yield child
        waiting += (each for each in reversed(children) if isinstance(each.node, Collection))
