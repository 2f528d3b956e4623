"""What sort of tag a tag is, for messages: a version, a date, a word that moves, a commit.

Pure. Whether a tag is a candidate is not decided by this but by what `families.read_tag` reads.
"""

import re
from enum import StrEnum

from imagebot.selection.families import MOVING_TAGS, is_artifact, read_tag
from imagebot.selection.suffixes import COMMIT_ID, without_commits


class TagKind(StrEnum):
    """Each value completes "this tag is ..."."""

    VERSION = "a version"
    DATE = "a date"
    ARTIFACT = "an artifact of another image (signature, attestation, sbom)"
    MOVING = "a moving tag"
    COMMIT = "named after a commit"
    NUMBER = "a number that may be a date, a build or a commit"
    UNKNOWN = "no version"


_ATTACHED_COMMIT = re.compile(rf"(?:sha|git|commit){COMMIT_ID}")
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
    if without_commits(tag) != tag or _ATTACHED_COMMIT.fullmatch(tag):
        return TagKind.COMMIT
    first_word = re.split("[-_.]", tag, maxsplit=1)[0]
    if _WORDS.fullmatch(tag) or MOVING_TAGS.fullmatch(first_word):
        return TagKind.MOVING
    return TagKind.UNKNOWN
