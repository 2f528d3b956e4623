"""Law 1 in the formats that have names and places of their own: each scalar style in each place."""

import json
import re
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imagebot import edits, formats, image
from imagebot.model import Found, Occurrence, Update
from tests.test_edit_laws import BOM, COMMENTS, STYLES, leaves, served, with_ends, with_tag
from tests.test_edits import TAGS, loaded

FLOW_STYLES = STYLES[:5]
PLACE = re.compile(r"<(?P<what>[rtd])(?P<flow>,?)>")  # reference, tag, docker:// and a reference


class Shape(NamedTuple):
    """A file of one format. `<r>` is a place for a reference, `<t>` for a tag; `<r,>` in flow."""

    file: str
    text: str


SHAPES = {
    "kubernetes": Shape(
        "app.yaml",
        "apiVersion: v1\nkind: Pod\nspec:\n  initContainers: [{name: a, image: <r,>}]\n"
        "  containers:\n  - name: b\n    image: <r>\n    args: ['no/no:1']\n",
    ),
    "compose": Shape(
        "compose.yaml",
        "services:\n  web:\n    image: <r>\n    labels: [acme/no:1, 'b']\n  db: {image: <r,>}\n"
        "  built: {build: ., image: 'acme/no:1'}\n",
    ),
    "gitlab-ci": Shape(
        ".gitlab-ci.yml",
        "default:\n  image:\n    name: <r>\n    entrypoint: ['']\ntest:\n  image: <r>\n"
        "  services:\n  - <r>\n  - {name: <r,>, alias: db}\n  script: [echo acme/no:1]\n",
    ),
    "github-actions": Shape(
        ".github/workflows/ci.yaml",
        "on: push\njobs:\n  test:\n    container: <r>\n    services: {db: {image: <r,>}}\n"
        "    steps:\n    - uses: <d>\n    - uses: actions/checkout@v4\n    - run: echo acme/no:1\n",
    ),
    "kustomize": Shape(
        "prod/kustomization.yaml",
        "resources: [../base]\nimages:\n- name: acme/n0\n  newTag: <t>\n"
        "- {name: n, newName: acme/n1, newTag: <t,>}\nlabels: {a: 'acme/no:1'}\n",
    ),
    "transformer": Shape(
        "image.yaml",
        "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: a}\nimageTag:\n"
        "  name: acme/n0\n  newTag: <t>\n",
    ),
    "json-patch": Shape(
        "patch.yaml",
        "- op: replace\n  path: /spec/template/spec/containers/0/image\n  value: <r>\n"
        "- {op: add, path: /spec/values/image/repository, value: acme/n1}\n"
        "- {op: add, path: /spec/values/image/tag, value: <t,>}\n",
    ),
    "flux": Shape(
        "release.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n"
        "    image:\n      repository: acme/n0\n      tag: <t>\n    sideImage: <r>\n"
        "    more: {image: {repository: acme/n2, tag: <t,>}, x: 'acme/no:1'}\n"
        "    images:\n    - <r>\n",
    ),
    "oci-repository": Shape(
        "source.yaml",
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n"
        "  url: oci://acme.test/n0\n  ref:\n    tag: <t>\n",
    ),
    "argocd": Shape(
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n"
        "      parameters:\n      - {name: image.repository, value: acme/n0}\n"
        "      - {name: image.tag, value: <t,>}\n      - name: side.image\n        value: <r>\n"
        "      valuesObject:\n        images: [<r,>, <r,>]\n"
        "      values: |\n        # text\n        sideImage: acme/n4:v1   # inner\n\n",
    ),
    "values": Shape(
        "values.yaml",
        "image:\n  repository: acme/n0\n  tag: <t>\nimages:\n- <r>\n- <r>\n"
        "web: {image_name: acme/n3, image_tag: <t,>}\nWEB_IMAGE: <r>\n"
        "job: {image: acme/n5, imageVersion: <t,>, version: 1.10}\n",
    ),
    "tekton": Shape(
        "task.yaml",
        "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n  - name: a\n    image: <r>\n"
        "  - {name: b, image: <r,>, script: echo acme/no:1}\n",
    ),
}  # fmt: skip


class Drawn(NamedTuple):
    """A file, and how many images stand in it."""

    source: bytes
    count: int


@st.composite
def files(draw: st.DrawFn, shape: Shape) -> Drawn:
    numbers = iter(range(100))

    def written(line: str, place: re.Match[str]) -> str:
        tag, number = draw(TAGS), next(numbers)
        styles = FLOW_STYLES if place["flow"] else STYLES
        what = {"t": tag, "r": f"acme/n{number}:{tag}", "d": f"docker://acme/n{number}:{tag}"}
        indent = " " * (len(line) - len(line.lstrip(" -")))
        return draw(st.sampled_from(styles)).format(what[place["what"]], n=number, i=indent)

    lines = []
    for line in shape.text.splitlines():
        own = PLACE.sub(lambda place, line=line: written(line, place), line)  # type: ignore[misc]
        first, *rest = own.split("\n")
        is_text = line.startswith("        ") and not PLACE.search(line)
        lines += [first + ("" if is_text else draw(COMMENTS)), *rest]
    count = len(PLACE.findall(shape.text)) + shape.text.count(":v1   # inner")
    return Drawn(with_ends(draw, "\n".join(lines) + "\n"), count)


def rewritten(
    file: str, source: bytes, found: Found, chosen: Occurrence, tag: str
) -> tuple[bytes, int]:
    """The file after an edit of one value and where that value stands; no other byte may differ."""
    reference = chosen.reference or image.parse("acme/policy")
    wanted = Update(chosen, reference, tag, chosen.digest, None)
    made = edits.rewrite(file, source, [wanted], formats.find)
    (edit,) = made.edits
    end = len(source) - edit.span.end
    assert made.content[: edit.span.start] == source[: edit.span.start]
    assert made.content[len(made.content) - end :] == source[edit.span.end :]
    after = formats.find(file, made.content).occurrences
    assert [item.address for item in after] == [item.address for item in found.occurrences]
    tags = [tag if item is chosen else item.tag for item in found.occurrences]
    assert [item.tag for item in after] == tags
    return made.content, edit.span.start


@pytest.mark.parametrize("name", SHAPES)
@given(st.data(), TAGS)
@settings(max_examples=40)
def test_an_edit_changes_one_value_and_no_other_byte_in_every_style(
    name: str, data: st.DataObject, tag: str
) -> None:
    shape = SHAPES[name]
    source, count = data.draw(files(shape))
    found = formats.find(shape.file, source)
    assert len(found.occurrences) == count
    assert not found.problems
    chosen = data.draw(st.sampled_from(found.occurrences))
    assume(chosen.tag not in (None, tag))
    content, start = rewritten(shape.file, source, found, chosen, tag)
    expected = leaves(loaded(source))
    paths = served(source, start)
    assert paths
    for path in paths:
        expected[path] = with_tag(expected[path], str(chosen.tag), tag)
    after = leaves(loaded(content))
    assert {path: repr(each) for path, each in after.items()} == {
        path: repr(each) for path, each in expected.items()
    }


@given(st.data(), TAGS, TAGS)
@settings(max_examples=40)
def test_an_edit_of_json_changes_one_value_and_no_other_byte(
    data: st.DataObject, before: str, tag: str
) -> None:
    tree: dict[str, Any] = {
        "größe": ["acme/no:1", 1.10, None],
        "image": {"repository": "acme/a", "tag": before},
        "sideImage": f"acme/b:{before}",
        "images": [f"acme/c:{before}"],
    }
    indent, is_ascii = data.draw(st.sampled_from([None, 1, 4])), data.draw(st.booleans())
    text = json.dumps(tree, indent=indent, ensure_ascii=is_ascii)
    source = with_ends(data.draw, text + "\n")
    found = formats.find("values.json", source)
    assert len(found.occurrences) == 3
    chosen = data.draw(st.sampled_from(found.occurrences))
    assume(before != tag)
    content, _ = rewritten("values.json", source, found, chosen, tag)
    after = json.loads(content.removeprefix(BOM))
    if chosen.address == "image.tag":
        tree["image"]["tag"] = tag
    elif chosen.address == "sideImage":
        tree["sideImage"] = f"acme/b:{tag}"
    else:
        tree["images"] = [f"acme/c:{tag}"]
    assert after == tree


@given(st.data(), TAGS, TAGS)
@settings(max_examples=40)
def test_an_edit_of_a_dockerfile_changes_one_word_and_no_other_byte(
    data: st.DataObject, before: str, tag: str
) -> None:
    places = [
        f"ARG VERSION={before}",
        "FROM acme/n0:${VERSION} AS one",
        f"from  acme/n1:{before}",
        f"COPY --from=acme/n2:{before} /a /b",
        f'RUN --mount=type=bind,from=acme/n3:{before} echo "acme/no:1"',
        "# acme/no:1",
    ]
    remarks = st.sampled_from(["", "# größe\n"])
    text = "".join(f"{place}\n{data.draw(remarks)}" for place in places)
    source = with_ends(data.draw, text, may_have_mark=False)
    found = formats.find("Dockerfile", source)
    assert len(found.occurrences) == 4
    chosen = data.draw(st.sampled_from(found.occurrences))
    assume(before != tag)
    content, start = rewritten("Dockerfile", source, found, chosen, tag)
    number = source.count(b"\n", 0, start)
    old, new = source.split(b"\n"), content.split(b"\n")
    assert len(old) == len(new)
    assert [at for at, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]] == [
        number
    ]
    assert new[number].split()[0] == old[number].split()[0]
