"""Small YAML documents as plain values that remember their line and column.

Pure. For documents that people write for imagebot (policies, settings), not for manifests:
those are read by yaml_spans. Policy documents come from untrusted hands, so the tree is
built from parser events inside limits: bytes, depth, and nodes counted as if every alias
were written out. YAML 1.2 decides what a plain scalar means: `yes` is a text, `1.10` a number.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from imagebot.image import shortened
from imagebot.model import Problem

MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_NUMBER_LENGTH = 100  # longer ones are texts

_MARKER_LINE = re.compile(rb"^(?:---(?=[ \t\r\n]|$)|\.\.\.(?=[ \t\r\n]|$))", re.MULTILINE)
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_TEXT_TAG = "tag:yaml.org,2002:str"

Scalar = str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it starts. `line` and `column` are 1-based, counted in characters."""

    value: "Scalar | dict[str, Entry] | tuple[Node, ...]"
    line: int
    column: int
    size: int = 1  # nodes it stands for, with every alias written out
    written: str = ""  # a plain scalar's text: 1.10, where the value is 1.1

    def plain(self) -> Any:
        """The value without places: str, bool, int, float, None, dict and tuple."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return tuple(node.plain() for node in self.value)
        return self.value

    def get(self, key: str | int) -> "Node | None":
        """The value under a key or index, None where there is none."""
        if isinstance(self.value, dict) and key in self.value:
            return self.value[str(key)].node
        if isinstance(self.value, tuple) and isinstance(key, int) and key < len(self.value):
            return self.value[key]
        return None


@dataclass(frozen=True, slots=True)
class Entry:
    """A value in a mapping, and where its key stands."""

    node: Node
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """The bytes of one document of a stream. `first_line` is 1-based."""

    source: bytes
    first_line: int


def split(source: bytes) -> Iterator[Chunk]:
    """Cut a stream where `---` or `...` starts a line, so that one broken document harms no other.

    YAML allows these nowhere else at the start of a line, not even in a block scalar (1.2.2,
    9.1.2, c-forbidden), so no parser is needed to find them.
    """
    starts = [0, *(found.start() for found in _MARKER_LINE.finditer(source)), len(source)]
    line = 1
    for start, end in pairwise(starts):
        chunk = source[start:end]
        if chunk.strip():
            yield Chunk(chunk, line)
        line += len(_line_ends(chunk))


def _line_ends(source: bytes) -> list[bytes]:
    return re.findall(rb"\r\n|\r|\n", source)


class _Refused(Exception):
    """A document cannot become a tree; the place is counted from the chunk's first line."""

    def __init__(self, message: str, line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.hint = message, line, column, hint


def parse(file: str, chunk: Chunk) -> tuple[Node | None, tuple[Problem, ...]]:
    """Read one document. None without problems: it holds nothing but comments.

    Keys written twice are problems of a tree that is given back all the same (the first value
    counts); whatever breaks YAML or a limit leaves no tree.
    """
    try:
        grower = _Grower(file, chunk.first_line)
        root = grower.grow(_text(chunk.source))
        return root, tuple(grower.problems)
    except _Refused as refusal:
        line = chunk.first_line + refusal.line - 1 if refusal.line else chunk.first_line
        problem = Problem(file, line, refusal.column, refusal.message, refusal.hint)
        return None, (problem,)


def _text(source: bytes) -> str:
    if len(source) > MAX_DOCUMENT_BYTES:
        raise _Refused(f"the document is larger than {MAX_DOCUMENT_BYTES // 1024} KiB")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_line_ends(source[: error.start])) + 1
        raise _Refused("not UTF-8", line, hint="save the file as UTF-8") from error
    # A directive (%YAML) is read for nothing here, and its `---` may be in the next chunk.
    return re.sub(r"\A\.\.\.[^\r\n]*|^%[^\r\n]*", "", text, flags=re.MULTILINE)


@dataclass(slots=True)
class _Growing:
    """A mapping or sequence whose end has not been seen."""

    is_mapping: bool
    line: int
    column: int
    anchor: str | None
    entries: dict[str, Entry] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    key: Node | None = None
    size: int = 1


class _Grower:
    """Builds the tree of one document from parser events."""

    def __init__(self, file: str, first_line: int) -> None:
        self.file = file
        self.first_line = first_line
        self.problems: list[Problem] = []
        self._open: list[_Growing] = []
        self._anchors: dict[str, Node | None] = {}  # None: still open
        self._size = 0
        self._root: Node | None = None

    def grow(self, text: str) -> Node | None:
        try:
            for event in YAML(typ="safe", pure=True).parse(text):
                self._take(event)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            words = " ".join(str(error.problem or error.context or "not YAML").split())
            place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            raise _Refused(f"not YAML: {shortened(words)}", *place) from error
        except _Refused:
            raise
        except Exception as error:
            # ruamel's pure scanner raises Python's own errors for some malformed texts, such as
            # OverflowError for the escape of a code point that does not exist.
            reason = shortened(" ".join(str(error).split()))
            raise _Refused(f"not YAML: {reason}") from error
        is_empty = self._root and self._root.value is None and not self._root.written
        return None if is_empty else self._root

    def _take(self, event: Any) -> None:
        name = type(event).__name__
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if name == "DocumentStartEvent" and self._root is not None:
            hint = "end lines with a line feed"  # split() finds `---` after line feeds only
            raise _Refused("several documents that cannot be told apart", line, column, hint)
        if name == "ScalarEvent":
            self._place(_scalar(event, self.first_line, line, column), event.anchor)
        elif name == "AliasEvent":
            self._place(self._aliased(event.anchor, line, column), None)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            if len(self._open) >= MAX_DEPTH:
                raise _Refused(f"nested deeper than {MAX_DEPTH} levels", line, column)
            _refuse_tag(event, line, column)
            if event.anchor:
                self._anchors[event.anchor] = None
            is_mapping = name == "MappingStartEvent"
            self._open.append(_Growing(is_mapping, line, column, event.anchor))
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            growing = self._open.pop()
            value = growing.entries if growing.is_mapping else tuple(growing.items)
            place = self.first_line + growing.line - 1, growing.column
            self._place(Node(value, *place, growing.size), growing.anchor, is_counted=True)

    def _aliased(self, anchor: str, line: int, column: int) -> Node:
        if anchor not in self._anchors:
            raise _Refused(f"the alias *{shortened(anchor)} names no anchor", line, column)
        node = self._anchors[anchor]
        if node is None:
            raise _Refused(f"the alias *{shortened(anchor)} refers to itself", line, column)
        return node

    def _place(self, node: Node, anchor: str | None, *, is_counted: bool = False) -> None:
        """Put a finished node where it belongs: key, value, item or root."""
        self._size += 1 if is_counted else node.size
        if self._size > MAX_NODES:
            line = node.line - self.first_line + 1
            raise _Refused(f"more than {MAX_NODES} values, aliases written out", line, node.column)
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.size += node.size
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._checked_key(node)
        else:
            self._enter(parent, parent.key, node)
            parent.key = None

    def _checked_key(self, node: Node) -> Node:
        if node.value == "<<":
            line = node.line - self.first_line + 1
            raise _Refused("merge keys (<<) are not read here", line, node.column, "write them out")
        if isinstance(node.value, dict | tuple) or node.value is None:
            line = node.line - self.first_line + 1
            raise _Refused("a key must be a text", line, node.column)
        return node

    def _enter(self, parent: _Growing, key: Node, node: Node) -> None:
        name = key.value if isinstance(key.value, str) else str(key.value)
        earlier = parent.entries.get(name)
        if earlier is None:
            parent.entries[name] = Entry(node, key.line, key.column)
            return
        message = f"the key {shortened(name)!r} is written twice, first on line {earlier.line}"
        self.problems.append(
            Problem(self.file, key.line, key.column, message, "remove one of the two")
        )


def _scalar(event: Any, first_line: int, line: int, column: int) -> Node:
    _refuse_tag(event, line, column)
    is_plain = event.implicit[0] and not event.tag
    value = _resolved(event.value) if is_plain else event.value
    return Node(value, first_line + line - 1, column, written=event.value if is_plain else "")


def _refuse_tag(event: Any, line: int, column: int) -> None:
    tag = str(event.tag or "")
    if tag and tag not in (_TEXT_TAG, "!"):
        hint = "remove it; no tag but !!str is needed here"
        raise _Refused(f"the YAML tag {shortened(tag)!r} is not read here", line, column, hint)


def _resolved(text: str) -> Scalar:
    """What a plain scalar means by the core schema (YAML 1.2.2, 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= MAX_NUMBER_LENGTH and _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if len(text) <= MAX_NUMBER_LENGTH and _FLOAT.fullmatch(text):
        return float(text)
    return text
