"""Where the values of a section stand: what a marker on a line, or above one, can mean.

Pure. Comments are no YAML events, so the place of a comment against the places of all scalars
decides which value it stands beside, and whether it is a comment at all.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import NamedTuple

from imagebot.formats.page import Page
from imagebot.formats.walk import Path, resolved
from imagebot.model import Occurrence, Slot
from imagebot.yaml_nodes import Alias, Collection, Document, Node, Scalar
from imagebot.yaml_nodes import Reading as SectionReading

_MAX_WITHIN = 1_000  # values of a collection that are looked at for a marker above it
_DASH = re.compile(rb"-[ \t\r\n]+")


class Value(NamedTuple):
    """A scalar that is a mapping's value or a sequence's item, with its place in bytes."""

    start: int
    end: int
    key: str
    scalar: Scalar
    parent: Collection
    path: Path
    document: Document
    anchored: tuple[int, ...]  # starts of anchored collections around
    above: Collection | None  # what holds the parent


class Target(NamedTuple):
    """What a marker names: a value, a collection, or an alias of either."""

    start: int  # where it is written; of an alias the alias's own place
    end: int
    value: Value | None  # None for a collection
    range: tuple[int, int]  # bytes of the value or collection itself
    is_alias: bool


class Values:
    """All values of a section by place, and what hides a `#`."""

    def __init__(self, page: Page, reading: SectionReading) -> None:
        self.targets: list[Target] = []
        self.places: list[tuple[int, int, bool]] = []  # start, end, is block scalar
        self._below_key: dict[int, Target] = {}
        self._items: dict[int, Target] = {}
        self._by_scalar: dict[tuple[int, int], Value] = {}
        self._source = page.source
        self._lines = page.lines
        for number, document in enumerate(reading.documents):
            self._collect(number, document)
        self.targets.sort(key=lambda target: target.start)
        self.places.sort()
        self._starts = [place[0] for place in self.places]
        self._line_below = (0, -1)
        self.last_end = max((place[1] for place in self.places), default=-1)

    def _collect(self, number: int, document: Document) -> None:
        waiting: list[tuple[Collection, Path | None, tuple[int, ...], Collection | None]] = []
        if isinstance(document.root, Collection):
            waiting.append((document.root, None, (), None))
        aliases: list[tuple[int | None, str, Alias]] = []  # with where its key begins, and the key
        while waiting:
            node, path, anchored, above = waiting.pop()
            if node.anchor is not None:
                anchored = (*anchored, node.start)
            for key, child in _children(node):
                begin = None
                if isinstance(key, Scalar):
                    begin = self._note(document, key)[0]
                name = key.text if isinstance(key, Scalar) else key if isinstance(key, int) else "?"
                below = Path(path, name)
                if isinstance(child, Alias):
                    aliases.append((begin, below.key, child))
                    continue
                if isinstance(child, Collection):
                    waiting.append((child, below, anchored, node))
                    target = self._collection(document, child)
                else:
                    start, end = self._note(document, child)
                    value = Value(
                        start, end, below.key, child, node, below, document, anchored, above
                    )
                    self._by_scalar[number, child.start] = value
                    target = Target(start, end, value, (start, end), False)
                    self.targets.append(target)
                self._enter(begin, target)
        for begin, name, alias in aliases:
            self._collect_alias(number, document, begin, name, alias)

    def _collect_alias(
        self, number: int, document: Document, begin: int | None, key: str, alias: Alias
    ) -> None:
        node = resolved(alias)
        start, end = document.byte_offset(alias.start), document.byte_offset(alias.end)
        if isinstance(node, Collection):
            target = self._collection(document, node)
        elif value := self._by_scalar.get((number, node.start)):
            target = Target(start, end, value._replace(key=key), (value.start, value.end), True)
        else:
            return  # an alias of a key
        target = target._replace(start=start, end=end, is_alias=True)
        self.targets.append(target)
        self._enter(begin, target)

    def _enter(self, begin: int | None, target: Target) -> None:
        if begin is not None:
            self._below_key[begin] = target
        else:
            self._items.setdefault(target.start, target)

    def _note(self, document: Document, scalar: Scalar) -> tuple[int, int]:
        start, end = document.byte_offset(scalar.start), document.byte_offset(scalar.end)
        self.places.append((start, end, scalar.style in ("|", ">")))
        return start, end

    def _collection(self, document: Document, node: Collection) -> Target:
        start, last = document.byte_offset(node.start), _last(node)
        end = document.byte_offset(last) if last is not None else start
        return Target(start, end, None, (start, end), False)

    def comment_start(self, begin: int, end: int) -> int:
        """Where the comment of a line begins; -1 without one, -2 where the line is text.

        Everything up to the end of the last scalar on the line is no comment.
        """
        cursor = begin
        low = bisect_left(self._starts, begin)
        for start, stop, is_block in self.places[max(0, low - 1) : bisect_right(self._starts, end)]:
            if is_block and start < begin < stop:
                return -2
            if start < end and stop > begin:
                cursor = max(cursor, start + 1 if is_block else min(stop, end))
        while (at := self._source.find(b"#", cursor, end)) >= 0:
            if at == begin or self._source[at - 1 : at] in (b" ", b"\t", b"\n", b"\r"):
                return at
            cursor = at + 1
        return -1

    def on_line(self, begin: int, end: int) -> list[Target]:
        """Values and aliases that end on a line, or begin there as a block scalar."""
        low = bisect_left(self.targets, begin, key=lambda target: target.start)
        found = []
        for index in range(max(0, low - 1), len(self.targets)):
            target = self.targets[index]
            if target.start >= end:
                break
            scalar = target.value.scalar if target.value and not target.is_alias else None
            is_block = scalar is not None and scalar.style in ("|", ">")
            if begin <= (target.start if is_block else target.end) < end:
                found.append(target)
        return found

    def within(self, target: Target) -> list[Value]:
        """The values written inside a collection; none of one too large for one marker to mean."""
        start, stop = target.range
        low = bisect_left(self.targets, start, key=lambda each: each.start)
        high = bisect_right(self.targets, stop, key=lambda each: each.start)
        if high - low > _MAX_WITHIN:
            return []
        inside = self.targets[low:high]
        return [each.value for each in inside if each.value and not each.is_alias]

    def below(self, line: int) -> Target | None:
        """What the first line below that is no comment holds: a key's value, or an item.

        None where that line is blank or the last one is passed.
        """
        first, last = self._line_below  # from a line to the first below it that is no comment
        if not first <= line < last:
            self._line_below = line, self._next_content(line)
        line = self._line_below[1]
        begin, end = self._lines.bounds(line) if line <= self._lines.count else (0, 0)
        if not self._source[begin:end].strip():
            return None
        at = _content(self._source, begin)
        dash = _DASH.match(self._source, at)
        if dash:
            return self._items.get(dash.end())
        return self._below_key.get(at) or self._items.get(at)

    def _next_content(self, line: int) -> int:
        line += 1
        while line <= self._lines.count:
            begin, end = self._lines.bounds(line)
            if not self._source[begin:end].lstrip().startswith(b"#"):
                break
            line += 1
        return line


class Known:
    """Which occurrence, by its index on the page, has a slot inside a value.

    `begin` is where the section starts that is read, whose occurrences are the page's last ones.
    """

    def __init__(self, page: Page, begin: int) -> None:
        self.begin = begin
        self._slots = sorted(
            (
                (slot.span.start, slot.span.end, index, slot)
                for index, occurrence in _since(page.occurrences, begin)
                for slot in occurrence.slots
            ),
            key=lambda place: place[:3],
        )
        self._starts = [place[0] for place in self._slots]
        self._sharing: dict[int, tuple[int, ...]] = {}  # looked up once for each value
        self._told: set[tuple[int, str, bool]] = set()

    def at(self, target: Target) -> tuple[tuple[int, ...], Slot] | None:
        """All such occurrences; several share a value where it has an alias."""
        start, stop = target.range
        near = bisect_left(self._starts, start)
        if near == len(self._slots) or self._slots[near][1] > stop:
            return None
        if near not in self._sharing:
            place = self._slots[near][:2]
            same = takewhile(lambda slot: slot[:2] == place, islice(self._slots, near, None))
            self._sharing[near] = tuple(index for _, _, index, _ in same)
        return self._sharing[near], self._slots[near][3]

    def is_news(self, sharing: tuple[int, ...], policy: str, *, is_first: bool) -> bool:
        """Whether this is the first marker that puts these occurrences under a policy."""
        key = (id(sharing), policy, is_first)
        if key in self._told:
            return False
        self._told.add(key)
        return True

    def within(self, target: Target) -> set[int]:
        """All occurrences with a slot that begins there."""
        start, stop = target.range
        low, high = bisect_left(self._starts, start), bisect_right(self._starts, stop)
        return {index for _, _, index, _ in self._slots[low:high]}


def _since(occurrences: list[Occurrence], begin: int) -> Iterator[tuple[int, Occurrence]]:
    """Those at the end that stand at or behind an offset, with their indexes."""
    for index in range(len(occurrences) - 1, -1, -1):
        if occurrences[index].slots[0].span.start < begin:
            return
        yield index, occurrences[index]


def _children(node: Collection) -> Iterator[tuple[object, Node]]:
    return iter(node.pairs()) if node.is_mapping else enumerate(node.children)


def _last(node: Node) -> int | None:
    """Where the last thing in a collection ends, None in an empty one."""
    while isinstance(node, Collection):
        if not node.children:
            return node.start
        node = node.children[-1]
    return node.end


def _content(source: bytes, begin: int) -> int:
    while source[begin : begin + 1] in (b" ", b"\t"):
        begin += 1
    return begin
