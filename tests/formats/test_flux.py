"""Flux's objects: what counts in an OCIRepository, and which chart versions are occurrences."""

import pytest

from imagebot import edits, formats
from imagebot.errors import StaleEdit
from imagebot.image import Digest
from imagebot.model import ChartSource, Occurrence, SourceName, Update

D1 = Digest("sha256:" + "1a" * 32)
D2 = Digest("sha256:" + "2b" * 32)
HEAD = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n"
OCI = HEAD + "  url: oci://ghcr.io/acme/app\n  ref: {}\n"


def find(text: str) -> formats.Found:
    return formats.find("app.yaml", text.encode())


def written(text: str) -> list[str]:
    return [str(item.reference) for item in find(text).occurrences]


def changed(text: str, tag: str, digest: Digest | None = None, name: str | None = None) -> str:
    (occurrence,) = find(text).occurrences
    assert occurrence.reference is not None
    wanted = Update(occurrence, occurrence.reference, tag, digest, None, name)
    return edits.rewrite("app.yaml", text.encode(), [wanted], formats.find).content.decode()


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("{tag: v1}", ":v1"),
        ("{tag: latest}", ":latest"),
        (f"{{tag: v1, digest: '{D1}'}}", f":v1@{D1}"),
        (f"{{digest: '{D1}'}}", f"@{D1}"),
        ("{tag: v1, digest: ''}", ":v1"),
        ("{semver: 1.2.3, tag: v1}", ":1.2.3"),
        ("{semver: '1.2.3+b'}", ":1.2.3_b"),
        (f"{{semver: '>=1', digest: '{D1}'}}", f"@{D1}"),
    ],
)
def test_of_digest_semver_and_tag_the_first_counts(ref: str, version: str) -> None:
    assert written(OCI.format(ref)) == [f"ghcr.io/acme/app{version}"]


@pytest.mark.parametrize("ref", ["{semver: '>=1.0.0'}", "{semver: 1.x, tag: v1}", "{}", "x", ""])
def test_a_range_or_nothing_is_no_occurrence(ref: str) -> None:
    assert find(OCI.format(ref)) == formats.Found()


def test_the_digest_of_an_artifact_goes_with_its_tag() -> None:
    text = OCI.format(f"{{tag: v1, digest: '{D1}'}}")
    assert changed(text, "v2", D2) == text.replace("v1}", "v2}").replace(
        "tag: v1", "tag: v2"
    ).replace(D1.text, D2.text)
    assert changed(text, "v2") == text.replace("tag: v1", "tag: v2").replace(D1.text, "")


def test_a_digest_is_never_written_into_a_tag_of_flux() -> None:
    text = OCI.format("{tag: v1}")
    with pytest.raises(StaleEdit, match="no digest"):
        changed(text, "v2", D2)


def test_a_new_name_stands_behind_the_scheme_with_its_registry() -> None:
    text = OCI.format("{tag: v1}")
    assert changed(text, "v1", name="acme/web") == text.replace(
        "ghcr.io/acme/app", "docker.io/acme/web"
    )


@pytest.mark.parametrize("url", ["https://example.test/x", "oci://", "oci:///", "x"])
def test_a_url_of_no_registry_is_silent(url: str) -> None:
    assert find(HEAD + f"  url: {url}\n  ref: {{tag: v1}}\n") == formats.Found()


@pytest.mark.parametrize(
    "part", ["url: 'oci://${R}/a', ref: {tag: v1}", "url: 'oci://r.test/a', ref: {tag: '${T}'}"]
)
def test_a_templated_artifact_is_reported(part: str) -> None:
    found = find(
        f"apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec: {{{part}}}\n"
    )
    assert found.occurrences == ()
    assert "templated" in found.problems[0].message


def release(version: str, kind: str = "HelmRepository") -> str:
    return (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  chart:\n    spec:\n"
        f"      chart: api\n      version: {version}\n      sourceRef: {{kind: {kind}, name: c}}\n"
    )


@pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "'1.2.3-rc.1'", "1.2.3+build"])
def test_a_whole_version_of_a_chart_is_an_occurrence_without_a_reference(version: str) -> None:
    (occurrence,) = find(release(version)).occurrences
    assert occurrence.reference is None
    assert occurrence.tag == version.strip("'").replace("+", "_")
    assert str(occurrence.sourced and occurrence.sourced.source) == "c"


@pytest.mark.parametrize(
    "version", ["^1.2.3", "1.2", "'1'", "1.x", "'*'", "'>=1.0.0 <2.0.0'", "~1.2.0", "''", ""]
)
def test_a_range_of_charts_is_no_occurrence(version: str) -> None:
    assert find(release(version)) == formats.Found()


def test_a_chart_in_a_git_repository_has_no_version_there() -> None:
    assert find(release("1.2.3", "GitRepository")) == formats.Found()


def test_a_chart_version_keeps_its_plus_and_is_quoted_where_needed() -> None:
    text = release("1.2.3+b")
    (occurrence,) = find(text).occurrences
    assert _set(text, occurrence, "1.2.4_c") == text.replace("1.2.3+b", "1.2.4+c")


def _set(text: str, occurrence: Occurrence, tag: str) -> str:
    from imagebot.image import parse

    wanted = Update(occurrence, parse("ghcr.io/acme/api"), tag, None, None)
    return edits.rewrite("app.yaml", text.encode(), [wanted], formats.find).content.decode()


def test_sources_are_found_in_lists_and_with_their_namespaces() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: source.toolkit.fluxcd.io/v1\n"
        "  kind: HelmRepository\n  metadata: {name: a, namespace: n}\n  spec: {url: 'oci://r.test/c'}\n"
    )
    assert find(text).chart_sources == (ChartSource(SourceName("n", "a"), "oci://r.test/c"),)


def test_a_kustomization_of_flux_is_read_like_one_of_kustomize() -> None:
    text = (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n"
        f"  - {{name: a, newTag: v1}}\n  - {{name: b, newName: acme/b, digest: '{D1}'}}\n"
        "  - {name: c, newName: acme/c}\n"
    )
    assert written(text) == ["a:v1", f"acme/b@{D1}", "acme/c"]
    assert ["no newTag" in problem.message for problem in find(text).problems] == [True]


IMAGE_REPOSITORY = (
    "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nspec: {image: a/b}\n"
)
IMAGE_POLICY = (
    "apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImagePolicy\n"
    "spec: {imageRepositoryRef: {name: b}}\nstatus: {latestImage: 'a/b:v1'}\n"
)


@pytest.mark.parametrize("text", [IMAGE_REPOSITORY, IMAGE_POLICY])
def test_what_flux_scans_and_chose_is_no_image_that_runs(text: str) -> None:
    assert find(text) == formats.Found()
    items = "- " + text.replace("\n", "\n  ").rstrip(" ")
    pod = "- {apiVersion: v1, kind: Pod, spec: {containers: [{name: a, image: 'acme/a:v1'}]}}\n"
    assert written(f"apiVersion: v1\nkind: List\nitems:\n{items}{pod}") == ["acme/a:v1"]


def test_a_digest_for_an_entry_that_only_renames_is_refused_for_want_of_a_version() -> None:
    text = b"images:\n- {name: a, newName: acme/a}\n"
    (found,) = formats.find("kustomization.yaml", text).occurrences
    assert found.reference is not None
    wanted = Update(found, found.reference, "v1", D1, None)
    with pytest.raises(StaleEdit, match="a name without a version"):
        edits.edits_for(text, wanted)
