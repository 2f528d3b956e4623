"""Spans, sections, lines and limits of the YAML reader."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from imagebot import yaml_nodes, yaml_scalars, yaml_spans
from imagebot.yaml_nodes import Collection, Scalar, Section
from imagebot.yaml_places import Lines


def read_all(source: bytes) -> list[yaml_nodes.Reading]:
    return [yaml_spans.read(source, section) for section in yaml_spans.sections(source)]


def texts(source: bytes) -> list[bytes]:
    return [source[section.start : section.end] for section in yaml_spans.sections(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"", [b""]),
        (b"a: 1\n---\nb: 2\n", [b"a: 1\n", b"---\nb: 2\n"]),
        (b"---\na: 1\n--- # c\nb: 2", [b"---\na: 1\n", b"--- # c\nb: 2"]),
        (b"a: 1\r\n---\r\nb: 2\r\n", [b"a: 1\r\n", b"---\r\nb: 2\r\n"]),
        (b"a: 1\n---", [b"a: 1\n", b"---"]),
        (b"a: |\n  ---\n---a: 1\n", [b"a: |\n  ---\n---a: 1\n"]),
        (b"\xef\xbb\xbfa: 1\n", [b"a: 1\n"]),
        (
            b"a: 1\n...\n# note\n%YAML 1.1\n---\nb: 2\n",
            [b"a: 1\n...\n# note\n", b"%YAML 1.1\n---\nb: 2\n"],
        ),
        (b"%YAML 1.1\n---\nb: 2\n---\nc: 3\n", [b"%YAML 1.1\n---\nb: 2\n", b"---\nc: 3\n"]),
    ],
)
def test_a_file_is_split_where_a_document_begins(source: bytes, expected: list[bytes]) -> None:
    assert texts(source) == expected


def test_a_tag_directive_is_kept_with_the_document_it_introduces() -> None:
    source = b"a: 1\n...\n%TAG !e! tag:example.test,2000:\n---\nb: !e!x y\n"
    assert [reading.broken for reading in read_all(source)] == [None, None]


def test_a_scalar_is_found_by_its_bytes_behind_text_that_is_not_ascii() -> None:
    source = "# 日本 🚀\n".encode() * 500 + "ключ: value\n".encode()
    (reading,) = read_all(source)
    root = reading.documents[0].root
    assert isinstance(root, Collection)
    value = root.children[1]
    assert isinstance(value, Scalar)
    document = reading.documents[0]
    assert source[document.byte_offset(value.start) : document.byte_offset(value.end)] == b"value"


def test_a_fault_names_the_byte_where_it_shows_and_spares_the_neighbours() -> None:
    source = b"a: 1\n---\nb: [\n---\nc: 3\n"
    first, second, third = read_all(source)
    assert first.broken is None
    assert third.broken is None
    assert second.broken is not None
    assert Lines(source).number(second.broken.offset) in (3, 4)


def test_bytes_that_are_not_utf8_are_a_fault_of_their_document_only() -> None:
    source = b"a: 1\n---\nb: \xff\n---\nc: 3\n"
    faults = [reading.broken for reading in read_all(source)]
    assert [fault is not None for fault in faults] == [False, True, False]
    assert faults[1] is not None
    assert faults[1].offset == source.index(b"\xff")


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (b"a: " + b"[" * 10_000, "deep"),
        (b"a: " + b"{a: " * 10_000, "deep"),
        (b"- " * 10_000, "deep"),
        (b"a: [" + b"1," * (yaml_spans.MAX_NODES + 10) + b"]", "values"),
        (b"--- a\r" * (yaml_spans.MAX_DOCUMENTS + 10), "documents"),
    ],
    ids=["brackets", "braces", "dashes", "nodes", "documents"],
)
def test_reading_stops_at_a_limit(source: bytes, word: str) -> None:
    reading = yaml_spans.read(source, Section(0, len(source)))
    assert reading.broken is not None
    assert word in reading.broken.cause


def test_an_alias_as_a_key_is_the_text_that_it_stands_for() -> None:
    (reading,) = read_all(b"a: &k image\nb: {*k : *k, *k : x}\n")
    (document,) = reading.documents
    assert isinstance(document.root, yaml_nodes.Collection)
    below = document.root.children[3]
    assert isinstance(below, yaml_nodes.Collection)
    keys = [key for key, _ in below.pairs()]
    assert [(type(key).__name__, getattr(key, "text", "")) for key in keys] == [
        ("Scalar", "image"),
        ("Scalar", "image"),
    ]
    assert [type(value).__name__ for _, value in below.pairs()] == ["Alias", "Scalar"]
    assert [len(places) for places in document.aliases.values()] == [3]


def test_an_alias_bomb_stays_as_small_as_it_is_written() -> None:
    levels = ["a0: &a0 [x, x]"] + [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 40)
    ]
    reading = yaml_spans.read(("\n".join(levels)).encode(), Section(0, len("\n".join(levels))))
    assert reading.broken is None
    assert reading.node_count < 1_000


def test_an_anchor_may_be_used_again_for_another_value() -> None:
    source = b"a: &x 1\nb: *x\nc: &x 2\nd: *x\n"
    (reading,) = read_all(source)
    root = reading.documents[0].root
    assert isinstance(root, Collection)
    aliased = [child.target.text for child in root.children if isinstance(child, yaml_nodes.Alias)]
    assert aliased == ["1", "2"]


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n", b"\r"])
def test_lines_are_counted_as_an_editor_does(line_break: bytes) -> None:
    source = line_break.join([b"\xef\xbb\xbfone", "zwölf: x".encode(), b"", b"last"])
    lines = Lines(source)
    assert lines.number(0) == 1
    assert lines.column(source.index(b"one")) == 1
    assert lines.number(source.index(b"x")) == 2
    assert lines.column(source.index(b"x")) == 8
    assert lines.number(source.index(b"last")) == 4
    assert source[slice(*lines.bounds(4))] == b"last"


def string_in_both_versions(text: str) -> bool:
    old = yaml.safe_load(f"- {text}\n")
    new = YAML(typ="safe", pure=True).load(f"- {text}\n")
    return bool(old == [text] and new == [text])


NOT_STRINGS = """
1.10 1e3 20240101 yes No on OFF y n 0x1f 0o17 017 08 1_000 12:30 1:30:00 null ~ true .5 5. 1.5e3
-1 +1 .inf .NaN 2024-01-01 2001-1-2 <<
"""


@pytest.mark.parametrize("text", NOT_STRINGS.split())
def test_what_reads_as_another_type_may_not_be_plain(text: str) -> None:
    assert not yaml_scalars.can_be_plain(text, in_flow=False)


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "v1",
        "latest",
        "1.10-alpine",
        "nginx:1.27",
        "a/b:1@sha256:00",
        "e3",
        "_1",
        "1.2.3_4",
    ],
)
def test_what_reads_as_a_string_may_be_plain(text: str) -> None:
    assert yaml_scalars.can_be_plain(text, in_flow=True)


@pytest.mark.parametrize(
    "text", ["", "a: b", "a #b", "@a", "[::1]:5000/a", "*a", " a", "a:", "---"]
)
def test_what_yaml_would_take_for_syntax_may_not_be_plain(text: str) -> None:
    assert not yaml_scalars.can_be_plain(text, in_flow=False)


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,12}", fullmatch=True))
def test_a_text_that_may_be_plain_is_read_back_by_both_versions(text: str) -> None:
    if yaml_scalars.can_be_plain(text, in_flow=False):
        assert string_in_both_versions(text)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(source: bytes) -> None:
    for reading in read_all(source):
        assert reading.node_count >= 0


def test_an_alias_of_nothing_breaks_its_document_as_it_does_for_every_loader() -> None:
    source = b"a: &x 1\nb: *x\n---\nc: *x\n"
    first, second = read_all(source)
    assert first.broken is None
    assert not second.documents
    offset = source.rindex(b"*x")
    assert second.broken == yaml_nodes.Broken(offset, "the alias *x names no anchor")
