"""Which image repository a chart is in: told by a source in any file, or not guessed."""

from pathlib import Path

import pytest

from imagebot import edits, formats
from imagebot.chart_sources import resolve
from imagebot.checkout import open_checkout
from imagebot.model import Found, Occurrence, Problem, Update
from imagebot.survey import survey

RELEASE = """apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: app, namespace: {namespace}}}
spec:
  chart:
    spec:
      chart: podinfo
      version: 6.5.0{comment}
      sourceRef: {{kind: HelmRepository, name: charts{source_namespace}}}
"""
SOURCE = """apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {{name: charts{namespace}}}
spec: {{type: oci, url: "{url}"}}
"""
OCI = "oci://ghcr.io/acme/charts"


def release(namespace: str = "apps", source_namespace: str = "", comment: str = "") -> Found:
    written = f", namespace: {source_namespace}" if source_namespace else ""
    text = RELEASE.format(namespace=namespace, source_namespace=written, comment=comment)
    return formats.find("apps/release.yaml", text.encode())


def source(namespace: str = "", url: str = OCI) -> Found:
    written = f", namespace: {namespace}" if namespace else ""
    return formats.find("infra/source.yaml", SOURCE.format(namespace=written, url=url).encode())


def resolved(*found: Found) -> tuple[tuple[Occurrence, ...], tuple[Problem, ...]]:
    occurrences = [item for each in found for item in each.occurrences]
    return resolve(occurrences, [item for each in found for item in each.chart_sources])


@pytest.mark.parametrize(
    ("first", "others"),
    [
        (release(), [source("apps")]),
        (release(), [source()]),
        (release('""'), [source("flux-system")]),
        (release(source_namespace="flux-system"), [source("flux-system")]),
        (release(), [source("apps"), source("other", "oci://ghcr.io/other/charts")]),
        (release(), [source("apps"), source("", "https://charts.example.test")]),
        (release('""'), [source("a"), source("b", f"{OCI}/")]),
    ],
)
def test_a_chart_is_in_the_registry_of_the_source_that_its_name_means(
    first: Found, others: list[Found]
) -> None:
    (occurrence,), problems = resolved(first, *others)
    assert str(occurrence.reference) == "ghcr.io/acme/charts/podinfo:6.5.0"
    assert occurrence.tag == "6.5.0"
    assert problems == ()


@pytest.mark.parametrize(
    ("first", "others", "words"),
    [
        (release(), [], "is not in this git repository"),
        (release(), [source("other")], "is not in this git repository"),
        (release(source_namespace="a"), [source("b")], "is not in this git repository"),
        (
            release('""'),
            [source("a"), source("b", "oci://ghcr.io/other")],
            "several times, with different URLs",
        ),
        (release(), [source("apps", "oci://${REGISTRY}/charts")], "names no registry"),
    ],
)
def test_a_chart_whose_source_is_not_clear_is_told_and_left_alone(
    first: Found, others: list[Found], words: str
) -> None:
    occurrences, (problem,) = resolved(first, *others)
    assert occurrences == ()
    assert words in problem.message
    assert (problem.where(), problem.is_warning) == ("apps/release.yaml:8:16", True)


def test_the_charts_of_a_classic_repository_are_nobodys_business() -> None:
    assert resolved(release(), source("apps", "https://charts.example.test")) == ((), ())


def test_a_marker_keeps_a_version_whose_source_is_unknown() -> None:
    (occurrence,), problems = resolved(release(comment="  # imagebot: podinfo"))
    assert occurrence.reference is None
    assert occurrence.marker is not None
    assert problems == ()


def test_what_is_kept_in_the_cache_is_what_was_found() -> None:
    for found in (release(), source("apps")):
        assert any(found)
        file = "apps/release.yaml"
        assert formats.load(file, formats.dump(found)) == found


def test_a_survey_joins_files_and_the_version_is_edited_where_it_stands(tmp_path: Path) -> None:
    text = RELEASE.format(namespace="apps", source_namespace="", comment="  # of the chart")
    (tmp_path / "release.yaml").write_text(text)
    (tmp_path / "source.yaml").write_text(SOURCE.format(namespace="", url=OCI))
    (occurrence,) = survey(open_checkout(tmp_path)).occurrences
    assert occurrence.reference is not None
    update = Update(occurrence, occurrence.reference, "6.6.0", None, None)
    after = edits.rewrite("release.yaml", text.encode(), [update], formats.find).content
    assert after.decode() == text.replace("6.5.0", "6.6.0")
