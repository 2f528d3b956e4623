"""Helm values and every other YAML file without a kind: groups, and joined strings.

Pure. A bare word under `image` is no reference here: it needs a tag, a digest or a path.
"""

from imagebot.formats.images import find_images
from imagebot.formats.page import Page
from imagebot.yaml_nodes import Document

NAME = "helm-values"


def claims(page: Page, document: Document) -> bool:
    return True


def read(page: Page, document: Document) -> None:
    find_images(page, document, NAME, is_kubernetes=False)
