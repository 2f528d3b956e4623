"""Names in two values: `repository: nvcr.io/nvidia` above `image: driver`, and the version there.

Pure. What stands beside such a name belongs to it, and what stands beside another does not.
"""

from collections.abc import Mapping

from imagebot.errors import InvalidReference
from imagebot.formats.around import Keyed
from imagebot.formats.siblings import HOST, Siblings, Unclear
from imagebot.formats.sighting import read_reference, value_of
from imagebot.image import ImageReference, is_tag
from imagebot.yaml_nodes import Node, Scalar


def is_folder_above_image(found: Mapping[str, Node]) -> bool:
    """Whether `repository: nvcr.io/nvidia` stands above `image: driver`, as in some charts."""
    repository, image = found.get("repository"), found.get("image")
    if not isinstance(repository, Scalar) or not isinstance(image, Scalar):
        return False
    above, name = value_of(repository).rstrip("/"), value_of(image)
    read = parsed(above) if name and not {"/", ":", "@"} & set(name) else None
    is_name = read is not None and not read.tag and not read.digest
    return is_name and above.rpartition("/")[2] != name


def names_another(found: Mapping[str, Node]) -> bool:
    """Whether a tag beside a bare `image` belongs to the `repository` that stands there, too."""
    return "repository" in found and not is_folder_above_image(found)


def version_below_folder(siblings: Siblings, key: str) -> Keyed | None:
    """The `version` of `image: driver` below `repository: nvcr.io/nvidia`: nothing else is left."""
    repository = siblings.found.get("repository")
    is_divided = key == "image" and is_folder_above_image(siblings.found)
    if not (is_divided and isinstance(repository, Scalar) and HOST.match(value_of(repository))):
        return None
    return siblings.first("version")


def unclear_version(siblings: Siblings) -> Unclear | None:
    """Why a name without a tag is left alone: the `version` beside it may be its tag, or not."""
    version = siblings.found.get("version")
    if not isinstance(version, Scalar) or names_another(siblings.found):
        return None
    text = value_of(version)
    if not is_tag(text):
        return None
    message = f"`version: {text[:60]}` stands beside an image without a tag, maybe its tag"
    return Unclear(version, message)


def parsed(text: str) -> ImageReference | None:
    try:
        return read_reference(text)
    except InvalidReference:
        return None
