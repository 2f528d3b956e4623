"""Skaffold, Helmfile and Go templates: what is deployed, what is only built, what is filled in."""

import pytest

from imagebot import formats
from imagebot.formats import helmfile
from imagebot.model import Found

SKAFFOLD = "apiVersion: skaffold/v4beta11\nkind: Config\n"


def find(file: str, text: str) -> Found:
    return formats.find(file, text.encode())


def written(found: Found) -> list[str]:
    return [str(item.reference) for item in found.occurrences]


@pytest.mark.parametrize(
    "text",
    [
        "build: {artifacts: [{image: 'acme/api:1'}]}",
        "build: {artifacts: [{image: acme/api}]}\nverify: [{container: {image: acme/api}}]",
        "test: [{image: 'acme/api:1', structureTests: [a.yaml]}]",
        "profiles: [{name: p, build: {artifacts: [{image: 'acme/api:1'}]}}]",
        "build: {artifacts: [{image: 'acme/a:1'}]}\n"
        "deploy: {helm: {releases: [{artifactOverrides: {image: 'acme/a:1'}}]}}",
    ],
)
def test_what_skaffold_builds_is_not_what_it_deploys(text: str) -> None:
    assert find("skaffold.yaml", SKAFFOLD + text) == Found()


def test_values_that_skaffold_fills_in_are_reported() -> None:
    found = find(
        "skaffold.yaml",
        SKAFFOLD + "deploy: {helm: {releases: [{setValueTemplates: {image.repository: "
        "'{{.IMAGE_REPO}}', image.tag: '{{.IMAGE_TAG}}'}}]}}",
    )
    assert not found.occurrences
    assert [problem.address for problem in found.problems] == [
        'deploy.helm.releases[0].setValueTemplates["image.tag"]'
    ]


def test_a_build_s_argument_that_may_be_an_image_is_told_with_its_line() -> None:
    text = SKAFFOLD + (
        "build:\n  artifacts:\n  - image: acme/api\n    docker:\n      buildArgs:\n"
        "        TOOL: ghcr.io/acme/tool:1.0\n        PROXY: cache.acme.dev:8080\n"
        "        OWN: acme/api:dev\n        TITLE: acme/tool\n"
    )
    found = find("skaffold.yaml", text)
    assert not found.occurrences
    (problem,) = found.problems
    assert (problem.line, problem.is_warning) == (8, True)
    assert problem.message == "'ghcr.io/acme/tool:1.0' may be an image, and nothing says so"


def test_an_image_that_a_patch_of_a_profile_sets_is_told_but_not_one_that_is_built() -> None:
    text = SKAFFOLD + (
        "profiles:\n- name: a\n  patches:\n"
        "  - {op: replace, path: /build/artifacts/0/image, value: 'acme/a:1'}\n"
        "  - {op: replace, path: /deploy/helm/releases/0/setValues/image, value: 'acme/b:1'}\n"
    )
    found = find("skaffold.yaml", text)
    assert not found.occurrences
    assert [problem.address for problem in found.problems] == ["profiles[0].patches[1].value"]


def test_values_of_skaffold_that_an_alias_repeats_in_themselves_end() -> None:
    text = SKAFFOLD + "deploy: {helm: {releases: [{setValues: &a {image: 'acme/a:1', b: *a}}]}}"
    assert written(find("skaffold.yaml", text)) == ["acme/a:1"]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("helmfile.yaml", True),
        ("apps/helmfile.yml", True),
        ("helmfile-prod.yaml", True),
        ("helmfile.prod.yaml", True),
        ("apps.helmfile.yaml", True),
        ("helmfile.d/10-apps.yaml", True),
        ("myhelmfile.yaml", False),
        ("values.yaml", False),
    ],
)
def test_a_helmfile_is_known_by_its_name(file: str, expected: bool) -> None:
    assert helmfile.is_named_so(file) is expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("chart: oci://ghcr.io/acme/api, version: 1.2.3", ["ghcr.io/acme/api:1.2.3"]),
        ("chart: acme/api, version: 1.2.3", ["ghcr.io/acme/charts/api:1.2.3"]),
        ("chart: classic/api, version: 1.2.3", []),
        ("chart: ./charts/api, version: 1.2.3", []),
        ("chart: oci://ghcr.io/acme/api, version: ^1.2", []),
        ("chart: x, dependencies: [{chart: 'oci://x.io/dep', version: 1.0.0}]", ["x.io/dep:1.0.0"]),
        ("set: [{name: image, value: 'acme/a:1'}, {name: port, value: 80}]", ["acme/a:1"]),
        ("setString: [{name: a.image, value: 'acme/a:1'}]", ["acme/a:1"]),
        ("values: [values.yaml, {image: 'acme/a:1'}]", ["acme/a:1"]),
        (
            "jsonPatches: [{patch: [{op: add, path: /containers/0/image, value: 'acme/a:1'}]}]",
            ["acme/a:1"],
        ),
        ("strategicMergePatches: [{spec: {containers: [{image: 'acme/a:1'}]}}]", ["acme/a:1"]),
    ],
)
def test_a_release_of_helmfile_holds_charts_and_images(release: str, expected: list[str]) -> None:
    repositories = (
        "repositories: [{name: acme, url: ghcr.io/acme/charts, oci: true}, "
        "{name: classic, url: 'https://charts.example.test'}]\n"
    )
    found = find("helmfile.yaml", f"{repositories}releases: [{{name: a, {release}}}]\n")
    assert written(found) == expected
    assert not found.problems


def test_a_helmfile_s_repositories_count_in_the_parts_below() -> None:
    text = (
        "repositories: [{name: acme, url: ghcr.io/acme/charts, oci: true}]\n"
        "---\nenvironments: {prod: {}}\n"
        "---\nreleases: [{name: a, chart: acme/api, version: 1.2.3}]\n"
    )
    assert written(find("helmfile.yaml", text)) == ["ghcr.io/acme/charts/api:1.2.3"]


def test_a_helmfile_s_repositories_count_in_the_parts_above() -> None:
    text = (
        "releases: [{name: a, chart: acme/api, version: 1.2.3}]\n"
        "---\nreleases: [{name: b, chart: other/api, version: 1.2.3}]\n"
        "---\nrepositories: [{name: acme, url: ghcr.io/acme/charts, oci: true}, "
        "{name: other, url: 'https://charts.example.test'}]\n"
    )
    found = find("helmfile.yaml", text)
    assert written(found) == ["ghcr.io/acme/charts/api:1.2.3"]
    assert [item.address for item in found.occurrences] == ["releases[0].version"]


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("helmfile.yaml.gotmpl", 1),
        ("values/api.yml.gotmpl", 1),
        ("values.gotmpl", 1),
        ("README.md.gotmpl", 0),
        ("main.go.gotmpl", 0),
    ],
)
def test_a_go_template_of_yaml_is_reported_once_at_its_first_image(file: str, count: int) -> None:
    found = find(file, "a: 1\nimage: acme/a:1\nsidecar:\n  image: acme/b:{{ .Values.tag }}\n")
    assert not found.occurrences
    assert [problem.line for problem in found.problems] == [2] * count


def test_a_go_template_without_an_image_is_not_spoken_of() -> None:
    assert find("values.yaml.gotmpl", "replicas: {{ .Values.count }}\n") == Found()
