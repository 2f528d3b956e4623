"""Tekton and Argo Workflows: where a parameter gets its image, and where that is not known."""

from typing import Any

import pytest

from imagebot import formats
from imagebot.formats import argo_workflows
from imagebot.model import Found

TASK = """apiVersion: tekton.dev/v1
kind: Task
spec:
  params: [PARAMS]
  steps: [{image: "IMAGE"}]
"""
WORKFLOW = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
spec:
  entrypoint: main
  arguments: {parameters: [{name: tag, value: "1.0"}, {name: far, valueFrom: {}}]}
  templates:
  - name: main
    steps: [[STEP]]
  - name: run
    inputs: {parameters: [{name: image, default: acme/default:1}]}
    container: {image: "IMAGE"}
"""


def find(text: str) -> Found:
    return formats.find("a.yaml", text.encode())


def written(found: Found) -> list[str]:
    return [str(item.reference) for item in found.occurrences]


def task(parameters: str, image: str) -> Found:
    return find(TASK.replace("PARAMS", parameters).replace("IMAGE", image))


def workflow(step: str, image: str = "{{inputs.parameters.image}}") -> Found:
    return find(WORKFLOW.replace("STEP", step).replace("IMAGE", image))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("$(params.image)", ["acme/a:1"]),
        ("$(inputs.params.image)", ["acme/a:1"]),
        ("$(params['image'])", ["acme/a:1"]),
        ("$(params.name):$(params.tag)", ["acme/b:2"]),
        ("acme/c:v$(params.tag)", ["acme/c:v2"]),
        ("acme/plain:1", ["acme/plain:1"]),
    ],
)
def test_a_step_s_image_is_found_in_the_defaults_of_its_task(
    image: str, expected: list[str]
) -> None:
    parameters = (
        "{name: image, default: 'acme/a:1'}, {name: name, default: acme/b}, "
        "{name: tag, default: '2'}"
    )
    found = task(parameters, image)
    assert written(found) == expected
    assert not found.problems


@pytest.mark.parametrize(
    "image",
    [
        "$(params.unknown)",
        "$(params.bare)",
        "$(context.taskRun.name)",
        "$(steps.a.results.image)",
        "$(params.image",
        "acme/a:{{ .Values.tag }}",
        "$(params.templated)",
    ],
)
def test_a_step_s_image_without_a_value_in_the_document_is_reported(image: str) -> None:
    found = task("{name: bare}, {name: templated, default: 'acme/a:{{ .Values.tag }}'}", image)
    assert not found.occurrences
    assert [problem.line for problem in found.problems] == [5]


def test_one_default_of_two_steps_is_one_occurrence_and_one_tag_of_two_images_is_two() -> None:
    text = TASK.replace("PARAMS", "{name: i, default: 'acme/a:1'}, {name: t, default: '2'}")
    images = ["$(params.i)", "$(params.i)", "acme/x:$(params.t)", "acme/y:$(params.t)"]
    steps = ", ".join(f'{{image: "{image}"}}' for image in images)
    found = find(text.replace('{image: "IMAGE"}', steps))
    assert sorted(written(found)) == ["acme/a:1", "acme/x:2", "acme/y:2"]


def test_a_default_that_aliases_repeat_shows_their_lines() -> None:
    text = TASK.replace("PARAMS", "{name: i, default: &i 'acme/a:1'}")
    found = find(text.replace("IMAGE", "$(params.i)") + "  note: *i\n")
    assert [(item.line, item.aliases) for item in found.occurrences] == [(4, (6,))]


def test_a_pipeline_s_task_without_a_value_takes_its_own_default_then_the_pipeline_s() -> None:
    found = find("""apiVersion: tekton.dev/v1
kind: Pipeline
spec:
  params: [{name: a, default: "acme/outer:1"}, {name: b, default: "acme/outer:2"}]
  tasks:
  - name: t
    taskSpec:
      params: [{name: a, default: "acme/inner:1"}, {name: b}]
      steps: [{image: $(params.a)}, {image: $(params.b)}]
""")
    assert sorted(written(found)) == ["acme/inner:1", "acme/outer:2"]


def test_what_a_result_gives_hides_the_default() -> None:
    found = find("""apiVersion: tekton.dev/v1
kind: Pipeline
spec:
  tasks:
  - name: t
    params: [{name: a, value: $(tasks.before.results.image)}]
    taskSpec: {params: [{name: a, default: "acme/never:1"}], steps: [{image: $(params.a)}]}
""")
    assert not found.occurrences
    assert len(found.problems) == 1


def test_a_bundle_is_found_though_no_key_says_image() -> None:
    found = find("""apiVersion: tekton.dev/v1
kind: TaskRun
spec:
  taskRef: {resolver: bundles, params: [{name: bundle, value: acme/bundle:1}, {name: kind}]}
""")
    assert written(found) == ["acme/bundle:1"]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{template: run}", ["acme/default:1"]),
        ("{template: other}", ["acme/default:1"]),
        (
            "{template: run, arguments: {parameters: [{name: image, value: 'acme/s:1'}]}}",
            ["acme/s:1"],
        ),
        (
            "{template: run, arguments: {parameters: [{name: image, value: 'acme/s:1'}]}}, "
            "{template: run}",
            ["acme/default:1", "acme/s:1"],
        ),
        (
            "{template: run, arguments: {parameters: [{name: image, "
            "value: 'acme/s:{{workflow.parameters.tag}}'}]}}",
            ["acme/s:1.0"],
        ),
        (
            "{template: run, withItems: [{of: 'acme/s:1'}, {of: 'acme/t:1'}], "
            "arguments: {parameters: [{name: image, value: '{{item.of}}'}]}}",
            ["acme/s:1", "acme/t:1"],
        ),
        (
            "{template: other, hooks: {exit: {template: run, "
            "arguments: {parameters: [{name: image, value: 'acme/hook:1'}]}}}}",
            ["acme/hook:1"],
        ),
    ],
)
def test_a_template_s_image_is_found_where_each_call_gets_it(
    step: str, expected: list[str]
) -> None:
    found = workflow(step)
    assert sorted(written(found)) == expected
    assert not found.problems


@pytest.mark.parametrize(
    "image",
    [
        "{{inputs.parameters.unknown}}",
        "{{workflow.parameters.far}}",
        "{{=sprig.upper(workflow.name)}}",
        "{{tasks.a.outputs.result}}",
        "acme/a:{{item}}",
    ],
)
def test_a_template_s_image_without_a_value_in_the_document_is_reported(image: str) -> None:
    found = workflow("{template: run}", image)
    assert not found.occurrences
    assert [problem.line for problem in found.problems] == [11]


def test_what_another_step_s_result_gives_is_reported_and_hides_the_default() -> None:
    value = "'{{steps.a.outputs.result}}'"
    found = workflow(
        f"{{template: run, arguments: {{parameters: [{{name: image, value: {value}}}]}}}}"
    )
    assert not found.occurrences
    assert len(found.problems) == 1


def test_templates_that_call_themselves_and_each_other_end() -> None:
    found = find("""apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
spec:
  templates:
  - name: a
    inputs: {parameters: [{name: image, default: acme/a:1}]}
    steps: [[{template: b}, {template: a}]]
  - name: b
    inputs: {parameters: [{name: image, default: acme/b:1}]}
    container: {image: "{{inputs.parameters.image}}"}
    dag: {tasks: [{template: a, arguments: {parameters: [{name: image, value: acme/c:1}]}}]}
""")
    assert written(found) == ["acme/b:1"]


def test_a_template_with_very_many_calls_is_reported() -> None:
    step = "{template: run, arguments: {parameters: [{name: image, value: 'acme/s:NUMBER'}]}}"
    found = workflow(", ".join(step.replace("NUMBER", str(number)) for number in range(200)))
    assert not found.occurrences
    assert ["too many steps" in problem.message for problem in found.problems] == [True]


def test_a_long_chain_of_templates_is_reported_and_not_followed_for_ever() -> None:
    links = [
        f"  - name: t{number}\n    steps: [[{{template: t{number + 1}}}]]\n"
        for number in range(2000)
    ]
    found = find(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  templates:\n"
        + "".join(links)
        + '  - name: t2000\n    container: {image: "{{inputs.parameters.image}}"}\n'
    )
    assert not found.occurrences
    assert len(found.problems) == 1


def test_a_rollout_and_an_application_of_the_same_api_are_read_by_their_own_formats() -> None:
    rollout = "apiVersion: argoproj.io/v1alpha1\nkind: KIND\nspec: {image: 'acme/a:1'}\n"
    kinds = {"Rollout": "kubernetes", "Application": "argocd", "CronWorkflow": "argo-workflows"}
    for kind, expected in kinds.items():
        (occurrence,) = find(rollout.replace("KIND", kind)).occurrences
        assert occurrence.format == expected


def test_calls_that_double_at_every_template_cost_no_more_than_their_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    followed = 0
    called = argo_workflows._Workflow._called

    def counted(self: Any, *given: Any) -> Any:
        nonlocal followed
        followed += 1
        return called(self, *given)

    monkeypatch.setattr(argo_workflows._Workflow, "_called", counted)
    rung = (
        "  - {name: t%d, steps: [[{template: t%d}, {template: t%d}]], script: {image: '{{x}}'}}\n"
    )
    find(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  templates:\n"
        + "".join(rung % (number, number + 1, number + 1) for number in range(200))
    )
    assert followed < 200 * 2 + 2 * argo_workflows._MAX_WAYS
