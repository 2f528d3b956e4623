"""Reads a docker `config.json`, or a Kubernetes pull secret, which has the same form.

docker-py decodes each entry on its own: handed the whole file, it gives up on all entries when
one is broken, and it overlooks entries that have `username` and `password` but no `auth`, which
Kubernetes allows. A broken entry is kept as the error it is, for whoever asks for that place.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagebot.errors import RegistryError
from imagebot.registries.accounts import IDENTITY_TOKEN_USER, BasicCredentials, place
from imagebot.secret import Secret

MAX_CONFIG_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DockerConfig:
    """Entries and credential programs by place; `default_program` serves every other host."""

    entries: Mapping[str, BasicCredentials | RegistryError] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    default_program: str | None = None


def read(path: Path) -> DockerConfig:
    """Raises RegistryError when there is no such file or it is no JSON object."""
    document = _document(path)
    auths = document.get("auths")
    if auths is None and not {"credsStore", "credHelpers"} & document.keys():
        # the old `.dockercfg`: the entries alone
        auths = {key: value for key, value in document.items() if isinstance(value, dict)}
    entries: dict[str, BasicCredentials | RegistryError] = {}
    for key, entry in _mapping(auths).items():
        found = _credentials(key, entry, path)
        if found is not None:
            entries[place(key)] = found
    programs = _mapping(document.get("credHelpers"))
    default = document.get("credsStore")
    return DockerConfig(
        entries,
        {place(key): name for key, name in programs.items() if isinstance(name, str)},
        default if isinstance(default, str) and default else None,
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_CONFIG_BYTES + 1)
        document = json.loads(content) if len(content) <= MAX_CONFIG_BYTES else None
    except OSError as error:
        raise RegistryError(
            f"the docker configuration {path} cannot be read: {error.strerror}",
            hint="check the path in the settings and the file's permissions",
        ) from error
    except (ValueError, RecursionError):
        document = None  # the parser's message may quote the file
    if not isinstance(document, dict):
        raise RegistryError(f"the docker configuration {path} is not a JSON object")
    return document


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _credentials(key: str, entry: object, path: Path) -> BasicCredentials | RegistryError | None:
    """None for an empty entry, which docker writes beside a credentials store."""
    broken = RegistryError(
        f"the entry {key!r} of {path} cannot be read",
        hint="`auth` is the base64 of user:password; `docker login` writes it so",
    )
    if not isinstance(entry, dict):
        return broken
    source = f"{path} ({key})"
    if entry.get("auth") or entry.get("identitytoken"):
        found = _decoded(key, entry)
        if found is None:
            return broken
        if "IdentityToken" in found:
            return BasicCredentials(IDENTITY_TOKEN_USER, Secret(found["IdentityToken"]), source)
        return BasicCredentials(found["username"], Secret(found["password"]), source)
    username, password = entry.get("username"), entry.get("password")
    if not username and not password:
        return None
    if not isinstance(username, str) or not isinstance(password, str):
        return broken
    return BasicCredentials(username, Secret(password), source)


def _decoded(key: str, entry: dict[str, Any]) -> dict[str, str] | None:
    import docker.auth  # here: it brings the whole engine client, and most runs need none of it

    kept = {name: entry[name] for name in ("auth", "identitytoken") if entry.get(name)}
    try:
        found = docker.auth.parse_auth({key: kept}, raise_on_error=True)[key]
    except (ValueError, TypeError, AttributeError):
        return None  # the reason may quote the secret
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    return texts if texts.keys() >= {"IdentityToken"} or "password" in texts else None
