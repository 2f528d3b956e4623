"""Files of tools whose schema says where an image stands: what is found in them, what is not."""

import pytest

from imagebot import edits, formats
from imagebot.model import Found, Update


def find(file: str, text: str) -> Found:
    return formats.find(file, text.encode())


def written(file: str, text: str) -> list[str]:
    return [str(item.reference) for item in find(file, text).occurrences]


def messages(file: str, text: str) -> list[str]:
    return [problem.message for problem in find(file, text).problems]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("compose.yaml", "compose"),
        ("docker-compose.yml", "compose"),
        ("a/docker-compose.prod.yaml", "compose"),
        ("api.compose.yml", "compose"),
        ("composer.yaml", ""),
        (".gitlab-ci.yml", "gitlab-ci"),
        ("templates/build.gitlab-ci.yml", "gitlab-ci"),
        (".gitlab/ci/build.yml", "gitlab-ci"),
        ("gitlab/values.yaml", ""),
        (".github/workflows/a.yaml", "github-actions"),
        ("x/.gitea/workflows/a.yml", "github-actions"),
        ("actions/lint/action.yml", "github-actions"),
        (".github/a.yml", ""),
        ("transaction.yml", ""),
    ],
)
def test_a_tool_is_known_by_the_name_of_its_file(file: str, expected: str) -> None:
    text = (
        "services: {a: {image: a/b:1}}\njobs: {a: {image: a/b:1, container: a/b:1}}\n"
        "job: {image: a/b:1}\n"
    )
    (kind, *_) = {item.format for item in find(file, text).occurrences}
    assert kind == (expected or "helm-values")


def test_a_manifest_in_a_file_of_compose_s_name_is_a_manifest() -> None:
    text = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx:1}]}\n"
    (occurrence,) = find("compose.yaml", text).occurrences
    assert occurrence.format == "kubernetes"


def test_a_service_that_is_built_is_not_pulled() -> None:
    assert find("compose.yml", "services: {a: {build: ., image: acme/a:1}}") == Found()


def test_services_that_share_an_anchored_image_are_one_occurrence_with_the_aliases_lines() -> None:
    text = "x-a: &a\n  image: acme/a:1\nservices:\n  one:\n    <<: *a\n  two:\n    <<: *a\n"
    (occurrence,) = find("compose.yml", text).occurrences
    assert occurrence.line == 2
    assert occurrence.aliases == (5, 7)


def test_a_compose_variable_without_default_is_told_by_name() -> None:
    text = "services:\n  a:\n    image: acme/a:${TAG:?set it}\n  b:\n    image: acme/b:$TAG\n"
    assert messages("compose.yml", text) == [
        "${TAG:?set it} is not edited",
        "the variable TAG of an image has no value in this file",
    ]


def test_a_gitlab_job_s_own_variable_comes_before_the_pipeline_s() -> None:
    text = "variables: {V: '1'}\na:\n  variables: {V: '2'}\n  image: x/y:$V\nb:\n  image: x/z:$V\n"
    assert sorted(written(".gitlab-ci.yml", text)) == ["x/y:2", "x/z:1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {image: $I, rules: [{variables: {I: 'x/z:2'}}, {if: $B}]}", ["x/y:1", "x/z:2"]),
        ("a: {image: 'x/b:$T', rules: [{variables: {T: '2'}}]}", ["x/b:1", "x/b:2"]),
        ("a: {services: [{name: $I}], rules: [{variables: {I: 'x/z:2'}}]}", ["x/y:1", "x/z:2"]),
        ("a: {image: 'x/b:1', rules: [{variables: {I: 'x/z:2'}}]}", ["x/b:1"]),
        ("workflow: {rules: [{variables: {I: 'x/z:2'}}]}\na: {image: $I}", ["x/y:1", "x/z:2"]),
        (
            "workflow: {rules: [{variables: {I: 'x/z:2'}}]}\n"
            "a: {image: $I, variables: {I: 'x/o:1'}}",
            ["x/o:1"],
        ),
    ],
)
def test_what_gitlab_s_rules_give_to_a_variable_is_an_image_too(
    text: str, expected: list[str]
) -> None:
    pipeline = "variables: {I: 'x/y:1', T: '1'}\n"
    assert sorted(written(".gitlab-ci.yml", f"{pipeline}{text}\n")) == expected
    assert not messages(".gitlab-ci.yml", f"{pipeline}{text}\n")


def test_a_gitlab_variable_with_options_is_told_and_not_edited() -> None:
    text = "variables: {I: {value: 'x/y:1', options: ['x/y:1', 'x/y:2']}}\na: {image: $I}\n"
    assert written(".gitlab-ci.yml", text) == []
    (message,) = messages(".gitlab-ci.yml", text)
    assert message.startswith("the variable I of an image has `options`")


def test_inputs_that_a_gitlab_pipeline_gives_are_images_by_their_names_only() -> None:
    inputs = "inputs: {image: 'x/y:1', tool_image: 'x/z:2', tool: 'x/t:3', stage: build, n: 1}"
    for text in (f"include: [{{component: a/b@1, {inputs}}}]", f"include: {{local: /a, {inputs}}}"):
        assert written(".gitlab-ci.yml", text) == ["x/y:1", "x/z:2"]
        assert messages(".gitlab-ci.yml", text) == ["'x/t:3' may be an image, and nothing says so"]


def test_an_input_of_a_gitlab_component_is_told() -> None:
    text = "spec:\n  inputs: {image: {default: a/b:1}}\n---\njob:\n  image: $[[ inputs.image ]]\n"
    assert written(".gitlab-ci.yml", text) == []
    assert messages(".gitlab-ci.yml", text) == [
        "an image is templated, so its value is not in this file"
    ]


def test_other_keys_of_a_workflow_are_no_images() -> None:
    text = (
        "jobs:\n  a:\n    env: {image: acme/a:1}\n    strategy: {matrix: {image: [a:1]}}\n"
        "    outputs: {image: acme/b:1}\n    steps: [{uses: actions/checkout@v4}]\n"
    )
    assert find(".github/workflows/a.yml", text) == Found()


@pytest.mark.parametrize(
    ("matrix", "image", "message"),
    [
        ("{v: [1, 2]}", "acme/a:${{ matrix.v }}", "has 2 values, so it is not edited"),
        ("{v: []}", "${{ matrix.v }}", "has no value in this document"),
        ("'${{ fromJSON(inputs.m) }}'", "${{ matrix.v }}", "has no value in this document"),
        ("{v: ['${{ inputs.v }}']}", "${{ matrix.v }}", "is templated"),
        ("{v: [a]}", "${{ matrix['v'] }}", "is templated"),
        ("{v: [a]}", "${{ matrix.v || 'b' }}", "is templated"),
    ],
)
def test_a_workflow_s_image_without_one_written_value_is_told(
    matrix: str, image: str, message: str
) -> None:
    text = f'jobs: {{a: {{strategy: {{matrix: {matrix}}}, container: "{image}"}}}}'
    assert written(".github/workflows/a.yml", text) == []
    assert [message in each for each in messages(".github/workflows/a.yml", text)] == [True]


def test_the_same_bytes_under_another_class_of_name_are_kept_apart() -> None:
    keys = {
        formats.cache_key(file, "1f")
        for file in ("a.yml", "compose.yml", ".gitlab-ci.yml", "action.yml", "Dockerfile")
    }
    assert len(keys) == 5


def test_a_dockerfile_in_a_quoted_text_of_a_compose_file_is_reported() -> None:
    text = 'services: {a: {build: {dockerfile_inline: "FROM acme/a:1\\nRUN b"}}}\n# image:\n'
    (problem,) = find("compose.yaml", text).problems
    assert problem.address == "services.a.build.dockerfile_inline"
    assert "not edited" in problem.message


def test_an_image_that_a_job_gives_to_a_called_workflow_is_found() -> None:
    text = "jobs:\n  a:\n    uses: ./b.yml\n    with: {image: called/x:1.0, n: a:1}\n"
    (occurrence,) = find(".github/workflows/a.yml", text).occurrences
    assert (str(occurrence.reference), occurrence.address) == (
        "called/x:1.0",
        "jobs.a.with.image",
    )
    assert find(".github/workflows/a.yml", text.replace(":1.0", "")) == Found()


def test_a_model_of_a_compose_file_is_found_as_an_image_is() -> None:
    text = "services: {a: {models: [m, n]}}\nmodels: {m: {model: ai/m:1.0}, n: {model: ai/n}}\n"
    (occurrence,) = find("compose.yaml", text).occurrences
    assert (str(occurrence.reference), occurrence.address) == ("ai/m:1.0", "models.m.model")


@pytest.mark.parametrize(
    "options",
    [
        "image=acme/b:1",
        "'network=host,image=acme/b:1'",
        "|\n            image=acme/b:1\n            network=host",
        "|\n            network=host\n            image=acme/b:1",
    ],
)
def test_the_image_of_buildx_is_edited_among_the_options_of_its_driver(options: str) -> None:
    step = "      - uses: docker/setup-buildx-action@v3\n        with:\n"
    step += f"          driver-opts: {options}\n"
    source = f"jobs:\n  a:\n    steps:\n{step}".encode()
    file = ".github/workflows/ci.yml"
    (occurrence,) = formats.find(file, source).occurrences
    assert occurrence.reference
    wanted = Update(occurrence, occurrence.reference, "2", None, None)
    made = edits.rewrite(file, source, [wanted], formats.find)
    assert made.content == source.replace(b"acme/b:1", b"acme/b:2")
