"""A clock that was set back is noticed, one that goes on or is only adjusted is not."""

from datetime import UTC, datetime, timedelta

from imagebot.clock_watch import SLACK, ClockWatch

HOUR = timedelta(hours=1)


class Clocks:
    def __init__(self) -> None:
        self.now, self.seconds = datetime(2026, 11, 27, 12, tzinfo=UTC), 1000.0
        self.watch = ClockWatch(lambda: self.now, lambda: self.seconds)

    def after(self, seconds: float, shown: timedelta) -> timedelta:
        """What is seen when so much time passed, of which the clock showed so much."""
        self.seconds += seconds
        self.now += shown
        return self.watch.look()


def test_a_clock_that_was_set_back_is_seen_once_and_by_how_much() -> None:
    clocks = Clocks()
    assert clocks.after(10, timedelta(seconds=10)) == timedelta(0)
    assert clocks.after(10, timedelta(seconds=10) - HOUR) == HOUR
    assert clocks.after(10, timedelta(seconds=10)) == timedelta(0)


def test_a_clock_that_is_set_forward_or_only_adjusted_is_nothing_to_see() -> None:
    clocks = Clocks()
    assert clocks.after(10, HOUR) == timedelta(0)
    assert clocks.after(10, timedelta(seconds=10) - SLACK / 2) == timedelta(0)
