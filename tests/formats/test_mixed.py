"""A List whose objects belong to several formats is read by each of them."""

from itertools import permutations

import pytest

from imagebot import formats

OCI_REPOSITORY = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
spec: {url: "oci://ghcr.io/acme/oci", ref: {tag: 1.1.0}}
"""
KUSTOMIZATION = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
spec: {images: [{name: acme/kustomized, newTag: "1"}]}
"""
HELM_RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
spec:
  values: {image: {repository: acme/valued, tag: "1"}}
  postRenderers: [{kustomize: {images: [{name: acme/rendered, newTag: "1"}]}}]
"""
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
spec: {source: {repoURL: ghcr.io/acme, chart: charted, targetRevision: 1.0.0}}
"""
TASK = """\
apiVersion: tekton.dev/v1
kind: Task
spec: {params: [{name: i, default: "acme/task:1"}], steps: [{image: $(params.i)}]}
"""
WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
spec:
  arguments: {parameters: [{name: i, value: "acme/flow:1"}]}
  templates: [{name: a, container: {image: "{{workflow.parameters.i}}"}}]
"""
POD = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: acme/pod:1}]}\n"
OBJECTS = (OCI_REPOSITORY, KUSTOMIZATION, HELM_RELEASE, APPLICATION, TASK, WORKFLOW, POD)
EVERY_IMAGE = {
    ("flux", "ghcr.io/acme/oci:1.1.0"),
    ("flux", "acme/kustomized:1"),
    ("helm-values", "acme/valued:1"),
    ("flux", "acme/rendered:1"),
    ("argocd", "ghcr.io/acme/charted:1.0.0"),
    ("tekton", "acme/task:1"),
    ("argo-workflows", "acme/flow:1"),
    ("kubernetes", "acme/pod:1"),
}


def in_list(*objects: str) -> str:
    items = "".join(f"- {text.strip()}\n".replace("\n", "\n  ").rstrip(" ") for text in objects)
    return f"apiVersion: v1\nkind: List\nitems:\n{items}"


def written(text: str) -> set[tuple[str, str]]:
    found = formats.find("a.yaml", text.encode())
    assert found.problems == ()
    return {(item.format, str(item.reference)) for item in found.occurrences}


@pytest.mark.parametrize("start", range(len(OBJECTS)))
def test_every_object_in_a_list_is_read_by_its_own_format(start: int) -> None:
    assert written(in_list(*OBJECTS[start:], *OBJECTS[:start])) == EVERY_IMAGE


def test_a_list_of_two_has_the_images_of_both_in_either_order() -> None:
    for pair in permutations(OBJECTS, 2):
        assert written(in_list(*pair)) == written(pair[0]) | written(pair[1])


def test_a_list_in_a_list_is_read_as_well() -> None:
    assert written(in_list(POD, in_list(in_list(OCI_REPOSITORY, TASK), APPLICATION))) == {
        ("kubernetes", "acme/pod:1"),
        ("flux", "ghcr.io/acme/oci:1.1.0"),
        ("tekton", "acme/task:1"),
        ("argocd", "ghcr.io/acme/charted:1.0.0"),
    }


def test_addresses_are_those_of_the_whole_list() -> None:
    found = formats.find("a.yaml", in_list(POD, in_list(APPLICATION, OCI_REPOSITORY)).encode())
    assert [item.address for item in found.occurrences] == [
        "items[0].spec.containers[0].image",
        "items[1].items[0].spec.source.targetRevision",
        "items[1].items[1].spec.ref.tag",
    ]


def test_an_anchor_in_an_object_of_another_format_changes_all_its_users() -> None:
    text = in_list(
        POD.replace("acme/pod:1", "&i acme/pod:1"), TASK.replace('"acme/task:1"', "*i"), APPLICATION
    )
    found = formats.find("a.yaml", text.encode())
    assert {(str(item.reference), item.line, item.aliases) for item in found.occurrences} == {
        ("acme/pod:1", 6, (9,)),
        ("ghcr.io/acme/charted:1.0.0", 12, ()),
    }


def test_the_objects_of_a_resource_set_are_read_as_those_of_a_list() -> None:
    head = "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nspec:\n  resources:\n"
    items = in_list(*OBJECTS).partition("items:\n")[2]
    text = head + "".join(f"  {line}\n" for line in items.splitlines())
    assert written(text) == EVERY_IMAGE


def test_what_a_resource_set_fills_in_is_told_and_not_edited() -> None:
    head = "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nspec:\n  resources:\n  - "
    text = head + KUSTOMIZATION.replace('"1"', '"<< inputs.tag >>"').replace("\n", "\n    ")
    found = formats.find("a.yaml", text.rstrip().encode())
    assert found.occurrences == ()
    assert len(found.problems) == 1


def test_lists_that_aliases_repeat_are_read_once() -> None:
    levels = [f"- &a0 {{kind: List, items: [{{{TASK.strip()}}}]}}".replace("\n", ", ")]
    for number in range(1, 30):
        again = f"*a{number - 1}, " * 10
        levels.append(f"- &a{number} {{kind: List, items: [{again}]}}")
    pod = "- {apiVersion: v1, kind: Pod, image: acme/pod:1}"
    text = "\n".join(["apiVersion: v1\nkind: List\nitems:", *levels, pod, ""])
    assert {image for _, image in written(text)} == {"acme/pod:1", "acme/task:1"}
