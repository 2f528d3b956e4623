"""YAML and JSON in the texts of a JSON file: the value's bytes are edited, or a text is told."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imagebot import edits, formats
from imagebot.model import Update


def config_map(text: str, key: str = "a.yaml", *, is_ascii: bool = True, indent: int = 0) -> bytes:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "data": {key: text}}
    return json.dumps(document, ensure_ascii=is_ascii, indent=indent or None).encode()


def changed(source: bytes, tag: str) -> bytes:
    (occurrence,) = formats.find("cm.json", source).occurrences
    assert occurrence.reference is not None
    update = Update(occurrence, occurrence.reference, tag, None, None)
    return edits.rewrite("cm.json", source, [update], formats.find).content


@pytest.mark.parametrize(
    "text",
    [
        "containers:\n  - name: r\n    image: acme/eight:1.0\n",
        "image: acme/nine:1.0",
        'image: "acme/nine:1.0"\n',
        "image:\n  repository: acme/nine\n  tag: '1.0'\n",
        '{"image": "acme/eleven:1.0"}',
        "# ü, 😀 and \\ \t\nimage: acme/nine:1.0  # 😀\n",
        "a/b: \"\\\\\"\r\nimage: acme/nine:1.0\r\nb: 'it''s'\r\n",
    ],
)
@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("indent", [0, 2])
def test_an_image_in_a_text_of_a_json_file_is_edited_at_its_bytes(
    text: str, is_ascii: bool, indent: int
) -> None:
    source = config_map(text, is_ascii=is_ascii, indent=indent)
    after = changed(source, "2.10")
    assert after == source.replace(b"1.0", b"2.10")
    assert json.loads(after)["data"]["a.yaml"] == text.replace("1.0", "2.10")


def test_a_tag_that_needs_quotes_gets_those_that_json_lets_stand() -> None:
    source = config_map("image: {repository: acme/nine, tag: 1.9}\n")
    assert changed(source, "1.10") == source.replace(b"1.9", b"'1.10'")


def test_values_of_an_application_in_json_are_edited() -> None:
    values = "image:\n  repository: acme/seven\n  tag: v1\n"
    source = json.dumps({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "spec": {"source": {"repoURL": "x", "path": "p", "helm": {"values": values}}},
    }).encode()  # fmt: skip
    (occurrence,) = formats.find("app.json", source).occurrences
    assert occurrence.address == "spec.source.helm.values.image.tag"
    assert changed(source, "v22") == source.replace(b"v1\\n", b"v22\\n")


def test_texts_of_a_list_in_json_are_read() -> None:
    item = json.loads(config_map("image: acme/nine:1.0\n"))
    source = json.dumps({"apiVersion": "v1", "kind": "List", "items": [item]}, indent=1).encode()
    (occurrence,) = formats.find("cm.json", source).occurrences
    assert (occurrence.line, occurrence.address) == (9, 'items[0].data["a.yaml"].image')


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ('"image: acme\\/nine:1.0"', 2),  # an escape inside the value
        ('"image: acme/n\\u0069ne:1.0"', 2),
        ('"x: \\ud800\\nimage: acme/nine:1.0"', 2),  # half a character
        (json.dumps("a: |\n  image: acme/nine:1.0\n"), 2),  # a block inside the text
        (json.dumps(json.dumps({"a": json.dumps({"image": "acme/nine:1.0"})})), 2),
        (json.dumps("image: acme/nine:1.0\n" + "#" * 100_000), 2),
    ],
)
def test_a_text_whose_bytes_are_not_the_value_is_told_with_its_line(
    written: str, line: int
) -> None:
    source = f'{{"apiVersion": "v1", "kind": "ConfigMap", "data": {{\n"a.yaml": {written}}}}}'
    found = formats.find("cm.json", source.encode())
    assert found.occurrences == ()
    assert [problem.line for problem in found.problems] == [line]
    assert "block" not in found.problems[0].hint


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("run.sh", "set -e\necho image: acme/a:1\n"),
        ("description", "image: acme/a:1\nb: 1\n"),
        ("a", "image: acme/a:1"),
        ("a.yaml", "apiVersion: imagebot.dev/v1alpha1\nspec: {image: acme/a:1}\n"),
        ("a.yaml", "kind: CustomResourceDefinition\nspec: {image: acme/a:1}\n"),
    ],
)
def test_a_text_that_is_left_alone_in_yaml_is_left_alone_in_json(key: str, text: str) -> None:
    assert formats.find("cm.json", config_map(text, key)) == formats.Found()


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abü😀\"\\/ '", min_size=1, max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    trees,
    st.booleans(),
    st.sampled_from([0, 2]),
    st.sampled_from([yaml.safe_dump, json.dumps]),
    st.sampled_from(["2", "1.25.10-alpine"]),
)
def test_law_1_an_edit_in_a_text_of_json_changes_the_value_and_nothing_else(
    rest: object, is_ascii: bool, indent: int, dump: Any, tag: str
) -> None:
    text = dump({"before": rest, "spec": {"image": "acme/api:1.9"}, "then": rest})
    source = config_map(text, is_ascii=is_ascii, indent=indent)
    found = formats.find("cm.json", source)
    if not found.occurrences:
        assert found.problems  # told where text and bytes cannot be laid side by side
        return
    after = changed(source, tag)
    assert after == source.replace(b"acme/api:1.9", b"acme/api:" + tag.encode())
    written, inner = json.loads(source), json.loads(after)["data"].pop("a.yaml")
    assert inner == text.replace("acme/api:1.9", f"acme/api:{tag}")
    assert {**json.loads(after), "data": 0} == {**written, "data": 0}
