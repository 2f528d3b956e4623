"""Update windows and freezes, by the clock on the wall of their zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebot.errors import PolicyError
from imagebot.windows import Closed, Freeze, Open, Window, Windows, state_at

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)


def windows(*allow: str, deny: tuple[str, ...] = ()) -> Windows:
    return Windows(tuple(map(Window.parse, allow)), tuple(map(Window.parse, deny)))


def moment(text: str) -> datetime:
    """A time of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opens(told: Windows, now: str, *freezes: Freeze) -> str:
    """`open`, or when it opens (UTC)."""
    state = state_at(told, freezes, moment(now))
    if isinstance(state, Open):
        return "open"
    return f"{state.until:%Y-%m-%dT%H:%M}" if state.until else "never"


@pytest.mark.parametrize(
    ("text", "now", "found"),  # 2026-11-26 is a Thursday
    [
        ("Mon-Fri 08:00-17:00", "2026-11-26T08:00", "open"),
        ("Mon-Fri 08:00-17:00", "2026-11-26T16:59", "open"),
        ("Mon-Fri 08:00-17:00", "2026-11-26T17:00", "2026-11-27T08:00"),
        ("Mon-Fri 08:00-17:00", "2026-11-27T17:00", "2026-11-30T08:00"),
        ("Mon-Fri 08:00-17:00 Europe/Berlin", "2026-11-26T07:00", "open"),
        ("mon,Wed-Fri 08:00-17:00", "2026-12-01T09:00", "2026-12-02T08:00"),
        ("Fri-Mon", "2026-11-26T09:00", "2026-11-27T00:00"),
        ("08:00-12:00,13:00-17:00", "2026-11-26T12:30", "2026-11-26T13:00"),
        ("22:00-06:00", "2026-11-26T05:59", "open"),
        ("22:00-06:00", "2026-11-26T06:00", "2026-11-26T22:00"),
        ("Sat 22:00-06:00", "2026-11-29T05:00", "open"),  # Sunday, behind Saturday's midnight
        ("Sat 22:00-06:00", "2026-11-28T05:00", "2026-11-28T22:00"),
        ("Monday 20:00-24:00", "2026-11-30T23:59", "open"),
        ("Monday 20:00-24:00", "2026-12-01T00:00", "2026-12-07T20:00"),
        ("* 8-16 * * 1-5 Europe/Berlin", "2026-11-26T15:59", "open"),
        ("* 8-16 * * 1-5 Europe/Berlin", "2026-11-26T16:00", "2026-11-27T07:00"),
        ("* 0,12 * * *", "2026-11-26T01:00", "2026-11-26T12:00"),
        ("* */6 * * *", "2026-11-26T01:00", "2026-11-26T06:00"),
        ("* 22-4 * * *", "2026-11-26T04:30", "open"),
        ("* * 1 * *", "2026-11-26T01:00", "2026-12-01T00:00"),
        ("* * 1 jan,feb *", "2026-11-26T01:00", "2027-01-01T00:00"),
        ("* * * * 7", "2026-11-26T01:00", "2026-11-29T00:00"),
        ("* * * * sun", "2026-11-26T01:00", "2026-11-29T00:00"),
        ("* * 1 * mon", "2026-11-26T01:00", "2026-11-30T00:00"),  # either, as in cron
        ("* * 30 2 *", "2026-11-26T01:00", "never"),
    ],
)
def test_a_window_is_open_at_its_hours_and_tells_when_it_opens(
    text: str, now: str, found: str
) -> None:
    assert opens(windows(text), now) == found


def test_without_windows_it_is_always_open() -> None:
    assert opens(Windows(), "2026-11-26T03:00") == "open"


def test_one_of_several_windows_is_enough_and_exclusion_wins() -> None:
    told = windows("Mon-Fri", "Sat 10:00-12:00", deny=("12:00-13:00",))
    assert opens(told, "2026-11-28T10:30") == "open"
    assert opens(told, "2026-11-26T12:00") == "2026-11-26T13:00"
    denied = state_at(told, (), moment("2026-11-26T12:30"))
    assert denied == Closed(moment("2026-11-26T13:00"), "no updates at these hours: 12:00-13:00")
    outside = state_at(windows("Mon", "Tue"), (), moment("2026-11-26T12:30"))
    assert isinstance(outside, Closed)
    assert outside.why == "outside the update windows: Mon; Tue"


def test_what_is_denied_whenever_it_is_allowed_never_opens() -> None:
    assert opens(windows("Mon", deny=("Mon",)), "2026-11-26T12:00") == "never"


def test_a_freeze_wins_over_windows_and_says_why_and_until_when() -> None:
    freeze = Freeze(moment("2026-12-20T00:00"), moment("2027-01-04T00:00"), "holidays")
    state = state_at(windows("08:00-17:00"), (freeze,), moment("2026-12-24T10:00"))
    assert state == Closed(moment("2027-01-04T08:00"), "freeze: holidays")
    assert opens(windows(), "2027-01-04T00:00", freeze) == "open"
    assert opens(windows(), "2026-12-19T23:59", freeze) == "open"


def test_freezes_that_follow_each_other_are_one_wait_even_for_years() -> None:
    first = Freeze(moment("2026-01-01T00:00"), moment("2030-01-01T00:00"))
    second = Freeze(moment("2029-12-01T00:00"), moment("2035-06-01T00:00"))
    assert opens(windows(), "2026-02-01T00:00", first, second) == "2035-06-01T00:00"


# The clock is put forward on 2027-03-28 at 01:00 UTC (02:00 becomes 03:00 in Berlin), and back on
# 2026-10-25 at 01:00 UTC (03:00 becomes 02:00).


def test_an_hour_that_the_clock_skips_is_never_open() -> None:
    told = windows("02:15-02:45 Europe/Berlin")
    assert opens(told, "2027-03-28T00:00") == "2027-03-29T00:15"


def test_a_window_that_begins_in_a_skipped_hour_opens_behind_it() -> None:
    told = windows("02:30-04:00 Europe/Berlin")
    assert opens(told, "2027-03-28T00:45") == "2027-03-28T01:00"
    assert opens(told, "2027-03-28T01:59") == "open"
    assert opens(told, "2027-03-28T02:00") == "2027-03-29T00:30"


def test_an_hour_that_the_clock_shows_twice_is_open_twice() -> None:
    told = windows("02:00-02:30 Europe/Berlin")
    assert opens(told, "2026-10-25T00:15") == "open"
    assert opens(told, "2026-10-25T00:45") == "2026-10-25T01:00"
    assert opens(told, "2026-10-25T01:15") == "open"
    assert opens(told, "2026-10-25T01:30") == "2026-10-26T01:00"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no window"),
        ("Europe/Berlin", "no window"),
        ("Mo-Fr 08:00-17:00", "no window"),
        ("Mon 08:00-17:00 Europe/Berlin x", "no window"),
        ("Mon 8-17", "no time span"),
        ("Mon 08:00-25:00", "no clock shows"),
        ("Mon 08:60-09:00", "no clock shows"),
        ("24:00-06:00", "no clock shows"),
        ("Mon 09:00-09:00", "no time at all"),
        ("Mon-Funday", "no weekdays"),
        ("Mon Europe/Berlim", "unknown time zone"),
        ("Mon ../../etc/passwd", "unknown time zone"),
        ("Mon localtime", "unknown time zone"),
        ("5 8 * * *", "minute '5'"),
        ("* 24 * * *", "no hours"),
        ("* 1-2-3 * * *", "no hours"),
        ("* */0 * * *", "no hours"),
        ("* * 0 * *", "no days"),
        ("* * * 13 *", "no months"),
        ("* * * * 8", "no weekdays"),
        ("* * * * * UTC x", "no window"),
        ("x" * 201, "at most 200"),
    ],
)
def test_what_is_no_window_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words) as refused:
        Window.parse(text)
    assert words == "at most 200" or refused.value.hint


def test_a_zone_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(PolicyError) as refused:
        Window.parse("Mon Europe/Berlim")
    assert "Europe/Berlin" in refused.value.hint


TEXTS = [
    "Mon-Fri 08:00-17:00 Europe/Berlin",
    "22:15-06:45 America/New_York",
    "Sat,Sun",
    "01:30-02:30 Europe/Berlin",
    "02:10-02:50 Australia/Lord_Howe",  # whose clock moves by half an hour
    "* 1-3 * * * Europe/London",
    "* * 25-28 3,10 * Europe/Berlin",
    "Sun 23:00-02:30 Asia/Kolkata",
]
some = st.lists(st.sampled_from(TEXTS), max_size=2, unique=True)
STARTS = ["2026-10-24T20:00", "2027-03-27T20:00", "2026-10-03T10:00", "2026-11-26T12:00"]


@given(
    some,
    some,
    st.sampled_from(STARTS),
    st.integers(0, 1800),
    st.lists(st.tuples(st.integers(0, 1500), st.integers(1, 900)), max_size=2),
)
def test_it_opens_at_the_first_minute_at_which_nothing_is_closed(
    allow: list[str], deny: list[str], start: str, later: int, frozen: list[tuple[int, int]]
) -> None:
    told, begin = windows(*allow, deny=tuple(deny)), moment(start)
    freezes = [Freeze(begin + at * MINUTE, begin + (at + length) * MINUTE) for at, length in frozen]

    def is_open(at: datetime) -> bool:
        is_allowed = not allow or any(window.is_open(at) for window in told.allow)
        is_denied = any(window.is_open(at) for window in told.deny)
        return is_allowed and not is_denied and not any(each.holds(at) for each in freezes)

    now = begin + later * MINUTE
    state = state_at(told, freezes, now)
    assert isinstance(state, Open) is is_open(now)
    if isinstance(state, Closed):
        minutes = (now + ahead * MINUTE for ahead in range(2 * 1440))
        first = next((at for at in minutes if is_open(at)), None)
        assert state.until == first if first else (not state.until or state.until > now)
        if state.until:
            assert is_open(state.until)
            assert not is_open(state.until - MINUTE)


@given(st.sampled_from(TEXTS), st.integers(0, 5_000_000))
def test_a_window_is_open_just_where_its_wall_clock_says(text: str, minutes: int) -> None:
    window, at = Window.parse(text), moment("2020-01-01T00:00") + minutes * MINUTE
    if text.startswith("01:30"):
        local = at.astimezone(BERLIN)
        assert window.is_open(at) is (90 <= local.hour * 60 + local.minute < 150)
    if text == "Sat,Sun":
        assert window.is_open(at) is (at.weekday() >= 5)
