"""YAML in the text of a block scalar: what is read there, what is left alone, and what it costs."""

import pytest

from imagebot import edits, formats
from imagebot.model import Occurrence, Update

HEAD = "apiVersion: v1\nkind: ConfigMap\ndata:\n"


def find(text: str) -> formats.Found:
    return formats.find("app.yaml", text.encode())


def places(text: str) -> list[tuple[int, str, str]]:
    return [(item.line, item.address, item.format) for item in find(text).occurrences]


def test_an_image_in_a_block_scalar_is_told_with_its_line_and_both_key_paths() -> None:
    text = HEAD + "  a.yaml: |\n    # pods\n    spec:\n      image: acme/a:1\n"
    assert places(text) == [(7, 'data["a.yaml"].spec.image', "embedded-yaml")]


@pytest.mark.parametrize("header", ["|", "|-", "|+", "|2", "|-2  # text", "|  "])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_the_bytes_of_a_span_are_the_value(header: str, line_break: str) -> None:
    lines = ["a:", f"  ü: {header}", "    größe: {image: a/b:1}", "", "      ", "    image: a/c:1"]
    source = line_break.join(lines).encode()
    found = formats.find("a.yaml", source)
    assert [str(item.reference) for item in found.occurrences] == ["a/b:1", "a/c:1"]
    for item in found.occurrences:
        span = item.slots[0].span
        assert source[span.start : span.end] == span.written == item.slots[0].text.encode()


def test_a_value_in_a_block_scalar_is_quoted_where_its_own_yaml_needs_it() -> None:
    source = b"x: |\n  image: {repository: acme/a, tag: 1.9}\n"
    (occurrence,) = formats.find("a.yaml", source).occurrences
    assert changed(source, occurrence, "1.10") == source.replace(b"1.9", b'"1.10"')


def test_both_images_of_one_block_scalar_are_edited_together() -> None:
    source = b"x: |\n  a: {image: a/b:1}\n  c: {image: c/d:1}\n"
    found = formats.find("a.yaml", source)
    updates = [_update(item, "20") for item in found.occurrences]
    content = edits.rewrite("a.yaml", source, updates, formats.find).content
    assert content == b"x: |\n  a: {image: a/b:20}\n  c: {image: c/d:20}\n"


def changed(source: bytes, occurrence: Occurrence, tag: str, file: str = "a.yaml") -> bytes:
    wanted = [_update(occurrence, tag)]
    return edits.rewrite(file, source, wanted, formats.find).content


def _update(occurrence: Occurrence, tag: str) -> Update:
    assert occurrence.reference is not None
    return Update(occurrence, occurrence.reference, tag, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "x: |\n  image: nginx:1.27 is what we ran, do not edit\n",
        "x: |\n  set -e\n  echo image: acme/a:1\n",
        "x: |\n  {{- if .x }}\n  image: acme/a:1\n  {{- end }}\n",
        "x: |\n  image: acme/a:1\n  a: [\n",
        "x: |\n  image: acme/a:1 and\n  more\n",
        "description: |\n  image: acme/a:1\n",
        "kubectl.kubernetes.io/last-applied-configuration: |\n  image: acme/a:1\n",
        "x: >\n  image: acme/a:1\n",
        'x: "image: acme/a:1"\n',
        "? |\n  image: acme/a:1\n: x\n",
        "x: |\n  kind: CustomResourceDefinition\n  spec: {image: a/a:1}\n",
        "kind: CustomResourceDefinition\nspec: |\n  image: acme/a:1\n",
        "x: |\n  apiVersion: imagebot.dev/v1alpha1\n  spec: {image: acme/a:1}\n",
    ],
)
def test_a_text_that_is_not_plainly_yaml_is_left_alone_without_a_word(text: str) -> None:
    assert find(text) == formats.Found()


def test_texts_are_read_three_deep_and_no_deeper() -> None:
    text = "a: |\n b: |\n  c: |\n   image: a/in:1\n   d: |\n    image: a/out:1\n"
    assert places(text) == [(4, "a.b.c.image", "embedded-yaml")]


def test_documents_in_a_block_scalar_are_read_each_as_its_own_kind() -> None:
    text = HEAD + (
        "  x: |\n    kind: Component\n    images: [{name: a, newTag: v1}]\n    ---\n"
        "    apiVersion: v1\n    kind: Pod\n    spec: {containers: [{image: nginx}]}\n"
    )
    assert places(text) == [
        (6, "data.x.images[0]", "embedded-yaml"),
        (10, "data.x.spec.containers[0].image", "embedded-yaml"),
    ]


def test_a_text_in_a_kustomization_is_no_kustomization_by_the_files_name() -> None:
    source = b"x: |\n  images:\n  - name: a\n    newTag: v1\n"
    assert formats.find("kustomization.yaml", source).occurrences == ()


def test_the_aliases_of_a_block_scalar_are_told_for_what_it_holds() -> None:
    text = "a: &a |\n  image: a/b:1\n  own: x  # imagebot: c:tag\nb: *a\nc: &c {d: [*a]}\ne: *c\n"
    assert [item.aliases for item in find(text).occurrences] == [(4, 5, 6), (4, 5, 6)]


def test_a_marker_in_a_block_scalar_names_the_value_on_its_line() -> None:
    text = (
        "outer: 1  # imagebot: outer:tag\nx: |\n  image: a/b:1  # imagebot: b\n"
        "  version: '2'  # imagebot: c\n  deeper: |\n    tag: '3'  # imagebot: d\n"
        "y: '4'  # imagebot: e:tag\n"
    )
    marked = [
        (item.address, item.marker.policy, item.marker.line)
        for item in find(text).occurrences
        if item.marker
    ]
    assert marked == [
        ("outer", "outer", 1),
        ("x.image", "b", 3),
        ("x.version", "c", 4),
        ("x.deeper.tag", "d", 6),
        ("y", "e", 7),
    ]


def test_a_marker_that_cannot_work_in_a_block_scalar_is_an_error_with_its_place() -> None:
    (problem,) = find("x: |\n  a: {b: c, d: e}  # imagebot: b\n").problems
    assert (problem.where(), problem.is_warning) == ("app.yaml:2:20", False)


def test_a_marker_in_a_script_is_told_as_before() -> None:
    (problem,) = find("x: |\n  set -e\n  a: b # imagebot: api\n  x\n").problems
    assert "text block" in problem.message


def test_values_of_embedded_texts_count_towards_the_limit_of_the_file() -> None:
    block = b"x: |\n  image: a/b:1\n  y: [" + b"1," * 200_000 + b"]\n"
    assert len(formats.find("a.yaml", block).occurrences) == 1
    found = formats.find("a.yaml", block + b"z" + block)
    assert [item.line for item in found.occurrences] == [2]
    assert [(item.line, "values in the file" in item.message) for item in found.problems] == [
        (6, True)
    ]


OPERATION = '{"op": "replace", "path": "/spec/containers/0/image", "value": "acme/a:v1"}'
LINES = OPERATION.replace(", ", ",\n      ")
KUSTOMIZATION = "kind: Kustomization\npatches:\n- patch: "


@pytest.mark.parametrize(
    "patch",
    [
        f"'[{OPERATION}]'",
        f"'[{LINES}]'",
        f">-\n    [{LINES}]",
        f">\r\n    [{OPERATION}]",
        f'\'[{{"op": "test", "path": "/it\'\'s/größe", "value": 1}}, {OPERATION}]\'',
        "\"[{op: replace, path: /spec/containers/0/image, value: 'acme/a:v1'}]\"",
        "'[{op: add, path: /spec/containers/-, value: {image: acme/a:v1}}]'",
    ],
)
def test_a_json_patch_in_a_quoted_or_folded_text_is_edited_in_place(patch: str) -> None:
    source = (KUSTOMIZATION + patch + "\n").encode()
    (occurrence,) = formats.find("kustomization.yaml", source).occurrences
    assert occurrence.tag == "v1"
    assert changed(source, occurrence, "v22") == source.replace(b"v1", b"v22")


def test_an_image_between_escaped_quotes_is_edited_there() -> None:
    escaped = f"[{OPERATION}]".replace('"', '\\"')
    source = f'{KUSTOMIZATION}"{escaped}"\n'.encode()
    (occurrence,) = formats.find("a.yaml", source).occurrences
    assert occurrence.address == "patches[0].patch[0].value"
    assert changed(source, occurrence, "v2") == source.replace(b":v1", b":v2")


@pytest.mark.parametrize("escape", ["\\x61", "\\u0061", "\\U00000061", "a\\\n    "])
def test_an_image_with_an_escape_in_it_is_told_and_its_neighbour_is_edited(escape: str) -> None:
    source = f'x: "[{{image: acme/{escape}:1}},\n  {{image: acme/b:1}}]"\n'.encode()
    found = formats.find("a.yaml", source)
    assert [item.address for item in found.occurrences] == ["x[1].image"]
    assert [problem.address for problem in found.problems] == ["x[0].image"]
    assert "with escapes" in found.problems[0].message
    assert changed(source, found.occurrences[0], "2") == source.replace(b"b:1", b"b:2")


def test_a_quoted_text_that_cannot_be_laid_beside_its_bytes_is_reported() -> None:
    found = find(KUSTOMIZATION + '"[ {image: acme/a:1, path: /image, x: \\e} ]"\n')
    assert [problem.address for problem in found.problems] == ["patches[0].patch"]
    assert "cannot be read as it is written" in found.problems[0].message


def test_an_image_folded_in_two_is_told() -> None:
    found = find("kind: Pod\nspec: {image: acme/\n  api:1.0, other: {image: see the docs}}\n")
    assert [problem.line for problem in found.problems] == [2]


def test_json_in_json_in_json_is_told() -> None:
    found = find('spec:\n  a: "{\\"b\\": \\"{\\\\\\"image\\\\\\": \\\\\\"acme/a:1\\\\\\"}\\"}"\n')
    assert [problem.address for problem in found.problems] == ["spec.a.b"]


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_a_block_whose_lines_cannot_be_told_apart_is_reported(separator: str) -> None:
    found = find(f"{HEAD}  a.yaml: |\n    image: acme/api:1.0  # a{separator}    b\n")
    assert found.occurrences == ()
    (problem,) = found.problems
    assert "cannot be read as it is written" in problem.message
    assert "U+2028" in problem.hint


@pytest.mark.parametrize(
    "place", ["metadata: {annotations: {a: X}}", "spec: {containers: [{args: [X]}]}"]
)
def test_json_in_annotations_and_arguments_is_left_alone(place: str) -> None:
    json = '\'{"image": "acme/a:v1"}\''
    text = f"apiVersion: v1\nkind: Pod\n{place.replace('X', json)}\n"
    assert find(text) == formats.finding.NOTHING


def test_a_block_in_an_annotation_is_read_for_markers_only() -> None:
    block = "    a: |\n      image: acme/a:1  # imagebot: a\n      other: {image: acme/b:1}\n"
    found = find(f"apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n{block}")
    assert [str(item.reference) for item in found.occurrences] == ["acme/a:1"]


@pytest.mark.parametrize("header", ["|\n    ", "'"])
def test_json_in_a_text_stays_json(header: str) -> None:
    json_text = '{"image": {"repository": "acme/api", "tag": 1.5}, "n": null}'
    source = f"{HEAD}  a.json: {header}{json_text}{header[:1].strip('|')}\n".encode()
    (occurrence,) = formats.find("a.yaml", source).occurrences
    assert changed(source, occurrence, "2.10") == source.replace(b"1.5", b'"2.10"')
    assert changed(source, occurrence, "v2") == source.replace(b"1.5", b'"v2"')


def test_json_in_a_text_that_yaml_cannot_read_is_told() -> None:
    found = find(HEAD + '  a.json: |\n    {"image": "acme/a:1",\n     "e": "\\ud83d\\ude00"}\n')
    assert found.occurrences == ()
    assert [(problem.line, problem.address) for problem in found.problems] == [
        (6, 'data["a.json"]')
    ]


@pytest.mark.parametrize("tag", ["null", "1.5"])
@pytest.mark.parametrize("file", ["a.yaml", "a.json"])
def test_json_in_double_quotes_stays_json(file: str, tag: str) -> None:
    inner = '{"image": {"repository": "acme/api", "tag": TAG}, "n": null}'.replace('"', '\\"')
    source = '{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a.json": "INNER"}}'
    text = source.replace("INNER", inner)
    found = formats.find(file, text.replace("TAG", tag).encode())
    (occurrence,) = found.occurrences
    after = changed(text.replace("TAG", tag).encode(), occurrence, "2.10", file)
    assert after == text.replace("TAG", '\\"2.10\\"').encode()


@pytest.mark.parametrize(
    ("line", "is_error"),
    [
        ("docker run ghcr.io/acme/x:1  # imagebot: api", True),
        ("echo hello   # imagebot: nobody", True),
        ("# imagebot: api", True),
        ("echo 'ä'  # imagebot: api:part", True),
        ('docker run a/b:1  # {"$imagepolicy": "ns:api"}', True),
        ("const image = 'a/b:1';  // imagebot: api", True),
        ("# see imagebot: api in the handbook", False),
        ("the bot, imagebot: a tool for images", False),
        ('write {"$imagepolicy": "ns:api"} behind it', False),
    ],
)
def test_a_marker_in_a_text_that_is_no_yaml_is_an_error_at_its_line_and_prose_is_not(
    line: str, is_error: bool
) -> None:
    text = "kind: ConfigMap\napiVersion: v1\ndata:\n  run.sh: |\n    #!/bin/sh\n"
    text += f"    {line}\n    exit\n"
    found = formats.find("app.yaml", text.encode())
    (problem,) = found.problems
    assert (problem.line, problem.is_warning) == (6, not is_error)
    assert "text block" in problem.message
    assert found.occurrences == ()


def test_a_marker_that_ignores_a_line_of_a_text_is_no_error() -> None:
    text = "kind: ConfigMap\napiVersion: v1\ndata:\n  run.sh: |\n    #!/bin/sh\n"
    text += "    docker run a/b:1   # imagebot: ignore\n    exit\n"
    assert formats.find("app.yaml", text.encode()) == formats.Found()


def test_a_text_four_deep_that_may_name_an_image_is_told() -> None:
    def nested(depth: int, text: str = "image: acme/a:v1\n") -> str:
        for _ in range(depth):
            text = "x: |\n" + "".join(f"  {line}\n" for line in text.splitlines())
        return text

    three = formats.find("a.yaml", nested(3).encode())
    assert (len(three.occurrences), three.problems) == (1, ())
    four = formats.find("a.yaml", nested(4).encode())
    assert four.occurrences == ()
    assert [problem.line for problem in four.problems] == [4]
    assert formats.find("a.yaml", nested(4, "other: text\n").encode()) == formats.Found()
