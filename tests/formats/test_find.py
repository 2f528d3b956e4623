"""What is an image reference, what is not, and what is told about it."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagebot import formats
from imagebot.formats import table
from imagebot.model import Occurrence, Part

D = "sha256:" + "1a" * 32


def find(text: str, file: str = "app.yaml") -> formats.Found:
    return formats.find(file, text.encode())


def only(text: str, file: str = "app.yaml") -> Occurrence:
    found = find(text, file)
    assert len(found.occurrences) == 1, found
    return found.occurrences[0]


def written(text: str, file: str = "app.yaml") -> list[str]:
    return [str(item.reference) for item in find(text, file).occurrences]


def messages(text: str, file: str = "app.yaml") -> list[str]:
    return [problem.message for problem in find(text, file).problems]


POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: {}\n"


@pytest.mark.parametrize(
    ("path", "is_candidate"),
    [
        ("a.yaml", True),
        ("b/c.yml", True),
        ("x/Kustomization", True),
        ("logo.png", False),
        ("package-lock.json", False),
    ],
)
def test_files_are_chosen_by_name(path: str, is_candidate: bool) -> None:
    assert formats.is_candidate_path(path) is is_candidate
    assert bool(formats.find(path, POD.format("nginx:1").encode()).occurrences) is is_candidate


def test_an_occurrence_tells_where_it_is_and_what_it_says() -> None:
    occurrence = only(POD.format(f'"ghcr.io/acme/api:1.2@{D}"  # note'))
    assert (occurrence.line, occurrence.column) == (6, 13)
    assert occurrence.address == "spec.containers[0].image"
    assert occurrence.format == "kubernetes"
    assert occurrence.tag == "1.2"
    assert str(occurrence.digest) == D
    assert str(occurrence.reference) == f"ghcr.io/acme/api:1.2@{D}"


def test_a_bare_word_in_a_container_is_an_image_without_tag() -> None:
    occurrence = only(POD.format("nginx"))
    assert occurrence.reference is not None
    assert (occurrence.reference.repository.path, occurrence.tag) == ("library/nginx", None)


@pytest.mark.parametrize("value", ["${IMAGE}", "'{{ .x }}:1'", "$(params.image)", "acme/a:${TAG}"])
def test_a_templated_value_is_reported_and_is_no_occurrence(value: str) -> None:
    found = find(POD.format(value))
    assert found.occurrences == ()
    assert "templated" in found.problems[0].message
    assert found.problems[0].is_warning
    assert found.problems[0].line == 6


@pytest.mark.parametrize("value", ["<YOUR-IMAGE>", "Nginx:1", "'nginx:'"])
def test_a_container_image_that_is_no_reference_is_reported(value: str) -> None:
    found = find(POD.format(value))
    assert found.occurrences == ()
    assert found.problems[0].where() == "app.yaml:6:12"


@pytest.mark.parametrize(
    "value", ["logo", "true", "1.5", "https://example.test/a.png", "img/logo.svg", "null", '""']
)
def test_a_word_outside_kubernetes_is_not_taken_for_an_image(value: str) -> None:
    assert find(f"theme:\n  image: {value}\n") == formats.Found((), ())


@pytest.mark.parametrize("value", ["nginx:1", "acme/api", f"nginx@{D}"])
def test_a_tag_a_digest_or_a_path_makes_a_word_an_image(value: str) -> None:
    assert written(f"service:\n  image: {value}\n") == [value]


def test_keys_that_end_in_image_need_a_tag_or_digest() -> None:
    text = "sidecarImage: acme/a:1\ndebug_image: acme/b:2\nheroImage: static/hero\nscrimage: a:1\n"
    assert written(text) == ["acme/a:1", "acme/b:2"]


@pytest.mark.parametrize(
    "text",
    [
        "a: {repository: acme/api, tag: '1'}",
        "a: {tag: '1', repository: acme/api}",
        "a:\n  tag: '1'\n  x: y\n  repository: acme/api\n",
    ],
)
def test_a_group_is_found_in_any_order(text: str) -> None:
    occurrence = only(text)
    assert str(occurrence.reference) == "acme/api:1"
    assert occurrence.address == "a.tag"
    assert occurrence.slot(Part.TAG) is not None


def test_a_group_joins_its_registry() -> None:
    occurrence = only(f"image: {{registry: ghcr.io, repository: acme/api, tag: v1, digest: {D}}}")
    assert str(occurrence.reference) == f"ghcr.io/acme/api:v1@{D}"
    assert {slot.part for slot in occurrence.slots} == {
        Part.NAME,
        Part.REGISTRY,
        Part.TAG,
        Part.DIGEST,
    }


def test_a_tag_with_a_digest_is_one_slot_with_both() -> None:
    occurrence = only(f"image: {{repository: acme/api, tag: 1.2@{D}}}")
    assert (occurrence.tag, str(occurrence.digest)) == ("1.2", D)
    assert [slot.part for slot in occurrence.slots] == [Part.NAME, Part.TAG]


@pytest.mark.parametrize("tag", ['""', "", "~", "null"])
def test_an_empty_tag_is_left_to_the_chart(tag: str) -> None:
    occurrence = only(f"image:\n  repository: acme/api\n  tag: {tag}\n")
    assert occurrence.tag is None
    assert str(occurrence.reference) == "acme/api"


def test_a_group_takes_its_name_from_a_merged_mapping() -> None:
    text = "base: &base {repository: acme/api}\na:\n  <<: *base\n  tag: v1\n"
    assert written(text) == ["acme/api:v1"]


@pytest.mark.parametrize(
    "text",
    [
        "source: {repository: 'https://git.example.test/a.git', tag: v1}",
        "source: {repository: 'git@example.test:a/b.git', tag: v1}",
        "image: {repository: '', tag: v1}",
        "image: {pullPolicy: Always}",
    ],
)
def test_a_group_without_an_image_name_is_silent(text: str) -> None:
    assert find(text) == formats.Found((), ())


def test_kustomize_images_are_read_with_new_name_and_name() -> None:
    text = (
        "images:\n- {name: a, newTag: v1}\n- {name: b, newName: acme/b, newTag: v2}\n"
        f"- {{name: c, digest: {D}}}\n"
    )
    assert written(text, "prod/kustomization.yaml") == ["a:v1", "acme/b:v2", f"c@{D}"]
    assert {item.format for item in find(text, "kustomization.yaml").occurrences} == {"kustomize"}


def test_a_kustomize_name_is_a_selector_and_no_slot() -> None:
    occurrence = only("kind: Component\nimages: [{name: acme/a, newTag: v1}]")
    assert [slot.part for slot in occurrence.slots] == [Part.TAG]


def test_a_kustomize_entry_without_version_is_told_and_kept() -> None:
    found = find("kind: Kustomization\nimages:\n- name: a\n  newName: acme/a\n")
    assert [item.tag for item in found.occurrences] == [None]
    assert "no newTag" in found.problems[0].message
    assert found.problems[0].is_warning


def test_an_image_list_in_another_file_is_not_kustomize() -> None:
    assert find("images:\n- name: a\n  newTag: v1\n").occurrences == ()


def test_an_alias_is_told_at_the_scalar_that_it_follows() -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nx: &app nginx:1\nspec:\n  containers:\n"
        "  - image: *app\n  - image: *app\n"
    )
    occurrence = only(text)
    assert occurrence.line == 3
    assert occurrence.aliases == (6, 7)


def test_an_alias_of_what_repeats_an_alias_is_told() -> None:
    text = (
        "a: &a\n  image: acme/a:1\nb: &b\n  x:\n    c: *a\nd: [*b]\ne: &e {f: *e}\ng: *e\nh: *a\n"
    )
    assert only(text).aliases == (5, 6, 9)


def test_an_alias_of_a_group_around_the_value_is_told() -> None:
    occurrence = only("a: &a\n  repository: acme/a\n  tag: v1\nb: *a\n")
    assert occurrence.aliases == (4,)


@pytest.mark.parametrize(
    "value",
    ['"acme/a:\\x31"', '"acme/\\\n    a:1"', '"nginx:1.2\\u002e3"'],
)
def test_a_value_whose_bytes_are_not_the_value_is_reported(value: str) -> None:
    found = find(POD.format(value))
    assert found.occurrences == ()
    assert "escapes" in found.problems[0].message


def test_custom_resource_definitions_are_skipped_alone_and_in_a_list() -> None:
    schema = "kind: CustomResourceDefinition\napiVersion: v1\nspec:\n  image: acme/a:1\n"
    assert find(schema) == formats.Found((), ())
    item = "".join(f"  {line}\n" for line in schema.splitlines())
    assert find(f"apiVersion: v1\nkind: List\nitems:\n-{item[1:]}") == formats.Found((), ())
    assert len(find(f"{schema}---\n{POD.format('nginx:1')}").occurrences) == 1


def test_policy_documents_are_skipped() -> None:
    text = "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nspec: {image: acme/a:1}\n"
    assert find(f"{text}---\n{text}# imagebot: a\n") == formats.Found((), ())


@pytest.mark.parametrize(
    "text",
    [
        "metadata: {annotations: {a/proxyImage: acme/a:1, image: acme/a:1}}",
        "spec: {template: {metadata: {labels: {image: acme/a}}}}",
        "spec: {containers: [{env: [{name: IMAGE, value: acme/a:1}]}]}",
        "spec: {containers: [{args: [--image=acme/a:1], command: [run, acme/a:1]}]}",
        "data: {image: logo}",
        "spec: {imageName: my-disk}",
        "spec: {volumes: [{name: x, image: {reference: ''}}]}",
        "spec: {image: {reference: acme/a:1}}",
    ],
)
def test_places_where_a_text_can_mean_anything_need_a_marker(text: str) -> None:
    document = f"apiVersion: v1\nkind: Thing\n{text}\n"
    assert find(document) == formats.Found((), ())


def test_image_volumes_are_found() -> None:
    volume = "{}: [{{name: x, image: {{reference: {}, pullPolicy: Always}}}}]\n"
    pod = "apiVersion: v1\nkind: Pod\nspec:\n  " + volume
    assert written(pod.format("volumes", "acme/model")) == ["acme/model"]
    assert written(volume.format("extraVolumes", "acme/model:1")) == ["acme/model:1"]
    assert written(volume.format("extraVolumes", "acme/model")) == []


def test_ceph_block_devices_are_no_images() -> None:
    text = "apiVersion: v1\nkind: Pod\nspec: {volumes: [{rbd: {image: foo}}]}"
    assert find(text) == formats.Found((), ())


def test_text_inside_folded_scalars_and_comments_is_no_image() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: >\n    image: x/y:1\n# image: a/b:1\n"
    assert find(text) == formats.Found((), ())


def test_a_template_is_reported_once_with_its_line() -> None:
    found = find("{{- if .x }}\nimage: a/b:1\n{{- end }}\n---\n" + POD.format("nginx:1"))
    assert [item.line for item in found.occurrences] == [10]
    assert len(found.problems) == 1
    assert found.problems[0].message.startswith("a template, not YAML")
    assert found.problems[0].is_warning


def test_a_broken_document_without_images_is_not_worth_a_word() -> None:
    assert find("a: [\n---\nb: 1\n") == formats.Found((), ())


def test_occurrences_come_in_the_order_of_the_file() -> None:
    text = "b: {image: acme/b:1}\na: {repository: acme/a, tag: v1}\nimage: acme/c:1\n"
    lines = [item.line for item in find(text).occurrences]
    assert lines == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "a: &k image\nb:\n  *k : acme/a:v1\n",
        "names:\n- &r repository\n- &t tag\nb: {*r : acme/a, *t : v1}\n",
        "a: &k thing\nb:\n  # imagebot: api\n  *k : acme/a:v1\n",
        "a: &k thing\nb: {*k : acme/a:v1}  # imagebot: api\n",
    ],
)
def test_a_key_that_is_an_alias_is_the_text_at_its_anchor(text: str) -> None:
    found = find(text, "values.yaml")
    assert [str(item.reference) for item in found.occurrences] == ["acme/a:v1"]
    assert not found.problems


@pytest.mark.parametrize("key", ["[x]", "{x: y}"])
def test_a_key_that_is_an_alias_of_a_collection_names_nothing(key: str) -> None:
    text = f"a: &k {key}\nb: {{*k : acme/a:v1}}\nimage: 1\n"
    assert find(text, "values.yaml").occurrences == ()


WORDS = [
    *("compose", "Docker-COMPOSE", "compo\u017fe", "prod", "a", "Chart", "requirements", "action"),
    *("helmfile", "kustomization", "Kustomization", "devcontainer", ".devcontainer", "values"),
    *(".argocd-source", ".argocd-source-app", ".gitlab-ci", ".gitlab", ".github", ".gitea"),
    *(".forgejo", "workflows", "helmfile.d"),
]
NAMED = (
    *("compose.yaml", ".gitlab-ci.yml", ".github/workflows/a.yml", "action.yml", "Chart.yaml"),
    *(".argocd-source.yaml", "helmfile.yaml", "devcontainer.json", "Kustomization"),
)
PARTS = st.sampled_from([*WORDS, "/", "/", ".", ".", "-", ".yaml", ".yml", ".json"])


@given(st.lists(PARTS, min_size=1, max_size=7).map("".join))
@example(".github/workflows/ci.yaml")
@example("a/.gitlab/ci/build.yml")
@example("deploy/helmfile.d/apps.yaml")
@example("compo\u017fe.yaml")
@settings(max_examples=300)
def test_the_look_for_words_misses_no_name_that_a_format_has(path: str) -> None:
    assert table.names(path) == table.named_by(path)


@pytest.mark.parametrize(
    "format_name", [each.name for each in table.DOCUMENT_FORMATS if each.words]
)
def test_each_format_with_names_is_named_by_some_path(format_name: str) -> None:
    assert any(format_name in table.named_by(path).split("+") for path in NAMED)
