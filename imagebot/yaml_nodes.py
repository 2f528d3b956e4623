"""What YAML is read into: light trees of scalars, aliases and collections that know their places.

Pure. A scalar keeps its text as written; nothing is resolved, and an alias is one node however
large what it stands for. yaml_spans.py makes these trees.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from imagebot.yaml_places import Places


class Scalar(NamedTuple):
    """One scalar. `start` and `end` count characters of the section, with anchor and quotes."""

    text: str  # the value that YAML reads
    style: str  # "" plain, or one of ' " | >
    anchor: str | None
    start: int
    end: int
    in_flow: bool


class Alias(NamedTuple):
    """A `*name` and the node it stands for."""

    target: "Scalar | Collection"
    start: int
    end: int


@dataclass(slots=True, eq=False)
class Collection:
    """A mapping (children are key, value, key, value, ...) or a sequence."""

    is_mapping: bool
    in_flow: bool
    anchor: str | None
    start: int
    children: list["Scalar | Alias | Collection"] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple["Node", "Node"]]:
        """Keys with their values, in order; a key may be there twice."""
        return zip(self.children[::2], self.children[1::2], strict=True)


Node: TypeAlias = Scalar | Alias | Collection


class Section(NamedTuple):
    """A byte range of a file that holds whole documents, nearly always one."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Why the rest of a section could not be read, and the byte offset where that showed."""

    offset: int
    cause: str
    is_limit: bool = False  # it may be good YAML, but there is too much of it


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document's tree, with what is needed to go back from its characters to bytes."""

    root: Node
    aliases: Mapping[int, tuple[int, ...]]  # starts of `*name` by start of the anchored node
    characters: "Places"
    homes: Mapping[int, int] = field(default_factory=dict)
    """Start of the nearest anchored collection around, by start of `*name` or of such a one."""
    _homes_of_scalars: dict[int, int] = field(default_factory=dict)  # made when first asked

    def byte_offset(self, character: int) -> int:
        """Byte offset in the file of a node's `start` or `end`."""
        return self.characters.byte_offset(character)

    def anchored_around(self, start: int) -> tuple[int, ...]:
        """Starts of the anchored collections that the scalar there stands in, inner ones first."""
        if not self.aliases:
            return ()
        if not self._homes_of_scalars:
            self._find_homes()
        found: list[int] = []
        home = self._homes_of_scalars.get(start)
        while home is not None and home not in found:
            found.append(home)
            home = self.homes.get(home)
        return tuple(found)

    def _find_homes(self) -> None:
        waiting: list[tuple[Node, int | None]] = [(self.root, None)]
        while waiting:
            node, home = waiting.pop()
            if isinstance(node, Collection):
                home = node.start if node.anchor is not None else home
                waiting += ((child, home) for child in node.children)
            elif isinstance(node, Scalar) and home is not None:
                self._homes_of_scalars[node.start] = home

    def followers(self, anchored: Iterable[int], limit: int) -> list[int]:
        """Starts of the aliases that repeat what stands in anchored nodes, at most `limit`.

        Also at second hand: an alias inside an anchored collection is repeated where that is.
        """
        found: dict[int, None] = {}
        waiting = list(anchored)
        seen = set(waiting)
        while waiting and len(found) < limit:
            for place in self.aliases.get(waiting.pop(), ())[:limit]:
                found[place] = None
                home = self.homes.get(place)
                while home is not None and home not in seen:
                    seen.add(home)
                    waiting.append(home)
                    home = self.homes.get(home)
        return sorted(found)[:limit]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one section gave: the documents before a fault, and the fault."""

    documents: tuple[Document, ...]
    broken: Broken | None
    node_count: int
