"""What images say of themselves: read whole, checked against digests, asked once, bounded."""

import json
from datetime import UTC, datetime

import pytest

from imagebot.demo.registry import OCI_CONFIG, digest
from imagebot.details import DetailsKey, ImageDetails, Layer
from imagebot.errors import RegistryError
from imagebot.image import Digest, Platform, Repository
from imagebot.registries import PassingCache, Registries, RegistryRules
from imagebot.registries import details as reading
from imagebot.registries.distribution import OCI_INDEX, OCI_MANIFEST
from tests.servers.registry import HostileRegistry

from .conftest import Client

CONFIG = {
    "os": "linux",
    "architecture": "amd64",
    "created": "2026-11-20T08:30:15Z",
    "config": {
        "User": "65532",
        "WorkingDir": "/srv",
        "Entrypoint": ["/api"],
        "Cmd": ["--port", "8080"],
        "ExposedPorts": {"8080/tcp": {}},
        "Volumes": {"/data": {}},
        "Env": ["PATH=/bin", "PASSWORD=hunter2"],
        "Labels": {"org.opencontainers.image.revision": "abc1234"},
    },
}


def put(registry: HostileRegistry, config: object, **more: object) -> str:
    """An image with one layer of seven bytes."""
    blob = json.dumps(config).encode()
    registry.put_blob("acme/api", blob)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest(blob), "size": len(blob)},
        "layers": [{"digest": digest(b"layer"), "size": 7}],
    }
    return registry.put_manifest(
        "acme/api", "1.0", OCI_MANIFEST, json.dumps(manifest | more).encode()
    )


def index_of(registry: HostileRegistry, **digests: str) -> str:
    entries = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": text,
            "size": 7,
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, text in digests.items()
    ]
    body = {"schemaVersion": 2, "manifests": entries, "annotations": {"org.example": "index"}}
    return registry.put_manifest("acme/api", "1.0", OCI_INDEX, json.dumps(body).encode())


def asked(
    client: Registries, host: str, text: str, *platforms: str
) -> ImageDetails | RegistryError:
    wanted = tuple(map(Platform.parse, platforms))
    key = DetailsKey(Repository(host, "acme/api"), Digest(text), wanted)
    return client.details_many([key])[key]


def test_everything_but_the_values_of_variables_is_read(
    registry: HostileRegistry, client: Client
) -> None:
    text = put(registry, CONFIG, annotations={"org.example": "manifest"})
    found = asked(client(registry.host), registry.host, text)
    assert found == ImageDetails(
        digest=Digest(text),
        platform="linux/amd64",
        platforms=("linux/amd64",),
        layers=(Layer(digest(b"layer"), 7),),
        created_at=datetime(2026, 11, 20, 8, 30, 15, tzinfo=UTC),
        user="65532",
        working_dir="/srv",
        entrypoint=("/api",),
        command=("--port", "8080"),
        ports=("8080/tcp",),
        volumes=("/data",),
        env_names=("PASSWORD", "PATH"),
        labels={"org.opencontainers.image.revision": "abc1234"},
        annotations={"org.example": "manifest"},
    )
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("wanted", "platform"),
    [((), "linux/amd64"), (("linux/s390x", "linux/arm64"), "linux/arm64")],
)
def test_of_an_index_the_image_of_a_wanted_platform_is_read(
    registry: HostileRegistry, client: Client, wanted: tuple[str, ...], platform: str
) -> None:
    arm = put(registry, CONFIG | {"architecture": "arm64"})
    amd = put(registry, CONFIG)
    text = index_of(registry, arm64=arm, amd64=amd)
    found = asked(client(registry.host), registry.host, text, *wanted)
    assert isinstance(found, ImageDetails)
    assert (found.digest.text, found.platform) == (text, platform)
    assert found.platforms == ("linux/amd64", "linux/arm64")
    assert found.annotations == {"org.example": "index"}


def test_a_digest_is_asked_for_once_in_its_life(registry: HostileRegistry) -> None:
    text = index_of(registry, amd64=put(registry, CONFIG))
    cache = PassingCache()
    rules = [RegistryRules(registry.host, insecure=True, internal=True)]
    with Registries(rules, cache=cache) as first:
        found = asked(first, registry.host, text)
        assert first.request_count_by_host == {registry.host: 3}
    with Registries(rules, cache=cache) as second:
        assert asked(second, registry.host, text) == found
        assert second.request_count_by_host == {}


def test_what_is_kept_in_another_shape_is_asked_for_again(registry: HostileRegistry) -> None:
    text = put(registry, CONFIG)
    key = DetailsKey(Repository(registry.host, "acme/api"), Digest(text))
    cache = PassingCache()
    cache.put_many({f"details 1::{text}": b'{"digest": 3}'})
    assert reading.known(cache, [key]) == {}


def test_a_config_that_does_not_have_its_digest_is_an_error(
    registry: HostileRegistry, client: Client
) -> None:
    blob = json.dumps(CONFIG).encode()
    text = put(registry, CONFIG)
    registry._content["acme/api"].blobs[digest(blob)] = blob.replace(b"65532", b"root!")
    found = asked(client(registry.host), registry.host, text)
    assert isinstance(found, RegistryError)
    assert "not those of the digest" in str(found)


def test_nothing_in_a_config_of_any_shape_gets_past_its_bounds(
    registry: HostileRegistry, client: Client
) -> None:
    odd = {
        "User": ["a"],
        "Env": [3, None, "A" * 5000],
        "Labels": {f"k{n}": "v" * 500 for n in range(5000)},
        "ExposedPorts": "80",
        "Entrypoint": {"a": 1},
    }
    text = put(registry, CONFIG | {"config": odd}, layers=[{"size": -1}, 3] * 1000)
    found = asked(client(registry.host), registry.host, text)
    assert isinstance(found, ImageDetails)
    assert len(found.labels) == reading.MAX_ENTRIES
    assert {len(value) for value in found.labels.values()} == {reading.MAX_TEXT}
    assert found.user == ""
    assert found.ports == ()
    assert len(found.layers) <= reading.MAX_ENTRIES
    assert found.compressed_bytes == 0
