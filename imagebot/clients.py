"""Settings -> the real registries, forges, git clones and store; the one place that builds them.

Nothing is decided here. A `Built` is made once for a command or for the life of the controller;
connections, tokens and the store are shared by everything that is reconciled with it.
"""

import hashlib
import logging
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from imagebot import carrying, checkout, reconcile, recording, settings
from imagebot.carrying.branches import Branch
from imagebot.database import Database
from imagebot.describing import Describer
from imagebot.errors import SettingsError, StoreError, UsageError
from imagebot.fleet import Finder, Fleet
from imagebot.forge_addresses import PUBLIC_URLS, is_hosted_by
from imagebot.forges.azure_devops import AzureDevOps
from imagebot.forges.bitbucket import Bitbucket
from imagebot.forges.bitbucket_server import BitbucketServer
from imagebot.forges.credentials import AppCredentials, TokenCredentials
from imagebot.forges.gitea import Forgejo, Gitea
from imagebot.forges.github import GitHub
from imagebot.forges.gitlab import GitLab
from imagebot.forges.plain import Plain
from imagebot.git import (
    BareClone,
    GitState,
    HttpCredentials,
    Identity,
    Remote,
    SigningKey,
    SshCredentials,
)
from imagebot.history import History
from imagebot.interfaces import (
    CommitSigner,
    DigestCache,
    FileTree,
    Forge,
    Ledger,
    OccurrenceCache,
)
from imagebot.kept import Kept
from imagebot.ledger import PassingLedger, StoredLedger
from imagebot.poll_store import PollStore
from imagebot.polls import Pace
from imagebot.proposals import Outcome, Proposed
from imagebot.recent_registry import RecentRegistry
from imagebot.reconcile import Clients
from imagebot.registries import Kind, PassingCache, Registries
from imagebot.registries.clouds import CloudIdentities
from imagebot.registries.credentials import BasicCredentials, Keychain
from imagebot.registries.rules import RegistryRules
from imagebot.releases import Access, Releases
from imagebot.secret import Secret
from imagebot.settings import RegistrySettings, RepositorySettings, Settings
from imagebot.sources import PUBLIC_HOSTS, SourceHost
from imagebot.store import Store, digests_to_read, occurrences_to_read
from imagebot.store_address import StoreAddress, in_file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OnRemote:
    """What stands on the remote beside the tree, and who can be asked about it."""

    clients: Callable[[], Clients]  # not all who look at a tree ask anybody
    state: GitState
    branches: Sequence[Branch]


@dataclass(frozen=True, slots=True)
class ToPlan:
    """A tree to plan on, and what bears on it."""

    tree: FileTree
    base: str
    within: str = ""
    proposed: tuple[Proposed, ...] = ()
    is_direct: bool = False
    remote: OnRemote | None = None  # for a git repository of the settings


class Built:
    """The clients of one process. Close it, or use it as a context manager.

    `is_read_only`: what the store has is read if its file is there, and nothing is written to it;
    ledger and memory of digests then live for the command alone. With `wake`, which is given
    the name of a git repository that has news, what polls know is taken for a registry's answer.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        reads_home_credentials: bool = False,
        is_read_only: bool = False,
        wake: Callable[[str], None] | None = None,
    ) -> None:
        self.settings = settings
        self._wake = wake
        self._seen_bases: dict[str, str] = {}
        self._abandoned: Counter[str] = Counter()
        self._reads_home_credentials = reads_home_credentials
        self._is_read_only = is_read_only
        self._repositories = {item.name: item for item in settings.repositories}
        self._registries_closing = ExitStack()
        self._lasting = ExitStack()  # the store, which a successor takes over
        self._has_successor = False
        self._opening = threading.Lock()

    @cached_property
    def registry(self) -> Registries:
        registries = Registries(
            [_registry_rules(item) for item in self.settings.registries],
            _keychain(self.settings, self._reads_home_credentials),
            cache=self.digests,
            host_limits=None if self._is_read_only else self.store.host_limits,
        )
        self._registries_closing.callback(registries.close)
        return registries

    @cached_property
    def digests(self) -> DigestCache:
        """What is remembered for ever, since it never changes."""
        return self._passing(digests_to_read) if self._is_read_only else self.store.digests

    @cached_property
    def occurrences(self) -> OccurrenceCache:
        """What was parsed."""
        return self._passing(occurrences_to_read) if self._is_read_only else self.store

    @cached_property
    def describer(self) -> Describer:
        """Who finds out what pull requests tell of images."""
        accesses = [_access(item) for item in self.settings.repositories if _is_asked(item)]
        releases = Releases(self.digests, accesses)
        return Describer(self.registry, self.digests, releases, source_hosts(self.settings))

    @cached_property
    def store(self) -> Store:
        """Opened at first use: what is read only needs none."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        store = Store(self._store_address, max_runs=self.settings.history.runs)
        self._lasting.callback(store.close)
        return store

    @cached_property
    def polls(self) -> PollStore:
        """What is known of image repositories, and who uses them."""
        return PollStore(self.store.database)

    @property
    def pace(self) -> Pace:
        settings = self.settings
        return Pace(
            settings.polling.least, settings.polling.most, settings.interval, settings.jitter
        )

    @cached_property
    def history(self) -> History:
        return History(self.store.database, age=self.settings.history.age)

    @cached_property
    def _stored_ledger(self) -> StoredLedger:
        return StoredLedger(self.store.database)

    @cached_property
    def ledger(self) -> Ledger:
        if not self._is_read_only:
            return self._stored_ledger
        ledger = PassingLedger(self._opened_to_read)
        self._lasting.callback(ledger.close)
        return ledger

    @property
    def _store_address(self) -> StoreAddress:
        return self.settings.store or in_file(self.settings.data_dir / "imagebot.sqlite")

    def _opened_to_read(self) -> Database | None:
        """The store's database, None where there is none yet. Raises StoreError on trouble."""
        file = self._store_address.file
        try:
            is_there = file is None or file.is_file()
        except OSError as error:  # a folder that this user may not enter
            raise StoreError(
                f"the store {file} cannot be read: {error.strerror}",
                hint="let this user read the data folder, or name another one",
            ) from error
        return self._readable if is_there else None

    def store_to_read(self) -> Store | None:
        """The store, to be read alone; None without one, and for that of an older imagebot."""
        if self._opened_to_read() is None or not self._readable.is_current:
            return None
        return self._store_to_read

    @cached_property
    def _store_to_read(self) -> Store:
        store = Store(self._store_address, is_read_only=True)
        self._lasting.callback(store.close)
        return store

    @cached_property
    def _readable(self) -> Database:
        database = Database(self._store_address, is_read_only=True)
        self._lasting.callback(database.close)
        return database

    def _passing(self, to_read: Callable[[Database], Kept]) -> PassingCache:
        """A memory for this command alone, over what the store has."""
        try:
            database = self._opened_to_read()
        except StoreError as error:
            log.warning("what the store remembers is not read: %(error)s", {"error": error})
            database = None
        is_usable = database is not None and database.is_current
        return PassingCache(to_read(database) if database and is_usable else None)

    @cached_property
    def finder(self) -> Finder:
        """Who looks for the repositories of owners."""
        return Finder(self.settings, lambda: None if self._is_read_only else self.store)

    def look(self) -> Fleet:
        """Ask the owners of the settings, and know from now on what they have."""
        fleet = self.finder.look()
        self._repositories = dict(fleet.repositories)
        return fleet

    def names(self, asked: Sequence[str]) -> list[str]:
        """Names of the git repositories to reconcile; URLs are taken as they are.

        Owners are asked where no name is given, or one that the settings do not list.
        """
        if self.settings.owners and not (asked and set(asked) <= set(self._repositories)):
            troubles = self.look().troubles
            if troubles and not self._repositories:
                raise next(iter(troubles.values()))
        names = [self._repository(name).name for name in asked] or list(self._repositories)
        if not names:
            raise UsageError(
                "there is no git repository to reconcile",
                hint="name a URL, or list it under `repositories` (or its owner under "
                "`owners`, see imagebot discover) in the settings file "
                "(docs/settings.md)",
            )
        return names

    def _repository(self, name: str) -> RepositorySettings:
        known = self._repositories.get(name)
        if known:
            return known
        if "/" not in name and ":" not in name:
            listed = ", ".join(sorted(self._repositories)) or "none"
            raise UsageError(
                f"no git repository is called {name!r}", hint=f"known in the settings: {listed}"
            )
        adhoc = settings.repository_from_url(name, os.environ)
        return self._repositories.setdefault(adhoc.name, adhoc)

    def reconcile(self, name: str, now: datetime | None = None) -> Outcome:
        """Reconcile one git repository, once."""
        repository = self._repository(name)
        with self._opening:
            store = self.store
        forge = forge_for(repository, store)
        with self._clone(repository, forge) as clone:
            watched = self._remembered_open(name)
            clients = replace(self._story(repository, forge, clone), watched=watched)
            try:
                outcome = self._reconciled(clients, now or datetime.now(UTC))
            finally:
                self._seen_bases[name] = clone.base_commit
        self._note(outcome, now or datetime.now(UTC))
        return outcome

    def _reconciled(self, clients: Clients, now: datetime) -> Outcome:
        if self._wake is None:
            return reconcile.reconcile(clients, now)
        with self._opening:
            polls = self.polls
        recent = RecentRegistry(clients.registry, polls, self.pace)
        outcome = reconcile.reconcile(replace(clients, registry=recent), now)
        news = recent.finish(clients.name, outcome.choices)
        for user in polls.users(news):
            if user != clients.name:
                self._wake(user)
        return outcome

    def seen(self, name: str) -> str:
        """The base's commit that the last reconciliation looked at; "" where it saw none."""
        return self._seen_bases.get(name, "")

    def now(self, name: str) -> str:
        """The base's commit on the remote. Raises GitError or ForgeError."""
        repository = self._repository(name)
        with self._clone(repository, forge_for(repository, self.store)) as clone:
            return clone.look()

    def abandon(self, name: str) -> None:
        """Leave the clone to a reconciliation that hangs; the next one takes another folder."""
        self._abandoned[name] += 1

    def _remembered_open(self, name: str) -> Sequence[str]:
        """Branches whose requests were open when last seen. Without them less is told."""
        try:
            return self.history.open_branches(name)
        except StoreError as error:
            log.warning("the history cannot be read: %(error)s", {"error": error})
            return ()

    def _note(self, outcome: Outcome, at: datetime) -> None:
        """Remember what it came to. A history that cannot be written costs nothing but itself."""
        try:
            first_seen = self._stored_ledger.first_seen(recording.tags_proposed(outcome))
            requests = recording.requests_of(outcome, first_seen, at)
            decisions = recording.decisions_of(outcome)
            self.history.note(outcome.repository, decisions, requests, at)
        except StoreError as error:
            log.warning("the history cannot be written: %(error)s", {"error": error})

    def _story(self, repository: RepositorySettings, forge: Forge, clone: BareClone) -> Clients:
        with self._opening:  # threads that reconcile share one of each
            registry, ledger, occurrences = self.registry, self.ledger, self.occurrences
            describer = self.describer
        return Clients(
            name=repository.name,
            git=clone,
            forge=forge,
            registry=registry,
            ledger=ledger,
            cache=occurrences,
            is_direct=repository.mode == "direct",
            describer=describer,
        )

    @contextmanager
    def to_plan(self, path: Path, repository: str | None) -> Iterator[ToPlan]:
        """A folder on disk, or the base branch of a git repository."""
        if repository is None:
            here = checkout.open_checkout(path)
            yield ToPlan(here, here.branch() or "main", here.prefix)
            return
        chosen = self._repository(repository)
        forge = forge_for(chosen, self.occurrences)
        with self._clone(chosen, forge) as clone:
            state, _ = reconcile.stand_on_base(clone, self.occurrences)
            branches = carrying.read_branches(clone, state)
            proposed = tuple(offer for branch in branches for offer in branch.proposed)
            yield ToPlan(
                clone.tree(state.base.commit),
                state.base.branch,
                proposed=proposed,
                is_direct=chosen.mode == "direct",
                remote=OnRemote(partial(self._story, chosen, forge, clone), state, branches),
            )

    def _clone(self, repository: RepositorySettings, forge: Forge) -> BareClone:
        author = self.settings.author
        return BareClone(
            Remote(
                url=repository.url,
                base=repository.base,
                credentials=_git_credentials(repository, forge),
                allow_file=repository.git.allow_file,
                ca_file=repository.git.ca_file,
                allow_http=repository.git.allow_http,
                is_agit=repository.forge.agit,
            ),
            self._clone_folder(repository),
            identity=Identity(author.name, author.email),
            signing=self._signing(repository, forge),
        )

    @property
    def clones(self) -> Path:
        """The folder of all clones."""
        return self.settings.data_dir / "git"

    def clone_names(self) -> set[str]:
        """The folders of the clones that are used."""
        return {self._clone_folder(each).name for each in self.repositories}

    @property
    def repositories(self) -> Sequence[RepositorySettings]:
        """Those of the settings, and those that owners were found to have."""
        return tuple(self._repositories.values())

    def _clone_folder(self, repository: RepositorySettings) -> Path:
        name = folder_name(repository.url)
        count = self._abandoned[repository.name]
        return self.clones / (f"{name}-{count}" if count else name)

    def _signing(
        self, repository: RepositorySettings, forge: Forge
    ) -> SigningKey | CommitSigner | None:
        signing = self.settings.author.signing
        if signing is None:
            return None
        if not isinstance(signing, str):
            return SigningKey(signing.format, signing.key, signing.file)
        if isinstance(forge, GitHub) and repository.forge.app:
            return forge
        raise SettingsError(
            f"git repository {repository.name!r} has no forge that signs commits",
            hint="author.signing by: forge is for GitHub with an App; sign by a key otherwise",
        )

    def successor(self, settings: Settings, *, keeps_registries: bool) -> "Built":
        """Clients for other settings, over the same store, which is theirs to close from now on.

        `keeps_registries`: with connections and tokens, since nothing about registries changed.
        """
        new = Built(settings, wake=self._wake)
        shared = ["store", "polls", "ledger", "digests"]
        if keeps_registries:
            shared.append("registry")
            new._registries_closing = self._registries_closing.pop_all()
        new.__dict__ |= {name: self.__dict__[name] for name in shared if name in self.__dict__}
        new._lasting = self._lasting
        new._seen_bases, new._abandoned = self._seen_bases, self._abandoned
        if settings.owners == self.settings.owners:  # what they have is asked anew in time
            own = {each.name for each in self.settings.repositories}
            found = {name: each for name, each in self._repositories.items() if name not in own}
            new._repositories = found | new._repositories
        self._has_successor = True
        return new

    def close(self) -> None:
        self._registries_closing.close()
        if not self._has_successor:
            self._lasting.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def build(
    settings: Settings,
    *,
    reads_home_credentials: bool = False,
    is_read_only: bool = False,
    wake: Callable[[str], None] | None = None,
) -> Built:
    """The clients for these settings. `reads_home_credentials` is for people's own commands."""
    return Built(
        settings,
        reads_home_credentials=reads_home_credentials,
        is_read_only=is_read_only,
        wake=wake,
    )


def forge_for(repository: RepositorySettings, kept: OccurrenceCache | None = None) -> Forge:
    """The forge that the settings name for a git repository. Raises SettingsError.

    `kept` is where a forge may keep what would cost it requests to read again.
    """
    forge = repository.forge
    if forge.type == "plain":
        return Plain(forge.push_options, is_agit=forge.agit)
    url = forge.api_url or PUBLIC_URLS.get(forge.type)
    if url is None:
        raise SettingsError(
            f"git repository {repository.name!r} does not say where its {forge.type} is",
            hint="set apiUrl under its forge, such as https://git.example.org",
        )
    ca_file = repository.git.ca_file
    if forge.type == "github":
        credentials = _github_credentials(repository)
        return GitHub(forge.project, credentials, api_url=url, ca_file=ca_file)
    if forge.token is None:
        raise _no_token(repository)
    if forge.type == "gitlab":
        return GitLab(forge.project, forge.token, url=url, ca_file=ca_file)
    if forge.type in ("bitbucket", "bitbucket-server"):
        is_cloud = forge.type == "bitbucket"
        return (Bitbucket if is_cloud else BitbucketServer)(
            forge.project, forge.token, username=forge.username, url=url, ca_file=ca_file
        )
    if forge.type == "azure-devops":
        return AzureDevOps(forge.project, forge.token, url=url, ca_file=ca_file, kept=kept)
    kind = Forgejo if forge.type == "forgejo" else Gitea
    return kind(forge.project, forge.token, url=url, ca_file=ca_file)


def _github_credentials(repository: RepositorySettings) -> TokenCredentials | AppCredentials:
    forge = repository.forge
    if forge.app is not None:
        return AppCredentials(forge.app.id, forge.app.private_key, forge.app.installation_id)
    if forge.token is None:
        raise _no_token(repository)
    return TokenCredentials(forge.token)


def _no_token(repository: RepositorySettings) -> SettingsError:
    kind = repository.forge.type
    return SettingsError(
        f"git repository {repository.name!r} has no token for {kind}",
        hint=f"set tokenFile or tokenEnv under its forge, or {settings.token_variable(kind)}",
    )


def _git_credentials(
    repository: RepositorySettings, forge: Forge
) -> HttpCredentials | SshCredentials | None:
    """What is set for git itself, else the forge's own token where the remote is that forge's."""
    own = repository.git
    if own.ssh_key_file and own.known_hosts_file:
        return SshCredentials(own.ssh_key_file, own.known_hosts_file)
    if own.password is not None:
        return HttpCredentials(own.username or "git", own.password)
    if not is_hosted_by(repository.url, repository.forge.type, repository.forge.api_url):
        return None
    credentials = forge.git_credentials()
    return HttpCredentials(*credentials) if credentials else None


def source_hosts(settings: Settings) -> Mapping[str, SourceHost]:
    """Where sources of images may be: public forges, and those of the settings."""
    found = dict(PUBLIC_HOSTS)
    for item in settings.repositories:
        api = urlsplit(item.forge.api_url or "")
        is_below = item.forge.type != "github" and api.path.strip("/") != ""  # HOST/gitlab
        if item.forge.type == "plain" or api.scheme != "https" or not api.hostname or is_below:
            continue
        origin = f"https://{api.netloc.rpartition('@')[2].lower()}"
        host = SourceHost(item.forge.type, origin, item.forge.api_url or "")
        found[origin.removeprefix("https://").removesuffix(":443")] = host
    return found


def _is_asked(item: RepositorySettings) -> bool:
    has_token = item.forge.token is not None or item.forge.app is not None
    return item.forge.type in ("github", "gitlab", "gitea", "forgejo") and has_token


def _access(item: RepositorySettings) -> Access:
    url = item.forge.api_url or PUBLIC_URLS.get(item.forge.type, "")
    forge = forge_for(item)

    def token() -> Secret | None:
        credentials = forge.git_credentials()
        return credentials[1] if credentials else None

    return Access(url, item.forge.project.partition("/")[0], token)


def _registry_rules(item: RegistrySettings) -> RegistryRules:
    return RegistryRules(
        host=item.host,
        insecure=item.insecure,
        internal=item.internal,
        ca_file=item.ca_file,
        credentials=_basic(item),
        token_servers=item.token_servers,
        concurrency=item.concurrency,
        requests_per_minute=item.requests_per_minute,
        kind=Kind(item.kind) if item.kind else None,
    )


def _basic(item: RegistrySettings) -> BasicCredentials | None:
    if item.password is None:
        return None
    return BasicCredentials(item.username or "", item.password)


def _keychain(settings: Settings, reads_home_credentials: bool) -> Keychain:
    docker_config = settings.docker_config
    if docker_config is None and reads_home_credentials:
        home = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
        docker_config = home if home.is_file() else None
    by_host = {item.host: item.identity for item in settings.registries if item.identity}
    clouds = CloudIdentities(settings.cloud_identity, by_host)
    return Keychain({}, docker_config, settings.credential_helpers, clouds=clouds)


def folder_name(url: str) -> str:
    """A readable and unique folder for the clone of a git repository."""
    slug = re.sub(r"[^a-z0-9]+", "-", urlsplit(url).path.lower() or url.lower()).strip("-")[-40:]
    return f"{slug}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
