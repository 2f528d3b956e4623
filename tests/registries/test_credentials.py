"""Whose credentials are used for a repository, and what a broken file costs."""

import json
import os
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.image import Repository
from imagebot.registries import BasicCredentials, Keychain
from imagebot.registries.credentials import home_docker_config
from imagebot.secret import Secret

API = Repository("ghcr.io", "acme/api")


def found(keychain: Keychain, repository: Repository = API) -> tuple[str, str] | None:
    credentials = keychain.find(repository)
    return (credentials.username, credentials.password.reveal()) if credentials else None


def account(name: str) -> BasicCredentials:
    return BasicCredentials(name, Secret(f"{name}-password"))


def config(folder: Path, **document: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(document))
    return path


def encoded(text: str) -> dict[str, str]:
    return {"auth": b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("acme/api", "api"),
        ("acme/api/sub", "api"),
        ("acme/web", "acme"),
        ("acme", "acme"),
        ("acme2/api", "host"),
        ("other", "host"),
    ],
)
def test_the_most_specific_place_wins_by_whole_components(path: str, expected: str) -> None:
    keychain = Keychain(
        {
            "ghcr.io": account("host"),
            "ghcr.io/acme": account("acme"),
            "ghcr.io/acme/api": account("api"),
        }
    )
    assert found(keychain, Repository("ghcr.io", path)) == (expected, f"{expected}-password")


def test_a_host_with_another_port_is_another_place() -> None:
    keychain = Keychain({"localhost:5000": account("a")})
    assert found(keychain, Repository("localhost:5001", "x")) is None
    assert found(keychain, Repository("localhost:5000", "x"))


@pytest.mark.parametrize(
    "key",
    [
        "docker.io",
        "index.docker.io",
        "https://index.docker.io/v1/",
        "registry-1.docker.io",
        "https://index.docker.io/v2/",
    ],
)
def test_docker_hub_has_many_names(tmp_path: Path, key: str) -> None:
    keychain = Keychain(docker_config=config(tmp_path, auths={key: encoded("u:p")}))
    assert found(keychain, Repository("docker.io", "library/nginx")) == ("u", "p")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (encoded("bot:pass:with:colons and blanks"), ("bot", "pass:with:colons and blanks")),
        ({"username": "bot", "password": "p"}, ("bot", "p")),
        ({"username": "bot", "password": "p", "auth": ""}, ("bot", "p")),
        ({"username": "old", "password": "old", **encoded("bot:p")}, ("bot", "p")),
        ({"identitytoken": "refresh", **encoded("bot:")}, ("<token>", "refresh")),
        ({"identitytoken": "refresh"}, ("<token>", "refresh")),
        ({}, None),
        ({"email": "x@y"}, None),
    ],
)
def test_every_form_of_a_docker_entry_is_read(
    tmp_path: Path, entry: dict[str, str], expected: tuple[str, str] | None
) -> None:
    keychain = Keychain(docker_config=config(tmp_path, auths={"ghcr.io": entry}))
    assert found(keychain) == expected


@pytest.mark.parametrize(
    "broken",
    [
        {"auth": "not base64!"},
        {"auth": b64encode(b"no colon").decode()},
        {"auth": b64encode(b"\xff:\xff").decode()},
        {"auth": 7},
        {"username": "bot"},
        {"username": 1, "password": 2},
        {"identitytoken": ["x"]},
        "text",
        None,
    ],
)
def test_a_broken_entry_fails_its_own_host_and_no_other(tmp_path: Path, broken: object) -> None:
    auths = {"ghcr.io": broken, "quay.io": encoded("u:p"), "a.example": encoded("a:b")}
    keychain = Keychain(docker_config=config(tmp_path, auths=auths))
    with pytest.raises(RegistryError, match=r"'ghcr\.io' of .*config\.json"):
        keychain.find(API)
    assert found(keychain, Repository("quay.io", "x")) == ("u", "p")
    assert found(keychain, Repository("a.example", "x")) == ("a", "b")


def test_the_old_form_without_auths_is_read(tmp_path: Path) -> None:
    path = tmp_path / ".dockercfg"
    path.write_text(json.dumps({"ghcr.io": encoded("u:p")}))
    assert found(Keychain(docker_config=path)) == ("u", "p")


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '{"auths": []}x', "[" * 100_000])
def test_a_file_that_is_no_docker_configuration_is_an_error_without_its_content(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(RegistryError, match="is not a JSON object"):
        Keychain(docker_config=path).find(API)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="cannot be read"):
        Keychain(docker_config=tmp_path / "none.json").find(API)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    keychain = Keychain(docker_config=config(tmp_path, auths={"ghcr.io": encoded("u:old")}))
    assert found(keychain) == ("u", "old")
    config(tmp_path, auths={"ghcr.io": encoded("u:newer")})
    assert found(keychain) == ("u", "newer")


def test_the_home_configuration_is_not_read_unless_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".docker").mkdir()
    path = config(tmp_path / ".docker", auths={"ghcr.io": encoded("u:p")})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / ".docker"))
    assert found(Keychain()) is None
    other = config(tmp_path, auths={"quay.io": encoded("u:p")})
    assert found(Keychain(docker_config=other)) is None
    assert home_docker_config({}) == path
    assert home_docker_config({"DOCKER_CONFIG": str(tmp_path)}) == other
    assert home_docker_config({"DOCKER_CONFIG": str(tmp_path / "none")}) is None


Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Installs a shell script as `docker-credential-NAME`; it logs what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(name: str, script: str) -> Path:
        log = tmp_path / f"{name}.log"
        path = folder / f"docker-credential-{name}"
        path.write_text(f'#!/bin/sh\nread -r server\necho "$1 $server" >>{log}\n{script}\n')
        path.chmod(0o755)
        return log

    return install


ANSWER = """echo '{"ServerURL": "x", "Username": "bot", "Secret": "s3cret-canary"}'"""


def test_a_named_program_is_asked_once_for_a_host(program: Program) -> None:
    log = program("safe", ANSWER)
    keychain = Keychain(helpers={"ghcr.io": "safe"})
    for path in ("acme/api", "acme/web", "other"):
        assert found(keychain, Repository("ghcr.io", path)) == ("bot", "s3cret-canary")
    assert found(keychain, Repository("quay.io", "x")) is None
    assert log.read_text() == "get ghcr.io\n"


def test_programs_of_the_docker_configuration_come_before_its_entries(
    program: Program, tmp_path: Path
) -> None:
    ecr, store = program("ecr", ANSWER), program("store", "echo credentials not found; exit 1")
    path = config(
        tmp_path,
        auths={"quay.io": encoded("u:p"), "ghcr.io": {}},
        credHelpers={"ghcr.io": "ecr"},
        credsStore="store",
    )
    keychain = Keychain(docker_config=path)
    assert found(keychain) == ("bot", "s3cret-canary")
    assert found(keychain, Repository("quay.io", "x")) == ("u", "p")
    assert found(keychain, Repository("docker.io", "library/x")) is None
    assert ecr.read_text() == "get ghcr.io\n"
    assert store.read_text() == "get quay.io\nget https://index.docker.io/v1/\n"


@pytest.mark.parametrize(
    "script",
    [
        "echo credentials not found in native keychain; exit 1",
        """echo '{"Username": "", "Secret": ""}'""",
    ],
)
def test_a_program_may_have_no_credentials(program: Program, script: str) -> None:
    program("safe", script)
    assert found(Keychain(helpers={"ghcr.io": "safe"})) is None


@pytest.mark.parametrize(
    "script",
    [
        "echo s3cret-canary; exit 3",
        "echo s3cret-canary >&2; exit 3",
        "echo s3cret-canary",
        """echo '{"Secret": "s3cret-canary"}'""",
        """echo '{"Username": 1, "Secret": "s3cret-canary"}'""",
        "kill -9 $$",
        "while true; do echo s3cret-canary; done",
    ],
)
def test_a_failing_program_is_an_error_without_its_output(program: Program, script: str) -> None:
    program("safe", script)
    with pytest.raises(RegistryError, match="docker-credential-safe") as failed:
        Keychain(helpers={"ghcr.io": "safe"}).find(API)
    assert "canary" not in str(failed.value) + failed.value.hint


def test_a_program_that_never_ends_is_ended_with_its_children(
    program: Program, tmp_path: Path
) -> None:
    program("slow", f"sleep 1000 & echo $! >{tmp_path}/child; wait")
    with pytest.raises(RegistryUnavailable, match="did not end"):
        Keychain(helpers={"ghcr.io": "slow"}, helper_seconds=2).find(API)
    child = int((tmp_path / "child").read_text())
    assert is_gone_soon(child)


def is_gone_soon(pid: int) -> bool:
    """A killed process takes a moment to go; nobody reaps it where there is no init."""
    for _ in range(200):
        if not psutil.pid_exists(pid):
            return True
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("name", ["missing", "../../bin/sh", "a/b", "", "-x", "a b"])
def test_a_program_that_is_not_installed_or_no_name_is_an_error(name: str) -> None:
    with pytest.raises(RegistryError, match="not installed"):
        Keychain(helpers={"ghcr.io": name}).find(API)


def test_a_program_does_not_see_our_own_settings(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEBOT_FORGE_TOKEN", "s3cret-canary")
    program(
        "env",
        """echo "{\\"Username\\": \\"u\\", \\"Secret\\": \\"${IMAGEBOT_FORGE_TOKEN:-no}\\"}" """,
    )
    assert found(Keychain(helpers={"ghcr.io": "env"})) == ("u", "no")
