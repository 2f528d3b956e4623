"""Find joined strings (`image: nginx:1.27`) and groups (`repository`, `tag`, ...) in a tree.

Pure. Both shapes occur in Kubernetes manifests, in custom resources and in Helm values; what
differs is how much evidence a bare word needs before it is called an image.
"""

import re
from enum import Enum

from imagebot.errors import InvalidReference
from imagebot.formats.sighting import Page, add, is_templated, read_reference, value_of, whole
from imagebot.formats.walk import Entries, Path, Place, mappings, resolved, scalar_at
from imagebot.image import Digest, ImageReference, split_version
from imagebot.model import Part
from imagebot.yaml_spans import Document, Node, Scalar, reads_as_string

CONTAINER_LISTS = frozenset({"containers", "initContainers", "ephemeralContainers"})
_FILE_ENDING = re.compile(
    r"\.(?:png|jpe?g|gif|svg|ico|webp|bmp|iso|img|qcow2|vmdk|raw|vhdx?|html?|css|md|ya?ml|json)\Z",
    re.I,
)
_SPLIT_HINT = "set the parts of the image where the other tool reads them"


class Evidence(Enum):
    """How sure the place makes us that a string is an image."""

    CONTAINER = "container"  # nothing else can stand there
    OBJECT = "object"  # `image` of a Kubernetes object: whatever parses
    WORD = "word"  # `image` of any other file: a tag, a digest or a path is needed
    SUFFIX = "suffix"  # `sidecarImage`: a tag or a digest is needed


def find_images(
    page: Page,
    document: Document,
    joined_format: str,
    *,
    is_kubernetes: bool,
    skipped_keys: frozenset[str] = frozenset(),
) -> None:
    """Record every joined string and every group of a document."""
    entries = Entries()
    for place in mappings(document.root, skipped_keys):
        found: dict[str, Node] | None = None
        for key, value in place.mapping.pairs():
            if type(key) is not Scalar:
                continue
            name = key.text
            if name == "repository" or name == "tag" or name == "<<":
                found = entries.of(place.mapping)
            elif name.endswith("mage") and (name == "image" or name.endswith(("Image", "_image"))):
                node = resolved(value)
                if type(node) is Scalar:
                    evidence = _evidence(name, place.path, is_kubernetes)
                    _joined(page, document, joined_format, place, entries, name, node, evidence)
        if found is not None and "repository" in found:
            _group(page, document, place, found)


def _evidence(key: str, path: Path | None, is_kubernetes: bool) -> Evidence:
    if key != "image":
        return Evidence.SUFFIX
    if not is_kubernetes:
        return Evidence.WORD
    if path is not None and path.step == "rbd":
        return Evidence.SUFFIX  # a Ceph block device
    is_item = path is not None and isinstance(path.step, int)
    return (
        Evidence.CONTAINER if is_item and path and path.key in CONTAINER_LISTS else Evidence.OBJECT
    )


def _joined(
    page: Page,
    document: Document,
    format_name: str,
    place: Place,
    entries: Entries,
    key: str,
    scalar: Scalar,
    evidence: Evidence,
) -> None:
    text = value_of(scalar)
    path = Path(place.path, key)
    if not text or (not scalar.style and not reads_as_string(text)):
        return
    if is_templated(text):
        _report_templated(page, document, scalar, path)
        return
    try:
        reference = read_reference(text)
    except InvalidReference as error:
        if evidence is Evidence.CONTAINER or _looks_meant(text):
            page.report(
                document.byte_offset(scalar.start), str(error), hint=error.hint, address=str(path)
            )
        return
    if not _is_image(reference, evidence):
        return
    parts = {Part.REFERENCE: scalar}
    version = (reference.tag, reference.digest)
    if reference.tag is None and evidence is not Evidence.CONTAINER:
        beside = _version_beside(entries.of(place.mapping))
        if beside:
            parts, version = {Part.NAME: scalar, **beside[0]}, beside[1]
            reference = whole(reference.name, *version) or reference
    add(page, document, path, format_name, parts, reference, version, place.anchored)


def _looks_meant(text: str) -> bool:
    """Whether a text that does not parse still has the shape of a reference with a version."""
    if "/" not in text or "://" in text or " " in text or len(text) > 300:
        return False
    return "@sha256:" in text or ":" in text.rpartition("/")[2]


def _version_beside(
    found: dict[str, Node],
) -> tuple[dict[Part, Scalar], tuple[str | None, Digest | None]] | None:
    """Tag and digest that stand as siblings of an `image` without either."""
    if "repository" in found or not value_of(scalar_at(found, "tag")):
        return None
    try:
        return _version_parts(found)
    except InvalidReference:
        return None


def _is_image(reference: ImageReference, evidence: Evidence) -> bool:
    if evidence is Evidence.CONTAINER or reference.tag or reference.digest:
        return True
    if _FILE_ENDING.search(reference.name) or evidence is Evidence.SUFFIX:
        return False
    return evidence is Evidence.OBJECT or "/" in reference.name


def _group(page: Page, document: Document, place: Place, found: dict[str, Node]) -> None:
    """Record `repository` with `tag`, `digest` or both, and a `registry` where there is one."""
    repository = scalar_at(found, "repository")
    name = value_of(repository)
    if repository is None or not name or not ("tag" in found or "digest" in found):
        _joined_repository(page, document, place, repository)
        return
    registry = scalar_at(found, "registry")
    host = value_of(registry)
    path = Path(place.path, "tag" if scalar_at(found, "tag") else "digest")
    for scalar in (repository, registry, scalar_at(found, "tag"), scalar_at(found, "digest")):
        if scalar is not None and is_templated(scalar.text):
            _report_templated(page, document, scalar, path)
            return
    parts = {Part.NAME: repository}
    if registry is not None and host:
        parts[Part.REGISTRY] = registry
        name = f"{host}/{name}"
    try:
        read_reference(name)
    except InvalidReference:
        return  # a git or chart repository, or a name that some other tool understands
    try:
        version_parts, version = _version_parts(found)
    except InvalidReference as error:
        if _is_image_key(place.path):
            page.report(
                document.byte_offset(repository.start),
                str(error),
                hint=error.hint,
                address=str(path),
            )
        return
    reference = whole(name, *version)
    if version_parts and reference is not None:
        parts |= version_parts
        add(page, document, path, "helm-values", parts, reference, version, place.anchored)


def _joined_repository(
    page: Page, document: Document, place: Place, repository: Scalar | None
) -> None:
    """Record `repository: name:tag` without siblings, where the key above says it is an image."""
    text = value_of(repository)
    if repository is None or not _is_image_key(place.path) or "/" not in text:
        return
    path = Path(place.path, "repository")
    if is_templated(text):
        _report_templated(page, document, repository, path)
        return
    try:
        reference = read_reference(text)
    except InvalidReference:
        return
    if reference.tag or reference.digest:
        version = (reference.tag, reference.digest)
        parts = {Part.REFERENCE: repository}
        add(page, document, path, "helm-values", parts, reference, version, place.anchored)


def _is_image_key(path: Path | None) -> bool:
    return path is not None and path.key.lower().endswith(("image", "images"))


def _version_parts(
    found: dict[str, Node],
) -> tuple[dict[Part, Scalar], tuple[str | None, Digest | None]]:
    """Tag and digest of a group. An empty tag is a tag that the chart's appVersion decides."""
    parts: dict[Part, Scalar] = {}
    tag: str | None = None
    digest: Digest | None = None
    tag_scalar, digest_scalar = scalar_at(found, "tag"), scalar_at(found, "digest")
    if tag_scalar is not None:
        parts[Part.TAG] = tag_scalar
        tag, digest = split_version(value_of(tag_scalar))
    if digest_scalar is not None:
        parts[Part.DIGEST] = digest_scalar
        text = value_of(digest_scalar)
        digest = Digest(text) if text else digest
    return parts, (tag, digest)


def _report_templated(page: Page, document: Document, scalar: Scalar, path: Path) -> None:
    page.report(
        document.byte_offset(scalar.start),
        "an image is templated, so its value is not in this file",
        hint=_SPLIT_HINT,
        address=str(path),
    )
