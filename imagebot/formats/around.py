"""All values of one mapping, and which of them are digests: whoever edits a tag must know them.

Pure. Charts agree on no word for a digest (`digest`, `sha`, `pin`, `checksum`, a map of platforms),
so what counts is how a value looks, and its key only where that does not tell.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import cached_property
from itertools import islice

from imagebot.formats.sighting import is_templated, value_of
from imagebot.formats.walk import resolved
from imagebot.yaml_nodes import Collection, Node, Scalar

Keyed = tuple[str, Scalar]

_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
# Keys under which digits alone are a digest's; `configHash` and `sharedSecret` have such ones, too.
_OF_DIGITS = re.compile(r"digest|sha(?:256|sum|\Z)|checksum|pin\Z|^(?:image|tag)?hash\Z")
_OF_DIGITS_INSIDE = re.compile(r"digest|sha(?:256)?\Z")  # the `hash` of an item is seldom one
_SAYS_DIGEST = ("digest", "sha", "hash", "checksum", "pin")
# What may follow the key of an image to name its digest, in small letters without - and _.
_HASHES = frozenset({"sha", "sha256", "hash"})
_DIGESTS = _HASHES | {"digest", "manifestdigest", "indexdigest", "tagdigest", "sha256digest"}
_MAY_HOLD_DIGESTS = (*_SAYS_DIGEST, "platform", "arch")
_OF_NAME = re.compile(r"(.*image)(?:name|repository|repo|ref|reference|uri|url)?")
_OF_AN_IMAGE = frozenset({"repository", "repo", "image", "name", "tag"})
_MAX_KEY_LENGTH = 100  # of a key, to tell whose it is
_MAX_INSIDE = 64  # values looked at in one collection, and collections: platforms of an image
_MAX_INSIDE_DEPTH = 3


def simple_key(key: str) -> str:
    """A key in small letters, without the marks between its words."""
    return key.lower().replace("_", "").replace("-", "")


def base_of(stem: str) -> str:
    """What an image is called without the word itself: `web` of `webImage`; `image` stays."""
    return simple_key(stem).removesuffix("image") or "image"


def is_digits(text: str) -> bool:
    """Whether a text is the hexadecimal digits of a sha256 digest."""
    return _HEX.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether a text is a digest with its algorithm and nothing else."""
    return _DIGEST.fullmatch(text) is not None


class Around(dict[str, Node]):
    """The values of a mapping by key, and what of them is looked for once for all its images.

    `apart`: starts of the values that somebody named, so that they belong to no other.
    """

    def __init__(self, found: Mapping[str, Node], apart: Set[int] = frozenset()) -> None:
        super().__init__(found)
        self._apart = apart

    @cached_property
    def stems(self) -> frozenset[str]:
        """How the keys of the images in it begin: `image`, `sidecarimage`."""
        keys = (_OF_NAME.fullmatch(simple_key(key)) for key in self if len(key) <= _MAX_KEY_LENGTH)
        return frozenset(key[1] for key in keys if key)

    def digests_near(self, base: str) -> Iterator[Keyed]:
        """Digests that may be that image's: all but those whose keys begin as another's do."""
        yield from self._digests_by_owner.get("", ())
        yield from self._digests_by_owner.get(base, ())

    def digests_above(self, key: str) -> Iterator[Keyed]:
        """Digests that may be of the image in the mapping or list under one of the keys.

        Not those whose keys begin as another's do, nor the plain ones of an image that has its
        name here.
        """
        yield from self.digests_named(key)
        if not any(isinstance(self.get(name), Scalar) for name in ("repository", "image")):
            yield from self._digests_by_holder.get("", ())

    def digests_named(self, key: str) -> Iterator[Keyed]:
        """Those of them whose keys begin with the one of the image, or of what holds it."""
        yield from self.filled_digests_of(simple_key(key))
        yield from self._digests_by_holder.get(base_of(key), ())

    def digests_below(self) -> Iterator[Keyed]:
        """Digests in what stands below a mapping that is one image, but for another image's."""
        for key, node in self.items():
            if isinstance(node, Collection):
                for scalar in islice(_digests_inside("", node), 1):
                    yield key, scalar

    def digests(self) -> Iterator[Keyed]:
        """All digests, with their keys."""
        for named in self._digests_by_owner.values():
            yield from named

    def key_of(self, node: Node, otherwise: str) -> str:
        """The key of a value; a shared registry has none here."""
        return self._keys_by_node.get(id(node), otherwise)

    @cached_property
    def _keys_by_node(self) -> dict[int, str]:
        return {id(node): key for key, node in reversed(self.items())}

    @cached_property
    def _digests_by_owner(self) -> dict[str, list[Keyed]]:
        return self._by_owner(self._bases)

    @cached_property
    def _bases(self) -> frozenset[str]:
        return frozenset(map(base_of, self.stems)) | self._tagged

    @cached_property
    def _digests_by_holder(self) -> dict[str, list[Keyed]]:
        """As by owners, of which `web: {repository: ...}` is one as well as `webImage: ...`."""
        if not self._digests_by_owner:
            return {}
        holders = (key for key, node in self.items() if _holds_image(node))
        return self._by_owner(self._bases.union(map(base_of, holders)))

    def _by_owner(self, bases: frozenset[str]) -> dict[str, list[Keyed]]:
        """Digests, whatever their keys, by the longest base that those begin with, "" of none."""
        found: dict[str, list[Keyed]] = {}
        for key, node in self.items():
            simple = simple_key(key[:_MAX_KEY_LENGTH])
            for scalar in islice(self._digests_in(simple, node), 1):
                beginnings = (simple[:end] for end in range(len(simple), 0, -1))
                owner = next((each for each in beginnings if each in bases), "")
                found.setdefault(owner, []).append((key, scalar))
        return found

    def digests_of(self, prefix: str) -> list[Keyed]:
        """The values that hold a digest, or are kept for one, under a key with that beginning."""
        return [
            (key, scalar)
            for word in sorted(_DIGESTS)
            for key, scalar in self._by_name.get(prefix + word, ())
            if word not in _HASHES or _may_be_digest(value_of(scalar))
        ]

    def filled_digests_of(self, prefix: str) -> Iterator[Keyed]:
        """Those of them that are not empty."""
        return (keyed for keyed in self.digests_of(prefix) if value_of(keyed[1]))

    def _digests_in(self, simple: str, node: Node) -> Iterator[Scalar]:
        return (each for each in _digests_in(simple, node) if each.start not in self._apart)

    @cached_property
    def _tagged(self) -> frozenset[str]:
        """What stands in front of `Tag`: `web` of `webTag` and of `webImageTag`."""
        keys = (key.removesuffix("tag") for key in map(simple_key, self) if key.endswith("tag"))
        return frozenset(base_of(key) for key in keys if key)

    @cached_property
    def _by_name(self) -> dict[str, list[Keyed]]:
        found: dict[str, list[Keyed]] = {}
        for key, node in self.items():
            simple = simple_key(key)
            if not (isinstance(node, Scalar) and says_digest(simple)):
                continue
            if node.start not in self._apart:
                found.setdefault(simple, []).append((key, node))
        return found


def says_digest(key: str) -> bool:
    """Whether a key speaks of digests."""
    return any(word in simple_key(key) for word in _SAYS_DIGEST)


def _may_be_digest(text: str) -> bool:
    is_written = text.startswith("sha256:") or is_digits(text)
    return not text or is_written or is_templated(text)


def _digests_in(simple: str, node: Node) -> Iterator[Scalar]:
    """Digests that a value is or holds. A collection that names an image keeps its own."""
    if isinstance(node, Scalar):
        text = value_of(node)
        if is_digest(text) or (is_digits(text) and _OF_DIGITS.search(simple)):
            yield node
    elif isinstance(node, Collection) and any(word in simple for word in _MAY_HOLD_DIGESTS):
        yield from _digests_inside(simple, node)


def _digests_inside(simple: str, top: Collection) -> Iterator[Scalar]:
    """Digests at some depth below a key, but for those in a mapping that names an image."""
    waiting = deque([(top, 1)])
    for _ in range(_MAX_INSIDE):
        if not waiting:
            return
        node, depth = waiting.popleft()
        for key, child in _entries_inside(node):
            if isinstance(child, Scalar):
                text = value_of(child)
                says_digits = _OF_DIGITS_INSIDE.search(simple) or _OF_DIGITS_INSIDE.search(key)
                if is_digest(text) or (is_digits(text) and says_digits):
                    yield child
            elif isinstance(child, Collection) and depth < _MAX_INSIDE_DEPTH:
                waiting.append((child, depth + 1))


def _entries_inside(node: Collection) -> Iterator[tuple[str, Node]]:
    """The first values of a collection, with their keys in small letters; none of an image's."""
    if not node.is_mapping:
        yield from (("", resolved(item)) for item in node.children[:_MAX_INSIDE])
    elif not _holds_image(node):
        for key, value in islice(node.pairs(), _MAX_INSIDE):
            if isinstance(key, Scalar):
                yield simple_key(key.text[:_MAX_KEY_LENGTH]), resolved(value)


def _holds_image(node: Node) -> bool:
    """Whether the keys of a mapping, or of the first item of a list, are those of an image."""
    if isinstance(node, Collection) and not node.is_mapping:
        node = resolved(node.children[0]) if node.children else node
    if not isinstance(node, Collection) or not node.is_mapping:
        return False
    return names_image(
        key.text for key, _ in islice(node.pairs(), _MAX_INSIDE) if isinstance(key, Scalar)
    )


def names_image(found: Iterable[str]) -> bool:
    """Whether keys are those of an image."""
    keys = set(found)
    short = (simple_key(key) for key in keys if len(key) <= _MAX_KEY_LENGTH)
    return bool(keys & _OF_AN_IMAGE) or any(map(_OF_NAME.fullmatch, short))
