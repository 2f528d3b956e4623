"""Webhooks wake a running `imagebot run` that would otherwise look again in an hour."""

import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from imagebot.demo.github import EmbeddedForge
from imagebot.hooks.proof import url_token
from imagebot.image import Repository
from imagebot.registries import Registries, RegistryRules
from imagebot.registries.artifacts import push_image
from imagebot.secret import Secret
from tests.acceptance.test_commands import answers, said
from tests.acceptance.test_run import running, status_of, wait_for
from tests.acceptance.world import PROJECT, FickleRegistry, World
from tests.servers.docker_registry import DockerRegistry, docker_registry, needs_docker_registry
from tests.servers.git_http import free_port

SECRET = "0123456789abcdef"
HOURLY = "interval: 1h\njitter: 0\npolling: {min: 1h, max: 1h}\nhooks:\n"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def real_registry(tmp_path: Path, port: int) -> Iterator[DockerRegistry]:
    """docker-registry, which tells the service of every push."""
    needs_docker_registry()
    folder = tmp_path / "docker-registry"
    folder.mkdir()
    url = f"http://127.0.0.1:{port}/hooks/distribution/main"
    with docker_registry(folder, notified={url: f"Bearer {SECRET}"}) as registry:
        yield registry


def hooks(folder: Path, *receivers: str) -> str:
    (folder / "hook-secret").write_text(SECRET)
    lines = (f"  - {{{each}, secretFile: {folder}/hook-secret}}\n" for each in receivers)
    return HOURLY + "".join(lines)


def push(host: str, tag: str) -> None:
    with Registries([RegistryRules(host, insecure=True, internal=True)]) as client:
        repository = Repository(host, "acme/api")
        push_image(client.session(repository), repository, tag, labels={"version": tag})


def title(world: World) -> str:
    return next((request.title for request in world.open_requests()), "")


def test_from_a_push_to_docker_registry_to_a_pull_request(
    tmp_path: Path, port: int, real_registry: DockerRegistry
) -> None:
    for tag in ("1.0.0", "1.1.0"):
        push(real_registry.host, tag)
    log = tmp_path / "run.log"
    with EmbeddedForge() as forge:
        world = World(tmp_path, cast(FickleRegistry, real_registry), forge)
        world.set_up()
        more = hooks(tmp_path, "sender: distribution, name: main")
        with running(world, log, more=more, port=port) as (_, url):
            wait_for(lambda: title(world) == "Update acme/api to 1.1.0 (minor)", log)
            wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
            push(real_registry.host, "1.2.0")
            wait_for(lambda: title(world) == "Update acme/api to 1.2.0 (minor)", log)
            assert len(world.pull_requests()) == 1
            metrics = requests.get(f"{url}/metrics", timeout=30).text
            counted = 'imagebot_webhook_deliveries_total{outcome="woken",sender="distribution"}'
            assert counted in metrics
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = [line for line in lines if line.get("receiver") == "distribution/main"]
    assert any(line["outcome"] == "woken" for line in told)
    assert SECRET not in log.read_text()


def github_says(
    url: str, event: str, body: dict[str, Any], *, number: str = "1", secret: str = SECRET
) -> int:
    source = json.dumps(body).encode()
    signature = hmac.new(secret.encode(), source, "sha256").hexdigest()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": number,
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
    }
    return requests.post(
        f"{url}/hooks/github/main", data=source, headers=headers, timeout=30
    ).status_code


def test_a_command_in_a_comment_is_acted_on_at_once(world: World, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with running(world, log, more=hooks(tmp_path, "sender: github, name: main")) as (_, url):
        wait_for(lambda: bool(world.open_requests()), log)
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        said(world, "/imagebot hold until Monday")
        event = {
            "action": "created",
            "comment": {"body": "/imagebot hold until Monday"},
            "repository": {"full_name": PROJECT, "html_url": f"https://github.com/{PROJECT}"},
        }
        assert github_says(url, "issue_comment", event) == 202
        wait_for(lambda: len(answers(world)) == 1, log)


def test_a_push_to_the_git_repository_is_looked_at_at_once(world: World, tmp_path: Path) -> None:
    world.registry.add("acme/web", "1.0.0", "1.3.0")
    log = tmp_path / "run.log"
    with running(world, log, more=hooks(tmp_path, "sender: github, name: main")) as (_, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        world.write_policy("web")
        world.write_deployment("web", "1.0.0")
        world.commit("Add another", push=True)
        event = {"ref": "refs/heads/main", "repository": {"full_name": PROJECT}}
        assert github_says(url, "push", event) == 202
        wait_for(lambda: len(world.open_requests()) == 2, log)


def test_a_changed_secret_counts_without_a_restart(world: World, tmp_path: Path) -> None:
    log, new = tmp_path / "run.log", "another-secret-0123"
    with running(world, log, more=hooks(tmp_path, "sender: github, name: main")) as (_, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        event = {"repository": {"full_name": PROJECT}}
        assert github_says(url, "push", event) == 202
        assert github_says(url, "push", event, secret=new) == 401
        (tmp_path / "hook-secret").write_text(new)
        wait_for(lambda: github_says(url, "push", event, secret=new) == 202, log)
        assert github_says(url, "push", event) == 401


def test_a_flood_of_forged_deliveries_leaves_the_service_answering(
    world: World, tmp_path: Path
) -> None:
    log = tmp_path / "run.log"
    receiver = "sender: docker-hub, name: main"
    with running(world, log, more=hooks(tmp_path, receiver)) as (_, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        path = f"{url}/hooks/docker-hub/main"
        wrong = "0" * 40
        with requests.Session() as session:
            found = [
                session.post(f"{path}/{wrong}", data=b"x" * 100, timeout=30).status_code
                for _ in range(600)
            ]
        assert found[0] == 401
        assert set(found) <= {401, 429}
        assert status_of(f"{url}/healthz") == 200
        right = url_token(Secret(SECRET), "docker-hub", "main")
        body = {"push_data": {"tag": "1"}, "repository": {"repo_name": "acme/other"}}
        assert requests.post(f"{path}/{right}", json=body, timeout=30).status_code == 202
    assert right not in log.read_text()
    assert log.read_text().count('"refused"') < 100
