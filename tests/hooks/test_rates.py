"""Rates: a burst at once, then a steady trickle."""

from imagebot.hooks.rates import Rate


def test_a_burst_may_come_at_once_and_then_one_at_a_time() -> None:
    now = 0.0
    rate = Rate(60, 3, lambda: now)
    assert [rate.wait_seconds() for _ in range(4)] == [0, 0, 0, 1]
    now = 1.0
    assert [rate.wait_seconds() for _ in range(2)] == [0, 1]
    now = 100.0
    assert [rate.wait_seconds() for _ in range(4)] == [0, 0, 0, 1]


def test_who_is_turned_away_uses_nothing_up() -> None:
    now = 0.0
    rate = Rate(60, 1, lambda: now)
    assert [rate.wait_seconds() for _ in range(100)] == [0] + [1] * 99
    now = 1.0
    assert rate.wait_seconds() == 0
