"""Finding and editing over generated manifests, beside ruamel's round trip on a sample.

    python benchmarks/find_and_edit.py [COUNT ...]

Prints one table: CPU seconds, files and megabytes per second, and peak memory for a cold scan
(every blob parsed), a warm one (every blob in the cache), one edit per file with an image, and
ruamel's load and dump of a sample of the same files. Ratios come from the same run, so they hold
on a busy machine too. The files are the same in every run.
"""

import io
import random
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha1

from ruamel.yaml import YAML

from imagebot import edits, formats
from imagebot.model import Update

COUNTS = (1_000, 10_000)
SAMPLE = 200  # files for ruamel: it would take minutes for all
SEED = 20261123


@dataclass(frozen=True, slots=True)
class Blob:
    path: str
    blob_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    file_count: int
    size_bytes: int
    cpu_seconds: float

    def cells(self) -> tuple[str, ...]:
        seconds = self.cpu_seconds
        return (
            self.name,
            f"{self.file_count:,}",
            f"{self.size_bytes / 1e6:.1f}",
            f"{seconds:.3f}",
            f"{self.file_count / seconds:,.0f}",
            f"{self.size_bytes / 1e6 / seconds:,.1f}",
        )


def generate(count: int) -> Iterator[Blob]:
    """As in real GitOps repositories: one file in seven holds an image, few are large."""
    source = random.Random(SEED)
    makers: tuple[tuple[int, Callable[[random.Random, int], str]], ...] = (
        (9, deployment),
        (4, values),
        (3, kustomization),
        (1, template),
        (1, schema),
        (40, service),
        (25, config_map),
        (17, plain_values),
    )
    pool = [maker for weight, maker in makers for _ in range(weight)]
    for number in range(count):
        maker = source.choice(pool)
        name = "kustomization" if maker is kustomization else maker.__name__
        content = maker(source, number).encode()
        path = f"apps/team-{number % 50}/app-{number}/{name}.yaml"
        yield Blob(path, sha1(content, usedforsecurity=False).hexdigest(), content)


def tag(source: random.Random) -> str:
    return f"v{source.randrange(9)}.{source.randrange(40)}.{source.randrange(20)}"


def deployment(source: random.Random, number: int) -> str:
    containers = "".join(
        f"""        - name: c{index}
          image: ghcr.io/acme/app-{number % 500}:{tag(source)}  # größe
          env:
"""
        + "".join(f'            - {{name: KEY_{key}, value: "{key}"}}\n' for key in range(12))
        for index in range(source.randint(1, 3))
    )
    return f"""---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  labels: {{app.kubernetes.io/name: app-{number}}}
spec:
  replicas: 3
  template:
    spec:
      containers:
{containers}---
{service(source, number)}"""


def service(source: random.Random, number: int) -> str:
    ports = "".join(
        f"    - name: p{port}\n      port: {8000 + port}\n      protocol: TCP\n"
        for port in range(source.randint(1, 30))
    )
    return f"""apiVersion: v1
kind: Service
metadata:
  name: app-{number}
  annotations:
    note: "generated for app {number}"
spec:
  ports:
{ports}  selector: {{app: app-{number}}}
"""


def config_map(source: random.Random, number: int) -> str:
    lines = "".join(
        f"    option_{line} = {source.randrange(10**9)}\n" for line in range(source.randint(5, 150))
    )
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{number}\n"
        f"data:\n  app.conf: |\n{lines}"
    )


def values(source: random.Random, number: int) -> str:
    groups = "".join(
        f"""part{part}:
  image:
    registry: quay.io
    repository: acme/part-{(number + part) % 500}
    tag: "{tag(source)}"
  resources:
    limits: {{cpu: 100m, memory: 64Mi}}
"""
        for part in range(source.randint(1, 5))
    )
    return f"# values of app {number}\n{groups}"


def plain_values(source: random.Random, number: int) -> str:
    return f"# app {number}\n" + "".join(
        f"setting{line}:\n  enabled: true\n  text: 'word {source.randrange(1000)}'\n"
        for line in range(source.randint(3, 60))
    )


def kustomization(source: random.Random, number: int) -> str:
    return f"""apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml, service.yaml]
images:
  - name: ghcr.io/acme/app-{number % 500}
    newTag: {tag(source)}
"""


def template(source: random.Random, number: int) -> str:
    return f"""{{{{- if .Values.enabled }}}}
apiVersion: v1
kind: Pod
spec:
  containers:
    - image: "{{{{ .Values.image }}}}:{number}"
{{{{- end }}}}
"""


def schema(source: random.Random, number: int) -> str:
    fields = "".join(
        f"                field{field}:\n                  description: text about it\n"
        f"                  type: string\n"
        f"                image:\n                  type: string\n"
        for field in range(source.randint(200, 1_500))
    )
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        f"metadata:\n  name: things{number}.acme.dev\nspec:\n{fields}"
    )


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def scan_cold(blobs: Iterable[Blob], cache: dict[str, bytes]) -> list[formats.Found]:
    with formats.scanning():
        results = []
        for blob in blobs:
            found = formats.find(blob.path, blob.content)
            cache[formats.cache_key(blob.path, blob.blob_id)] = formats.dump(found)
            results.append(found)
        return results


def scan_warm(blobs: Iterable[Blob], cache: dict[str, bytes]) -> list[formats.Found]:
    with formats.scanning():
        return [
            formats.load(blob.path, cache[formats.cache_key(blob.path, blob.blob_id)])
            for blob in blobs
        ]


def edit_one_each(blobs: Iterable[tuple[Blob, formats.Found]]) -> None:
    with formats.scanning():
        for blob, found in blobs:
            occurrence = found.occurrences[0]
            assert occurrence.reference is not None
            update = Update(occurrence, occurrence.reference, "v99.0.1", None, None)
            edits.rewrite(blob.path, blob.content, [update], formats.find)


def round_trip(blobs: Iterable[Blob]) -> int:
    """Load and dump each file with ruamel; gives back how many it could not load."""
    failed = 0
    for blob in blobs:
        yaml = YAML(typ="rt", pure=True)
        yaml.preserve_quotes = True
        try:
            yaml.dump_all(yaml.load_all(blob.content), io.BytesIO())
        except Exception:  # noqa: BLE001 - whatever ruamel says of a template
            failed += 1
    return failed


def size_of(blobs: Iterable[Blob]) -> int:
    return sum(len(blob.content) for blob in blobs)


def measure(count: int) -> tuple[list[Row], list[str]]:
    blobs = list(generate(count))
    before_bytes = peak_bytes()
    cache: dict[str, bytes] = {}
    results: list[formats.Found] = []
    cold = cpu(lambda: results.extend(scan_cold(blobs, cache)))
    scan_bytes = peak_bytes() - before_bytes
    warm = cpu(lambda: scan_warm(blobs, cache))
    with_images = [
        (blob, found) for blob, found in zip(blobs, results, strict=True) if found.occurrences
    ]
    editing = cpu(lambda: edit_one_each(with_images))
    sample = blobs[:: max(1, count // SAMPLE)]
    ruamel = cpu(lambda: round_trip(sample))
    rows = [
        Row("cold", count, size_of(blobs), cold),
        Row("warm", count, size_of(blobs), warm),
        Row("edit", len(with_images), size_of(blob for blob, _ in with_images), editing),
        Row("ruamel (sample)", len(sample), size_of(sample), ruamel),
    ]
    ruamel_per_byte = ruamel / size_of(sample)
    occurrence_count = sum(len(found.occurrences) for found in results)
    notes = [
        f"{occurrence_count:,} occurrences, {sum(map(len, cache.values())) / 1e6:.2f} MB of cache, "
        f"{scan_bytes / 1e6:.1f} MB more memory at the peak of the cold scan",
        f"ruamel / cold, by byte: {ruamel_per_byte / (cold / size_of(blobs)):.0f} (bar: 10)",
        f"cold / warm: {cold / warm:.0f} (bar: 20)",
    ]
    return rows, notes


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(arguments: list[str]) -> int:
    head = ("", "files", "MB", "CPU s", "files/s", "MB/s")
    for count in [int(argument) for argument in arguments] or COUNTS:
        rows, notes = measure(count)
        print(f"\n{count:,} generated manifests")
        for cells in (head, *(row.cells() for row in rows)):
            print(f"  {cells[0]:<16}" + "".join(f"{cell:>12}" for cell in cells[1:]))
        for note in notes:
            print(f"  {note}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
