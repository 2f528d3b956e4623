"""All registries behind one door: a session per registry and credential, many asked at once."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

from imagebot import logs
from imagebot.details import DetailsKey, ImageDetails
from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.image import Digest, Repository
from imagebot.interfaces import DigestCache, HostLimits
from imagebot.model import ImageContent, ImageFacts, TagList
from imagebot.registries import contents, details, distribution, published, remembering
from imagebot.registries.accounts import BasicCredentials
from imagebot.registries.circuit import Circuit, State
from imagebot.registries.contents import Held
from imagebot.registries.credentials import Keychain
from imagebot.registries.limits import Limits
from imagebot.registries.published import Push
from imagebot.registries.remembering import PassingCache
from imagebot.registries.rules import Kind, RegistryRules, without_aliases
from imagebot.registries.session import GuardedSession
from imagebot.traffic import Traffic

_MAX_SESSIONS = 256  # credentials that change (of programs) leave sessions behind

Key = TypeVar("Key")
Found = TypeVar("Found")


class Registries:
    """Satisfies `interfaces.Registry`. Thread-safe. Close it to close its connections.

    What digests hold is remembered in `cache`; without one, for the life of the object.
    """

    def __init__(
        self,
        rules: Iterable[RegistryRules] = (),
        keychain: Keychain | None = None,
        limits: Limits | None = None,
        cache: DigestCache | None = None,
        host_limits: HostLimits | None = None,
    ) -> None:
        self._rules = {ruled.host: ruled for ruled in map(without_aliases, rules)}
        self._keychain = keychain or Keychain()
        self._limits = limits or Limits()
        self._cache = cache or PassingCache()
        self._host_limits = host_limits
        self._recent = published.Recent()
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str, BasicCredentials | None], GuardedSession] = {}
        self._places: dict[str, threading.BoundedSemaphore] = {}
        self._circuits: dict[str, Circuit] = {}
        self.traffic = Traffic()  # token services and redirects included
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def request_count_by_host(self) -> Mapping[str, int]:
        """HTTP requests sent so far, token services and redirects included."""
        return self.traffic.by_host()

    @property
    def circuits(self) -> Mapping[str, tuple[State, str]]:
        """By registry host: whether it is asked, and why not."""
        with self._lock:
            circuits = dict(self._circuits)
        return {host: (circuit.state, circuit.reason) for host, circuit in circuits.items()}

    def list_tags(self, repository: Repository) -> TagList:
        session = self.session(repository)
        with session.discreet():
            return distribution.list_tags(session, repository)

    def facts(self, repository: Repository, tag: str) -> ImageFacts:
        session = self.session(repository)
        with session.discreet():
            return distribution.facts(session, repository, tag)

    def list_many(
        self,
        repositories: Sequence[Repository],
        progress: Callable[[int, int], None] | None = None,
    ) -> Mapping[Repository, TagList | RegistryError]:
        return self._many(
            {repository: repository for repository in repositories}, self.list_tags, progress
        )

    def list_changed_many(
        self, etags: Mapping[Repository, str]
    ) -> Mapping[Repository, TagList | RegistryError | None]:
        """As `list_many`; None where a listing is the one that had the etag named."""

        def ask(repository: Repository) -> TagList | None:
            session = self.session(repository)
            with session.discreet():
                return distribution.list_changed(session, repository, etags[repository])

        return self._many({repository: repository for repository in etags}, ask, None)

    def facts_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], ImageFacts | RegistryError]:
        def ask(key: tuple[Repository, str]) -> ImageFacts:
            return self.facts(*key)

        return self._many({key: key[0] for key in tags}, ask, None)

    def content_many(
        self, images: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], ImageContent | RegistryError]:
        return {
            key: held.content if isinstance(held, Held) else held
            for key, held in self._held_many(images).items()
        }

    def created_many(
        self, manifests: Sequence[tuple[Repository, Digest]]
    ) -> Mapping[tuple[Repository, Digest], datetime | RegistryError | None]:
        return {
            key: _created(key, held) if isinstance(held, Held) else held
            for key, held in self._held_many(manifests).items()
        }

    def published_many(
        self, tags: Sequence[tuple[Repository, str]]
    ) -> Mapping[tuple[Repository, str], datetime | RegistryError | None]:
        found: dict[tuple[Repository, str], datetime | RegistryError | None] = dict.fromkeys(tags)
        known = self._recent.get_many(tags)
        asked = self._to_ask(key for key in tags if key not in known)
        new: dict[tuple[Repository, str], Push | None] = {}
        for (repository, lot), answer in self._many(asked, self._pushes, None).items():
            keys = [(repository, tag) for tag in lot]
            if isinstance(answer, RegistryError):
                found |= dict.fromkeys(keys, answer)
            else:
                new |= {key: answer.get(key[1]) for key in keys}
        self._recent.put_many(new)
        pushes = {key: push for key, push in (known | new).items() if push is not None}
        for key, facts in self.facts_many(list(pushes)).items():
            if isinstance(facts, RegistryError):
                found[key] = facts
            elif facts.digest == pushes[key].digest:
                found[key] = pushes[key].pushed_at
        return found

    def _to_ask(
        self, tags: Iterable[tuple[Repository, str]]
    ) -> dict[tuple[Repository, tuple[str, ...]], Repository]:
        """The questions for times, each about tags of one repository that are asked together."""
        asked: dict[tuple[Repository, tuple[str, ...]], Repository] = {}
        for repository, names in _by_repository(tags).items():
            kind = self._rules_of(repository).known_kind
            lots = [tuple(names)] if kind in published.AT_ONCE else [(name,) for name in names]
            if kind in published.ASK:
                asked |= {(repository, lot): repository for lot in lots}
        return asked

    def _held_many(
        self, keys: Sequence[tuple[Repository, Digest]]
    ) -> dict[tuple[Repository, Digest], Held | RegistryError]:
        def ask(key: tuple[Repository, Digest]) -> Held:
            session = self.session(key[0])
            with session.discreet():
                return contents.read(session, *key)

        known = remembering.known(self._cache, {digest for _, digest in keys})
        unknown = {key: key[0] for key in keys if key[1] not in known}
        asked = self._many(unknown, ask, None)
        new = {held.content.digest: held for held in asked.values() if isinstance(held, Held)}
        if new:
            remembering.remember(self._cache, new.values())
        return {key: asked[key] if key in asked else known[key[1]] for key in keys}

    def details_many(
        self, images: Sequence[DetailsKey]
    ) -> Mapping[DetailsKey, ImageDetails | RegistryError]:
        def ask(key: DetailsKey) -> ImageDetails:
            session = self.session(key.repository)
            with session.discreet():
                return details.read(session, key)

        known = details.known(self._cache, images)
        asked = self._many({key: key.repository for key in images if key not in known}, ask, None)
        new = {key: found for key, found in asked.items() if isinstance(found, ImageDetails)}
        if new:
            details.remember(self._cache, new)
        return {key: asked[key] if key in asked else known[key] for key in images}

    def _pushes(self, lot: tuple[Repository, tuple[str, ...]]) -> Mapping[str, Push]:
        repository, tags = lot
        rules = self._rules_of(repository)
        session = self._session_for_times(repository, rules)
        with session.discreet():
            return published.ASK[rules.known_kind](session, repository, tags)

    def _session_for_times(self, repository: Repository, rules: RegistryRules) -> GuardedSession:
        """Who asks when tags were pushed: these interfaces want other proof than the registry."""
        if rules.known_kind is Kind.DOCKER_HUB:
            return self._session(rules.hub_api, None, "times")
        if rules.known_kind is Kind.QUAY:
            return self._session(rules, None, "times")
        if rules.known_kind is Kind.HARBOR:
            return self._session(rules, self._credentials(rules, repository), "basic")
        return self.session(repository)

    def session(self, repository: Repository) -> GuardedSession:
        """The guarded session for a repository: one for each registry and credential."""
        rules = self._rules_of(repository)
        return self._session(rules, self._credentials(rules, repository))

    def _rules_of(self, repository: Repository) -> RegistryRules:
        return self._rules.get(repository.registry) or RegistryRules(repository.registry)

    def _credentials(self, rules: RegistryRules, repository: Repository) -> BasicCredentials | None:
        if rules.credentials is not None:
            return rules.credentials

        def exchange(path: str, form: Mapping[str, str]) -> bytes:
            return self._session(rules, None).exchange(path, form)

        return self._keychain.find(repository, exchange)

    def _session(
        self, rules: RegistryRules, credentials: BasicCredentials | None, purpose: str = ""
    ) -> GuardedSession:
        with self._lock:
            if self._is_closed:
                raise RegistryUnavailable("asking registries was ended")
            key = (rules.host, purpose, credentials)
            session = self._sessions.pop(key, None) or self._opened(rules, credentials, purpose)
            self._sessions[key] = session  # the most recently used stands last
            if len(self._sessions) > _MAX_SESSIONS:
                self._sessions.pop(next(iter(self._sessions))).close_idle()
            return session

    def _opened(
        self, rules: RegistryRules, credentials: BasicCredentials | None, purpose: str
    ) -> GuardedSession:
        places = self._places.setdefault(rules.host, threading.BoundedSemaphore(rules.concurrency))
        circuit = self._circuits.setdefault(rules.host, Circuit(host=rules.host))
        return GuardedSession(
            rules,
            credentials,
            self._limits,
            traffic=self.traffic,
            places=places,
            circuit=circuit,
            host_limits=self._host_limits,
            offers_basic=purpose == "basic",
        )

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            sessions = list(self._sessions.values())
            self._sessions.clear()
        for session in sessions:
            session.close()

    def _many(
        self,
        repository_by_key: Mapping[Key, Repository],
        ask: Callable[[Key], Found],
        progress: Callable[[int, int], None] | None,
    ) -> dict[Key, Found | RegistryError]:
        """Ask for each key, one lane for each request that a host may have at one time."""
        queues: dict[str, deque[Key]] = {}
        for key, repository in repository_by_key.items():
            queues.setdefault(repository.registry, deque()).append(key)
        done: SimpleQueue[tuple[Key, Found | RegistryError]] = SimpleQueue()

        def lane(queue: deque[Key]) -> None:
            while queue:
                try:
                    key = queue.popleft()
                except IndexError:
                    return
                done.put((key, _as_value(ask, key)))

        answers: dict[Key, Found | RegistryError] = {}
        total = len(repository_by_key)
        pool = ThreadPoolExecutor(self._limits.connections, thread_name_prefix="registry")
        try:
            for queue in self._lanes(queues):
                pool.submit(logs.in_context(lane), queue)
            for count in range(1, total + 1):
                key, answer = done.get()
                answers[key] = answer
                if progress is not None:
                    progress(count, total)
        finally:
            for queue in queues.values():
                queue.clear()
            pool.shutdown()
        return {key: answers[key] for key in repository_by_key}

    def _lanes(self, queues: Mapping[str, deque[Key]]) -> Iterable[deque[Key]]:
        """Each host's first lane before any host's second, so that none waits for another."""
        width_by_host = {
            host: min(len(queue), (self._rules.get(host) or RegistryRules(host)).concurrency)
            for host, queue in queues.items()
        }
        for turn in range(max(width_by_host.values(), default=0)):
            for host, queue in queues.items():
                if turn < width_by_host[host]:
                    yield queue


def _by_repository(tags: Iterable[tuple[Repository, str]]) -> dict[Repository, list[str]]:
    found: dict[Repository, list[str]] = {}
    for repository, tag in tags:
        found.setdefault(repository, []).append(tag)
    return found


def _created(key: tuple[Repository, Digest], held: Held) -> datetime | RegistryError | None:
    if held.is_index:
        return RegistryError(f"{key[0]}@{key[1]} is an index, which has no build of its own")
    return held.created_at


def _as_value(ask: Callable[[Key], Found], key: Key) -> Found | RegistryError:
    try:
        return ask(key)
    except RegistryError as error:
        return error
    except Exception as error:  # noqa: BLE001 - one surprise must not stop the other registries
        return RegistryError(f"{key}: unexpected {type(error).__name__}")
