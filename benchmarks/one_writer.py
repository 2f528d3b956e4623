"""One writer: many updates in one repository are one fetch and one push of all branches.

A loopback registry and forge in this process and a bare git repository on disk, whose own hooks
count the pushes; `imagebot apply` in a process of its own, as a user would run it. Run
`python benchmarks/one_writer.py [UPDATES]`. Prints what each run asked of git and of the forge,
its seconds, and how long the same branches take when each is pushed by itself.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from imagebot.demo.github import EmbeddedForge
from imagebot.demo.json_server import Connection, Request
from imagebot.demo.registry import EmbeddedRegistry

PROJECT = "acme/config"
POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: app-{n}
  annotations: {{config.kubernetes.io/local-config: "true"}}
spec:
  images: ["{host}/team/app-{n}"]
  tags: {{order: semver}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: app-{n}}}
spec:
  containers:
    - {{name: main, image: "{host}/team/app-{n}:1.0.0"}}
"""


class CountingForge(EmbeddedForge):
    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def deliver(self, connection: Connection, request: Request) -> None:
        self.asked[request.method] += 1
        super().deliver(connection, request)


@dataclass
class Bench:
    folder: Path
    forge: CountingForge

    @property
    def remote(self) -> Path:
        return self.folder / "config.git"

    def set_up(self, host: str, updates: int) -> None:
        checkout = self.folder / "checkout"
        for number in range(updates):
            app = checkout / f"app-{number}"
            app.mkdir(parents=True)
            (app / "imagebot.yaml").write_text(POLICY.format(n=number, host=host))
            (app / "pod.yaml").write_text(POD.format(n=number, host=host))
        git(self.folder, "init", "-q", "-b", "main", str(checkout))
        git(checkout, "add", "-A")
        git(checkout, "commit", "-q", "-m", "Start")
        git(self.folder, "clone", "-q", "--bare", str(checkout), str(self.remote))
        hook = self.remote / "hooks" / "post-receive"
        hook.write_text(f"#!/bin/sh\nwc -l >> {self.folder}/pushes\n")
        hook.chmod(0o755)
        self.forge.add_repository(PROJECT, self.remote)
        (self.folder / "token").write_text(self.forge.token)
        (self.folder / "settings.yaml").write_text(
            "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\n"
            f"dataDir: {self.folder}/data\nrepositories:\n  - name: config\n"
            f"    url: file://{self.remote}\n    base: main\n"
            "    git: {allowFile: true, allowHttp: true}\n"
            f"    forge: {{type: github, project: {PROJECT}, apiUrl: '{self.forge.api_url}', "
            f"tokenFile: {self.folder}/token}}\n"
            f"registries: [{{host: '{host}', insecure: true, internal: true}}]\n"
        )

    def apply(self, name: str) -> float:
        """One run; prints what it cost and gives its seconds."""
        (self.folder / "pushes").write_text("")
        trace = self.folder / f"trace-{name.split()[0]}"
        trace.mkdir()
        self.forge.asked.clear()
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "imagebot", "apply",
             "--settings", str(self.folder / "settings.yaml")],
            env={**os.environ, "PATH": f"{self.counting_git(trace)}:{os.environ['PATH']}"},
            stdout=subprocess.DEVNULL,
            check=True,
        )  # fmt: skip
        seconds = time.monotonic() - started
        commands = Counter((trace / "commands").read_text().split())
        pushed = [int(line) for line in (self.folder / "pushes").read_text().split()]
        asked = self.forge.asked
        print(
            f"{name}: {seconds:.1f} s; fetches {commands['fetch']}, pushes {len(pushed)} "
            f"(of {sum(pushed)} branches), git processes {commands.total()}; requests to the "
            f"forge {asked.total()} {dict(asked)}"
        )
        return seconds

    def counting_git(self, trace: Path) -> Path:
        """A folder with a `git` that notes each command that imagebot starts."""
        found = subprocess.run(["which", "git"], capture_output=True, text=True, check=True)
        script = trace / "git"
        script.write_text(
            f'#!/bin/sh\necho "$1" >> {trace}/commands\nexec {found.stdout.strip()} "$@"\n'
        )
        script.chmod(0o755)
        return trace

    def push_each(self) -> float:
        """The same branches, pushed one by one to a bare repository beside the first."""
        other = self.folder / "other.git"
        git(self.folder, "init", "-q", "--bare", str(other))
        git(self.remote, "push", "-q", str(other), "main")
        listing = git(self.remote, "for-each-ref", "--format=%(refname)", "refs/heads/imagebot/")
        started = time.monotonic()
        for ref in listing.split():
            git(self.remote, "push", "-q", str(other), ref)
        return time.monotonic() - started

    def push_together(self) -> float:
        other = self.folder / "third.git"
        git(self.folder, "init", "-q", "--bare", str(other))
        git(self.remote, "push", "-q", str(other), "main")
        started = time.monotonic()
        git(self.remote, "push", "-q", str(other), "refs/heads/imagebot/*:refs/heads/imagebot/*")
        return time.monotonic() - started


def git(folder: Path, *words: str) -> str:
    person = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    command = ["git", *person, "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main(updates: int) -> None:
    with (
        tempfile.TemporaryDirectory() as temporary,
        EmbeddedRegistry() as registry,
        CountingForge() as forge,
    ):
        for number in range(updates):
            registry.add(f"team/app-{number}", "1.0.0", "1.1.0")
        bench = Bench(Path(temporary), forge)
        bench.set_up(registry.host, updates)
        bench.apply("opened")
        bench.apply("read")  # the first run after requests were opened reads each conversation
        bench.apply("unchanged")
        for number in range(updates):
            registry.add(f"team/app-{number}", "1.2.0")
        bench.apply("updated")
        each, together = bench.push_each(), bench.push_together()
        print(
            f"pushing {updates} branches alone: one by one {each:.1f} s, together "
            f"{together:.2f} s, ratio {each / together:.0f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
