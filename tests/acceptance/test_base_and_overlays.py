"""A base in one folder and several overlays: the policies say which file is written."""

import json
from typing import Any

import pytest

from imagebot.cli.main import main
from tests.acceptance.world import World

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  template:
    spec:
      containers: [{{name: web, image: "{image}:1.0.0"}}]
"""
OVERLAY = """\
resources: [../../base]
images:
- name: {image}
  newTag: {tag}
"""


@pytest.fixture
def overlays(world: World) -> World:
    """`base` and two overlays of acme/web, of which 1.2.0 and 2.0.0-rc.1 are in the registry."""
    (world.checkout / "apps/api/imagebot.yaml").unlink()
    world.registry.add("acme/web", "1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1")
    image = f"{world.registry.host}/acme/web"
    write(world, "base/deployment.yaml", DEPLOYMENT.format(image=image))
    write(world, "base/kustomization.yaml", "resources: [deployment.yaml]\n")
    write(world, "overlays/dev/kustomization.yaml", OVERLAY.format(image=image, tag="1.1.0"))
    write(world, "overlays/prod/kustomization.yaml", OVERLAY.format(image=image, tag="1.0.0"))
    return world


def write(world: World, path: str, text: str) -> None:
    file = world.checkout / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def govern(world: World, folder: str, *, tags: str = "order: semver", more: str = "") -> None:
    image = f"{world.registry.host}/acme/web"
    write(
        world,
        f"{folder}/imagebot.yaml".lstrip("/"),
        "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata:\n"
        f"  name: {folder.rpartition('/')[2] or 'all'}\n"
        '  annotations: {config.kubernetes.io/local-config: "true"}\n'
        f"spec:\n  images: ['{image}']\n  tags: {{{tags}}}\n{more}",
    )


def plan(world: World, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    words = ["plan", str(world.checkout), "--settings", str(world.settings), "-o", "json"]
    assert main(words) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    return shown


def updates(shown: dict[str, Any]) -> dict[str, str]:
    return {
        image["file"]: image["update"]["tag"]
        for image in shown["images"]
        if image["update"] and "web" in image["image"]
    }


def test_a_policy_in_an_overlay_writes_that_overlay_and_not_the_base(
    overlays: World, capsys: pytest.CaptureFixture[str]
) -> None:
    govern(overlays, "overlays/prod")
    shown = plan(overlays, capsys)
    assert updates(shown) == {"overlays/prod/kustomization.yaml": "1.2.0"}
    states = {image["file"]: image["state"] for image in shown["images"] if "web" in image["image"]}
    assert states["base/deployment.yaml"] == states["overlays/dev/kustomization.yaml"]
    assert states["base/deployment.yaml"] != states["overlays/prod/kustomization.yaml"]


def test_overlays_with_policies_of_their_own_go_their_own_ways(
    overlays: World, capsys: pytest.CaptureFixture[str]
) -> None:
    govern(overlays, "overlays/dev", tags="filter: '^2', range: '>=2.0.0-0'")
    govern(overlays, "overlays/prod", tags="allow: patch")
    assert updates(plan(overlays, capsys)) == {"overlays/dev/kustomization.yaml": "2.0.0-rc.1"}


def test_paths_keep_a_base_that_every_overlay_overrides_out_of_the_change(
    overlays: World, capsys: pytest.CaptureFixture[str]
) -> None:
    govern(overlays, "", more="  paths: ['overlays/**']\n")
    shown = plan(overlays, capsys)
    assert set(updates(shown)) == {
        "overlays/dev/kustomization.yaml",
        "overlays/prod/kustomization.yaml",
    }
    (changes,) = shown["changeSets"]
    assert changes["files"] == sorted(updates(shown))


def test_a_policy_above_base_and_overlays_writes_each_place_once(
    overlays: World, capsys: pytest.CaptureFixture[str]
) -> None:
    govern(overlays, "")
    shown = plan(overlays, capsys)
    assert updates(shown) == dict.fromkeys(
        [
            "base/deployment.yaml",
            "overlays/dev/kustomization.yaml",
            "overlays/prod/kustomization.yaml",
        ],
        "1.2.0",
    )
    assert shown["problems"] == []  # what the base's update does not show, the overlays' own does


def test_an_overlay_that_only_renames_leaves_the_tag_to_the_base(
    overlays: World, capsys: pytest.CaptureFixture[str]
) -> None:
    image = f"{overlays.registry.host}/acme/web"
    renamed = f"resources: [../../base]\nimages:\n- name: {image}\n  newName: {image}-mirror\n"
    write(overlays, "overlays/prod/kustomization.yaml", renamed)
    govern(overlays, "", more="  paths: ['base/**', 'overlays/prod/**']\n")
    shown = plan(overlays, capsys)
    assert updates(shown) == {"base/deployment.yaml": "1.2.0"}
    (problem,) = [item for item in shown["problems"] if "newTag" in item["message"]]
    assert (problem["file"], problem["severity"]) == ("overlays/prod/kustomization.yaml", "warning")
    assert "newTag" in problem["hint"]


def test_lines_that_change_by_alias_are_shown_in_table_json_and_request(
    overlays: World, capsys: pytest.CaptureFixture[str]
) -> None:
    image = f"{overlays.registry.host}/acme/web"
    write(overlays, "aliased/values.yaml", f"a:\n  image: &i {image}:1.0.0\nb:\n  image: *i\n")
    govern(overlays, "aliased")
    shown = plan(overlays, capsys)
    (aliased,) = [item for item in shown["images"] if item["file"] == "aliased/values.yaml"]
    assert (aliased["line"], aliased["alsoChanges"]) == (2, [4])
    assert "`aliased/values.yaml:2 (by alias also line 4)`" in shown["changeSets"][0]["body"]
    assert main(["plan", str(overlays.checkout), "--settings", str(overlays.settings)]) == 0
    assert "aliased/values.yaml:2 (by alias also line 4)" in capsys.readouterr().out


def test_another_image_that_no_policy_governs_changes_along_with_a_shared_tag_and_is_shown(
    overlays: World, capsys: pytest.CaptureFixture[str]
) -> None:
    host = overlays.registry.host
    text = f"t: &t 1.0.0\na: {{repository: {host}/acme/web, tag: *t}}\nb: {{repository: {host}/x/"
    write(overlays, "shared/values.yaml", text + "other, tag: *t}\n")
    govern(overlays, "shared")
    shown = plan(overlays, capsys)
    assert updates(shown) == {"shared/values.yaml": "1.2.0"}
    (problem,) = [each for each in shown["problems"] if each["file"] == "shared/values.yaml"]
    assert "changes along with a.tag" in problem["message"]
    assert problem["severity"] == "warning"
    assert shown["changeSets"][0]["files"] == ["shared/values.yaml"]
