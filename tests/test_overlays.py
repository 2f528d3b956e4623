"""An image of a base that an overlay's `images` entry overrides: it is told, never guessed."""

from pathlib import Path

import pytest

from imagebot import formats, inventory, overlays
from imagebot.checkout import open_checkout
from imagebot.model import Kustomization

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers: [{name: web, image: "acme/web:1.0.0"}]
      volumes: [{name: model, image: {reference: "acme/web:1.0.0"}}]
"""
POLICY = """apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: web}
spec: {images: [acme/web], tags: {order: semver}}
"""
BASE = {
    "base/deployment.yaml": DEPLOYMENT,
    "base/imagebot.yaml": POLICY,
    "base/kustomization.yaml": "resources: [deployment.yaml]\n",
}


def told(folder: Path, files: dict[str, str]) -> list[str]:
    """`file:line: message` of what is told of overlays."""
    for name, text in (BASE | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    problems = inventory.take(open_checkout(folder)).problems
    assert all(each.is_warning for each in problems)
    return [
        f"{each.file}:{each.line}: {each.message}"
        for each in problems
        if "overridden" in each.message
    ]


@pytest.mark.parametrize(
    "overlay",
    [
        "resources: [../../base]\nimages:\n- {name: acme/web, newTag: 1.0.0}\n",
        "resources: [../../base/]\nimages:\n- {name: acme/web, newName: x/y, newTag: '1'}\n",
        f"bases: [../../base]\nimages:\n- {{name: acme/web, digest: 'sha256:{'a' * 64}'}}\n",
        "components: ['./../../base']\nimages:\n- {name: acme/web, newTag: 1.0.0}\n",
        "resources: [../../base/deployment.yaml]\nimages:\n- {name: acme/web, newTag: '2'}\n",
    ],
    ids=["tag", "renamed", "digest", "component", "file"],
)
def test_an_overlay_that_sets_the_tag_is_named_at_the_base_s_image(
    tmp_path: Path, overlay: str
) -> None:
    (problem,) = told(tmp_path, {"overlays/prod/kustomization.yaml": overlay})
    assert problem == (
        "base/deployment.yaml:7: overridden by the images entry in "
        "overlays/prod/kustomization.yaml:3: an update here does not show there"
    )


@pytest.mark.parametrize(
    "overlay",
    [
        "resources: [../../base]\nimages: [{name: acme/other, newTag: '2'}]\n",
        "resources: [../../base]\nimages: [{name: acme/web, newName: acme/mirror}]\n",
        "resources: [../../base]\nimages: [{name: acme/web, newTag: ''}]\n",
        "resources: [../../another]\nimages: [{name: acme/web, newTag: '2'}]\n",
        "resources: ['https://example.test/base']\nimages: [{name: acme/web, newTag: '2'}]\n",
        "resources: [../../../base]\nimages: [{name: acme/web, newTag: '2'}]\n",
        "images: [{name: acme/web, newTag: '2'}]\n",
        "resources: {}\nimages: [acme/web, {newTag: '2'}]\n",
    ],
    ids=[
        "other-image",
        "rename-only",
        "empty",
        "other-base",
        "remote",
        "outside",
        "no-base",
        "odd",
    ],
)
def test_an_overlay_that_leaves_the_tag_alone_is_not_named(tmp_path: Path, overlay: str) -> None:
    assert told(tmp_path, {"overlays/prod/kustomization.yaml": overlay}) == []


def test_overlays_of_overlays_are_followed_under_the_name_that_the_image_has_by_then(
    tmp_path: Path,
) -> None:
    files = {
        "mid/kustomization.yml": "resources: [../base]\n"
        "images: [{name: acme/web, newName: acme/mirror}]\n",
        "top/Kustomization": "resources: [../mid]\nimages: [{name: acme/mirror, newTag: '2'}]\n",
        "kustomization.yaml": "resources: [mid]\nimages: [{name: acme/web, newTag: '2'}]\n",
    }
    (problem,) = told(tmp_path, files)
    assert "top/Kustomization:2:" in problem


def test_an_entry_of_the_base_is_overridden_like_an_image_of_it(tmp_path: Path) -> None:
    entry = "images:\n- name: acme/web\n  newTag: 1.0.0\n"
    files = {
        "base/kustomization.yaml": f"resources: [deployment.yaml]\n{entry}",
        "prod/kustomization.yaml": f"resources: [../base]\n{entry}",
    }
    at_image, at_entry = told(tmp_path, files)
    assert "in prod/kustomization.yaml:3:" in at_image  # base's entry is updated itself
    assert at_entry.startswith("base/kustomization.yaml:4: overridden")
    assert "in prod/kustomization.yaml:3:" in at_entry


def test_an_image_that_no_policy_governs_is_not_told_of(tmp_path: Path) -> None:
    overlay = "resources: [../base]\nimages: [{name: acme/web, newTag: '2'}]\n"
    files = {"prod/kustomization.yaml": overlay, "base/imagebot.yaml": "{}\n"}
    assert told(tmp_path, files) == []


def test_many_overlays_are_counted_not_listed(tmp_path: Path) -> None:
    overlay = "resources: [../base]\nimages: [{name: acme/web, newTag: '2'}]\n"
    (problem,) = told(tmp_path, {f"o{n}/kustomization.yaml": overlay for n in range(9)})
    assert "o2/kustomization.yaml:2 and 6 more: an update" in problem


def test_kustomizations_that_take_in_each_other_end_and_a_long_chain_is_left() -> None:
    (occurrence,) = formats.find("c0/d.yaml", DEPLOYMENT.split("      vol")[0].encode()).occurrences
    text = "resources: [../c{}, d.yaml]\nimages: [{{name: acme/web, newTag: '2'}}]\n"
    chain: list[Kustomization] = []
    for number in range(3_000):
        source = text.format((number - 1) % 3_000).encode()
        chain += formats.find(f"c{number}/kustomization.yaml", source).kustomizations
    places = overlays.Overlays(chain).overriding(occurrence)
    assert len(places) == overlays.MAX_VISITED


def test_what_a_kustomization_takes_in_is_kept_with_the_blob() -> None:
    source = b"resources: [../base]\nimages: [{name: a, newName: b, newTag: '2'}]\n"
    found = formats.find("prod/kustomization.yaml", source)
    assert found.kustomizations[0].resources == ("../base",)
    assert formats.load("prod/kustomization.yaml", formats.dump(found)) == found


def test_an_overlay_that_a_policy_updates_as_well_is_not_told_of(tmp_path: Path) -> None:
    overlay = "resources: [../../base]\nimages:\n- {name: acme/web, newTag: 1.0.0}\n"
    files = {"overlays/prod/kustomization.yaml": overlay, "overlays/imagebot.yaml": POLICY}
    assert told(tmp_path, files) == []
