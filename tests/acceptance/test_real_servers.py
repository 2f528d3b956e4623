"""The same story against real servers: docker-registry, git over HTTP and SSH, three forges."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagebot.cli.main import main
from imagebot.image import Repository
from imagebot.registries import Registries, RegistryRules
from imagebot.registries.artifacts import push_image
from imagebot.registries.credentials import BasicCredentials
from imagebot.secret import Secret
from tests.acceptance.world import DEPLOYMENT, POLICY
from tests.servers.docker_registry import docker_registry, needs_docker_registry
from tests.servers.git_http import GitHttpServer
from tests.servers.git_people import Person, person_at
from tests.servers.git_ssh import GitSshServer
from tests.servers.gitea import GiteaServer
from tests.servers.github import GitHubServer
from tests.servers.gitlab import GitLabServer

PROJECT = "acme/config"
USER, PASSWORD = "bot", "p@ss w:rd"
CANARIES = (PASSWORD, GitHttpServer.password)


@dataclass
class Images:
    """docker-registry with a password, and a client that may push."""

    host: str
    client: Registries

    def push(self, tag: str) -> str:
        repository = Repository(self.host, "acme/api")
        session = self.client.session(repository)
        platforms = ("linux/amd64", "linux/arm64")
        return str(
            push_image(session, repository, tag, labels={"version": tag}, platforms=platforms)
        )


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    needs_docker_registry()
    folder = tmp_path / "registry"
    folder.mkdir()
    with docker_registry(folder, users={USER: PASSWORD}) as registry:
        credentials = BasicCredentials(USER, Secret(PASSWORD))
        rules = RegistryRules(registry.host, insecure=True, internal=True, credentials=credentials)
        with Registries([rules]) as client:
            yield Images(registry.host, client)


def write_config(person: Person, host: str) -> None:
    policy = POLICY.format(name="api", host=host, image="api", tags="", more="  pin: digest\n")
    deployment = DEPLOYMENT.format(host=host, image="api", tag="1.0.0")
    person.commit({"apps/imagebot.yaml": policy.encode(), "apps/api.yaml": deployment.encode()})
    person.push()


def write_settings(folder: Path, host: str, url: str, forge: str, git: str) -> Path:
    (folder / "registry-password").write_text(PASSWORD)
    (folder / "git-password").write_text(GitHttpServer.password + "\n")
    path = folder / "settings.yaml"
    path.write_text(
        f"apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: {folder}/data\n"
        f"repositories:\n  - name: config\n    url: {url}\n    forge: {forge}\n    git: {git}\n"
        f"registries:\n  - {{host: '{host}', insecure: true, internal: true, username: {USER}, "
        f"passwordFile: {folder}/registry-password}}\n"
    )
    return path


def test_over_http_with_a_password_to_github(
    tmp_path: Path, images: Images, capfd: pytest.CaptureFixture[str]
) -> None:
    images.push("1.0.0")
    digest = images.push("1.1.0")
    with GitHttpServer(tmp_path / "git") as git, GitHubServer() as forge:
        bare = git.create("config")
        write_config(person_at(tmp_path / "person", bare), images.host)
        forge.add_repository(PROJECT, bare)
        (tmp_path / "token").write_text(forge.token)
        settings = write_settings(
            tmp_path,
            images.host,
            git.url("config"),
            f"{{type: github, project: {PROJECT}, apiUrl: '{forge.api_url}', "
            f"tokenFile: {tmp_path}/token}}",
            f"{{username: {git.username}, passwordFile: {tmp_path}/git-password, allowHttp: true}}",
        )
        words = ["apply", "--settings", str(settings)]
        assert main(words) == 0
        (request,) = forge.pull_requests(PROJECT)
        assert request.title == "Update acme/api to 1.1.0 (minor)"
        assert f":1.1.0@{digest}" in forge.patch(PROJECT, 1)
        git.new_requests()
        assert main(words) == 0
        assert not [seen for seen in git.new_requests() if seen.method == "POST" and
                    "receive-pack" in seen.target]  # fmt: skip
        images.push("1.2.0")
        assert main(words) == 0
        (request,) = forge.pull_requests(PROJECT)
        assert request.title == "Update acme/api to 1.2.0 (minor)"
        assert forge.broken == []
    printed = "".join(capfd.readouterr())
    assert not [secret for secret in (*CANARIES, forge.token) if secret in printed]


def test_over_ssh_to_gitlab(tmp_path: Path, images: Images) -> None:
    images.push("1.0.0")
    images.push("1.1.0")
    with GitSshServer(tmp_path / "git") as git, GitLabServer() as forge:
        bare = git.create("config")
        write_config(person_at(tmp_path / "person", bare), images.host)
        forge.add_project(PROJECT, bare)
        (tmp_path / "token").write_text(forge.token)
        settings = write_settings(
            tmp_path,
            images.host,
            git.url("config"),
            f"{{type: gitlab, project: {PROJECT}, apiUrl: '{forge.url}', "
            f"tokenFile: {tmp_path}/token}}",
            f"{{sshKeyFile: {git.key_file}, knownHostsFile: {git.known_hosts_file}, "
            "allowHttp: true}",
        )
        words = ["apply", "--settings", str(settings)]
        assert main(words) == 0
        assert [request.title for request in forge.merge_requests(PROJECT)] == [
            "Update acme/api to 1.1.0 (minor)"
        ]
        images.push("1.2.0")
        assert main(words) == 0
        assert [request.title for request in forge.merge_requests(PROJECT)] == [
            "Update acme/api to 1.2.0 (minor)"
        ]
        assert forge.broken == []


def test_over_http_with_the_forges_own_token_to_gitea(
    tmp_path: Path, images: Images, capfd: pytest.CaptureFixture[str]
) -> None:
    """The git server has the forge's address, as an instance has: its token serves both."""
    images.push("1.0.0")
    digest = images.push("1.1.0")
    with GiteaServer() as forge, GitHttpServer(tmp_path / "git") as git:
        git.let_in("x-access-token", forge.token)
        bare = git.create("config")
        write_config(person_at(tmp_path / "person", bare), images.host)
        forge.add_repository(PROJECT, bare)
        (tmp_path / "token").write_text(forge.token)
        settings = write_settings(
            tmp_path,
            images.host,
            git.url("config"),
            f"{{type: gitea, project: {PROJECT}, apiUrl: '{forge.url}', "
            f"tokenFile: {tmp_path}/token}}",
            "{allowHttp: true}",
        )
        words = ["apply", "--settings", str(settings)]
        assert main(words) == 0
        (request,) = forge.pull_requests(PROJECT)
        assert request.title == "Update acme/api to 1.1.0 (minor)"
        branch = subprocess.run(
            ["git", "-C", str(bare), "show", f"{request.head}:apps/api.yaml"],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert f":1.1.0@{digest}" in branch.stdout

        git.new_requests()
        forge.forget_requests()
        assert main(words) == 0
        assert forge.writes == []
        assert not [seen for seen in git.new_requests() if "receive-pack" in seen.target]

        forge.set_state(PROJECT, 1, "closed")  # by a person
        assert main(words) == 0
        assert forge.writes == []
        assert [each.state for each in forge.pull_requests(PROJECT)] == ["closed"]

        images.push("1.2.0")  # but the next version is asked for
        assert main(words) == 0
        assert [(each.state, each.title) for each in forge.pull_requests(PROJECT)] == [
            ("closed", "Update acme/api to 1.1.0 (minor)"),
            ("open", "Update acme/api to 1.2.0 (minor)"),
        ]
        assert forge.broken == []
    printed = "".join(capfd.readouterr())
    assert not [secret for secret in (*CANARIES, forge.token) if secret in printed]


def test_a_wrong_password_of_the_registry_is_told_and_nothing_is_proposed(
    tmp_path: Path, images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    images.push("1.1.0")
    with GitHttpServer(tmp_path / "git") as git:
        bare = git.create("config")
        write_config(person_at(tmp_path / "person", bare), images.host)
        settings = write_settings(
            tmp_path,
            images.host,
            git.url("config"),
            "{type: plain}",
            f"{{username: {git.username}, passwordFile: {tmp_path}/git-password, allowHttp: true}}",
        )
        (tmp_path / "registry-password").write_text("wrong-canary")
        assert main(["apply", "--settings", str(settings), "--output", "json"]) == 4
        printed = capsys.readouterr()
        (outcome,) = json.loads(printed.out)
        assert outcome["outcome"] == "failed"
        assert outcome["proposals"] == []
        assert "401" in printed.out
        assert "wrong-canary" not in printed.out + printed.err
