"""kustomize judges the edits: it builds the new image, and otherwise what it built before."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from imagebot import edits, formats
from imagebot.image import Digest, parse
from imagebot.model import Update

D1 = "sha256:" + "1a" * 32
D2 = "sha256:" + "2b" * 32
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}   # the front
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: init, image: busybox}
      containers:
      - name: web
        image: "ghcr.io/acme/web:1.0.0"  # by hand
        args: [--sidecar=ghcr.io/acme/side:1.0.0, --level=info]   # imagebot: side
      - name: proxy
        image: >-
          docker.io/library/nginx:1.25
"""
BASE = {
    "base/deployment.yaml": DEPLOYMENT,
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
}


class Example(NamedTuple):
    """A git repository, the folder that is built, and what becomes of which built text."""

    files: dict[str, str]
    folder: str
    edited: str | tuple[str, ...]  # files whose name begins so are edited
    updates: dict[str, str]  # new tag, perhaps with a digest, by name as written in the file
    built: dict[str, str]  # what stands in the build afterwards, by what stands there before


EXAMPLES = {
    "the base itself": Example(
        BASE,
        "base",
        "base",
        {"ghcr.io/acme/web": "1.10", "docker.io/library/nginx": f"1.27@{D2}", "busybox": "1.36"},
        {
            "ghcr.io/acme/web:1.0.0": "ghcr.io/acme/web:1.10",
            "docker.io/library/nginx:1.25": f"docker.io/library/nginx:1.27@{D2}",
            "image: busybox": "image: busybox:1.36",
        },
    ),
    "a text behind an option": Example(
        BASE,
        "base",
        "base",
        {"ghcr.io/acme/side": "1.10"},
        {"--sidecar=ghcr.io/acme/side:1.0.0": "--sidecar=ghcr.io/acme/side:1.10"},
    ),
    "an overlay's images": Example(
        {
            **BASE,
            "overlays/prod/kustomization.yaml": (
                "resources: [../../base]\nimages:\n# moved by imagebot\n"
                "- name: ghcr.io/acme/web\n  newTag: 1.9\n"
                f"- {{name: docker.io/library/nginx, newName: nginx, newTag: a, digest: '{D1}'}}\n"
            ).replace("1.9", '"1.9"'),
        },
        "overlays/prod",
        "overlays/prod",
        {"ghcr.io/acme/web": "1.10", "nginx": f"1.27@{D2}"},
        {"ghcr.io/acme/web:1.9": "ghcr.io/acme/web:1.10", f"nginx:a@{D1}": f"nginx:1.27@{D2}"},
    ),
    "a digest that goes": Example(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\r\nimages:\r\n- name: ghcr.io/acme/web\r\n"
                f"  digest: {D1} # pinned\r\n  newTag: v1\r\n"
                f"- name: busybox\r\n  newTag: '1.35@{D1}'"
            ),
        },
        "prod",
        "prod",
        {"ghcr.io/acme/web": "20240101", "busybox": "1.36"},
        {
            f"ghcr.io/acme/web:v1@{D1}": "ghcr.io/acme/web:20240101",
            f"busybox:1.35@{D1}": "busybox:1.36",
        },
    ),
    "a base below an overlay that renames": Example(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\n"
                "images: [{name: ghcr.io/acme/web, newName: mirror.acme.dev/web}]\n"
            ),
        },
        "prod",
        "base",
        {"ghcr.io/acme/web": "2"},
        {"mirror.acme.dev/web:1.0.0": "mirror.acme.dev/web:2"},
    ),
    "a transformer of one image, in a file and in a text": Example(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\ntransformers:\n- image.yaml\n- |-\n"
                "  apiVersion: builtin\n  kind: ImageTagTransformer\n  metadata: {name: proxy}\n"
                "  imageTag: {name: docker.io/library/nginx, newTag: v2}\n"
            ),
            "prod/image.yaml": (
                "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: web}\n"
                "imageTag:\n  name: ghcr.io/acme/web\n  newTag: v1  # set here\n"
            ),
        },
        "prod",
        "prod",
        {"ghcr.io/acme/web": "1.10", "docker.io/library/nginx": "1.27"},
        {
            "ghcr.io/acme/web:v1": "ghcr.io/acme/web:1.10",
            "docker.io/library/nginx:v2": "docker.io/library/nginx:1.27",
        },
    ),
    "a component": Example(
        {
            **BASE,
            "components/pin/kustomization.yaml": (
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
                "images:\n- newTag: &tag v1\n  name: ghcr.io/acme/web\n"
                "- {name: busybox, newTag: *tag}\n"
            ),
            "prod/kustomization.yaml": "resources: [../base]\ncomponents: [../components/pin]\n",
        },
        "prod",
        "components",
        {"ghcr.io/acme/web": "1.10", "busybox": "1.10"},
        {"ghcr.io/acme/web:v1": "ghcr.io/acme/web:1.10", "busybox:v1": "busybox:1.10"},
    ),
    "a JSON patch in a file": Example(
        {
            **BASE,
            "prod/kustomization.yaml": (
                "resources: [../base]\npatches:\n"
                "- {path: patch.yaml, target: {kind: Deployment, name: web}}\n"
            ),
            "prod/patch.yaml": (
                "# what prod runs\n- op: replace\n"
                "  path: /spec/template/spec/containers/0/image\n"
                "  value: ghcr.io/acme/web:2.0.0   # slowly\n"
                "- op: add\n  path: /spec/template/spec/containers/-\n"
                "  value: {name: late, image: acme/late}\n"
            ),
        },
        "prod",
        "prod",
        {"ghcr.io/acme/web": "2.1.0", "acme/late": "1e3"},
        {"ghcr.io/acme/web:2.0.0": "ghcr.io/acme/web:2.1.0", "acme/late": "acme/late:1e3"},
    ),
    "patches inside a kustomization": Example(
        {
            **BASE,
            "prod/kustomization.yaml": """\
resources: [../base]
patches:
- target: {kind: Deployment, name: web}
  patch: |-
    - op: test
      path: /spec/template/spec/containers/0/image
      value: ghcr.io/acme/web:1.0.0

    - op: replace
      path: /spec/template/spec/containers/0/image
      value: 'ghcr.io/acme/web:2.0.0'   # slowly
- patch: |4-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        template:
          spec:
            containers:
            - name: proxy
              # imagebot: proxy
              image: nginx:1.26
""",
        },
        "prod",
        "prod",
        {"ghcr.io/acme/web": "2.1.0", "nginx": "1.27"},
        {
            "ghcr.io/acme/web:2.0.0": "ghcr.io/acme/web:2.1.0",
            "image: nginx:1.26": "image: nginx:1.27",
        },
    ),
    "a list and a generated ConfigMap": Example(
        {
            "kustomization.yaml": """\
resources: [all.yaml]
generatorOptions: {disableNameSuffixHash: true}
configMapGenerator:
- name: images
  literals:
  - SIDE=ghcr.io/acme/side:1.0.0   # imagebot: side
  - OTHER=ghcr.io/acme/other:1.0.0
""",
            "all.yaml": """\
# everything
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a, annotations: {a/proxyImage: "ghcr.io/acme/a:1"}}
  spec:
    containers:
    - {name: a, image: &a "ghcr.io/acme/a:1"}
    - {name: b, image: *a}
    volumes:
    - name: model
      image: {reference: 'ghcr.io/acme/model:1'}
...
""",
        },
        "",
        "",
        {"ghcr.io/acme/side": "1.10", "ghcr.io/acme/a": "2", "ghcr.io/acme/model": "v2"},
        {
            "SIDE: ghcr.io/acme/side:1.0.0": "SIDE: ghcr.io/acme/side:1.10",
            "image: ghcr.io/acme/a:1": "image: ghcr.io/acme/a:2",
            "ghcr.io/acme/model:1": "ghcr.io/acme/model:v2",
        },
    ),
    "charts with values inside and in a file": Example(
        {
            "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 0.1.0\n",
            "charts/app/values.yaml": "image: {repository: acme/default, tag: '0'}\nlogs: {}\n",
            "charts/app/templates/pod.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}}
spec:
  containers:
  - {name: app, image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"}
  - {name: logs, image: "{{ .Values.logs.image }}"}
""",
            "kustomization.yaml": """\
helmGlobals: {chartHome: charts}
helmCharts:
- name: app
  releaseName: inside
  valuesInline:
    image: {repository: ghcr.io/acme/inside, tag: '1.9'}   # ours
    logs: {image: 'ghcr.io/acme/logs:1.9'}
- name: app
  releaseName: apart
  valuesFile: values/apart.yaml
""",
            "values/apart.yaml": (
                "image:\r\n  repository: ghcr.io/acme/apart\r\n  tag: v1  # by hand\r\n"
                "logs: {image: ghcr.io/acme/more:2}\r\n"
            ),
        },
        "",
        ("kustomization.yaml", "values/"),
        {
            "ghcr.io/acme/inside": "1.10",
            "ghcr.io/acme/logs": f"2@{D2}",
            "ghcr.io/acme/apart": "v2",
            "ghcr.io/acme/more": "3",
        },
        {
            "ghcr.io/acme/inside:1.9": "ghcr.io/acme/inside:1.10",
            "ghcr.io/acme/logs:1.9": f"ghcr.io/acme/logs:2@{D2}",
            "ghcr.io/acme/apart:v1": "ghcr.io/acme/apart:v2",
            "ghcr.io/acme/more:2": "ghcr.io/acme/more:3",
        },
    ),
    "quoted and folded patches": Example(
        {
            **BASE,
            "prod/kustomization.yaml": """\
resources: [../base]
patches:
- target: {kind: Deployment, name: web}
  patch: "[{\\"op\\": \\"replace\\", \\"path\\": \\"/spec/template/spec/containers/0/image\\",\\n
    \\"value\\": \\"ghcr.io/acme/web:2.0.0\\"}]"
- patch: "kind: Deployment\\napiVersion: apps/v1\\nmetadata: {name: web}\\nspec:\\n  template:\\n\\
    \\    spec:\\n      containers:\\n      - {name: proxy, image: nginx:1.26}\\n"
- target: {kind: Deployment, name: web}
  patch: >-
    [{"op": "add", "path": "/spec/template/spec/containers/-",
      "value": {"name": "late", "image": "acme/late:1"}}]
""",
        },
        "prod",
        "prod",
        {"ghcr.io/acme/web": "2.1.0", "nginx": "1.27", "acme/late": "2"},
        {
            "ghcr.io/acme/web:2.0.0": "ghcr.io/acme/web:2.1.0",
            "image: nginx:1.26": "image: nginx:1.27",
            "acme/late:1": "acme/late:2",
        },
    ),
    "a component below an overlay's own entry": Example(
        {
            **BASE,
            "components/pin/kustomization.yaml": (
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
                "images: [{name: busybox, newTag: '1.35'}]\n"
            ),
            "prod/kustomization.yaml": (
                "resources: [../base]\ncomponents: [../components/pin]\n"
                "images: [{name: ghcr.io/acme/web, newName: mirror.acme.dev/web, newTag: 1.9.0}]\n"
                "patchesStrategicMerge: [side.yaml]\n"
            ),
            "prod/side.yaml": (
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: "
                "{spec: {containers: [{name: proxy, image: 'acme/proxy:v1'}]}}}\n"
            ),
        },
        "prod",
        ("prod", "components"),
        {"busybox": "1.36", "mirror.acme.dev/web": "1.10.0", "acme/proxy": "v2"},
        {
            "busybox:1.35": "busybox:1.36",
            "mirror.acme.dev/web:1.9.0": "mirror.acme.dev/web:1.10.0",
            "acme/proxy:v1": "acme/proxy:v2",
        },
    ),
}


@pytest.fixture(scope="module")
def kubectl() -> str:
    found = shutil.which("kubectl", path=_path())
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("kubectl is not installed")
        pytest.skip("kubectl is not installed")
    return found


def _path() -> str:
    """Where programs are looked for: beside Python first, as PyPI puts Helm there."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_kustomize_builds_the_new_image_and_otherwise_the_same(
    name: str, kubectl: str, tmp_path: Path
) -> None:
    example = EXAMPLES[name]
    for file, text in example.files.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    before = build(kubectl, tmp_path / example.folder)
    done = [name for file in example.files for name in edit(tmp_path, file, example)]
    assert set(done) == set(example.updates)
    expected = before
    for old, new in example.built.items():
        assert old in expected
        expected = expected.replace(old, new)
    assert build(kubectl, tmp_path / example.folder) == expected


def build(kubectl: str, folder: Path) -> str:
    return subprocess.run(
        [kubectl, "kustomize", "--enable-helm", str(folder)],
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "PATH": _path(), "HOME": str(folder)},
    ).stdout.decode()


def edit(root: Path, file: str, example: Example) -> list[str]:
    """Edit one file; gives back the names of the images that were updated in it."""
    if not file.startswith(example.edited):
        return []
    source = (root / file).read_bytes()
    updates = []
    for occurrence in formats.find(file, source).occurrences:
        assert occurrence.reference
        version = example.updates.get(occurrence.reference.name)
        if version:
            tag, _, digest = version.partition("@")
            wanted = Digest(digest) if digest else None
            updates.append(Update(occurrence, parse(str(occurrence.reference)), tag, wanted, None))
    (root / file).write_bytes(edits.rewrite(file, source, updates, formats.find).content)
    return [update.reference.name for update in updates]
