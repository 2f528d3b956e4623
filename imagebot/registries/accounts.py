"""The value that proves who we are, and how places are named that have one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from imagebot.image import DOCKER_HUB, Repository
from imagebot.secret import Secret

IDENTITY_TOKEN_USER = "<token>"  # noqa: S105 - docker's name for "the password is a refresh token"
_DOCKER_HUB_HOSTS = {"index.docker.io", "registry-1.docker.io"}

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class BasicCredentials:
    """User name and password, or an identity token when the name is `<token>`.

    `source` names the place they came from, for messages; it does not tell credentials apart.
    """

    username: str
    password: Secret
    source: str = field(default="the settings", compare=False)

    @property
    def is_identity_token(self) -> bool:
        return self.username == IDENTITY_TOKEN_USER


def place(text: str) -> str:
    """`host` or `host/prefix` of a key in settings or docker's configuration.

    Docker's own keys carry a scheme and an API version: `https://index.docker.io/v1/`.
    """
    bare = text.strip().removeprefix("https://").removeprefix("http://").strip("/")
    host, _, prefix = bare.partition("/")
    host = host.lower()
    host = DOCKER_HUB if host in _DOCKER_HUB_HOSTS else host
    return host if prefix in ("", "v1", "v2") else f"{host}/{prefix}"


def most_specific(entries: Mapping[str, Entry], repository: Repository) -> Entry | None:
    """The entry of the longest place that holds the repository, by whole path components."""
    components = [repository.registry.lower(), *repository.path.split("/")]
    for length in range(len(components), 0, -1):
        found = entries.get("/".join(components[:length]))
        if found is not None:
            return found
    return None
