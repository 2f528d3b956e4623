"""Groups: an image whose name, tag and digest stand under keys of their own.

Pure. `repository` with `tag`, `digest` or both, and perhaps a `registry`, as charts have it; under
a key that says image also `name` or `repo`, and `version`. What stands beside a name is gathered in
beside.py. Argo CD's parameters are groups, too.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.around import is_digest
from imagebot.formats.beside import complete, name_in_full
from imagebot.formats.divided import is_folder_above_image
from imagebot.formats.page import Page
from imagebot.formats.siblings import Siblings, Templated, Unclear
from imagebot.formats.sighting import (
    add,
    read_reference,
    reference_in,
    report_templated,
    value_of,
    whole,
)
from imagebot.formats.walk import Entries, Path, mappings, resolved, scalar_at
from imagebot.model import Part
from imagebot.yaml_nodes import Collection, Document, Scalar

NAME = "helm-values"


class Group(NamedTuple):
    """The values that may make one image, and where they stand."""

    siblings: Siblings
    path_of: Callable[[str], Path]  # the way to the value of a key as written
    anchored: tuple[int, ...] = ()
    format_name: str = NAME


def add_group(page: Page, document: Document, group: Group) -> None:
    """Record the image whose name stands under `repository` or the like, where it is one."""
    siblings = group.siblings
    less_usual = ("repo", "name", "path") if siblings.is_image and not siblings.stem else ()
    words = ("repository", *(("repo",) if siblings.stem else less_usual))
    keyed = siblings.name(*words)
    if keyed is not None and not value_of(keyed[1]) and (last := _last_part(siblings)):
        message = (
            f"`name: {value_of(last)[:60]}` stands beside an empty repository, maybe its last part"
        )
        report_unclear(page, document, group, Unclear(last, message), "repository")
        return
    if keyed is None or not value_of(keyed[1]) or is_folder_above_image(siblings.found):
        return
    key, named = keyed
    if key == "name" and not (_is_plainly_tagged(siblings, named) or _is_pinned(siblings)):
        return  # kustomize's entries have a name and a digest; much else a name and a version
    if key == "path" and (siblings.is_item or not isinstance(siblings.found.get("tag"), Scalar)):
        return  # a file's
    if key == "repository" and (beside := _other_name(siblings, value_of(named))):
        message = f"`name: {value_of(beside)[:60]}` stands beside a repository, maybe its last part"
        report_unclear(page, document, group, Unclear(beside, message), "repository")
        return
    is_added = add_named(page, document, group, key, named)
    if key == "repository" and siblings.is_image and not is_added and "/" in named.text:
        _add_joined(page, document, group, named)


def _add_joined(page: Page, document: Document, group: Group, repository: Scalar) -> None:
    """Record `repository: acme/api:1.0` without siblings, where the key above says image."""
    path = group.path_of("repository")
    reference = reference_in(page, document, repository, path)
    if reference is not None and (reference.tag or reference.digest):
        version, name = (reference.tag, reference.digest), group.format_name
        parts = {Part.REFERENCE: repository}
        add(page, document, path, name, parts, reference, version, group.anchored)


def add_named(page: Page, document: Document, group: Group, key: str, named: Scalar) -> bool:
    """Record the image that a name makes with what stands beside it; False where nothing does.

    What is not clear is reported, and counts as recorded.
    """
    try:
        whole_image = complete(group.siblings, key, named)
    except Templated as templated:
        report_templated(page, document, templated.scalar, group.path_of(templated.key))
        return True
    except Unclear as unclear:
        report_unclear(page, document, group, unclear, key)
        return True
    except InvalidReference as error:
        if group.siblings.is_image:
            offset = document.byte_offset(named.start)
            page.report(offset, str(error), hint=error.hint, address=str(group.path_of(key)))
        return False
    if whole_image is None:
        return False
    if group.siblings.hub_above is not None and "/" not in whole_image.name:
        report_unclear(page, document, group, under_hub(named, group.siblings.hub_above), key)
        return True
    reference = whole(whole_image.name, *whole_image.version)
    if reference is None:
        return False  # a git or chart repository, or a name that some other tool understands
    path = group.path_of(whole_image.key)
    parts, version = whole_image.parts, whole_image.version
    add(page, document, path, group.format_name, parts, reference, version, group.anchored)
    return True


def report_unclear(
    page: Page, document: Document, group: Group, unclear: Unclear, key: str
) -> None:
    """Tell why an image is left alone, at the value that makes it so; `key` is the image's own."""
    offset = document.byte_offset(unclear.scalar.start)
    address = str(group.path_of(group.siblings.key_of(unclear.scalar, key)))
    message = f"{unclear}, so it is not edited"
    image = _repository_of(group.siblings, key)
    page.report(offset, message, hint=unclear.hint, address=address, image=image)


def _repository_of(siblings: Siblings, key: str) -> str:
    """The normalised name of an image whose version is not clear, "" where its name is none."""
    named = siblings.found.get(key)
    if not isinstance(named, Scalar):
        return ""
    try:
        name = name_in_full(siblings, key, named)[0]
        if siblings.hub_above is not None and "/" not in name:
            name = f"{value_of(siblings.hub_above).rstrip('/')}/{name}"
        return str(read_reference(name).repository)
    except (Unclear, InvalidReference):
        return ""


def under_hub(named: Scalar, hub: Scalar) -> Unclear:
    """Why an image of one word is left alone where a `hub` above is the rest of its name."""
    message = f"`hub: {value_of(hub)[:60]}` stands above {value_of(named)[:60]!r}, "
    message += "maybe the first part of its name"
    return Unclear(named, message)


def _is_plainly_tagged(siblings: Siblings, named: Scalar) -> bool:
    return isinstance(siblings.found.get("tag"), Scalar) or (
        isinstance(siblings.found.get("version"), Scalar) and "/" in named.text
    )


def _is_pinned(siblings: Siblings) -> bool:
    """Whether a name in a mapping `image`, not in a list, has a digest and no tag."""
    digest = siblings.found.get("digest")
    return not siblings.is_item and isinstance(digest, Scalar) and is_digest(value_of(digest))


def _last_part(siblings: Siblings) -> Scalar | None:
    """The `name` of an image with a tag, of which the chart knows what stands in front of it."""
    named, tag = siblings.found.get("name"), siblings.found.get("tag")
    is_named = siblings.is_image and not siblings.stem and isinstance(named, Scalar)
    has_tag = isinstance(tag, Scalar) and bool(value_of(tag))
    return named if is_named and has_tag and isinstance(named, Scalar) and value_of(named) else None


def _other_name(siblings: Siblings, repository: str) -> Scalar | None:
    """A `name` beside a repository that is not its last part, and tells no items apart."""
    named = siblings.found.get("name")
    if not siblings.is_image or siblings.is_item or not isinstance(named, Scalar):
        return None
    name = value_of(named)
    return named if name and repository.rstrip("/").rpartition("/")[2] != name else None


class GlobalRegistries:
    """`global.imageRegistry`, `global.image.registry`, and `hub`, and what they govern.

    Everything in the mapping that holds `global` is governed. Of two that do, the outer one counts:
    Helm gives a chart's globals to the charts inside it.
    """

    def __init__(self, page: Page, document: Document) -> None:
        self._found: list[tuple[tuple[str | int, ...], Scalar]] = []
        if page.holds(b"global") and page.holds(b"egistry"):
            self._found = sorted(_globals(document), key=lambda item: len(item[0]))
        self._hubs: list[tuple[tuple[str | int, ...], Scalar]] = []
        if page.holds(b"hub:") or page.holds(b'hub":'):
            self._hubs = list(_hubs(document))

    def hub_above(self, path: Path | None) -> Scalar | None:
        """The `hub` of a mapping around a place, or of `global`, as Istio's charts have it."""
        if not self._hubs:
            return None
        steps = path.steps() if path else ()
        return next((item for above, item in self._hubs if steps[: len(above)] == above), None)

    def of(self, path: Path | None) -> Scalar | None:
        if not self._found:
            return None
        steps = path.steps() if path else ()
        return next((item for above, item in self._found if steps[: len(above)] == above), None)


def _globals(document: Document) -> Iterator[tuple[tuple[str | int, ...], Scalar]]:
    entries = Entries()
    for place in mappings(document.root):
        for key, value in place.mapping.pairs():
            target = resolved(value)
            if not (isinstance(key, Scalar) and key.text == "global"):
                continue
            if not (isinstance(target, Collection) and target.is_mapping):
                continue
            found = entries.of(target)
            image = found.get("image")
            inner = entries.of(image) if isinstance(image, Collection) and image.is_mapping else {}
            for registry in (scalar_at(found, "imageRegistry"), scalar_at(inner, "registry")):
                if registry is not None and value_of(registry):
                    yield (place.path.steps() if place.path else ()), registry


def _hubs(document: Document) -> Iterator[tuple[tuple[str | int, ...], Scalar]]:
    """Each `hub` that names a registry or a folder in one, and the mapping that it governs."""
    for place in mappings(document.root):
        for key, value in place.mapping.pairs():
            hub = resolved(value)
            if not (isinstance(key, Scalar) and key.text == "hub" and isinstance(hub, Scalar)):
                continue
            text = value_of(hub).rstrip("/")
            if not {"/", "."} & set(text) or whole(text, None, None) is None:
                continue
            is_global = place.path is not None and place.path.step == "global"
            above = place.path.parent if is_global and place.path else place.path
            yield (above.steps() if above else ()), hub
