"""Against Debian's docker-registry: the real thing, four ways."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from imagebot.errors import NotInRegistry, RegistryError
from imagebot.image import Repository
from imagebot.registries import BasicCredentials, Registries, RegistryRules
from imagebot.registries.artifacts import push_image
from imagebot.registries.distribution import MANIFEST_TYPES, read_manifest
from imagebot.secret import Secret
from tests.servers.docker_registry import DockerRegistry, TokenServer

from .conftest import SHORT

BOT = BasicCredentials("bot", Secret("p@ss w:rd"))
REFRESH = BasicCredentials("<token>", Secret("bot.p@ss w:rd"))


def rules(registry: DockerRegistry, **changes: object) -> RegistryRules:
    plain = registry.ca_file is None
    known = RegistryRules(registry.host, insecure=plain, internal=True, ca_file=registry.ca_file)
    return replace(known, **changes)  # type: ignore[arg-type]


def push(known: RegistryRules, path: str, *tags: str) -> Repository:
    repository = Repository(known.host, path)
    with Registries([known], limits=SHORT) as registries:
        for tag in tags:
            push_image(registries.session(repository), repository, tag)
    return repository


def test_a_pushed_image_is_listed_with_its_digest(anonymous_registry: DockerRegistry) -> None:
    known = rules(anonymous_registry)
    repository = push(known, "acme/team/api", "1.0", "1.1")
    with Registries([known], limits=SHORT) as registries:
        digest = push_image(registries.session(repository), repository, "1.2", labels={"a": "b"})
        assert set(registries.list_tags(repository).tags) == {"1.0", "1.1", "1.2"}
        facts = registries.facts(repository, "1.2")
        assert facts.digest == digest
        assert read_manifest(registries.session(repository), repository, "1.2").digest == digest
        with pytest.raises(NotInRegistry):
            registries.facts(repository, "9.9")
        with pytest.raises(NotInRegistry):
            registries.list_tags(Repository(known.host, "acme/none"))


def test_the_digest_of_an_index_is_that_of_the_index(anonymous_registry: DockerRegistry) -> None:
    known = rules(anonymous_registry)
    repository = Repository(known.host, "acme/multi")
    with Registries([known], limits=SHORT) as registries:
        digest = push_image(
            registries.session(repository),
            repository,
            "1.0",
            platforms=("linux/amd64", "linux/arm64"),
        )
        facts = registries.facts(repository, "1.0")
    assert (facts.digest, facts.media_type) == (digest, MANIFEST_TYPES[0])


def test_skopeo_understands_what_was_pushed(anonymous_registry: DockerRegistry) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    repository = push(rules(anonymous_registry), "acme/inspected", "1.0")
    seen = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", f"docker://{repository}:1.0"],
        capture_output=True,
        check=True,
    )
    assert json.loads(seen.stdout)["RepoTags"] == ["1.0"]


def test_a_password_opens_a_registry_that_asks_for_basic(password_registry: DockerRegistry) -> None:
    known = rules(password_registry, credentials=BOT)
    repositories = [push(known, f"acme/api{number}", "1.0") for number in range(3)]
    with Registries([known], limits=SHORT) as registries:
        for repository in repositories:
            assert registries.list_tags(repository).tags == ("1.0",)
        assert registries.request_count_by_host == {known.host: 4}  # one refusal, then none


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (None, "401 to an anonymous request"),
        (replace(BOT, password=Secret("wrong")), "401 to 'bot' from the settings"),
        (REFRESH, "wants a user name and password"),
    ],
)
def test_without_the_right_password_the_error_says_whose_it_was(
    password_registry: DockerRegistry, credentials: BasicCredentials | None, message: str
) -> None:
    known = rules(password_registry, credentials=credentials)
    with Registries([known], limits=SHORT) as registries:
        with pytest.raises(RegistryError, match=message) as refused:
            registries.list_tags(Repository(known.host, "acme/api"))
        assert not refused.value.can_retry


def test_a_certificate_of_our_own_ca_is_trusted_when_it_is_named(
    tls_registry: DockerRegistry,
) -> None:
    known = rules(tls_registry)
    repository = push(known, "acme/api", "1.0")
    with Registries([known], limits=SHORT) as registries:
        assert registries.list_tags(repository).tags == ("1.0",)
        assert registries.facts(repository, "1.0").tag == "1.0"


def test_a_certificate_of_an_unknown_ca_is_refused_with_advice(
    tls_registry: DockerRegistry,
) -> None:
    known = rules(tls_registry, ca_file=None, insecure=False)
    with Registries([known], limits=SHORT) as registries:
        with pytest.raises(RegistryError, match="is not trusted") as refused:
            registries.list_tags(Repository(known.host, "acme/api"))
        assert "caFile" in refused.value.hint
        assert not refused.value.can_retry
        assert registries.request_count_by_host == {known.host: 1}


def test_plain_http_to_a_tls_port_is_refused_with_advice(tls_registry: DockerRegistry) -> None:
    known = rules(tls_registry, insecure=True)
    with (
        Registries([known], limits=SHORT) as registries,
        pytest.raises(RegistryError, match="400") as refused,
    ):
        registries.list_tags(Repository(known.host, "acme/api"))
    assert "insecure" in refused.value.hint


def test_a_ca_file_that_is_none_is_refused(tls_registry: DockerRegistry, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (empty, tmp_path / "missing.pem"):
        known = rules(tls_registry, ca_file=path)
        with (
            Registries([known], limits=SHORT) as registries,
            pytest.raises(RegistryError, match="CA file"),
        ):
            registries.list_tags(Repository(known.host, "acme/api"))


@pytest.mark.parametrize("credentials", [BOT, REFRESH])
def test_one_token_serves_a_repository_until_it_expires(
    token_registry: DockerRegistry, tokens: TokenServer, credentials: BasicCredentials
) -> None:
    known = rules(token_registry, credentials=credentials, token_servers=(tokens.host,))
    repository = push(known, "acme/api", "1.0")
    tokens.issued.clear()
    with Registries([known], limits=SHORT) as registries:
        for _ in range(3):
            assert registries.list_tags(repository).tags == ("1.0",)
            registries.facts(repository, "1.0")
        (issued,) = tokens.issued
        assert issued.scope == "repository:acme/api:pull"
        assert issued.service == "imagebot-test-registry"
        assert registries.request_count_by_host[known.host] == 7  # six and one challenge


def test_each_repository_has_its_own_token_and_only_one_challenge_is_needed(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    known = rules(token_registry, credentials=BOT, token_servers=(tokens.host,))
    repositories = [push(known, f"acme/many{number}", "1.0") for number in range(4)]
    tokens.issued.clear()
    with Registries([known], limits=SHORT) as registries:
        for repository in repositories:
            assert registries.list_tags(repository).tags == ("1.0",)
        assert {issued.scope for issued in tokens.issued} == {
            f"repository:acme/many{number}:pull" for number in range(4)
        }
        assert registries.request_count_by_host == {known.host: 5, tokens.host: 4}


def test_anybody_may_pull_what_is_public(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    known = rules(token_registry, token_servers=(tokens.host,))
    repository = push(replace(known, credentials=BOT), "public/api", "1.0")
    with Registries([known], limits=SHORT) as registries:
        assert registries.list_tags(repository).tags == ("1.0",)
        with pytest.raises(RegistryError, match="anonymous"):
            registries.list_tags(Repository(known.host, "acme/api"))


def test_a_token_that_expired_early_is_replaced_once(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    known = rules(token_registry, credentials=BOT, token_servers=(tokens.host,))
    repository = push(known, "acme/expiring", "1.0")
    with Registries([known], limits=SHORT) as registries:
        tokens.misdated = 3600  # the answer says five minutes, the token itself is long expired
        try:
            with pytest.raises(RegistryError, match="401"):
                registries.list_tags(repository)
            tokens.issued.clear()
        finally:
            tokens.misdated = 0
        assert registries.list_tags(repository).tags == ("1.0",)
        assert len(tokens.issued) == 1


def test_a_token_service_that_refuses_the_password_is_asked_once(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    wrong = replace(BOT, password=Secret("wrong"), source="~/.docker/config.json (x)")
    known = rules(token_registry, credentials=wrong, token_servers=(tokens.host,))
    with Registries([known], limits=SHORT) as registries:
        with pytest.raises(RegistryError, match=r"401 to 'bot' from ~/\.docker") as refused:
            registries.list_tags(Repository(known.host, "acme/api"))
        assert not refused.value.can_retry
        assert registries.request_count_by_host == {known.host: 1, tokens.host: 1}


def test_a_token_service_nobody_listed_is_named(
    token_registry: DockerRegistry, tokens: TokenServer
) -> None:
    known = rules(token_registry, credentials=BOT)
    tokens.issued.clear()
    with Registries([known], limits=SHORT) as registries:
        with pytest.raises(RegistryError, match=tokens.host) as refused:
            registries.list_tags(Repository(known.host, "acme/api"))
        assert "tokenServers" in refused.value.hint
    assert tokens.issued == []
