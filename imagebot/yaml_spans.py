"""YAML scalars with the bytes where they stand; the only module that knows the YAML parser.

Pure: bytes in, light trees out. PyYAML's libyaml binding gives events, an own stack makes a
tree of them, and nothing is ever composed, constructed or printed again: a scalar keeps its
text as written and its place in the file. Limits act inside the event loop, so that a hostile
file costs milliseconds. What the values mean is not known here: see formats/.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

from yaml import YAMLError
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

try:
    from yaml._yaml import CParser
except ImportError as error:  # the pure parser is 25 times as slow and refuses tabs after a key
    raise ImportError("imagebot needs PyYAML with libyaml; install its wheel") from error

MAX_FILE_BYTES = 5 * 1024 * 1024  # the largest of 27,290 public files had 3.7 MB
MAX_DEPTH = 100  # libyaml takes quadratic time for unclosed brackets
MAX_DOCUMENTS = 2_000  # in one file
MAX_NODES = 300_000  # in one file
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_SEPARATOR = re.compile(rb"\n---(?=[ \t\r\n]|\Z)")
_LINE_BREAK = re.compile(rb"\r\n?|\n")
_LINE_FEED = re.compile(rb"\n")
_CHECKPOINT_LENGTH = 1024
_CONTINUATIONS = bytes(range(0x80, 0xC0))  # bytes of UTF-8 that begin no character
_MAX_NAME_LENGTH = 60  # told of an alias
_TOO_MANY_NODES = f"more than {MAX_NODES:,} values in the file"


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


class Places(Protocol):
    """Where in the file the characters of a text stand that was read as YAML."""

    def byte_offset(self, character: int) -> int: ...


class Characters:
    """Turns character offsets of one section into byte offsets of the file."""

    __slots__ = ("_checkpoints", "_start", "_text")

    def __init__(self, section: bytes, start: int) -> None:
        self._start = start
        self._text = None if section.isascii() else section.decode()
        self._checkpoints: list[int] = []

    def byte_offset(self, character: int) -> int:
        if self._text is None:
            return self._start + character
        if not self._checkpoints:
            self._checkpoints = self._measure(self._text)
        near = character // _CHECKPOINT_LENGTH
        rest = self._text[near * _CHECKPOINT_LENGTH : character]
        return self._start + self._checkpoints[near] + len(rest.encode())

    @staticmethod
    def _measure(text: str) -> list[int]:
        checkpoints = [0]
        for begin in range(0, len(text), _CHECKPOINT_LENGTH):
            piece = text[begin : begin + _CHECKPOINT_LENGTH]
            checkpoints.append(checkpoints[-1] + len(piece.encode()))
        return checkpoints


class Lines:
    """Line numbers as an editor counts them: after LF, CRLF or a lone CR. Made when asked."""

    __slots__ = ("_checkpoints", "_source", "_starts")

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = array("I")
        self._checkpoints: list[int] = []

    def number(self, offset: int) -> int:
        """1-based line of a byte offset. The first byte's needs no look at a file of any size."""
        return 1 if offset == 0 else bisect_right(self._table(), offset)

    def column(self, offset: int) -> int:
        """1-based column in characters; a byte-order mark does not count."""
        if offset == 0:
            return 1
        begin = self._table()[self.number(offset) - 1]
        has_mark = begin == 0 and self._source.startswith(BYTE_ORDER_MARK) and offset > 0
        return self._characters_before(offset) - self._characters_before(begin) + 1 - has_mark

    @property
    def count(self) -> int:
        return len(self._table())

    def bounds(self, number: int) -> tuple[int, int]:
        """Byte range of a 1-based line, with its line break."""
        starts = self._table()
        return starts[number - 1], starts[number] if number < len(starts) else len(self._source)

    def _characters_before(self, offset: int) -> int:
        """Characters up to a byte; by checkpoints, since a line can be the whole file."""
        if not self._checkpoints:
            self._checkpoints = [0]
            for begin in range(0, len(self._source), _CHECKPOINT_LENGTH):
                piece = self._source[begin : begin + _CHECKPOINT_LENGTH]
                self._checkpoints.append(self._checkpoints[-1] + _character_count(piece))
        near = offset // _CHECKPOINT_LENGTH
        rest = self._source[near * _CHECKPOINT_LENGTH : offset]
        return self._checkpoints[near] + _character_count(rest)

    def _table(self) -> "array[int]":
        if not self._starts:
            breaks = _LINE_BREAK if b"\r" in self._source else _LINE_FEED
            self._starts.append(0)
            self._starts.extend(map(re.Match.end, breaks.finditer(self._source)))
        return self._starts


def _character_count(piece: bytes) -> int:
    return len(piece) if piece.isascii() else len(piece.translate(None, _CONTINUATIONS))


def sections(source: bytes) -> Iterator[Section]:
    """Split at lines that begin with `---`, which YAML forbids inside any scalar.

    A section holds several documents only in files whose lines end in a lone CR. Directives
    (`%YAML`) stay with the document that they introduce. Lazy: stop when there are too many.
    """
    start = len(BYTE_ORDER_MARK) if source.startswith(BYTE_ORDER_MARK) else 0
    has_directives = b"\n%" in source or source.startswith(b"%", start)
    for separator in _SEPARATOR.finditer(source, start):
        end = separator.start() + 1
        if has_directives:
            end = _before_directives(source, start, end)
        if end > start:
            yield Section(start, end)
        start = end
    yield Section(start, len(source))


def _before_directives(source: bytes, start: int, separator: int) -> int:
    """Where the lines before a `---` begin that are directives, comments or blank."""
    begin = separator
    earliest = separator
    while begin > start:
        previous = source.rfind(b"\n", start, begin - 1) + 1 or start
        line = source[previous:begin].strip()
        if line.startswith(b"%"):
            earliest = previous
        elif line and not line.startswith(b"#"):
            break
        begin = previous
    return earliest


def read(source: bytes, section: Section, nodes_left: int = MAX_NODES) -> Reading:
    """Read one section. Faults are values; the documents before the fault are whole."""
    content = source[section.start : section.end]
    try:
        characters = Characters(content, section.start)
    except UnicodeDecodeError as error:
        cause = f"byte {content[error.start]:#04x} is not UTF-8"
        return Reading((), Broken(section.start + error.start, cause), 0)
    return compose(content, characters, nodes_left)


def compose(content: bytes, characters: Places, nodes_left: int) -> Reading:
    """Read a text in UTF-8 whose characters stand at those places of a file."""
    composer = _Composer(characters, nodes_left)
    broken = None
    try:
        composer.compose(CParser(content))
    except _Refused as refusal:
        offset = characters.byte_offset(refusal.character)
        broken = Broken(offset, refusal.cause, refusal.is_limit)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset = characters.byte_offset(mark.index if mark else 0)
        broken = Broken(offset, error.problem or error.context or "not YAML")
    except ReaderError as error:
        broken = Broken(characters.byte_offset(0) + error.position, error.reason)
    except (YAMLError, ValueError) as error:
        broken = Broken(characters.byte_offset(0), str(error))
    return Reading(tuple(composer.documents), broken, nodes_left - composer.nodes_left)


class _Refused(Exception):
    def __init__(self, character: int, cause: str, is_limit: bool = True) -> None:
        super().__init__(cause)
        self.character = character
        self.cause = cause
        self.is_limit = is_limit


class _Composer:
    """Builds trees from events. Nothing is resolved: every scalar stays text."""

    def __init__(self, characters: Places, nodes_left: int) -> None:
        self.documents: list[Document] = []
        self.nodes_left = nodes_left
        self._characters = characters
        self._stack: list[Collection] = []
        self._top: list[Node] = []
        self._anchors: dict[str, Scalar | Collection] = {}
        self._aliases: dict[int, list[int]] = {}
        self._homes: dict[int, int] = {}  # only where there are anchored collections
        self._home_of_parent: tuple[Collection, int | None] | None = None

    def compose(self, parser: CParser) -> None:
        # One loop without calls for the two events that make up nearly all of a file: this is
        # where the time of a scan goes.
        siblings = self._top
        in_flow = False
        stack = self._stack
        while True:
            event: Any = parser.get_event()  # the stubs know the base class only
            kind = type(event)
            if kind is ScalarEvent:
                anchor = event.anchor
                start = event.start_mark.index
                scalar = Scalar(
                    event.value, event.style or "", anchor, start, event.end_mark.index, in_flow
                )
                siblings.append(scalar)
                if anchor is not None:
                    self._anchors[anchor] = scalar
                self.nodes_left -= 1
                if self.nodes_left < 0:
                    raise _Refused(start, _TOO_MANY_NODES)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                collection = self._open(event, kind is MappingStartEvent)
                siblings.append(collection)
                stack.append(collection)
                siblings, in_flow = collection.children, collection.in_flow
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                stack.pop()
                parent = stack[-1] if stack else None
                siblings = parent.children if parent else self._top
                in_flow = parent is not None and parent.in_flow
            elif kind is AliasEvent:
                siblings.append(self._alias(event))
            elif kind is DocumentEndEvent:
                self._close_document()
                siblings = self._top
            elif kind is StreamEndEvent:
                return

    def _count(self, start: int) -> None:
        self.nodes_left -= 1
        if self.nodes_left < 0:
            raise _Refused(start, _TOO_MANY_NODES)

    def _open(self, event: Any, is_mapping: bool) -> Collection:
        start = event.start_mark.index
        self._count(start)
        if len(self._stack) >= MAX_DEPTH:
            raise _Refused(start, f"nested more than {MAX_DEPTH} deep")
        collection = Collection(is_mapping, bool(event.flow_style), event.anchor, start)
        if event.anchor is not None:
            self._anchors[event.anchor] = collection
            self._note_home(start)
        return collection

    def _alias(self, event: Any) -> Alias:
        start = event.start_mark.index
        self._count(start)
        target = self._anchors.get(event.anchor)
        if target is None:  # no event parser minds, and every loader does
            cause = f"the alias *{event.anchor[:_MAX_NAME_LENGTH]} names no anchor"
            raise _Refused(start, cause, is_limit=False)
        self._aliases.setdefault(target.start, []).append(start)
        self._note_home(start)
        return Alias(target, start, event.end_mark.index)

    def _note_home(self, start: int) -> None:
        """Remember which anchored collection a node stands in; looked for once in each parent."""
        if not self._stack:
            return
        parent = self._stack[-1]
        if self._home_of_parent is None or self._home_of_parent[0] is not parent:
            around = (each.start for each in reversed(self._stack) if each.anchor is not None)
            self._home_of_parent = parent, next(around, None)
        home = self._home_of_parent[1]
        if home is not None:
            self._homes[start] = home

    def _close_document(self) -> None:
        root = self._top[0] if self._top else Scalar("", "", None, 0, 0, False)
        aliases = {start: tuple(places) for start, places in self._aliases.items()}
        self.documents.append(Document(root, aliases, self._characters, self._homes))
        if len(self.documents) > MAX_DOCUMENTS:
            raise _Refused(root.start, f"more than {MAX_DOCUMENTS:,} documents in the file")
        self._top = []
        self._anchors.clear()
        self._aliases = {}
        self._homes = {}
        self._home_of_parent = None


# What a plain scalar may look like without being a string, in YAML 1.1 (most of what reads
# Kubernetes files) or in the core schema of YAML 1.2. Underscores are taken out before.
_NUMBER = re.compile(
    r"""[-+]?(?:
        0b[01]+ | 0o?[0-7]+ | 0x[0-9a-f]+ | [0-9]+          # integers of both versions
      | [0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?                # base 60
      | (?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:e[-+]?[0-9]+)?   # decimal
      | \.inf
    )|\.nan""",
    re.X | re.I,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?", re.S)
_WORDS = frozenset(
    {"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"}
)
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_BREAKS_PLAIN = re.compile(r":(?:\s|\Z)|\s#|[\r\n\x85\u2028\u2029]|\A\s|\s\Z")
_BREAKS_FLOW = re.compile(r"[,\[\]{}]|:(?=[,\[\]{}])")


def reads_as_string(text: str) -> bool:
    """Whether YAML 1.1 and YAML 1.2 both read this plain scalar as a string."""
    if text.lower() in _WORDS or _DATE.fullmatch(text):
        return False
    without = text[:1] + text[1:].replace("_", "")
    with_zeros = text[:1] + text[1:].replace("_", "0")  # 0b_ is a number to YAML 1.1's pattern
    return not any(_NUMBER.fullmatch(form) for form in (text, without, with_zeros))


def is_null(scalar: Scalar) -> bool:
    """Whether a scalar is written as no value at all."""
    return not scalar.style and scalar.text in {"", "~", "null", "Null", "NULL"}


def can_be_plain(text: str, in_flow: bool) -> bool:
    """Whether a text may stand without quotes and is then read back as this very string."""
    if not reads_as_string(text) or _BREAKS_PLAIN.search(text):
        return False
    if text[0] in _INDICATORS and not (text[0] in "-?:" and text[1:2].strip()):
        return False
    if text.startswith(("---", "...")):
        return False
    return not (in_flow and _BREAKS_FLOW.search(text))
