"""GitLab CI: `image` and `services` of jobs, of `default` and of the whole pipeline.

Pure. Both are a text or a mapping with `name`. A variable is looked up in the job's own
`variables`, then in those of the pipeline, and edited there; GitLab's own variables and those
of included files have no value here, which is told.
"""

import re

from imagebot.formats.composed import Expand, Fragment, Fragments, expand_shell
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path
from imagebot.yaml_nodes import Document, Node

NAME = "gitlab-ci"
_PATH = re.compile(r"(?:.*/)?(?:[\w.-]*\.gitlab-ci\.ya?ml|\.gitlab(?:-ci)?/(?:.*/)?[^/]+\.ya?ml)")
_NO_JOBS = frozenset({"stages", "variables", "workflow", "include", "spec", "cache"})


def is_named_so(file: str) -> bool:
    """`.gitlab-ci.yml`, `build.gitlab-ci.yml`, and YAML below `.gitlab/` or `.gitlab-ci/`."""
    return _PATH.fullmatch(file) is not None


def claims(page: Page, document: Document) -> bool:
    """By name; other tools' documents with a kind may lie beside."""
    if page.depth or not is_named_so(page.file):
        return False
    return "apiVersion" not in Layout(page, document, NAME).of(document.root)


def read(page: Page, document: Document) -> None:
    layout = Layout(page, document, NAME)
    root = layout.of(document.root)
    variables = _variables(layout, root.get("variables"))
    _job(layout, document.root, None, variables)
    for key, job in root.items():
        if key not in _NO_JOBS:
            _job(layout, job, Path(None, key), variables)


def _job(layout: Layout, job: Node, path: Path | None, variables: dict[str, Fragments]) -> None:
    found = layout.of(job)
    if not found:
        return
    known = variables
    if path is not None and "variables" in found:
        known = {**variables, **_variables(layout, found["variables"])}
    expand = _expander(known)
    layout.image_or_name(found.get("image"), Path(path, "image"), "name", expand)
    for service, place in layout.items(found.get("services"), Path(path, "services")):
        layout.image_or_name(service, place, "name", expand)


def _variables(layout: Layout, node: Node | None) -> dict[str, Fragments]:
    """Values by name; a value is a text, or a mapping with `value`."""
    found: dict[str, Fragments] = {}
    for key, value in layout.of(node).items():
        fragments = layout.variable(layout.of(value).get("value", value))
        found[key] = fragments
    return found


def _expander(variables: dict[str, Fragments]) -> Expand:
    def expand(fragment: Fragment) -> Fragments:
        return expand_shell(fragment, variables)

    return expand
