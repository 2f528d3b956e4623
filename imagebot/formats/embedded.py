"""YAML inside a scalar of YAML or JSON: ConfigMaps, kustomize patches, values in an Application.

Pure. A literal scalar, or a folded or quoted one that is JSON or has several lines, is read as YAML
once more where it may name an image or holds a marker, and what is found there stands at its
own bytes in the file. A text that is not YAML throughout, or that holds neither mapping nor list,
is somebody else's: it is left alone without a word.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from imagebot.formats.page import Embedded, Page, inside
from imagebot.formats.prefilter import may_hold_image
from imagebot.formats.sighting import alias_lines
from imagebot.formats.walk import Path, top_level
from imagebot.yaml_blocks import read_block, read_flow
from imagebot.yaml_nodes import Collection, Document, Reading, Scalar, Section

NAME = "embedded-yaml"
MAX_DEPTH = 3  # a patch in a ConfigMap in a patch
_BLOCK_HEADER = re.compile(rb"\|[-+1-9]*[ \t]*(?:#[^\r\n]*)?[\r\n]")
# JSON, or YAML as terse, in a text that is not literal: `patch: '[{"op": ...}]'`. A brace that is
# written as an escape counts, too.
_FLOW = re.compile(
    rb"(?:['\"]|>[-+1-9]*[ \t]*\r?\n)(?:\s|\\[nrt\r\n])*(?:\[|\{(?!\{)|\\[xuU]0*[57][bB])"
)
_FLOW_START = re.compile(r"\s*(?:\[|\{(?!\{))")
_FOLDED_HEADER = re.compile(rb">[-+1-9]*[ \t]*(?:#[^\r\n]*)?[\r\n]")
_ESCAPED_LINE = re.compile(rb"\\n")
_YAML_NAME = re.compile(r".*\.ya?ml")  # of a key in a ConfigMap
_TEXTS = (_BLOCK_HEADER, _FLOW, _FOLDED_HEADER, _ESCAPED_LINE, re.compile(rb"\.ya?ml"))
_OTHERS = frozenset({  # texts for people, and a copy that kubectl makes for itself
    *("description", "summary", "message", "note", "notes", "readme", "help"),
    "kubectl.kubernetes.io/last-applied-configuration",
})  # fmt: skip

_UNTOLD = frozenset({"annotations", "args", "command", "env"})
_NOT_READ = "a text may name an image, and cannot be read as it is written"
_TOO_DEEP = f"a text inside {MAX_DEPTH} others may name an image, and is not read"
_FILE_HINT = "keep it in a file of its own"
_LITERAL_HINT = "write it as a block: `|-`, and the text below"
# YAML takes each for the end of a line, and gives the text back with another one.
_SEPARATOR_HINT = "take the line separators U+0085, U+2028 and U+2029 out of it"

ReadDocument = Callable[[Page, Document], None]


class _Block(NamedTuple):
    """A literal scalar, the way to it, and the anchored nodes that it stands in."""

    scalar: Scalar
    path: Path
    anchored: tuple[int, ...]


def may_hold_blocks(source: bytes, section: Section) -> bool:
    return any(pattern.search(source, *section) for pattern in _TEXTS)


def read(page: Page, document: Document, read_document: ReadDocument, nodes_left: int) -> int:
    """Read what a document holds in block scalars; gives back how many nodes that were."""
    count = 0
    for block in _blocks(document):
        bounds = document.byte_offset(block.scalar.start), document.byte_offset(block.scalar.end)
        if not may_hold_image(page.source, Section(*bounds)):
            continue
        if page.depth >= MAX_DEPTH:
            page.report(bounds[0], _TOO_DEEP, hint=_FILE_HINT, address=str(block.path))
            continue
        is_literal = block.scalar.style == "|"
        read_text = read_block if is_literal else read_flow
        text = read_text(page.source, document, block.scalar, nodes_left - count)
        if text is None:
            hint = _SEPARATOR_HINT if is_literal else _LITERAL_HINT
            hint = _FILE_HINT if page.is_json or page.is_in_double else hint
            page.report(bounds[0], _NOT_READ, hint=hint, address=str(block.path))
            continue
        count += text.reading.node_count
        address = str(block.path)
        broken = text.reading.broken
        if broken is not None and broken.is_limit:
            page.report(broken.offset, f"a text is not read: {broken.cause}", address=address)
        is_json = _is_json(block.scalar.text)
        if not _is_whole(text.reading):
            if broken is not None and is_json and not broken.is_limit:  # JSON that is no YAML
                page.report(broken.offset, _NOT_READ, hint=_FILE_HINT, address=address)
            continue
        aliases = alias_lines(page, document, block.anchored)
        is_silent = _is_for_markers_only(document, block.path)
        with inside(page, address, NAME, aliases):
            around = page.is_json, page.is_in_json, page.is_in_double
            page.is_json = False  # whatever the file is, the text may be YAML
            page.is_in_json = is_json
            page.is_in_double |= block.scalar.style == '"'
            for inner in () if is_silent else text.reading.documents:
                read_document(page, inner)
                count += read(page, inner, read_document, nodes_left - count)
            page.is_json, page.is_in_json, page.is_in_double = around
        if is_literal:
            page.embedded.append(Embedded(text.start, text.end, text.reading, address, aliases))
    return count


def _is_json(text: str) -> bool:
    if _FLOW_START.match(text) is None:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_whole(reading: Reading) -> bool:
    return reading.broken is None and any(
        isinstance(document.root, Collection) for document in reading.documents
    )


def _blocks(document: Document) -> Iterator[_Block]:
    """Scalars whose text may be YAML and that are values or items."""
    waiting: list[tuple[Collection, Path | None, tuple[int, ...]]] = []
    if isinstance(document.root, Collection):
        waiting.append((document.root, None, ()))
    while waiting:
        node, path, anchored = waiting.pop()
        if node.anchor is not None:
            anchored = (*anchored, node.start)
        for step, child in _children(node):
            if type(child) is Collection:
                waiting.append((child, Path(path, step), anchored))
            elif type(child) is Scalar and step not in _OTHERS and may_be_yaml(step, child):
                around = (*anchored, child.start) if child.anchor else anchored
                yield _Block(child, Path(path, step), around)


def _is_for_markers_only(document: Document, path: Path) -> bool:
    """Whether a text means what its reader makes of it: see docs/formats.md, Kubernetes."""
    return not _UNTOLD.isdisjoint(path.steps()) and bool(top_level(document, "kind"))


def may_be_yaml(step: str | int, scalar: Scalar) -> bool:
    """Whether the text under a key, or at an index, is looked at as YAML or JSON."""
    if scalar.style in ("", "|"):
        return scalar.style == "|"
    is_named = isinstance(step, str) and _YAML_NAME.fullmatch(step) is not None
    is_long = "\n" in scalar.text.strip()  # one line that looks so may be a sentence
    return is_named or is_long or _FLOW_START.match(scalar.text) is not None


def _children(node: Collection) -> Iterator[tuple[str | int, object]]:
    if not node.is_mapping:
        yield from enumerate(node.children)
        return
    for key, value in node.pairs():
        yield (key.text if type(key) is Scalar else "?"), value
