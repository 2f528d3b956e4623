"""GitHub Actions: `container`, `services` and `docker://` of workflows and of actions.

Pure. The same files serve Gitea and Forgejo. An expression (`${{ matrix.image }}`) has no value
here, which is told. An `image` among the inputs of an action counts with a tag or digest only.
"""

import re

from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path
from imagebot.yaml_spans import Collection, Document, Node

NAME = "github-actions"
_PATH = re.compile(r"(?:.*/)?(?:\.(?:github|gitea|forgejo)/workflows/[^/]+|action)\.ya?ml")
_SCHEME = "docker://"


def is_named_so(file: str) -> bool:
    """Workflows below `.github/workflows/` (`.gitea`, `.forgejo`), and `action.yml` anywhere."""
    return _PATH.fullmatch(file) is not None


def claims(page: Page, document: Document) -> bool:
    if page.depth or not is_named_so(page.file):
        return False
    root = Layout(page, document, NAME).of(document.root)
    return isinstance(root.get("jobs"), Collection) or isinstance(root.get("runs"), Collection)


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    root = layout.of(document.root)
    for job, path in layout.members(root.get("jobs"), Path(None, "jobs")):
        found = layout.of(job)
        layout.image_or_name(found.get("container"), Path(path, "container"), "image")
        for service, place in layout.members(found.get("services"), Path(path, "services")):
            layout.image(layout.at(service, "image"), Path(place, "image"))
        _steps(layout, found.get("steps"), Path(path, "steps"))
    runs = root.get("runs")
    path = Path(None, "runs")
    layout.image_behind(_SCHEME, layout.at(runs, "image"), Path(path, "image"))
    _steps(layout, layout.at(runs, "steps"), Path(path, "steps"))


def _steps(layout: Layout, steps: Node | None, path: Path) -> None:
    for step, place in layout.items(steps, path):
        found = layout.of(step)
        layout.image_behind(_SCHEME, found.get("uses"), Path(place, "uses"))
        given = layout.at(found.get("with"), "image")
        layout.image_where_versioned(given, Path(Path(place, "with"), "image"))
