"""The keychain: finds the credentials for a repository, and only where the settings point.

Explicit credentials first, then credential programs (`docker-credential-NAME`) by host, then the
identity that a cloud gives us, then a docker `config.json` with the programs it names. The most
specific entry wins: `ghcr.io/acme` before `ghcr.io`. The home folder is not looked into; a
command that wants its configuration passes `home_docker_config()`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from imagebot.errors import RegistryError
from imagebot.image import Repository
from imagebot.registries.accounts import BasicCredentials, most_specific, place
from imagebot.registries.clouds import CloudIdentities
from imagebot.registries.clouds.issuing import Exchange
from imagebot.registries.credential_programs import RUN_SECONDS, CredentialPrograms
from imagebot.registries.docker_config import DockerConfig, read

__all__ = ["BasicCredentials", "Keychain", "home_docker_config"]


def _no_exchange(path: str, form: Mapping[str, str]) -> bytes:
    raise RegistryError("there is no registry to exchange a token with")


class Keychain:
    """Finds the credentials for a repository. Thread-safe.

    `explicit` and `helpers` are by `host` or `host/prefix`; `helpers` gives the NAME of a
    credential program, `clouds` whose registries are entered by an identity. `docker_config` is
    read again when it has changed.
    """

    def __init__(
        self,
        explicit: Mapping[str, BasicCredentials] | None = None,
        docker_config: Path | None = None,
        helpers: Mapping[str, str] | None = None,
        *,
        clouds: CloudIdentities | None = None,
        helper_seconds: float = RUN_SECONDS,
    ) -> None:
        self._explicit = {place(key): found for key, found in (explicit or {}).items()}
        self._programs_by_place = {place(key): name for key, name in (helpers or {}).items()}
        self._programs = CredentialPrograms(helper_seconds)
        self._clouds = clouds or CloudIdentities()
        self._config_file = docker_config
        self._config = DockerConfig()
        self._config_version: tuple[int, ...] = ()
        self._lock = Lock()

    def find(
        self, repository: Repository, exchange: Exchange = _no_exchange
    ) -> BasicCredentials | None:
        """Credentials for this repository; None: ask anonymously. `exchange` asks its registry.

        Raises RegistryError when the place that should have them cannot be read: asking without
        them would only end in a stranger error.
        """
        explicit = most_specific(self._explicit, repository)
        if explicit is not None:
            return explicit
        program = most_specific(self._programs_by_place, repository)
        if program is not None:
            return self._programs.get(program, repository.registry)
        issued = self._clouds.get(repository.registry, exchange)
        if issued is not None:
            return issued
        return self._from_docker_config(repository) if self._config_file else None

    def _from_docker_config(self, repository: Repository) -> BasicCredentials | None:
        """As docker does: the program of the host or of all hosts, then what the file holds."""
        config = self._current_config()
        program = most_specific(config.programs, repository) or config.default_program
        found = self._programs.get(program, repository.registry) if program else None
        if found is not None:
            return found
        entry = most_specific(config.entries, repository)
        if isinstance(entry, RegistryError):
            raise entry.with_traceback(None)  # it is raised again and again
        return entry

    def _current_config(self) -> DockerConfig:
        if self._config_file is None:
            return DockerConfig()
        with self._lock:
            version = _version(self._config_file)
            if version != self._config_version or not version:
                self._config = read(self._config_file)
                self._config_version = version
            return self._config


def _version(path: Path) -> tuple[int, ...]:
    """Changes when the file does; empty when there is none. A mounted secret is swapped whole."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def home_docker_config(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The docker configuration of the person at the terminal, None when there is none."""
    folder = environment.get("DOCKER_CONFIG")
    path = (Path(folder) if folder else Path.home() / ".docker") / "config.json"
    return path if path.is_file() else None
