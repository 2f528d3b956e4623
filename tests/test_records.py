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
        records.in_marks(later),
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


def group_record(count: int, tag: str = "2.4.1") -> str:
    updates = [choice(f"acme/app-{n}:1.0.0", tag, file=f"{n}.yaml").update for n in range(count)]
    return records.record_text([update for update in updates if update])


@pytest.mark.parametrize("limit", [3836, 24_000])
@pytest.mark.parametrize("count", [20, 250])
def test_a_short_body_keeps_state_and_versions(limit: int, count: int) -> None:
    state = RequestState(held_by="alice", answered=tuple(f"comment-{n}" for n in range(50)))
    long = records.with_state(f"{'| row |' * 9000}\n\n{group_record(count)}\n", state)
    short = fitted(long, limit)
    assert len(short) <= limit
    assert records.state_in(short) == state
    read = records.record_in(short)
    assert read is not None
    assert len(read.marks) == count
    assert records.is_declined(group_record(1), short)
    assert not records.is_declined(group_record(1, "2.4.2"), short)


def test_marks_give_way_to_what_people_said() -> None:
    state = RequestState(held_by="alice", declined_marks=tuple(f"{n:08}" for n in range(2000)))
    short = fitted(records.with_state(f"text\n\n{group_record(2000)}\n", state), 3836)
    assert len(short) <= 3836
    assert records.state_in(short).held_by == "alice"
    assert records.state_in(short).declined_marks[-1] == "00001999"
    assert records.is_declined(group_record(2000), short)


def test_a_record_that_cannot_be_shortened_is_never_cut() -> None:
    state = RequestState(answered=tuple("x" * 90 + str(n) for n in range(50)))
    long = records.with_state(f"text\n\n{group_record(1)}\n", state)
    assert records.state_in(fitted(long, 3836)) == state


def test_many_records_that_never_end_take_no_time_by_their_square() -> None:
    """A person may write them into a body. By the square of this length it would take hours."""
    body = "<!-- imagebot:record {" * 300_000
    assert records.record_in(body) is None
    assert records.record_in(f"{body}\n{record()}") == records.record_in(record())
