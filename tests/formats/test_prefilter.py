"""The look at a document's bytes saves time and costs nothing: it rules out no image."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        "- {op: add, path: /a/image/repository, value: acme/a}\n"
        "- {op: add, path: /a/image/tag, value: v1}",
        '[{"op":"add","path":"/spec/sidecarImage","value":"acme/a:v1"}]',
        "patch: |\n  spec: {source: {helm: {parameters: [{name: image, value: 'acme/a:v1'}]}}}",
        "patch: |\n  spec: {source: {repoURL: r.test/c, chart: a, targetRevision: 1.2.3}}",
        "IMAGE: acme/a:v1",
        "a: {WEB_IMAGE_REPOSITORY: acme/a, WEB_IMAGE_TAG: v1}",
        "WEB_IMAGES: [acme/a:v1]",
        "kind: ImageTagTransformer\nimageTag: {name: acme/a, newTag: v1}",
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


SKAFFOLD = "apiVersion: skaffold/v4beta13\nkind: Config\n"
WORDS = ("image", "sidecarImage", "images", "imageName", "repository", "repo", "name", "tag")
NAMES = st.sampled_from([
    *(*WORDS, "image2", "debug_image", "imageRepository", "image_repository", "image_name"),
    *("image-name", "my-image", "imageRef", "web-image-reference", "imageURI", "imageUrl"),
    *("imageRepo", "image-repo", "IMAGE", "WEB_IMAGE", "IMAGE_NAME", "IMAGE_REPOSITORY", "IMAGES"),
    *("IMAGE_TAG", "imageTag", "imageVersion", "version", "path", "webImages", "my-images"),
])  # fmt: skip
TAILS = st.sampled_from(["", ".name", ".repo", ".repository", ".tag"])  # of a key that is a path
SHELLS = st.sampled_from([
    *("{}", "a: {}", "a:\n  - {}", "images: {{a: {}}}", "image: {}", '"sidecar\\u0049mage": {}'),
    "apiVersion: v1\nkind: Pod\nspec: {{containers: [{}]}}",
    SKAFFOLD + "deploy: {{helm: {{releases: [{{setValues: {}}}]}}}}",
    SKAFFOLD + "deploy: {{helm: {{releases: [{{overrides: {}}}]}}}}",
    ARGO + "spec: {{source: {{helm: {{valuesObject: {}}}}}}}",
    "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {{values: {}}}",
    "kind: Kustomization\nimages: [{}]",
    "kind: ConfigMap\ndata:\n  a: |\n    {}",
    "kind: ConfigMap\ndata: {{a: '{}'}}",
])  # fmt: skip


@st.composite
def keys(draw: st.DrawFn) -> str:
    """A key in one of the spellings that YAML has for it, with what parts it from its value."""
    key = draw(NAMES) + draw(TAILS)
    at = draw(st.integers(0, len(key) - 1))
    escape = draw(st.sampled_from(["\\x{:02x}", "\\u{:04X}", "\\U{:08x}"])).format(ord(key[at]))
    spelled = draw(
        st.sampled_from([key, f"'{key}'", f'"{key}"', f'"{key[:at]}{escape}{key[at + 1 :]}"'])
    )
    return draw(st.sampled_from([f"{spelled}: ", f"{spelled} : ", f"? {spelled}\n : "]))


@st.composite
def documents(draw: st.DrawFn) -> str:
    values = st.sampled_from(["acme/a", "acme/a:v1", "v1", "nginx", f"'{D}'", "[acme/a:v1, b:2]"])
    pairs = draw(st.lists(st.tuples(keys(), values), min_size=1, max_size=3))
    text = "{" + ",\n".join(key + value for key, value in pairs) + "}"
    return draw(SHELLS).format(text.replace("\n", "\n     "))


@given(documents())
def test_the_look_decides_as_the_formats_do_however_a_key_is_written(text: str) -> None:
    found = formats.find("a.yaml", text.encode())
    with pytest.MonkeyPatch.context() as patched:
        with_all_read = without_look("a.yaml", text.encode(), patched)
    assert with_all_read.occurrences == found.occurrences
    is_whole = all("cannot be read as YAML" not in each.message for each in with_all_read.problems)
    assert not is_whole or with_all_read == found  # what is broken and holds nothing is not read


@pytest.mark.parametrize("text", ["? image # c\n: acme/a:v1\n", '{"im\\u0061ge": "acme/a:v1"}'])
@pytest.mark.parametrize("file", ["a.yaml", "a.json"])
def test_the_look_passes_keys_with_escapes_or_a_comment(text: str, file: str) -> None:
    is_json = text.startswith("{")
    assert len(formats.find(file, text.encode()).occurrences) == (is_json or file == "a.yaml")


@pytest.mark.parametrize("key", ["name", "repo", "repository"])
def test_skaffold_values_are_found_by_any_name_without_another_image_in_the_document(
    key: str,
) -> None:
    values = f'{{"image.{key}": acme/a, "image.tag": "1"}}'
    text = SKAFFOLD + f"deploy: {{helm: {{releases: [{{setValues: {values}}}]}}}}\n"
    (item,) = formats.find("skaffold.yaml", text.encode()).occurrences
    assert str(item.reference) == "acme/a:1"
