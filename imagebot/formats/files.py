"""Which files are looked at, and what reads them, by their names alone.

Pure. YAML, JSON and Dockerfiles are read whole; any other text only where a line of it holds
a marker, so that its name need not be known. Files that are binary by their ending are not
even fetched.
"""

import re
from enum import StrEnum

from imagebot.formats import dockerfile


class Reader(StrEnum):
    """What reads a file."""

    YAML = "yaml"
    JSON = "json"
    DOCKERFILE = "dockerfile"
    TEMPLATE = "template"
    TEXT = "text"  # markers only


_YAML_ENDINGS = (".yaml", ".yml")
_TEMPLATE = re.compile(r"(?:\.ya?ml|(?:\A|/)[^/.]+)\.gotmpl\Z")  # Helmfile's, not README.md.gotmpl
_JSON_ENDINGS = (".json", ".jsonc")
# Written by tools, never by people, and full of names: an image in one is not edited there.
_LOCK_FILES = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "composer.json", "tsconfig.json", "package.json"}
)
_BINARY_ENDING = re.compile(
    r"""\.(?:7z|a|avif|bin|bmp|br|bz2|class|crt|cur|db|deb|der|dll|dmg|doc|docx|dylib|ear|eot|exe
    |flac|gif|gz|heic|icns|ico|iso|jar|jks|jpe?g|key|keystore|lz4|mo|mov|mp3|mp4|o|odt|ogg|otf|p12
    |parquet|pdf|pfx|png|ppt|pptx|psd|pyc|qcow2|rar|rpm|so|sqlite3?|svg|swf|tar|tgz|tiff?|ttf|vhdx?
    |vmdk|war|wasm|wav|webm|webp|whl|woff2?|xls|xlsx|xz|zip|zst)\Z""",
    re.X | re.I,
)


def reader_of(path: str) -> Reader | None:
    """What reads a file of this name; None where nothing does."""
    if path.endswith(_YAML_ENDINGS):
        return Reader.YAML
    name = path.rpartition("/")[2]
    if name == "Kustomization":
        return Reader.YAML
    if path.endswith(_JSON_ENDINGS):
        return None if name in _LOCK_FILES else Reader.JSON
    if dockerfile.is_named_so(path):
        return Reader.DOCKERFILE
    if _TEMPLATE.search(path):
        return Reader.TEMPLATE
    return None if _BINARY_ENDING.search(name) else Reader.TEXT
