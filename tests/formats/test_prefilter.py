"""The look at a document's bytes saves time and costs nothing: it rules out no image."""

import json
from pathlib import Path

import pytest

from imagebot import formats
from imagebot.formats import embedded, finding

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(path.parent for path in GOLDEN.glob("*/*/changes.json"))
D = "sha256:" + "1a" * 32
FLUX = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\n"
ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"


def name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def without_look(file: str, source: bytes, patched: pytest.MonkeyPatch) -> formats.Found:
    for module in (finding, embedded):
        patched.setattr(module, "may_hold_image", lambda source, section: True)
    return formats.find(file, source)


@pytest.mark.parametrize("folder", FILES, ids=name)
def test_a_golden_file_holds_the_same_with_and_without_the_look(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = json.loads((folder / "changes.json").read_bytes())["file"]
    source = next(folder.glob("before*")).read_bytes()
    found = formats.find(file, source)
    with_all_read = without_look(file, source, monkeypatch)
    assert with_all_read.occurrences == found.occurrences  # problems are more: all is read
    assert with_all_read.chart_sources == found.chart_sources


@pytest.mark.parametrize(
    "text",
    [
        "a: {imageRepository: acme/a, imageTag: v1}",
        "imageName: acme/a:v1",
        "? image\n: acme/a:v1",
        "image:\n  acme/a:v1",
        "'image' : acme/a:v1",
        "sidecarImage: {repo: acme/a, tag: v1}",
        "images: {a: 'acme/a:v1'}",
        "repository: acme/a\ntag: v1",
        "x: |\n  image: acme/a:v1",
        FLUX + f"spec: {{url: 'oci://r.test/a', ref: {{digest: '{D}'}}}}",
        ARGO + "spec: {source: {helm: {parameters: [{name: image, value: 'acme/a:v1'}]}}}",
        ARGO + "spec: {source: {repoURL: r.test/c, chart: a, targetRevision: 1.2.3}}",
        "version: v1 # imagebot: api",
        'version: v1 # {"$imagepolicy": "flux-system:api"}',
    ],
)
def test_the_look_passes_every_way_to_write_an_image(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = formats.find("a.yaml", text.encode())
    assert len(found.occurrences) == 1
    assert without_look("a.yaml", text.encode(), monkeypatch) == found


def test_a_source_of_charts_passes_the_look() -> None:
    text = (
        b"apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\n"
        b"metadata: {name: a}\nspec: {url: 'https://r.test'}\n"
    )
    assert len(formats.find("a.yaml", text).chart_sources) == 1
