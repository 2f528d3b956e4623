"""What an image says of itself, read from its manifest and config, and kept by digest for ever.

Every byte is checked against the digest that names it. The text in it is anybody's, so all of it
is bounded here; whoever shows it escapes it. Values of environment variables are never taken in.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from imagebot.details import DetailsKey, ImageDetails, Layer
from imagebot.image import Digest, Platform
from imagebot.interfaces import DigestCache
from imagebot.registries import contents, distribution
from imagebot.registries.limits import Budget
from imagebot.registries.moments import moment_in
from imagebot.registries.session import GuardedSession

MAX_ENTRIES = 200  # layers, labels, names
MAX_TEXT = 300
USUAL_PLATFORM = Platform.parse("linux/amd64")
_VERSION = "details 1:"
_KEPT = TypeAdapter(ImageDetails)


def read(session: GuardedSession, key: DetailsKey) -> ImageDetails:
    """Two requests, three for an index. What is no image, an artifact, has no details but those
    of its manifest."""
    name = f"{key.repository}@{key.digest}"
    budget = Budget(session.limits, f"reading {name}")
    manifest = distribution.read_manifest(session, key.repository, key.digest.text, budget)
    document = distribution.json_in(manifest.body, name)
    annotations = _words(document.get("annotations"))
    platforms: tuple[str, ...] = ()
    if manifest.media_type in contents.INDEX_TYPES:
        manifests = contents.platforms_in(document, name)
        platforms = tuple(sorted(map(str, manifests)))
        digest = _one_of(manifests, key.platforms)
        if digest is None:
            return ImageDetails(key.digest, "", platforms, annotations=annotations)
        manifest = distribution.read_manifest(session, key.repository, digest.text, budget)
        document = distribution.json_in(manifest.body, f"{key.repository}@{digest}")
        annotations = {**annotations, **_words(document.get("annotations"))}
    descriptor = document.get("config")
    config: dict[str, Any] = {}
    if isinstance(descriptor, dict) and descriptor.get("mediaType") in contents.CONFIG_TYPES:
        config = contents.config_of(session, key.repository, descriptor, budget)
    return _details(key.digest, platforms, document, config, annotations)


def _one_of(manifests: Mapping[Platform, Digest], wanted: Iterable[Platform]) -> Digest | None:
    """Of the first wanted platform, else of the usual one, else of the first by name."""
    order = [*wanted, USUAL_PLATFORM, *sorted(manifests, key=str)]
    return next((manifests[each] for each in order if each in manifests), None)


def _details(
    digest: Digest,
    platforms: tuple[str, ...],
    manifest: Mapping[str, Any],
    config: dict[str, Any],
    annotations: Mapping[str, str],
) -> ImageDetails:
    inner = config.get("config")
    run = inner if isinstance(inner, dict) else {}
    platform = str(contents.platform_in(config) or "") if config else ""
    return ImageDetails(
        digest=digest,
        platform=platform,
        platforms=platforms or ((platform,) if platform else ()),
        layers=_layers(manifest.get("layers")),
        created_at=moment_in(config.get("created")),
        user=_text(run.get("User")),
        working_dir=_text(run.get("WorkingDir")),
        entrypoint=_texts(run.get("Entrypoint")),
        command=_texts(run.get("Cmd")),
        ports=tuple(sorted(_texts(run.get("ExposedPorts")))),
        volumes=tuple(sorted(_texts(run.get("Volumes")))),
        env_names=tuple(sorted({each.partition("=")[0] for each in _texts(run.get("Env"))})),
        labels=_words(run.get("Labels")),
        annotations=annotations,
    )


def _layers(found: object) -> tuple[Layer, ...]:
    entries = found[:MAX_ENTRIES] if isinstance(found, list) else []
    return tuple(
        Layer(_text(each.get("digest")), size if isinstance(size, int) and size > 0 else 0)
        for each in entries
        if isinstance(each, dict)
        for size in [each.get("size")]
    )


def _words(found: object) -> dict[str, str]:
    pairs = list(found.items())[:MAX_ENTRIES] if isinstance(found, dict) else []
    return {_text(key): _text(value) for key, value in pairs}


def _texts(found: object) -> tuple[str, ...]:
    """Of a list its texts, of an object (ports, volumes) its keys."""
    entries = list(found)[:MAX_ENTRIES] if isinstance(found, list | dict) else []
    return tuple(_text(each) for each in entries)


def _text(found: object) -> str:
    return found[:MAX_TEXT] if isinstance(found, str) else ""


def known(cache: DigestCache, keys: Iterable[DetailsKey]) -> dict[DetailsKey, ImageDetails]:
    """What is kept of these images; what is kept in another shape counts as not known."""
    wanted = {_cache_key(key): key for key in keys}
    found = {}
    for cache_key, kept in cache.get_many(list(wanted)).items():
        try:
            found[wanted[cache_key]] = _KEPT.validate_json(kept)
        except ValidationError:
            continue
    return found


def remember(cache: DigestCache, found: Mapping[DetailsKey, ImageDetails]) -> None:
    cache.put_many({_cache_key(key): _KEPT.dump_json(each) for key, each in found.items()})


def _cache_key(key: DetailsKey) -> str:
    return f"{_VERSION}{','.join(map(str, key.platforms))}:{key.digest}"
