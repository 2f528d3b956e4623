"""Argo CD's Applications and ApplicationSets, and the `.argocd-source` files that override them.

Pure. Of each source: Helm parameters, which are groups written as pairs of name and value;
kustomize's images, each one text; and the version of a chart in an OCI registry. Values in
`valuesObject` have the shapes of Helm values, and those in a block scalar are read as YAML inside
YAML.
"""

import re
from collections.abc import Iterator, Mapping

from imagebot.errors import InvalidReference
from imagebot.formats.charts import (
    OCI,
    add_artifact,
    add_chart_version,
    behind_oci,
    is_revision,
)
from imagebot.formats.groups import (
    Group,
    add_group,
    add_joined,
    flat_group,
    is_image_key,
    reads_as_group,
    version_beside,
)
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.sighting import (
    Piece,
    add,
    is_templated,
    read_reference,
    report_templated,
    value_of,
    whole,
)
from imagebot.formats.walk import Path, mappings, object_text, objects
from imagebot.model import Part
from imagebot.yaml_spans import Collection, Document, Node, Scalar

NAME = "argocd"
_KINDS = frozenset({"Application", "ApplicationSet"})
_FILE_NAME = re.compile(r"\.argocd-source(?:-.+)?\.yaml")
_HOST = re.compile(r"localhost[:/]|[^/]+[.:][^/]+(?:/|\Z)")
_NOT_DESIRED = frozenset({"status", "operation"})
_MAY_NAME_IMAGE = re.compile(r"(?:mages?|epository)[\"']?[ \t]*:")


def is_named_so(file: str) -> bool:
    """Whether Argo CD takes a file for parameters that override an Application's."""
    return _FILE_NAME.fullmatch(file.rpartition("/")[2]) is not None


def claims(page: Page, document: Document) -> bool:
    return is_named_so(page.name) or any(
        object_text(each, "kind") in _KINDS
        and object_text(each, "apiVersion").startswith("argoproj.io/")
        for each, _ in objects(document)
    )


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
    _parameters(layout, layout.at(helm, "parameters"), Path(Path(path, "helm"), "parameters"))
    images = Path(Path(path, "kustomize"), "images")
    for item, place in layout.items(layout.at(kustomize, "images"), images):
        if isinstance(item, Scalar):
            _kustomize_image(layout, item, place)
    values = layout.at(helm, "values")
    is_block = not isinstance(values, Scalar) or values.style == "|"
    if isinstance(values, Scalar) and not is_block and _MAY_NAME_IMAGE.search(values.text):
        layout.page.report(
            layout.document.byte_offset(values.start),
            "Helm values in a quoted or folded text are not edited",
            hint="write them as a literal block scalar (values: |) or as valuesObject",
            address=str(Path(Path(path, "helm"), "values")),
        )


def _parameters(layout: Layout, parameters: Node | None, path: Path) -> None:
    """Record the groups and references that Helm's parameters name by their key paths."""
    stems: dict[str, dict[str, Node]] = {}
    places: dict[tuple[str, str], Path] = {}
    for item, place in layout.items(parameters, path):
        stem, _, leaf = layout.text(layout.at(item, "name")).rpartition(".")
        value = layout.at(item, "value")
        if leaf and isinstance(value, Scalar):
            stems.setdefault(stem, {})[leaf] = value
            places[stem, leaf] = Path(place, "value")
    shared = stems.get("global", {}).get("imageRegistry")
    registry = shared if isinstance(shared, Scalar) and value_of(shared) else None
    for stem, found in stems.items():
        _parameter_group(layout, found, stem, places, registry)
        for leaf in found:
            if leaf.endswith(("mage", "mageName")) or stem.rpartition(".")[2] == "images":
                _parameter_image(layout, found, leaf, places[stem, leaf])


def _parameter_group(
    layout: Layout,
    found: dict[str, Node],
    stem: str,
    places: Mapping[tuple[str, str], Path],
    registry: Scalar | None,
) -> None:
    key_path: Path | None = None
    for step in stem.split(".") if stem else ():
        key_path = Path(key_path, step)
    is_image = is_image_key(key_path)

    def path_of(key: str) -> Path:
        return places[stem, key]

    group = Group(found, is_image, path_of, global_registry=registry, format_name=NAME)
    if reads_as_group(found, is_image):
        add_group(layout.page, layout.document, group)
    else:
        add_joined(layout.page, layout.document, group)
    for leaf in found:
        if leaf.endswith("mageRepository"):
            flat = flat_group(
                found, leaf.removesuffix("Repository"), path_of, global_registry=registry
            )
            if flat is not None:
                add_group(layout.page, layout.document, flat._replace(format_name=NAME))


def _parameter_image(layout: Layout, found: dict[str, Node], leaf: str, path: Path) -> None:
    """Record a parameter that is a whole reference, or a name with its tag in another one."""
    value = found[leaf]
    beside = version_beside(found, leaf.removesuffix("Name"))
    text = layout.text(value)
    if not isinstance(value, Scalar) or not text:
        return
    if is_templated(text):
        report_templated(layout.page, layout.document, value, path)
        return
    try:
        reference = read_reference(text)
    except InvalidReference:
        return
    if reference.tag or reference.digest:
        version = (reference.tag, reference.digest)
        parts: dict[Part, Scalar] = {Part.REFERENCE: value}
        add(layout.page, layout.document, path, NAME, parts, reference, version)
    elif beside is not None:
        parts, version = {Part.NAME: value, **beside[0]}, beside[1]
        whole_reference = whole(reference.name, *version)
        add(layout.page, layout.document, path, NAME, parts, whole_reference, version)


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


def _is_oci_registry(url: str) -> bool:
    """Whether a chart's `repoURL` is a registry and a path, not the URL of a classic repository."""
    return "://" not in url and "@" not in url and _HOST.match(url) is not None
