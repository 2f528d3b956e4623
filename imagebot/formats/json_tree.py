"""JSON as the same light trees that YAML gives, with the places of strings in the file.

Pure. libyaml reads most JSON, but not comments, surrogate pairs or long keys, so a scanner of
tokens stands here. It is lenient where editors are: comments and trailing commas, as in
devcontainer.json, and several values one behind the other. Limits are those of YAML.
"""

import json
import re
from typing import NamedTuple

from imagebot.yaml_nodes import Broken, Collection, Document, Node, Reading, Scalar
from imagebot.yaml_places import BYTE_ORDER_MARK, Characters
from imagebot.yaml_spans import MAX_DEPTH, MAX_NODES

NAME = "json"
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<string>"[^"\\\n]*(?:\\.[^"\\\n]*)*")
    | (?P<mark>[{}\[\],:])
    | (?P<word>[^\s,:\[\]{}"/]+)
    | (?P<comment>//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*\*/)
    | (?P<end>\Z)
    )""",
    re.X,
)
_WORD = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class _Fault(Exception):
    def __init__(self, character: int, cause: str, *, is_limit: bool = False) -> None:
        super().__init__(cause)
        self.character = character
        self.cause = cause
        self.is_limit = is_limit


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def read(source: bytes) -> Reading:
    """Read a whole file. Faults are values; the documents before the fault are whole."""
    start = len(BYTE_ORDER_MARK) if source.startswith(BYTE_ORDER_MARK) else 0
    content = source[start:]
    try:
        characters = Characters(content, start)
        text = content.decode()
    except UnicodeDecodeError as error:
        cause = f"byte {content[error.start]:#04x} is not UTF-8"
        return Reading((), Broken(start + error.start, cause), 0)
    scanner = _Scanner(text)
    broken = None
    try:
        scanner.scan()
    except _Fault as fault:
        scanner.drop_unfinished()
        broken = Broken(characters.byte_offset(fault.character), fault.cause, fault.is_limit)
    documents = tuple(Document(root, {}, characters) for root in scanner.roots)
    return Reading(documents, broken, scanner.node_count)


class _Scanner:
    """Builds trees with an own stack, so that depth is bounded by us and not by Python."""

    def __init__(self, text: str) -> None:
        self.roots: list[Node] = []
        self.node_count = 0
        self._text = text
        self._at = 0
        self._stack: list[Collection] = []

    def drop_unfinished(self) -> None:
        """Forget the value inside which the fault stands."""
        if self._stack:
            self.roots.pop()

    def scan(self) -> None:
        stack = self._stack
        expected = "value"  # or "key", "colon", "comma"
        while True:
            token = self._next()
            if token.kind == "end":
                if stack:
                    raise _Fault(token.start, "the file ends inside a value")
                return
            innermost = stack[-1] if stack else None
            if token.text in ("}", "]") and token.kind == "mark":
                is_whole = innermost is not None and len(innermost.children) % 2 == 0
                fits = innermost is not None and innermost.is_mapping == (token.text == "}")
                if not fits or expected == "colon" or (token.text == "}" and not is_whole):
                    raise _Fault(token.start, f"an unexpected {token.text}")
                stack.pop()
                expected = "comma" if stack else "value"
            elif expected in ("colon", "comma"):
                if token.text != (":" if expected == "colon" else ","):
                    raise _Fault(token.start, f"a {expected} is missing")
                is_key_next = expected == "comma" and innermost and innermost.is_mapping
                expected = "key" if is_key_next else "value"
            elif token.text in ("{", "[") and token.kind == "mark" and expected == "value":
                if len(stack) >= MAX_DEPTH:
                    cause = f"nested more than {MAX_DEPTH} deep"
                    raise _Fault(token.start, cause, is_limit=True)
                collection = Collection(token.text == "{", True, None, token.start)
                self._add(innermost, collection)
                stack.append(collection)
                expected = "key" if collection.is_mapping else "value"
            else:
                self._add(innermost, self._scalar(token, expected == "key"))
                is_last = innermost is None
                expected = "colon" if expected == "key" else "value" if is_last else "comma"

    def _next(self) -> _Token:
        while True:
            found = _TOKEN.match(self._text, self._at)
            if found is None:
                raise _Fault(self._at, "a character that JSON does not have here")
            self._at = found.end()
            kind = str(found.lastgroup)
            if kind != "comment":
                return _Token(kind, found[kind], found.start(kind), found.end())

    def _add(self, parent: Collection | None, node: Node) -> None:
        self.node_count += 1
        if self.node_count > MAX_NODES:
            raise _Fault(node.start, f"more than {MAX_NODES:,} values in the file", is_limit=True)
        (self.roots if parent is None else parent.children).append(node)

    def _scalar(self, token: _Token, is_key: bool) -> Scalar:
        _, written, start, end = token
        if token.kind == "string":
            return Scalar(_unescaped(token), '"', None, start, end, True)
        if token.kind != "word" or is_key or not _WORD.fullmatch(written):
            what = "a key in double quotes" if is_key else "a value"
            raise _Fault(start, f"{what} is missing")
        return Scalar(written, "", None, start, end, True)


def _unescaped(token: _Token) -> str:
    if "\\" not in token.text:
        return token.text[1:-1]
    try:
        text = json.loads(token.text, strict=False)
    except ValueError as error:
        raise _Fault(token.start, "a string has an escape that JSON does not have") from error
    # A lone surrogate is no character that anything here could encode.
    return str(text).encode(errors="replace").decode()
