"""The values of one mapping as an image sees them: under which keys its own parts stand.

Pure. Own keys (`sidecarTag`) come before plain ones (`tag`), a digest is its own or it is told, and
where that is not clear, nothing is taken.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from imagebot.formats.around import Around, Keyed, base_of, simple_key
from imagebot.formats.sighting import value_of
from imagebot.yaml_nodes import Scalar

HOST = re.compile(r"localhost/|[^/]*[.:][^/]*/")
_HINT = "put a marker on the value to update (# imagebot: NAME:tag, NAME:digest), or give `fields`"


class Unclear(Exception):
    """It cannot be told what belongs to an image. The scalar is where to say so."""

    def __init__(self, scalar: Scalar, message: str, hint: str = _HINT) -> None:
        super().__init__(message)
        self.scalar = scalar
        self.hint = hint


class Templated(Exception):
    """Another tool fills in a part of the image, whose version stands under `key`."""

    def __init__(self, scalar: Scalar, key: str) -> None:
        super().__init__("a part of the image is templated")
        self.scalar = scalar
        self.key = key
        self.hint = "write the value in full here"


class Siblings(NamedTuple):
    """The values of a mapping by the keys as written, and what is known of the place."""

    found: Around
    stem: str = ""  # `sidecarImage` of `sidecarImageRepository`, "" of `repository`
    is_image: bool = False  # the key above says image, so that less usual keys count
    is_item: bool = False  # an item of a list, where `name` tells items apart
    global_registry: Scalar | None = None
    digest_above: Keyed | None = None  # beside the mapping, under a key that begins as its own
    hub_above: Scalar | None = None  # `hub: docker.io/istio` in a mapping around this one

    def first(self, *words: str) -> Keyed | None:
        """The first of the words that has a scalar, with its key; own keys before plain ones."""
        return self._first(self._prefixes(), words)

    def tag(self) -> Keyed | None:
        """The value that holds the image's tag; a plain `version` only where the key above says
        image."""
        plain = ("version",) if self.is_image else ()
        return self.first("tag", *plain) or self.own_version()

    def own_version(self) -> Keyed | None:
        """The value under `imageVersion`, `sidecarImageVersion`: a tag by another name."""
        own = tuple(prefix for prefix in self._prefixes() if prefix.lower().endswith("image"))
        return self._first(own, ("version",))

    def registry(self, name: str) -> Scalar | None:
        """The registry beside the image, or one that it shares with the others in its mapping.

        Raises Unclear where what is joined could not be pulled.
        """
        keyed = self.first("registry")
        if keyed is None and not HOST.match(name):
            has_image = "image" in self.found.stems and self._own != "image"
            keyed = self._first(("",) if has_image else ("", "image"), ("registry",))
        host = value_of(keyed[1]) if keyed else ""
        if keyed is None or not host:
            return None
        if "://" in host:
            raise Unclear(keyed[1], f"the registry {host[:60]!r} is a URL", "write the host alone")
        if name.startswith(host.rstrip("/") + "/"):
            message = f"the registry {host[:60]!r} is repeated in {name[:80]!r}"
            raise Unclear(keyed[1], message, "write it in one of the two places")
        return keyed[1]

    def name(self, *words: str) -> Keyed | None:
        """As `first`, of the keys that begin with the stem and of no others."""
        return self._first((self.stem,), words)

    def _first(self, prefixes: tuple[str, ...], words: tuple[str, ...]) -> Keyed | None:
        for prefix in prefixes:
            for word in words:
                for key in _spellings(prefix, word):
                    scalar = self.found.get(key)
                    if isinstance(scalar, Scalar):
                        return key, scalar
        return None

    def key_of(self, scalar: Scalar, otherwise: str) -> str:
        """The key of a value; a shared registry has none here."""
        return self.found.key_of(scalar, otherwise)

    def digest(self) -> Keyed | None:
        """The value that holds the image's digest or is kept for one.

        Raises Unclear where several do, or where one stands there that may be another's.
        """
        if self.digest_above is not None and not self._has_by_alias(self.digest_above[1]):
            key, scalar = self.digest_above
            raise Unclear(
                scalar, f"a digest stands above an image under `{key[:60]}`, maybe its own"
            )
        own, kept = self._own_digest()
        for key, scalar in self._other_digests():
            if own is None:
                message = f"a digest stands beside an image under `{key[:60]}`, maybe of the image"
                raise Unclear(scalar, message)
            if scalar is not own[1]:
                keys = f"`{own[0]}` and `{key[:60]}`"
                raise Unclear(scalar, f"two digests stand beside one image, {keys}")
        return own or kept

    def _has_by_alias(self, scalar: Scalar) -> bool:
        return any(node is scalar for node in self.found.values())

    def _other_digests(self) -> Iterator[Keyed]:
        """Digests that nothing but their place says to be the image's."""
        yield from self.found.digests_near(base_of(self._own))
        if not self.stem and isinstance(self.found.get("repository"), Scalar):
            yield from self.found.digests_below()

    def _own_digest(self) -> tuple[Keyed | None, Keyed | None]:
        """The digest under a key of the image, and the empty place kept for one."""
        kept: Keyed | None = None
        for prefix in self._prefixes():
            named = self.found.digests_of(simple_key(prefix))
            filled = [item for item in named if value_of(item[1])]
            if filled:
                return filled[0], None
            kept = kept or next(iter(named), None)
        return None, kept

    @property
    def _own(self) -> str:
        return simple_key(self.stem) or "image"

    def _prefixes(self) -> tuple[str, ...]:
        """How the keys that belong to the image may begin, the surest first."""
        if not self.stem:
            return ("", "image")
        base = _without_image(self.stem)
        own = (self.stem, base) if base else (self.stem,)
        others = len(self.found.stems) - (self._own in self.found.stems)
        is_only_one = self._own == "image" or not others
        return (*own, "") if is_only_one else own


def _without_image(stem: str) -> str:
    """`web` of `webImage`, "" of `image` and of what does not end in the word."""
    return stem[: -len("image")].rstrip("_-") if stem.lower().endswith("image") else ""


def _spellings(prefix: str, word: str) -> tuple[str, ...]:
    if not prefix:
        return (word,)
    if prefix.isupper():
        return f"{prefix}_{word.upper()}", f"{prefix}-{word.upper()}"
    return f"{prefix}{word.title()}", f"{prefix}_{word}", f"{prefix}-{word}"
