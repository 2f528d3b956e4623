"""The schema of the settings file: what an administrator may write.

Pure. `settings.py` reads files, secrets and the environment and makes `Settings` of it. Secrets
never stand in the file: it names files or environment variables that hold them.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from imagebot import store_address
from imagebot.documents import (
    BRANCH_PATTERN,
    DocumentPart,
    found_words,
    read_duration,
    wrong,
)
from imagebot.errors import InvalidReference, PolicyError, SettingsError
from imagebot.forge_addresses import PROJECT, SCP_LIKE, ForgeKind, guessed_kind, guessed_project
from imagebot.hook_senders import SENDERS, Auth
from imagebot.image import parse_name
from imagebot.policy.globs import check_path
from imagebot.times import DURATION_PATTERN

PLACEHOLDERS = ("{title}", "{branch}", "{base}")
"""What a push option may hold, to be replaced for each branch."""

MIN_INTERVAL = timedelta(seconds=1)
MAX_INTERVAL = timedelta(days=30)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_OWNER = re.compile(r"(?!\.)[\w.-]+(?:/(?!\.)[\w.-]+)*")
_NAME_GLOB = re.compile(r"[\w.*?/-]{1,200}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}", re.ASCII)
_BRANCH = re.compile(BRANCH_PATTERN)
_HELPER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f<>]{1,200}")
_UNFIT_IN_OPTION = re.compile(r"[\x00-\x1f\x7f]")
_INLINE = "write the name of a file or variable that holds it"


def duration(text: Any) -> timedelta:
    """An interval between the bounds. For validators: raises a PydanticCustomError."""
    return read_duration(text, MIN_INTERVAL, MAX_INTERVAL)


def host_and_port(text: str) -> tuple[str, int]:
    """Read `127.0.0.1:8080` or `[::1]:8080`. For validators."""
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not port.isdigit() or not port.isascii() or int(port) > 65535:
        raise wrong(
            f"found {found_words(text)}, allowed: address:port", "for example 127.0.0.1:8080"
        )
    if not bare:
        raise wrong("the address before the port is missing", f"write 0.0.0.0:{port} for all")
    try:
        ipaddress.ip_address(bare)
    except ValueError as error:
        if bare != "localhost":
            raise wrong(f"{bare!r} is no IP address", "127.0.0.1, 0.0.0.0, [::1], ...") from error
    return bare, int(port)


def _matching(pattern: re.Pattern[str], what: str, *, is_shown: bool = True) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            found = found_words(text) if is_shown else "something else"
            raise wrong(f"found {found}, allowed: {what}")
        return text

    return AfterValidator(check)


def _store_url(text: str) -> str:
    try:
        store_address.read_url(text)
    except SettingsError as error:
        raise wrong(str(error), error.hint) from error
    if store_address.has_password(text):
        raise wrong("a password does not stand here", "write urlFile: /path or urlEnv: VARIABLE")
    return text


def _listen(text: str) -> str:
    host_and_port(text)
    return text


def _registry_host(host: str) -> str:
    try:
        is_host = not host.endswith(".docker.io") and parse_name(f"{host}/x").registry == host
    except InvalidReference:
        is_host = False
    if not is_host:
        hint = "write docker.io for Docker Hub" if host.endswith(".docker.io") else ""
        allowed = "the host of a registry as in image references: ghcr.io, registry.local:5000"
        raise wrong(f"found {found_words(host)}, allowed: {allowed}", hint)
    return host


def _registry_place(place: str) -> str:
    """`host[:port][/prefix]`."""
    host = place.partition("/")[0]
    _registry_host(host)
    try:
        parse_name(f"{place}/x")
    except InvalidReference as error:
        allowed = "HOST or HOST/PREFIX: harbor.example.org, harbor.example.org/mirror"
        raise wrong(f"found {found_words(place)}, allowed: {allowed}") from error
    return place


def _plain_path(path: str) -> str:
    if not path or "\x00" in path or "\n" in path:
        raise wrong("found no path of a file", _INLINE)
    return path


def _file_glob(text: str) -> str:
    try:
        check_path(text)
    except PolicyError as error:
        raise wrong(str(error), error.hint) from error
    return text


def _push_option(option: str) -> str:
    if _UNFIT_IN_OPTION.search(option) or not option.strip() or len(option) > 500:
        raise wrong("found no push option, which is one line of at most 500 characters")
    for found in re.findall(r"\{[^{}]*\}?|\}", option):
        if found not in PLACEHOLDERS:
            raise wrong(f"found {found_words(found)}, allowed: {', '.join(PLACEHOLDERS)}")
    return option


def _http_url(url: str) -> str:
    parts = _split_url(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise wrong("found no web address, allowed: https://...")
    if parts.username is not None or parts.password is not None:
        raise wrong("the address holds credentials", "write them under tokenFile or tokenEnv")
    return url


def _split_url(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _git_url(url: str) -> str:
    """Refuse what git would read as an option, a remote helper or a password."""
    if url.startswith("-") or re.search(r"[\x00-\x20\x7f]", url) or "::" in url.partition("/")[0]:
        raise wrong("found no address that git may be given", "https://, ssh:// or user@host:path")
    if url.startswith(("/", "./", "../")):
        raise wrong("found a path", "write file:///... and set git: {allowFile: true}")
    if "://" not in url and SCP_LIKE.fullmatch(url):
        return url
    parts = _split_url(url)
    if parts is None or parts.scheme not in ("https", "http", "ssh", "file"):
        raise wrong("found no address of a git repository", "https://, ssh:// or user@host:path")
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise wrong("the address holds credentials", "write git: {username, passwordFile} instead")
    if parts.scheme != "file" and (not parts.hostname or parts.hostname.startswith("-")):
        raise wrong("the address has no host")
    return url


Duration = Annotated[
    timedelta,
    BeforeValidator(duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
RememberedDuration = Annotated[
    timedelta,
    BeforeValidator(lambda text: read_duration(text, timedelta(hours=1), timedelta(days=3650))),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
FilePath = Annotated[str, AfterValidator(_plain_path)]
Variable = Annotated[
    str, _matching(_VARIABLE, "the name of an environment variable", is_shown=False)
]
RegistryHost = Annotated[str, AfterValidator(_registry_host)]
OneLine = Annotated[str, _matching(_ONE_LINE, "one line without < and >")]


NameGlob = Annotated[str, _matching(_NAME_GLOB, "a glob of * and ? on names")]
CloudName = Literal["aws", "azure", "gcp"]


def _one_source(file: str | None, variable: str | None, what: str) -> None:
    if file is not None and variable is not None:
        raise wrong(f"both {what}File and {what}Env are written", "keep one", key=f"{what}Env")


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
    project: Annotated[str, _matching(PROJECT, "owner/name")] | None = Field(
        default=None,
        description="owner/name, for Azure DevOps organization/project/name; guessed from the URL.",
    )
    api_url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        default=None, description="Of a forge of your own; guessed from the URL."
    )
    username: OneLine | None = Field(
        default=None, description="Whose the token is, where Bitbucket has to know."
    )
    push_options: tuple[Annotated[str, AfterValidator(_push_option)], ...] = Field(
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
        _one_source(self.token_file, self.token_env, "token")
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
        _one_source(self.password_file, self.password_env, "password")
        if self.username and not (self.password_file or self.password_env):
            raise wrong("a username without passwordFile or passwordEnv", key="username")
        if self.ssh_key_file and not self.known_hosts_file:
            hint = "write knownHostsFile; ssh-keyscan HOST makes one, check it"
            raise wrong("an SSH key without the host keys to trust", hint, key="sshKeyFile")
        return self


class RepositoryPart(DocumentPart):
    """A git repository to keep up to date."""

    name: Annotated[str, _matching(_NAME, "letters, digits and . _ -, at most 63")] = Field(
        description="What commands and messages call it."
    )
    url: Annotated[str, AfterValidator(_git_url)] = Field(
        description="https, ssh or user@host:path."
    )
    base: Annotated[str, _matching(_BRANCH, "the name of a branch")] | None = Field(
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
        _one_source(self.password_file, self.password_env, "password")
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

    owner: Annotated[str, _matching(_OWNER, "an owner's name, or group/subgroup")] = Field(
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
    files: tuple[Annotated[str, AfterValidator(_file_glob)], ...] = Field(
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


class PollingPart(DocumentPart):
    """Bounds of the time between two listings of one image repository's tags."""

    min: Duration | None = Field(
        default=None, description="Soon after a change; a fifth of interval when left out."
    )
    max: Duration | None = Field(
        default=None, description="After long quiet; three times interval when left out."
    )

    def bounds(self, interval: timedelta) -> tuple[timedelta, timedelta]:
        """Both, with what is left out made of the general interval and of each other."""
        least = self.min or min(interval / 5, self.max or interval)
        return least, self.max or max(interval * 3, least)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min and self.max and self.max < self.min:
            raise wrong("max is shorter than min", "write max: as long, or longer", key="max")
        return self


class TokenPart(DocumentPart):
    """What a token of an identity provider has to say (OpenID Connect)."""

    issuer: Annotated[str, AfterValidator(_http_url)] | None = Field(
        default=None, description="Google when left out, for the sender google."
    )
    audience: OneLine = Field(description="What the token is made for.")
    keys_url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        default=None, description="Its JWKS; known for the well-known issuers."
    )
    internal: bool = Field(
        default=False, description="Its keys may be at a private or loopback address, and http://."
    )
    email: OneLine | None = Field(default=None, description="Of the service account that sends.")
    subject: OneLine | None = Field(default=None, description="The claim sub.")
    claims: dict[OneLine, OneLine] = Field(
        default_factory=dict, max_length=20, description="Further claims, and what each must be."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.email or self.subject or self.claims):
            hint = "anybody may have tokens of this issuer: write email, subject or claims"
            raise wrong("nothing says whose token it has to be", hint)
        if not self.internal and (self.keys_url or "").startswith("http://"):
            hint = "write https://; with internal: true it may be http://"
            raise wrong("whoever stands between could send other keys", hint, key="keysUrl")
        return self


class HookPart(DocumentPart):
    """Who may wake imagebot by `/hooks/<sender>/<name>`."""

    refused: ClassVar[Mapping[str, str]] = {
        "secret": "secrets do not stand here; write secretFile: /path or secretEnv: VARIABLE"
    }

    sender: str = Field(description="Its kind.", json_schema_extra={"enum": [*SENDERS]})
    name: Annotated[str, _matching(_NAME, "letters, digits and . _ -, at most 63")] = Field(
        description="The last part of its address."
    )
    auth: Literal["signature", "header", "url", "oidc"] | None = Field(
        default=None, description="How it proves itself; the sender's usual way when left out."
    )
    secret_file: FilePath | None = Field(default=None, description="Holds the shared secret.")
    secret_env: Variable | None = Field(default=None, description="Holds the shared secret.")
    previous_secret_file: FilePath | None = Field(
        default=None, description="Still good, while the sender gets the new one."
    )
    previous_secret_env: Variable | None = Field(default=None, description="The same.")
    header: Annotated[str, _matching(_HEADER, "the name of a header")] | None = Field(
        default=None, description="Where the secret is, with auth: header."
    )
    registry: Annotated[str, AfterValidator(_registry_place)] | None = Field(
        default=None, description="HOST[/PREFIX] in the place of what the sender calls it."
    )
    token: TokenPart | None = Field(default=None, description="With auth: oidc.")
    per_minute: int = Field(
        default=300, ge=1, le=60_000, description="Deliveries that are taken in a minute."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        facts = SENDERS.get(self.sender)
        if facts is None:
            raise wrong(
                f"found {found_words(self.sender)}, allowed: {', '.join(SENDERS)}", key="sender"
            )
        _one_source(self.secret_file, self.secret_env, "secret")
        _one_source(self.previous_secret_file, self.previous_secret_env, "previousSecret")
        auth = Auth(self.auth) if self.auth else facts.auths[0]
        if auth not in facts.auths:
            allowed = ", ".join(facts.auths)
            raise wrong(f"{self.sender} cannot do {auth}, allowed: {allowed}", key="auth")
        has_secret = bool(self.secret_file or self.secret_env)
        if auth is Auth.OIDC and self.token is None:
            raise wrong(
                "what its token has to say is missing", "write audience and email", key="token"
            )
        if auth is not Auth.OIDC and not has_secret:
            hint = "write secretFile or secretEnv; `openssl rand -hex 32` makes a good one"
            raise wrong("a hook without a secret is open to everybody", hint, key="secretFile")
        if (auth is Auth.OIDC) == has_secret or (auth is not Auth.OIDC and self.token):
            raise wrong(f"a secret and a token, with auth: {auth}", "keep the one that is used")
        if self.header and auth is not Auth.HEADER:
            raise wrong(f"a header, with auth: {auth}", "remove it", key="header")
        if facts.has_no_host and not self.registry:
            hint = "write registry: HOST, as in image references"
            raise wrong(f"{self.sender} does not tell its registry's host", hint, key="registry")
        if self.token and not (self.token.issuer or self.sender == "google"):
            raise wrong("who signs the token is missing", "write issuer: https://...", key="token")
        return self


class HistoryPart(DocumentPart):
    """How much of the past is remembered. Forgetting it costs nothing else."""

    runs: int = Field(default=100, ge=1, le=10_000, description="Runs of each git repository.")
    age: RememberedDuration = Field(
        default=timedelta(days=90),
        description="Of decisions that changed, and of pull requests that ended.",
    )


Level = Literal["proposed", "merged", "failed", "stalled", "held"]


class NotificationPart(DocumentPart):
    """Somebody to tell, by a URL of Apprise, which is a secret."""

    refused: ClassVar[Mapping[str, str]] = {
        "url": "the URL is a secret, which does not stand here; write urlFile or urlEnv",
    }

    name: Annotated[str, _matching(_NAME, "letters, digits, . _ -")] | None = Field(
        default=None, description="In logs and metrics; its variable or file when left out."
    )
    url_file: FilePath | None = Field(default=None, description="A file that holds the URL.")
    url_env: Variable | None = Field(default=None, description="A variable that holds the URL.")
    on: Annotated[tuple[Level, ...], Field(min_length=1)] = Field(
        default=("proposed", "merged", "failed", "stalled"), description="What is told."
    )
    repositories: tuple[NameGlob, ...] = Field(
        default=(), max_length=100, description="Globs of names; all when left out."
    )
    remind: RememberedDuration | None = Field(
        default=None,
        description="Tell again of requests that are open, and of what is stalled, so often.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _one_source(self.url_file, self.url_env, "url")
        if self.url_file is None and self.url_env is None:
            raise wrong("nothing says where to tell it", "write urlFile or urlEnv", key="urlEnv")
        return self

    @property
    def shown_name(self) -> str:
        """What logs and metrics call it."""
        return self.name or self.url_env or PurePath(self.url_file or "").name


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


class StorePart(DocumentPart):
    """Where the store is."""

    refused: ClassVar[Mapping[str, str]] = {
        "password": "it is a part of the URL; write urlFile: /path or urlEnv: VARIABLE"
    }

    url: Annotated[str, AfterValidator(_store_url)] | None = Field(
        default=None, description="postgresql://user@host/database, without a password."
    )
    url_file: FilePath | None = Field(default=None, description="Holds a URL with a password.")
    url_env: Variable | None = Field(default=None, description="Names a variable with the URL.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        named = [name for name in (self.url, self.url_file, self.url_env) if name is not None]
        if len(named) != 1:
            raise wrong("exactly one of url, urlFile and urlEnv says where the store is")
        return self


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
    listen: Annotated[str, AfterValidator(_listen)] = Field(
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
        RegistryHost, Annotated[str, _matching(_HELPER, "NAME of docker-credential-NAME")]
    ] = Field(default_factory=dict, description="Helper by registry host.")
    cloud_identity: tuple[CloudName, ...] = Field(
        default=(),
        description="Clouds whose registries are entered by the identity they give the process.",
    )
