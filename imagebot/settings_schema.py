"""The schema of the settings file: what an administrator may write.

Pure. `settings.py` reads files, secrets and the environment and makes `Settings` of it. Secrets
never stand in the file: it names files or environment variables that hold them. The parts are
settings_places.py and settings_service.py, their values settings_fields.py.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from imagebot.documents import DocumentPart, wrong
from imagebot.forge_addresses import guessed_kind
from imagebot.settings_fields import (
    HELPER,
    CloudName,
    Duration,
    FilePath,
    Matching,
    OneLine,
    RegistryHost,
    listen_address,
)
from imagebot.settings_places import OwnerPart, RegistryPart, RepositoryPart
from imagebot.settings_service import (
    HistoryPart,
    HookPart,
    NotificationPart,
    PollingPart,
    ReconcilingPart,
    StorePart,
)


class Signing(DocumentPart):
    """What signs the commits: a key of ours, or the forge."""

    refused: ClassVar[Mapping[str, str]] = {
        "key": "secrets do not stand here; write keyFile: /path/of/the/private/key",
        "passphrase": "nobody is there to type it; name a key without one under keyFile",
    }

    format: Literal["ssh", "openpgp"] | None = Field(
        default=None, description="ssh needs ssh-keygen, openpgp gpg."
    )
    key_file: FilePath | None = Field(
        default=None, description="A private key without passphrase, as text."
    )
    by: Literal["forge"] | None = Field(
        default=None, description="GitHub signs what its App commits; takes no key."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.by and (self.format or self.key_file):
            hint = "keep one: by: forge, or format with keyFile"
            raise wrong("both the forge and a key are to sign", hint, key="by")
        if not self.by and not (self.format and self.key_file):
            hint = "write format: ssh (or openpgp) and keyFile, or by: forge"
            raise wrong("format and keyFile belong together", hint)
        return self


class Author(DocumentPart):
    """Who the commits are by."""

    name: OneLine = Field(default="imagebot", description="Name of the commits.")
    email: OneLine = Field(
        default="imagebot@users.noreply.example", description="E-mail address of the commits."
    )
    signing: Signing | None = None


def _unique_notifications(items: tuple[NotificationPart, ...]) -> tuple[NotificationPart, ...]:
    names = [item.shown_name for item in items]
    for name in names:
        if names.count(name) > 1:
            raise wrong(f"two notifications are called {name!r}", "give each a name of its own")
    return items


def _unique_names(items: tuple[RepositoryPart, ...]) -> tuple[RepositoryPart, ...]:
    names = [item.name for item in items]
    for name in names:
        if names.count(name) > 1:
            raise wrong(f"two git repositories are called {name!r}", "rename one of the two")
    return items


def _unique_hosts(items: tuple[RegistryPart, ...]) -> tuple[RegistryPart, ...]:
    hosts = [item.host for item in items]
    for host in hosts:
        if hosts.count(host) > 1:
            raise wrong(f"the registry {host!r} is listed twice", "keep one")
    return items


def _unique_hooks(items: tuple[HookPart, ...]) -> tuple[HookPart, ...]:
    names = [f"{item.sender}/{item.name}" for item in items]
    for name in names:
        if names.count(name) > 1:
            raise wrong(f"the hook {name!r} is listed twice", "rename one of the two")
    return items


class SettingsDocument(DocumentPart):
    """The settings of the process."""

    api_version: Literal["imagebot.dev/v1alpha1"] = Field(description="Of this form of settings.")
    kind: Literal["Settings"] = Field(description="What the document is.")
    data_dir: FilePath | None = Field(default=None, description="Clones and the store.")
    store: StorePart | None = Field(
        default=None, description="A database elsewhere; imagebot.sqlite in dataDir when left out."
    )
    interval: Duration = Field(
        default=timedelta(minutes=5), description="Time between two looks: 90s, 5m, 1h30m."
    )
    jitter: float = Field(
        default=0.1, ge=0, le=0.5, description="Ratio by which the interval varies, at random."
    )
    polling: PollingPart = Field(
        default_factory=PollingPart, description="How often image repositories are asked."
    )
    reconciling: ReconcilingPart = Field(
        default_factory=ReconcilingPart, description="How many git repositories at a time."
    )
    listen: Annotated[str, AfterValidator(listen_address)] = Field(
        default="127.0.0.1:8080", description="Where /healthz and /metrics answer."
    )
    author: Author = Field(default_factory=Author)
    repositories: Annotated[tuple[RepositoryPart, ...], AfterValidator(_unique_names)] = ()
    owners: tuple[OwnerPart, ...] = Field(
        default=(), max_length=100, description="Whose git repositories are looked for."
    )
    registries: Annotated[tuple[RegistryPart, ...], AfterValidator(_unique_hosts)] = ()
    hooks: Annotated[tuple[HookPart, ...], AfterValidator(_unique_hooks)] = ()
    history: HistoryPart = Field(default_factory=HistoryPart)
    notifications: Annotated[
        tuple[NotificationPart, ...], AfterValidator(_unique_notifications)
    ] = Field(default=(), max_length=50, description="Who is told what changed.")
    docker_config: FilePath | None = Field(
        default=None, description="A docker config.json with credentials of registries."
    )
    credential_helpers: dict[
        RegistryHost, Annotated[str, Matching(HELPER, "NAME of docker-credential-NAME")]
    ] = Field(default_factory=dict, description="Helper by registry host.")
    cloud_identity: tuple[CloudName, ...] = Field(
        default=(),
        description="Clouds whose registries are entered by the identity they give the process.",
    )

    @model_validator(mode="after")
    def _has_forges_that_sign(self) -> Self:
        if not (self.author.signing and self.author.signing.by):
            return self
        repositories = [
            (each.forge.type or guessed_kind(each.url), each.forge) for each in self.repositories
        ]
        owners = [(each.forge.type, each.forge) for each in self.owners]
        for name, places in (("repositories", repositories), ("owners", owners)):
            for index, (kind, forge) in enumerate(places):
                if kind != "github" or not forge.app:
                    hint = "author.signing by: forge is for GitHub with an App; sign by a key here"
                    key = f"{name}.{index}.forge"
                    raise wrong("this forge signs no commits of imagebot", hint, key=key)
        return self
