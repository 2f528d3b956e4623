"""Many repositories asked at once."""

import threading
from collections import Counter

import pytest

from imagebot.demo.registry import EmbeddedRegistry, Request, Response
from imagebot.errors import NotInRegistry, RegistryError, RegistryUnavailable
from imagebot.image import Repository
from imagebot.interfaces import Registry
from imagebot.model import TagList
from imagebot.registries import BasicCredentials, Keychain, Limits, Registries, RegistryRules
from imagebot.registries.distribution import list_tags
from imagebot.secret import Secret
from tests.servers.registry import HostileRegistry, RawServer, silent

from .conftest import SHORT, Client


class Counting(EmbeddedRegistry):
    """Lets requests go on in groups, so that those at one time can be counted."""

    def __init__(self, group: int) -> None:
        super().__init__()
        self.most = 0
        self._now = 0
        self._counting = threading.Lock()
        self._together = threading.Barrier(group)

    def handle(self, request: Request) -> Response:
        with self._counting:
            self._now += 1
            self.most = max(self.most, self._now)
        self._together.wait(10)
        with self._counting:
            self._now -= 1
        return super().handle(request)


def test_registries_are_a_registry() -> None:
    with Registries() as registries:
        checked: Registry = registries
        assert checked.list_many([]) == {}


def test_a_failure_is_a_value_and_stops_nobody(registry: HostileRegistry, client: Client) -> None:
    registry.add("good", "1")
    names = ["good", "missing", "good2"]
    registry.add("good2", "2")
    found = client(registry.host).list_many([Repository(registry.host, name) for name in names])
    answers = {repository.path: answer for repository, answer in found.items()}
    assert list(answers) == names
    assert isinstance(answers["good"], TagList)
    assert isinstance(answers["missing"], NotInRegistry)
    assert isinstance(answers["good2"], TagList)


def test_a_repository_named_twice_is_listed_once(registry: HostileRegistry, client: Client) -> None:
    registry.add("a", "1")
    found = client(registry.host).list_many([Repository(registry.host, "a")] * 5)
    assert len(found) == 1
    assert len(registry.requests) == 1


def test_progress_is_told_from_the_calling_thread(
    registry: HostileRegistry, client: Client
) -> None:
    repositories = [Repository(registry.host, f"r{number}") for number in range(20)]
    told: list[tuple[int, int, int]] = []
    client(registry.host).list_many(
        repositories, lambda done, total: told.append((done, total, threading.get_ident()))
    )
    assert told == [(number, 20, threading.get_ident()) for number in range(1, 21)]


def test_a_progress_that_raises_ends_the_poll(registry: HostileRegistry, client: Client) -> None:
    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    repositories = [Repository(registry.host, f"r{number}") for number in range(200)]
    with pytest.raises(KeyboardInterrupt):
        client(registry.host).list_many(repositories, interrupted)
    assert len(registry.requests) < 200


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_host_is_never_asked_more_at_one_time_than_its_limit(
    client: Client, concurrency: int
) -> None:
    with Counting(concurrency) as registry:
        for number in range(12):
            registry.add(f"r{number}", "1")
        found = client(registry.host, concurrency=concurrency)
        answers = found.list_many([Repository(registry.host, f"r{n}") for n in range(12)])
        assert all(isinstance(answer, TagList) for answer in answers.values())
        assert registry.most == concurrency


def test_the_limit_of_a_host_holds_over_all_credentials() -> None:
    with Counting(2) as registry:
        for number in range(8):
            registry.add(f"team{number}/app", "1")
        keychain = Keychain(
            {
                f"{registry.host}/team{number}": BasicCredentials(f"bot{number}", Secret("p"))
                for number in range(8)
            }
        )
        rules = [RegistryRules(registry.host, insecure=True, internal=True, concurrency=2)]
        with Registries(rules, keychain, SHORT) as registries:
            found = registries.list_many(
                [Repository(registry.host, f"team{number}/app") for number in range(8)]
            )
        assert all(isinstance(answer, TagList) for answer in found.values())
        assert registry.most == 2


def test_a_registry_that_hangs_does_not_keep_the_others_waiting() -> None:
    with RawServer(silent) as hanging, EmbeddedRegistry() as good:
        good.add("a", "1")
        rules = [
            RegistryRules(host, insecure=True, internal=True) for host in (hanging.host, good.host)
        ]
        repositories = [Repository(hanging.host, f"r{number}") for number in range(20)]
        limits = Limits(operation_seconds=1, attempts=1, connections=9)
        with Registries(rules, limits=limits) as registries:
            answers = registries.list_many([*repositories, Repository(good.host, "a")])
        assert isinstance(answers[Repository(good.host, "a")], TagList)
        kinds = Counter(isinstance(answer, RegistryUnavailable) for answer in answers.values())
        assert kinds == {False: 1, True: 20}


def test_connections_are_kept_and_reused(client: Client) -> None:
    with EmbeddedRegistry() as registry:
        for number in range(40):
            registry.add(f"r{number}", "1")
        found = client(registry.host, concurrency=3)
        for _ in range(2):
            found.list_many([Repository(registry.host, f"r{number}") for number in range(40)])
        assert len(registry.requests) == 80
        assert registry.connection_count <= 3


def test_requests_are_counted_by_host(registry: HostileRegistry, client: Client) -> None:
    registry.add("a", "1")
    found = client(registry.host)
    found.list_tags(Repository(registry.host, "a"))
    found.facts(Repository(registry.host, "a"), "1")
    assert found.request_count_by_host == {registry.host: 2}


def test_nothing_is_asked_after_close(registry: HostileRegistry, client: Client) -> None:
    repository = Repository(registry.host, "a")
    found = client(registry.host)
    session = found.session(repository)
    found.close()
    with pytest.raises(RegistryUnavailable, match="ended"):
        found.list_tags(repository)
    with pytest.raises(RegistryUnavailable, match="ended"):
        list_tags(session, repository)
    assert isinstance(found.list_many([repository])[repository], RegistryUnavailable)
    assert registry.requests == []


def test_a_surprise_in_one_repository_is_a_value_too(client: Client) -> None:
    odd = Repository("not a host:99999", "a")
    (answer,) = client("registry.invalid").list_many([odd]).values()
    assert isinstance(answer, RegistryError)


def test_docker_hub_is_reached_under_its_own_name() -> None:
    rules = RegistryRules("docker.io")
    assert str(rules.origin) == "registry-1.docker.io"
    assert "auth.docker.io" in {str(origin) for origin in rules.token_origins}


@pytest.mark.parametrize("alias", ["index.docker.io", "registry-1.docker.io", "Docker.io"])
def test_rules_for_an_alias_of_docker_hub_are_rules_for_docker_hub(alias: str) -> None:
    with Registries([RegistryRules(alias, concurrency=1)]) as registries:
        session = registries.session(Repository("docker.io", "library/nginx"))
        assert session.rules.concurrency == 1
