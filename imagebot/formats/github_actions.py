"""GitHub Actions: `container`, `services` and `docker://` of workflows and of actions.

Pure. The same files serve Gitea and Forgejo. `${{ matrix.image }}` is each of the values that the
job's matrix gives it; other expressions have no value here, which is told. An `image` among the
inputs of an action or of a called workflow counts with a tag or digest only.
"""

import re
from collections.abc import Iterator

from imagebot.formats.composed import Fragment, Fragments, NotWritten, expand_names
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.walk import Path, below, resolved
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "github-actions"
_PATH = re.compile(r"(?:.*/)?(?:\.(?:github|gitea|forgejo)/workflows/[^/]+|action)\.ya?ml")
_SCHEME = "docker://"
_MATRIX = re.compile(r"\$\{\{\s*matrix\.(?P<name>[\w-]+(?:\.[\w-]+)*)\s*\}\}")
_BUILDX = "docker/setup-buildx-action@"
_OPTION = re.compile(r"(?:\A|[\s,])image=([^\s,]+)")
_MARKER_HINT = "put a marker on each value that an update may change"


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
        matrix = _Matrix(layout, layout.at(job, "strategy", "matrix"), path)
        container, place = found.get("container"), Path(path, "container")
        if "image" in layout.of(container):
            container, place = layout.at(container, "image"), Path(place, "image")
        matrix.image(container, place)
        for service, place in layout.members(found.get("services"), Path(path, "services")):
            matrix.image(layout.at(service, "image"), Path(place, "image"))
        _steps(layout, found.get("steps"), Path(path, "steps"))
        _given(layout, job, path)  # to the workflow that the job uses
    runs = root.get("runs")
    path = Path(None, "runs")
    layout.image_behind(_SCHEME, layout.at(runs, "image"), Path(path, "image"))
    _steps(layout, layout.at(runs, "steps"), Path(path, "steps"))


def _steps(layout: Layout, steps: Node | None, path: Path) -> None:
    for step, place in layout.items(steps, path):
        found = layout.of(step)
        layout.image_behind(_SCHEME, found.get("uses"), Path(place, "uses"))
        _given(layout, step, place)
        if layout.text(found.get("uses")).startswith(_BUILDX):
            _builder(layout, layout.at(step, "with", "driver-opts"), place)


def _builder(layout: Layout, options: Node | None, path: Path) -> None:
    """Record the image of the builder among options of lines or commas: `image=a/b:1,network=x`."""
    target = resolved(options) if options is not None else None
    if isinstance(target, Scalar):
        for found in _OPTION.finditer(layout.text(target)):
            layout.image_within(target, *found.span(1), below(path, "with", "driver-opts"))


def _given(layout: Layout, user: Node, path: Path) -> None:
    given = layout.at(user, "with", "image")
    layout.image_where_versioned(given, below(path, "with", "image"))


class _Matrix:
    """The values that a job's matrix gives to a name, one for each of its runs."""

    def __init__(self, layout: Layout, matrix: Node | None, job: Path) -> None:
        self._layout = layout
        self._matrix = matrix
        self._path = below(job, "strategy", "matrix")

    def image(self, node: Node | None, path: Path) -> None:
        """Record an image, or each of the images where the matrix gives it."""
        named = _MATRIX.fullmatch(self._layout.text(node))
        values = list(self._values(named["name"])) if named else []
        for value, place in values:
            self._layout.image(value, place)
        if not values:
            self._layout.image(node, path, self._expand)

    def _expand(self, fragment: Fragment) -> Fragments:
        """Fill in what has one value; of several, each would be an image that nobody wrote."""
        known = {}
        for found in _MATRIX.finditer(fragment.text):
            values = list(self._values(found["name"]))
            if len(values) > 1:
                message = f"{found[0][:60]} has {len(values)} values, so it is not edited"
                raise NotWritten(message, _MARKER_HINT)
            known[found["name"]] = self._layout.variable(values[0][0]) if values else ()
        try:
            return expand_names(fragment, _MATRIX, known)
        except NotWritten as reason:
            raise NotWritten(str(reason), hint="") from None

    def _values(self, name: str) -> Iterator[tuple[Node, Path]]:
        """Where a name gets its values: its own list, and what is put in or taken out."""
        first, *keys = name.split(".")
        items = self._layout.items(self._layout.at(self._matrix, first), Path(self._path, first))
        for item, place in items:
            yield from self._value(item, place, keys)
        for key in ("exclude", "include"):
            place = Path(self._path, key)
            for item, at in self._layout.items(self._layout.at(self._matrix, key), place):
                yield from self._value(item, at, [first, *keys])

    def _value(self, item: Node, place: Path, keys: list[str]) -> Iterator[tuple[Node, Path]]:
        value = self._layout.at(item, *keys)
        if value is not None:
            yield value, below(place, *keys) if keys else place
