"""What of a Dockerfile is an image of somebody else, and where its version is written."""

import time

import pytest

from imagebot import edits, formats
from imagebot.errors import StaleEdit
from imagebot.model import Found, Update


def find(text: str, file: str = "Dockerfile") -> Found:
    return formats.find(file, text.encode())


def written(text: str) -> list[str]:
    return [str(item.reference) for item in find(text).occurrences]


def messages(text: str) -> list[str]:
    return [problem.message for problem in find(text).problems]


@pytest.mark.parametrize(
    ("name", "is_dockerfile"),
    [
        ("Dockerfile", True),
        ("a/Containerfile", True),
        ("dockerfile", True),
        ("api.Dockerfile", True),
        ("Dockerfile.dev", True),
        ("Dockerfile-alpine", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.md", False),
        ("Dockerfiles", False),
        ("dockerfile-parser.go", False),
    ],
)
def test_a_dockerfile_is_known_by_its_name(name: str, is_dockerfile: bool) -> None:
    assert bool(find("FROM a/b:1", name).occurrences) is is_dockerfile


def test_stages_indexes_and_scratch_are_no_images() -> None:
    text = "FROM scratch AS base\nFROM Base\nCOPY --from=base a b\nCOPY --from=0 a b\n"
    assert find(text) == Found()


def test_a_stage_counts_from_the_line_that_defines_it() -> None:
    assert written("FROM build:1\nFROM a:2 AS build\nFROM build\n") == ["build:1", "a:2"]


def test_the_body_of_a_heredoc_is_no_instruction() -> None:
    assert written("RUN <<A <<B\nFROM x:1\nA\nFROM x:2\nB\nFROM y:1\n") == ["y:1"]


def test_a_heredoc_that_never_ends_hides_nothing() -> None:
    assert written("RUN cat <<A\nFROM x:1\n") == ["x:1"]


def test_an_argument_of_a_stage_is_not_known_to_from() -> None:
    text = "FROM a:1\nARG V=2\nFROM b:$V\n"
    assert written(text) == ["a:1"]
    assert messages(text) == ["the variable V of an image has no value in this file"]


def test_a_default_that_is_written_beside_the_variable_is_edited_there() -> None:
    (occurrence,) = find("FROM a:${V:-1.0}-slim\n").occurrences
    assert occurrence.tag == "1.0-slim"
    assert [slot.text for slot in occurrence.slots] == ["a", "1.0"]


def test_a_tag_that_does_not_fit_around_the_argument_is_refused() -> None:
    source = b"ARG V=1.0\nFROM a:$V-slim\n"
    (occurrence,) = formats.find("Dockerfile", source).occurrences
    assert occurrence.reference
    wanted = Update(occurrence, occurrence.reference, "2.0-alpine", None, None)
    with pytest.raises(StaleEdit, match=r"'2.0-alpine' is not \.\.\.-slim"):
        edits.rewrite("Dockerfile", source, [wanted], formats.find)


def test_images_that_share_an_argument_follow_only_when_they_are_the_same() -> None:
    shared = b"ARG V=1.0\nFROM a:$V\nFROM a:$V-slim\n"
    other = b"ARG V=1.0\nFROM a:$V\nFROM b:$V\n"
    for source, after in ((shared, shared.replace(b"1.0", b"1.1")), (other, None)):
        first = formats.find("Dockerfile", source).occurrences[0]
        assert first.reference
        wanted = Update(first, first.reference, "1.1", None, None)
        if after is None:
            with pytest.raises(StaleEdit):
                edits.rewrite("Dockerfile", source, [wanted], formats.find)
        else:
            rewritten = edits.rewrite("Dockerfile", source, [wanted], formats.find)
            assert rewritten.content == after


def test_a_tag_that_changes_along_is_told_with_what_it_becomes() -> None:
    source = b"ARG V=1.0\nFROM a:$V-slim\nFROM a:$V\n"
    updates = [
        Update(item, item.reference, "1.1", None, None)
        for item in formats.find("Dockerfile", source).occurrences
        if item.reference
    ]
    made, refused = edits.rewrite_possible("Dockerfile", source, updates, formats.find)
    assert made is not None
    assert made.content == source.replace(b"1.0", b"1.1")
    ((update, error),) = refused
    assert update.occurrence.tag == "1.0-slim"
    assert str(error).startswith("Dockerfile:1: becomes '1.1-slim' along with another image")


def test_an_argument_shared_with_what_is_not_edited_says_with_what() -> None:
    source = b"ARG A=1\nARG B=2\nFROM a:$A\nFROM b:$A.$B\n"
    (occurrence,) = formats.find("Dockerfile", source).occurrences
    assert occurrence.reference
    wanted = Update(occurrence, occurrence.reference, "3", None, None)
    with pytest.raises(
        StaleEdit, match=r"^Dockerfile:4: .* at FROM\[1\] in line 4: several places"
    ):
        edits.rewrite("Dockerfile", source, [wanted], formats.find)


@pytest.mark.parametrize(
    "line",
    [
        "FROM $(cat x)",
        "FROM ${A?b}",
        "FROM {{ base }}:1",
        "FROM a:$A$B",
        "FROM acme/X:1",
        "FROM a:",
        "ARG X=\nFROM a:$X",
        "ARG A=$B\nARG B=$A\nFROM $A",
    ],
)
def test_what_cannot_be_edited_is_told(line: str) -> None:
    found = find(line + "\n")
    assert not found.occurrences
    assert len(found.problems) == 1


@pytest.mark.parametrize(
    "source",
    [
        b"FROM " + b"\"'" * 500_000,
        b"RUN <<A\n" * 20_000,
        b"RUN x \\\n" * 20_000,
        b"ARG A=aaaaaaaaaa\n" + b"ARG A=$A$A\n" * 19_000 + b"FROM $A",
        b"FROM a:1\n" * 500_000,
        b"FROM " + b"${A:-" * 100_000,
        b"FROM " + b"$A" * 100_000,
        b"\xff\xfe\xfd FROM",
    ],
)
def test_a_hostile_dockerfile_costs_little(source: bytes) -> None:
    begun = time.process_time()
    formats.find("Dockerfile", source)
    assert time.process_time() - begun < 3


COMPOSE = """services:
  a:
    build:
      dockerfile_inline: |
        ARG V=1.0
        FROM acme/a:$V
      args:
"""


@pytest.mark.parametrize(
    "argument", ["        V: '2.0'\n", "      - V=2.0\n", "      - V=${X-2.0}\n"]
)
def test_an_argument_that_compose_gives_wins_over_the_default(argument: str) -> None:
    source = (COMPOSE + argument).encode()
    (occurrence,) = formats.find("compose.yaml", source).occurrences
    assert str(occurrence.reference) == "acme/a:2.0"
    assert [slot.span.written for slot in occurrence.slots if slot.part.holds_tag] == [b"2.0"]
    assert occurrence.slots[-1].span.start > source.index(b"args")


@pytest.mark.parametrize("argument", ["        V:\n", "      - V\n", "        V: $X\n"])
def test_a_default_that_the_environment_overrides_is_not_edited(argument: str) -> None:
    found = formats.find("compose.yaml", (COMPOSE + argument).encode())
    assert found.occurrences == ()
    assert "given elsewhere" in found.problems[0].message
