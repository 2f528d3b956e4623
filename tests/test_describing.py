"""What is found out of images that are proposed: asked once, and never in a proposal's way."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from imagebot.body.told import step_of
from imagebot.demo.json_server import Answer
from imagebot.describing import Describer
from imagebot.image import Digest
from imagebot.model import Choice, ImageFacts
from imagebot.registries import PassingCache, Registries, RegistryRules
from imagebot.releases import Releases
from imagebot.sources import SourceHost
from tests.making import choice
from tests.servers.registry import HostileRegistry
from tests.servers.releases import Listed, ReleaseServer

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOURCE = "org.opencontainers.image.source"


@pytest.fixture
def registry() -> Iterator[HostileRegistry]:
    with HostileRegistry() as running:
        yield running


@pytest.fixture
def forge() -> Iterator[ReleaseServer]:
    with ReleaseServer() as running:
        yield running


def put(registry: HostileRegistry, tag: str) -> Digest:
    labels = {SOURCE: "https://git.example.org/acme/api", "version": tag}
    config = {"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}
    return Digest(registry.put_image("acme/api", tag, config))


def proposed(registry: HostileRegistry, **more: Digest) -> Choice:
    return choice(f"{registry.host}/acme/api:1.0.0", "1.1.0", **more)


def registries(registry: HostileRegistry, cache: PassingCache) -> Registries:
    return Registries([RegistryRules(registry.host, insecure=True, internal=True)], cache=cache)


def test_an_unchanged_world_costs_no_request(
    registry: HostileRegistry, forge: ReleaseServer
) -> None:
    for tag in ("1.0.0", "1.1.0"):
        put(registry, tag)
    forge.projects["acme/api"] = [Listed("v1.1.0", text="notes")]
    hosts = {"git.example.org": SourceHost("gitea", forge.root, forge.root)}
    cache = PassingCache()
    one = proposed(registry)
    assert one.update is not None
    step = step_of(one.update)
    with registries(registry, cache) as client:
        first = Describer(client, cache, Releases(cache), hosts).tell([[one]], {}, NOW)
        assert set(first.details) == set(step)
        assert [release.tag for release in first.releases[step]] == ["v1.1.0"]
        assert len(forge.requests) == 1
        assert client.request_count_by_host == {registry.host: 6}  # two of them for the tags
    with registries(registry, cache) as client:
        again = Describer(client, cache, Releases(cache), hosts).tell([[one]], {}, NOW)
        assert again == first
        assert client.request_count_by_host == {}
    assert len(forge.requests) == 1


def test_what_was_asked_for_anyway_is_not_asked_again(registry: HostileRegistry) -> None:
    old, new = put(registry, "1.0.0"), put(registry, "1.1.0")
    one = proposed(registry, digest=new)
    assert one.update is not None
    repository = one.update.repository
    facts = {(repository, "1.0.0"): ImageFacts("1.0.0", old, "")}
    cache = PassingCache()
    with registries(registry, cache) as client:
        told = Describer(client, cache).tell([[one]], facts, NOW)
        assert len(told.details) == 2
        assert client.request_count_by_host == {registry.host: 4}


def test_an_image_that_is_gone_leaves_the_other_one_told(
    registry: HostileRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    put(registry, "1.1.0")
    one = proposed(registry)
    assert one.update is not None
    cache = PassingCache()
    with registries(registry, cache) as client:
        told = Describer(client, cache).tell([[one]], {}, NOW)
    assert set(told.details) == {step_of(one.update).after}
    assert "acme/api:1.0.0 cannot be told of" in caplog.text


def test_a_forge_in_trouble_costs_the_notes_alone(
    registry: HostileRegistry, forge: ReleaseServer
) -> None:
    for tag in ("1.0.0", "1.1.0"):
        put(registry, tag)
    forge.answers["acme/api"] = Answer(500, {})
    hosts = {"git.example.org": SourceHost("gitea", forge.root, forge.root)}
    cache = PassingCache()
    with registries(registry, cache) as client:
        told = Describer(client, cache, Releases(cache), hosts).tell(
            [[proposed(registry)]], {}, NOW
        )
    assert len(told.details) == 2
    assert told.releases == {}


def test_a_source_on_an_unknown_host_is_not_asked(
    registry: HostileRegistry, forge: ReleaseServer
) -> None:
    for tag in ("1.0.0", "1.1.0"):
        put(registry, tag)
    cache = PassingCache()
    with registries(registry, cache) as client:
        told = Describer(client, cache, Releases(cache), {}).tell([[proposed(registry)]], {}, NOW)
    assert told.releases == {}
    assert forge.requests == []
    assert sorted(found.labels["version"] for found in told.details.values()) == ["1.0.0", "1.1.0"]
