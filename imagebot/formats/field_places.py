"""Walk a tree by the address of a field, also into the texts of block scalars.

Pure. What is found remembers the document that it stands in, since a text has its own.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from imagebot.field_paths import Every, Index, Into, Key, Step, Where
from imagebot.formats.page import Page
from imagebot.formats.sighting import alias_lines
from imagebot.formats.walk import Path, resolved
from imagebot.yaml_blocks import Block, read_block
from imagebot.yaml_spans import MAX_NODES, Collection, Document, Node, Scalar

_MAX_MATCHES = 10_000  # of one field in one document
_MAX_VISITED = 300_000


class FieldPlace(NamedTuple):
    """A node, the way to it, and the collection that holds it."""

    node: Node
    path: Path | None
    parent: Collection | None
    document: Document
    anchored: tuple[int, ...] = ()  # starts of the anchored collections around it
    aliases: tuple[int, ...] = ()  # lines where the text that it stands in is repeated

    @property
    def offset(self) -> int:
        return self.document.byte_offset(self.node.start)

    def child(self, node: Node, step: str | int) -> "FieldPlace":
        parent = self.node if isinstance(self.node, Collection) else None
        is_anchored = parent is not None and parent.anchor is not None
        anchored = (*self.anchored, self.node.start) if is_anchored else self.anchored
        path = Path(self.path, step)
        return FieldPlace(resolved(node), path, parent, self.document, anchored, self.aliases)


class Barred(NamedTuple):
    """A place where an address goes into a text that cannot be read, and why."""

    place: FieldPlace
    reason: str


class FieldPlaces:
    """Looks for addresses in one file; each text is read once, however many lead into it."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._blocks: dict[int, Block | None] = {}
        self._nodes_left = MAX_NODES

    def of(
        self, document: Document, steps: Sequence[Step]
    ) -> tuple[list[FieldPlace], list[Barred]]:
        """What an address means in a document, and where it could not be followed."""
        places = [FieldPlace(resolved(document.root), None, None, document)]
        barred: list[Barred] = []
        for step in steps:
            further = (below for place in places for below in self._below(place, step, barred))
            places = [place for _, place in zip(range(_MAX_MATCHES), further, strict=False)]
        return places, barred

    def _below(self, place: FieldPlace, step: Step, barred: list[Barred]) -> Iterator[FieldPlace]:
        if isinstance(step, Into):
            yield from self._inside(place, barred)
        else:
            yield from _below(place, step)

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


def _below(place: FieldPlace, step: Step) -> Iterator[FieldPlace]:
    if not isinstance(place.node, Collection):
        return
    if isinstance(step, Key) and step.is_deep:
        yield from _deep(place, step.name)
        return
    children = list(_children(place))
    if isinstance(step, Index):
        if not place.node.is_mapping and -len(children) <= step.number < len(children):
            yield children[step.number]
        return
    for child in children:
        if isinstance(step, Every):
            yield child
        elif isinstance(step, Key):
            if place.node.is_mapping and child.path and child.path.step == step.name:
                yield child
        elif isinstance(step, Where) and _holds(child, step):
            yield child


def _children(place: FieldPlace) -> Iterator[FieldPlace]:
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
        children = list(_children(current))
        is_mapping = isinstance(current.node, Collection) and current.node.is_mapping
        for child in children:
            if is_mapping and child.path and child.path.step == name:
                yield child
        waiting += (each for each in reversed(children) if isinstance(each.node, Collection))


def _holds(child: FieldPlace, where: Where) -> bool:
    places = [child]
    for key in where.keys:
        places = [below for each in places for below in _below(each, Key(key))]
    node = places[-1].node if places else None
    if not isinstance(node, Scalar):
        return False
    return (node.text == where.text) is where.is_equal
