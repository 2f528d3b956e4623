"""What digests hold: platforms and build times, asked once ever, never believed unchecked."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebot.demo.registry import OCI_INDEX, Request, Response, digest
from imagebot.errors import NotInRegistry, RegistryError, RegistryUnavailable
from imagebot.image import Digest, Platform, Repository
from imagebot.model import ImageContent
from imagebot.registries import PassingCache, Registries
from imagebot.registries.artifacts import push_image
from imagebot.registries.distribution import DOCKER_INDEX, OCI_MANIFEST
from imagebot.store import Store
from tests.servers.docker_registry import DockerRegistry
from tests.servers.registry import HostileRegistry, Thief

from .conftest import SHORT, Client
from .test_docker_registry import rules

BUILT = datetime(2026, 11, 20, 8, 30, 15, 250000, tzinfo=UTC)
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
CONFIG = {"os": "linux", "architecture": "amd64", "created": "2026-11-20T08:30:15.25Z"}


def entry(digest: str, platform: object, **more: object) -> dict[str, object]:
    named = {"mediaType": OCI_MANIFEST, "digest": digest, "size": 7, "platform": platform}
    return {key: value for key, value in (named | more).items() if value is not None}


def content(client: Registries, host: str, text: str) -> ImageContent | RegistryError:
    key = (Repository(host, "acme/api"), Digest(text))
    return client.content_many([key])[key]


def created(client: Registries, host: str, text: str) -> datetime | RegistryError | None:
    key = (Repository(host, "acme/api"), Digest(text))
    return client.created_many([key])[key]


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_INDEX])
def test_an_index_has_the_manifest_of_each_platform_in_one_request(
    registry: HostileRegistry, client: Client, media_type: str
) -> None:
    first, second, third = (registry.put_image("acme/api", str(n), CONFIG) for n in (1, 2, 3))
    arm = {"os": "linux", "architecture": "arm", "variant": "v7"}
    index = registry.put_index(
        "acme/api",
        "1.0",
        [
            entry(first, {"os": "linux", "architecture": "amd64"}),
            entry(second, {"os": "linux", "architecture": "arm64", "variant": "v8"}),
            entry(third, arm | {"features": []}),
        ],
        media_type,
    )
    registries = client(registry.host)
    found = content(registries, registry.host, index)
    assert isinstance(found, ImageContent)
    assert found.digest.text == index
    assert {str(key): value.text for key, value in found.manifests.items()} == {
        "linux/amd64": first,
        "linux/arm64/v8": second,
        "linux/arm/v7": third,
    }
    assert len(registry.requests) == 1


def test_attestations_and_other_things_of_an_index_are_no_platforms(
    registry: HostileRegistry, client: Client
) -> None:
    image = registry.put_image("acme/api", "1", CONFIG)
    other = "sha256:" + "1" * 64
    amd64 = {"os": "linux", "architecture": "amd64"}
    index = registry.put_index(
        "acme/api",
        "1.0",
        [
            entry(other, {"os": "unknown", "architecture": "unknown"}),
            entry(
                other,
                {"os": "linux", "architecture": "arm64"},
                annotations={"vnd.docker.reference.type": "attestation-manifest"},
            ),
            entry(other, {"os": "linux", "architecture": "s390x"}, artifactType="text/x"),
            entry(other, {"os": "linux", "architecture": "riscv64"}, mediaType="text/x"),
            entry(other, None),
            entry(other, "linux/ppc64le"),
            entry(other, {"os": "linux\n", "architecture": "386"}),
            entry(other, {"os": 7, "architecture": "386"}),
            entry(image, {"os": "Linux", "architecture": "x86_64"}),
            entry(other, amd64),  # a second one for the same platform
        ],
    )
    found = content(client(registry.host), registry.host, index)
    assert isinstance(found, ImageContent)
    assert found.manifests == {AMD64: Digest(image)}


def test_the_config_of_a_lone_manifest_tells_its_platform_and_its_build(
    registry: HostileRegistry, client: Client
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG | {"architecture": "arm64"})
    registries = client(registry.host)
    found = content(registries, registry.host, image)
    assert found == ImageContent(Digest(image), {ARM64: Digest(image)})
    assert created(registries, registry.host, image) == BUILT
    assert len(registry.requests) == 2  # for both questions together


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2026-11-20T08:30:15.25Z", BUILT),
        ("2026-11-20T09:30:15.250000999+01:00", BUILT),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-11-20T08:30:15", None),  # in which zone?
        ("2026-11-31T08:30:15Z", None),
        ("yesterday", None),
        ("", None),
        (1700000000, None),
        (None, None),
    ],
)
def test_a_build_time_is_what_can_be_read_as_one(
    registry: HostileRegistry, client: Client, said: object, expected: datetime | None
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG | {"created": said})
    assert created(client(registry.host), registry.host, image) == expected


def test_an_index_has_no_build_time_of_its_own(registry: HostileRegistry, client: Client) -> None:
    index = registry.put_index("acme/api", "1.0", [])
    assert "is an index" in str(created(client(registry.host), registry.host, index))


@pytest.mark.parametrize("config", [{}, {"os": "linux"}, {"os": "", "architecture": ""}])
def test_an_image_that_names_no_platform_has_none(
    registry: HostileRegistry, client: Client, config: Mapping[str, object]
) -> None:
    image = registry.put_image("acme/api", "1.0", config)
    found = content(client(registry.host), registry.host, image)
    assert found == ImageContent(Digest(image), {})


def test_a_chart_is_no_image_and_its_config_is_not_read(
    registry: HostileRegistry, client: Client
) -> None:
    helm = "application/vnd.cncf.helm.config.v1+json"
    chart = registry.put_image("acme/api", "1.0", CONFIG, mediaType=helm)
    found = content(client(registry.host), registry.host, chart)
    assert found == ImageContent(Digest(chart), {})
    assert len(registry.requests) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"},
        {"Content-Type": "application/json"},
    ],
)
def test_the_old_schema_is_refused_with_what_to_do(
    registry: HostileRegistry, client: Client, headers: Mapping[str, str]
) -> None:
    body = json.dumps({"schemaVersion": 1, "name": "acme/api", "tag": "1.0"}).encode()
    registry.answer_always(Response(200, headers, body))
    refused = content(client(registry.host), registry.host, digest(body))
    assert isinstance(refused, RegistryError)
    assert "schema 1" in str(refused)
    assert "push the image again" in refused.hint


def _other_bytes(request: Request) -> Response | None:
    if "/blobs/" not in request.path:
        return None
    return Response(200, {}, json.dumps(CONFIG | {"architecture": "arm64"}).encode())


def _gone(request: Request) -> Response | None:
    return Response(404) if "/blobs/" in request.path else None


def _down(request: Request) -> Response | None:
    return Response(503) if "/blobs/" in request.path else None


@pytest.mark.parametrize(
    ("misbehave", "kind", "message"),
    [
        (_other_bytes, RegistryError, "the bytes are not those"),
        (_gone, RegistryError, "config is missing"),
        (_down, RegistryUnavailable, "503"),
    ],
)
def test_a_config_that_cannot_be_trusted_is_a_failure_and_is_asked_for_again(
    registry: HostileRegistry,
    client: Client,
    misbehave: object,
    kind: type[RegistryError],
    message: str,
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG)
    registries = client(registry.host)
    registry.misbehave = misbehave  # type: ignore[assignment]
    failure = content(registries, registry.host, image)
    assert type(failure) is kind
    assert message in str(failure)
    registry.misbehave = lambda request: None
    found = content(registries, registry.host, image)
    assert found == ImageContent(Digest(image), {AMD64: Digest(image)})


def test_a_manifest_with_other_bytes_is_a_failure(
    registry: HostileRegistry, client: Client
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG)
    other = registry.put_image("acme/api", "1.1", CONFIG | {"architecture": "arm64"})
    moved = registry._content["acme/api"].manifests
    moved[image] = moved[other]
    failure = content(client(registry.host), registry.host, image)
    assert isinstance(failure, RegistryError)


@pytest.mark.parametrize(
    "manifests",
    [None, {}, "x", [1], [{**entry("sha256:short", {"os": "linux", "architecture": "amd64"})}]],
)
def test_an_index_of_another_shape_is_refused(
    registry: HostileRegistry, client: Client, manifests: object
) -> None:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    text = registry.put_manifest("acme/api", "1.0", OCI_INDEX, json.dumps(document).encode())
    assert isinstance(content(client(registry.host), registry.host, text), RegistryError)


def test_an_index_of_endless_platforms_is_refused(
    registry: HostileRegistry, client: Client
) -> None:
    other = "sha256:" + "1" * 64
    entries = [entry(other, {"os": "linux", "architecture": f"a{n}"}) for n in range(300)]
    index = registry.put_index("acme/api", "1.0", entries)
    assert "more than 200" in str(content(client(registry.host), registry.host, index))


def test_a_config_beyond_any_reason_is_not_read(registry: HostileRegistry, client: Client) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG, size=1 << 40)
    assert "more than" in str(content(client(registry.host), registry.host, image))
    assert len(registry.requests) == 1


def test_a_config_that_lies_on_another_host_is_fetched_without_credentials(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG)

    def redirect(request: Request) -> Response | None:
        if "/blobs/" not in request.path:
            return None
        return Response(307, {"Location": f"http://{thief.host}/storage?signature=x"})

    registry.misbehave = redirect
    servers = (thief.host,)  # or its loopback address would not be connected to
    found = content(client(registry.host, token_servers=servers), registry.host, image)
    assert "the bytes are not those" in str(found)
    assert all("Authorization" not in request.headers for request in thief.requests)
    assert len(thief.requests) == 1


def test_a_failure_stops_none_of_the_others(registry: HostileRegistry, client: Client) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG)
    here = Repository(registry.host, "acme/api")
    gone = Digest("sha256:" + "0" * 64)
    found = client(registry.host).content_many([(here, gone), (here, Digest(image))])
    assert isinstance(found[here, gone], NotInRegistry)
    assert isinstance(found[here, Digest(image)], ImageContent)
    assert list(found) == [(here, gone), (here, Digest(image))]


# Remembering


def test_a_digest_is_asked_of_a_registry_once_ever(
    registry: HostileRegistry, tmp_path: Path
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG)
    index = registry.put_index(
        "acme/api", "1.1", [entry(image, {"os": "linux", "architecture": "amd64"})]
    )
    keys = [(Repository(registry.host, "acme/api"), Digest(text)) for text in (image, index)]
    answers = []
    for _ in range(2):  # two processes, one after the other
        store = Store(tmp_path / "imagebot.sqlite")
        known = rules(DockerRegistry(registry.host, tmp_path))
        with Registries([known], limits=SHORT, cache=store.digests) as registries:
            answers.append((registries.content_many(keys), registries.created_many(keys[:1])))
        store.close()
    assert answers[0] == answers[1]
    assert answers[0][1] == {keys[0]: BUILT}
    assert len(registry.requests) == 3


def test_one_content_in_two_repositories_is_read_once(
    registry: HostileRegistry, client: Client
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG)
    registries = client(registry.host)
    content(registries, registry.host, image)
    elsewhere = (Repository(registry.host, "mirror/api"), Digest(image))
    assert isinstance(registries.content_many([elsewhere])[elsewhere], ImageContent)
    assert len(registry.requests) == 2


@pytest.mark.parametrize("kept", [b"", b"{}", b"[false,null]", b'[false,null,{"x":"y"}]', b"\xff"])
def test_what_was_kept_in_another_shape_is_asked_for_again(
    registry: HostileRegistry, kept: bytes
) -> None:
    image = registry.put_image("acme/api", "1.0", CONFIG)
    cache = PassingCache()
    cache.put_many({f"1:{image}": kept})
    known = rules(DockerRegistry(registry.host, Path()))
    with Registries([known], limits=SHORT, cache=cache) as registries:
        found = content(registries, registry.host, image)
    assert found == ImageContent(Digest(image), {AMD64: Digest(image)})


def test_a_passing_cache_is_bounded_and_leaves_what_is_below_alone() -> None:
    below = PassingCache()
    below.put_many({"a": b"below", "b": b"below"})
    cache = PassingCache(below, max_entries=2)
    cache.put_many({"a": b"1", "c": b"3", "d": b"4"})
    assert cache.get_many(["a", "b", "c", "d", "e"]) == {
        "a": b"below",
        "b": b"below",
        "c": b"3",
        "d": b"4",
    }
    assert below.get_many(["a", "c"]) == {"a": b"below"}


# The real thing


def test_docker_registry_tells_what_was_pushed(anonymous_registry: DockerRegistry) -> None:
    known = rules(anonymous_registry)
    repository = Repository(known.host, "acme/contents")
    with Registries([known], limits=SHORT) as registries:
        session = registries.session(repository)
        lone = push_image(session, repository, "1.0", created_at=BUILT)
        index = push_image(
            session, repository, "2.0", platforms=("linux/amd64", "linux/arm64"), created_at=BUILT
        )
        found = registries.content_many([(repository, lone), (repository, index)])
        assert found[repository, lone] == ImageContent(lone, {AMD64: lone})
        both = found[repository, index]
        assert isinstance(both, ImageContent)
        assert both.manifests.keys() == {AMD64, ARM64}
        manifests = [(repository, manifest) for manifest in both.manifests.values()]
        assert registries.created_many([(repository, lone), *manifests]) == dict.fromkeys(
            [(repository, lone), *manifests], BUILT
        )
