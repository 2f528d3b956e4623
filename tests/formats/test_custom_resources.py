"""Images of custom resources under keys that do not say so, by kind and group."""

import pytest

from imagebot import edits, formats
from imagebot.model import Update

IMAGES = {
    "a provider of Crossplane": (
        "apiVersion: pkg.crossplane.io/v1\nkind: Provider\nspec: {package: 'acme.test/a:v1'}\n",
        "spec.package",
    ),
    "a stream of OpenShift": (
        "apiVersion: image.openshift.io/v1\nkind: ImageStream\nspec:\n  tags:\n"
        "  - from: {kind: ImageStreamTag, name: 'b:v1'}\n"
        "  - from: {kind: DockerImage, name: 'acme.test/a:v1'}\n",
        "spec.tags[1].from.name",
    ),
    "a build of OpenShift": (
        "apiVersion: build.openshift.io/v1\nkind: BuildConfig\nspec: {strategy: {dockerStrategy:\n"
        "  {from: {kind: DockerImage, name: 'acme.test/a:v1'}}}}\n",
        "spec.strategy.dockerStrategy.from.name",
    ),
    "what a build of OpenShift copies from": (
        "apiVersion: build.openshift.io/v1\nkind: BuildConfig\nspec: {source: {images: [\n"
        "  {from: {kind: DockerImage, name: 'acme.test/a:v1'}}]}}\n",
        "spec.source.images[0].from.name",
    ),
    "a disk of KubeVirt": (
        "apiVersion: cdi.kubevirt.io/v1beta1\nkind: DataVolume\n"
        "spec: {source: {registry: {url: 'docker://acme.test/a:v1'}}}\n",
        "spec.source.registry.url",
    ),
    "the disk of a virtual machine": (
        "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nspec: {dataVolumeTemplates: [\n"
        "  {spec: {source: {registry: {url: 'docker://acme.test/a:v1'}}}}]}\n",
        "spec.dataVolumeTemplates[0].spec.source.registry.url",
    ),
    "the manifests of Flux": (
        "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\n"
        "spec: {distribution: {artifact: 'oci://acme.test/a:v1'}}\n",
        "spec.distribution.artifact",
    ),
}


@pytest.mark.parametrize("case", IMAGES)
def test_the_image_is_found_and_edited_where_the_kind_says_so(case: str) -> None:
    text, address = IMAGES[case]
    (found,) = formats.find("a.yaml", text.encode()).occurrences
    assert (found.address, str(found.reference)) == (address, "acme.test/a:v1")
    assert found.reference is not None
    wanted = Update(found, found.reference, "v22", None, None)
    content = edits.rewrite("a.yaml", text.encode(), [wanted], formats.find).content.decode()
    assert content == text.replace("acme.test/a:v1", "acme.test/a:v22")


@pytest.mark.parametrize("case", IMAGES)
def test_the_same_keys_of_another_kind_say_nothing(case: str) -> None:
    text, _ = IMAGES[case]
    other = text.replace("\nkind: ", "\nkind: Other")
    assert formats.find("a.yaml", other.encode()) == formats.Found()


def test_such_an_object_in_a_list_is_read() -> None:
    text, address = IMAGES["a provider of Crossplane"]
    item = "- " + text.rstrip().replace("\n", "\n  ")
    source = f"apiVersion: v1\nkind: List\nitems:\n{item}\n".encode()
    (found,) = formats.find("a.yaml", source).occurrences
    assert found.address == f"items[0].{address}"
