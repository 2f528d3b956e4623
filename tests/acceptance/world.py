"""A small world for acceptance stories: registry, bare git repository, forge and settings."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from imagebot.cli.main import main
from imagebot.demo.github import EmbeddedForge
from imagebot.demo.github_kept import HostedPull
from imagebot.demo.registry import EmbeddedRegistry, Request, Response

PROJECT = "acme/config"
POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: {name}
  annotations: {{config.kubernetes.io/local-config: "true"}}
spec:
  images: ["{host}/acme/{image}"]
  tags: {{order: semver{tags}}}
{more}"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {image}}}   # a comment
spec:
  template:
    spec:
      containers:
        - name: main
          image: "{host}/acme/{image}:{tag}"  # bumped
"""


class FickleRegistry(EmbeddedRegistry):
    """The demo's registry, which can be told to fail and to serve old listings."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, int] = {}  # status by repository
        self.hidden: dict[str, set[str]] = {}  # tags left out of listings, by repository
        self.answers: dict[str, object] = {}  # JSON to answer by path

    def push_again(self, path: str, tag: str, content_of: str) -> str:
        """Let a tag point to what another points to; gives back that digest."""
        with self._lock:
            repository = self._repository(path)
            repository.tags[tag] = repository.tags[content_of]
            return repository.tags[tag]

    def digest_of(self, path: str, tag: str) -> str:
        with self._lock:
            return self._repository(path).tags[tag]

    def handle(self, request: Request) -> Response:
        for path, status in self.failing.items():
            if request.path.startswith(f"/v2/{path}/"):
                return Response(status, {}, b"{}")
        if request.path in self.answers:
            body = json.dumps(self.answers[request.path]).encode()
            return Response(200, {"Content-Type": "application/json"}, body)
        answer = super().handle(request)
        for path, tags in self.hidden.items():
            if request.path == f"/v2/{path}/tags/list":
                listing = json.loads(answer.body)
                listing["tags"] = [tag for tag in listing["tags"] if tag not in tags]
                return Response(answer.status, answer.headers, json.dumps(listing).encode())
        return answer


@dataclass
class World:
    """What the stories act on. Every command runs as a user would run it, through `main`."""

    folder: Path
    registry: FickleRegistry
    forge: EmbeddedForge
    project: str = PROJECT

    @property
    def remote(self) -> Path:
        return self.folder / "config.git"

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.yaml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def set_up(self) -> None:
        self.git(self.folder, "init", "-q", "-b", "main", str(self.checkout))
        (self.folder / "token").write_text(self.forge.token)
        self.write_policy("api")
        self.write_deployment("api", "1.0.0")
        self.commit("Start")
        self.git(self.folder, "clone", "-q", "--bare", str(self.checkout), str(self.remote))
        self.git(self.checkout, "remote", "add", "origin", str(self.remote))
        self.forge.add_repository(self.project, self.remote)
        self.write_settings()

    def write_settings(self, *, forge: str = "", more: str = "", registry: str = "") -> None:
        forge = forge or (
            f"{{type: github, project: {self.project}, apiUrl: '{self.forge.api_url}', "
            f"tokenFile: {self.folder}/token}}"
        )
        self.settings.write_text(
            f"apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: {self.data}\n"
            f"repositories:\n  - name: config\n    url: file://{self.remote}\n    base: main\n"
            f"    forge: {forge}\n    git: {{allowFile: true, allowHttp: true}}\n{more}"
            f"registries:\n  - {{host: '{self.registry.host}', insecure: true, internal: true"
            f"{registry}}}\n"
        )

    def write_policy(self, name: str, image: str = "", *, tags: str = "", more: str = "") -> None:
        path = self.checkout / "apps" / name / "imagebot.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            POLICY.format(
                name=name, host=self.registry.host, image=image or name, tags=tags, more=more
            )
        )

    def write_deployment(self, image: str, tag: str, folder: str = "") -> Path:
        path = self.checkout / "apps" / (folder or image) / "deployment.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DEPLOYMENT.format(host=self.registry.host, image=image, tag=tag))
        return path

    def commit(self, message: str, *, push: bool = False) -> None:
        self.git(self.checkout, "add", "-A")
        self.git(self.checkout, "commit", "-q", "-m", message)
        if push:
            self.git(self.checkout, "push", "-q", "origin", "HEAD:main")

    def git(self, folder: Path, *words: str) -> str:
        identity = ["-c", "user.name=Person", "-c", "user.email=person@example.org"]
        done = subprocess.run(
            ["git", *identity, "-C", str(folder), *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def apply(self, *words: str) -> int:
        return main(["apply", "--settings", str(self.settings), *words])

    def pull_requests(self) -> tuple[HostedPull, ...]:
        return self.forge.pull_requests(self.project)

    def open_requests(self) -> list[HostedPull]:
        return [request for request in self.pull_requests() if request.state == "open"]

    def close_by_hand(self) -> None:
        """A person closes the one open request, through the forge's own API."""
        (request,) = self.open_requests()
        self.call("PATCH", f"/repos/{self.project}/pulls/{request.number}", {"state": "closed"})

    def close_first_by_hand(self) -> None:
        request = self.open_requests()[0]
        self.call("PATCH", f"/repos/{self.project}/pulls/{request.number}", {"state": "closed"})

    def call(self, method: str, path: str, document: object) -> Any:
        answer = requests.request(
            method,
            self.forge.api_url + path,
            json=document,
            headers={"Authorization": f"Bearer {self.forge.token}"},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()

    def branches(self) -> dict[str, str]:
        """Commit by branch, imagebot's own only."""
        text = self.git(self.remote, "for-each-ref", "--format=%(refname:short) %(objectname)")
        pairs = [line.split() for line in text.splitlines()]
        return {name: commit for name, commit in pairs if name.startswith("imagebot/")}

    def content(self, branch: str, path: str) -> str:
        return self.git(self.remote, "show", f"{branch}:{path}")

    def everything(self) -> tuple[object, ...]:
        """All that a run could have written, to compare before and after."""
        return (
            self.git(self.remote, "for-each-ref"),
            [
                (r.number, r.state, r.title, r.body, r.updated_at, len(r.comments))
                for r in self.pull_requests()
            ],
        )


def json_of(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Run a command with `--output json` and read what it printed."""
    capsys.readouterr()
    main([*words, "--output", "json"])
    return json.loads(capsys.readouterr().out)
