"""Files of public GitOps repositories: each image is edited byte-exactly, reported, or explained.

The checks are those of `make corpus`, in corpus.py; that they can fail is tested here, too.
"""

import os
from collections import Counter
from dataclasses import replace

import pytest
import yaml

from imagebot import edits, formats
from imagebot.model import Found, Problem, Span
from tests.formats import plain_search
from tests.formats.corpus import (
    CORPUS,
    LONGER,
    CannotLoad,
    CorpusFile,
    Row,
    data,
    examine,
    read_corpus,
    updates,
    wrong_bytes,
    wrong_data,
)


@pytest.fixture(scope="module")
def corpus() -> list[CorpusFile]:
    if not CORPUS.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the corpus is missing: {CORPUS}")
        pytest.skip("the corpus of public repositories is missing (CORPUS_FOLDER)")
    return list(read_corpus())


@pytest.fixture(scope="module")
def rows(corpus: list[CorpusFile]) -> list[Row]:
    return list(examine(corpus).values())


def test_every_occurrence_is_edited_in_its_value_and_nowhere_else(rows: list[Row]) -> None:
    assert [problem for row in rows for problem in row.wrong] == []
    edited = sum(row.edited_count for row in rows)
    refused = sum((row.refused for row in rows), Counter[str]())
    assert edited + refused.total() == sum(row.occurrence_count for row in rows)
    assert edited > 700
    assert refused.total() < edited / 50


def test_nothing_that_a_plain_search_sees_is_passed_over(rows: list[Row]) -> None:
    assert [value for row in rows for value in row.silent] == []
    assert sum(row.found_count for row in rows) > 700


def test_all_edits_of_a_file_together_leave_the_rest_of_its_data(
    corpus: list[CorpusFile],
) -> None:
    """Loaded by PyYAML's own parser in Python, which shares no code with libyaml."""
    file_count = 0
    for file in corpus:
        wanted = [
            update
            for occurrence in file.found.occurrences
            for written, update in updates(occurrence)
            if written == LONGER
        ]
        if not wanted:
            continue
        after = edits.rewrite(file.path, file.source, wanted, formats.find).content
        try:
            was = data(file.source, yaml.SafeLoader)
        except CannotLoad:
            continue
        is_now = data(after, yaml.SafeLoader)
        assert len(was) == len(is_now), file.path
        changes = [new for old, new in zip(was, is_now, strict=True) if old != new]
        assert 0 < len(changes) <= len(wanted), file.path
        assert all(LONGER in value for _, value in changes), file.path
        file_count += 1
    assert file_count > 400


def test_what_is_kept_in_the_cache_is_what_was_found(corpus: list[CorpusFile]) -> None:
    for file in corpus:
        assert formats.load(file.path, formats.dump(file.found)) == file.found


# The checks themselves

POD = b"kind: Pod\napiVersion: v1\nspec:\n  containers: [{image: 'acme/a:1'}]\n  x: a\n"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.yaml", POD),
        ("values.yaml", b"image:\n  repository: acme/a\n  tag: '1'\n"),
        ("values.yaml", b"sidecar: {imageName: acme/a, imageTag: 1.2}\n"),
        ("kustomization.yaml", b"images:\n- name: acme/a\n  newTag: v1\n"),
        ("app/Dockerfile", b"FROM acme/a:1 AS build\n"),
        ("a.yaml", b"images: [acme/a:1]\n"),
        ("a.yaml", b"data:\n  x: |\n    image: acme/a:1\n"),
        ("a.yaml", b"steps: [{uses: 'docker://acme/a:1'}]\n"),
        ("a.yaml", b"{{ if x }}\nimage: acme/a:1\n"),
        ("a.yaml", b"kind: OCIRepository\nspec: {url: 'oci://x.io/a', ref: {tag: v1}}\n"),
    ],
)
def test_an_image_that_was_not_found_is_silent_until_it_is_reported(
    path: str, source: bytes
) -> None:
    blind = CorpusFile(path, source, Found())
    (row,) = examine([blind]).values()
    assert len(row.silent) == 1
    problem = Problem(path, int(row.silent[0].split(":")[1]), 1, "seen")
    (row,) = examine([blind._replace(found=Found((), (problem,)))]).values()
    assert (row.silent, row.reported_count) == ([], 1)


def test_what_is_none_of_imagebots_business_is_explained() -> None:
    source = b"kind: CustomResourceDefinition\nspec: {example: {image: 'acme/a:1'}}\n"
    (row,) = examine([CorpusFile("a.yaml", source, Found())]).values()
    assert (row.silent, row.explained.total()) == ([], 1)


def test_the_plain_search_is_another_opinion() -> None:
    origins = {
        getattr(each, "__module__", None) or getattr(each, "__name__", "")
        for each in vars(plain_search).values()
    }
    assert not [name for name in origins if str(name).partition(".")[0] == "imagebot"]


@pytest.mark.parametrize(
    ("after", "bytes_are_wrong", "data_is_wrong"),
    [
        (POD.replace(b"acme/a:1", b"acme/a:2"), False, False),
        (POD, True, True),
        (POD.replace(b"acme/a:1", b"acme/a:2").replace(b"x: a", b"x: b"), True, True),
        (POD.replace(b"acme/a:1", b"acme/a:2").replace(b"[{", b"[ {"), True, False),
        (POD.replace(b"'acme/a:1'", b'"acme/a:2"'), True, False),
        (POD.replace(b"acme/a:1", b"acme/a:2', x: '"), False, True),
        (POD.replace(b"acme/a:1", b"acme/a:3"), False, True),
        (POD.replace(b"acme/a:1", b"acme/a:2'"), False, True),
    ],
)
def test_a_wrong_edit_is_seen(after: bytes, bytes_are_wrong: bool, data_is_wrong: bool) -> None:
    file = CorpusFile("a.yaml", POD, formats.find("a.yaml", POD))
    (occurrence,) = file.found.occurrences
    assert bool(list(wrong_bytes(POD, after, occurrence))) is bytes_are_wrong
    assert bool(list(wrong_data(file, after, "2"))) is data_is_wrong


def test_a_slot_in_the_wrong_place_is_seen() -> None:
    (occurrence,) = formats.find("a.yaml", POD).occurrences
    (slot,) = occurrence.slots
    moved = replace(occurrence, slots=(slot._replace(span=Span(0, 4, b"kind")),))
    found = Found((moved,))
    (row,) = examine([CorpusFile("a.yaml", POD, found)]).values()
    assert row.edited_count == 0
    assert row.refused or row.wrong
