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


class Anchored(NamedTuple):
    """An anchored node, by its start, and the key directly below it that leads to what is meant.

    None where there is no such key, or it is not known: then all of it is meant.
    """

    start: int
    key: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document's tree, with what is needed to go back from its characters to bytes."""

    root: Node
    aliases: Mapping[int, tuple[int, ...]]  # starts of `*name` by start of the anchored node
    characters: "Places"
    homes: Mapping[int, int] = field(default_factory=dict)
    """Start of the nearest anchored collection around, by start of `*name` or of such a one."""
    # Made when first asked, by start: the nearest anchored collection around a scalar; the key
    # below it that leads to a scalar, an alias or an anchored collection; and of an alias behind
    # `<<` the keys that the mapping there has itself.
    _homes_of_scalars: dict[int, int] = field(default_factory=dict)
    _keys: dict[int, str] = field(default_factory=dict)
    _own_keys: dict[int, frozenset[str]] = field(default_factory=dict)
    _walked: list[Node] = field(default_factory=list)

    def byte_offset(self, character: int) -> int:
        """Byte offset in the file of a node's `start` or `end`."""
        return self.characters.byte_offset(character)

    def anchored_around(self, start: int) -> tuple[Anchored, ...]:
        """The anchored collections that the scalar there stands in, inner ones first."""
        if not self.aliases:
            return ()
        self._find_homes()
        return self._upward(self._homes_of_scalars.get(start), self._keys.get(start))

    def _upward(self, home: int | None, key: str | None) -> tuple[Anchored, ...]:
        found: dict[int, Anchored] = {}
        while home is not None and home not in found:
            found[home] = Anchored(home, key)
            key = self._keys.get(home)
            home = self.homes.get(home)
        return tuple(found.values())

    def _find_homes(self) -> None:
        """Walk the tree, the first time that it is asked for."""
        if self._walked:
            return
        self._walked.append(self.root)
        waiting: list[tuple[Node, int | None, str | None]] = [(self.root, None, None)]
        while waiting:
            node, home, key = waiting.pop()
            if key is not None:
                self._keys[node.start] = key
            if isinstance(node, Collection):
                is_home = node.anchor is not None
                home, key = (node.start, None) if is_home else (home, key)
                if node.is_mapping:
                    self._note_merges(node)
                    for name, value in node.pairs():
                        own = name.text if isinstance(name, Scalar) and is_home else key
                        waiting += ((name, home, own), (value, home, own))
                else:
                    waiting += ((child, home, key) for child in node.children)
            elif isinstance(node, Scalar) and home is not None:
                self._homes_of_scalars[node.start] = home

    def _note_merges(self, mapping: Collection) -> None:
        """What a mapping that merges others has itself, which it does not take from them."""
        merged = [
            value
            for key, value in mapping.pairs()
            if isinstance(key, Scalar) and key.text == "<<" and not key.style
        ]
        if not merged:
            return
        own = frozenset(key.text for key, _ in mapping.pairs() if isinstance(key, Scalar))
        for value in merged:
            for item in value.children if isinstance(value, Collection) else (value,):
                if isinstance(item, Alias):
                    self._own_keys[item.start] = own - {"<<"}

    def followers(self, anchored: Iterable[Anchored], limit: int) -> list[int]:
        """Starts of the aliases that repeat what stands in anchored nodes, at most `limit`.

        Also at second hand: an alias inside an anchored collection is repeated where that is. A
        merge (`<<`) repeats nothing that the mapping there has itself.
        """
        self._find_homes()
        found: dict[int, None] = {}
        waiting = list(anchored)
        seen = set(waiting)
        while waiting and len(found) < limit:
            start, key = waiting.pop()
            for place in self.aliases.get(start, ())[:limit]:
                own = self._own_keys.get(place)
                if own is not None and key in own:
                    continue
                found[place] = None
                key_there = self._keys.get(place)
                key_there = key if own is not None and key_there == "<<" else key_there
                for around in self._upward(self.homes.get(place), key_there):
                    if around in seen:
                        break
                    seen.add(around)
                    waiting.append(around)
        return sorted(found)[:limit]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one section gave: the documents before a fault, and the fault."""

    documents: tuple[Document, ...]
    broken: Broken | None
    node_count: int
