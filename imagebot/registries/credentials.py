"""Who we are to a registry: credentials, and the keychain that finds them.

Reads a docker `config.json` and runs credential programs (`docker-credential-NAME`) only where
the settings name them. The most specific entry wins: `ghcr.io/acme` before `ghcr.io`. Explicit
credentials come first, then credential programs, then the docker configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imagebot.image import Repository
from imagebot.secret import Secret

IDENTITY_TOKEN_USER = "<token>"  # noqa: S105 - docker's name for "the password is a refresh token"


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


class Keychain:
    """Finds the credentials for a repository. Thread-safe."""

    def __init__(
        self,
        explicit: Mapping[str, BasicCredentials] | None = None,
        docker_config: Path | None = None,
        helpers: Mapping[str, str] | None = None,
    ) -> None:
        self._explicit = {_normalised(key): value for key, value in (explicit or {}).items()}

    def find(self, repository: Repository) -> BasicCredentials | None:
        """Credentials for this repository; None: ask anonymously."""
        return most_specific(self._explicit, repository)


def _normalised(key: str) -> str:
    return key


def most_specific(
    entries: Mapping[str, BasicCredentials], repository: Repository
) -> BasicCredentials | None:
    parts = str(repository).split("/")
    for length in range(len(parts), 0, -1):
        found = entries.get("/".join(parts[:length]))
        if found is not None:
            return found
    return None
