"""The hidden record keeps what a later imagebot wrote there, and says nothing to a forge."""

import json
import re

import pytest

from imagebot import records
from imagebot.body import fitted
from imagebot.request_state import RequestState
from tests.making import choice


def content(body: str) -> dict[str, object]:
    found = re.findall(r"<!-- imagebot:record (\{.*?\}) -->", body, re.DOTALL)
    read = json.loads(found[-1])
    assert isinstance(read, dict)
    return read


def record(file: str = "f.yaml") -> str:
    update = choice(file=file).update
    assert update is not None
    return records.record_text([update])


def test_what_this_imagebot_does_not_know_stays_when_the_record_is_written_again() -> None:
    later = record().replace('"version":1', '"version":7,"later":{"a":[1]}')
    for written in (
        records.withdrawn_body(later),
        records.with_state(later, RequestState(held_by="alice")),
        records.without_list(later),
        fitted(f"{'text' * 2000}\n\n{later}\n", 600),
    ):
        assert content(written)["later"] == {"a": [1]}
        assert content(written)["version"] == 7


@pytest.mark.parametrize(
    "file", ["Fixes #1.yaml", "Closes !1/x.yaml", "@octocat.yaml", "Closes PROJ-17.yaml",
             "resolves https://x.example/1", "--> <b>", "a--!>b"],
)  # fmt: skip
def test_a_path_in_the_record_closes_and_mentions_nothing_and_is_read_back(file: str) -> None:
    text = record(file)
    inner = text.removeprefix("<!--").removesuffix("-->")
    assert not re.search(r"[#!@<>]|--|://|[A-Za-z]-\d", inner.replace("sha256:", ""))
    updates = content(text)["updates"]
    assert isinstance(updates, list)
    assert updates[0][1] == file
