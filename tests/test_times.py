"""Durations: what the schema tells editors is just what is read."""

import re
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebot.times import DURATION_PATTERN, parse_duration, shown_duration

TEXTS = st.lists(
    st.tuples(st.integers(0, 10**8).map(str), st.sampled_from("wdhmsx")).map("".join), max_size=5
).map("".join)


@given(TEXTS | st.text(max_size=8))
@example("")
@example("1000d")
@example("10000h")
@example("1w2d3h4m5s")
def test_the_pattern_of_the_schema_admits_what_can_be_read(text: str) -> None:
    if "\n" not in text:  # where JSON Schema's `$` and Python's differ
        assert bool(re.search(DURATION_PATTERN, text)) == (parse_duration(text) is not None)


@given(st.timedeltas(timedelta(0), timedelta(days=900)))
def test_what_is_shown_is_read_back(duration: timedelta) -> None:
    whole = timedelta(seconds=int(duration.total_seconds()))
    assert parse_duration(shown_duration(whole)) == whole


@pytest.mark.parametrize("text", ["", "5", "d", "1d2w", "-1d", "1 d", "\u0661d"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None
