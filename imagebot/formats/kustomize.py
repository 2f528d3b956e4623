"""kustomize's `images:` transformer: name, newName, newTag and digest.

Pure. `name` selects what the bases write and is never edited; `newName` and `newTag` are.
The rest of such a file can hold Helm values (`helmCharts[].valuesInline`).
"""

from imagebot.errors import InvalidReference
from imagebot.formats.around import Around
from imagebot.formats.charts import add_listed_chart
from imagebot.formats.images import find_images
from imagebot.formats.known_places import Layout
from imagebot.formats.page import Page
from imagebot.formats.sighting import add, is_templated, value_of, whole
from imagebot.formats.walk import Entries, Path, resolved, scalar_at, top_level
from imagebot.image import Digest, split_version
from imagebot.model import KUSTOMIZATION_FILES, ImagesEntry, Kustomization, Part
from imagebot.yaml_nodes import Collection, Document, Node, Scalar

NAME = "kustomize"
_TAKES_IN = ("resources", "bases", "components")
MAX_TAKEN_IN = 10_000  # items of one of its lists that are told of
_TRANSFORMER = "ImageTagTransformer"  # of one image, in a file of its own under `transformers`
_GENERATOR = "HelmChartInflationGenerator"  # of one chart, in a text or file under `generators`
_KINDS = frozenset({"Kustomization", "Component", _TRANSFORMER, _GENERATOR})
_FLUX = "kustomize.toolkit.fluxcd.io/"


def is_named_so(file: str) -> bool:
    """Whether kustomize takes a file for a kustomization by its name."""
    return file.rpartition("/")[2] in KUSTOMIZATION_FILES


def claims(page: Page, document: Document) -> bool:
    """By kind, or by file name where a document has no kind. Flux's objects are not meant."""
    kind = top_level(document, "kind")
    if not kind:
        return is_named_so(page.name)
    return kind in _KINDS and not top_level(document, "apiVersion").startswith(_FLUX)


def read(page: Page, document: Document) -> None:
    entries = Entries()
    if top_level(document, "kind") == _TRANSFORMER:
        _transformer(page, document)
        return
    if isinstance(document.root, Collection) and document.root.is_mapping:
        images = entries.of(document.root).get("images")
        read_images(page, document, images, Path(None, "images"), NAME)
        if page.name in KUSTOMIZATION_FILES:
            _note_what_it_overrides(page, document, document.root)
        _charts(Layout(page, document, NAME), document.root)
    find_images(page, document, NAME, is_kubernetes=False, skipped_keys=frozenset({"images"}))


def _charts(layout: Layout, root: Node) -> None:
    """Record the versions of the charts that kustomize inflates, by the field of today and of old.

    A generator that stands alone has the keys of one of the items.
    """
    charts = layout.items(layout.at(root, "helmCharts"), Path(None, "helmCharts"))
    for item, path in charts:
        add_listed_chart(layout, item, path, NAME, url_key="repo")
    old = layout.at(root, "helmChartInflationGenerator")
    for item, path in layout.items(old, Path(None, "helmChartInflationGenerator")):
        keys = {"name_key": "chartName", "version_key": "chartVersion"}
        add_listed_chart(layout, item, path, NAME, url_key="chartRepoUrl", **keys)
    if layout.text(layout.at(root, "kind")) == _GENERATOR:
        add_listed_chart(layout, root, None, NAME, url_key="repo")


def _transformer(page: Page, document: Document) -> None:
    """Record the one entry of kustomize's built-in transformer, whose `imageTag` is an entry."""
    layout = Layout(page, document, NAME)
    entry = layout.of(layout.at(document.root, "imageTag"))
    _entry(page, document, entry, Path(None, "imageTag"), NAME)


def _note_what_it_overrides(page: Page, document: Document, root: Collection) -> None:
    """Tell the survey of all files what this one takes in, and whose names and tags it sets."""
    own = Entries({*_TAKES_IN, "images"}.__contains__).of(root)
    resources = [
        item.text
        for key in _TAKES_IN
        for item in map(resolved, _items(own.get(key)))
        if isinstance(item, Scalar) and item.text
    ]
    entries = Entries({"name", "newName", "newTag", "digest"}.__contains__)
    written = [
        (item.start, entries.of(each))
        for item in _items(own.get("images"))
        if isinstance(each := resolved(item), Collection) and each.is_mapping
    ]
    told = [
        ImagesEntry(
            value_of(scalar_at(found, "name")),
            value_of(scalar_at(found, "newName")),
            any(value_of(scalar_at(found, key)) for key in ("newTag", "digest")),
            page.lines.number(document.byte_offset(start)),
        )
        for start, found in written
    ]
    if resources:
        page.kustomizations.append(Kustomization(page.file, tuple(resources), tuple(told)))


def _items(node: Node | None) -> tuple[Node, ...]:
    if not isinstance(node, Collection) or node.is_mapping:
        return ()
    return tuple(node.children[:MAX_TAKEN_IN])


def read_images(
    page: Page, document: Document, images: Node | None, path: Path, format_name: str
) -> None:
    """Record the entries of an `images` list; Flux's objects have such lists, too."""
    if not isinstance(images, Collection) or images.is_mapping:
        return
    entries = Entries()
    for index, item in enumerate(images.children):
        entry = resolved(item)
        if isinstance(entry, Collection) and entry.is_mapping:
            _entry(page, document, entries.of(entry), Path(path, index), format_name)


def _entry(
    page: Page, document: Document, found: dict[str, Node], path: Path, format_name: str
) -> None:
    new_name, tag, digest = (scalar_at(found, key) for key in ("newName", "newTag", "digest"))
    named = new_name if value_of(new_name) else scalar_at(found, "name")
    if named is None:
        return
    parts: dict[Part, Scalar] = {}
    if new_name is not None and named is new_name:
        parts[Part.NAME] = new_name
    if tag is not None:
        parts[Part.TAG] = tag
    if digest is not None:
        parts[Part.DIGEST] = digest
    for key, other in Around(found).digests():
        if other is not digest:
            message = f"a digest stands in the entry under `{key[:60]}`, so it is not edited"
            offset, hint = document.byte_offset(other.start), "kustomize reads `digest` alone"
            page.report(offset, message, hint=hint, address=str(Path(path, key)))
            return
    for scalar in (named, *parts.values()):
        if is_templated(scalar.text):
            page.report(
                document.byte_offset(scalar.start),
                "an image is templated, so its value is not in this file",
                address=str(path),
            )
            return
    _record(page, document, path, parts, named, format_name)


def _record(
    page: Page,
    document: Document,
    path: Path,
    parts: dict[Part, Scalar],
    named: Scalar,
    format_name: str,
) -> None:
    offset = document.byte_offset(named.start)
    try:
        version = split_version(value_of(parts.get(Part.TAG)))
        digest = value_of(parts.get(Part.DIGEST))
        if digest:
            version = (version[0], Digest(digest))
    except InvalidReference as error:
        page.report(offset, str(error), hint=error.hint, address=str(path))
        return
    reference = whole(value_of(named), *version)
    if reference is None:
        page.report(offset, f"{value_of(named)[:80]!r} is not an image name", address=str(path))
        return
    if Part.TAG not in parts and Part.DIGEST not in parts:
        page.report(
            offset,
            f"the images entry {value_of(named)!r} has no newTag or digest: its tag stands in what "
            "it overrides, and is updated there",
            hint="to set the tag here, add newTag with the tag in use today",
            address=str(path),
        )
        if not parts:
            return
    add(page, document, path, format_name, parts, reference, version)
