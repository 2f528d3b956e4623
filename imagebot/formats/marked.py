"""Decide what a marked value is: a whole reference, or its name, tag or digest.

Pure. A marker without a part leaves that to the key and the text; where both can mean two
things, the answer is a question back to the user, never a guess. Of a longer text, such as
`--image=acme/a:1`, only the piece that is meant is read.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.marker_text import MarkerText
from imagebot.formats.sighting import is_templated, read_reference
from imagebot.image import Digest, ImageReference, parse, parse_name, shortened, split_version
from imagebot.model import Part

_SCHEME = re.compile(r"(?:docker|docker-image|oci)://")
_WORD = re.compile(r"""[A-Za-z0-9\[][^\s,;'"=|&()<>{}`$\\]*""")
_VERSION = re.compile(r"[vV]?[0-9]+(?:(?:\.[0-9]+)+(?:[._+-].*)?)?")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_SEVERAL_WORDS = re.compile(r"[\s,;]")


class Reading(NamedTuple):
    """The part that a marked text holds, what it says, and which characters say so."""

    part: Part
    reference: ImageReference | None = None
    tag: str | None = None
    digest: Digest | None = None
    start: int = 0
    end: int = 0


class _Piece(NamedTuple):
    key: str  # the value's key, or what stands before the `=`
    start: int
    end: int


def read_marked(marker: MarkerText, key: str, text: str) -> Reading:
    """Read a marked text. Raises InvalidReference where it is not what the marker says."""
    piece = _piece(marker, key, text)
    said = text[piece.start : piece.end]
    if is_templated(said):
        raise _templated()
    reading = _read(marker, piece.key, said)
    return reading._replace(start=piece.start, end=piece.end)


def is_plainly_an_image(reading: Reading) -> bool:
    """Whether a text says so by itself: a reference with a path and a version."""
    return bool(
        reading.reference and "/" in reading.reference.name and (reading.tag or reading.digest)
    )


def _read(marker: MarkerText, key: str, text: str) -> Reading:
    part = marker.part if marker.part is not Part.REFERENCE else _part(marker, key, text)
    if not text:
        return Reading(part)
    if part is Part.TAG:
        _refuse_whole_reference(marker, key, text)
        tag, digest = split_version(text)
        return Reading(part, None, tag, digest)
    if part is Part.DIGEST:
        return Reading(part, digest=Digest(text))
    if part is Part.NAME:
        _refuse_no_name(text)
        parse_name(text)
        return Reading(part, parse(text))
    reference = read_reference(text)
    return Reading(part, reference, reference.tag, reference.digest)


def _piece(marker: MarkerText, key: str, text: str) -> _Piece:
    """What of a text the marker means: all of it, what follows `=`, or its one image."""
    if _SEVERAL_WORDS.search(text):
        return _only_image(marker, text)
    equals = text.rfind("=")
    start, end = equals + 1, len(text)
    if end - start >= 2 and text[start] == text[-1] and text[start] in "\"'":
        start, end = start + 1, end - 1
    if scheme := _SCHEME.match(text, start):
        start = scheme.end()
    option = text[: max(equals, 0)].rpartition("=")[2].lstrip("-")
    return _Piece(option or key, start, end)


def _only_image(marker: MarkerText, text: str) -> _Piece:
    """The one reference among several words. Raises InvalidReference where it is not one."""
    hint = "let the image be a value of its own, with the marker on its line"
    if is_templated(text) and not any(_images(text)):
        raise _templated()
    if marker.part is not Part.REFERENCE:
        raise InvalidReference(
            f"the marker asks for a {marker.part}, and several words stand here: "
            f"{shortened(text, 60)!r}",
            hint=hint,
        )
    images = list(_images(text))
    with_path = [image for image in images if "/" in text[image.start : image.end]]
    images = with_path or images
    if len(images) != 1:
        count = "no image" if not images else f"{len(images)} images"
        raise InvalidReference(
            f"a marker needs one image, and {count} with a tag or digest stand"
            f"{'s' if not images else ''} here: {shortened(text, 60)!r}",
            hint=hint,
        )
    return images[0]


def _images(text: str) -> Iterator[_Piece]:
    for word in _WORD.finditer(text):
        scheme = _SCHEME.match(word[0])
        start = word.start() + (scheme.end() if scheme else 0)
        try:
            reference = read_reference(text[start : word.end()])
        except InvalidReference:
            continue
        if reference.tag or reference.digest:
            yield _Piece("image", start, word.end())


def _templated() -> InvalidReference:
    return InvalidReference(
        "a marked value is templated, so it cannot be edited",
        hint="put the marker where the value is written in full",
    )


def _part(marker: MarkerText, key: str, text: str) -> Part:
    lower = key.lower()
    if lower.endswith(("tag", "version")):
        return Part.TAG
    if lower.endswith("digest"):
        return Part.DIGEST
    if lower.endswith("image") or "/" in text or _is_name_and_tag(text) or marker.is_flux:
        return Part.REFERENCE
    if lower in {"repository", "newname"}:
        return Part.NAME
    if text.startswith(("sha256:", "sha384:", "sha512:")):
        return Part.DIGEST
    raise InvalidReference(
        f"a marked value can be a tag or an image name: {text[:60]!r}",
        hint=f'write "# imagebot: {marker.policy}:tag" or ":name", whichever it is',
    )


def _is_name_and_tag(text: str) -> bool:
    return ":" in text.partition("@")[0] and not text.startswith(("sha256:", "sha384:", "sha512:"))


def _refuse_no_name(text: str) -> None:
    """The grammar takes `1.0` and `true` for names of Docker Hub, where there are none such."""
    if _VERSION.fullmatch(text) or text.lower() in _WORDS_OF_YAML:
        raise InvalidReference(
            f"the marker says :name, and no image is named {shortened(text)!r}",
            hint="put the marker on the name; the one of a version says :tag",
        )
    written = read_reference(text)
    if written.tag or written.digest:
        raise InvalidReference(
            f"the marker says :name, but a whole reference stands here: {shortened(text)!r}",
            hint="write the marker without :name",
        )


def _refuse_whole_reference(marker: MarkerText, key: str, text: str) -> None:
    head = text.partition("@")[0]
    if not {"/", ":"} & set(head):
        return
    if marker.part is Part.TAG:
        raise InvalidReference(
            f"the marker says :tag, but a whole reference stands here: {text[:80]!r}",
            hint="write the marker without :tag",
        )
    raise InvalidReference(
        f"a marked value under {key[:60]!r} is a tag, and none stands here: {text[:80]!r}",
        hint="put the marker on the value that holds the image or its tag",
    )
