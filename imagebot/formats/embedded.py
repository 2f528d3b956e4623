"""YAML inside a block scalar: ConfigMaps, kustomize patches, Helm values in an Application.

Pure. A literal scalar whose text may name an image or holds a marker is read as YAML once more,
and what is found there stands at its own bytes in the file. A text that is not YAML throughout,
or that holds neither mapping nor sequence, is somebody else's: it is left alone without a word.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from imagebot.formats.page import Embedded, Page, inside
from imagebot.formats.prefilter import may_hold_image
from imagebot.formats.sighting import alias_lines
from imagebot.formats.walk import Path
from imagebot.yaml_blocks import read_block
from imagebot.yaml_spans import Collection, Document, Reading, Scalar, Section

NAME = "embedded-yaml"
MAX_DEPTH = 3  # a patch in a ConfigMap in a patch
_BLOCK_HEADER = re.compile(rb"\|[-+1-9]*[ \t]*(?:#[^\r\n]*)?[\r\n]")
_OTHERS = frozenset({  # texts for people, and a copy that kubectl makes for itself
    *("description", "summary", "message", "note", "notes", "readme", "help"),
    "kubectl.kubernetes.io/last-applied-configuration",
})  # fmt: skip

ReadDocument = Callable[[Page, Document], None]


class _Block(NamedTuple):
    """A literal scalar, the way to it, and the anchored nodes that it stands in."""

    scalar: Scalar
    path: Path
    anchored: tuple[int, ...]


def may_hold_blocks(source: bytes, section: Section) -> bool:
    return _BLOCK_HEADER.search(source, *section) is not None


def read(page: Page, document: Document, read_document: ReadDocument, nodes_left: int) -> int:
    """Read what a document holds in block scalars; gives back how many nodes that were."""
    count = 0
    if page.depth >= MAX_DEPTH:
        return count
    for block in _blocks(document):
        bounds = document.byte_offset(block.scalar.start), document.byte_offset(block.scalar.end)
        if not may_hold_image(page.source, Section(*bounds)):
            continue
        text = read_block(page.source, document, block.scalar, nodes_left - count)
        if text is None:
            continue
        count += text.reading.node_count
        address = str(block.path)
        broken = text.reading.broken
        if broken is not None and broken.is_limit:
            page.report(broken.offset, f"a text is not read: {broken.cause}", address=address)
        if not _is_whole(text.reading):
            continue
        aliases = alias_lines(page, document, block.anchored)
        with inside(page, address, NAME, aliases):
            for inner in text.reading.documents:
                read_document(page, inner)
                count += read(page, inner, read_document, nodes_left - count)
        page.embedded.append(Embedded(text.start, text.end, text.reading, address, aliases))
    return count


def _is_whole(reading: Reading) -> bool:
    return reading.broken is None and any(
        isinstance(document.root, Collection) for document in reading.documents
    )


def _blocks(document: Document) -> Iterator[_Block]:
    """Literal scalars that are values or items."""
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
            elif type(child) is Scalar and child.style == "|" and step not in _OTHERS:
                around = (*anchored, child.start) if child.anchor else anchored
                yield _Block(child, Path(path, step), around)


def _children(node: Collection) -> Iterator[tuple[str | int, object]]:
    if not node.is_mapping:
        yield from enumerate(node.children)
        return
    for key, value in node.pairs():
        yield (key.text if type(key) is Scalar else "?"), value
