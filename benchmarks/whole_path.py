"""The whole path over 10,000 files and 500 images: first run, nothing changed, one changed.

A loopback registry in a process of its own and a bare git repository on disk; plain Git as the
forge, so that the figures are imagebot's own. Run `python benchmarks/whole_path.py [FILES]
[IMAGES]`. Prints wall and CPU time of each run, requests made, and the ratios within this run.
"""

import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from imagebot import reconcile
from imagebot.demo.registry import EmbeddedRegistry
from imagebot.forges.plain import Plain
from imagebot.git import BareClone, Identity, Remote
from imagebot.ledger import StoredLedger
from imagebot.proposals import Outcome
from imagebot.registries import Registries
from imagebot.registries.rules import RegistryRules
from imagebot.store import Store
from imagebot.story_clients import Clients

TAGS_EACH = 200
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{n}
  labels: {{team: "{team}"}}   # owned by {team}
spec:
  template:
    spec:
      containers:
        - name: main
          image: {host}/team/app-{image}:1.0.{tag}  # bumped by imagebot
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings-{n}}}
data:
  number: "{n}"
  text: |
    some lines of configuration
    that name no image at all
"""
POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: all
  annotations: {{config.kubernetes.io/local-config: "true"}}
spec:
  images: ["{host}/team/*"]
  tags: {{order: semver}}
"""


def main(file_count: int, image_count: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="imagebot-bench-") as name,
        RegistryProcess() as registry,
    ):
        folder = Path(name)
        remote = make_remote(folder, registry.host, file_count, image_count)
        for image in range(image_count):
            registry.add(f"team/app-{image}", *(f"1.0.{tag}" for tag in range(TAGS_EACH)))
        print(f"{file_count} files, {image_count} images of {TAGS_EACH} tags, one process")
        rows = [
            ("first run", measure(lambda: run(folder, remote, registry.host))),
            ("nothing changed", measure(lambda: run(folder, remote, registry.host))),
        ]
        registry.add("team/app-7", "1.1.0")
        rows.append(("one image changed", measure(lambda: run(folder, remote, registry.host))))
        show(rows, registry.request_count())


class RegistryProcess:
    """The embedded registry in a process of its own, so that its CPU is not in the figures."""

    def __enter__(self) -> Self:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        self.host: str = self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)
        self._process.join(10)

    def add(self, path: str, *tags: str) -> None:
        self._pipe.send((path, tags))
        self._pipe.recv()

    def request_count(self) -> int:
        self._pipe.send(("", ()))
        count: int = self._pipe.recv()
        return count


def serve(pipe: Connection) -> None:
    with EmbeddedRegistry() as registry:
        pipe.send(registry.host)
        while (order := pipe.recv()) is not None:
            path, tags = order
            if path:
                registry.add(path, *tags)
            pipe.send(len(registry.requests))


def make_remote(folder: Path, host: str, file_count: int, image_count: int) -> Path:
    checkout, remote = folder / "checkout", folder / "remote.git"
    every = max(1, file_count // image_count)
    for n in range(file_count):
        image, has_image = n // every, n % every == 0 and n // every < image_count
        template = DEPLOYMENT if has_image else CONFIG_MAP
        path = checkout / f"team-{n % 40}" / f"app-{n}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = template.format(n=n, team=n % 40, host=host, image=image, tag=TAGS_EACH - 1)
        path.write_text(text)
    (checkout / "imagebot.yaml").write_text(POLICY.format(host=host))
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "start"]):
        identity = ["-c", "user.name=b", "-c", "user.email=b@localhost"]
        subprocess.run(["git", *identity, "-C", str(checkout), *words], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(checkout), str(remote)], check=True)
    return remote


def run(folder: Path, remote: Path, host: str) -> Outcome:
    """One reconciliation with fresh clients, as `imagebot apply` has them."""
    rules = RegistryRules(host=host, insecure=True, internal=True, concurrency=16)
    clone = BareClone(
        Remote(url=f"file://{remote}", base="main", allow_file=True),
        folder / "clone",
        identity=Identity("bench", "bench@localhost"),
    )
    with clone, Registries([rules]) as registry, closing(Store(folder / "store.sqlite")) as store:
        ledger = StoredLedger(store.database)
        clients = Clients("bench", clone, Plain(), registry, ledger, store)
        return reconcile.reconcile(clients, datetime.now(UTC))


def measure(action: Callable[[], Outcome]) -> tuple[float, float, Outcome]:
    wall, cpu = time.perf_counter(), cpu_seconds()
    outcome = action()
    return time.perf_counter() - wall, cpu_seconds() - cpu, outcome


def cpu_seconds() -> float:
    """Of this process and its children (git)."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def show(rows: list[tuple[str, tuple[float, float, Outcome]]], request_count: int) -> None:
    print(f"{'run':<20} {'wall s':>8} {'CPU s':>8}  outcome")
    for name, (wall, cpu, outcome) in rows:
        print(f"{name:<20} {wall:>8.2f} {cpu:>8.2f}  {outcome.kind}: {outcome.message}")
    first, idle, one = (wall for _, (wall, _, _) in rows)
    print(
        f"nothing changed / first run: {idle / first:.2f}; one changed / first: {one / first:.2f}"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"registry requests {request_count}, peak memory {peak} MiB")


if __name__ == "__main__":
    main(*(int(word) for word in (sys.argv[1:3] + ["10000", "500"][len(sys.argv) - 1 :])))
