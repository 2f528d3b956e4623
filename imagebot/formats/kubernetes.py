"""Kubernetes manifests: any `image` string at any depth, and groups in custom resources.

Pure. All workload kinds, init and ephemeral containers, custom resources' own objects and
the values inside a HelmRelease have the same two shapes, so no kind has a path of its own.
"""

from imagebot.formats.images import find_images
from imagebot.formats.page import Page
from imagebot.formats.walk import top_level
from imagebot.yaml_nodes import Document

NAME = "kubernetes"


def claims(page: Page, document: Document) -> bool:
    """Documents that a cluster would take: they name their version and kind."""
    return bool(top_level(document, "apiVersion") and top_level(document, "kind"))


def read(page: Page, document: Document) -> None:
    find_images(page, document, NAME, is_kubernetes=True)
