"""Lists of tags as people and tools write them, and what is wrong with them."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.errors import UsageError
from imagebot.image import Digest, is_tag
from imagebot.tag_lists import MAX_BYTES, MAX_TAGS, GivenTag, parse

DIGEST = "sha256:" + "a" * 64
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def tags(text: str) -> list[str]:
    return [each.tag for each in parse("tags", text.encode())]


@pytest.mark.parametrize(
    "text",
    [
        "1.0\n1.1\n",
        "1.0\r\n1.1",
        "# a comment\n\n  1.0  \n\t1.1\n",
        "\ufeff1.0\n1.1",
        '["1.0", "1.1"]',
        '{"name": "acme/api", "tags": ["1.0", "1.1"]}',
        '{"Repository": "ghcr.io/acme/api", "Tags": ["1.0", "1.1"]}',
        '\n [{"tag": "1.0", "time": null}, {"tag": "1.1", "more": 1}]',
    ],
)
def test_lines_and_json_are_read(text: str) -> None:
    assert tags(text) == ["1.0", "1.1"]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "[]", '{"tags": []}', '{"tags": null}'])
def test_a_list_without_tags_is_empty(text: str) -> None:
    assert tags(text) == []


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-25T12:00:00Z",
        "2026-11-25T12:00",
        "2026-11-25T13:00:00+01:00",
        "2026-11-25T12:00:00.000000000Z",
    ],
)
def test_a_time_stands_behind_its_tag_in_any_usual_form(time: str) -> None:
    whole = (GivenTag("1.0", NOON, Digest(DIGEST)),)
    assert parse("tags", f"1.0 {time} {DIGEST}".encode()) == whole
    assert parse("tags", f"1.0\t{DIGEST}  {time}".encode()) == whole
    as_json = json.dumps([{"tag": "1.0", "time": time, "digest": DIGEST}])
    assert parse("tags", as_json.encode()) == whole


def test_a_day_alone_is_its_beginning() -> None:
    assert parse("tags", b"1.0 2026-11-25") == (GivenTag("1.0", NOON.replace(hour=0)),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.0\n-1\n", "tags:2: not a tag: '-1'"),
        ("1.0\n\n1.1 yesterday\n", "tags:3: not a time: 'yesterday'"),
        ("1.0 20261125\n", "tags:1: not a time: '20261125'"),
        ("1.0 2026-02-30\n", "tags:1: not a time: '2026-02-30'"),
        ("1.0 2026-11-25T12:00:00Z now\n", "tags:1: 'now' is too much"),
        ("1.0 sha256:abc\n", "tags:1: not a digest: 'sha256:abc'"),
        (f"1.0 {DIGEST} {DIGEST}\n", "tags:1: a second digest"),
        ('["1.0",\n 7]', "tags[1]: neither a tag nor an object with `tag`"),
        ('["1.0",\n oops]', "tags:2:2: not JSON: Expecting value"),
        ('{"name": "acme/api"}', "tags: an object without tags"),
        ('{"tags": {"1.0": 1}}', "tags: tags: not a list"),
        ('{"tags": ["1.0", "a b"]}', "tags: tags[1]: not a tag: 'a b'"),
        ('[{"tag": 1}]', "tags[0]: 1 is not text"),
        ('[{"tag": "1.0", "time": 7}]', "tags[0]: 7 is not text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse("tags", text.encode())
    assert str(raised.value) == message
    assert raised.value.hint


def test_bytes_that_are_no_text_are_told_with_their_line() -> None:
    with pytest.raises(UsageError, match=r"^tags:2: not UTF-8"):
        parse("tags", b"1.0\n1.1\xff\n")


def test_a_list_is_bounded() -> None:
    with pytest.raises(UsageError, match="larger than 32 MiB"):
        parse("tags", b"#" * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match="more than 500000 tags"):
        parse("tags", b"1\n" * (MAX_TAGS + 1))


@pytest.mark.parametrize("text", ["[" * 100_000, '["' + "1" * 100, "[" + "9" * 5000 + "]"])
def test_hostile_json_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse("tags", text.encode())


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_list_or_an_error(source: bytes) -> None:
    with suppress(UsageError):
        assert all(is_tag(each.tag) for each in parse("tags", source))


@given(st.lists(st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")))
def test_what_was_written_is_read_back(names: list[str]) -> None:
    assert tags("\n".join(names)) == names
    assert tags(json.dumps(names)) == names
    assert tags(json.dumps({"Tags": names})) == names
