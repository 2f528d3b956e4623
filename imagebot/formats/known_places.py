"""Documents of tools whose schema says where an image stands, and nothing else may stand there.

Pure. What the formats for such tools have in common: look-ups that follow aliases and merge
keys, and recording what is found at the end of a known path.
"""

import re
from collections.abc import Iterator

from imagebot.errors import InvalidReference
from imagebot.formats.composed import (
    Expand,
    Fragments,
    NotWritten,
    Variables,
    as_variable,
    expand_names,
    find_at,
    fragment_of,
)
from imagebot.formats.page import Page
from imagebot.formats.sighting import Piece, add, is_templated, read_reference, value_of
from imagebot.formats.walk import Entries, Path, resolved
from imagebot.model import Part
from imagebot.yaml_nodes import Collection, Document, Node, Scalar


class Layout:
    """One document while a format with known places reads it."""

    def __init__(
        self, page: Page, document: Document, format_name: str, expand: Expand | None = None
    ) -> None:
        self.page = page
        self.document = document
        self.expand = expand
        self._format_name = format_name
        self._entries = Entries(lambda key: True)

    def of(self, node: Node | None) -> dict[str, Node]:
        """The values of a mapping by key; none of anything else."""
        target = resolved(node) if node is not None else None
        is_mapping = isinstance(target, Collection) and target.is_mapping
        return self._entries.of(target) if is_mapping and isinstance(target, Collection) else {}

    def at(self, node: Node | None, *keys: str) -> Node | None:
        """What stands under keys, one below the other."""
        for key in keys:
            node = self.of(node).get(key)
        return node

    def along(self, path: Path) -> list[Node | None]:
        """The nodes on the way to a place, from the root to the place itself."""
        nodes: list[Node | None] = [self.document.root]
        for step in path.steps():
            node = nodes[-1]
            if isinstance(step, str):
                nodes.append(self.at(node, step))
            else:
                is_list = isinstance(node, Collection) and not node.is_mapping
                children = node.children if isinstance(node, Collection) and is_list else ()
                nodes.append(resolved(children[step]) if step < len(children) else None)
        return nodes

    def items(self, node: Node | None, path: Path) -> Iterator[tuple[Node, Path]]:
        """The items of a sequence, with their places."""
        target = resolved(node) if node is not None else None
        if isinstance(target, Collection) and not target.is_mapping:
            for index, item in enumerate(target.children):
                yield resolved(item), Path(path, index)

    def members(self, node: Node | None, path: Path | None) -> Iterator[tuple[Node, Path]]:
        """The values of a mapping, with their places."""
        for key, value in self.of(node).items():
            yield value, Path(path, key)

    def text(self, node: Node | None) -> str:
        target = resolved(node) if node is not None else None
        return value_of(target) if isinstance(target, Scalar) else ""

    def image(self, node: Node | None, path: Path, expand: Expand | None = None) -> None:
        """Record the image that a value is."""
        target = resolved(node) if node is not None else None
        anchored = self.anchored(target)
        find_at(
            self.page,
            self.document,
            self._format_name,
            target,
            path,
            expand or self.expand,
            anchored,
        )

    def image_or_name(
        self, node: Node | None, path: Path, key: str, expand: Expand | None = None
    ) -> None:
        """Record an image that is written as a text, or under a key of a mapping."""
        target = resolved(node) if node is not None else None
        if isinstance(target, Collection):
            self.image(self.of(target).get(key), Path(path, key), expand)
        else:
            self.image(target, path, expand)

    def image_behind(
        self, scheme: str, node: Node | None, path: Path, is_named: bool = False
    ) -> None:
        """Record the image that follows a scheme: `docker://alpine:3.20`.

        `is_named`: behind a name, as in `base=docker-image://alpine:3.20`.
        """
        target = resolved(node) if node is not None else None
        text = self.text(target)
        start = text.find("=") + 1 if is_named else 0
        if not isinstance(target, Scalar) or not text.startswith(scheme, start):
            return
        self.image_within(target, start + len(scheme), len(text), path)

    def image_within(self, target: Scalar, start: int, end: int, path: Path) -> None:
        """Record the image that is a part of a text, by characters without the blanks around."""
        offset, image = self.document.byte_offset(target.start), self.text(target)[start:end]
        if is_templated(image):
            message = "an image is templated, so its value is not in this file"
            self.page.report(offset, message, address=str(path))
            return
        try:
            reference = read_reference(image)
        except InvalidReference as error:
            self.page.report(offset, str(error), hint=error.hint, address=str(path))
            return
        add(
            self.page,
            self.document,
            path,
            self._format_name,
            {Part.REFERENCE: Piece(target, start, end)},
            reference,
            (reference.tag, reference.digest),
            self.anchored(target),
        )

    def image_where_versioned(self, node: Node | None, path: Path) -> None:
        """Record a value that is an image only where it parses as one with a tag or digest."""
        if self._has_version(node):
            self.image(node, path)

    def tell_where_versioned(self, node: Node | None, path: Path) -> None:
        """Say of a value that may mean anything that it looks like an image, and is not edited."""
        if node is None or not self._has_version(node) or "/" not in self.text(node):
            return
        self.page.report(
            self.document.byte_offset(resolved(node).start),
            f"{self.text(node)[:80]!r} may be an image, and nothing says so",
            hint="put a marker on it, or # imagebot: ignore",
            address=str(path),
        )

    def _has_version(self, node: Node | None) -> bool:
        text = self.text(node)
        try:
            reference = None if is_templated(text) else read_reference(text)
        except InvalidReference:
            return False
        return reference is not None and bool(reference.tag or reference.digest)

    def anchored(self, node: Node | None) -> tuple[int, ...]:
        """Starts of the anchored collections around a value."""
        homes = self.document.anchored_around(node.start) if isinstance(node, Scalar) else ()
        return tuple(home.start for home in homes)

    def variable(self, node: Node | None) -> Fragments:
        """The value that a node gives to a variable; empty where none can be edited there."""
        return as_variable(self.page, self.document, node, self.anchored(node))

    def filled(
        self, node: Node | None, pattern: re.Pattern[str], variables: Variables
    ) -> Fragments:
        """As `variable`, with the variables in the value itself filled in."""
        target = resolved(node) if node is not None else None
        if not isinstance(target, Scalar) or not value_of(target):
            return ()
        fragment = fragment_of(self.page, self.document, target, self.anchored(target))
        try:
            return expand_names(fragment, pattern, variables) if fragment else ()
        except NotWritten:
            return ()
