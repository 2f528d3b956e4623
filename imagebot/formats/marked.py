"""Decide what a marked value is: a whole reference, or its name, tag or digest.

Pure. A marker without a part leaves that to the key and the text; where both can mean two
things, the answer is a question back to the user, never a guess.
"""

from typing import NamedTuple

from imagebot.errors import InvalidReference
from imagebot.formats.marker_text import MarkerText
from imagebot.formats.sighting import is_templated, read_reference
from imagebot.image import Digest, ImageReference, parse, parse_name, split_version
from imagebot.model import Part


class Reading(NamedTuple):
    """The part that a marked text holds, and what it says."""

    part: Part
    reference: ImageReference | None = None
    tag: str | None = None
    digest: Digest | None = None


def read_marked(marker: MarkerText, key: str, text: str) -> Reading:
    """Read a marked text. Raises InvalidReference where it is not what the marker says."""
    if is_templated(text):
        raise InvalidReference(
            "a marked value is templated, so it cannot be edited",
            hint="put the marker where the value is written in full",
        )
    part = marker.part if marker.part is not Part.REFERENCE else _part(marker, key, text)
    if not text:
        return Reading(part)
    if part is Part.TAG:
        _refuse_whole_reference(text)
        tag, digest = split_version(text)
        return Reading(part, None, tag, digest)
    if part is Part.DIGEST:
        return Reading(part, digest=Digest(text))
    if part is Part.NAME:
        read_reference(text)
        parse_name(text)
        return Reading(part, parse(text))
    reference = read_reference(text)
    return Reading(part, reference, reference.tag, reference.digest)


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


def _refuse_whole_reference(text: str) -> None:
    head = text.partition("@")[0]
    if "/" in head or ":" in head:
        raise InvalidReference(
            f"the marker says :tag, but a whole reference stands here: {text[:80]!r}",
            hint="write the marker without :tag",
        )
