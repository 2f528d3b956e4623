"""`imagebot run` over 500 image repositories and 50 git repositories for some minutes.

A loopback registry that wants tokens, in a process of its own, and bare git repositories on disk.
After a warm-up nothing changes, and then one tag does. Run `python benchmarks/soak.py [SECONDS]
[IMAGES] [REPOSITORIES]` (300, 500, 50). Prints memory, descriptors, threads and CPU over the time,
and requests per poll; exit code 1 where a bar is missed. Needs /proc, so Linux.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from imagebot.demo.registry import EmbeddedRegistry, Request, Response

EVERY_SECONDS = 60  # a look at each git repository, and a poll of each image repository
WARM_UP_SECONDS = 75
SAMPLE_SECONDS = 5
TAGS_EACH = 200
USERS_EACH = 2  # git repositories that use one image repository

# The bars. Between thirds of the time after the warm-up, and for the whole of it.
MAX_GROWTH_KIB = 4096
MAX_CPU_RATIO = 0.10  # of one core, at one poll and one look a minute each

SETTINGS = """\
apiVersion: imagebot.dev/v1alpha1
kind: Settings
dataDir: data
interval: {every}s
polling: {{min: {every}s, max: {every}s}}
listen: 127.0.0.1:0
registries: [{{host: "{host}", insecure: true, internal: true}}]
repositories:
"""
REPOSITORY = "  - {{name: fleet-{n}, url: 'file://{path}', git: {{allowFile: true}}}}\n"
POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata:
  name: all
  annotations: {{config.kubernetes.io/local-config: "true"}}
spec:
  images: ["{host}/team/*"]
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: app-{image}}}
spec:
  containers:
    - {{name: main, image: "{host}/team/app-{image}:1.0.{tag}"}}
"""


class TokenRegistry(EmbeddedRegistry):
    """Wants a token for everything, and counts what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def handle(self, request: Request) -> Response:
        self.requests.clear()  # they would fill the memory of a long run
        self.counts[self._kind(request)] += 1
        if request.path == "/token":
            body = b'{"token": "secret", "expires_in": 3600}'
            return Response(200, {"Content-Type": "application/json"}, body)
        if request.headers.get("Authorization") != "Bearer secret":
            scope = f"repository:{request.path.split('/tags/')[0].removeprefix('/v2/')}:pull"
            realm = f'Bearer realm="http://{self.host}/token",service="soak",scope="{scope}"'
            return Response(401, {"WWW-Authenticate": realm}, b"")
        return super().handle(request)

    def _kind(self, request: Request) -> str:
        if request.path == "/token":
            return "token"
        if "Authorization" not in request.headers:
            return "ping or challenge"
        return "listing" if request.path.endswith("/tags/list") else "other"


class RegistryProcess:
    """The registry in a process of its own, so that its CPU and memory are not in the figures."""

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

    def counts(self) -> Counter[str]:
        self._pipe.send(("", ()))
        counts: Counter[str] = self._pipe.recv()
        return counts


def serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with TokenRegistry() as registry:
        pipe.send(registry.host)
        while (asked := pipe.recv()) is not None:
            path, tags = asked
            if path:
                registry.add(path, *tags)
            pipe.send(Counter(registry.counts))


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at one moment: resident memory, open descriptors, threads, CPU so far."""

    at: float
    memory_kib: int
    descriptors: int
    threads: int
    own_cpu: float
    git_cpu: float  # of the children that ended

    @classmethod
    def of(cls, pid: int) -> "Sample":
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        user, system, child_user, child_system = (int(each) / ticks for each in fields[11:15])
        return cls(
            time.monotonic(),
            int(status["VmRSS"].split()[0]),
            sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
            int(status["Threads"]),
            user + system,
            child_user + child_system,
        )


def main(seconds: int, image_count: int, repository_count: int) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="imagebot-soak-") as name,
        RegistryProcess() as registry,
    ):
        folder = Path(name)
        for image in range(image_count):
            registry.add(f"team/app-{image}", *(f"1.0.{tag}" for tag in range(TAGS_EACH)))
        remotes = make_remotes(folder, registry.host, image_count, repository_count)
        print(
            f"{image_count} image repositories of {TAGS_EACH} tags, {repository_count} git "
            f"repositories, each image in {USERS_EACH}, every {EVERY_SECONDS} s, {seconds} s"
        )
        with Running(folder) as process:
            time.sleep(WARM_UP_SECONDS)
            before = registry.counts()
            samples = watch(process, seconds)
            after = registry.counts()
            proposed_after = propose(registry, remotes)
        return report(samples, after - before, image_count, repository_count, proposed_after)


def make_remotes(folder: Path, host: str, image_count: int, repository_count: int) -> list[Path]:
    """Bare git repositories, whose images are as new as can be, and the settings."""
    settings = SETTINGS.format(every=EVERY_SECONDS, host=host)
    remotes = []
    for number in range(repository_count):
        checkout = folder / f"checkout-{number}"
        checkout.mkdir()
        (checkout / "imagebot.yaml").write_text(POLICY.format(host=host))
        for image in range(image_count):
            if (image - number) % repository_count < USERS_EACH:
                text = POD.format(image=image, host=host, tag=TAGS_EACH - 1)
                (checkout / f"app-{image}.yaml").write_text(text)
        git(folder, "init", "-q", "-b", "main", str(checkout))
        git(checkout, "add", "-A")
        git(checkout, "-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "-qm", "all")
        remotes.append(folder / f"fleet-{number}.git")
        git(folder, "clone", "-q", "--bare", str(checkout), str(remotes[-1]))
        settings += REPOSITORY.format(n=number, path=remotes[-1])
    (folder / "settings.yaml").write_text(settings)
    return remotes


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Running:
    """`imagebot run`, ended by SIGTERM; what it said is shown when it failed."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "imagebot", "run", "--settings", "settings.yaml"],
                cwd=folder,
                stdout=log,
                stderr=log,
                env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        text = self._log.read_text()
        bad = [line for line in text.splitlines() if '"error"' in line or '"warning"' in line]
        print("\n".join(bad[:5]))
        if code:
            raise SystemExit(f"imagebot ended with {code}:\n{text[-2000:]}")


def watch(process: subprocess.Popen[bytes], seconds: int) -> list[Sample]:
    samples = [Sample.of(process.pid)]
    while time.monotonic() < samples[0].at + seconds:
        time.sleep(SAMPLE_SECONDS)
        samples.append(Sample.of(process.pid))
    return samples


def propose(registry: RegistryProcess, remotes: Sequence[Path]) -> float | None:
    """Push one tag, and give the seconds until the branches of both users are there."""
    registry.add("team/app-0", "1.1.0")
    pushed = time.monotonic()
    users = [remotes[-number % len(remotes)] for number in range(USERS_EACH)]
    while time.monotonic() < pushed + 2 * EVERY_SECONDS:
        if all("imagebot/" in git(remote, "branch", "--list", "imagebot/*") for remote in users):
            return time.monotonic() - pushed
        time.sleep(0.5)
    return None


def report(
    samples: Sequence[Sample],
    requests: Counter[str],
    image_count: int,
    repository_count: int,
    proposed_after: float | None,
) -> int:
    first, last = samples[0], samples[-1]
    seconds = last.at - first.at
    thirds = [samples[: len(samples) // 3], samples[-len(samples) // 3 :]]
    polls = requests["listing"]
    own, children = last.own_cpu - first.own_cpu, last.git_cpu - first.git_cpu
    looks = repository_count * seconds / EVERY_SECONDS
    print(f"\n{'':26} {'first third':>12} {'last third':>12}")
    rows: list[tuple[str, Callable[[Sample], int]]] = [
        ("memory, KiB", lambda sample: sample.memory_kib),
        ("descriptors", lambda sample: sample.descriptors),
        ("threads", lambda sample: sample.threads),
    ]
    growth = {}
    for name, value in rows:
        for what, of in (("most", max), ("least", min)):
            found = [of(map(value, third)) for third in thirds]
            growth[what, name] = found[1] - found[0]
            print(f"{what + ' ' + name:26} {found[0]:>12,} {found[1]:>12,}")
    ratio = (own + children) / seconds
    print(f"\nCPU in {seconds:.0f} s: imagebot {own:.2f} s, its gits {children:.2f} s, "
          f"{100 * ratio:.1f} % of a core")  # fmt: skip
    print(f"polls: {polls}, {polls / image_count / seconds * EVERY_SECONDS:.2f} for each image "
          f"repository in {EVERY_SECONDS} s; looks at git repositories: {looks:.0f}")  # fmt: skip
    kinds = ("listing", "token", "ping or challenge", "other")
    per_poll = ", ".join(f"{requests[kind] / max(polls, 1):.3f} {kind}" for kind in kinds)
    print(f"requests per poll: {per_poll}")
    shown = "not in time" if proposed_after is None else f"after {proposed_after:.1f} s"
    print(f"a new tag was proposed to both its users: {shown}")
    bars = {
        f"memory grows by no more than {MAX_GROWTH_KIB} KiB": growth["most", "memory, KiB"]
        <= MAX_GROWTH_KIB,
        "at rest no more descriptors": growth["least", "descriptors"] <= 0,
        "at rest no more threads": growth["least", "threads"] <= 0,
        f"CPU is at most {MAX_CPU_RATIO:.0%} of a core": ratio <= MAX_CPU_RATIO,
        "one listing, no token, no ping a poll": polls > 0 and requests.total() == polls,
        "a new tag is proposed within two intervals": proposed_after is not None,
    }
    print()
    for bar, is_met in bars.items():
        print(f"{'ok  ' if is_met else 'MISS'} {bar}")
    return 0 if all(bars.values()) else 1


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(numbers + [300, 500, 50][len(numbers) :])))
