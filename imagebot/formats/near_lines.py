"""The lines next to a marked one in a file that is no YAML: is there a digest that goes with it?

Pure. `IMAGE_TAG=1.0` under a marker with `IMAGE_DIGEST=sha256:...` below it without one would leave
the digest of the old tag beside the new tag.
"""

import re

from imagebot.formats.page import Page

_DIGEST = re.compile(
    r"(?P<key>[\w.-]*)[\"']?[ \t]*(?:[:?+]?=|:)[ \t]*[\"']?"
    r"(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})(?![0-9a-f])"
)
_REMARK = ("#", "//", ";", "--")
_WORDS = re.compile(r"image|tag|version|digest|sha(?:256|384|512)?|hash|[\W_]", re.I)
_MAX_AWAY = 20  # lines of comments that are passed over
_MAX_BYTES = 1_000  # of a line that holds a key and a digest


def digest_beside(page: Page, number: int, key: str) -> str | None:
    """The key of a digest without a marker on the line before or after, None without one.

    Comments between them are passed over, a blank line parts them, and a key that begins
    otherwise (`WEB_DIGEST` beside `API_TAG`) is another image's.
    """
    for step in (-1, 1):
        found = _DIGEST.search(_next_line(page, number, step))
        if found and not _is_another(found["key"], key):
            return found["key"]
    return None


def _next_line(page: Page, number: int, step: int) -> str:
    for _ in range(_MAX_AWAY):
        number += step
        if not 1 <= number <= page.lines.count:
            return ""
        begin, end = page.lines.bounds(number)
        line = page.source[begin : min(end, begin + _MAX_BYTES)].decode(errors="replace").strip()
        if "imagebot:" in line or "$imagepolicy" in line:
            return ""
        if not line.startswith(_REMARK):
            return line
    return ""


def _is_another(key: str, of: str) -> bool:
    own, other = _WORDS.sub("", of).lower(), _WORDS.sub("", key).lower()
    return bool(own and other) and own != other
