"""Flux's objects: HelmRelease, HelmRepository, HelmChart, OCIRepository and Kustomization.

Pure. The values of a HelmRelease have the shapes of Helm values. A chart's version is followed
where its HelmRepository turns out to be an OCI registry: that may stand in another file, so it
is decided where all files are known (imagebot/chart_sources.py).
"""

from collections.abc import Callable

from imagebot.formats import json_patch, kustomize
from imagebot.formats.charts import add_artifact, add_chart_version, behind_oci, is_version
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.sighting import value_of
from imagebot.formats.walk import Path, below, object_text, objects
from imagebot.model import ChartSource, Part, SourcedChart, SourceName
from imagebot.yaml_nodes import Document, Node, Scalar

NAME = "flux"
_GROUP = ".toolkit.fluxcd.io"
# What these objects scan and choose is no image that runs: `spec.image` is a repository alone, and
# Flux refuses a tag in it.
_OF_IMAGES = "image"


def claims(page: Page, document: Document) -> bool:
    """Documents with at least one object of Flux."""
    return any(
        object_text(each, "apiVersion").partition("/")[0].endswith(_GROUP)
        for each, _ in objects(document)
    )


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    scanned: set[tuple[str | int, ...]] = set()
    for node, path in objects(document):
        group = object_text(node, "apiVersion").partition("/")[0].removesuffix(_GROUP)
        if group == _OF_IMAGES:
            scanned.add(_steps(path))
        read_object = _READERS.get((group, object_text(node, "kind")))
        if read_object is not None:
            read_object(layout, node, path)
    json_patch.read_lists(page, document)
    depth = max(map(len, scanned), default=0)
    is_read = (lambda path: _steps(path)[:depth] not in scanned) if depth else None
    if () not in scanned:
        find_images(page, document, NAME, is_kubernetes=True, is_read=is_read)


def _steps(path: Path | None) -> tuple[str | int, ...]:
    return path.steps() if path else ()


def _helm_repository(layout: Layout, node: Node, path: Path | None) -> None:
    metadata = layout.at(node, "metadata")
    name, namespace = (layout.text(layout.at(metadata, key)) for key in ("name", "namespace"))
    url = layout.text(layout.at(node, "spec", "url"))
    if name and url:
        layout.page.chart_sources.append(ChartSource(SourceName(namespace, name), url))


def _helm_release(layout: Layout, node: Node, path: Path | None) -> None:
    place = below(path, "spec", "chart", "spec")
    _chart(layout, node, layout.at(node, "spec", "chart", "spec"), place)
    _post_renderers(layout, node, path)


def _helm_chart(layout: Layout, node: Node, path: Path | None) -> None:
    _chart(layout, node, layout.at(node, "spec"), below(path, "spec"))


def _chart(layout: Layout, owner: Node, spec: Node | None, path: Path) -> None:
    """Record `version` of a `chart` that comes from a HelmRepository."""
    source = layout.at(spec, "sourceRef")
    name = layout.text(layout.at(source, "name"))
    chart = layout.text(layout.at(spec, "chart"))
    version = layout.at(spec, "version")
    is_from_repository = layout.text(layout.at(source, "kind")) == "HelmRepository"
    if not (is_from_repository and name and chart and isinstance(version, Scalar)):
        return
    namespace = layout.text(layout.at(source, "namespace")) or (
        layout.text(layout.at(owner, "metadata", "namespace"))
    )
    add_chart_version(
        layout.page,
        layout.document,
        Path(path, "version"),
        NAME,
        version,
        sourced=SourcedChart(chart, SourceName(namespace, name)),
        anchored=layout.anchored(version),
    )


def _oci_repository(layout: Layout, node: Node, path: Path | None) -> None:
    """Record `spec.ref` of `spec.url`: of digest, semver and tag the first one counts."""
    url = layout.at(node, "spec", "url")
    ref = layout.at(node, "spec", "ref")
    name = behind_oci(url) if isinstance(url, Scalar) else None
    if name is None:
        return
    semver, tag, digest = (layout.at(ref, key) for key in ("semver", "tag", "digest"))
    parts: dict[Part, Scalar] = {}
    key = "digest"
    if isinstance(semver, Scalar) and value_of(semver):
        if is_version(value_of(semver)):
            key, parts = "semver", {Part.CHART_VERSION: semver}
    elif isinstance(tag, Scalar) and value_of(tag):
        key, parts = "tag", {Part.TAG_ALONE: tag}
    if isinstance(digest, Scalar) and (parts or value_of(digest)):
        parts[Part.DIGEST] = digest
    if parts:
        place = below(path, "spec", "ref", key)
        anchored = layout.anchored(next(iter(parts.values())))
        add_artifact(layout.page, layout.document, place, NAME, name, parts, anchored)


def _kustomization(layout: Layout, node: Node, path: Path | None) -> None:
    images = layout.at(node, "spec", "images")
    place = below(path, "spec", "images")
    kustomize.read_images(layout.page, layout.document, images, place, NAME)
    _post_renderers(layout, node, path)


def _post_renderers(layout: Layout, node: Node, path: Path | None) -> None:
    renderers = layout.at(node, "spec", "postRenderers")
    for renderer, place in layout.items(renderers, below(path, "spec", "postRenderers")):
        images = layout.at(renderer, "kustomize", "images")
        place = below(place, "kustomize", "images")
        kustomize.read_images(layout.page, layout.document, images, place, NAME)


_READERS: dict[tuple[str, str], Callable[[Layout, Node, Path | None], None]] = {
    ("source", "HelmRepository"): _helm_repository,
    ("source", "HelmChart"): _helm_chart,
    ("source", "OCIRepository"): _oci_repository,
    ("helm", "HelmRelease"): _helm_release,
    ("kustomize", "Kustomization"): _kustomization,
}
