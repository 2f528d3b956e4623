"""Chart.yaml: dependencies in OCI registries are occurrences, all else is left alone."""

import pytest

from imagebot import edits, formats
from imagebot.errors import StaleEdit
from imagebot.image import Digest, parse
from imagebot.model import Part, Update

CHART = "apiVersion: v2\nname: a\nversion: 0.1.0\nappVersion: '1.0'\ndependencies:\n- {}\n"


def find(dependency: str, file: str = "charts/a/Chart.yaml") -> formats.Found:
    return formats.find(file, CHART.format(dependency).encode())


@pytest.mark.parametrize("file", ["Chart.yaml", "a/Chart.yaml", "a/requirements.yaml"])
def test_a_dependency_in_a_registry_is_an_occurrence(file: str) -> None:
    (occurrence,) = find(
        "{name: api, version: 1.2.3+b, repository: 'oci://r.test/c'}", file
    ).occurrences
    assert str(occurrence.reference) == "r.test/c/api:1.2.3_b"
    assert occurrence.address == "dependencies[0].version"
    assert [slot.part for slot in occurrence.slots] == [Part.CHART_VERSION]


@pytest.mark.parametrize(
    "dependency",
    [
        "{name: api, version: ^1.2.3, repository: 'oci://r.test/c'}",
        "{name: api, version: 1.2.x, repository: 'oci://r.test/c'}",
        "{name: api, version: 1.2.3, repository: 'https://r.test/c'}",
        "{name: api, version: 1.2.3, repository: 'file://../api'}",
        "{name: api, version: 1.2.3}",
        "{name: api, repository: 'oci://r.test/c'}",
        "{version: 1.2.3, repository: 'oci://r.test/c'}",
        "text",
    ],
)
def test_other_dependencies_are_left_alone_without_a_word(dependency: str) -> None:
    assert find(dependency) == formats.Found()


def test_the_build_of_a_dependency_keeps_its_plus() -> None:
    text = CHART.format("{name: api, version: 1.2.3+b, repository: 'oci://r.test/c'}")
    (occurrence,) = formats.find("Chart.yaml", text.encode()).occurrences
    assert occurrence.reference is not None
    update = Update(occurrence, occurrence.reference, "1.3.0_b.2", None, None)
    made = edits.rewrite("Chart.yaml", text.encode(), [update], formats.find)
    assert made.content.decode() == text.replace("1.2.3+b", "1.3.0+b.2")


def test_a_dependency_with_the_tag_for_its_version_is_told() -> None:
    found = find("{name: api, version: 1.2.3_b, repository: 'oci://r.test/c'}")
    assert not found.occurrences
    (problem,) = found.problems
    assert "no version" in problem.message
    assert "'1.2.3+b'" in problem.hint


@pytest.mark.parametrize("url", ["@acme", "alias:acme"])
def test_a_repository_that_only_helm_s_settings_know_is_told(url: str) -> None:
    found = find(f"{{name: api, version: 1.2.3, repository: '{url}'}}")
    assert not found.occurrences
    (problem,) = found.problems
    assert problem.where() == "charts/a/Chart.yaml:6:24"
    assert f"comes from '{url}'" in problem.message


def test_a_dependency_whose_name_is_none_is_reported() -> None:
    (problem,) = find("{name: API, version: 1.2.3, repository: 'oci://r.test/c'}").problems
    assert problem.where() == "charts/a/Chart.yaml:6:24"


def test_other_files_have_no_such_dependencies() -> None:
    found = find("{name: api, version: 1.2.3, repository: 'oci://r.test/c'}", "values.yaml")
    assert found == formats.Found()


def test_no_digest_is_written_into_the_version_of_a_chart() -> None:
    dependency = "{name: api, version: 1.2.3, repository: 'oci://r.test/c'}"
    (occurrence,) = find(dependency).occurrences
    update = Update(
        occurrence, parse("r.test/c/api:1.2.3"), "1.2.4", Digest("sha256:" + "1a" * 32), None
    )
    with pytest.raises(StaleEdit, match="no digest"):
        edits.edits_for(CHART.format(dependency).encode(), update)


def test_a_chart_that_kustomize_inflates_is_an_occurrence() -> None:
    source = (
        b"helmCharts:\n- name: api\n  repo: oci://r.test/charts\n  version: 1.2.3\n"
        b"  valuesInline: {image: {repository: acme/a, tag: v1}}\n"
        b"- {name: b, repo: 'https://r.test/charts', version: 1.2.3}\n"
    )
    found = formats.find("kustomization.yaml", source)
    assert [(item.address, str(item.reference)) for item in found.occurrences] == [
        ("helmCharts[0].version", "r.test/charts/api:1.2.3"),
        ("helmCharts[0].valuesInline.image.tag", "acme/a:v1"),
    ]


GENERATOR = (
    "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: api\n"
    "repo: oci://r.test/charts\nversion: 1.2.3\n"
    "valuesInline: {image: {repository: acme/a, tag: v1}}\n"
)


def test_a_generator_of_a_chart_is_an_occurrence_in_its_own_file_and_in_a_text() -> None:
    expected = ["r.test/charts/api:1.2.3", "acme/a:v1"]
    found = formats.find("chart.yaml", GENERATOR.encode())
    assert [str(item.reference) for item in found.occurrences] == expected
    inline = "generators:\n- |-\n  " + GENERATOR.replace("\n", "\n  ")
    found = formats.find("kustomization.yaml", inline.encode())
    assert [str(item.reference) for item in found.occurrences] == expected


def test_a_chart_in_the_old_field_of_kustomize_is_an_occurrence() -> None:
    source = (
        b"helmChartInflationGenerator:\n- chartName: api\n  chartRepoUrl: oci://r.test/charts\n"
        b"  chartVersion: 1.2.3\n- {chartName: b, chartRepoUrl: 'https://r', chartVersion: 1.2.3}\n"
    )
    (found,) = formats.find("kustomization.yaml", source).occurrences
    assert (found.address, str(found.reference)) == (
        "helmChartInflationGenerator[0].chartVersion",
        "r.test/charts/api:1.2.3",
    )
