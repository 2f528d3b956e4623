"""oras on the guarded session."""

import time
from pathlib import Path

import pytest

from imagebot.demo.registry import EmbeddedRegistry, Response
from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.image import Repository
from imagebot.registries import BasicCredentials
from imagebot.registries.artifacts import ArtifactClient, push_image
from imagebot.secret import Secret
from tests.servers.registry import HostileRegistry, Thief, challenge, holds

from .conftest import Client

CREDENTIALS = BasicCredentials("bot", Secret("canary-password"))


def test_equal_images_have_equal_digests(registry: HostileRegistry, client: Client) -> None:
    repository = Repository(registry.host, "acme/team/api")
    session = client(registry.host).session(repository)
    first = push_image(session, repository, "1.0", labels={"a": "b"})
    assert push_image(session, repository, "1.0", labels={"a": "b"}) == first
    assert push_image(session, repository, "1.1", labels={"a": "b"}) != first


def test_oras_pulls_what_it_pushed(
    registry: HostileRegistry, client: Client, tmp_path: Path
) -> None:
    repository = Repository(registry.host, "acme/notes")
    oras = ArtifactClient(client(registry.host).session(repository))
    note = tmp_path / "note.txt"
    note.write_text("hello")
    target = f"{repository}:1"
    oras.push(target=target, files=[str(note)], disable_path_validation=True)
    (pulled,) = oras.pull(target=target, outdir=str(tmp_path / "out"))
    assert Path(pulled).read_text() == "hello"


def test_a_server_error_does_not_make_oras_sleep(registry: HostileRegistry, client: Client) -> None:
    registry.answer_always(Response(500))
    repository = Repository(registry.host, "acme/api")
    started = time.monotonic()
    with pytest.raises(RegistryUnavailable, match="500"):
        push_image(client(registry.host).session(repository), repository, "1.0")
    assert time.monotonic() - started < 60  # unguarded, oras sleeps for 131 s


def test_an_upload_place_on_another_host_gets_nothing(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    place = f"http://{thief.host}/v2/acme/api/blobs/uploads/1"
    registry.misbehave = lambda request: (
        Response(202, {"Location": place}) if request.method == "POST" else None
    )
    repository = Repository(registry.host, "acme/api")
    found = client(registry.host, credentials=CREDENTIALS, token_servers=(thief.host,))
    with pytest.raises(RegistryError, match="another host"):
        push_image(found.session(repository), repository, "1.0")
    assert thief.requests == []


def test_a_push_that_is_redirected_is_not_followed(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    registry.misbehave = lambda request: (
        Response(307, {"Location": f"http://{thief.host}/"}) if request.method == "POST" else None
    )
    repository = Repository(registry.host, "acme/api")
    with pytest.raises(RegistryError, match="not followed"):
        push_image(client(registry.host).session(repository), repository, "1.0")
    assert thief.requests == []


def test_a_foreign_realm_gets_nothing_from_a_push_either(
    registry: HostileRegistry, thief: Thief, client: Client
) -> None:
    registry.answer_always(challenge(f'Bearer realm="http://{thief.host}/token"'))
    repository = Repository(registry.host, "acme/api")
    session = client(registry.host, credentials=CREDENTIALS).session(repository)
    with pytest.raises(RegistryError, match="token service"):
        push_image(session, repository, "1.0")
    assert thief.requests == []
    assert holds(registry.authorizations, "canary") == []


def test_a_refused_upload_is_an_error(registry: HostileRegistry, client: Client) -> None:
    registry.misbehave = lambda request: Response(400) if request.method == "PUT" else None
    repository = Repository(registry.host, "acme/api")
    with pytest.raises(RegistryError, match="400"):
        push_image(client(registry.host).session(repository), repository, "1.0")


def test_oras_does_not_read_the_home_folder(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".docker").mkdir()
    with EmbeddedRegistry() as registry:
        entry = f'{{"auths": {{"{registry.host}": {{"auth": "Ym90OmNhbmFyeQ=="}}}}}}'
        (tmp_path / ".docker" / "config.json").write_text(entry)
        monkeypatch.setenv("HOME", str(tmp_path))
        repository = Repository(registry.host, "acme/api")
        registry.add("acme/api", "1.0")
        oras = ArtifactClient(client(registry.host).session(repository))
        assert oras.get_manifest(f"{repository}:1.0")["schemaVersion"] == 2
        assert all("Authorization" not in request.headers for request in registry.requests)
