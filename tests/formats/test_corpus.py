"""Files of public GitOps repositories: each is edited byte-exactly, reported, or explained.

The corpus stands beside the project (`../shared/corpus`) or where CORPUS_FOLDER says; it is
not part of the project.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from imagebot import edits, formats
from imagebot.model import Occurrence, Part, Slot, Update

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CORPUS_FOLDER") or ROOT.parent / "shared" / "corpus")
LONGER = "2026.11.23-a-rather-long-tag"
SHORTER = "2"
IMAGE_LINE = re.compile(rb"""^[ \t-]*["']?image["']?:[ \t]+["']?(?P<value>[^\s"'#]+)""", re.M)


class CorpusFile(NamedTuple):
    path: str
    source: bytes
    found: formats.Found


@pytest.fixture(scope="module")
def corpus() -> list[CorpusFile]:
    if not CORPUS.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"the corpus is missing: {CORPUS}")
        pytest.skip("the corpus of public repositories is missing (CORPUS_FOLDER)")
    return list(read_corpus())


def read_corpus() -> Iterator[CorpusFile]:
    for path in sorted(CORPUS.rglob("*")):
        name = path.relative_to(CORPUS).as_posix()
        if path.is_file() and formats.is_candidate_path(name):
            source = path.read_bytes()
            yield CorpusFile(name, source, formats.find(name, source))


def update(occurrence: Occurrence, tag: str) -> Update:
    assert occurrence.reference is not None
    return Update(occurrence, occurrence.reference, tag, occurrence.digest, None)


def version_slot(occurrence: Occurrence) -> Slot | None:
    return occurrence.slot(Part.TAG) or occurrence.slot(Part.REFERENCE)


def test_every_occurrence_is_edited_in_its_value_and_nowhere_else(
    corpus: list[CorpusFile],
) -> None:
    count = 0
    for file in corpus:
        for occurrence in file.found.occurrences:
            slot = version_slot(occurrence)
            if slot is None:
                continue
            for tag in (LONGER, SHORTER):
                wanted = update(occurrence, tag)
                rewritten = edits.rewrite(file.path, file.source, [wanted], formats.find)
                rest = file.source[slot.span.end :]
                assert rewritten.content.startswith(file.source[: slot.span.start]), file.path
                assert rewritten.content.endswith(rest), file.path
                new = rewritten.content[slot.span.start : len(rewritten.content) - len(rest)]
                assert tag.encode() in new, file.path
                assert b"\n" not in new, file.path
                count += 1
    assert count > 1_000


def test_an_edited_file_has_the_same_data_but_for_the_edited_values(
    corpus: list[CorpusFile],
) -> None:
    for file in corpus:
        editable = [item for item in file.found.occurrences if version_slot(item)]
        if not editable or b"{{" in file.source:
            continue
        updates = [update(item, LONGER) for item in editable]
        after = edits.rewrite(file.path, file.source, updates, formats.find).content
        try:
            events = scalars(file.source)
        except yaml.YAMLError:
            continue  # a broken neighbour: only this project reads the rest of such a file
        now = scalars(after)
        assert len(events) == len(now), file.path
        changes = [(was, is_now) for was, is_now in zip(events, now, strict=True) if was != is_now]
        slots = {slot.span for item in editable if (slot := version_slot(item))}
        assert len(changes) == len(slots), file.path
        assert all(LONGER in is_now for _, is_now in changes), file.path


def scalars(source: bytes) -> list[str]:
    """Every scalar and alias of a whole file, in order, without this project's splitting.

    A literal block scalar can hold several images, so its lines are counted.
    """
    texts: list[str] = []
    for event in yaml.parse(source, Loader=yaml.CSafeLoader):
        text = getattr(event, "value", None) or repr(getattr(event, "anchor", ""))
        texts += text.split("\n") if getattr(event, "style", "") == "|" else [text]
    return texts


def test_every_file_with_an_image_has_occurrences_or_is_reported_or_explained(
    corpus: list[CorpusFile],
) -> None:
    silent = [
        f"{file.path}: {values}"
        for file in corpus
        if not file.found.occurrences
        and not file.found.problems
        and (values := unexplained(file.source))
    ]
    assert silent == []


EXPLAINED = (
    "docker://",  # a GitHub action's own scheme
    "http://",  # a picture
    "https://",
    "{",  # a group in flow style without a repository
    "&",  # an anchored group
)


def unexplained(source: bytes) -> list[str]:
    """Values of `image:` lines that no rule explains away."""
    if b"kind: CustomResourceDefinition" in source:
        return []  # schemas and their descriptions
    lines = {
        source.count(b"\n", 0, found.start("value")): found["value"].decode()
        for found in IMAGE_LINE.finditer(source)
        if not found["value"].decode().startswith(EXPLAINED)
    }
    embedded = block_scalar_lines(source) if lines else set()
    return [value for line, value in lines.items() if line not in embedded]


def block_scalar_lines(source: bytes) -> set[int]:
    """Lines inside `|` and `>` scalars: text for somebody else, 0-based."""
    lines: set[int] = set()
    for event in yaml.parse(source, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
            last = event.end_mark.line + (event.end_mark.column > 0)
            lines.update(range(event.start_mark.line + 1, last))
    return lines


def test_what_is_kept_in_the_cache_is_what_was_found(corpus: list[CorpusFile]) -> None:
    for file in corpus:
        assert formats.load(file.path, formats.dump(file.found)) == file.found
