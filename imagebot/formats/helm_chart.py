"""A Helm chart's dependencies on charts in OCI registries: `Chart.yaml`, `requirements.yaml`.

Pure. `appVersion` is a text for people and for the chart's templates; it is edited only under a
marker. Beside a changed dependency `Chart.lock` is out of date: `helm dependency update` makes
it anew.
"""

from imagebot.formats.charts import add_listed_chart
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path, top_level
from imagebot.yaml_nodes import Document

NAME = "helm-chart"
_FILE_NAMES = frozenset({"Chart.yaml", "requirements.yaml"})


def is_named_so(file: str) -> bool:
    """Whether Helm takes a file for a chart's description by its name."""
    return file.rpartition("/")[2] in _FILE_NAMES


def claims(page: Page, document: Document) -> bool:
    return is_named_so(page.name) and not top_level(document, "kind")


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    dependencies = layout.at(document.root, "dependencies")
    for item, path in layout.items(dependencies, Path(None, "dependencies")):
        add_listed_chart(layout, item, path, NAME, url_key="repository")
    find_images(page, document, NAME, is_kubernetes=False)
