"""Digest and media type of a tag."""

import hashlib
import json

import pytest

from imagebot.demo.registry import EmbeddedRegistry, Request, Response
from imagebot.errors import NotInRegistry, RegistryError
from imagebot.image import Digest, Repository
from imagebot.registries.distribution import MANIFEST_TYPES, read_manifest
from tests.servers.registry import HostileRegistry

from .conftest import Client

INDEX = MANIFEST_TYPES[0]
BODY = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
SHA256 = "sha256:" + hashlib.sha256(BODY).hexdigest()
SHA512 = "sha512:" + hashlib.sha512(BODY).hexdigest()
OTHER = "sha256:" + "0" * 64


def manifest(body: bytes = BODY, media_type: str = INDEX, digest: str = SHA256) -> Response:
    headers = {"Content-Type": media_type, "Docker-Content-Digest": digest}
    return Response(200, {name: value for name, value in headers.items() if value}, body)


@pytest.mark.parametrize("media_type", MANIFEST_TYPES)
def test_each_of_the_four_manifest_types_is_accepted(
    registry: HostileRegistry, client: Client, media_type: str
) -> None:
    body = json.dumps({"schemaVersion": 2, "mediaType": media_type}).encode()
    expected = registry.put_manifest("acme/api", "1.0", media_type, body)
    found = client(registry.host).facts(Repository(registry.host, "acme/api"), "1.0")
    assert (found.tag, found.digest.text, found.media_type) == ("1.0", expected, media_type)


def test_all_four_types_are_asked_for_by_one_head(
    registry: HostileRegistry, client: Client
) -> None:
    registry.add("acme/api", "1.0")
    client(registry.host).facts(Repository(registry.host, "acme/api"), "1.0")
    (request,) = registry.requests
    assert request.method == "HEAD"
    assert set(request.headers["Accept"].split(", ")) == set(MANIFEST_TYPES)


@pytest.mark.parametrize(
    "head",
    [
        manifest(digest=""),
        manifest(media_type=""),
        manifest(media_type="text/html"),
        Response(405),
        Response(501),
    ],
)
def test_the_body_is_read_where_the_head_does_not_say(
    registry: HostileRegistry, client: Client, head: Response
) -> None:
    registry.answer_next(head, manifest(digest=""))
    found = client(registry.host).facts(Repository(registry.host, "acme/api"), "1.0")
    assert (found.digest.text, found.media_type) == (SHA256, INDEX)


def test_parameters_of_the_media_type_do_not_matter(
    registry: HostileRegistry, client: Client
) -> None:
    registry.answer_always(manifest(media_type=f"{INDEX}; charset=utf-8"))
    found = client(registry.host).facts(Repository(registry.host, "acme/api"), "1.0")
    assert found.media_type == INDEX


def test_a_missing_tag_is_told_from_other_failures(
    registry: HostileRegistry, client: Client
) -> None:
    registry.add("acme/api", "1.0")
    with pytest.raises(NotInRegistry, match=r"acme/api:2\.0"):
        client(registry.host).facts(Repository(registry.host, "acme/api"), "2.0")


@pytest.mark.parametrize("digest", ["latest", "md5:00", "sha256:XYZ", "sha384:" + "0" * 96])
def test_a_digest_of_another_kind_is_refused(
    registry: HostileRegistry, client: Client, digest: str
) -> None:
    registry.answer_always(manifest(digest=digest))
    with pytest.raises(RegistryError, match="digest"):
        client(registry.host).facts(Repository(registry.host, "acme/api"), "1.0")


@pytest.mark.parametrize("digest", [SHA256, SHA512])
def test_a_body_with_the_claimed_digest_is_accepted(
    registry: HostileRegistry, client: Client, digest: str
) -> None:
    registry.answer_always(manifest(digest=digest))
    repository = Repository(registry.host, "acme/api")
    found = read_manifest(client(registry.host).session(repository), repository, "1.0")
    assert (found.digest, found.body) == (Digest(digest), BODY)


@pytest.mark.parametrize("digest", [OTHER, "sha512:" + "0" * 128])
def test_a_body_without_the_claimed_digest_is_refused(
    registry: HostileRegistry, client: Client, digest: str
) -> None:
    registry.answer_always(manifest(digest=digest))
    repository = Repository(registry.host, "acme/api")
    with pytest.raises(RegistryError, match="not those of"):
        read_manifest(client(registry.host).session(repository), repository, "1.0")


@pytest.mark.parametrize("claimed", ["", SHA256])
def test_a_body_without_the_digest_asked_for_is_refused(
    registry: HostileRegistry, client: Client, claimed: str
) -> None:
    registry.answer_always(manifest(digest=claimed))
    repository = Repository(registry.host, "acme/api")
    with pytest.raises(RegistryError, match="not those of"):
        read_manifest(client(registry.host).session(repository), repository, OTHER)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{}", "application/json"),
        (b"[]", "text/html"),
        (b"not json", INDEX),
        (json.dumps({"mediaType": MANIFEST_TYPES[2]}).encode(), INDEX),
        (b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
    ],
)
def test_a_body_that_is_no_manifest_or_of_two_kinds_is_refused(
    registry: HostileRegistry, client: Client, body: bytes, media_type: str
) -> None:
    registry.answer_always(manifest(body, media_type, digest=""))
    with pytest.raises(RegistryError):
        client(registry.host).facts(Repository(registry.host, "acme/api"), "1.0")


def test_a_redirected_manifest_is_followed_on_the_same_origin(client: Client) -> None:
    class Moved(EmbeddedRegistry):
        def handle(self, request: Request) -> Response:
            if "/acme/api/" in request.target:
                return Response(307, {"Location": request.target.replace("/api/", "/new/")})
            return super().handle(request)

    with Moved() as registry:
        registry.add("acme/new", "1.0")
        found = client(registry.host).facts(Repository(registry.host, "acme/api"), "1.0")
        assert found.tag == "1.0"
