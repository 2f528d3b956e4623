"""The state of a request survives its way through the record, and anything else counts as empty."""

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from imagebot import records
from imagebot.request_state import EMPTY, MAX_DECLINED, RequestState, as_data, from_data

TEXT = st.text(max_size=20)
STATES = st.builds(
    RequestState,
    held_by=TEXT,
    hold_reason=TEXT,
    snoozed_until=st.none() | st.datetimes(timezones=st.just(UTC)),
    answered=st.lists(TEXT, max_size=5).map(tuple),
    told_of=TEXT,
    statuses=TEXT,
    handed_over=TEXT,
    declined=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5).map(tuple),
)
BODY = records.record_text([])


@given(STATES)
def test_what_is_written_is_read_back(state: RequestState) -> None:
    assert from_data(json.loads(json.dumps(as_data(state)))) == state
    body = records.with_state(f"Text --> <!-- \n\n{BODY}\n", state)
    assert records.state_in(body) == state
    assert records.with_state(body, EMPTY) == f"Text --> <!-- \n\n{BODY}\n"


@given(STATES)
def test_a_state_changes_nothing_of_what_is_proposed(state: RequestState) -> None:
    assert records.record_in(records.with_state(BODY, state)) == records.record_in(BODY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


@given(
    JSON
    | st.dictionaries(
        st.sampled_from(["held_by", "snoozed_until", "answered", "declined"]), JSON, max_size=4
    )
)
def test_a_broken_record_is_never_an_error(data: object) -> None:
    read = from_data(data)
    assert from_data(as_data(read)) == read


def test_times_in_other_zones_are_the_same_moments() -> None:
    there = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert from_data(as_data(RequestState(snoozed_until=there))).snoozed_until == there


def test_only_the_newest_declined_versions_are_kept() -> None:
    many = tuple(("api", str(number), "") for number in range(MAX_DECLINED + 5))
    assert from_data(as_data(RequestState(declined=many))).declined == many[5:]


def test_a_body_without_a_record_keeps_no_state() -> None:
    assert records.with_state("A person's text", RequestState("alice")) == "A person's text"
