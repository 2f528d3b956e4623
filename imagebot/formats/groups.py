"""Groups: an image whose name, tag and digest stand under keys of their own.

Pure. `repository` with `tag`, `digest` or both, and perhaps a `registry`, as charts have it; under
a key that says image also `name` or `repo`, and `version`. The registry is that of the group, or
the one that `global` gives to all images of a chart. Argo CD's parameters are groups, too.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.page import Page
from imagebot.formats.sighting import (
    add,
    is_templated,
    read_reference,
    report_templated,
    value_of,
    whole,
)
from imagebot.formats.walk import Entries, Path, mappings, resolved, scalar_at
from imagebot.image import Digest, split_version
from imagebot.model import Part
from imagebot.yaml_spans import Collection, Document, Node, Scalar

NAME = "helm-values"
_HOST = re.compile(r"localhost/|[^/]*[.:][^/]*/")

Version = tuple[str | None, Digest | None]


class Group(NamedTuple):
    """The values of a group by key, and what its place says of it."""

    found: Mapping[str, Node]
    is_image: bool  # the key above says image, so that less usual keys count
    path_of: Callable[[str], Path]  # the way to the value of a key
    anchored: tuple[int, ...] = ()
    global_registry: Scalar | None = None
    format_name: str = NAME

    def scalar(self, *keys: str) -> tuple[str, Scalar | None]:
        """The first of the keys that has a scalar."""
        for key in keys:
            scalar = self.found.get(key)
            if isinstance(scalar, Scalar):
                return key, scalar
        return keys[0], None


def add_group(page: Page, document: Document, group: Group) -> None:
    """Record a group as one image, where it is one."""
    name_key, named = group.scalar("repository", *(("repo", "name") if group.is_image else ()))
    version_key, parts = _version_parts(group)
    if named is None or not value_of(named) or not parts:
        return
    is_plainly_tagged = version_key == "tag" or (version_key == "version" and "/" in named.text)
    if name_key == "name" and not is_plainly_tagged:
        return  # kustomize's entries have a name and a digest; much else a name and a version
    registry = _registry(group, value_of(named))
    for scalar in (named, registry, *parts.values()):
        if scalar is not None and is_templated(scalar.text):
            report_templated(page, document, scalar, group.path_of(version_key))
            return
    name = value_of(named)
    parts = {Part.NAME: named, **parts}
    if registry is not None:
        parts = {Part.NAME: named, Part.REGISTRY: registry, **parts}
        name = f"{value_of(registry)}/{name}"
    try:
        read_reference(name)
    except InvalidReference:
        return  # a git or chart repository, or a name that some other tool understands
    try:
        version = read_version(parts)
    except InvalidReference as error:
        if group.is_image:
            offset = document.byte_offset(named.start)
            address = str(group.path_of(version_key))
            page.report(offset, str(error), hint=error.hint, address=address)
        return
    reference = whole(name, *version)
    if reference is not None:
        path = group.path_of(version_key)
        name = group.format_name
        add(page, document, path, name, parts, reference, version, group.anchored)


def add_joined(page: Page, document: Document, group: Group) -> None:
    """Record `repository: name:tag` without siblings, where the key above says it is an image."""
    _, repository = group.scalar("repository")
    text = value_of(repository)
    if repository is None or not group.is_image or "/" not in text:
        return
    path = group.path_of("repository")
    if is_templated(text):
        report_templated(page, document, repository, path)
        return
    try:
        reference = read_reference(text)
    except InvalidReference:
        return
    if reference.tag or reference.digest:
        version = (reference.tag, reference.digest)
        parts = {Part.REFERENCE: repository}
        name = group.format_name
        add(page, document, path, name, parts, reference, version, group.anchored)


def _version_parts(group: Group) -> tuple[str, dict[Part, Scalar]]:
    """The values that say the version, and the key of the first of them."""
    parts: dict[Part, Scalar] = {}
    tag_key, tag = group.scalar("tag", *(("version",) if group.is_image else ()))
    digest_key, digest = group.scalar("digest", *(("sha",) if group.is_image else ()))
    if tag is not None:
        parts[Part.TAG] = tag
    if digest is not None:
        is_hex = digest_key == "sha" and not value_of(digest).startswith("sha256:")
        parts[Part.DIGEST_HEX if is_hex else Part.DIGEST] = digest
    return (tag_key if tag is not None else digest_key), parts


def read_version(parts: Mapping[Part, Scalar]) -> Version:
    """Tag and digest as written. An empty tag is one that the chart's appVersion decides.

    Raises InvalidReference where they are none.
    """
    tag, digest = split_version(value_of(parts.get(Part.TAG)))
    text = value_of(parts.get(Part.DIGEST))
    digits = value_of(parts.get(Part.DIGEST_HEX))
    if text or digits:
        digest = Digest(text or f"sha256:{digits}")
    return tag, digest


def _registry(group: Group, name: str) -> Scalar | None:
    """The registry to join. A `global` one wins over the group's, as in the charts that have both;
    a name with a host of its own is joined only with a registry that stands beside it."""
    _, registry = group.scalar("registry")
    beside = registry if value_of(registry) else None
    if group.global_registry is None or (registry is None and _HOST.match(name)):
        return beside
    return group.global_registry


def is_image_key(path: Path | None) -> bool:
    """Whether the key above says image, or is a name in a mapping `images`."""
    if path is None:
        return False
    is_named = path.parent is not None and path.parent.step == "images"
    return is_named or path.key.lower().endswith(("image", "images"))


def flat_group(
    siblings: Mapping[str, Node],
    stem: str,
    path_of: Callable[[str], Path],
    anchored: tuple[int, ...] = (),
    global_registry: Scalar | None = None,
) -> Group | None:
    """`imageRepository` with `imageTag`, and perhaps `imageRegistry` and `imageDigest`."""
    keys = {f"{stem}{part.title()}": part for part in ("repository", "registry", "tag", "digest")}
    found = {part: siblings[key] for key, part in keys.items() if key in siblings}
    if not reads_as_group(found, is_image=False):
        return None
    return Group(
        found,
        is_image=False,
        path_of=lambda key: path_of(f"{stem}{key.title()}"),
        anchored=anchored,
        global_registry=global_registry,
    )


def reads_as_group(found: Mapping[str, Node], is_image: bool) -> bool:
    """Whether a mapping has a version beside its name, so that the two are one image."""
    keys = ("tag", "digest", "version", "sha") if is_image else ("tag", "digest")
    return any(key in found for key in keys)


def version_beside(
    found: Mapping[str, Node], key: str
) -> tuple[dict[Part, Scalar], Version] | None:
    """Tag and digest that stand as siblings of an `image` without either."""
    if "repository" in found:
        return None
    parts: dict[Part, Scalar] = {}
    for part, names in (
        (Part.TAG, ("tag", f"{key}Tag")),
        (Part.DIGEST, ("digest", f"{key}Digest")),
    ):
        scalar = next((found[name] for name in names if name in found), None)
        if isinstance(scalar, Scalar):
            parts[part] = scalar
    if not value_of(parts.get(Part.TAG)):
        return None
    try:
        return parts, read_version(parts)
    except InvalidReference:
        return None


class GlobalRegistries:
    """`global.imageRegistry` and `global.image.registry` of a document, and what they govern.

    Everything in the mapping that holds `global` is governed. Of two that do, the outer one counts:
    Helm gives a chart's globals to the charts inside it.
    """

    def __init__(self, page: Page, document: Document) -> None:
        self._found: list[tuple[tuple[str | int, ...], Scalar]] = []
        if page.source.find(b"global") >= 0 and page.source.find(b"egistry") >= 0:
            self._found = sorted(_globals(document), key=lambda item: len(item[0]))

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
