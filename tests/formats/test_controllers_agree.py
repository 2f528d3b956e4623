"""kustomize judges the edits of what Flux and Argo CD hand to it out of their own objects."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from imagebot import edits, formats
from imagebot.image import Digest, parse
from imagebot.model import Update
from tests.formats.test_kustomize_agrees import BASE, D1, D2, build, kubectl

__all__ = ["kubectl"]

FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
spec:
  path: ./base
  images:
  - {name: ghcr.io/acme/web, newName: mirror.acme.dev/web, newTag: v1}   # a mirror
  - name: busybox
    digest: "D1"
  patches:
  - target: {kind: Deployment, name: web}
    patch: |
      - op: replace
        path: /spec/template/spec/containers/1/image
        value: nginx:1.26   # slowly
"""
POST_RENDERERS = """apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  postRenderers:
  - kustomize:
      images:
      - {name: ghcr.io/acme/web, newTag: "1.9"}
      patches:
      - target: {kind: Deployment, name: web}
        patch: |
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: web}
          spec: {template: {spec: {containers: [{name: proxy, image: nginx:1.26}]}}}
"""
# Of an Application, and what Argo CD merges over it: each image is `name=newName:newTag@digest`.
ARGO = """apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  source:
    kustomize:
      images:
      - ghcr.io/acme/web=mirror.acme.dev/web:v1   # a mirror
      - busybox:1.35
"""
ARGO_SOURCE = "kustomize:\n  images:\n  - 'busybox:1.35@D1'\n  - ghcr.io/acme/web:v1 # up\n"
OBJECTS: dict[str, tuple[str, str, tuple[str | int, ...], dict[str, str]]] = {
    "a Kustomization of Flux": (
        "apps.yaml",
        FLUX,
        ("spec",),
        {
            "mirror.acme.dev/web:v1": "mirror.acme.dev/web:2",
            f"busybox@{D1}": f"busybox@{D2}",
            "nginx:1.26": "nginx:2",
        },
    ),
    "what Flux does after Helm": (
        "release.yaml",
        POST_RENDERERS,
        ("spec", "postRenderers", 0, "kustomize"),
        {"ghcr.io/acme/web:1.9": "ghcr.io/acme/web:2", "nginx:1.26": "nginx:2"},
    ),
    "an Application": (
        "app.yaml",
        ARGO,
        ("spec", "source", "kustomize"),
        {"mirror.acme.dev/web:v1": "mirror.acme.dev/web:2", "busybox:1.35": "busybox:2"},
    ),
    "a file that Argo CD merges over its Application": (
        ".argocd-source-app.yaml",
        ARGO_SOURCE,
        ("kustomize",),
        {f"busybox:1.35@{D1}": f"busybox:2@{D2}", "ghcr.io/acme/web:v1": "ghcr.io/acme/web:2"},
    ),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_what_flux_and_argo_cd_hand_to_kustomize_builds_the_new_images_and_otherwise_the_same(
    name: str, kubectl: str, tmp_path: Path
) -> None:
    file, text, keys, built = OBJECTS[name]
    source = text.replace("D1", D1).encode()
    updates = [
        Update(
            item,
            item.reference,
            "2" if item.tag else "",
            Digest(D2) if item.digest else None,
            None,
        )
        for item in formats.find(file, source).occurrences
        if item.reference
    ]
    assert len(updates) == len(built)
    edited = edits.rewrite(file, source, updates, formats.find).content
    before, after = (
        build(kubectl, _written(tmp_path / str(number), _kustomization(content, keys)))
        for number, content in enumerate((source, edited))
    )
    for old, new in built.items():
        assert old in before
        before = before.replace(old, new)
    assert after == before


def _kustomization(source: bytes, keys: tuple[str | int, ...]) -> Any:
    """What the object's controller hands to kustomize."""
    held: Any = YAML(typ="safe", pure=True).load(source)
    for key in keys:
        held = held[key]
    images = [_entry(each) if isinstance(each, str) else each for each in held["images"]]
    return {"resources": ["base"], "images": images, "patches": held.get("patches", [])}


def _entry(image: str) -> dict[str, str]:
    """As `kustomize edit set image` reads `name=newName:newTag@digest`."""
    name, _, new = image.rpartition("=")
    reference = parse(new)
    entry = {"name": name or reference.name, "newName": reference.name}
    entry |= {"newTag": reference.tag} if reference.tag else {}
    return entry | ({"digest": str(reference.digest)} if reference.digest else {})


def _written(folder: Path, kustomization: Any) -> Path:
    for file, text in BASE.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with (folder / "kustomization.yaml").open("w") as stream:
        YAML().dump(kustomization, stream)
    return folder
