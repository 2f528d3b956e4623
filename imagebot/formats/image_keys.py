"""Which keys name an image, or the values that together make one.

Pure. `sidecarImage`, `image_name`, `my-image`, `imageRef`: every last word that says image. Some
are so rarely anything else that they count in every document; the others in Helm values alone,
where nobody but the chart reads a key.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from imagebot.formats.walk import Path

_WORDS = r"name|repository|repo|ref|reference|uri|url"
_CAMEL = r"Name|Repository|Repo|Ref|Reference|U(?:RI|ri)|U(?:RL|rl)"
_KEY = re.compile(
    rf"(?P<stem>(?:image|.*(?:Image|[_-]image|image(?=[NR]|_r)))[0-9]*)(?P<word>{_CAMEL}|[_-](?:{_WORDS})|)"
    rf"|(?P<capitals>(?:.*[_-])?IMAGE[0-9]*)(?P<last>[_-](?:{_WORDS.upper()})|)"
)
_USUAL = re.compile(
    r"(?:image|.*(?:Image|_image))[0-9]*|.*mage(?:Name[0-9]*|Repository|_repository)"
)
# `imageEnvoy`: the word comes first. What is no image but said of one is left out.
_AHEAD = re.compile(
    r"image(?!Pull|Tag|Registry|Repo|Version|Digest|Sha|ID|Id)[A-Z][A-Za-z0-9]*(?<![a-z]Path)"
)
_MAX_KEY_LENGTH = 200
_REPOSITORIES = frozenset({"repository", "repo"})
_IMAGES = re.compile(r"(?!x-)(?:images|.*(?:Images|[_-]images))|(?!X-)(?:.*[_-])?IMAGES")


class ImageKey(NamedTuple):
    """A key whose value is an image, or its name where the tag has a key of its own."""

    stem: str  # `sidecarImage` of `sidecarImageRepository`, `sidecarImageName` and `sidecarImage`
    is_repository: bool = False  # whose value is no image without a tag under another key
    is_usual: bool = True  # counts in every document


def image_key(key: str) -> ImageKey | None:
    """What a key says of images, None where it says nothing."""
    is_short = len(key) <= _MAX_KEY_LENGTH
    return _image_key(key) if is_short and ("mage" in key or "MAGE" in key) else None


@lru_cache(maxsize=10_000)
def _image_key(key: str) -> ImageKey | None:
    found = _KEY.fullmatch(key)
    if _USUAL.fullmatch(key):
        word = found["word"].lstrip("_").lower() if found else ""
        return ImageKey(found["stem"] if found else key, word in _REPOSITORIES)
    if found is None and _AHEAD.fullmatch(key):
        return ImageKey(key, is_usual=False)
    if found is None or key[:2].lower() == "x-":
        return None
    word = (found["word"] or found["last"] or "").lstrip("_-").lower()
    stem = found["stem"] or found["capitals"]
    return ImageKey(stem, word in _REPOSITORIES, is_usual=False)


def has_word_ahead(key: str) -> bool:
    """Whether a key only begins with the word, so that its value has to show that it is one."""
    said = image_key(key)
    return said is not None and not said.is_usual and _KEY.fullmatch(key) is None


def stem_of(key: str) -> str:
    """How the keys begin that belong to the image under a key; the key where it says nothing."""
    found = image_key(key)
    return found.stem if found else key


def names_images(key: str) -> bool:
    """Whether a list or mapping under a key holds images: `images`, `sidecarImages`."""
    return key.endswith(("mages", "MAGES")) and _IMAGES.fullmatch(key) is not None


def is_image_key(path: Path | None) -> bool:
    """Whether the key above says image, or is a name in a mapping `images`."""
    if path is None:
        return False
    return is_named_image(path.parent) or path.key.lower().endswith(("image", "images"))


def is_named_image(above: Path | None) -> bool:
    """Whether keys below a place are names that somebody gave to images."""
    return above is not None and isinstance(above.step, str) and names_images(above.step)
