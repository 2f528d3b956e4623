"""How sure a key and its place make us that a text is an image, and what the text must then show.

Pure. A container's `image` is one whatever it says; a bare word under `sidecarImage` is none.
"""

import re
from enum import Enum

from imagebot.formats.image_keys import has_word_ahead
from imagebot.formats.walk import Path
from imagebot.image import ImageReference

_CONTAINER_LISTS = frozenset({"containers", "initContainers", "ephemeralContainers"})
_FILE_ENDING = re.compile(
    r"\.(?:png|jpe?g|gif|svg|ico|webp|bmp|iso|img|qcow2|vmdk|raw|vhdx?|html?|css|md|ya?ml|json)\Z",
    re.I,
)
_VALUES_KEYS = frozenset({"values", "valuesObject", "valuesInline"})
_HOST_AND_PORT = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+):(?:80|443|[0-9]{4,5})")
_ADDRESS = re.compile(
    r"(?:localhost|(?:[0-9]{1,3}\.){3}[0-9]{1,3}|https?|wss?|tcp|udp):[0-9]{2,5}", re.A
)
_MEDIA_TYPE = re.compile(r"image/(?:png|jpe?g|gif|webp|svg|bmp|tiff|avif|heic|x-icon)")
_MAX_WORDS = 3  # more are a sentence


class Evidence(Enum):
    """How sure the place makes us that a string is an image."""

    CONTAINER = "container"  # nothing else can stand there
    OBJECT = "object"  # `image` of a Kubernetes object: whatever parses
    WORD = "word"  # `image` of any other file: a tag, a digest or a path is needed
    SUFFIX = "suffix"  # `sidecarImage`: a tag or a digest is needed
    AHEAD = "ahead"  # `imageEnvoy`: the same, and a path


def evidence_of(key: str, path: Path | None, is_kubernetes: bool, is_json: bool) -> Evidence | None:
    """How sure a key makes us, None where it names no image."""
    if key == "reference":
        sure = Evidence.CONTAINER if is_kubernetes else Evidence.SUFFIX
        return sure if _is_image_volume(path) else None
    if key != "image":
        return Evidence.AHEAD if has_word_ahead(key) else Evidence.SUFFIX
    if not is_kubernetes or _is_data(path):
        # In JSON these may be pictures of web pages, and paths of assets.
        return Evidence.SUFFIX if is_json else Evidence.WORD
    if path is None:
        return Evidence.OBJECT
    if isinstance(path.step, int) and path.key in _CONTAINER_LISTS:
        return Evidence.CONTAINER
    if path.step == "rbd":
        return Evidence.SUFFIX  # a Ceph block device
    if is_in_values(path):
        return Evidence.SUFFIX if is_json else Evidence.WORD
    return Evidence.OBJECT


def is_in_values(path: Path | None) -> bool:
    """Whether a place is inside the Helm values of an object."""
    return path is not None and not _VALUES_KEYS.isdisjoint(path.steps())


def is_image(reference: ImageReference, evidence: Evidence) -> bool:
    """Whether a text that parses is an image at a place of that sort."""
    if evidence is Evidence.CONTAINER or reference.digest:
        return True
    if reference.tag:
        is_sure = evidence is Evidence.OBJECT
        return is_sure or not _is_something_else(reference, evidence)
    if names_file(reference) or evidence is Evidence.SUFFIX:
        return False
    return evidence is Evidence.OBJECT or "/" in reference.name


def _is_something_else(reference: ImageReference, evidence: Evidence) -> bool:
    """Whether a text is an address, two numbers (`16:9`), or a host with its port (`a.test:80`)."""
    if is_address_or_type(reference):
        return True
    if evidence is not Evidence.SUFFIX:
        return False
    are_numbers = reference.name.isdigit() and (reference.tag or "").isdigit()
    return are_numbers or _HOST_AND_PORT.fullmatch(reference.written) is not None


def is_address_or_type(reference: ImageReference) -> bool:
    """Whether a text is an address with a port (`10.0.0.1:5000`, `http:80`), or a media type."""
    is_address = _ADDRESS.fullmatch(reference.written) is not None
    return is_address or _MEDIA_TYPE.fullmatch(reference.name) is not None


def names_file(reference: ImageReference) -> bool:
    """Whether a name ends as that of a picture or page does: `logo.png`."""
    return _FILE_ENDING.search(reference.name) is not None


def looks_meant(text: str) -> bool:
    """Whether a text that does not parse still has the shape of a reference with a version."""
    words = text.split()
    text = "".join(words)  # an image that was folded in two has a blank in it
    if "/" not in text or "://" in text or len(words) > _MAX_WORDS or len(text) > 300:
        return False
    return "@sha256:" in text or ":" in text.rpartition("/")[2]


def _is_image_volume(path: Path | None) -> bool:
    """Whether a mapping is the `image` of an item of `volumes` (KEP-4639)."""
    return (
        path is not None
        and path.step == "image"
        and path.parent is not None
        and isinstance(path.parent.step, int)
        and path.parent.key.lower().endswith("volumes")
    )


def _is_data(path: Path | None) -> bool:
    """Whether these are the texts of a ConfigMap or Secret."""
    return path is not None and path.parent is None and path.step in ("data", "stringData")
