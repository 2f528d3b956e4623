"""The inventory of a git repository: cold, unchanged, and after one changed file.

    python benchmarks/inventory.py [FILES ...]      (default: 1,000 5,000 50,000)

Bare git repositories on disk and a store in a file, as the service has them; each repository in
a process of its own, which looks again and again, as the service does. "Another process" knows
nothing but the store, as a command does. CPU time of the process and of git, since it holds on
a busy machine, too; ratios compare within this run. Prints two tables, then PASS or FAIL for
each bar, and ends with 1 when one fails.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from find_and_edit import SEED, Blob, config_map, generate, size_of, values
from ruamel.yaml import YAML

from imagebot.git.process import Runner
from imagebot.git.tree import BareTree
from imagebot.planning import govern
from imagebot.store import Store
from imagebot.survey import survey

COUNTS = (1_000, 5_000, 50_000)
MIXED_COUNT = 10_000  # files as in real repositories: one in seven holds images
IMAGE_FILES = 500  # in the repositories that grow by files without images
SAMPLE = 100  # files for ruamel
CHANGES = 5  # changed files, one after another; the middle time counts
COLD_BESIDE_RUAMEL, COLD_BESIDE_WARM, GROWTH = 10, 50, 1.5
PEAK_GROWTH, COLD_GROWTH = 1.2, 1.5  # to the most files from the next fewer; cold: for each


class Measured(NamedTuple):
    cpu_seconds: float
    wall_seconds: float
    grown_bytes: int  # at the peak, beyond what the process had before
    file_count: int
    image_count: int
    parsed_count: int


class Times(NamedTuple):
    """One repository: the first look, the same tree again, and after one file has changed."""

    count: int
    size_bytes: int
    cold: Measured
    unchanged: Measured
    changed: Measured
    elsewhere: Measured  # as `changed`, in another process


# In a process of its own


def measure(repository: Path, store: Path) -> Measured:
    """Survey the branch and find the policy of each image; fresh clients, as a command has them."""
    runner = Runner(repository)
    words = ["rev-parse", "refs/heads/main", "refs/heads/main^{tree}"]
    commit, tree_id = runner.run(words).stdout.decode().split()
    with closing(Store(store)) as cache:
        before_bytes, wall, cpu = peak_bytes(), time.perf_counter(), cpu_seconds()
        tree = BareTree(runner, commit, tree_id, lambda: None, "benchmark")
        found = survey(tree, cache)
        govern(found, None)
        return Measured(
            cpu_seconds() - cpu,
            time.perf_counter() - wall,
            peak_bytes() - before_bytes,
            found.file_count,
            len(found.occurrences),
            found.parsed_count,
        )


def cpu_seconds() -> float:
    """Of this process and its children (git)."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_bytes() -> int:
    """Of this process alone: where /proc tells, since rusage counts what the parent had, too."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return 1024 * (peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def series(repository: Path, store: Path) -> list[Measured]:
    """The first look, the same tree again, then changes, one file at a time."""
    looks = [measure(repository, store), measure(repository, store)]
    for number in range(CHANGES):
        change_one_file(repository, number)
        looks.append(measure(repository, store))
    return looks


def change_one_file(repository: Path, number: int) -> None:
    content = values(random.Random(number), number).encode()
    commit(repository, [Blob("apps/team-1/changed/values.yaml", "", content)], is_first=False)


# Around it


def in_a_process(what: str, repository: Path, store: Path) -> list[Measured]:
    words = [sys.executable, __file__, what, str(repository), str(store)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    return [Measured(*row) for row in json.loads(done.stdout)]


def times(folder: Path, blobs: Iterable[Blob], count: int) -> Times:
    folder.mkdir()
    repository, store = folder / "repository.git", folder / "store.sqlite"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    size = commit(repository, blobs, is_first=True)
    cold, unchanged, *changes = in_a_process("--series", repository, store)
    change_one_file(repository, CHANGES)
    (elsewhere,) = in_a_process("--once", repository, store)
    reads = [look.parsed_count for look in (unchanged, *changes, elsewhere)]
    if cold.parsed_count != cold.file_count or reads != [0, *(1 for _ in changes), 1]:
        raise SystemExit(f"files were read that need not be, or not read: {reads}")
    middle = sorted(changes, key=lambda each: each.cpu_seconds)[CHANGES // 2]
    return Times(count, size, cold, unchanged, middle, elsewhere)


def commit(repository: Path, blobs: Iterable[Blob], *, is_first: bool) -> int:
    """Put the files on the branch; gives back their size."""
    words = ["git", "-C", str(repository), "fast-import", "--quiet"]
    size = 0
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        head = b"commit refs/heads/main\ncommitter b <b@localhost> 0 +0000\ndata 0\n"
        process.stdin.write(head + (b"" if is_first else b"from refs/heads/main^0\n"))
        for blob in blobs:
            size += len(blob.content)
            line = f"M 100644 inline {blob.path}\ndata {len(blob.content)}\n"
            process.stdin.write(line.encode() + blob.content + b"\n")
    if process.returncode:
        raise SystemExit("git fast-import failed")
    return size


def mostly_without_images(count: int) -> Iterator[Blob]:
    """The same files with images, whatever the count, among ever more that have none."""
    draw = random.Random(SEED)
    for number in range(count):
        make = values if number < IMAGE_FILES else config_map
        path = f"apps/team-{number % 50}/app-{number}/{make.__name__}.yaml"
        yield Blob(path, "", make(draw, number).encode())


def ruamel_seconds(blobs: list[Blob]) -> float:
    """CPU time of loading each with the pure round-trip loader."""
    began = time.process_time()
    for blob in blobs:
        loader = YAML(typ="rt", pure=True)
        try:
            for _ in loader.load_all(blob.content):
                pass
        except Exception:  # noqa: BLE001 - whatever ruamel says of a template
            continue
    return time.process_time() - began


def show(title: str, rows: list[Times]) -> None:
    print(f"\n{title}")
    head = ("files", "MB", "images", "cold s", "unchanged ms", "one changed ms", "cold/changed",
            "other process", "cold peak MB")  # fmt: skip
    print("".join(f"{name:>16}" for name in head))
    for row in rows:
        cells = (
            f"{row.count:,}",
            f"{row.size_bytes / 1e6:.1f}",
            f"{row.cold.image_count:,}",
            f"{row.cold.cpu_seconds:.2f}",
            f"{row.unchanged.cpu_seconds * 1e3:.0f}",
            f"{row.changed.cpu_seconds * 1e3:.0f}",
            f"{row.cold.cpu_seconds / row.changed.cpu_seconds:.0f}",
            f"{row.elsewhere.cpu_seconds * 1e3:.0f} ms",
            f"{row.cold.grown_bytes / 1e6:.1f}",
        )
        print("".join(f"{cell:>16}" for cell in cells))


def main(counts: list[int]) -> int:
    with tempfile.TemporaryDirectory(prefix="imagebot-bench-") as name:
        blobs = list(generate(MIXED_COUNT))
        sample = blobs[:: MIXED_COUNT // SAMPLE]
        mixed = times(Path(name, "mixed"), blobs, MIXED_COUNT)
        ruamel = ruamel_seconds(sample) / size_of(sample) * mixed.size_bytes
        del blobs
        growing = []
        for count in counts:
            folder = Path(name, str(count))
            growing.append(times(folder, mostly_without_images(count), count))
    show("as in real repositories, CPU time", [mixed])
    print(f"  ruamel.yaml's round-trip loader for all of them, by a sample: {ruamel:.0f} s")
    show(f"{IMAGE_FILES} files with images, ever more without", growing)
    least, before, most = growing[0], growing[-2:][0], growing[-1]
    bars = [
        ("ruamel / cold", ruamel / mixed.cold.cpu_seconds, COLD_BESIDE_RUAMEL, True),
        ("cold / one changed", mixed.cold.cpu_seconds / mixed.changed.cpu_seconds,
         COLD_BESIDE_WARM, True),
    ]  # fmt: skip
    if most.count > least.count:
        beside = f"{most.count:,} / {before.count:,} files"
        growth = most.changed.cpu_seconds / least.changed.cpu_seconds
        cold_each = [row.cold.cpu_seconds / row.count for row in (before, most)]
        peaks = most.cold.grown_bytes / before.cold.grown_bytes
        bars += [
            (f"one changed, {most.count:,} / {least.count:,} files", growth, GROWTH, False),
            (f"cold for each file, {beside}", cold_each[1] / cold_each[0], COLD_GROWTH, False),
            (f"peak memory, {beside} with the same images", peaks, PEAK_GROWTH, False),
        ]
    print()
    failed = 0
    for words, value, bar, is_least in bars:
        is_passed = value >= bar if is_least else value <= bar
        failed += not is_passed
        kind = "at least" if is_least else "at most"
        print(f"{'PASS' if is_passed else 'FAIL'}  {words}: {value:.2f} ({kind} {bar})")
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure the inventory of a git repository.")
    parser.add_argument("counts", nargs="*", type=int, metavar="FILES")
    for what in ("--series", "--once"):
        parser.add_argument(what, nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.series:
        print(json.dumps(series(*arguments.series)))
    elif arguments.once:
        print(json.dumps([measure(*arguments.once)]))
    else:
        sys.exit(main(arguments.counts or list(COUNTS)))
