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


@pytest.mark.parametrize(
    "text",
    [
        "image: {repository: acme/a, tag: v1, shasum: 'D1'}",
        "image: {repository: acme/a, tag: v1, imageSha256sum: 'D1'}",
        "image: {repository: acme/a, tag: v1, tagSha: 'H1'}",
        "image: {repository: acme/a, tag: v1, digestAmd64: 'H1'}",
        "image: {repository: acme/a, tag: v1, sha256Digest: 'H1', digestSha: 'H2'}",
        "image: {repository: acme/a, tag: v1, digest: 'D1', imageSha: 'D2'}",
        "image: {repository: acme/a, tag: v1, pin: 'D1'}",
        "image: {repository: acme/a, tag: v1, checksum: 'D1'}",
        "image: {repository: acme/a, tag: v1, anything: 'D1'}",
        "image: {repository: acme/a, tag: v1, digest: {amd64: 'D1'}}",
        "image: {repository: acme/a, tag: v1, digests: ['D1']}",
        "image: {repository: acme/a, tag: v1, platforms: {amd64: 'D1'}}",
        "image: {repository: acme/a, tag: v1, digests: [{platform: amd64, digest: 'D1'}]}",
        "image: {repository: acme/a, tag: v1}\nimageDigest: 'D1'",
        "image: {repository: acme/a, tag: v1}\ndigest: 'D1'",
        "image: {repository: acme/a, tag: v1}\nsha256: 'D1'",
        "image: {repository: acme/a, tag: v1}\ntagDigest: 'D1'",
        "image: {repository: acme/a, tag: v1}\npin: 'H1'",
        "image: {repository: acme/a, tag: v1}\ndigests: {amd64: 'D1'}",
        "image: {repository: acme/a, tag: v1}\ndigests: {amd64: 'H1'}",
        "app: {repository: acme/a, tag: v1}\ndigest: 'D1'",
        "image:\n- {repository: acme/a, tag: v1}\nimageDigest: 'D1'",
        "sidecarImage: {repository: acme/a, tag: v1}\nsidecarDigest: 'D1'",
        "x: &x {pin: 'D1'}\na: {<<: *x, image: {repository: acme/a, tag: v1}}",
        "image: {repository: acme/a, tag: v1, sub: {digest: 'D1'}}",
        "app: {repository: acme/a, tag: v1, a: {b: {sha256: 'H1'}}}",
        "x: &x {pin: 'D1'}\na: {<<: *x, repository: acme/a, tag: v1}",
        "a: {image: 'acme/a:v1', tag: 'v1'}",
    ],
)
def test_what_may_be_a_digest_or_tag_of_an_image_is_told_and_the_image_left_alone(
    text: str,
) -> None:
    found = formats.find("values.yaml", full(text).encode())
    assert found.occurrences == ()
    assert found.problems


@pytest.mark.parametrize(
    "text",
    [
        "image: {repository: acme/a, tag: v1}\nweb: {repository: acme/b}\nwebDigest: 'D1'",
        "image: {repository: acme/a, tag: v1}\nwebImage: acme/b\nwebDigest: 'D1'",
        "image: {repository: acme/a, tag: v1}\nconfigHash: 'H1'",
        "image: {repository: acme/a, tag: v1, web: {repository: acme/b, digest: 'D1'}}",
        "image: {repository: acme/a, tag: v1, web: {image: acme/b, digest: 'D1'}}",
        "app: {repository: acme/b, digest: 'D1', image: {repository: acme/a, tag: v1}}",
    ],
)
def test_a_digest_that_is_another_images_is_no_reason_to_leave_an_image_alone(text: str) -> None:
    assert "acme/a:v1" in [str(item.reference) for item in find(text)]


def test_of_two_keys_that_a_digest_begins_with_the_longer_one_owns_it() -> None:
    text = "{webImage: 'acme/a:v1', webApiImage: 'acme/b:v1', webApiDigest: 'D1'}"
    first, second = find(text)
    assert (first.digest, second.digest) == (None, Digest(D1))


def test_the_digest_above_a_marked_tag_is_told_until_it_has_the_same_marker() -> None:
    text = "image:\n  repository: acme/a\n  tag: v1  # imagebot: a\nimageDigest: D1\n"
    found = formats.find("values.yaml", full(text).encode())
    assert found.occurrences == ()
    assert [problem.line for problem in found.problems if not problem.is_warning] == [3]
    marked = full(text.replace("D1", "D1  # imagebot: a"))
    found = formats.find("values.yaml", marked.encode())
    assert found.problems == ()
    assert [item.digest for item in found.occurrences] == [Digest(D1)]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "helmfile.yaml",
            "releases:\n- name: a\n  chart: x/y\n  set:\n"
            "  - {name: image.repository, value: acme/a}\n"
            "  - {name: image.tag, value: v1}\n  - {name: imageDigest, value: 'D1'}\n",
        ),
        (
            "a.yaml",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source:\n"
            " {helm: {parameters: [\n"
            "{name: a.image.repository, value: acme/a}, {name: a.image.tag, value: v1},\n"
            "{name: a.imageDigest, value: 'D1'}]}}}\n",
        ),
        (
            "skaffold.yaml",
            "apiVersion: skaffold/v4beta1\nkind: Config\ndeploy: {helm:\n"
            " {releases: [{name: a, chartPath: x,\n"
            "setValues: {image.repository: acme/a, image.tag: v1, imageDigest: 'D1'}}]}}\n",
        ),
        (
            "p.yaml",
            "- {op: replace, path: /spec/values/image/repository, value: acme/a}\n"
            "- {op: replace, path: /spec/values/image/tag, value: v1}\n"
            "- {op: replace, path: /spec/values/imageDigest, value: 'D1'}\n",
        ),
    ],
)
def test_a_digest_above_an_image_is_told_where_key_paths_say_so(file: str, text: str) -> None:
    other = full(text).replace(D1, "")
    assert [str(item.reference) for item in formats.find(file, other.encode()).occurrences] == [
        "acme/a:v1"
    ]
    found = formats.find(file, full(text).encode())
    assert found.occurrences == ()
    assert "`imageDigest`" in found.problems[0].message


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("image.sub.digest", True),
        ("image.sub.deep.digest", True),
        ("image.sub.sha256", True),
        ("image.side.digest", False),
        ("other.sub.digest", False),
    ],
)
def test_a_digest_below_an_image_is_told_where_key_paths_say_so(name: str, is_told: bool) -> None:
    pairs = {
        **{"image.repository": "acme/a", "image.tag": "v1", "image.side.repository": "acme/b"},
        name: D1.removeprefix("sha256:") if "256" in name else D1,
    }
    items = "".join(f"  - {{name: {key}, value: '{value}'}}\n" for key, value in pairs.items())
    text = f"releases:\n- name: a\n  chart: x/y\n  set:\n{items}"
    found = formats.find("helmfile.yaml", text.encode())
    assert ("acme/a:v1" not in [str(item.reference) for item in found.occurrences]) is is_told
    assert any("`sub." in problem.message for problem in found.problems) is is_told


@pytest.mark.parametrize(
    "text",
    [
        "args:\n- --tag=v1  # imagebot: a\n- --digest=D1\n",
        "args:\n- --api-tag=v1  # imagebot: a\n- --api-digest=D1\n",
        "args:\n- v1  # imagebot: a:tag\n- D1\n",
        "env:\n- name: TAG\n  value: v1  # imagebot: a:tag\n- name: DIGEST\n  value: D1\n",
    ],
)
def test_a_digest_in_a_list_with_a_marked_tag_is_told_until_it_is_marked(text: str) -> None:
    found = formats.find("values.yaml", full(text).encode())
    assert found.occurrences == ()
    assert [problem.is_warning for problem in found.problems] == [False]
    (occurrence,) = find(text.replace("D1", "D1  # imagebot: a"))
    assert occurrence.digest == Digest(D1)
    ignored = formats.find(
        "values.yaml", full(text.replace("D1", "D1  # imagebot: ignore")).encode()
    )
    assert not ignored.problems


def test_digests_of_other_marked_images_in_a_list_are_theirs() -> None:
    text = "- --api-tag=v1  # imagebot: a\n- --api-digest=D1  # imagebot: a\n"
    text += "- --web-tag=v1  # imagebot: w\n- --web-digest=D2  # imagebot: w\n"
    first, second = find(text)
    assert (first.digest, second.digest) == (Digest(D1), Digest(D2))


@pytest.mark.parametrize(
    "text",
    [
        "{webImage: acme/a, webTag: v1}",
        "{webImage: acme/a, webTag: v1, webDigest: 'D1'}",
        "{defaultImage: acme/a, defaultTag: v1, digest: 'D1'}",
        "{web_image: acme/a, web_tag: v1}",
        "{webImage: acme/a, webTag: v1, apiImage: acme/b, apiDigest: 'D2'}",
    ],
)
def test_the_word_image_may_be_left_out_in_the_keys_beside_it(text: str) -> None:
    occurrence = next(item for item in find(text) if "acme/a" in str(item.reference))
    assert occurrence.tag == "v1"
    assert occurrence.digest == (Digest(D1) if "D1" in text else None)


def test_a_kustomize_entry_with_a_digest_under_another_key_is_told() -> None:
    text = full("images:\n- name: a\n  newTag: '1'\n  Digest: D1\n").encode()
    found = formats.find("kustomization.yaml", text)
    assert found.occurrences == ()
    assert "Digest" in found.problems[0].message


def test_digests_of_platforms_in_parameters_are_told() -> None:
    names = {"image.repository": "acme/a", "image.tag": "v1", "image.digests.amd64": D1}
    items = "".join(f"      - {{name: {key}, value: '{value}'}}\n" for key, value in names.items())
    text = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n"
    found = formats.find("a.yaml", f"{text}      parameters:\n{items}".encode())
    assert found.occurrences == ()
    assert "`digests`" in found.problems[0].message


@pytest.mark.parametrize("key", ["registry", "imageRegistry"])
def test_a_registry_is_joined_to_all_images_that_share_it(key: str) -> None:
    first, second = find(f"{{{key}: ghcr.io, apiImage: 'acme/a:v1', webImage: 'acme/b:v1'}}")
    assert [str(item.reference) for item in (first, second)] == [
        "ghcr.io/acme/a:v1",
        "ghcr.io/acme/b:v1",
    ]


def test_a_shared_registry_is_not_joined_to_an_image_that_names_its_own() -> None:
    first, second = find("{registry: ghcr.io, image: 'acme/a:v1', webImage: 'quay.io/acme/b:v1'}")
    assert str(first.reference) == "ghcr.io/acme/a:v1"
    assert str(second.reference) == "quay.io/acme/b:v1"


@pytest.mark.parametrize(
    "text",
    [
        "image: {registry: 'https://ghcr.io', repository: acme/a, tag: v1}",
        "image: {registry: ghcr.io, repository: ghcr.io/acme/a, tag: v1}",
    ],
)
def test_a_registry_that_cannot_be_joined_is_told(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert found.occurrences == ()
    assert "registry" in found.problems[0].message


def test_a_name_with_a_digest_alone_is_an_image_under_a_key_that_says_so() -> None:
    (occurrence,) = find("image: {name: acme/a, digest: 'D1'}")
    assert str(occurrence.reference) == f"acme/a@{D1}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image: {repository: acme/a, tag: {name: v1, digest: 'D1'}}", "`tag`"),
        ("image: {registry: ghcr.io, org: acme, repository: a, tag: v1}", "`org: acme`"),
        ("image: {host: ghcr.io, repository: acme/a, tag: v1}", "`host: ghcr.io`"),
        ("image: {hub: ghcr.io/acme, registry: quay.io, repository: a, tag: v1}", "`hub`"),
    ],
)
def test_an_image_in_more_parts_than_are_known_is_told(text: str, said: str) -> None:
    found = formats.find("values.yaml", full(text).encode())
    assert found.occurrences == ()
    assert said in found.problems[0].message


def test_a_digest_that_is_none_is_told_at_its_own_line() -> None:
    text = "image:\n  repository: acme/a\n  tag: v1\n  digest: '@D1'\n"
    (problem,) = formats.find("values.yaml", full(text).encode()).problems
    assert (problem.line, problem.address) == (4, "image.digest")


def test_the_digest_of_an_image_among_named_ones_is_no_image_itself() -> None:
    found = formats.find(
        "values.yaml", full("images: {web: 'acme/a:v1', webDigest: D1}\n").encode()
    )
    assert found.problems == ()
    assert [(str(item.reference), item.digest) for item in found.occurrences] == [
        (f"acme/a:v1@{D1}", Digest(D1))
    ]


@pytest.mark.parametrize(
    "text",
    [
        "hub: docker.io/istio\npilot: {image: pilot, tag: v1}\n",
        "hub: docker.io/istio\npilot: {image: 'pilot:v1'}\n",
        "hub: docker.io/istio\na: {b: {image: {repository: pilot, tag: v1}}}\n",
        "global: {hub: docker.io/istio}\npilot: {image: pilot, tag: v1}\n",
        "a:\n  global: {hub: docker.io/istio}\n  pilot: {image: pilot, tag: v1}\n",
        '{"hub": "docker.io/istio", "pilot": {"image": "pilot", "tag": "v1"}}',
    ],
)
def test_a_word_below_a_hub_is_told_and_is_no_image_of_docker_hub(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert found.occurrences == ()
    (problem,) = found.problems
    assert "`hub: docker.io/istio`" in problem.message
    assert problem.image == "docker.io/istio/pilot"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hub: docker.io/istio\npilot: {image: acme/pilot, tag: v1}\n", "acme/pilot:v1"),
        ("a: {hub: docker.io/istio}\npilot: {image: pilot, tag: v1}\n", "pilot:v1"),
        ("a: {global: {hub: docker.io/istio}}\npilot: {image: pilot, tag: v1}\n", "pilot:v1"),
        ("hub: {image: 'acme/hub:v1'}\n", "acme/hub:v1"),
        ("hub: true\npilot: {image: pilot, tag: v1}\n", "pilot:v1"),
        ("hub: docker.io/istio\npilot: {hub: r.test/x, image: pilot, tag: v1}\n",
         "r.test/x/pilot:v1"),
        ("global: {hub: docker.io/istio}\npilot: {registry: r.test, image: pilot, tag: v1}\n",
         "r.test/pilot:v1"),
    ],
)  # fmt: skip
def test_a_hub_elsewhere_or_above_a_whole_name_changes_nothing(text: str, expected: str) -> None:
    (occurrence,) = formats.find("values.yaml", text.encode()).occurrences
    assert str(occurrence.reference) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("driver: {repository: nvcr.io/nvidia, image: driver, version: '550.1'}",
         "nvcr.io/nvidia/driver:550.1"),
        ("driver: {repository: nvcr.io/nvidia, image: driver, version: v1, tag: v2}",
         "nvcr.io/nvidia/driver:v2"),
        ("apiVersion: nvidia.com/v1\nkind: ClusterPolicy\n"
         "spec: {driver: {repository: nvcr.io/nvidia, image: driver, version: v1}}",
         "nvcr.io/nvidia/driver:v1"),
    ],
)  # fmt: skip
def test_a_version_below_a_folder_and_a_name_is_the_tag(text: str, expected: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert [str(item.reference) for item in found.occurrences] == [expected]
    assert found.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "a: {repository: acme/charts, image: driver, version: v1}",
        "a: {image: acme/driver, version: v1}",
    ],
)
def test_a_version_that_may_be_of_something_else_is_told(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert found.occurrences == ()
    assert "maybe its tag" in found.problems[0].message


_ABOVE = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        f'images: {{web: "acme/d:1"}}\ndigests: {{web: "{_ABOVE}"}}\n',
        f'images: ["acme/q:1"]\ndigests: ["{_ABOVE}"]\n',
        f'web: {{image: "acme/z:1"}}\nwebDigest: {_ABOVE}\n',
        f'web: {{image: acme/w, tag: "1"}}\ndigest: {_ABOVE}\n',
        f'web: {{image: {{repository: acme/a, tag: "1"}}}}\nwebDigest: {_ABOVE}\n',
    ],
)
def test_a_digest_above_a_whole_reference_or_two_levels_above_is_told(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert found.occurrences == ()
    assert [problem.line for problem in found.problems] == [2]
    assert "a digest stands above an image" in found.problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        f'web: {{image: "acme/z:1"}}\napiDigest: {_ABOVE}\napi: {{image: "acme/y:1@{_ABOVE}"}}\n',
        f'web: {{image: {{repository: acme/a, tag: "1"}}}}\ndigest: {_ABOVE}\n',
    ],
)
def test_a_digest_above_that_is_another_s_stops_no_image(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert "1" in [item.tag for item in found.occurrences]
