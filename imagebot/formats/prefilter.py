"""Decide from raw bytes whether a document can hold an image reference at all.

Pure. Nine files in ten hold none and are never parsed. Each pattern begins with a literal,
which is what makes it run at memory speed; one big alternation would cost as much as parsing.
"""

import re
from collections.abc import Iterator

from imagebot.yaml_nodes import Section

# What follows a key: a colon, or the end of the line of `? image`, perhaps behind a comment. A
# quote may stand behind backslashes, in JSON that is itself a quoted text.
_KEY_END = rb"\\*[\"']*[ \t]*[:#\r\n]"
_IMAGE_KEY = re.compile(rb"mages?[0-9]{0,3}" + _KEY_END)  # `image:`, `sidecarImage2`, `images`
_IMAGE_AHEAD = re.compile(  # `imageEnvoy`; `imagePullPolicy` stands in most files without images
    rb"image(?!Pull|Tag|Registry|ID)[A-Z][A-Za-z0-9]*" + _KEY_END
)
_IMAGE_NAME_KEY = re.compile(
    rb"mage[_-]?(?:[Nn]ame[0-9]*|[Rr]epo|[Rr]ef(?:erence)?|[Uu][Rr][IiLl])" + _KEY_END
)
# The same in capitals, which are so rare that a look for the first word comes before it.
_CAPITALS = b"IMAGE"
_CAPITAL_KEY = re.compile(
    rb"IMAGE(?:S|[0-9]*(?:[_-](?:NAME|REPO(?:SITORY)?|REF(?:ERENCE)?|UR[IL]))?)" + _KEY_END
)
# Of a JSON patch, up to its end: the image, or its name, beside which its tag is set.
_IMAGE_PATH = re.compile(rb"/[\w-]*[Ii]mages?(?:/re(?:ference|po|pository)|/name)?[\\\"'\s,}]")
_REPOSITORY_KEY = re.compile(rb"epository" + _KEY_END)
_PATCH = re.compile(rb"path[\\\"']*[ \t]*:[ \t\r\n]*[\\\"']*/[^\s\"',}]*(?:mage|epository)")
# Charts and what names them; and kinds whose keys are key paths, or stand as values.
_WORDS = (
    *(b"oci://", b"HelmRepository", b"argoproj.io/v1", b"skaffold/", b"targetRevision"),
    *(b"ImageTagTransformer", b"pkg.crossplane.io", b"DockerImage", b"docker://"),
)
_HELM = re.compile(rb"helm" + _KEY_END)  # of Argo CD, in a patch without its kind
# A letter of a key as an escape, as in `"im\u0061ge"`, which no tool writes and every parser reads.
_LETTER = re.compile(rb"\\(?:x|u00|U000000)(?:[46][1-9a-fA-F]|[57][0-9aA])")
_BUNDLE = re.compile(rb"bundle(?:s|[\"']?[ \t]*:)")  # of Tekton, and the resolver of bundles
_OF_IMAGES = (_IMAGE_KEY, _IMAGE_AHEAD, _REPOSITORY_KEY, _IMAGE_NAME_KEY, _IMAGE_PATH, _PATCH)
_PATTERNS = (*_OF_IMAGES, _BUNDLE, _LETTER, _HELM)
# A capital letter is heeded, too: each of these begins with a literal that all files are read for.
_IMAGEBOT = (re.compile(rb"magebot:"), re.compile(rb"mageBot:"), re.compile(rb"IMAGEBOT:"))
_IGNORE = re.compile(rb"magebot:[ \t]+ignore(?![\w:.-])")
# At the start of a line, since it may stand in a string, or in a text that another file will be.
_IGNORE_FILE = re.compile(
    rb"(?:\A(?:\xef\xbb\xbf)?|(?<=[\r\n]))(?:#|[ \t]*(?:\{\{-?[ \t]*)?(?://|<!--|/\*|;|--))[ \t]*"
    rb"[iI]magebot:[ \t]+ignore-file\b"
)
_HEAD_LINES = 10  # where the mark that a file is ignored may stand
_HEAD_BYTES = 4096
_CRD = re.compile(rb"kind[\"']?:[ \t]+[\"']?CustomResourceDefinition\b")
_LINE_START = b"\n"


def may_hold_image(source: bytes, section: Section) -> bool:
    """False only where no format and no marker can find anything."""
    if has_marker(source, section):
        return True
    start, end = section
    if (
        not any(pattern.search(source, start, end) for pattern in _PATTERNS)
        and not any(source.find(word, start, end) >= 0 for word in _WORDS)
        and not _has_capitals(source, section)
    ):
        return False
    return not _is_custom_resource_definition(source, section)


def _has_capitals(source: bytes, section: Section) -> bool:
    at = source.find(_CAPITALS, *section)
    return at >= 0 and _CAPITAL_KEY.search(source, at, section.end) is not None


def image_offset(source: bytes, section: Section) -> int:
    """Where a key first looks as if an image stood there, -1 where none does."""
    found = (pattern.search(source, *section) for pattern in _OF_IMAGES)
    return min((each.start() for each in found if each), default=-1)


def has_marker(source: bytes, section: Section) -> bool:
    return next(marker_offsets(source, section), None) is not None


def marker_offsets(source: bytes, section: Section) -> Iterator[int]:
    """Where a marker may stand, with false alarms: a key, a value or prose looks the same here."""
    at = source.find(b"$imagepolicy", *section)
    while at >= 0:
        yield at
        at = source.find(b"$imagepolicy", at + 1, section.end)
    for pattern in _IMAGEBOT:
        for found in pattern.finditer(source, *section):
            yield found.start()


def is_ignored(source: bytes) -> bool:
    """Whether one of the first lines is a comment that says `imagebot: ignore-file`."""
    found = _IGNORE_FILE.search(source, 0, _HEAD_BYTES)
    return found is not None and source.count(b"\n", 0, found.start()) < _HEAD_LINES


def ignored_lines(source: bytes) -> set[int]:
    """Lines that a marker takes out; where it stands on a line of its own, the next one too."""
    lines = set()
    at, line = 0, 1
    for found in _IGNORE.finditer(source):
        line += source.count(b"\n", at, found.start())
        at = max(0, found.start() - 1)  # of the whole word
        lines.add(line)
        if not source[source.rfind(b"\n", 0, at) + 1 : at].strip(b" \t#/<!-*;{"):
            lines.add(line + 1)
    return lines


def _is_custom_resource_definition(source: bytes, section: Section) -> bool:
    """Whether the document's own kind says so: schemas are large, and full of `image:` keys."""
    for found in _CRD.finditer(source, *section):
        begin = found.start()
        if source[begin - 1 : begin] in (b'"', b"'"):
            begin -= 1
        if begin == section.start or source[begin - 1 : begin] == _LINE_START:
            return True
    return False
