"""A digest that is written apart from its image: it moves with it, or neither does."""

import pytest

from imagebot import edits, formats
from imagebot.errors import StaleEdit
from imagebot.image import Digest, parse
from imagebot.model import Occurrence, Update

D1 = "sha256:" + "1a" * 32
D2 = Digest("sha256:" + "2b" * 32)
S1 = "sha512:" + "3c" * 64
S2 = Digest("sha512:" + "4d" * 64)


def update(occurrence: Occurrence, digest: Digest | None = D2) -> Update:
    return Update(occurrence, occurrence.reference or parse("acme/a:v1"), "v2", digest, None)


def edited(file: str, text: str, digest: Digest | None = D2) -> str:
    source = text.encode()
    (occurrence,) = formats.find(file, source).occurrences
    return edits.rewrite(file, source, [update(occurrence, digest)], formats.find).content.decode()


APART = {
    "a reference and a digest in one mapping": (
        "a.yaml",
        f"a:\n  ref: acme/a:v1   # imagebot: x\n  dig: {D1}   # imagebot: x:digest\n",
    ),
    "an image and a digest under a key that may mean anything": (
        "a.yaml",
        f"kind: Pod\nimage: acme/a:v1   # imagebot: x\npin: {D1}   # imagebot: x:digest\n",
    ),
    "a tag and a digest in two mappings": (
        "a.yaml",
        f"a:\n  t: v1   # imagebot: x:tag\nb:\n  dig: {D1}   # imagebot: x:digest\n",
    ),
    "a container and a digest elsewhere": (
        "a.yaml",
        f"kind: Pod\nmetadata: {{annotations: {{\n  a: '{D1}'   # imagebot: x:digest\n}}}}\n"
        "spec: {containers: [{image: acme/a:v1}]}   # imagebot: x\n",
    ),
    "two lines of a script": (
        "a.env",
        f"IMAGE=acme/a:v1   # imagebot: x\n\nDIGEST={D1} # imagebot: x:digest\n",
    ),
    "a digest in front of its tag": (
        "a.env",
        f"DIGEST={D1} # imagebot: x:digest\nTAG=v1   # imagebot: x:tag\n",
    ),
}


@pytest.mark.parametrize("case", APART)
def test_a_digest_with_a_marker_of_its_own_moves_with_its_image(case: str) -> None:
    file, text = APART[case]
    assert edited(file, text) == text.replace("v1", "v2").replace(D1, str(D2))


def test_a_digest_that_may_belong_to_one_of_two_images_stops_both() -> None:
    text = (
        "a: acme/a:v1   # imagebot: x\nb: acme/a:v2   # imagebot: x\n"
        f"c: {{d: '{D1}'}}   # imagebot: x:digest\n"
    )
    found = formats.find("a.yaml", text.encode())
    assert not found.occurrences
    (problem,) = found.problems
    assert (problem.line, problem.is_warning) == (3, False)
    assert "may belong to each of 2 images" in problem.message


def test_a_second_digest_of_an_image_that_holds_one_stops_both() -> None:
    text = f"a: acme/a:v1@{D1}   # imagebot: x\nb: {{d: '{D1}'}}   # imagebot: x:digest\n"
    found = formats.find("a.yaml", text.encode())
    assert not found.occurrences
    assert [problem.line for problem in found.problems] == [2]


def test_digests_of_two_policies_and_one_alone_stay_apart() -> None:
    text = f"a: acme/a:v1   # imagebot: x\nb: {{d: '{D1}'}}   # imagebot: y:digest\n"
    found = formats.find("a.yaml", text.encode())
    assert [len(item.slots) for item in found.occurrences] == [1, 1]
    assert not found.problems


@pytest.mark.parametrize(
    "text",
    [
        f"IMAGE=acme/a:v1   # imagebot: x\nIMAGE_DIGEST={D1}\n",
        f"TAG=v1   # imagebot: x:tag\n# the same\nDIGEST='{D1}'\n",
        f"DIGEST={D1}\nTAG=v1   # imagebot: x:tag\n",
        f"# imagebot: x:tag\nAPI_TAG=v1\nAPI_SHA: {D1}\n",
        f"API_TAG=v1  # imagebot: x:tag\nDIGEST: {S1}\n",
        f"A=acme/a:v1@{D1}  # imagebot: x\nDIGEST: {D1}\n",
    ],
)
def test_a_digest_without_a_marker_on_a_line_beside_a_marked_one_stops_the_edit(text: str) -> None:
    found = formats.find("a.env", text.encode())
    assert not found.occurrences
    (problem,) = found.problems
    assert not problem.is_warning
    assert "a digest stands beside it" in problem.message


@pytest.mark.parametrize(
    "text",
    [
        f"API_TAG=v1   # imagebot: x:tag\nWEB_DIGEST={D1}\n",
        f"TAG=v1   # imagebot: x:tag\n\nDIGEST={D1}\n",
        f"TAG=v1   # imagebot: x:tag\nDIGEST={D1}  # imagebot: ignore\n",
        f"TAG=v1   # imagebot: x:tag\nOTHER=acme/b@{D1}\n",
    ],
)
def test_what_is_plainly_another_s_digest_stops_nothing(text: str) -> None:
    found = formats.find("a.env", text.encode())
    assert [item.tag for item in found.occurrences] == ["v1"]
    assert not found.problems


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.yaml", f"image: 'acme/a:v1@{S1}'\n"),
        ("values.yaml", f"image: {{repository: acme/a, tag: v1, digest: '{S1}'}}\n"),
        ("kustomization.yaml", f"images: [{{name: acme/a, newTag: v1, digest: '{S1}'}}]\n"),
    ],
)
def test_a_digest_keeps_its_algorithm(file: str, text: str) -> None:
    with pytest.raises(StaleEdit, match="sha512 digest is written here, and the new one is sha256"):
        edited(file, text)
    assert edited(file, text, S2) == text.replace("v1", "v2").replace(S1, str(S2))
    assert S1 not in edited(file, text, None)
