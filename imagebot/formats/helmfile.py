"""Helmfile: values of releases and environments, values set one by one, and charts of registries.

Pure. Inline mappings under `values` have the shapes of Helm values, and the files that stand
there instead are values files of their own. A chart is in a registry by its `oci://`, or by
the name of a repository that says `oci: true`, in whatever part of the file.
"""

import re
from collections.abc import Mapping

from imagebot.formats import json_patch
from imagebot.formats.charts import OCI, add_chart_version
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.parameters import add_parameters, named_values
from imagebot.formats.walk import Path
from imagebot.yaml_nodes import Document, Node, Scalar

NAME = "helmfile"
_PATH = re.compile(
    r"(?:.*/)?(?:helmfile[\w-]*(?:\.[\w-]+)*|[\w.-]+\.helmfile|helmfile\.d/(?:.*/)?[^/]+)\.ya?ml"
)
_ROOT_KEYS = ("releases", "environments", "helmfiles", "repositories", "templates", "bases")
_SET = ("set", "setString", "setTemplate", "setStringTemplate")


def is_named_so(file: str) -> bool:
    """`helmfile.yaml`, `helmfile-prod.yaml`, `apps.helmfile.yaml`, and YAML below `helmfile.d/`."""
    return _PATH.fullmatch(file) is not None


def claims(page: Page, document: Document) -> bool:
    if page.depth or not is_named_so(page.file):
        return False
    root = Layout(page, document, NAME).of(document.root)
    return "apiVersion" not in root and any(key in root for key in _ROOT_KEYS)


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    page.helm_registries.update(_registries(layout))
    _add_waiting(page)
    places = [
        *layout.items(layout.at(document.root, "releases"), Path(None, "releases")),
        *layout.members(layout.at(document.root, "templates"), Path(None, "templates")),
    ]
    for release, path in places:
        _release(layout, release, path)
    json_patch.read_lists(page, document)
    find_images(page, document, NAME, is_kubernetes=False)


def _registries(layout: Layout) -> Mapping[str, str]:
    """The repositories that are in registries, by the names that charts have in front."""
    items = layout.items(
        layout.at(layout.document.root, "repositories"), Path(None, "repositories")
    )
    return {
        layout.text(layout.at(item, "name")): layout.text(layout.at(item, "url"))
        for item, _ in items
        if layout.text(layout.at(item, "oci")) == "true"
    }


def _add_waiting(page: Page) -> None:
    """Record the charts of parts above whose repositories are known by now."""
    known, waiting = page.helm_registries, page.charts_waiting
    page.charts_waiting = [each for each in waiting if each[0] not in known]
    for repository, add_from in waiting:
        if known.get(repository):
            add_from(known[repository])


def _release(layout: Layout, release: Node, path: Path) -> None:
    parameters = [
        parameter
        for key in _SET
        for parameter in named_values(layout, layout.at(release, key), Path(path, key))
    ]
    add_parameters(layout, NAME, parameters)
    _chart(layout, release, path)
    place = Path(path, "dependencies")
    for dependency, at in layout.items(layout.at(release, "dependencies"), place):
        _chart(layout, dependency, at)


def _chart(layout: Layout, owner: Node, path: Path) -> None:
    chart, registries = layout.text(layout.at(owner, "chart")), layout.page.helm_registries
    repository, _, rest = chart.partition("/")

    def add_from(url: str) -> None:
        _add_chart(layout, owner, path, f"{url.removeprefix(OCI).rstrip('/')}/{rest}")

    if chart.startswith(OCI):
        _add_chart(layout, owner, path, chart.removeprefix(OCI).rstrip("/"))
    elif rest and registries.get(repository):
        add_from(registries[repository])
    elif rest:
        layout.page.charts_waiting.append((repository, add_from))


def _add_chart(layout: Layout, owner: Node, path: Path, name: str) -> None:
    version = layout.at(owner, "version")
    if isinstance(version, Scalar):
        add_chart_version(
            layout.page,
            layout.document,
            Path(path, "version"),
            NAME,
            version,
            name=name,
            anchored=layout.anchored(version),
        )
