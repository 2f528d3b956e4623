"""Argo CD: parameters joined by their names, images as texts, and charts in registries."""

import pytest

from imagebot import edits, formats
from imagebot.image import Digest
from imagebot.model import Update

D1 = Digest("sha256:" + "1a" * 32)
D2 = Digest("sha256:" + "2b" * 32)
HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n"


def find(text: str) -> formats.Found:
    return formats.find("app.yaml", (HEAD + text).encode())


def written(text: str) -> list[str]:
    return [str(item.reference) for item in find(text).occurrences]


def changed(text: str, tag: str, digest: Digest | None = None, name: str | None = None) -> str:
    (occurrence,) = find(text).occurrences
    assert occurrence.reference is not None
    wanted = Update(occurrence, occurrence.reference, tag, digest, None, name)
    source = (HEAD + text).encode()
    content = edits.rewrite("app.yaml", source, [wanted], formats.find).content
    return content.decode().removeprefix(HEAD)


def parameters(**values: str) -> str:
    pairs = ", ".join(
        f"{{name: {name.replace('__', '.')}, value: '{value}'}}" for name, value in values.items()
    )
    return f"    helm: {{parameters: [{pairs}]}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (parameters(image__repository="acme/a", image__tag="v1"), "acme/a:v1"),
        (parameters(image__tag="v1", image__name="acme/a"), "acme/a:v1"),
        (parameters(a__b__image__tag="v1", a__b__image__repository="acme/a"), "acme/a:v1"),
        (
            parameters(image__tag="v1", image__repository="acme/a", image__registry="r.test"),
            "r.test/acme/a:v1",
        ),
        (
            parameters(image__tag="v1", image__repository="acme/a", global__imageRegistry="r.test"),
            "r.test/acme/a:v1",
        ),
        (parameters(image="acme/a:v1"), "acme/a:v1"),
        (parameters(sidecarImage="acme/a:v1"), "acme/a:v1"),
        (parameters(images__a="acme/a:v1"), "acme/a:v1"),
        (parameters(image="acme/a", imageTag="v1"), "acme/a:v1"),
        (parameters(imageRepository="acme/a", imageTag="v1"), "acme/a:v1"),
        (parameters(image__repository="acme/a:v1"), "acme/a:v1"),
    ],
)
def test_parameters_are_joined_by_the_key_before_the_last_dot(text: str, expected: str) -> None:
    assert written(text) == [expected]
    assert changed(text, "v22") == text.replace("v1", "v22")


@pytest.mark.parametrize(
    "text",
    [
        parameters(image__tag="v1"),
        parameters(image__repository="acme/a"),
        parameters(a__repository="acme/a", b__tag="v1"),
        parameters(image="logo", replicas="3"),
        parameters(service__name="acme/a", service__tag="v1"),
        "    helm: {parameters: [{name: image.tag}, {value: x}, x, []]}\n",
        "    helm: {parameters: {name: image.tag}}\n",
        "    helm: [parameters]\n",
    ],
)
def test_a_parameter_that_does_not_say_its_image_is_no_occurrence(text: str) -> None:
    assert find(text) == formats.Found()


def test_a_templated_parameter_is_reported_with_its_place() -> None:
    found = find(parameters(image__repository="acme/a", image__tag="{{ .tag }}"))
    assert found.occurrences == ()
    assert "templated" in found.problems[0].message
    assert found.problems[0].address == "spec.source.helm.parameters[1].value"


def test_a_digest_parameter_never_stays_behind_its_tag() -> None:
    text = parameters(image__repository="acme/a", image__tag="v1", image__digest=D1.text)
    assert changed(text, "v2", D2) == text.replace("v1", "v2").replace(D1.text, D2.text)
    assert changed(text, "v2") == text.replace("v1", "v2").replace(D1.text, "")


def kustomize(*images: str) -> str:
    return "    kustomize:\n      images:\n" + "".join(f"        - {image}\n" for image in images)


@pytest.mark.parametrize(
    ("image", "expected", "tag", "digest", "after"),
    [
        ("acme/a:v1", "acme/a:v1", "v2", None, "acme/a:v2"),
        ("a=acme/a:v1", "acme/a:v1", "v2", D2, f"a=acme/a:v2@{D2}"),
        (f"'a=acme/a:v1@{D1}'", f"acme/a:v1@{D1}", "v2", D2, f"'a=acme/a:v2@{D2}'"),
        (f"a=acme/a:v1@{D1}", f"acme/a:v1@{D1}", "v2", None, "a=acme/a:v2"),
        (f"acme/a@{D1}", f"acme/a@{D1}", "v2", D2, f"acme/a:v2@{D2}"),
        ("a=12:30", "12:30", "31", None, "a=12:31"),
        ('"12:v30"', "12:v30", "31", None, '"12:31"'),
    ],
)
def test_an_image_of_kustomize_is_edited_behind_its_name(
    image: str, expected: str, tag: str, digest: Digest | None, after: str
) -> None:
    assert written(kustomize(image)) == [expected]
    assert changed(kustomize(image), tag, digest) == kustomize(after)


def test_a_new_name_leaves_what_is_selected() -> None:
    assert changed(kustomize("a=acme/a:v1"), "v1", name="acme/b") == kustomize("a=acme/b:v1")


def test_an_image_of_kustomize_that_is_none_is_reported() -> None:
    assert [item.line for item in find(kustomize("a=B:v1", "'{{a}}:v1'")).problems] == [7, 8]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{repoURL: r.test/charts, chart: a, targetRevision: 1.2.3}", ["r.test/charts/a:1.2.3"]),
        ("{repoURL: 'r.test:5000', chart: a, targetRevision: 1.2.3}", ["r.test:5000/a:1.2.3"]),
        (
            "{repoURL: r.test/charts/, chart: a, targetRevision: 1.2.3+b}",
            ["r.test/charts/a:1.2.3_b"],
        ),
        ("{repoURL: 'oci://r.test/a', targetRevision: v1.0}", ["r.test/a:v1.0"]),
        ("{repoURL: 'oci://r.test/a', targetRevision: main}", ["r.test/a:main"]),
        (f"{{repoURL: 'oci://r.test/a', targetRevision: '{D1}'}}", [f"r.test/a@{D1}"]),
        ("{repoURL: 'oci://r.test/a', targetRevision: 1.x}", []),
        ("{repoURL: 'oci://r.test/a', targetRevision: '>=1'}", []),
        ("{repoURL: r.test/charts, chart: a, targetRevision: 1.2.*}", []),
        ("{repoURL: r.test/charts, chart: a, targetRevision: '1.2'}", []),
        ("{repoURL: 'https://r.test/charts', chart: a, targetRevision: 1.2.3}", []),
        ("{repoURL: 'git@r.test:a/b.git', targetRevision: 1.2.3}", []),
        ("{repoURL: 'r.test/charts', targetRevision: 1.2.3}", []),
        ("{repoURL: 'r.test/charts', chart: a}", []),
        ("{repoURL: charts, chart: a, targetRevision: 1.2.3}", []),
    ],
)
def test_a_revision_is_an_occurrence_where_its_url_is_a_registry(
    source: str, expected: list[str]
) -> None:
    head = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: "
    for text in (f"{head}{{source: {source}}}\n", f"{head}{{sources: [{source}]}}\n"):
        found = formats.find("app.yaml", text.encode())
        assert [str(item.reference) for item in found.occurrences] == expected
        assert found.problems == ()


def test_the_build_of_a_chart_is_written_as_the_place_needs_it() -> None:
    as_version = "    repoURL: r.test/charts\n    chart: a\n    targetRevision: 1.2.3+b\n"
    assert written(as_version) == ["r.test/charts/a:1.2.3_b"]
    assert changed(as_version, "1.3.0_b.2") == as_version.replace("1.2.3+b", "1.3.0+b.2")
    as_tag = "    repoURL: oci://r.test/charts/a\n    targetRevision: 1.2.3_b\n"
    assert written(as_tag) == ["r.test/charts/a:1.2.3_b"]
    assert changed(as_tag, "1.3.0_b.2") == as_tag.replace("1.2.3_b", "1.3.0_b.2")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("    repoURL: r.test/charts\n    chart: a\n    targetRevision: 1.2.3_b\n", "no version"),
        ("    repoURL: oci://r.test/charts/a\n    targetRevision: 1.2.3+b\n", "no tag"),
    ],
)
def test_the_build_of_a_chart_written_the_other_way_is_told(source: str, words: str) -> None:
    found = find(source)
    assert not found.occurrences
    (problem,) = found.problems
    assert words in problem.message
    assert problem.address == "spec.source.targetRevision"


def test_a_chart_beside_an_oci_url_is_a_question_back() -> None:
    found = find("    repoURL: oci://r.test/charts\n    chart: a\n    targetRevision: 1.2.3\n")
    assert found.occurrences == ()
    assert "only one of the two" in found.problems[0].message


def test_what_a_cluster_wrote_is_not_read() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nstatus:\n  history:\n"
        "  - source: {repoURL: 'oci://r.test/a', targetRevision: v1}\n"
        "operation: {sync: {source: {kustomize: {images: ['acme/a:v1']}}}}\n"
    )
    assert formats.find("app.yaml", text.encode()) == formats.Found()


def test_values_in_a_block_scalar_are_edited_behind_its_indentation() -> None:
    text = (
        "    helm:\n      values: |\n        a:\n          repository: acme/a\n          tag: 1.9\n"
    )
    assert changed(text, "1.10") == text.replace("1.9", '"1.10"')


@pytest.mark.parametrize(
    "values", ['"image: {repository: acme/a, tag: v1}"', ">\n        image: acme/a:v1\n"]
)
def test_values_that_cannot_be_edited_are_told(values: str) -> None:
    (problem,) = find(f"    helm:\n      values: {values}\n").problems
    assert "quoted or folded" in problem.message
    assert problem.address == "spec.source.helm.values"


@pytest.mark.parametrize(
    "values",
    [
        '"image:\\n  repository: acme/a\\n  tag: v1\\n"',
        '\'{"image": {"repository": "acme/a", "tag": "v1"}}\'',
        ">\n        image:\n          repository: acme/a\n          tag: v1\n",
    ],
)
def test_values_that_are_edited_are_not_told_to_be_left_alone(values: str) -> None:
    text = f"    helm:\n      values: {values}\n"
    assert find(text).problems == ()
    assert changed(text, "v2") == text.replace("v1", "v2")


@pytest.mark.parametrize(
    ("file", "count"),
    [(".argocd-source-api.yaml", 1), ("a/.argocd-source.yaml", 1), ("values.yaml", 0)],
)
def test_overrides_are_known_by_the_files_name(file: str, count: int) -> None:
    text = b"helm:\n  parameters:\n  - {name: image, value: 'acme/a:v1'}\n"
    assert len(formats.find(file, text).occurrences) == count


def test_an_application_in_a_list_is_read() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: argoproj.io/v1alpha1\n"
        "  kind: Application\n  spec: {source: {kustomize: {images: ['acme/a:v1']}}}\n"
    )
    (occurrence,) = formats.find("app.yaml", text.encode()).occurrences
    assert occurrence.address == "items[0].spec.source.kustomize.images[0]"
