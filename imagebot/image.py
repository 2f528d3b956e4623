"""Image references: parse, normalise, compare, print back as written.

Pure. The grammar is that of github.com/distribution/reference (`reference.go`, `normalize.go`):
`[registry/]path[:tag][@digest]`, with Docker Hub's short names made whole for comparing. The
written text is kept beside the meaning: defaults are for meaning, never for writing back.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from imagebot.errors import InvalidReference

DOCKER_HUB = "docker.io"
_LEGACY_DOCKER_HUB = "index.docker.io"
_OFFICIAL = "library/"
MAX_NAME_LENGTH = 255  # of the path alone: reference.go, RepositoryNameTotalLengthMax
MAX_TAG_LENGTH = 128

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DOMAIN_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PATTERN = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_DOMAIN_PATTERN = re.compile(_DOMAIN, re.ASCII)
_TAG_PATTERN = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{MAX_TAG_LENGTH - 1}}}", re.ASCII)
_IMAGE_ID_PATTERN = re.compile(r"[a-f0-9]{64}", re.ASCII)
_PLATFORM_PATTERN = re.compile(r"[a-z0-9_.]{1,32}/[a-z0-9_]{1,32}(?:/[a-z0-9_.]{1,32})?", re.ASCII)
_HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """Content address of a manifest, `sha256:<64 hex>` (OCI image spec, descriptor, Digests)."""

    text: str

    def __post_init__(self) -> None:
        algorithm, _, hexadecimal = self.text.partition(":")
        length = _HEX_LENGTHS.get(algorithm)
        if length is None or not re.fullmatch(rf"[0-9a-f]{{{length}}}", hexadecimal, re.ASCII):
            raise InvalidReference(
                f"not a digest: {shortened(self.text)!r}",
                hint="a digest is sha256: (or sha384:, sha512:) and its lower-case hex digits",
            )

    def __str__(self) -> str:
        return self.text

    @property
    def algorithm(self) -> str:
        return self.text.partition(":")[0]

    @property
    def short(self) -> str:
        """First twelve hex digits, for people."""
        return self.text.partition(":")[2][:12]


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """What an image runs on, `os/architecture[/variant]` (OCI image spec, image index)."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """Raises InvalidReference for anything but two or three lower-case words."""
        if not _PLATFORM_PATTERN.fullmatch(text):
            raise InvalidReference(
                f"not a platform: {shortened(text)!r}",
                hint="a platform is os/architecture or os/architecture/variant: linux/arm64",
            )
        return cls(*text.split("/"))

    def accepts(self, offered: "Platform") -> bool:
        """Whether an image for `offered` serves. Without a variant any serves; arm64 is v8."""
        if (self.os, self.architecture) != (offered.os, offered.architecture):
            return False
        usual = "v8" if self.architecture == "arm64" else ""
        return not self.variant or self.variant == (offered.variant or usual)


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A normalised image repository: `docker.io` + `library/nginx`. The key of every poll."""

    registry: str  # host[:port]; Docker Hub is docker.io
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"

    @property
    def familiar(self) -> str:
        """Shortest usual name: `nginx`, `acme/api`, `ghcr.io/acme/api`."""
        if self.registry != DOCKER_HUB:
            return str(self)
        bare = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in bare else bare


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A parsed reference; `str()` gives back exactly what was written."""

    written: str
    name: str  # as written, without tag and digest
    repository: Repository
    tag: str | None
    digest: Digest | None

    def __str__(self) -> str:
        return self.written

    def with_version(self, tag: str | None, digest: Digest | None) -> str:
        """The same name, as written, with another tag and digest."""
        return join(self.name, tag, digest)


def join(name: str, tag: str | None, digest: Digest | None) -> str:
    """`name[:tag][@digest]`."""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def is_tag(text: str) -> bool:
    """Whether a text is a tag by the distribution spec (at most 128 characters of a small set)."""
    return _TAG_PATTERN.fullmatch(text) is not None


def split_version(text: str) -> tuple[str | None, Digest | None]:
    """Read `tag`, `tag@digest` or `@digest`, as Helm values hold it beside a repository.

    Raises InvalidReference when it is none of them.
    """
    tag, at, digest = text.partition("@")
    if tag and not is_tag(tag):
        raise InvalidReference(
            f"not a tag: {shortened(tag)!r}",
            hint="a tag is at most 128 of A-Z a-z 0-9 _ . - and starts with none of . -",
        )
    return tag or None, Digest(digest) if at else None


@lru_cache(maxsize=65536)
def parse(text: str) -> ImageReference:
    """Parse `[registry/]path[:tag][@digest]`. Raises InvalidReference and says what is wrong."""
    if not text:
        raise InvalidReference("an image reference is empty")
    if _IMAGE_ID_PATTERN.fullmatch(text):
        raise InvalidReference(
            f"{shortened(text)!r} is an image id, not a reference",
            hint="write name@sha256:... instead",
        )
    head, at, digest_text = text.partition("@")
    digest = Digest(digest_text) if at else None
    last_slash = head.rfind("/")
    colon = head.find(":", last_slash + 1)
    name, tag = (head[:colon], head[colon + 1 :]) if colon >= 0 else (head, None)
    if tag is not None and not is_tag(tag):
        raise InvalidReference(
            f"{shortened(text)!r} has a tag that is not allowed: {shortened(tag)!r}",
            hint="a tag is at most 128 of A-Z a-z 0-9 _ . - and starts with none of . -",
        )
    return ImageReference(text, name, parse_name(name), tag, digest)


@lru_cache(maxsize=65536)
def parse_name(name: str) -> Repository:
    """Normalise a name without tag and digest (normalize.go, splitDockerDomain)."""
    registry, path = _split_registry(name)
    if not _DOMAIN_PATTERN.fullmatch(registry):
        raise InvalidReference(f"{shortened(name)!r} has a registry that is no host name")
    if not _PATH_PATTERN.fullmatch(path):
        lower = path != path.lower() and _PATH_PATTERN.fullmatch(path.lower())
        hint = "repository names are lower-case" if lower else "see docs/images.md for the grammar"
        raise InvalidReference(f"{shortened(name)!r} is not an image name", hint=hint)
    if registry in (DOCKER_HUB, _LEGACY_DOCKER_HUB):
        registry = DOCKER_HUB
        path = path if "/" in path else _OFFICIAL + path
    if len(path) > MAX_NAME_LENGTH:
        raise InvalidReference(
            f"{shortened(name)!r} has a path longer than {MAX_NAME_LENGTH} characters"
        )
    return Repository(registry, path)


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    return (first, rest) if slash and is_host else (DOCKER_HUB, name)


def shortened(text: str, limit: int = 80) -> str:
    """A text from outside, cut for a message."""
    return text if len(text) <= limit else text[: limit - 3] + "..."
