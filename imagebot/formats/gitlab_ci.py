"""GitLab CI: `image` and `services` of jobs, of `default` and of the whole pipeline.

Pure. Both are a text or a mapping with `name`. A variable is looked up in the job's own
`variables`, then in those of the pipeline, and edited there; GitLab's own variables and those
of included files have no value here, which is told. What `rules` give to a
variable is another image.
"""

import re
from typing import NamedTuple

from imagebot.formats.composed import Expand, Fragment, Fragments, NotWritten, expand_shell
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path
from imagebot.yaml_nodes import Document, Node

NAME = "gitlab-ci"
_PATH = re.compile(r"(?:.*/)?(?:[\w.-]*\.gitlab-ci\.ya?ml|\.gitlab(?:-ci)?/(?:.*/)?[^/]+\.ya?ml)")
_NO_JOBS = frozenset({"stages", "variables", "workflow", "include", "spec", "cache"})

_OPTIONS_HINT = "change the value and its option by hand"

_Variables = dict[str, Fragments | None]  # None where the value is one of several options


class _Rule(NamedTuple):
    """What one of `rules` gives to variables, and where."""

    path: Path
    variables: _Variables


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
    pipeline = _variables(layout, root.get("variables"))
    rules = _rules(layout, layout.at(document.root, "workflow"), Path(None, "workflow"))
    _job(layout, document.root, None, pipeline, rules)
    for key, job in root.items():
        if key not in _NO_JOBS:
            _job(layout, job, Path(None, key), pipeline, rules)
    _inputs(layout, root.get("include"))


def _inputs(layout: Layout, include: Node | None) -> None:
    """Record images that included files are given. Only a name says that an input is one."""
    path = Path(None, "include")
    for item, place in ((include, path), *layout.items(include, path)):
        for value, at in layout.members(layout.at(item, "inputs"), Path(place, "inputs")):
            if str(at.step).lower().endswith("image"):
                layout.image_where_versioned(value, at)
            else:
                layout.tell_where_versioned(value, at)


def _job(
    layout: Layout,
    job: Node,
    path: Path | None,
    pipeline: _Variables,
    workflow_rules: tuple[_Rule, ...],
) -> None:
    found = layout.of(job)
    if not found:
        return
    own = _variables(layout, found.get("variables")) if path is not None else {}
    known = {**pipeline, **own}
    images = [(found.get("image"), Path(path, "image"))]
    images += layout.items(found.get("services"), Path(path, "services"))
    for image, place in images:
        layout.image_or_name(image, place, "name", _expander(known))
    others = [(each, {**pipeline, **each.variables, **own}) for each in workflow_rules]
    if path is not None:
        others += [(each, {**known, **each.variables}) for each in _rules(layout, job, path)]
    for rule, values in others:
        for image, _ in images:
            text = layout.text(layout.of(image).get("name", image))
            if any(re.search(rf"\$\{{?{re.escape(name)}\b", text) for name in rule.variables):
                layout.image_or_name(image, rule.path, "name", _expander(values))


def _rules(layout: Layout, owner: Node | None, path: Path) -> tuple[_Rule, ...]:
    """The rules of a job or of the workflow that give variables other values."""
    items = layout.items(layout.at(owner, "rules"), Path(path, "rules"))
    return tuple(
        _Rule(Path(place, "variables"), _variables(layout, layout.at(rule, "variables")))
        for rule, place in items
        if layout.at(rule, "variables") is not None
    )


def _variables(layout: Layout, node: Node | None) -> _Variables:
    """Values by name; a value is a text, or a mapping with `value`. None of one among `options`."""
    found: _Variables = {}
    for key, value in layout.of(node).items():
        entry = layout.of(value)
        is_listed = "options" in entry
        found[key] = None if is_listed else layout.variable(entry.get("value", value))
    return found


def _expander(variables: _Variables) -> Expand:
    known = {name: value for name, value in variables.items() if value is not None}

    def expand(fragment: Fragment) -> Fragments:
        for name in variables.keys() - known.keys():
            if re.search(rf"\$\{{?{re.escape(name)}\b", fragment.text):
                message = f"the variable {name[:60]} of an image has `options`, among which GitLab"
                raise NotWritten(f"{message} wants its value, so it is not edited", _OPTIONS_HINT)
        return expand_shell(fragment, known)

    return expand
