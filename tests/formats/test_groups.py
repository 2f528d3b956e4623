"""Groups: which keys make one image, which registry it has, and what an edit may touch."""

import pytest

from imagebot import edits, formats
from imagebot.errors import StaleEdit
from imagebot.image import Digest
from imagebot.model import Occurrence, Part, Update

D1 = Digest("sha256:" + "1a" * 32)
D2 = Digest("sha256:" + "2b" * 32)
HEX = D1.text.removeprefix("sha256:")


def find(text: str) -> tuple[Occurrence, ...]:
    return formats.find("values.yaml", text.encode()).occurrences


def written(text: str) -> list[str]:
    return [str(item.reference) for item in find(text)]


def changed(text: str, tag: str, digest: Digest | None = None, name: str | None = None) -> str:
    occurrence = find(text)[0]
    assert occurrence.reference is not None
    wanted = Update(occurrence, occurrence.reference, tag, digest, None, name)
    source = text.encode()
    return edits.rewrite("values.yaml", source, [wanted], formats.find).content.decode()


@pytest.mark.parametrize(
    "text",
    [
        "image: {repository: acme/a, tag: v1}",
        "a: {image: {name: acme/a, tag: v1}}",
        "sidecarImage: {repo: acme/a, version: v1}",
        "image: {name: acme/a, version: v1}",
        "images: {a: {name: acme/a, tag: v1}}",
        "images: [{name: acme/a, tag: v1}]",
        "images: {a: 'acme/a:v1'}",
        "a: {imageRepository: acme/a, imageTag: v1}",
        "a: {sideImageTag: v1, sideImageRepository: acme/a}",
        "a: {image: acme/a, imageTag: v1}",
        "a: {imageName: acme/a, imageTag: v1}",
        "a: {imageName: 'acme/a:v1'}",
        "a: {imageRepository: acme/a, tag: x, imageTag: v1}",
        "a: {image: acme/a, imageVersion: v1}",
        "a: {sidecarImage: acme/a, sidecarImageVersion: v1, version: v2}",
        "a: {image_name: acme/a, image_tag: v1}",
        "a: {image-name: acme/a, image-tag: v1}",
        "a: {image-repository: acme/a, image-tag: v1}",
        "a: {my-image: acme/a, my-image-tag: v1}",
        "a: {imageRepo: acme/a, imageTag: v1}",
        "a: {IMAGE: acme/a, IMAGE_TAG: v1}",
        "a: {WEB_IMAGE_REPOSITORY: acme/a, WEB_IMAGE_TAG: v1}",
        "a: {imageRef: acme/a, imageTag: v1}",
        "image: {path: acme/a, tag: v1}",
        "my-image: acme/a:v1",
        "imageRef: acme/a:v1",
        "imageReference: acme/a:v1",
        "web_image_uri: acme/a:v1",
        "imageUrl: acme/a:v1",
        "IMAGE: acme/a:v1",
        "env: {WEB_IMAGE: acme/a:v1}",
        "webImages: {a: 'acme/a:v1'}",
        "webImages: {a: {name: acme/a, tag: v1}}",
    ],
)
def test_the_usual_names_of_name_and_tag_make_one_image(text: str) -> None:
    assert written(text) == ["acme/a:v1"]
    assert changed(text, "v22") == text.replace("v1", "v22")


@pytest.mark.parametrize(
    "text",
    [
        "chart: {name: acme/a, version: v1}",
        "dependencies: [{name: a, repository: 'https://example.test/charts', version: 1.0.0}]",
        "images: [{name: a, version: v1}]",
        f"images: [{{name: acme/a, digest: '{D1}'}}]",
        "images: {pullPolicy: Always, a: logo}",
        "a: {imageRepository: acme/a}",
        "a: {imageTag: v1}",
        "image: {tag: v1}",
        "a: {name: acme/a, tag: v1}",
        "x-my-image: acme/a:v1",
        "x-webImages: {a: 'acme/a:v1'}",
        "imageUrl: https://example.test/a.png",
        "image: {path: images/front, version: v1}",
        "images: [{path: photos/front, tag: v1}]",
        "image: {path: ./front, tag: v1}",
        "IMAGE: acme/a",
        "damage: acme/a:v1",
    ],
)
def test_other_mappings_with_a_name_and_a_version_are_no_images(text: str) -> None:
    assert written(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("global: {imageRegistry: r.test}\nimage: {repository: a/b, tag: v1}", "r.test/a/b:v1"),
        ("image: {repository: a, tag: v1}\nglobal: {imageRegistry: r.test/x}", "r.test/x/a:v1"),
        (
            "global: {imageRegistry: r.test}\nimage: {registry: q.test, repository: a, tag: v1}",
            "r.test/a:v1",
        ),
        (
            "global: {image: {registry: r.test}}\n"
            "a: {image: {registry: '', repository: a, tag: v1}}",
            "r.test/a:v1",
        ),
        ("global: {imageRegistry: ''}\nimage: {registry: q.test, repository: a, tag: v1}",
         "q.test/a:v1"),
        ("global: {imageRegistry: r.test}\nimage: {repository: q.test/a, tag: v1}", "q.test/a:v1"),
        ("b: {global: {imageRegistry: r.test}}\nimage: {repository: a/b, tag: v1}", "a/b:v1"),
        (
            "global: {imageRegistry: r.test}\nb:\n  global: {imageRegistry: q.test}\n"
            "  image: {repository: a, tag: v1}",
            "r.test/a:v1",
        ),
        ("global: {imageRegistry: r.test}\na: {imageRepository: a/b, imageTag: v1}",
         "r.test/a/b:v1"),
    ],
)  # fmt: skip
def test_the_registry_of_a_group_is_joined_as_the_chart_joins_it(text: str, expected: str) -> None:
    assert written(text) == [expected]
    assert changed(text, "v22") == text.replace("v1", "v22")


def test_a_new_name_in_another_registry_is_refused_where_the_registry_is_shared() -> None:
    text = (
        "global: {imageRegistry: r.test}\na: {image: {repository: a, tag: v1}}\n"
        "b: {image: {repository: b, tag: v1}}\n"
    )
    assert changed(text, "v1", name="r.test/c") == text.replace("repository: a", "repository: c")
    with pytest.raises(StaleEdit):
        changed(text, "v1", name="q.test/a")


@pytest.mark.parametrize(
    ("sha", "digest", "after"),
    [
        (HEX, D2, D2.text.removeprefix("sha256:")),
        (HEX, None, '""'),
        ('""', D2, f'"{D2.text.removeprefix("sha256:")}"'),
        ('""', None, '""'),
        (D1.text, D2, D2.text),
    ],
)
def test_a_sha_beside_a_tag_never_stays_behind_it(
    sha: str, digest: Digest | None, after: str
) -> None:
    text = "image:\n  repository: acme/a\n  tag: v1\n  sha: {}\n"
    assert changed(text.format(sha), "v2", digest) == text.replace("v1", "v2").format(after)


def test_a_sha_is_read_as_the_digest_of_its_image() -> None:
    (occurrence,) = find(f"image: {{repository: acme/a, tag: v1, sha: {HEX}}}")
    assert occurrence.digest == D1
    assert occurrence.slot(Part.DIGEST_HEX) is not None


def test_two_images_that_share_a_tag_by_text_are_edited_apart() -> None:
    text = "a: {repository: acme/a, tag: v1}\nb: {repository: acme/b, tag: v1}\n"
    assert changed(text, "v2") == text.replace("v1", "v2", 1)


def test_the_same_image_under_two_names_is_one_image_repository() -> None:
    text = (
        "a: {image: nginx:1}\nb: {image: docker.io/library/nginx:1}\nc: {image: m.test/nginx:1}\n"
    )
    repositories = [item.reference.repository for item in find(text) if item.reference]
    assert [str(each) for each in repositories] == [
        "docker.io/library/nginx",
        "docker.io/library/nginx",
        "m.test/nginx",
    ]
    assert changed(text, "2") == text.replace("nginx:1", "nginx:2", 1)


def test_a_word_in_the_values_of_a_kubernetes_object_needs_a_tag_or_a_path() -> None:
    head = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {image: %s}}"
    assert written(head % "logo") == []
    assert written(head % "acme/a") == ["acme/a"]


@pytest.mark.parametrize(
    "text",
    [
        "a: {image: acme/a, version: v1}",
        "a: {image: nginx, version: 1.27.0}",
        "apiVersion: acme.dev/v1\nkind: Proxy\nspec: {image: acme/a, version: v1}",
    ],
)
def test_a_version_beside_an_image_without_a_tag_is_told_and_neither_is_edited(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert not found.occurrences
    (problem,) = found.problems
    assert "stands beside an image without a tag, maybe its tag" in problem.message
    assert problem.address.endswith("version")


@pytest.mark.parametrize(
    "text",
    [
        "a: {image: 'acme/a:v1', version: v2}",
        "a: {image: acme/a, tag: v1, version: v2}",
        "a: {image: acme/a, imageVersion: v1, version: v2}",
    ],
)
def test_a_version_beside_an_image_with_a_tag_is_of_something_else(text: str) -> None:
    assert written(text) == ["acme/a:v1"]


def test_a_marker_decides_that_a_version_is_a_tag() -> None:
    text = "image: acme/a\nversion: v1  # imagebot: api\n"
    found = formats.find("values.yaml", text.encode())
    assert [(item.address, item.tag) for item in found.occurrences] == [("version", "v1")]
    assert not found.problems


@pytest.mark.parametrize(
    "text",
    [
        "a: {image: 'acme/a:v1', imageVersion: v2}",
        "image: {name: a, path: acme/a, tag: v1}",
        "image: {repository: acme, path: a, tag: v1}",
    ],
)
def test_two_versions_and_two_names_are_told(text: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert (len(found.occurrences), len(found.problems)) == (0, 1)


def test_less_usual_keys_of_other_objects_are_left_alone() -> None:
    head = "apiVersion: v1\nkind: ConfigMap\ndata: {%s: 'acme/a:v1'}"
    keys = ("IMAGE", "my-image", "imageRef", "image-name")
    assert [written(head % key) for key in keys] == [[]] * 4


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"image: {{repository: acme/a@sha256, tag: {'1a' * 32}}}", "image.repository"),
        ("agents: {image: {name: agent, tag: 7.47.0, repository: }}", "agents.image.name"),
        ("etcd: {imageRepository: registry.k8s.io, imageTag: 3.5.9-0}", "etcd.imageRepository"),
        (
            "{defaultImageRegistry: quay.io, defaultImageRepository: acme, defaultImageTag: v1}",
            "defaultImageRepository",
        ),
        (
            "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n"
            "dns: {imageRepository: registry.k8s.io/coredns, imageTag: v1.9}\n",
            "dns.imageTag",
        ),
    ],
)
def test_a_name_that_is_only_a_part_of_one_is_told_and_left_alone(text: str, address: str) -> None:
    found = formats.find("values.yaml", text.encode())
    assert found.occurrences == ()
    assert [problem.address for problem in found.problems] == [address]


@pytest.mark.parametrize(
    "text",
    [
        "aspectImage: '16:9'",
        "timeImage: '12:30'",
        "hostImage: my.test:8080",
        "aImage: localhost:5000",
        "image: localhost:8080",
        "image: 10.0.0.1:5000",
        "imageFormat: 'image/png:9'",
        "images: ['http:80', 'https:443']",
        "images: ['10.0.0.1:5000', 'localhost:5000']",
    ],
)
def test_two_numbers_and_a_host_with_its_port_are_no_images(text: str) -> None:
    assert formats.find("values.yaml", text.encode()) == formats.Found()


@pytest.mark.parametrize(
    "text",
    [
        "image: localhost:5000/a:1",
        "image: 10.0.0.1:5000/a:8080",
        "image: redis:6379",
        "image: '16:9'",
        "images: ['redis:80', 'httpd:80']",
        "webImage: images/png:1",
    ],
)
def test_a_name_that_only_resembles_an_address_is_an_image(text: str) -> None:
    assert formats.find("values.yaml", text.encode()).occurrences


def test_a_key_that_begins_with_the_word_holds_an_image_with_path_and_version() -> None:
    text = "imageK8S: acme/k8s:1.2\nimageEnvoyProxy: acme/envoy\nimageFit: a:b\nimageFormat: png\n"
    (found,) = formats.find("values.yaml", text.encode()).occurrences
    assert (found.address, str(found.reference)) == ("imageK8S", "acme/k8s:1.2")
    alone = formats.find("values.yaml", b"imageConsulDataplane: acme/dataplane:1.2\n")
    assert [str(item.reference) for item in alone.occurrences] == ["acme/dataplane:1.2"]
    pod = b"apiVersion: v1\nkind: Pod\nspec: {imageEnvoy: 'acme/envoy:1'}\n"
    assert formats.find("pod.yaml", pod) == formats.Found()


@pytest.mark.parametrize(
    "image",
    [
        "{registry: r.test, repository: acme/a, tag: v1}",
        "{registry: r.test, repository: 'acme/a:v1'}",
        "{registry: r.test, repository: 'acme/a@sha256:" + "1a" * 32 + "'}",
        "{repository: 'acme/a:v1'}",
    ],
)
def test_the_registry_of_global_is_joined_wherever_the_version_of_a_group_stands(
    image: str,
) -> None:
    text = f"global: {{imageRegistry: all.test}}\na: {{image: {image}}}\n"
    (found,) = formats.find("values.yaml", text.encode()).occurrences
    assert str(found.reference).startswith("all.test/acme/a")
