"""The parts of the settings file that say where things are: git repositories, forges, registries.

Pure. Also how each is signed in to, by the names of files and variables that hold the secrets.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema, model_validator

from imagebot.documents import DocumentPart, wrong
from imagebot.errors import SettingsError
from imagebot.forge_addresses import PROJECT, ForgeKind, guessed_kind, guessed_project
from imagebot.settings_fields import (
    BRANCH,
    NAME,
    OWNER,
    CloudName,
    Duration,
    FilePath,
    Matching,
    NameGlob,
    OneLine,
    RegistryHost,
    Variable,
    agit_option,
    file_glob,
    git_url,
    http_url,
    one_source,
    push_option,
)


class GitHubApp(DocumentPart):
    """A GitHub App in the place of a token."""

    refused: ClassVar[Mapping[str, str]] = {"privateKey": "write privateKeyFile: /path/of/the.pem"}

    id: str | int = Field(description="The App's id or client id.")
    private_key_file: FilePath = Field(description="PEM file that GitHub handed out.")
    installation_id: int | None = Field(default=None, description="Asked for when left out.")


class ForgePart(DocumentPart):
    """Where pull requests are opened."""

    refused: ClassVar[Mapping[str, str]] = {
        "token": "secrets do not stand here; write tokenFile: /path or tokenEnv: VARIABLE"
    }

    type: ForgeKind | None = Field(
        default=None, description="Guessed for the public forges; else plain."
    )
    project: Annotated[str, Matching(PROJECT, "owner/name")] | None = Field(
        default=None,
        description="owner/name, for Azure DevOps organization/project/name; guessed from the URL.",
    )
    api_url: Annotated[str, AfterValidator(http_url)] | None = Field(
        default=None, description="Of a forge of your own; guessed from the URL."
    )
    username: OneLine | None = Field(
        default=None, description="Whose the token is, where Bitbucket has to know."
    )
    push_options: tuple[Annotated[str, AfterValidator(push_option)], ...] = Field(
        default=(),
        max_length=20,
        description="Of plain Git: what each push of a branch tells the server.",
    )
    agit: bool = Field(
        default=False,
        description="Of plain Git: open requests of Gitea or Forgejo by pushes to refs/for/.",
    )
    token_file: FilePath | None = Field(default=None, description="Holds the token.")
    token_env: Variable | None = Field(default=None, description="Holds the token.")
    app: GitHubApp | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_source(self.token_file, self.token_env, "token")
        if self.app and (self.token_file or self.token_env):
            raise wrong("both an App and a token are written", "keep one", key="app")
        if self.app and self.type not in (None, "github"):
            raise wrong(f"an App does not fit the forge {self.type}", key="app")
        if self.username and self.type not in (None, "bitbucket", "bitbucket-server"):
            hint = "for git itself write git: {username, passwordFile}"
            raise wrong(f"a username does not fit the forge {self.type}", hint, key="username")
        return self


class GitPart(DocumentPart):
    """How the git repository itself is reached."""

    refused: ClassVar[Mapping[str, str]] = {
        "password": "secrets do not stand here; write passwordFile: /path or passwordEnv: VARIABLE"
    }

    username: OneLine | None = Field(
        default=None, description="For git over HTTPS, where the forge's token is not for git."
    )
    password_file: FilePath | None = Field(default=None, description="Holds the password.")
    password_env: Variable | None = Field(default=None, description="Holds the password.")
    ssh_key_file: FilePath | None = Field(
        default=None, description="A private key without passphrase, for git over SSH."
    )
    known_hosts_file: FilePath | None = Field(
        default=None, description="The host keys to trust over SSH."
    )
    ca_file: FilePath | None = Field(default=None, description="PEM certificates to trust.")
    allow_file: bool = Field(default=False, description="Allow file:// addresses.")
    allow_http: bool = Field(default=False, description="Allow http:// for git and the forge.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_source(self.password_file, self.password_env, "password")
        if self.username and not (self.password_file or self.password_env):
            raise wrong("a username without passwordFile or passwordEnv", key="username")
        if self.ssh_key_file and not self.known_hosts_file:
            hint = "write knownHostsFile; ssh-keyscan HOST makes one, check it"
            raise wrong("an SSH key without the host keys to trust", hint, key="sshKeyFile")
        return self


class RepositoryPart(DocumentPart):
    """A git repository to keep up to date."""

    name: Annotated[str, Matching(NAME, "letters, digits and . _ -, at most 63")] = Field(
        description="What commands and messages call it."
    )
    url: Annotated[
        str,
        AfterValidator(git_url),
        WithJsonSchema({"type": "string", "minLength": 1}),
    ] = Field(description="https, ssh or user@host:path.")
    base: Annotated[str, Matching(BRANCH, "the name of a branch")] | None = Field(
        default=None, description="The branch to keep up to date; the remote's HEAD when left out."
    )
    mode: Literal["pull-request", "direct"] = Field(
        default="pull-request", description="direct: commit to the base branch."
    )
    interval: Duration | None = Field(default=None, description="Instead of the general one.")
    forge: ForgePart = Field(default_factory=ForgePart)
    git: GitPart = Field(default_factory=GitPart)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.url.startswith("file://") and not self.git.allow_file:
            raise wrong("file:// is not allowed", "set git: {allowFile: true}", key="url")
        for key, url in (("url", self.url), ("forge.apiUrl", self.forge.api_url or "")):
            if url.startswith("http://") and not self.git.allow_http:
                hint = "write https://, or set git: {allowHttp: true}"
                raise wrong("http:// sends secrets in the clear", hint, key=key)
        kind = self.forge.type or guessed_kind(self.url)
        for key, value in (("pushOptions", self.forge.push_options), ("agit", self.forge.agit)):
            if value and (kind != "plain" or self.mode == "direct"):
                hint = "write forge: {type: plain, ...} and mode: pull-request"
                raise wrong(f"{key} is for branches of plain Git", hint, key=f"forge.{key}")
        if self.forge.agit:
            for option in self.forge.push_options:
                agit_option(option)
        if self.forge.app and kind != "github":
            raise wrong("an App needs the forge type github", key="forge.app")
        project = self.forge.project or guessed_project(self.url, kind)
        form = "organization/project/name" if kind == "azure-devops" else "owner/name"
        if kind != "plain" and not project:
            raise wrong("the forge's project is missing", f"write project: {form}", key="forge")
        if project and kind == "azure-devops" and project.count("/") != 2:
            raise wrong("the forge's project has not three parts", f"write {form}", key="forge")
        return self


class RegistryPart(DocumentPart):
    """An image registry that needs more than anonymous TLS on public addresses."""

    refused: ClassVar[Mapping[str, str]] = GitPart.refused

    host: RegistryHost = Field(description="host[:port] as in image references.")
    insecure: bool = Field(default=False, description="Plain HTTP.")
    internal: bool = Field(default=False, description="Private and loopback addresses allowed.")
    ca_file: FilePath | None = Field(default=None, description="PEM certificates to trust.")
    token_servers: tuple[RegistryHost, ...] = Field(
        default=(), max_length=20, description="Other hosts that may be given its credentials."
    )
    concurrency: int = Field(default=8, ge=1, le=64, description="Requests at one time.")
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Requests in a minute, of all replicas together.",
    )
    kind: Literal["distribution", "quay", "harbor", "google", "acr"] | None = Field(
        default=None,
        description="Whose API tells when tags were pushed; guessed for well-known hosts.",
    )
    username: OneLine | None = Field(default=None, description="Belongs to a password.")
    password_file: FilePath | None = Field(default=None, description="Holds the password.")
    password_env: Variable | None = Field(default=None, description="Holds the password.")
    identity: CloudName | None = Field(
        default=None, description="Sign in by the identity that this cloud gives the process."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_source(self.password_file, self.password_env, "password")
        if self.identity and self.username:
            raise wrong("both an identity and a user name are written", "keep one", key="identity")
        has_password = bool(self.password_file or self.password_env)
        if bool(self.username) != has_password:
            hint = "write username and passwordFile (or passwordEnv)"
            raise wrong("a username and a password belong together", hint, key="username")
        return self


_OWNED_KINDS = ("github", "gitlab", "gitea", "forgejo")


def checked_repository(entry: Mapping[str, Any]) -> RepositoryPart:
    """A git repository that no settings file names, checked as if one did. Raises SettingsError."""
    try:
        return RepositoryPart.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        context = first.get("ctx", {})
        message = str(context.get("message", first["msg"]))
        raise SettingsError(f"not the URL of a git repository: {message}") from error


class OwnerPart(DocumentPart):
    """All git repositories of an organisation, a person, or a group with its subgroups."""

    owner: Annotated[str, Matching(OWNER, "an owner's name, or group/subgroup")] = Field(
        description="Organisation or person; on GitLab the group's whole path."
    )
    forge: ForgePart = Field(description="As of a repository, with its type and without project.")
    git: GitPart = Field(default_factory=GitPart)
    names: tuple[NameGlob, ...] = Field(
        default=(), max_length=100, description="Globs of names to take; all when left out."
    )
    exclude: tuple[NameGlob, ...] = Field(
        default=(), max_length=100, description="Globs of names to leave out."
    )
    topics: tuple[OneLine, ...] = Field(
        default=(), max_length=20, description="One of them is needed."
    )
    files: tuple[Annotated[str, AfterValidator(file_glob)], ...] = Field(
        default=("**/imagebot.yaml",),
        max_length=20,
        description="A file of which one has to exist on the default branch; [] takes all.",
    )
    forks: bool = Field(default=False, description="Take forks too.")
    every: Duration = Field(default=timedelta(hours=1), description="Time between two lists.")
    mode: Literal["pull-request", "direct"] = Field(
        default="pull-request", description="direct: commit to the base branch."
    )
    interval: Duration | None = Field(default=None, description="Instead of the general one.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.forge.type not in _OWNED_KINDS:
            hint = f"write forge: {{type: {' | '.join(_OWNED_KINDS)}, ...}}"
            raise wrong("the forge's type is missing or cannot list an owner", hint, key="forge")
        if self.forge.project:
            raise wrong("a project is written beside an owner", "keep one", key="forge.project")
        if self.forge.type in ("gitea", "forgejo") and not self.forge.api_url:
            raise wrong("the forge's address is missing", "write apiUrl: https://...", key="forge")
        if (self.forge.api_url or "").startswith("http://") and not self.git.allow_http:
            hint = "write https://, or set git: {allowHttp: true}"
            raise wrong("http:// sends secrets in the clear", hint, key="forge.apiUrl")
        if self.forge.type != "gitlab" and "/" in self.owner:
            raise wrong("an owner of this forge has no slash", key="owner")
        return self
