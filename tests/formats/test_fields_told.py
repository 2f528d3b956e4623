"""What a policy's `fields` could not read or follow: always a line, never silence."""

from pathlib import Path

import pytest

from imagebot import formats
from imagebot.checkout import open_checkout
from imagebot.formats import field_places
from imagebot.formats.page import MAX_OCCURRENCES
from imagebot.model import Problem
from imagebot.policy.model import Field, Policy
from imagebot.survey import survey
from imagebot.yaml_spans import MAX_FILE_BYTES

POLICY = """apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: p, annotations: {config.kubernetes.io/local-config: "true"}}
spec:
  fields: [{path: a.v, part: tag, image: acme/a}]
"""
GOOD = b"a: {v: '1'}\n"


def problems(tmp_path: Path, file: str, source: bytes) -> tuple[Problem, ...]:
    """What is told of a file beside one in which the field means a value."""
    (tmp_path / "imagebot.yaml").write_text(POLICY)
    (tmp_path / "good.yaml").write_bytes(GOOD)
    (tmp_path / file).write_bytes(source)
    return survey(open_checkout(tmp_path)).problems


@pytest.mark.parametrize(
    ("file", "source", "line", "message"),
    [
        ("a.yaml", b"a:\n  v: '1\n", 3, "cannot be read as YAML"),
        ("a.yaml", b"x: {{ y }}z\n---\na:\n\tv: 1\n", 4, "cannot be read as YAML"),
        ("a.yaml", b"a: {v: '1'\n{{- end }}\n", 2, "a template, not YAML"),
        ("a.yaml", b"# \xff\na: {v: '1'}\n", 1, "is not UTF-8"),
        ("a.yaml", b"a: {v: '1\x00'}\n", 1, "NUL byte"),
        ("a.yaml", "a: {v: '1'}\n".encode("utf-16"), 1, "UTF-16"),
        ("a.yaml", b"---\n" * 2001 + GOOD, 0, "more than 2,000 documents"),
        ("a.yaml", b"a: {v: '1'}\nx: " + b"[" * 200 + b"]" * 200, 2, "nested more than 100 deep"),
        ("a.yaml", GOOD + b"# " + b"x" * MAX_FILE_BYTES, 1, "files above"),
        ("a.json", b'{"a": {"v": "1"}', 1, "cannot be read as JSON"),
        ("a.json", b'{"a": {"v": "1\x00"}}', 1, "NUL byte"),
        ("a.json", '{"a": {"v": "1"}}'.encode("utf-16"), 1, "UTF-16"),
        ("a.json", b'{"a": {"v": "1"}}' + b" " * MAX_FILE_BYTES, 1, "files above"),
        ("a.yaml", b"a: {v: {x: 1}}\n", 1, "leads to a mapping or list"),
        ("a.yaml", b"a: {v: ''}\na: {v: '{{ x }}'}\n", 2, "templated"),
        ("a.yaml", b"a: {v: '1 2'}\n", 1, "several words"),
        ("a.yaml", b'a:\n  v: "1.\\\n    0"\n', 2, "over several lines or with escapes"),
        ("a.yaml", b"a: {v: !!float 1.0}\n", 1, "YAML tag"),
        ("a.yaml", b"a: {v: &x '1'}\nb: *y\n", 2, "cannot be read as YAML"),
    ],
)
def test_a_file_in_which_a_field_cannot_be_looked_for_is_told_with_its_line(
    tmp_path: Path, file: str, source: bytes, line: int, message: str
) -> None:
    told = [each for each in problems(tmp_path, file, source) if each.file == file]
    assert [message in each.message for each in told] == [True], told
    assert line in (told[0].line, 0)


def test_a_broken_document_without_the_keys_of_a_field_is_not_told(tmp_path: Path) -> None:
    assert not problems(tmp_path, "a.yaml", b"b:\n\tw: 1\n")


def test_a_broken_document_that_holds_an_image_too_is_told_once(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "a.yaml", b"a:\n\tv: 1\nimage: acme/a:1\n")
    assert problem.line == 2


def test_the_file_s_other_values_are_found_beside_what_is_told(tmp_path: Path) -> None:
    source = b"a: {v: '2'}\n---\na: {v: '1'\n"
    assert len(problems(tmp_path, "a.yaml", source)) == 1
    found = survey(open_checkout(tmp_path)).occurrences
    assert [(item.file, item.tag) for item in found] == [("a.yaml", "2"), ("good.yaml", "1")]


def laid(path: str, document: str) -> formats.Found:
    policy = Policy("p", "imagebot.yaml", 1, fields=(Field(path, "tag", "acme/a"),))
    return formats.finder([policy])("a.yaml", document.encode())


def test_more_values_than_a_person_could_review_are_told_and_none_is_used() -> None:
    found = laid("x[*]", "x:\n" + "- '1'\n" * (MAX_OCCURRENCES + 2))
    assert not found.occurrences
    assert ["more than 10,000" in problem.message for problem in found.problems] == [True]


def test_an_address_that_leads_to_too_many_places_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_places, "_MAX_MATCHES", 2)
    found = laid("x[*].v", "x: [{v: '1'}, {v: '2'}, {v: '3'}]\n")
    (problem,) = found.problems
    assert "leads to more than 2 places" in problem.message
    assert not problem.is_warning


@pytest.mark.parametrize("path", ["b.v", "b.*", "..v"])
def test_a_field_follows_merge_keys_to_the_value_s_only_place(path: str) -> None:
    found = laid(path, "a: &a\n  v: '1'\nb:\n  <<: *a\n")
    assert [(item.line, item.aliases) for item in found.occurrences] == [(2, (4,))]


def test_what_a_mapping_says_itself_hides_what_it_merges() -> None:
    found = laid("b.v", "a: &a {v: '1'}\nc: &c {v: '3', w: '4'}\nb: {<<: [*a, *c], v: '2'}\n")
    assert [item.tag for item in found.occurrences] == ["2"]
    found = laid("b.v", "a: &a {v: '1'}\nc: &c {v: '3', w: '4'}\nb: {<<: [*a, *c]}\n")
    assert [item.tag for item in found.occurrences] == ["1"]


def test_a_mapping_that_merges_itself_ends() -> None:
    assert not laid("b.v", "b: &b\n  <<: *b\n").occurrences
