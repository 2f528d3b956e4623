"""JSON files: what is found, what is told, and what hostile ones cost."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot import edits, formats
from imagebot.formats import json_tree
from imagebot.model import Found, Update
from imagebot.yaml_nodes import Collection, Node, Scalar

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def find(text: str, file: str = "a.json") -> Found:
    return formats.find(file, text.encode())


def plain(node: Node) -> object:
    if isinstance(node, Collection):
        items = [plain(child) for child in node.children]
        return dict(zip(items[::2], items[1::2], strict=True)) if node.is_mapping else items
    assert isinstance(node, Scalar)
    return node.text if node.style else json.loads(node.text)


@given(values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_a_tree_says_what_python_s_own_reader_says(
    value: object, indent: int | str | None, is_ascii: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    text = text.encode(errors="replace").decode()
    reading = json_tree.read(text.encode())
    assert reading.broken is None
    assert plain(reading.documents[0].root) == json.loads(text)


@given(values)
def test_a_string_stands_where_the_tree_says(value: object) -> None:
    source = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    (document,) = json_tree.read(source).documents
    waiting = [document.root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Collection):
            waiting += node.children
        elif isinstance(node, Scalar) and node.style:
            begin, end = document.byte_offset(node.start), document.byte_offset(node.end)
            assert json.loads(source[begin:end]) == node.text


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"image": "a/b:1"', "the file ends inside a value"),
        ('{"image": 1, "b" 2}', "a colon is missing"),
        ('{"image": "a/b:1" "x": 1}', "a comma is missing"),
        ('{"image": a/b:1}', "a value is missing"),
        ('{image: "a/b:1"}', "a key in double quotes is missing"),
        ('["image":1]', "a comma is missing"),
        ('{"image": }', "an unexpected }"),
        ('{"image": "\\x"}', "a string has an escape that JSON does not have"),
        ('{"image": "a\nb"}', "a character that JSON does not have here"),
        ('{"image": {{ .x }}}', "a key in double quotes is missing"),
        ('{"image": 01}', "a value is missing"),
    ],
)
def test_what_is_no_json_is_told_once(text: str, cause: str) -> None:
    found = find(text)
    assert not found.occurrences
    assert [problem.message for problem in found.problems] == [f"cannot be read as JSON: {cause}"]


def test_a_file_without_an_image_key_is_not_even_read() -> None:
    assert find('{"name": ') == Found()


@pytest.mark.parametrize("file", ["package-lock.json", "x/package.json", "tsconfig.json"])
def test_files_of_other_tools_are_left_alone(file: str) -> None:
    assert find('{"image": "a/b:1"}', file) == Found()


def test_a_picture_is_no_image() -> None:
    assert find('{"image": "assets/logo", "b": {"image": "a.png"}}') == Found()


def test_a_value_with_escapes_is_told_and_not_edited() -> None:
    found = find('{"image": "a\\/b:1"}')
    assert not found.occurrences
    assert "escapes" in found.problems[0].message


def test_a_new_tag_never_stands_without_quotes() -> None:
    source = b'{"image": {"repository": "a/b", "tag": 15}}'
    (occurrence,) = formats.find("a.json", source).occurrences
    assert occurrence.reference
    for tag in ("16", "v16", "true"):
        wanted = Update(occurrence, occurrence.reference, tag, None, None)
        after = edits.rewrite("a.json", source, [wanted], formats.find).content
        assert json.loads(after)["image"]["tag"] == tag


@pytest.mark.parametrize(
    "source",
    [
        b'{"image":' * 500_000,
        b"[" * 2_000_000 + b'"image":',
        b'"image":' + b'"' * 1_000_000,
        b'{"image": "' + b"\\" * 3_000_000,
        b"/*" * 1_000_000 + b'"image":',
        b'{"image":1},' * 400_000,
        b"\xff" * 100 + b'"image":',
        b'"image": \0',
    ],
)
def test_a_hostile_file_costs_little(source: bytes) -> None:
    begun = time.process_time()
    found = formats.find("a.json", source)
    assert time.process_time() - begun < 5
    assert found.problems
