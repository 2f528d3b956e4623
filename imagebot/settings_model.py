"""What the settings say, after everything that they name was read. Frozen, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from imagebot.forge_addresses import ForgeKind
from imagebot.hook_senders import Auth
from imagebot.secret import Secret
from imagebot.store_address import StoreAddress


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """What commits are signed with: a private key, and the file that held it."""

    format: Literal["ssh", "openpgp"]
    key: Secret
    file: Path


@dataclass(frozen=True, slots=True)
class Author:
    """Who the commits are by, and what signs them: a key, or the forge in an App's name."""

    name: str = "imagebot"
    email: str = "imagebot@users.noreply.example"
    signing: SigningSettings | Literal["forge"] | None = None


@dataclass(frozen=True, slots=True)
class AppSettings:
    """A GitHub App. `installation_id` None: the App is asked."""

    id: str
    private_key: Secret
    installation_id: int | None = None


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """Where pull requests are opened. `api_url` None: the public one of its kind.

    `username` is whose the token is, where the forge has to be told. `push_options` are those of
    plain Git, with their placeholders; `agit`: it pushes to `refs/for/`.
    """

    type: ForgeKind = "plain"
    project: str = ""
    api_url: str | None = None
    token: Secret | None = None
    app: AppSettings | None = None
    username: str | None = None
    push_options: tuple[str, ...] = ()
    agit: bool = False


@dataclass(frozen=True, slots=True)
class GitSettings:
    """How the git repository itself is reached."""

    username: str | None = None
    password: Secret | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None
    ca_file: Path | None = None
    allow_file: bool = False
    allow_http: bool = False


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """A git repository to keep up to date. `base` None: the branch of the remote's HEAD."""

    name: str
    url: str
    interval: timedelta
    base: str | None = None
    mode: Literal["pull-request", "direct"] = "pull-request"
    forge: ForgeSettings = field(default_factory=ForgeSettings)
    git: GitSettings = field(default_factory=GitSettings)


@dataclass(frozen=True, slots=True)
class OwnerSettings:
    """Whose git repositories are looked for, which of them are taken, and how often he is asked.

    `forge` has no project. `names`, `exclude`, `topics`, `files`: see `owned.Wanted`.
    """

    owner: str
    forge: ForgeSettings
    git: GitSettings
    interval: timedelta
    every: timedelta = timedelta(hours=1)
    mode: Literal["pull-request", "direct"] = "pull-request"
    names: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    forks: bool = False


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """An image registry that needs more than anonymous TLS. `kind` None: known by its host."""

    host: str
    insecure: bool = False
    internal: bool = False
    ca_file: Path | None = None
    token_servers: tuple[str, ...] = ()
    concurrency: int = 8
    username: str | None = None
    password: Secret | None = None
    kind: Literal["distribution", "quay", "harbor", "google", "acr"] | None = None
    identity: Literal["aws", "azure", "gcp"] | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """What a signed token has to say: who signed it, for whom, and on whose behalf."""

    issuer: str
    audience: str
    keys_url: str
    email: str = ""
    subject: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    is_internal: bool = False  # its keys may be at a private address


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Who may wake us by `/hooks/<sender>/<name>`, and how it proves itself.

    `secrets`: the present one, and the one before while it is being replaced; none with a token.
    `registry`: `HOST[/PREFIX]` in the place of what the sender calls it; "" as it says.
    """

    sender: str
    name: str
    auth: Auth
    secrets: tuple[Secret, ...] = ()
    header: str = ""
    registry: str = ""
    token: TokenSettings | None = None
    per_minute: int = 300


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """How much of the past is remembered: runs of each git repository, and ages."""

    runs: int = 100
    age: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """Somebody to tell. `url` is Apprise's, `repositories` globs; none means all of them.

    `remind` None: nothing is told twice.
    """

    name: str
    url: Secret
    on: tuple[str, ...]
    repositories: tuple[str, ...] = ()
    remind: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Address and port of the small web server; port 0 lets the system choose."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Polling:
    """Bounds of the time between two listings of one image repository."""

    least: timedelta = timedelta(minutes=1)
    most: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Reconciling:
    """How many git repositories are reconciled at a time, and when one is given up."""

    workers: int = 4
    deadline: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it, checked. `jitter` is a ratio of the interval.

    `file` is the settings file, `files` are it and all others that were read.
    """

    data_dir: Path
    store: StoreAddress | None = None  # None: a file in the data folder
    interval: timedelta = timedelta(minutes=5)
    jitter: float = 0.1
    polling: Polling = field(default_factory=Polling)
    reconciling: Reconciling = field(default_factory=Reconciling)
    listen: Listen = Listen("127.0.0.1", 8080)
    author: Author = field(default_factory=Author)
    repositories: tuple[RepositorySettings, ...] = ()
    owners: tuple[OwnerSettings, ...] = ()
    registries: tuple[RegistrySettings, ...] = ()
    history: HistorySettings = field(default_factory=HistorySettings)
    notifications: tuple[NotificationSettings, ...] = ()
    docker_config: Path | None = None
    credential_helpers: Mapping[str, str] = field(default_factory=dict)
    cloud_identity: tuple[Literal["aws", "azure", "gcp"], ...] = ()
    hooks: tuple[HookSettings, ...] = ()
    file: Path | None = field(default=None, compare=False)
    files: tuple[Path, ...] = field(default=(), compare=False)
