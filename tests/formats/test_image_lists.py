"""Lists of texts under `images`: whole references, or no images at all."""

import pytest

from imagebot import edits, formats
from imagebot.model import Update

RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    {}\n"
APPLICATION = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n"
D = "sha256:" + "1a" * 32


def found(text: str) -> tuple[list[str], list[str]]:
    told = formats.find("values.yaml", text.encode())
    return [str(item.reference) for item in told.occurrences], [p.message for p in told.problems]


@pytest.mark.parametrize(
    "text",
    [
        "images: [acme/a:v1, 'quay.io/b:v1']",
        'a:\n  webImages:\n    - acme/a:v1   # one\n    - "quay.io/b:v1"\n',
        "extra_images: [acme/a:v1, quay.io/b:v1, acme/without-a-tag]",
        "a: {my-images: [acme/a:v1, quay.io/b:v1]}",
        RELEASE.format("images: [acme/a:v1, quay.io/b:v1]"),
        APPLICATION + "      valuesObject: {images: [acme/a:v1, quay.io/b:v1]}\n",
        APPLICATION + "      values: |\n        images: [acme/a:v1, quay.io/b:v1]\n",
        "kind: Kustomization\nhelmCharts: [{valuesInline: {images: [acme/a:v1, quay.io/b:v1]}}]",
    ],
)
def test_each_reference_of_a_list_of_images_is_found_and_edited_alone(text: str) -> None:
    items = formats.find("values.yaml", text.encode()).occurrences
    assert [str(item.reference) for item in items] == ["acme/a:v1", "quay.io/b:v1"]
    assert items[1].reference is not None
    update = Update(items[1], items[1].reference, "v2.0", None, None)
    made = edits.rewrite("values.yaml", text.encode(), [update], formats.find)
    assert made.content.decode() == text.replace("quay.io/b:v1", "quay.io/b:v2.0")


def test_a_list_says_which_of_its_items_an_image_is() -> None:
    items = formats.find("values.yaml", f"images: [acme/a, acme/b:1, 'acme/c@{D}']".encode())
    assert [item.address for item in items.occurrences] == ["images[1]", "images[2]"]


@pytest.mark.parametrize(
    "text",
    [
        "images: [front, back]",
        "images: [a picture, acme/a:v1]",  # one text that is no reference
        "images: [front.png, 'https://example.test/back.png']",
        "images: [1:30, 2:45]",  # numbers of YAML 1.1
        "images: ['{{ front }}', '{{ back }}']",
        "images: [[acme/a:v1]]",
        "x-images: [acme/a:v1]",
        "pictures: [acme/a:v1]",
        "apiVersion: v1\nkind: Node\nstatus: {images: [acme/a:v1]}",
    ],
)
def test_other_lists_are_no_images_and_nothing_is_told_of_them(text: str) -> None:
    assert found(text) == ([], [])


def test_a_templated_reference_in_a_list_is_told() -> None:
    images, messages = found("images: ['${REGISTRY}/a:v1', acme/b:v1]")
    assert images == ["acme/b:v1"]
    assert messages == ["an image is templated, so its value is not in this file"]
