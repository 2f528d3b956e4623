"""What stands beside an image's name under keys of its own: its registry, tag and digest.

Pure. Charts agree on the words and on little else: `tag` or `imageTag`, `digest`, `imageDigest`,
`sha`, `manifestDigest`. All that belongs to the image must be known before any of it is changed,
so that no digest stays behind a new tag; where that is not clear, it is told and left alone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.around import Around, Keyed, is_digits, simple_key
from imagebot.formats.divided import is_folder_above_image, parsed, version_below_folder
from imagebot.formats.image_keys import image_key
from imagebot.formats.listed import named_items
from imagebot.formats.siblings import HOST, Siblings, Templated, Unclear
from imagebot.formats.sighting import Piece, is_templated, value_of
from imagebot.formats.walk import Entries, written
from imagebot.image import Digest, ImageReference, split_version
from imagebot.model import Part
from imagebot.yaml_nodes import Collection, Node, Scalar

_ENDINGS = ("tag", "version", "repository", "name")
_PLAIN_KEYS = frozenset({*_ENDINGS, "image", "reference", "newtag"})
# What some charts put between the registry and the repository, or in front of both.
_HOST_ALONE = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", re.IGNORECASE)
_FURTHER_NAMES = ("org", "organization", "organisation", "prefix", "host", "path")
_LIST_HINT = "put a marker on the digest, too: of the same policy, or # imagebot: ignore"

Version = tuple[str | None, Digest | None]


class Whole(NamedTuple):
    """An image, the values that make it, and the key of the one whose address is told."""

    parts: dict[Part, Scalar]
    name: str
    version: Version
    key: str


def complete(siblings: Siblings, key: str, named: Scalar) -> Whole | None:
    """The image that a name makes with what stands beside it, None where nothing does.

    Raises InvalidReference for a tag or digest that is none, Unclear and Templated.
    """
    text = value_of(named)
    _refuse_what_is_divided(siblings, named, text)
    _refuse_what_is_no_name(siblings, key, named, text)
    joined = parsed(text)
    if joined is not None and (joined.tag or joined.digest):
        return _joined(siblings, key, named, joined)
    tag = siblings.tag() or version_below_folder(siblings, key)
    digest = siblings.digest()
    place = tag or digest
    if place is None:
        return None
    version_parts = _version_parts(tag, digest)
    name, parts = name_in_full(siblings, key, named)
    told = key if simple_key(key).endswith(("image", "imagename")) else place[0]
    _refuse_templated(told, named, *parts.values(), *version_parts.values())
    return Whole({**parts, **version_parts}, name, read_version(version_parts), told)


def _refuse_what_is_divided(siblings: Siblings, named: Scalar, text: str) -> None:
    """Raise Unclear where more belongs to an image than its registry, name, tag and digest."""
    tag = siblings.found.get("tag")
    if isinstance(tag, Collection) and not siblings.stem:
        raise Unclear(named, "the `tag` beside an image is a mapping or list")
    if not siblings.is_image or siblings.stem or HOST.match(text):
        return
    for key in _FURTHER_NAMES:
        node = siblings.found.get(key)
        if node is named or not isinstance(node, Scalar) or not value_of(node):
            continue
        if key != "path" or parsed(value_of(node)):  # `path: ./deploy` is a folder
            message = (
                f"`{key}: {value_of(node)[:60]}` stands beside an image, maybe part of its name"
            )
            raise Unclear(node, message)
    hub, registry = siblings.found.get("hub"), siblings.found.get("registry")
    if isinstance(hub, Scalar) and isinstance(registry, Scalar) and value_of(hub):
        raise Unclear(hub, "`hub` and `registry` stand beside one image")


def _refuse_what_is_no_name(siblings: Siblings, key: str, named: Scalar, text: str) -> None:
    """Raise Unclear where what stands for an image's name is only a part of it, or more."""
    tag = siblings.tag()
    version = value_of(tag[1]) if tag is not None else ""
    if text.endswith("@sha256") and version:
        message = f"the repository {text[:80]!r} makes a digest of the tag"
        hint = "write the name alone, and `tag: VERSION@sha256:...`: it is joined to the same text"
        raise Unclear(named, message, hint)
    if not version or not simple_key(key).endswith("repository"):
        return
    is_default = simple_key(siblings.stem) == "defaultimage" and "/" not in text
    if _HOST_ALONE.fullmatch(text) or is_default:
        message = f"{text[:80]!r} is what several images begin with, and no image"
        raise Unclear(named, message)


class Unnamed:
    """What stands in mappings besides the values that somebody named, which belong to no other."""

    def __init__(self, named: Iterable[Scalar]) -> None:
        self._apart = {scalar.start for scalar in named}
        self._known: dict[int, Around] = {}
        self._entries = Entries()

    def all_of(self, parent: Collection) -> Mapping[str, Node]:
        """What stands in a mapping, named or not."""
        return self._entries.of(parent)

    def around(self, parent: Collection) -> Around:
        """Gathered once for each mapping, since thousands of its values may be named."""
        if id(parent) not in self._known:
            found = {**self._entries.of(parent), **written(parent)}
            self._known[id(parent)] = Around(found, self._apart)
        return self._known[id(parent)]

    def around_item(self, items: Collection) -> Around:
        """As `around`, of a list whose items have their keys in themselves."""
        if id(items) not in self._known:
            self._known[id(items)] = Around(named_items(items), self._apart)
        return self._known[id(items)]


def take_digest(
    parts: dict[Part, Scalar | Piece],
    home: Collection | None,
    key: str,
    unnamed: Unnamed,
    above: tuple[str, Collection] | None = None,
) -> Digest | None:
    """Add the digest that stands beside a value somebody named, or the empty place for one.

    Gives back what is written there; in a list it is not taken, since another program reads it, but
    refused, and so is one above: beside the key under which `home` stands, of the two in `above`.
    Raises InvalidReference, Unclear and Templated.
    """
    if home is None or any(part.is_digest for part in parts):
        return None
    if not home.is_mapping:
        digest = Siblings(unnamed.around_item(home), _stem(key)).digest()
        if digest is not None and value_of(digest[1]):
            message = f"a digest stands beside it in `{digest[0][:60]}`"
            raise Unclear(digest[1], message, hint=_LIST_HINT)
        return None
    digest_above = None
    if above is not None and above[1].is_mapping and image_key(above[0]):
        digest_above = next(unnamed.around(above[1]).digests_above(above[0]), None)
    siblings = Siblings(unnamed.around(home), _stem(key), digest_above=digest_above)
    beside = _version_parts(None, siblings.digest())
    for scalar in beside.values():
        _refuse_templated(key, scalar)
    parts.update(beside)
    return read_version(beside)[1]


def _stem(key: str) -> str:
    """`api` of `apiTag`, "" of `tag` and of what may stand for one image alone."""
    if simple_key(key) in _PLAIN_KEYS:
        return ""
    ending = next((word for word in _ENDINGS if simple_key(key).endswith(word)), "")
    return key[: len(key) - len(ending)].rstrip("_-")


def _joined(siblings: Siblings, key: str, named: Scalar, joined: ImageReference) -> Whole | None:
    """An image whose tag or digest stands in the same text as its name, with what is beside it."""
    tag = siblings.first("tag") or siblings.own_version()
    if tag is not None and value_of(tag[1]):
        what = "repository" if key.lower().endswith("repository") else "image"
        message = f"the {what} {joined.written[:80]!r} holds a version, and `{tag[0]}` another"
        raise Unclear(named, message, hint="write the version in one of the two places")
    parts: dict[Part, Scalar] = {Part.REFERENCE: named}
    name, digest = joined.name, siblings.digest()
    if digest is not None and joined.digest and value_of(digest[1]):
        message = f"an image holds a digest, and `{digest[0]}` beside it another"
        raise Unclear(digest[1], message, hint="write the digest in one of the two places")
    if digest is not None and not joined.digest:
        parts.update(_version_parts(None, digest))
    own = siblings.registry(name)
    is_group = own is not None or key.lower().endswith("repository")
    registry = _registry(siblings, name) if is_group else None
    full = f"{value_of(registry).rstrip('/')}/{name}"
    if registry and not HOST.match(name) and parsed(full) is not None:
        parts, name = {Part.REGISTRY: registry, **parts}, full
    if len(parts) == 1:
        return None
    _refuse_templated(key, *parts.values())
    version = joined.tag, joined.digest or read_version(parts)[1]
    return Whole(parts, name, version, key)


def name_in_full(siblings: Siblings, key: str, named: Scalar) -> tuple[str, dict[Part, Scalar]]:
    """The image's name, with the registry that is joined to it, and where the two stand."""
    text = value_of(named)
    if above := _above(siblings, key, named):
        return f"{value_of(above).rstrip('/')}/{text}", {}
    registry = _registry(siblings, text)
    if registry is None:
        return text, {Part.NAME: named}
    joined = f"{value_of(registry).rstrip('/')}/{text.lstrip('/')}"
    return joined, {Part.NAME: named, Part.REGISTRY: registry}


def _above(siblings: Siblings, key: str, named: Scalar) -> Scalar | None:
    """What holds the registry and the folders above a name: `hub`, or `repository` of an `image`.

    A new name could not be divided between the two, so neither is told as a place to write it.
    """
    if HOST.match(value_of(named)):
        return None
    hub = siblings.first("hub")
    if hub is not None and value_of(hub[1]):
        return hub[1]
    repository = siblings.found.get("repository")
    is_divided = key == "image" and is_folder_above_image(siblings.found)
    return repository if is_divided and isinstance(repository, Scalar) else None


def _registry(siblings: Siblings, name: str) -> Scalar | None:
    """The registry to join. A `global` one wins over the group's, as in the charts that have both;
    a name with a host of its own is joined only with a registry that stands beside it."""
    own = siblings.registry(name)
    if siblings.global_registry is None or (own is None and HOST.match(name)):
        return own
    return siblings.global_registry


def _version_parts(tag: Keyed | None, digest: Keyed | None) -> dict[Part, Scalar]:
    parts: dict[Part, Scalar] = {}
    if tag is not None:
        parts[Part.TAG] = tag[1]
    if digest is not None:
        text = value_of(digest[1])
        is_short = not text and simple_key(digest[0]).endswith(("sha", "sha256"))
        is_hex = is_short or is_digits(text)
        parts[Part.DIGEST_HEX if is_hex else Part.DIGEST] = digest[1]
    return parts


def read_version(parts: Mapping[Part, Scalar]) -> Version:
    """Tag and digest as written. An empty tag is one that the chart's appVersion decides.

    Raises InvalidReference where they are none.
    """
    tag, digest = split_version(value_of(parts.get(Part.TAG)))
    text = value_of(parts.get(Part.DIGEST))
    digits = value_of(parts.get(Part.DIGEST_HEX))
    if text or digits:
        scalar = parts[Part.DIGEST if text else Part.DIGEST_HEX]
        try:
            digest = Digest(text or f"sha256:{digits}")
        except InvalidReference as error:
            raise Unclear(scalar, str(error), error.hint) from error
    return tag, digest


def _refuse_templated(key: str, *scalars: Scalar) -> None:
    for scalar in scalars:
        if is_templated(scalar.text):
            raise Templated(scalar, key)
