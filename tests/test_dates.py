"""Dates in tags: layouts, the usual ways to write them, and what is no date."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.dates import Layout, find_well_known
from imagebot.errors import PolicyError


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        ("%Y%m%d", "20241001", (2024, 10, 1, 0, 0, 0, 0, 0)),
        ("%Y.%m.%d", "2024.1.5", (2024, 1, 5, 0, 0, 0, 0, 0)),
        ("%y%m%d", "241001", (2024, 10, 1, 0, 0, 0, 0, 0)),
        ("%Y%j", "2024366", (2024, 12, 31, 0, 0, 0, 0, 0)),
        ("%Y-%m-%dT%H-%M-%SZ", "2024-10-02T17-50-41Z", (2024, 10, 2, 17, 50, 41, 0, 0)),
        ("%Y%m%d%H%M%S%f", "20240115103000123", (2024, 1, 15, 10, 30, 0, 123000000, 0)),
        ("%s", "1728900000", (2024, 10, 14, 10, 0, 0, 0, 0)),
        ("%Y.%m.%N", "2024.10.31", (2024, 10, 0, 0, 0, 0, 0, 31)),
        ("v%Y.%m", "v2024.10", (2024, 10, 0, 0, 0, 0, 0, 0)),
    ],
)
def test_a_layout_reads_its_dates(layout: str, text: str, expected: tuple[int, ...]) -> None:
    assert Layout.parse(layout).read(text) == expected


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("%Y%m%d", "20241301"),
        ("%Y%m%d", "20240230"),
        ("%Y%m%d", "2024101"),
        ("%Y%j", "2023366"),
        ("%Y%j", "2023000"),
        ("%G-W%V", "2023-W53"),
        ("%G-W%V", "2023-W00"),
        ("%Y%m%d-%H%M", "20240101-2460"),
        ("%Y%m%d-%H%M", "20240101-2400"),
        ("%Y", "0000"),
        ("%Y", "２０２４"),
        ("%G-W%V", "9999-W53"),
        ("%Y%j", "9999366"),
    ],
)
def test_what_the_calendar_does_not_have_is_no_date(layout: str, text: str) -> None:
    assert Layout.parse(layout).read(text) is None


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("%m-%d", "has no year"),
        ("%Y %q", "unknown part '%q'"),
        ("%Y%", "unknown part '%'"),
        ("%Y%Y", "%Y stands there twice"),
        ("%Y" + "x" * 100, "at most 100 characters"),
    ],
)
def test_a_wrong_layout_is_refused_with_what_is_wrong(layout: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        Layout.parse(layout)


def test_weeks_are_in_order_over_the_turn_of_the_year() -> None:
    layout = Layout.parse("%G-W%V")
    weeks = ["2019-W52", "2020-W01", "2020-W53", "2021-W01"]
    assert sorted(weeks, key=lambda week: layout.read(week) or ()) == weeks


@pytest.mark.parametrize("tag", ["120241001", "1.2024.10.1", "20241001.1.2", "2024100112"])
def test_a_date_does_not_begin_or_end_inside_a_number(tag: str) -> None:
    assert Layout.parse("%Y%m%d").find(tag) is None


@pytest.mark.parametrize(
    "tag", ["1.2.3", "10.0.20348.2700", "4829103", "1989.01.01", "2100.01.01", "v3", "main"]
)
def test_the_usual_layouts_take_no_version_or_build_for_a_date(tag: str) -> None:
    assert find_well_known(tag) is None


@given(st.text(max_size=60))
def test_no_text_makes_reading_raise(text: str) -> None:
    for found in (
        find_well_known(text),
        Layout.parse("%Y%m%d%H%M%S%f").find(text),
        Layout.parse("%G%V").find(text),
    ):
        assert found is None or text


@given(st.dates(), st.dates())
def test_days_are_ordered_as_the_calendar_has_them(one: object, two: object) -> None:
    layout = Layout.parse("%Y-%m-%d")
    keys = [layout.read(str(day)) for day in (one, two)]
    assert keys[0] is not None
    assert keys[1] is not None
    assert (keys[0] < keys[1]) == (str(one) < str(two))


@pytest.mark.parametrize("layout", ["release-%Yw%V", "%G-%m-%d", "%Y-%j-%d", "%Y %y-%m-%d"])
def test_parts_that_would_be_passed_over_are_refused(layout: str) -> None:
    with pytest.raises(PolicyError, match="has no effect with"):
        Layout.parse(layout)
