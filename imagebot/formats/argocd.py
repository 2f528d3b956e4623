"""Argo CD's Applications and ApplicationSets, and the `.argocd-source` files that override them.

Pure. Of each source, also of a `templatePatch`: Helm parameters, which are groups written as pairs
of name and value; kustomize's images, each one text; and the version of a chart in an OCI registry.
Values in `valuesObject` have the shapes of Helm values, and those in a block scalar are read as
YAML inside YAML.
"""

import re
from collections.abc import Iterator

from imagebot.errors import InvalidReference
from imagebot.formats.charts import (
    OCI,
    add_artifact,
    add_chart_version,
    behind_oci,
    is_revision,
)
from imagebot.formats.embedded import may_be_yaml
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.parameters import add_parameters, named_values
from imagebot.formats.sighting import (
    Piece,
    add,
    is_templated,
    read_reference,
    report_templated,
    value_of,
)
from imagebot.formats.walk import Path, mappings, object_text, objects
from imagebot.model import Part
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "argocd"
_KINDS = frozenset({"Application", "ApplicationSet"})
_FILE_NAME = re.compile(r"\.argocd-source(?:-.+)?\.yaml")
_HOST = re.compile(r"localhost[:/]|[^/]+[.:][^/]+(?:/|\Z)")
_SOURCE = frozenset({"helm", "kustomize", "targetRevision"})  # keys that say so
_NOT_DESIRED = frozenset({"status", "operation"})
_MAY_NAME_IMAGE = re.compile(r"(?:mages?|epository)[\"']?[ \t]*:")


def is_named_so(file: str) -> bool:
    """Whether Argo CD takes a file for parameters that override an Application's."""
    return _FILE_NAME.fullmatch(file.rpartition("/")[2]) is not None


def claims(page: Page, document: Document) -> bool:
    """The objects, files named so, and in a text what patches an Application and has no kind."""
    return (
        is_named_so(page.name)
        or any(
            object_text(each, "kind") in _KINDS
            and object_text(each, "apiVersion").startswith("argoproj.io/")
            for each, _ in objects(document)
        )
        or (page.depth > 0 and _is_patch(Layout(page, document, NAME), document.root))
    )


def _is_patch(layout: Layout, root: Node) -> bool:
    """Whether this is the spec of an Application without its kind, as in `templatePatch`."""
    if layout.at(root, "kind") is not None:
        return False
    spec = layout.at(root, "spec")
    sources = [layout.at(spec, "source")]
    sources += [item for item, _ in layout.items(layout.at(spec, "sources"), Path(None, "sources"))]
    return any(not _SOURCE.isdisjoint(layout.of(source)) for source in sources)


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    is_override = is_named_so(page.name)
    if is_override:
        _parameters_and_images(layout, document.root, None)
    for node, path in _sources(document):
        _chart(layout, node, path)
        _parameters_and_images(layout, node, path)
    find_images(page, document, NAME, is_kubernetes=not is_override)


def _sources(document: Document) -> Iterator[tuple[Collection, Path]]:
    """Every `source` and item of `sources`, of Applications and of their templates."""
    for place in mappings(document.root):
        path = place.path
        if path is None:
            continue
        is_item = isinstance(path.step, int) and path.parent and path.parent.step == "sources"
        if (path.step == "source" or is_item) and _NOT_DESIRED.isdisjoint(path.steps()):
            yield place.mapping, path


def _parameters_and_images(layout: Layout, source: Node, path: Path | None) -> None:
    helm, kustomize = layout.at(source, "helm"), layout.at(source, "kustomize")
    place = Path(Path(path, "helm"), "parameters")
    add_parameters(layout, NAME, named_values(layout, layout.at(helm, "parameters"), place))
    images = Path(Path(path, "kustomize"), "images")
    for item, place in layout.items(layout.at(kustomize, "images"), images):
        if isinstance(item, Scalar):
            _kustomize_image(layout, item, place)
    values = layout.at(helm, "values")
    is_read = not isinstance(values, Scalar) or may_be_yaml("values", values)
    if isinstance(values, Scalar) and not is_read and _MAY_NAME_IMAGE.search(values.text):
        layout.page.report(
            layout.document.byte_offset(values.start),
            "Helm values on one line of a quoted or folded text are not edited",
            hint="write them as a literal block scalar (values: |) or as valuesObject",
            address=str(Path(Path(path, "helm"), "values")),
        )


def _kustomize_image(layout: Layout, item: Scalar, path: Path) -> None:
    """Record `name:tag`, or what follows `=` in `name=newname:tag`."""
    text = value_of(item)
    start = text.find("=") + 1
    if is_templated(text):
        report_templated(layout.page, layout.document, item, path)
        return
    try:
        reference = read_reference(text[start:])
    except InvalidReference as error:
        offset = layout.document.byte_offset(item.start)
        layout.page.report(offset, str(error), hint=error.hint, address=str(path))
        return
    add(
        layout.page,
        layout.document,
        path,
        NAME,
        {Part.REFERENCE: Piece(item, start, len(text))},
        reference,
        (reference.tag, reference.digest),
        layout.anchored(item),
    )


def _chart(layout: Layout, source: Node, path: Path) -> None:
    """Record `targetRevision` where `repoURL` names an OCI registry.

    Beside `chart` such a URL has no scheme; with `oci://` it is the whole artifact.
    """
    url, revision = layout.at(source, "repoURL"), layout.at(source, "targetRevision")
    chart = layout.text(layout.at(source, "chart"))
    if not (isinstance(url, Scalar) and isinstance(revision, Scalar) and value_of(revision)):
        return
    place = Path(path, "targetRevision")
    name = behind_oci(url)
    anchored = layout.anchored(revision)
    if chart and _is_oci_registry(value_of(url)):
        add_chart_version(
            layout.page,
            layout.document,
            place,
            NAME,
            revision,
            name=f"{value_of(url).rstrip('/')}/{chart}",
            anchored=anchored,
        )
    elif chart and name is not None:
        layout.page.report(
            layout.document.byte_offset(url.start),
            "a chart is named beside an oci:// URL, and Argo CD reads only one of the two",
            hint=f"leave out either {OCI} or chart",
            address=str(Path(path, "repoURL")),
        )
    elif name is not None:
        text = value_of(revision)
        part = Part.DIGEST if text.startswith("sha256:") else Part.TAG_ALONE
        if part is Part.DIGEST or is_revision(text):
            parts = {part: revision}
            add_artifact(layout.page, layout.document, place, NAME, name, parts, anchored)
        elif "+" in text and is_revision(text.replace("+", "_")):
            layout.page.report(
                layout.document.byte_offset(revision.start),
                f"{text[:60]!r} is no tag, and behind oci:// Argo CD takes the revision for one",
                hint=f"write {text.replace('+', '_')[:60]!r}, as the registry does",
                address=str(place),
            )


def _is_oci_registry(url: str) -> bool:
    """Whether a chart's `repoURL` is a registry and a path, not the URL of a classic repository."""
    return "://" not in url and "@" not in url and _HOST.match(url) is not None
