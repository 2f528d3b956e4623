"""The laws of the turns in which requests are asked about. Pure."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from imagebot.carrying.merge_turns import MAX_ASKED_IN_VAIN, MergeTurns, somewhere

numbers = st.sets(st.integers(1, 300), max_size=40)
places = st.integers(0, 400)


def one_run(
    waiting: Collection[int], last: int, ready: Collection[int] = ()
) -> tuple[list[int], int]:
    """The numbers that are asked about, in order, and where the next run goes on."""
    turns = MergeTurns(last)
    asked = []
    for number in sorted(waiting, key=turns.place):
        if turns.take(number):
            asked.append(number)
            if number in ready:
                turns.paid_off()
    return asked, turns.last


def runs_for(waiting: Collection[int]) -> int:
    return -(-len(waiting) // MAX_ASKED_IN_VAIN)


@given(numbers, numbers, places)
def test_never_more_than_a_few_are_asked_about_in_vain(
    waiting: set[int], ready: set[int], last: int
) -> None:
    asked, _ = one_run(waiting, last, ready)
    assert len(set(asked) - ready) <= MAX_ASKED_IN_VAIN
    assert len(asked) == len(set(asked))


@given(numbers, places)
def test_every_request_gets_its_turn_within_a_bounded_number_of_runs(
    waiting: set[int], last: int
) -> None:
    seen: set[int] = set()
    for _ in range(runs_for(waiting)):
        asked, last = one_run(waiting, last)
        seen |= set(asked)
    assert seen == waiting


@given(numbers, st.data(), places)
def test_what_becomes_ready_at_any_time_is_asked_about_within_that_number_of_runs(
    waiting: set[int], data: st.DataObject, last: int
) -> None:
    for _ in range(data.draw(st.integers(0, 5))):
        _, last = one_run(waiting, last)
    ready = data.draw(st.sets(st.sampled_from(sorted(waiting)))) if waiting else set()
    runs, left = runs_for(waiting), set(waiting)
    for _ in range(runs):
        asked, last = one_run(left, last, ready)
        left -= ready & set(asked)
    assert not left & ready


@given(numbers, places)
def test_what_pays_off_takes_no_turn_from_others(ready: set[int], last: int) -> None:
    asked, _ = one_run(ready, last, ready)
    assert set(asked) == ready


@given(numbers, st.datetimes(timezones=st.just(UTC)))
def test_where_nobody_knows_the_last_one_it_starts_behind_one_of_them(
    waiting: set[int], now: datetime
) -> None:
    assert somewhere(waiting, now) in (waiting or {0})


def test_without_a_store_runs_at_full_hours_ask_about_every_request() -> None:
    waiting = range(1, 31)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    seen: set[int] = set()
    for hour in range(100):
        asked, _ = one_run(waiting, somewhere(waiting, now + timedelta(hours=hour)))
        seen |= set(asked)
    assert seen == set(waiting)
