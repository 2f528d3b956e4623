"""Compose files: `services.*.image` of services that are pulled, not built here.

Pure. `${TAG:-1.2}` is edited at the default; a variable without one is told. A service with
`build` names the image that it makes, so only what its build takes from elsewhere counts.
"""

import re

from imagebot.formats import dockerfile
from imagebot.formats.composed import (
    Fragment,
    Fragments,
    NotWritten,
    Variables,
    expand_shell,
    fragment_of,
)
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page, inside
from imagebot.formats.sighting import alias_lines
from imagebot.formats.walk import Path
from imagebot.yaml_blocks import block_lines
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "compose"
_FILE_NAME = re.compile(r"(?:[\w.-]+[.-])?compose(?:[.-][\w.-]+)?\.ya?ml", re.I)
_CONTEXT_SCHEME = "docker-image://"


def is_named_so(file: str) -> bool:
    """`compose.yaml`, `docker-compose.prod.yml`, `api.compose.yml`."""
    return _FILE_NAME.fullmatch(file.rpartition("/")[2]) is not None


def claims(page: Page, document: Document) -> bool:
    """A file with such a name that has services; a Kubernetes manifest has other keys."""
    if page.depth or not is_named_so(page.file):
        return False
    layout = Layout(page, document, NAME)
    root = layout.of(document.root)
    return isinstance(root.get("services"), Collection) and "kind" not in root


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME, _expand)
    services = Path(None, "services")
    for service, path in layout.members(layout.at(document.root, "services"), services):
        _service(layout, service, path)
    models = Path(None, "models")  # artifacts in a registry, as images are
    for model, path in layout.members(layout.at(document.root, "models"), models):
        layout.image_where_versioned(layout.at(model, "model"), Path(path, "model"))


def _service(layout: Layout, service: Node, path: Path) -> None:
    found = layout.of(service)
    if "build" in found:
        contexts = layout.at(found["build"], "additional_contexts")
        below = Path(Path(path, "build"), "additional_contexts")
        for context, place in layout.members(contexts, below):
            layout.image_behind(_CONTEXT_SCHEME, context, place)
        for context, place in layout.items(contexts, below):
            layout.image_behind(_CONTEXT_SCHEME, context, place, is_named=True)
        inline = layout.at(found["build"], "dockerfile_inline")
        if isinstance(inline, Scalar):
            place = Path(Path(path, "build"), "dockerfile_inline")
            _dockerfile(layout, inline, place, _given(layout, layout.at(found["build"], "args")))
    else:
        layout.image(found.get("image"), Path(path, "image"))
    for volume, place in layout.items(found.get("volumes"), Path(path, "volumes")):
        if layout.text(layout.at(volume, "type")) == "image":
            layout.image(layout.at(volume, "source"), Path(place, "source"))


def _given(layout: Layout, arguments: Node | None) -> Variables:
    """What `build.args` sets, in either of its two forms; it wins over the Dockerfile's defaults.

    A name without a value is the environment's.
    """
    given: dict[str, Fragments] = {
        key: _value(layout, node) for key, node in layout.of(arguments).items()
    }
    for item, _ in layout.items(arguments, Path(None, "args")):
        name, equals, value = layout.text(item).partition("=")
        given[name] = _value(layout, item, len(name) + 1) if equals and value else ()
    return given


def _value(layout: Layout, node: Node, start: int = 0) -> Fragments:
    """What is written from a character on; empty where it cannot be edited."""
    if not isinstance(node, Scalar) or not layout.text(node):
        return ()
    fragment = fragment_of(layout.page, layout.document, node, layout.anchored(node))
    try:
        return _expand(fragment.cut(start, len(fragment.text))) if fragment else ()
    except NotWritten:
        return ()


def _dockerfile(layout: Layout, inline: Scalar, path: Path, given: Variables) -> None:
    page, document = layout.page, layout.document
    lines = block_lines(page.source, document, inline)
    if lines is not None:
        with inside(page, str(path), aliases=alias_lines(page, document, layout.anchored(inline))):
            dockerfile.read_lines(page, [dockerfile.Word(*line) for line in lines], given)
    elif "FROM" in inline.text:
        offset, hint = (
            document.byte_offset(inline.start),
            "write it as a block: `dockerfile_inline: |`",
        )
        page.report(
            offset, "a Dockerfile in such a text is not edited", hint=hint, address=str(path)
        )


def _expand(fragment: Fragment) -> Fragments:
    return expand_shell(fragment, {})
