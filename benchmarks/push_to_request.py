"""From a pushed tag to its pull request: through a webhook, and by polling.

A loopback registry and forge in this process, `imagebot run` in another, as a user would run it.
`python benchmarks/push_to_request.py [PUSHES] [POLL_SECONDS]` pushes a new tag that many times each
way, and measures until the pull request names it. Through the webhook the service polls once an
hour; by polling there is no webhook. Prints a table and the ratio of the medians of this run.
"""

import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagebot.demo.github import EmbeddedForge
from imagebot.demo.registry import EmbeddedRegistry

PROJECT = "acme/config"
SECRET = "benchmark-secret-of-no-worth"
PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.005
REST_SECONDS = 2.0  # until the run before is over
POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {{name: api, annotations: {{config.kubernetes.io/local-config: "true"}}}}
spec: {{images: ["{host}/acme/api"], tags: {{order: semver}}}}
"""
WOKEN = """\
interval: 1h
polling: {min: 1h, max: 1h}
hooks:
  - {sender: distribution, name: main, secretFile: FOLDER/secret}
"""
POLLED = """\
interval: EVERY
polling: {min: EVERY, max: EVERY}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: api}}
spec: {{containers: [{{name: api, image: "{host}/acme/api:1.0.0"}}]}}
"""


@dataclass(frozen=True)
class Service:
    """A running imagebot, and what it works on."""

    registry: EmbeddedRegistry
    forge: EmbeddedForge
    url: str

    def wait_for_title(self, version: str) -> None:
        self._wait(lambda: any(f" {version} " in each for each in self._titles()))

    def wait_until_ready(self) -> None:
        self._wait(self._is_ready)

    def _titles(self) -> list[str]:
        return [request.title for request in self.forge.pull_requests(PROJECT)]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def _wait(self, is_so: Callable[[], bool]) -> None:
        give_up_at = time.perf_counter() + PATIENCE_SECONDS
        while not is_so():
            if time.perf_counter() > give_up_at:
                raise SystemExit("nothing came of a push: look at the service's output")
            time.sleep(LOOK_SECONDS)


def main(push_count: int, poll_seconds: int) -> None:
    with service(WOKEN) as running:
        answers: list[float] = []
        woken = []
        for number in range(push_count):
            time.sleep(REST_SECONDS)
            woken.append(once(running, number, answers))
    polling = POLLED.replace("EVERY", f"{poll_seconds}s")
    with service(polling) as running:
        polled = []
        for number in range(push_count):
            time.sleep(REST_SECONDS + random.uniform(0, poll_seconds))
            polled.append(once(running, number, None))
    print(f"from push to pull request, {push_count} pushes each way\n")
    print("| | median | worst |\n| --- | --- | --- |")
    print(row("through a webhook, polling once an hour", woken))
    print(row(f"by polling every {poll_seconds} s", polled))
    print(row("the answer to the webhook", answers))
    ratio = statistics.median(polled) / statistics.median(woken)
    print(f"\nby polling it takes {ratio:.1f} times as long")


def row(what: str, seconds: list[float]) -> str:
    return f"| {what} | {shown(statistics.median(seconds))} | {shown(max(seconds))} |"


def shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def once(running: Service, number: int, answers: list[float] | None) -> float:
    """Seconds from one push to its request. `answers`: tell by webhook; how fast it answered."""
    version = f"1.{number + 2}.0"
    pushed_at = time.perf_counter()
    running.registry.add("acme/api", version)
    if answers is not None:
        answers.append(tell(running, version))
    running.wait_for_title(version)
    return time.perf_counter() - pushed_at


def tell(running: Service, version: str) -> float:
    """What distribution posts after a push. Gives back how long the answer took."""
    target = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "repository": "acme/api",
        "tag": version,
    }
    event = {"action": "push", "target": target, "request": {"host": running.registry.host}}
    request = urllib.request.Request(
        f"{running.url}/hooks/distribution/main",
        json.dumps({"events": [event]}).encode(),
        {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
    )
    asked_at = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 202
    return time.perf_counter() - asked_at


@contextmanager
def service(more: str) -> Iterator[Service]:
    """Everything that it takes, ready, with the request for 1.1.0 open."""
    with (
        tempfile.TemporaryDirectory(prefix="imagebot-bench-") as name,
        EmbeddedRegistry() as registry,
        EmbeddedForge() as forge,
    ):
        folder = Path(name)
        registry.add("acme/api", "1.0.0", "1.1.0")
        write_repository(folder, registry.host)
        forge.add_repository(PROJECT, folder / "config.git")
        (folder / "token").write_text(forge.token)
        (folder / "secret").write_text(SECRET)
        listen = f"127.0.0.1:{free_port()}"
        settings = folder / "settings.yaml"
        settings.write_text(
            f"apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: {folder}/data\n"
            f"listen: {listen}\nrepositories:\n  - name: config\n    base: main\n"
            f"    url: file://{folder}/config.git\n"
            f"    forge: {{type: github, project: {PROJECT}, apiUrl: '{forge.api_url}',"
            f" tokenFile: {folder}/token}}\n    git: {{allowFile: true, allowHttp: true}}\n"
            f"registries:\n  - {{host: '{registry.host}', insecure: true, internal: true}}\n"
            + more.replace("FOLDER", name)
        )
        command = [sys.executable, "-m", "imagebot", "run", "--settings", str(settings)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            running = Service(registry, forge, f"http://{listen}")
            try:
                running.wait_until_ready()
                running.wait_for_title("1.1.0")
                yield running
            finally:
                process.terminate()


def write_repository(folder: Path, host: str) -> None:
    work = folder / "work"
    git(folder, "init", "-q", "-b", "main", str(work))
    (work / "imagebot.yaml").write_text(POLICY.format(host=host))
    (work / "pod.yaml").write_text(POD.format(host=host))
    git(work, "add", ".")
    git(work, "-c", "user.name=b", "-c", "user.email=b@example.org", "commit", "-qm", "Start")
    git(folder, "clone", "-q", "--bare", str(work), str(folder / "config.git"))


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


if __name__ == "__main__":
    counts = [int(word) for word in sys.argv[1:3]]
    main(*(counts + [10, 20][len(counts) :]))
