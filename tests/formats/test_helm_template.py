"""Helm itself judges the edits: it renders the new images, and all else as before.

One chart with the helper that most charts have: a global registry wins, a digest wins over a
tag. Its values come from a values file, a HelmRelease and an Application.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from imagebot import edits, formats
from imagebot.image import Digest
from imagebot.model import Update

D1 = Digest("sha256:" + "1a" * 32)
D2 = Digest("sha256:" + "2b" * 32)

HELPER = """{{- define "image" -}}
{{- $registry := .g.imageRegistry | default .image.registry -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ .image.repository -}}
{{- with .image.tag }}:{{ . }}{{ end }}{{ with .image.digest }}@{{ . }}{{ end -}}
{{- end -}}
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
        - name: api
          image: {{ include "image" (dict "g" .Values.global "image" .Values.image) | quote }}
        - name: side
          image: {{ include "image" (dict "g" .Values.global "image" .Values.side.image) | quote }}
        - name: logs
          image: {{ .Values.logs.image | quote }}
          args: {{ .Values.logs.args | toJson }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: text}
data:
  note: {{ .Values.note | quote }}
"""
DEFAULTS = f"""# the chart's own
global: {{imageRegistry: ""}}
replicas: 2
image:
  registry: ghcr.io
  repository: acme/api      # ours
  tag: 1.9
  digest: ""
side:
  image: {{registry: quay.io, repository: acme/side, tag: "v1.0", digest: "{D1}"}}
logs:
  image: 'docker.io/acme/logs:2.0'
  args: [--from, "1.9"]
note: |
  tag: 1.9 is what we ran
"""


@pytest.fixture(scope="module")
def helm() -> str:
    beside_python = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    program = shutil.which("helm", path=beside_python)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("helm is not installed")
        pytest.skip("helm is not installed")
    return program


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text(DEFAULTS)
    (folder / "templates" / "_image.tpl").write_text(HELPER)
    (folder / "templates" / "all.yaml").write_text(DEPLOYMENT)
    return folder


def rendered(helm: str, chart: Path, *options: str) -> list[str]:
    done = subprocess.run(
        [helm, "template", "app", str(chart), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "HOME": str(chart.parent), "HELM_CACHE_HOME": str(chart.parent)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def updated(file: str, source: bytes, wanted: dict[str, tuple[str, Digest | None]]) -> bytes:
    updates = [
        Update(item, item.reference, *wanted[item.address], None)
        for item in formats.find(file, source).occurrences
        if item.address in wanted and item.reference
    ]
    assert len(updates) == len(wanted)
    return edits.rewrite(file, source, updates, formats.find).content


def changes(before: list[str], after: list[str]) -> list[tuple[str, str]]:
    assert len(before) == len(after)
    pairs = zip(before, after, strict=True)
    return [(was.strip(), now.strip()) for was, now in pairs if was != now]


def test_the_values_of_a_chart_render_the_new_images_and_nothing_else(
    helm: str, chart: Path
) -> None:
    before = rendered(helm, chart)
    wanted = {
        "image.tag": ("1.10", None),
        "side.image.tag": ("v1.1", D2),
        "logs.image": ("2.1", None),
    }
    values = chart / "values.yaml"
    values.write_bytes(updated("values.yaml", values.read_bytes(), wanted))
    assert changes(before, rendered(helm, chart)) == [
        ('image: "ghcr.io/acme/api:1.9"', 'image: "ghcr.io/acme/api:1.10"'),
        (
            f'image: "quay.io/acme/side:v1.0@{D1}"',
            f'image: "quay.io/acme/side:v1.1@{D2}"',
        ),
        ('image: "docker.io/acme/logs:2.0"', 'image: "docker.io/acme/logs:2.1"'),
    ]


@pytest.mark.parametrize(
    ("digest", "rendered_digest"), [(D2, f"@{D2}"), (None, "")], ids=["pinned", "unpinned"]
)
def test_a_digest_goes_with_its_tag_or_goes(
    helm: str, chart: Path, digest: Digest | None, rendered_digest: str
) -> None:
    values = chart / "values.yaml"
    wanted = {"image.tag": ("2", digest), "side.image.tag": ("v2", digest)}
    values.write_bytes(updated("values.yaml", values.read_bytes(), wanted))
    images = [line.strip() for line in rendered(helm, chart) if "image:" in line][:2]
    assert images == [
        f'image: "ghcr.io/acme/api:2{rendered_digest}"',
        f'image: "quay.io/acme/side:v2{rendered_digest}"',
    ]


RELEASE = b"""apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app}
spec:
  chart: {spec: {chart: app, version: 0.1.0, sourceRef: {kind: GitRepository, name: app}}}
  values:
    global: {imageRegistry: registry.example.test}   # a mirror
    image: {repository: mirror/api, tag: v3.0}
    logs:
      image: "acme/logs:3.0"   # {"$imagepolicy": "flux-system:logs"}
"""


def test_the_values_of_a_helm_release_render_the_new_images_and_nothing_else(
    helm: str, chart: Path
) -> None:
    wanted: dict[str, tuple[str, Digest | None]] = {
        "spec.values.image.tag": ("3.10", None),
        "spec.values.logs.image": ("3.1", D1),
    }
    before, after = (
        rendered(helm, chart, "--values", _values_file(chart, source, "spec", "values"))
        for source in (RELEASE, updated("release.yaml", RELEASE, wanted))
    )
    (occurrence, _) = formats.find("release.yaml", RELEASE).occurrences
    assert str(occurrence.reference) == "registry.example.test/mirror/api:v3.0"
    assert changes(before, after) == [
        (f'image: "{occurrence.reference}"', 'image: "registry.example.test/mirror/api:3.10"'),
        ('image: "acme/logs:3.0"', f'image: "acme/logs:3.1@{D1}"'),
    ]


APPLICATION = b"""apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    repoURL: https://git.example.test/charts.git
    helm:
      parameters:
        - {name: image.repository, value: acme/api}
        - {name: image.tag, value: v4.0}
      values: |
        side:
          image:
            registry: ''
            repository: acme/side
            tag: 4.9   # not 4.90
            digest: ''
"""


def test_an_application_renders_the_new_images_and_nothing_else(helm: str, chart: Path) -> None:
    wanted: dict[str, tuple[str, Digest | None]] = {
        "spec.source.helm.parameters[1].value": ("4.10", None),
        "spec.source.helm.values.side.image.tag": ("4.10", None),
    }
    outputs = []
    for source in (APPLICATION, updated("app.yaml", APPLICATION, wanted)):
        own = YAML(typ="safe", pure=True).load(source)["spec"]["source"]["helm"]
        (chart.parent / "own.yaml").write_text(own["values"])
        options = ["--values", str(chart.parent / "own.yaml")]
        for parameter in own["parameters"]:
            options += ["--set-string", f"{parameter['name']}={parameter['value']}"]
        outputs.append(rendered(helm, chart, *options))
    assert changes(*outputs) == [
        ('image: "ghcr.io/acme/api:v4.0"', 'image: "ghcr.io/acme/api:4.10"'),
        ('image: "acme/side:4.9"', 'image: "acme/side:4.10"'),
    ]


def _values_file(chart: Path, source: bytes, *keys: str) -> str:
    values: Any = YAML(typ="safe", pure=True).load(source)
    for key in keys:
        values = values[key]
    file = chart.parent / "values.yaml"
    with file.open("w") as stream:
        YAML().dump(values, stream)
    return str(file)
