"""YAML scalars with the bytes where they stand; the only module that knows the YAML parser.

Pure: bytes in, light trees out. PyYAML's libyaml binding gives events, an own stack makes a
tree of them, and nothing is ever composed, constructed or printed again: a scalar keeps its
text as written and its place in the file. Limits act inside the event loop, so that a hostile
file costs milliseconds. What the values mean is not known here: see formats/.
"""

import re
from collections.abc import Iterator
from typing import Any

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

from imagebot.yaml_nodes import Alias, Broken, Collection, Document, Node, Reading, Scalar, Section
from imagebot.yaml_places import BYTE_ORDER_MARK, Characters, Places

try:
    from yaml._yaml import CParser
except ImportError as error:  # the pure parser is 25 times as slow and refuses tabs after a key
    raise ImportError("imagebot needs PyYAML with libyaml; install its wheel") from error

MAX_FILE_BYTES = 5 * 1024 * 1024  # the largest of 27,290 public files had 3.7 MB
MAX_DEPTH = 100  # libyaml takes quadratic time for unclosed brackets
MAX_DOCUMENTS = 2_000  # in one file
MAX_NODES = 300_000  # in one file

_SEPARATOR = re.compile(rb"\n---(?=[ \t\r\n]|\Z)")
_MAX_NAME_LENGTH = 60  # told of an alias
_TOO_MANY_NODES = f"more than {MAX_NODES:,} values in the file"


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

    def _alias(self, event: Any) -> Alias | Scalar:
        """What an alias stands for: as a key the text itself, since a key is only ever read."""
        start = event.start_mark.index
        self._count(start)
        target = self._anchors.get(event.anchor)
        if target is None:  # no event parser minds, and every loader does
            cause = f"the alias *{event.anchor[:_MAX_NAME_LENGTH]} names no anchor"
            raise _Refused(start, cause, is_limit=False)
        self._aliases.setdefault(target.start, []).append(start)
        self._note_home(start)
        end, parent = event.end_mark.index, self._stack[-1] if self._stack else None
        is_key = parent is not None and parent.is_mapping and len(parent.children) % 2 == 0
        if is_key and type(target) is Scalar:
            return target._replace(anchor=None, start=start, end=end)
        return Alias(target, start, end)

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
