"""What stands beside an image's name is the image's, so that no digest and no registry is lost."""

import pytest

from imagebot import edits, formats
from imagebot.image import Digest
from imagebot.model import Occurrence, Update

D1 = "sha256:" + "1a" * 32
D2 = "sha256:" + "2b" * 32


def full(text: str) -> str:
    """D1 and D2 stand for digests, H1 and H2 for their digits."""
    for short, digest in (("1", D1), ("2", D2)):
        text = text.replace(f"D{short}", digest)
        text = text.replace(f"H{short}", digest.removeprefix("sha256:"))
    return text


def find(text: str) -> tuple[Occurrence, ...]:
    return formats.find("values.yaml", full(text).encode()).occurrences


def changed(text: str, tag: str, digest: str = "", name: str | None = None) -> str:
    (occurrence,) = find(text)
    reference = occurrence.reference
    assert reference is not None
    wanted = Digest(full(digest)) if digest else None
    update = Update(occurrence, reference, tag, wanted, None, name)
    source = full(text).encode()
    return edits.rewrite("values.yaml", source, [update], formats.find).content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "a: {repository: acme/a, tag: v1, digest: 'D1'}",
        "a: {repository: acme/a, tag: v1, imageDigest: 'D1'}",
        "a: {repository: acme/a, tag: v1, manifestDigest: 'D1'}",
        "a: {repository: acme/a, imageTag: v1, imageDigest: 'D1'}",
        "image: {repository: acme/a, tag: v1, hash: 'D1'}",
        "image: {repository: acme/a, tag: v1, sha256: 'D1'}",
        "image: {repository: acme/a, tag: v1, sha256: 'H1'}",
        "a: {imageRepository: acme/a, imageTag: v1, digest: 'D1'}",
        "a: {imageRepository: acme/a, tag: v1, imageDigest: 'D1'}",
        "a: {image_repository: acme/a, image_tag: v1, image_digest: 'D1'}",
        "a: {image: acme/a, tag: v1, imageDigest: 'D1'}",
        "a: {image: acme/a, imageTag: v1, sha256: 'H1'}",
        "a: {image: 'acme/a:v1', digest: 'D1'}",
        "a: {image: 'acme/a:v1', imageDigest: 'D1'}",
        "image: {repository: 'acme/a:v1', digest: 'D1'}",
        "a: {sidecarImage: 'acme/a:v1', sidecarImageDigest: 'D1'}",
        "x: &x {imageDigest: 'D1'}\na: {<<: *x, repository: acme/a, tag: v1}",
        "spec: {image: 'acme/a:v1', digest: 'D1'}",
    ],
)
def test_no_digest_stays_behind_a_new_tag_whatever_its_key_and_place(text: str) -> None:
    (occurrence,) = find(text)
    assert (occurrence.tag, occurrence.digest) == ("v1", Digest(D1))
    after = full(text.replace("v1", "v22").replace("D1", "D2").replace("H1", "H2"))
    assert changed(text, "v22", "D2") == after
    if "H1" in text:
        assert changed(text, "v22") == full(text.replace("v1", "v22")).replace(full("'H1'"), "''")
    else:
        assert changed(text, "v22") == full(text.replace("v1", "v22").replace("'D1'", "''"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {image: 'acme/a:v1', configHash: 'D1'}", "a.configHash"),
        ("a: {image: 'acme/a:v1', digest: 'D1', sha256: 'D1'}", "a.sha256"),
        ("a: {image: 'acme/a:v1@D1', digest: 'D1'}", "a.digest"),
        ("image: {repository: 'acme/a:v1', tag: v2}", "image.repository"),
        ("a: {repository: 'acme/a:v1', tag: v2}", "a.repository"),
        ("image: {repository: ghcr.io/acme, name: a, tag: v1}", "image.name"),
        ("a: {image: 'acme/a:v1', digest: '{{ .Values.digest }}'}", "a.image"),
    ],
)
def test_where_it_is_not_clear_what_belongs_to_an_image_it_is_told_and_left(
    text: str, told: str
) -> None:
    found = formats.find("values.yaml", full(text).encode())
    assert found.occurrences == ()
    assert [problem.address for problem in found.problems] == [told]
    assert found.problems[0].line == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {registry: ghcr.io, image: acme/a, tag: v1}", "ghcr.io/acme/a:v1"),
        ("a: {imageRegistry: ghcr.io, image: acme/a, imageTag: v1}", "ghcr.io/acme/a:v1"),
        ("a: {registry: ghcr.io, image: 'acme/a:v1'}", "ghcr.io/acme/a:v1"),
        ("image: {registry: ghcr.io, repository: 'acme/a:v1'}", "ghcr.io/acme/a:v1"),
        ("a: {registry: r.test, image: 'ghcr.io/acme/a:v1'}", "ghcr.io/acme/a:v1"),
        ("a: {registry: ghcr.io/, repository: acme/a, tag: v1}", "ghcr.io/acme/a:v1"),
        ("a: {registry: ghcr.io, repository: /acme/a, tag: v1}", "ghcr.io/acme/a:v1"),
        ("a: {hub: docker.io/istio, image: pilot, tag: v1}", "docker.io/istio/pilot:v1"),
        ("a: {repository: nvcr.io/nvidia, image: driver, tag: v1}", "nvcr.io/nvidia/driver:v1"),
        ("a: {repository: nvcr.io/nvidia/driver, image: driver, tag: v1}",
         "nvcr.io/nvidia/driver:v1"),
        ("image: {repository: ghcr.io/acme/a, name: a, tag: v1}", "ghcr.io/acme/a:v1"),
        ("images: [{repository: ghcr.io/acme/a, name: b, tag: v1}]", "ghcr.io/acme/a:v1"),
        ("image: {repository: 'acme/a:v1', tag: ''}", "acme/a:v1"),
        ("global: {imageRegistry: r.test}\na: {image: acme/a, tag: v1}", "r.test/acme/a:v1"),
    ],
)  # fmt: skip
def test_registry_and_folders_beside_a_name_are_part_of_the_image(text: str, expected: str) -> None:
    (occurrence,) = find(text)
    assert str(occurrence.reference) == expected
    assert changed(text, "v22") == text.replace("v1", "v22")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: {registry: ghcr.io/, repository: acme/a, tag: v1}",
         "a: {registry: quay.io/, repository: new/b, tag: v1}"),
        ("a: {registry: ghcr.io, repository: /acme/a, tag: v1}",
         "a: {registry: quay.io, repository: /new/b, tag: v1}"),
        ("a: {registry: ghcr.io, image: 'acme/a:v1'}", "a: {registry: quay.io, image: 'new/b:v1'}"),
    ],
)  # fmt: skip
def test_a_new_name_is_divided_as_the_old_one_was(text: str, after: str) -> None:
    assert changed(text, "v1", name="quay.io/new/b") == after


def test_each_of_two_images_in_one_mapping_has_its_own_tag_and_digest() -> None:
    text = (
        "a: {image: acme/a, tag: v1, sidecarImage: acme/b, sidecarImageTag: v2, "
        "sidecarImageDigest: 'D1'}"
    )
    first, second = find(text)
    assert (first.tag, first.digest) == ("v1", None)
    assert (second.tag, second.digest) == ("v2", Digest(D1))


def test_a_tag_that_belongs_to_one_of_two_images_is_not_given_to_the_other() -> None:
    (occurrence,) = find("a: {image: acme/a, sidecarImage: acme/b, tag: v1}")
    assert str(occurrence.reference) == "acme/a:v1"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a:\n  tag: v1  # imagebot: a\n  digest: D1\n",
         "a:\n  tag: v2  # imagebot: a\n  digest: D2\n"),
        ("a:\n  img: acme/a:v1  # imagebot: a\n  imgDigest: D1\n",
         "a:\n  img: acme/a:v2  # imagebot: a\n  imgDigest: D2\n"),
        ("a:\n  apiTag: v1  # imagebot: a\n  apiDigest: D1\n",
         "a:\n  apiTag: v2  # imagebot: a\n  apiDigest: D2\n"),
    ],
)  # fmt: skip
def test_the_digest_beside_a_marked_tag_follows_it(text: str, after: str) -> None:
    (occurrence,) = find(text)
    assert occurrence.digest == Digest(D1)
    reference = formats.find("a.yaml", b"image: acme/a:v1").occurrences[0].reference
    assert reference is not None
    update = Update(occurrence, reference, "v2", Digest(D2), None)
    source = full(text).encode()
    rewritten = edits.rewrite("values.yaml", source, [update], formats.find)
    assert rewritten.content.decode() == full(after)


def test_a_digest_with_a_marker_of_another_policy_is_that_policys_alone() -> None:
    first, second = find("tag: v1  # imagebot: a\ndigest: D1  # imagebot: b\n")
    assert (first.tag, first.digest) == ("v1", None)
    assert (second.tag, second.digest) == (None, Digest(D1))
