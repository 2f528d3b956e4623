"""JSON patches: which operations set an image, and what is no patch."""

import pytest

from imagebot import formats
from imagebot.model import Found

POINTER = "/spec/template/spec/containers/0/image"


def find(text: str, file: str = "patch.yaml") -> Found:
    return formats.find(file, text.encode())


def written(text: str) -> list[str]:
    return [str(item.reference) for item in find(text).occurrences]


@pytest.mark.parametrize("operation", ["add", "replace"])
@pytest.mark.parametrize(
    "template",
    [
        "- {{op: {op}, path: {path}, value: nginx}}",
        "- op: {op}\n  path: {path}\n  value: nginx\n",
        '[{{"op": "{op}", "path": "{path}", "value": "nginx"}}]',
        "- value: nginx\n  path: '{path}'\n  op: \"{op}\"\n",
    ],
)
def test_an_operation_that_sets_a_containers_image_is_found(operation: str, template: str) -> None:
    found = find(template.format(op=operation, path=POINTER))
    assert [str(item.reference) for item in found.occurrences] == ["nginx"]
    assert {(item.format, item.address) for item in found.occurrences} == {
        ("json-patch", "[0].value")
    }


@pytest.mark.parametrize(
    "operation",
    [
        f"{{op: test, path: {POINTER}, value: acme/a:1}}",
        f"{{op: remove, path: {POINTER}}}",
        f"{{op: copy, from: {POINTER}, path: /x/image}}",
        "{op: replace, path: /spec/paused, value: acme/a:1}",
        "{op: replace, path: /spec/imagePullPolicy, value: Always}",
        f"{{op: replace, path: {POINTER}, value: [acme/a:1]}}",
    ],
)
def test_an_operation_that_sets_no_image_is_silent(operation: str) -> None:
    assert find(f"- {operation}\n# /image:\n") == Found()


def test_a_list_of_other_things_is_no_patch() -> None:
    text = "- {path: /image, value: acme/a:1}\n"
    assert find(text) == Found()


def test_images_in_what_a_patch_adds_are_found_as_in_the_object_itself() -> None:
    text = (
        "- op: add\n  path: /spec/template/spec/initContainers\n  value:\n"
        "  - {name: a, image: busybox}\n"
    )
    assert written(text) == ["busybox"]


def test_a_value_that_another_tool_fills_in_is_reported() -> None:
    found = find(f"- {{op: add, path: {POINTER}, value: '$(IMAGE)'}}\n")
    assert found.occurrences == ()
    assert "templated" in found.problems[0].message


def test_a_patch_in_a_list_of_patches_with_an_anchor_tells_its_aliases() -> None:
    text = f"- &p {{op: add, path: {POINTER}, value: acme/a:1}}\n- *p\n"
    (occurrence,) = find(text).occurrences
    assert occurrence.aliases == (2,)


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/spec/values/image/tag", "tag"),
        ("/spec/values/sidecarImage/tag", "tag"),
        ("/spec/values/web/imageTag", "tag"),
        ("/spec/values/images/web/tag", "tag"),
        ("/spec/values/image/digest", "digest"),
        ("/spec/images/0/newTag", "tag"),
    ],
)
def test_a_tag_whose_image_the_patch_does_not_name_is_told(path: str, part: str) -> None:
    found = find(f"- {{op: replace, path: {path}, value: v1}}\n")
    assert found.occurrences == ()
    (problem,) = found.problems
    assert f"sets the {part} of an image whose name it does not say" in problem.message
    assert (problem.line, problem.address, problem.is_warning) == (1, "[0].value", True)


@pytest.mark.parametrize(
    "text",
    [
        "- {op: test, path: /spec/values/image/tag, value: v1}\n",
        "- {op: remove, path: /spec/values/image/tag}\n",
        "- {op: replace, path: /spec/values/image/tag, value: ''}\n",
        "- {op: replace, path: /spec/values/image/tag, value: v1}  # imagebot: ignore\n",
        "- {op: replace, path: /spec/values/image/pullPolicy, value: Always}\n",
        "- {op: replace, path: /spec/values/imageStage, value: v1}\n",
    ],
)
def test_of_what_sets_no_tag_nothing_is_told(text: str) -> None:
    assert find(text) == Found()


def test_a_tag_is_joined_with_the_name_that_the_same_patch_sets_and_not_told() -> None:
    name = "- {op: replace, path: /spec/values/image/repository, value: acme/a}\n"
    found = find(name + "- {op: replace, path: /spec/values/image/tag, value: v1}\n")
    assert [str(item.reference) for item in found.occurrences] == ["acme/a:v1"]
    assert not found.problems


def test_a_marker_says_whose_tag_a_patch_sets() -> None:
    text = "- op: replace\n  path: /spec/values/image/tag\n  value: v1 # imagebot: api:tag\n"
    found = find(text)
    assert [(item.tag, item.marker and item.marker.policy) for item in found.occurrences] == [
        ("v1", "api")
    ]
    assert not found.problems
