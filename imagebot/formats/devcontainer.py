"""devcontainer.json: the `image` of a development container.

Pure. The file is JSON with comments. Features (`ghcr.io/devcontainers/features/node:1`) are
keys, not values, so they are left alone.
"""

from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path
from imagebot.yaml_nodes import Document

NAME = "devcontainer"
_FILE_NAMES = frozenset({"devcontainer.json", ".devcontainer.json"})


def is_named_so(file: str) -> bool:
    return file.rpartition("/")[2] in _FILE_NAMES


def claims(page: Page, document: Document) -> bool:
    return not page.depth and is_named_so(page.file)


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    layout.image(layout.at(document.root, "image"), Path(None, "image"))
