"""Small YAML documents as trees: what a scalar means, where it stands, and what is refused."""

import pytest

from imagebot.model import Problem
from imagebot.yaml_tree import Chunk, Node, parse, split


def tree(source: bytes) -> Node:
    root, problems = parse("x.yaml", Chunk(source, 1))
    assert not problems
    assert root
    return root


def problem(source: bytes, first_line: int = 1) -> Problem:
    root, problems = parse("x.yaml", Chunk(source, first_line))
    assert root is None
    (only,) = problems
    return only


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        ("yes", "yes"), ("on", "on"), ("true", True), ("False", False), ("~", None), ("", None),
        ("12", 12), ("1.10", 1.1), ("1e3", 1000.0), ("0x1F", 31), ("0o17", 15), ("1_000", "1_000"),
        ("2026-12-01", "2026-12-01"), ("'12'", "12"), ('"\\u00e9"', "é"), ("!!str 12", "12"),
        ("12:30", "12:30"), (".inf", float("inf")),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_yaml_1_2_says(written: str, meaning: object) -> None:
    assert tree(f"a: {written}\n".encode()).plain() == {"a": meaning}


def test_places_are_counted_in_characters_from_one() -> None:
    root = tree("\ufeffkey: &x [é, {b: 1}]\r\nother: *x\r\n".encode())
    assert (root.line, root.column) == (1, 1)
    inner = root.get("key")
    assert inner
    second = inner.get(1)
    assert second
    assert (second.line, second.column) == (1, 13)
    assert root.plain()["other"] == ("é", {"b": 1})


def test_numbers_remember_how_they_were_written() -> None:
    node = tree(b"a: 1.10\n").get("a")
    assert node
    assert node.written == "1.10"


def test_a_key_written_twice_is_told_with_both_lines() -> None:
    root, problems = parse("x.yaml", Chunk(b"a: 1\nb: 2\na: 3\n", 10))
    assert root
    assert root.plain() == {"a": 1, "b": 2}
    assert [(each.line, each.column) for each in problems] == [(12, 1)]
    assert "first on line 10" in problems[0].message


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"a: [1, 2\n", "not YAML"),
        (b"a: 'x\n", "not YAML"),
        (b"a: *b\n", "names no anchor"),
        (b"a: &a [*a]\n", "refers to itself"),
        (b"a: !!python/object:os.system x\n", "tag"),
        (b"a: !Ref x\n", "tag"),
        (b"<<: {a: 1}\n", "merge keys"),
        (b"[a]: 1\n", "a key must be a text"),
        (b"a: \xff\n", "not UTF-8"),
        (b"a: " + b"[" * 40 + b"]" * 40, "nested deeper"),
        (b"a: [" + b"x," * 30_000 + b"]", "more than"),
        (b"a: " + b"x" * (1 << 20), "larger than"),
        (b"a: " + b"9" * 400, "a: "),
        (b"a: \x00\n", "not YAML"),
        (b'a: "\\UFFFFFFFF"\n', "not YAML"),
    ],
)
def test_what_cannot_be_a_tree_is_one_problem(source: bytes, words: str) -> None:
    if words == "a: ":  # a number beyond any limit stays a text
        assert isinstance(tree(source).plain()["a"], str)
        return
    assert words in problem(source).message


def test_aliases_count_as_what_they_stand_for() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "aliases written out" in problem("\n".join(lines).encode()).message


def test_a_problem_is_placed_in_the_file_not_in_its_part() -> None:
    assert problem(b"---\na: [\n", first_line=20).line >= 21


def test_a_stream_is_cut_where_documents_begin() -> None:
    source = b"a: 1\r\n--- # two\nb: |\n ---\n...\n%YAML 1.2\n---\nc: 3\n---\n# nothing\n"
    parsed = [parse("x.yaml", chunk)[0] for chunk in split(source)]
    assert [root.plain() for root in parsed if root] == [{"a": 1}, {"b": "---\n"}, {"c": 3}]
    assert [root.line for root in parsed if root] == [1, 3, 8]


def test_documents_behind_lone_carriage_returns_are_refused_not_guessed() -> None:
    assert "cannot be told apart" in problem(b"a: 1\r---\rb: 2\r").message
