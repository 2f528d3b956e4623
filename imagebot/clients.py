"""Settings -> the real registries, forges, git clones and store; the one place that builds them.

Nothing is decided here. A `Built` is made once for a command or for the life of the controller;
connections, tokens and the store are shared by everything that is reconciled with it.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from imagebot import carrying, checkout, data_folder, reconcile, recording
from imagebot.carrying.branches import Branch
from imagebot.describing import Describer
from imagebot.errors import ImagebotError, StoreError
from imagebot.fleet import Finder, Fleet
from imagebot.forge_clients import accesses, forge_for, source_hosts
from imagebot.git import (
    BareClone,
    GitState,
)
from imagebot.git_clients import clone_for, folder_name
from imagebot.interfaces import (
    FileTree,
    Forge,
)
from imagebot.known_repositories import KnownRepositories
from imagebot.opened_store import OpenedStore
from imagebot.owed import Run
from imagebot.polls import Pace
from imagebot.proposals import NO_FORGE, ForgeTraits, Outcome, Proposed
from imagebot.recent_registry import RecentRegistry
from imagebot.registries import Registries
from imagebot.registry_clients import keychain, registry_rules
from imagebot.releases import Releases
from imagebot.settings import RepositorySettings, Settings
from imagebot.story_clients import Clients, traits_of
from imagebot.troubles import Troubles


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
    forge: ForgeTraits = NO_FORGE
    remote: OnRemote | None = None  # for a git repository of the settings


class Built(OpenedStore):
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
        super().__init__(settings, is_read_only=is_read_only)
        self._wake = wake
        self._troubles = Troubles()
        self._seen_bases: dict[str, str] = {}
        self._abandoned: Counter[str] = Counter()
        self._reads_home_credentials = reads_home_credentials
        finder = Finder(settings, lambda: None if is_read_only else self.store)
        self._known = KnownRepositories(settings, finder)
        self._registries_closing = ExitStack()
        self._opening = threading.Lock()

    @cached_property
    def registry(self) -> Registries:
        registries = Registries(
            [registry_rules(item) for item in self.settings.registries],
            keychain(self.settings, self._reads_home_credentials),
            cache=self.digests,
            host_limits=None if self._is_read_only else self.store.host_limits,
        )
        self._registries_closing.callback(registries.close)
        return registries

    @cached_property
    def describer(self) -> Describer:
        """Who finds out what pull requests tell of images."""
        releases = Releases(self.digests, accesses(self.settings))
        return Describer(self.registry, self.digests, releases, source_hosts(self.settings))

    @property
    def pace(self) -> Pace:
        settings, bounds = self.settings, self.settings.polling
        return Pace(bounds.least, bounds.most, settings.interval, settings.jitter)

    def look(self) -> Fleet:
        """Ask the owners of the settings, and know from now on what they have."""
        return self._known.look()

    def names(self, asked: Sequence[str]) -> list[str]:
        """Names of the git repositories to reconcile; URLs are taken as they are."""
        return self._known.names(asked)

    def reconcile(self, name: str, now: datetime | None = None) -> Outcome:
        """Reconcile one git repository, once."""
        repository = self._known.named(name)
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
        repository = self._known.named(name)
        with self._clone(repository, forge_for(repository, self.store)) as clone:
            return clone.look()

    def abandon(self, name: str) -> None:
        """Leave the clone to a reconciliation that hangs; the next one takes another folder."""
        self._abandoned[name] += 1

    def _remembered_open(self, name: str) -> Sequence[str]:
        """Branches whose requests were open when last seen. Without them less is told."""
        try:
            branches = self.history.open_branches(name)
        except StoreError as error:
            self._troubles.note("reading the history", error, logging.WARNING)
            return ()
        self._troubles.end("reading the history")
        return branches

    def _note(self, outcome: Outcome, at: datetime) -> None:
        """Remember what it came to. A history that cannot be written costs nothing but itself."""
        try:
            first_seen = self.stored_ledger.first_seen(recording.tags_proposed(outcome))
            requests = recording.requests_of(outcome, first_seen, at)
            decisions = recording.decisions_of(outcome)
            self.history.note(outcome.repository, decisions, requests, at)
        except StoreError as error:
            self._troubles.note("writing the history", error, logging.WARNING)
        else:
            self._troubles.end("writing the history")

    def record(self, run: Run) -> None:
        """Remember a run by hand. A store that cannot be written costs nothing but itself."""
        try:
            self.store.record(run)
        except ImagebotError as error:
            self._troubles.note("remembering the run", error, logging.WARNING)
        else:
            self._troubles.end("remembering the run")

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
        chosen = self._known.named(repository)
        data_folder.make(self.settings.data_dir)
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
                forge=traits_of(forge),
                remote=OnRemote(partial(self._story, chosen, forge, clone), state, branches),
            )

    def _clone(self, repository: RepositorySettings, forge: Forge) -> BareClone:
        folder = self._clone_folder(repository)
        return clone_for(repository, forge, self.settings.author, folder)

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
        return self._known.all

    def _clone_folder(self, repository: RepositorySettings) -> Path:
        name = folder_name(repository.url)
        count = self._abandoned[repository.name]
        return self.clones / (f"{name}-{count}" if count else name)

    def successor(self, settings: Settings, *, keeps_registries: bool) -> "Built":
        """Clients for other settings, over the same store, which is theirs to close from now on.

        `keeps_registries`: with connections and tokens, since nothing about registries changed.
        """
        new = Built(settings, wake=self._wake)
        self.hand_over(new)
        if keeps_registries:
            new._registries_closing = self._registries_closing.pop_all()
            if "registry" in vars(self):
                vars(new)["registry"] = self.registry
        new._seen_bases, new._abandoned = self._seen_bases, self._abandoned
        new._troubles = self._troubles
        new._known.take_over(self._known)
        return new

    def close(self) -> None:
        self._registries_closing.close()
        self.close_store()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
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
