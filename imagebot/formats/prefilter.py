"""Decide from raw bytes whether a document can hold an image reference at all.

Pure. Nine files in ten hold none and are never parsed. Each pattern begins with a literal,
which is what makes it run at memory speed; one big alternation would cost as much as parsing.
"""

import re
from collections.abc import Iterator

from imagebot.yaml_spans import Section

# `image:`, "sidecarImage" :, `? image`, and `images:`; a value may stand on the next line.
_IMAGE_KEY = re.compile(rb"mages?[\"']?[ \t]*[:\r\n]")
_IMAGE_NAME_KEY = re.compile(rb"mageName[\"']?[ \t]*[:\r\n]")
_IMAGE_PATH = re.compile(rb"/image(?:[\"'\s,}]|/reference)")  # of a JSON patch
_REPOSITORY_KEY = re.compile(rb"epository[\"']?[ \t]*[:\r\n]")
_PATTERNS = (_IMAGE_KEY, _REPOSITORY_KEY, _IMAGE_NAME_KEY, _IMAGE_PATH)
_WORDS = (b"oci://", b"HelmRepository", b"argoproj.io/v1")  # charts, and what names them
_IMAGEBOT = re.compile(rb"imagebot:")
_CRD = re.compile(rb"kind[\"']?:[ \t]+[\"']?CustomResourceDefinition\b")
_LINE_START = b"\n"


def may_hold_image(source: bytes, section: Section) -> bool:
    """False only where no format and no marker can find anything."""
    if has_marker(source, section):
        return True
    start, end = section
    if not any(pattern.search(source, start, end) for pattern in _PATTERNS) and not any(
        source.find(word, start, end) >= 0 for word in _WORDS
    ):
        return False
    return not _is_custom_resource_definition(source, section)


def has_marker(source: bytes, section: Section) -> bool:
    return next(marker_offsets(source, section), None) is not None


def marker_offsets(source: bytes, section: Section) -> Iterator[int]:
    """Where a marker may stand, with false alarms: a key, a value or prose looks the same here."""
    at = source.find(b"$imagepolicy", *section)
    while at >= 0:
        yield at
        at = source.find(b"$imagepolicy", at + 1, section.end)
    for found in _IMAGEBOT.finditer(source, *section):
        yield found.start()


def _is_custom_resource_definition(source: bytes, section: Section) -> bool:
    """Whether the document's own kind says so: schemas are large, and full of `image:` keys."""
    for found in _CRD.finditer(source, *section):
        begin = found.start()
        if source[begin - 1 : begin] in (b'"', b"'"):
            begin -= 1
        if begin == section.start or source[begin - 1 : begin] == _LINE_START:
            return True
    return False
