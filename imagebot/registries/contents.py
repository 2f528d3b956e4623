"""What a digest holds: which platforms, and when their images were built by their own word.

Reads indexes, manifests and image configs. Every byte is checked against the digest that names
it, so an answer never changes and may be kept for ever (remembering.py). What is no image, an
artifact or an attestation, has no platform.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from imagebot.errors import InvalidReference, NotInRegistry, RegistryError
from imagebot.image import Digest, Platform, Repository
from imagebot.model import ImageContent
from imagebot.registries import distribution
from imagebot.registries.distribution import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from imagebot.registries.limits import Budget
from imagebot.registries.moments import moment_in
from imagebot.registries.session import GuardedSession

CONFIG_TYPES = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}
INDEX_TYPES = {OCI_INDEX, DOCKER_INDEX}
_MANIFEST_TYPES = {OCI_MANIFEST, DOCKER_MANIFEST}
# Names that builders write for what Go, and so every policy, calls otherwise.
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
_ATTESTATION = "vnd.docker.reference.type"
MAX_CONFIG_BYTES = 4 * 1024 * 1024
MAX_PLATFORMS = 200  # the largest public indexes have about thirty


@dataclass(frozen=True, slots=True)
class Held:
    """What was read of one digest. An index says nothing of a time: `created_at` None as well."""

    content: ImageContent
    is_index: bool
    created_at: datetime | None = None


def read(session: GuardedSession, repository: Repository, digest: Digest) -> Held:
    """One request for an index, two for the manifest of an image."""
    name = f"{repository}@{digest}"
    budget = Budget(session.limits, f"reading {name}")
    manifest = distribution.read_manifest(session, repository, digest.text, budget)
    document = distribution.json_in(manifest.body, name)
    if manifest.media_type in INDEX_TYPES:
        return Held(ImageContent(digest, platforms_in(document, name)), is_index=True)
    descriptor = document.get("config")
    if not isinstance(descriptor, dict) or descriptor.get("mediaType") not in CONFIG_TYPES:
        return Held(ImageContent(digest, {}), is_index=False)
    config = config_of(session, repository, descriptor, budget)
    platform = platform_in(config)
    content = ImageContent(digest, {platform: digest} if platform else {})
    return Held(content, is_index=False, created_at=moment_in(config.get("created")))


def platforms_in(index: dict[str, Any], name: str) -> dict[Platform, Digest]:
    """Manifest by platform; of several for one platform the first, as clients take it."""
    entries = index.get("manifests")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RegistryError(f"{name}: an index without a list of manifests")
    found: dict[Platform, Digest] = {}
    for entry in entries:
        described = entry.get("platform")
        platform = platform_in(described) if isinstance(described, dict) else None
        if platform is None or _is_no_image(entry):
            continue
        found.setdefault(platform, digest_in(entry, name))
        if len(found) > MAX_PLATFORMS:
            raise RegistryError(f"{name}: an index with more than {MAX_PLATFORMS} platforms")
    return found


def _is_no_image(entry: dict[str, Any]) -> bool:
    annotations = entry.get("annotations")
    return bool(
        entry.get("artifactType")
        or (isinstance(annotations, dict) and annotations.get(_ATTESTATION))
        or entry.get("mediaType") not in _MANIFEST_TYPES
    )


def platform_in(described: dict[str, Any]) -> Platform | None:
    """None for what names none: attestations are `unknown/unknown`."""
    parts = [described.get(key) or "" for key in ("os", "architecture", "variant")]
    if not all(isinstance(part, str) for part in parts):
        return None
    system, architecture, variant = (part.lower() for part in parts)
    architecture = _ARCHITECTURES.get(architecture, architecture)
    if "unknown" in (system, architecture):
        return None
    try:
        return Platform.parse("/".join(filter(None, (system, architecture, variant))))
    except InvalidReference:
        return None


def config_of(
    session: GuardedSession, repository: Repository, descriptor: dict[str, Any], budget: Budget
) -> dict[str, Any]:
    """The config that a manifest names, bounded, and checked against its digest."""
    digest = digest_in(descriptor, str(repository))
    name = f"{repository}@{digest}"
    size = descriptor.get("size")
    if isinstance(size, int) and size > MAX_CONFIG_BYTES:
        raise RegistryError(f"{name}: an image config of more than {MAX_CONFIG_BYTES} bytes")
    url = session.url(f"/v2/{repository.path}/blobs/{digest}")
    try:
        answer = session.request("GET", url, budget, repository=repository.path)
        body = distribution.expect_ok(answer, name).body
    except NotInRegistry:
        raise RegistryError(f"{name}: the image's config is missing in the registry") from None
    if distribution.digest_of(body, digest.algorithm) != digest:
        raise RegistryError(
            f"{name}: the bytes are not those of the digest",
            hint="the registry, or a mirror or proxy in front of it, answers wrongly",
        )
    return distribution.json_in(body, name)


def digest_in(descriptor: dict[str, Any], name: str) -> Digest:
    try:
        return Digest(str(descriptor.get("digest")))
    except InvalidReference:
        raise RegistryError(f"{name}: names content by something that is no digest") from None
