"""A document against a schema: a model, or every problem with place, key path and advice."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from imagebot.document_words import near
from imagebot.documents import DocumentPart, address, parse_one, place, read


class Inner(DocumentPart):
    refused: ClassVar[Mapping[str, str]] = {"password": "write passwordFile"}

    some_count: int = Field(default=1, ge=1, le=9)
    password_file: str | None = None


class Whole(DocumentPart):
    not_yet: ClassVar[Mapping[str, str]] = {"later": ""}

    name: str
    mode: Literal["fast", "slow"] = "fast"
    items: tuple[Inner, ...] = ()
    texts: dict[str, str] = Field(default_factory=dict)
    is_on: bool = False


def told(source: str) -> list[tuple[str, str, str]]:
    document, problems = read("x.yaml", source.encode(), Whole)
    assert document is None
    return [(each.where(), each.address, f"{each.message} | {each.hint}") for each in problems]


def test_keys_are_written_in_camel_case_and_read_into_frozen_models() -> None:
    document, problems = read("x", b"name: a\nitems: [{someCount: 3}]\nisOn: true\n", Whole)
    assert problems == ()
    assert document == Whole.model_validate(
        {"name": "a", "items": ({"someCount": 3},), "isOn": True}
    )


def test_every_problem_is_told_once_in_the_order_of_the_file() -> None:
    assert told("mode: fats\nitems:\n  - {someCount: 0, passwordd: x}\n  - nope\nlater: 1\n") == [
        ("x.yaml:1:1", "name", "the key 'name' is missing | "),
        ("x.yaml:1:7", "mode",
         "found the text 'fats', allowed: 'fast' or 'slow' | did you mean 'fast'?"),
        ("x.yaml:3:17", "items[0].someCount", "found the number 0, allowed: at least 1 | "),
        ("x.yaml:3:20", "items[0].passwordd",
         "unknown key 'passwordd' | did you mean 'passwordFile'?"),
        ("x.yaml:4:5", "items[1]", "found the text 'nope', allowed: a mapping of keys | "),
        ("x.yaml:5:1", "later", "'later' is not supported yet | remove it for now"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "found", "hint"),
    [
        ("1.10", "the number 1.10", "put it in quotes"),
        ("true", "true", "put it in quotes"),
        ("", "nothing", ""),
        ("[a]", "a list", ""),
        ("{a: b}", "a mapping", ""),
        ("0x10", "the number 0x10", "put it in quotes"),
    ],
)
def test_a_wrong_type_is_told_as_it_was_written(written: str, found: str, hint: str) -> None:
    ((_, _, words),) = told(f"name: {written}\n")
    assert words == f"found {found}, allowed: a text | {hint}"


def test_what_stands_under_a_secrets_key_is_never_shown() -> None:
    for written in ("4711", "[4711]", "{a: 4711}"):
        for key in ("passwordFile", "password"):
            assert "4711" not in str(told(f"name: a\nitems: [{{{key}: {written}}}]\n"))


def test_a_refused_key_says_what_to_write_instead() -> None:
    ((_, _, words),) = told("name: a\nitems: [{password: x}]\n")
    assert words == "'password' may not be written here | write passwordFile"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "empty"), ("# only a comment\n", "empty"), ("- a\n", "found a list"),
        ("a\n", "found the text 'a'"), ("name: a\n---\nname: b\n", "second document"),
        ("name: a\nname: b\n", "written twice"), ("name: [\n", "not YAML"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_one_document_is_refused(source: str, words: str) -> None:
    assert words in told(source)[0][2]


def test_a_separator_at_the_end_is_no_second_document() -> None:
    assert read("x", b"---\nname: a\n---\n# nothing\n", Whole)[1] == ()


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert "larger than 1024 KiB" in told("#" * (1 << 20) + "\n")[0][2]


def test_places_of_keys_and_values_are_found_by_path() -> None:
    root, _ = parse_one("x", b"a:\n  b: [x,\n    y]\n")
    assert root
    assert place(root, ("a", "b", 1)) == (3, 5)
    assert place(root, ("a", "b"), of_key=True) == (2, 3)
    assert place(root, ("a", "zzz", "y")) == (2, 3)
    assert address(("a", "b", 1, "c")) == "a.b[1].c"


@pytest.mark.parametrize(
    ("word", "hint"),
    [("rnage", "did you mean 'range'?"), ("RANGE", "did you mean 'range'?"),
     ("zzz", "allowed here: order, range")],
)  # fmt: skip
def test_the_nearest_known_word_is_proposed(word: str, hint: str) -> None:
    assert near(word, ["range", "order"]) == hint
