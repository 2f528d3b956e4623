"""What sort of tag a tag is, for messages: a version, a date, a word that moves, a commit.

Pure. Whether a tag is a candidate is not decided by this but by what `families.read_tag` reads.
"""

import re
from enum import StrEnum

from imagebot.selection.families import MOVING_TAGS, is_artifact, read_tag
from imagebot.selection.suffixes import COMMIT_ID


class TagKind(StrEnum):
    """Each value completes "this tag is ..."."""

    VERSION = "a version"
    DATE = "a date"
    ARTIFACT = "an artifact of another image (signature, attestation, sbom)"
    MOVING = "a moving tag"
    COMMIT = "a commit"
    NUMBER = "a number that may be a date, a build or a commit"
    UNKNOWN = "no version"


_COMMIT = re.compile(
    rf"(?:(?:[A-Za-z0-9_.-]+[-_.])?(?:sha|sha1|git|commit)[-_.]?g?|g)?{COMMIT_ID}", re.IGNORECASE
)
_WORDS = re.compile(r"[A-Za-z]+(?:[-_.][A-Za-z]+)*")


def kind_of(tag: str) -> TagKind:
    """Every text has a kind; UNKNOWN also holds for what is no tag at all."""
    if is_artifact(tag):
        return TagKind.ARTIFACT
    reading = read_tag(tag)
    if reading:
        return TagKind.DATE if reading.family.scheme.startswith("YYYY") else TagKind.VERSION
    if tag.isascii() and tag.isdigit():
        return TagKind.NUMBER
    if _COMMIT.fullmatch(tag):
        return TagKind.COMMIT
    first_word = re.split("[-_.]", tag, maxsplit=1)[0]
    if _WORDS.fullmatch(tag) or MOVING_TAGS.fullmatch(first_word):
        return TagKind.MOVING
    return TagKind.UNKNOWN
