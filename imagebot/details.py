"""What one image says of itself: its labels, layers, user, ports. All frozen, no I/O.

Whoever built the image wrote all of it. It is shown to people and decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from imagebot.image import Digest, Platform, Repository


class Layer(NamedTuple):
    digest: str
    compressed_bytes: int


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """The manifest and config behind a digest. Of an index those of one platform's image."""

    digest: Digest  # as asked: of the index where there is one
    platform: str  # whose image was read, such as "linux/amd64"; "" where it names none
    platforms: tuple[str, ...]  # all that the digest holds
    layers: tuple[Layer, ...] = ()
    created_at: datetime | None = None  # by the image's own word
    user: str = ""
    working_dir: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    env_names: tuple[str, ...] = ()  # never their values
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)  # manifest's before index's

    @property
    def compressed_bytes(self) -> int:
        return sum(layer.compressed_bytes for layer in self.layers)

    def word(self, *keys: str) -> str:
        """What the first of these labels says, else the first of these annotations; "" for none."""
        for words in (self.labels, self.annotations):
            for key in keys:
                if words.get(key):
                    return words[key]
        return ""


class DetailsKey(NamedTuple):
    """A digest, and the platforms of which one is wanted, the first that there is."""

    repository: Repository
    digest: Digest
    platforms: tuple[Platform, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """What a project wrote about one of its releases, as its forge tells it."""

    tag: str
    title: str
    url: str  # on the forge's own host, "" where that is not known
    published_on: str  # 2026-11-20, or ""
    text: str  # Markdown from outside
