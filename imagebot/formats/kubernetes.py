"""Kubernetes manifests: any `image` string at any depth, and groups in custom resources.

Pure. All workload kinds, init and ephemeral containers, custom resources' own objects and
the values inside a HelmRelease have the same two shapes, so no kind has a path of its own.
"""

from imagebot.formats import custom_resources
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.sighting import value_of
from imagebot.formats.walk import below, top_level
from imagebot.yaml_nodes import Document, Scalar

NAME = "kubernetes"
_KUBEADM = "kubeadm.k8s.io/"
_OF_KUBEADM = (("dns",), ("etcd", "local"))


def claims(page: Page, document: Document) -> bool:
    """Documents that a cluster would take: they name their version and kind."""
    return bool(top_level(document, "apiVersion") and top_level(document, "kind"))


def read(page: Page, document: Document) -> None:
    custom_resources.read(page, document, NAME)
    if not top_level(document, "apiVersion").startswith(_KUBEADM):
        find_images(page, document, NAME, is_kubernetes=True)
        return
    for path in _OF_KUBEADM:
        _tell_of_kubeadm(page, document, path)
    find_images(
        page,
        document,
        NAME,
        is_kubernetes=True,
        is_read=lambda path: path is None or path.steps() not in _OF_KUBEADM,
    )


def _tell_of_kubeadm(page: Page, document: Document, path: tuple[str, ...]) -> None:
    """Say of a tag that kubeadm itself puts the image's name in front of it."""
    layout = Layout(page, document, NAME)
    tag = layout.at(document.root, *path, "imageTag")
    if isinstance(tag, Scalar) and value_of(tag):
        page.report(
            document.byte_offset(tag.start),
            "kubeadm puts the name of an image behind `imageRepository`, so it is not edited",
            hint="put a marker on the value to update (# imagebot: NAME:tag)",
            address=str(below(None, *path, "imageTag")),
        )
