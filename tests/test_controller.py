"""The controller: everything owed is done, one run at a time per repository, whatever goes wrong.

Real threads, a real store and real timers. Tests wait for events, never for a time to pass;
intervals run on a clock that the test moves.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.controller import STALE_AFTER, Controller
from imagebot.errors import (
    GitError,
    GitUnavailable,
    ImagebotError,
    PolicyError,
    RegistryUnavailable,
    StoreUnavailable,
)
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.retrying import (
    STALLED_LOOK,
    first_poll_at,
    next_poll_at,
    outcome_of,
    retry_after,
)
from imagebot.schedule import TargetPlan
from imagebot.store import Store
from imagebot.timers import Timer

PATIENCE_SECONDS = 30.0  # bounds a failing test; a passing one does not wait
HOUR = timedelta(hours=1)
TICK = timedelta(milliseconds=10)


@dataclass
class World:
    """Two clocks that the test moves, and what it saw happen."""

    seconds: float = 0.0
    set_back: timedelta = timedelta(0)  # of the clock that tells the time
    outcomes: list[Outcome] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def now(self) -> datetime:
        return (
            datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(seconds=self.seconds) - self.set_back
        )

    def monotonic(self) -> float:
        return self.seconds

    def pass_time(self, span: timedelta) -> None:
        self.seconds += span.total_seconds()

    def observe(self, outcome: Outcome, run: Run) -> None:
        with self.changed:
            self.outcomes.append(outcome)
            self.changed.notify_all()

    def wait_for_outcomes(self, count: int) -> list[Outcome]:
        self.wait_until(lambda: len(self.outcomes) >= count)
        return self.outcomes

    def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Also looks again now and then, for what changes without a notification."""
        for _ in range(int(PATIENCE_SECONDS / 0.01)):
            with self.changed:
                if is_true() or self.changed.wait_for(is_true, 0.01):
                    return
        raise AssertionError("what the test waits for did not happen")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "imagebot.db", roll=lambda: 0.5)
    yield store
    store.close()


Start = Callable[..., Controller]


@pytest.fixture
def start(world: World, store: Store) -> Iterator[Start]:
    """Start a controller over some keys; whatever was started is stopped at the end."""
    started: list[Controller] = []

    def start(
        reconcile: Callable[[str], Outcome],
        *keys: str,
        worker_count: int = 4,
        deadline: timedelta = timedelta(days=1000),
        interval: timedelta = HOUR,
        **others: Any,
    ) -> Controller:
        controller = Controller(
            [TargetPlan(key, interval) for key in keys],
            reconcile,
            store,
            jitter_ratio=0,
            worker_count=worker_count,
            deadline=deadline,
            observe=world.observe,
            tick=TICK,
            clock=world.now,
            monotonic=world.monotonic,
            random=lambda: 0.5,
            **others,
        )
        started.append(controller)
        controller.start()
        return controller

    yield start
    for controller in started:
        assert controller.stop(timedelta(seconds=PATIENCE_SECONDS))


def up_to_date(key: str) -> Outcome:
    return Outcome(key, OutcomeKind.UP_TO_DATE, "nothing to do")


# Decisions


@pytest.mark.parametrize(("roll", "factor"), [(0.0, 0.9), (0.5, 1.0), (0.999, 1.0998)])
def test_the_next_poll_is_one_interval_away_give_or_take_the_jitter(
    roll: float, factor: float
) -> None:
    assert next_poll_at(1000.0, HOUR, 0.1, roll) == pytest.approx(1000 + 3600 * factor)


@pytest.mark.parametrize(("interval", "latest"), [(HOUR, 3.0), (timedelta(seconds=10), 1.0)])
def test_the_first_poll_is_at_once_but_not_all_in_the_same_moment(
    interval: timedelta, latest: float
) -> None:
    assert first_poll_at(1000.0, interval, 0.1, 0.0) == 1000.0
    assert 1000.0 < first_poll_at(1000.0, interval, 0.1, 0.999) < 1000.0 + latest


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RegistryUnavailable("ghcr.io did not answer"), OutcomeKind.FAILED),
        (PolicyError("imagebot.yaml:3: unknown key"), OutcomeKind.STALLED),
        (ZeroDivisionError("secret figures"), OutcomeKind.FAILED),
    ],
)
def test_an_error_is_tried_again_unless_it_needs_a_person(
    error: Exception, kind: OutcomeKind
) -> None:
    assert outcome_of("fleet", error).kind is kind


def test_a_bug_does_not_carry_its_text_into_the_outcome() -> None:
    assert "secret" not in outcome_of("fleet", ZeroDivisionError("secret figures")).message


def test_the_hint_of_an_error_is_part_of_the_outcome() -> None:
    outcome = outcome_of("fleet", PolicyError("unknown key", hint="did you mean 'tags'?"))
    assert outcome.message == "unknown key (did you mean 'tags'?)"


@pytest.mark.parametrize("seconds", [None, float("nan"), float("inf"), -1.0, 1e300])
def test_a_senseless_retry_after_is_none(seconds: float | None) -> None:
    assert retry_after(RegistryUnavailable("later", retry_after_seconds=seconds)) is None


# Running


def test_each_target_is_reconciled_at_the_start_and_again_after_its_interval(
    world: World, start: Start
) -> None:
    start(up_to_date, "fleet", "apps")
    first = world.wait_for_outcomes(2)
    assert {outcome.repository for outcome in first} == {"fleet", "apps"}
    world.pass_time(HOUR)
    world.wait_for_outcomes(4)


def test_nothing_is_reconciled_before_its_interval_has_passed(
    world: World, store: Store, start: Start
) -> None:
    start(up_to_date, "fleet")
    world.wait_for_outcomes(1)
    world.pass_time(HOUR - timedelta(seconds=1))
    store.request("unknown")  # is swept over and not started: see below
    start(up_to_date, "other")
    world.wait_for_outcomes(2)
    assert [outcome.repository for outcome in world.outcomes] == ["fleet", "other"]
    assert store.target("fleet").requested == 1


def test_a_wake_up_reconciles_at_once(world: World, start: Start) -> None:
    controller = start(up_to_date, "fleet")
    world.wait_for_outcomes(1)
    controller.wake("fleet")
    world.wait_for_outcomes(2)


def test_a_wake_up_for_an_unknown_key_is_ignored(store: Store, start: Start) -> None:
    start(up_to_date).wake("../../etc")
    assert store.target("../../etc").requested == 0


def test_a_request_whose_wake_up_was_lost_is_found_by_the_sweep(
    world: World, store: Store, start: Start
) -> None:
    start(up_to_date, "fleet")
    world.wait_for_outcomes(1)
    store.request("fleet")  # as another process would, which then dies
    world.wait_for_outcomes(2)


def test_what_an_earlier_process_left_owed_is_done(
    world: World, store: Store, start: Start
) -> None:
    for _ in range(7):
        store.request("fleet")
    start(up_to_date, "fleet")
    world.wait_until(lambda: not store.target("fleet").is_owed)
    assert store.target("fleet").done >= 7


def test_one_key_is_never_reconciled_twice_at_a_time(
    world: World, store: Store, start: Start
) -> None:
    entered, leave = threading.Event(), threading.Event()
    at_work: list[str] = []
    most_at_work = 0

    def slow(key: str) -> Outcome:
        nonlocal most_at_work
        at_work.append(key)
        most_at_work = max(most_at_work, len(at_work))
        entered.set()
        assert leave.wait(PATIENCE_SECONDS)
        at_work.remove(key)
        return up_to_date(key)

    controller = start(slow, "fleet")
    assert entered.wait(PATIENCE_SECONDS)
    for _ in range(20):
        controller.wake("fleet")
    assert controller.running() == {"fleet"}
    leave.set()
    world.wait_until(lambda: not store.target("fleet").is_owed)
    assert most_at_work == 1
    assert len(world.outcomes) == 2  # twenty wake-ups during the run become one more run


def test_no_more_run_at_a_time_than_there_are_workers(world: World, start: Start) -> None:
    both_in, leave = threading.Barrier(3), threading.Event()

    def slow(key: str) -> Outcome:
        if not leave.is_set():
            both_in.wait(PATIENCE_SECONDS)
            assert leave.wait(PATIENCE_SECONDS)
        return up_to_date(key)

    controller = start(slow, "a", "b", "c", "d", worker_count=2)
    both_in.wait(PATIENCE_SECONDS)
    assert len(controller.running()) == 2
    leave.set()
    world.wait_for_outcomes(4)


# Failing


def test_a_failure_is_tried_again_after_its_back_off(
    world: World, store: Store, start: Start
) -> None:
    answers = [RegistryUnavailable("ghcr.io did not answer")]

    def fails_once(key: str) -> Outcome:
        if answers:
            raise answers.pop()
        return up_to_date(key)

    start(fails_once, "fleet")
    world.wait_until(lambda: store.target("fleet").fails == 1)
    world.pass_time(timedelta(seconds=5))  # half of ten: see the roll of the store
    assert [outcome.kind for outcome in world.wait_for_outcomes(2)] == [
        OutcomeKind.FAILED,
        OutcomeKind.UP_TO_DATE,
    ]
    world.wait_until(lambda: not store.target("fleet").is_owed)
    assert store.target("fleet").fails == 0


def test_a_wait_that_the_other_side_asked_for_is_kept_even_when_woken(
    world: World, store: Store, start: Start
) -> None:
    def limited(key: str) -> Outcome:
        raise RegistryUnavailable("429", retry_after_seconds=600)

    controller = start(limited, "fleet")
    world.wait_until(lambda: store.target("fleet").fails == 1)
    not_before = store.target("fleet").not_before
    assert not_before is not None
    assert not_before >= world.now() + timedelta(seconds=600)
    controller.wake("fleet")
    world.wait_until(lambda: not controller.running())
    assert len(world.outcomes) == 1


def test_what_needs_a_person_waits_for_the_ordinary_interval(
    world: World, store: Store, start: Start
) -> None:
    def stalls(key: str) -> Outcome:
        raise PolicyError("unknown key")

    start(stalls, "fleet")
    world.wait_until(lambda: store.target("fleet").done == 1)
    assert store.target("fleet").fails == 0
    assert world.outcomes[0].kind is OutcomeKind.STALLED
    world.pass_time(HOUR)
    world.wait_for_outcomes(2)


def test_a_repository_that_always_raises_stops_no_other_and_shows_its_traceback(
    world: World, store: Store, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def poisoned(key: str) -> Outcome:
        if key == "poison":
            raise KeyError("unexpected")
        return up_to_date(key)

    start(poisoned, "poison", "fleet", worker_count=1)
    world.wait_for_outcomes(2)
    world.wait_until(lambda: store.target("poison").fails == 1)
    world.wait_until(lambda: store.target("fleet").done == 1)
    traces = [record.exc_info for record in caplog.records if record.exc_info]
    assert [trace[0] for trace in traces] == [KeyError]


def test_a_store_in_trouble_does_not_make_the_work_run_at_every_tick(
    world: World, store: Store, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks_the_store(key: str) -> Outcome:
        with sqlite3.connect(str(store.database.address.file)) as connection:
            connection.execute(
                "create trigger full before update of done on target "
                "begin select raise(abort, 'disk I/O error'); end"
            )
        connection.close()
        return up_to_date(key)

    start(breaks_the_store, "fleet")
    world.wait_until(lambda: any("disk I/O error" in text for text in caplog.messages))
    store.request("fleet")
    start(up_to_date, "other")  # a whole start later, "fleet" was still not run again
    world.wait_until(lambda: any(outcome.repository == "other" for outcome in world.outcomes))
    assert [outcome.repository for outcome in world.outcomes].count("fleet") == 1


def test_a_store_that_can_note_no_outcome_is_told_of_once_for_all_repositories(
    world: World, store: Store, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "imagebot.troubles")

    def told() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name == "imagebot.troubles"]

    with sqlite3.connect(str(store.database.address.file)) as connection:
        connection.execute(
            "create trigger full before update of done on target "
            "begin select raise(abort, 'disk I/O error'); end"
        )
    start(up_to_date, "fleet", "apps", "web")
    world.wait_for_outcomes(3)
    world.wait_until(lambda: len(told()) == 1)
    with sqlite3.connect(str(store.database.address.file)) as connection:
        connection.execute("drop trigger full")
    connection.close()
    world.pass_time(HOUR)
    world.wait_until(lambda: not store.owed(world.now()))
    world.wait_until(lambda: len(told()) == 2)
    assert "disk I/O error" in told()[0]
    assert told()[1] == "noting what came of reconciliations works again"


def test_timers_in_trouble_say_so_once_and_go_on(
    world: World, store: Store, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    controller = start(up_to_date, "fleet")
    world.wait_for_outcomes(1)
    world.wait_until(lambda: not controller.running())
    rename = "alter table {} rename to {}"
    with sqlite3.connect(str(store.database.address.file)) as connection:
        connection.execute(rename.format("target", "away"))
    world.wait_until(lambda: "no such table" in controller.trouble())
    with sqlite3.connect(str(store.database.address.file)) as connection:
        connection.execute(rename.format("away", "target"))
    connection.close()
    world.wait_until(lambda: not controller.trouble())
    store.request("fleet")
    world.wait_for_outcomes(2)
    troubles = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(troubles) == 1


# Stopping and health


def test_stopping_waits_for_what_runs_and_starts_nothing_more(
    world: World, store: Store, start: Start
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(key: str) -> Outcome:
        entered.set()
        assert leave.wait(PATIENCE_SECONDS)
        return up_to_date(key)

    controller = start(slow, "a", "b", worker_count=1)
    assert entered.wait(PATIENCE_SECONDS)
    world.wait_until(lambda: store.target("a").is_owed and store.target("b").is_owed)
    assert not controller.stop(timedelta(0))
    controller.wake("a")
    leave.set()
    assert controller.stop(timedelta(seconds=PATIENCE_SECONDS))
    assert len(world.outcomes) == 1
    assert controller.running() == frozenset()
    left = [key for key in ("a", "b") if store.target(key).is_owed]
    assert left == ["a", "b"]  # "a" because it was woken, "b" because it never ran


def test_a_controller_that_was_never_started_can_be_stopped(store: Store) -> None:
    controller = Controller([], up_to_date, store)
    assert controller.stop(timedelta(0))


def test_a_controller_is_well_while_its_timers_go_round(world: World, start: Start) -> None:
    controller = start(up_to_date, "fleet")
    world.pass_time(STALE_AFTER)
    world.wait_until(lambda: controller.sickness() == "")


def test_a_controller_whose_timers_stand_still_says_so(world: World, store: Store) -> None:
    controller = Controller([], up_to_date, store, monotonic=world.monotonic)
    assert controller.sickness() == ""
    world.pass_time(STALE_AFTER)
    assert controller.sickness() == "nothing was looked for in the last 60 seconds"
    controller.stop(timedelta(0))


def test_the_next_poll_of_each_target_can_be_shown(world: World, start: Start) -> None:
    controller = start(up_to_date, "fleet")
    world.wait_for_outcomes(1)
    world.wait_until(lambda: controller.next_polls() == {"fleet": world.now() + HOUR})


def test_every_run_is_in_the_history(world: World, store: Store, start: Start) -> None:
    start(up_to_date, "fleet")
    world.wait_until(lambda: "fleet" in store.last_runs())
    run = store.last_runs()["fleet"]
    assert run == Run("fleet", OutcomeKind.UP_TO_DATE, "nothing to do", world.now(), world.now())


# What hangs, what needs a person, and targets that change


def test_a_reconciliation_that_hangs_is_given_up_told_and_tried_again(
    world: World, store: Store, start: Start
) -> None:
    entered, leave = threading.Event(), threading.Event()
    abandoned: list[str] = []
    calls: list[str] = []

    def hangs_once(key: str) -> Outcome:
        calls.append(key)
        if calls.count("fleet") == 1:
            entered.set()
            assert leave.wait(PATIENCE_SECONDS)
        return up_to_date(key)

    minute = timedelta(minutes=1)
    controller = start(
        hangs_once, "fleet", worker_count=1, deadline=minute, abandon=abandoned.append
    )
    try:
        assert entered.wait(PATIENCE_SECONDS)
        world.pass_time(1.5 * minute)
        [outcome] = world.wait_for_outcomes(1)
        assert outcome.kind is OutcomeKind.FAILED
        assert outcome.message == "took longer than 1m: given up"
        world.wait_until(lambda: store.target("fleet").fails == 1)
        assert controller.late() == {"fleet"}
        assert controller.late_total == 1
        assert controller.sickness() == "1 reconciliations hang"
        world.pass_time(minute)  # the back-off is over, and the deadline passed twice
        world.wait_until(lambda: store.target("fleet").done >= 1)
        assert abandoned == ["fleet"]
        world.wait_until(lambda: store.last_runs()["fleet"].kind is OutcomeKind.UP_TO_DATE)
    finally:
        leave.set()
    world.wait_until(lambda: not controller.late())
    assert controller.sickness() == ""
    assert len(world.outcomes) == 2  # what came of the late one counts no more


@dataclass
class Remote:
    """Where the base of a git repository stands, and how often that was asked."""

    base: str = "one"
    seen_base: str = "one"
    asked: int = 0
    error: ImagebotError | None = None
    leave: threading.Event | None = None  # what an answer waits for

    def seen(self, key: str) -> str:
        return self.seen_base

    def now(self, key: str) -> str:
        self.asked += 1
        if self.leave:
            assert self.leave.wait(PATIENCE_SECONDS)
        if self.error:
            raise self.error
        return self.base


@dataclass
class Ticks:
    """Counts the ticks of a controller that has its timer."""

    count: int = 0

    @property
    def timer(self) -> Timer:
        return Timer("counting", TICK, self.note)

    def note(self) -> None:
        self.count += 1

    def pass_some(self, world: World) -> None:
        until = self.count + 10
        world.wait_until(lambda: self.count >= until)


def stalls(key: str) -> Outcome:
    raise PolicyError("unknown key")


def pass_interval(world: World, controller: Controller, remote: Remote) -> None:
    """One interval, and the look at the base that comes at its end."""
    asked = remote.asked
    world.pass_time(timedelta(minutes=10))
    world.wait_until(lambda: remote.asked > asked)
    world.wait_until(lambda: not controller.running())


def test_what_needs_a_person_is_left_alone_until_its_base_moves(
    world: World, store: Store, start: Start
) -> None:
    remote = Remote()
    controller = start(stalls, "fleet", bases=remote, interval=timedelta(minutes=10))
    world.wait_until(lambda: store.target("fleet").done == 1)
    assert controller.stalled() == {"fleet"}
    pass_interval(world, controller, remote)
    remote.error = GitUnavailable("the remote is away")
    pass_interval(world, controller, remote)
    assert len(world.outcomes) == 1
    remote.error, remote.base = None, "two"
    pass_interval(world, controller, remote)
    world.wait_for_outcomes(2)


def test_what_needs_a_person_for_another_reason_now_is_told_once(
    world: World, store: Store, start: Start
) -> None:
    remote, denied = Remote(), GitError("access denied")

    def reconcile(key: str) -> Outcome:
        raise remote.error or PolicyError("unknown key")

    controller = start(reconcile, "fleet", bases=remote, interval=timedelta(minutes=10))
    world.wait_until(lambda: store.target("fleet").done == 1)
    remote.error = denied
    pass_interval(world, controller, remote)
    world.wait_until(lambda: store.target("fleet").done == 2)
    pass_interval(world, controller, remote)
    assert [outcome.message for outcome in world.outcomes] == ["unknown key", "access denied"]
    remote.error = None
    pass_interval(world, controller, remote)
    world.wait_until(lambda: store.target("fleet").done == 3)
    pass_interval(world, controller, remote)
    assert [outcome.message for outcome in world.outcomes[2:]] == ["unknown key"]


def test_a_base_that_only_a_look_may_not_see_is_not_reconciled_at_each_interval(
    world: World, store: Store, start: Start
) -> None:
    remote = Remote(error=GitError("ls-remote is forbidden"))
    controller = start(stalls, "fleet", bases=remote, interval=timedelta(minutes=10))
    world.wait_until(lambda: store.target("fleet").done == 1)
    pass_interval(world, controller, remote)
    world.wait_until(lambda: store.target("fleet").done == 2)
    pass_interval(world, controller, remote)
    pass_interval(world, controller, remote)
    assert len(world.outcomes) == 2


def test_a_look_at_the_base_that_finds_its_key_taken_is_made_up_for(
    world: World, store: Store, start: Start
) -> None:
    remote, leave, ticks = Remote(), threading.Event(), Ticks()
    controller = start(
        stalls, "fleet", bases=remote, interval=timedelta(minutes=10), timers=[ticks.timer]
    )
    world.wait_until(lambda: store.target("fleet").done == 1 and not controller.running())
    remote.leave = leave
    world.pass_time(timedelta(minutes=10))
    world.wait_until(lambda: remote.asked == 1)
    world.pass_time(timedelta(minutes=10))  # and the first look goes on
    ticks.pass_some(world)
    leave.set()
    world.wait_until(lambda: remote.asked == 2)


def test_what_needs_a_person_is_looked_at_when_it_is_woken_and_now_and_then(
    world: World, store: Store, start: Start
) -> None:
    controller = start(stalls, "fleet", bases=Remote(), interval=timedelta(minutes=10))
    world.wait_until(lambda: store.target("fleet").done == 1)
    controller.wake("fleet")
    world.wait_until(lambda: store.target("fleet").done == 2)
    world.pass_time(STALLED_LOOK)  # a permission may have been given meanwhile
    world.wait_until(lambda: store.target("fleet").done == 3)


def test_an_outcome_that_tells_of_images_is_looked_at_at_its_interval(
    world: World, store: Store, start: Start
) -> None:
    def partly(key: str) -> Outcome:
        return Outcome(key, OutcomeKind.STALLED, "1 problem")

    controller = start(partly, "fleet", bases=Remote(), interval=timedelta(minutes=10))
    world.wait_until(lambda: store.target("fleet").done == 1)
    assert controller.stalled() == frozenset()
    world.pass_time(timedelta(minutes=10))
    world.wait_for_outcomes(2)


def test_targets_that_come_are_reconciled_and_those_that_go_are_not(
    world: World, store: Store, start: Start
) -> None:
    controller = start(up_to_date, "old", "stays")
    world.wait_for_outcomes(2)
    world.wait_until(lambda: not controller.running())
    controller.retarget([TargetPlan("stays", HOUR), TargetPlan("new", HOUR)])
    world.wait_for_outcomes(3)
    controller.wake("old")
    assert store.target("old").requested == 1
    assert set(controller.next_polls()) == {"stays", "new"}


def test_a_target_whose_settings_changed_is_looked_at_at_once(world: World, start: Start) -> None:
    controller = start(up_to_date, "fleet")
    world.wait_for_outcomes(1)
    controller.retarget([TargetPlan("fleet", HOUR)], ["fleet"])
    world.wait_for_outcomes(2)


def test_an_interval_that_became_shorter_counts_from_now(world: World, start: Start) -> None:
    controller = start(up_to_date, "fleet")
    world.wait_for_outcomes(1)
    minute = timedelta(minutes=1)
    controller.retarget([TargetPlan("fleet", minute)])
    assert controller.next_polls()["fleet"] == world.now() + minute
    world.pass_time(minute)
    world.wait_for_outcomes(2)


def test_settings_taken_over_while_a_tick_asks_have_their_way(
    world: World, store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = timedelta(minutes=1)
    request, begun = store.request_in_turn, threading.Event()
    taken = threading.Event()

    def request_slowly(key: str, within: timedelta) -> timedelta:
        begun.set()
        assert taken.wait(PATIENCE_SECONDS)
        return request(key, within)

    monkeypatch.setattr(store, "request_in_turn", request_slowly)
    controller = start(up_to_date, "fleet")
    assert begun.wait(PATIENCE_SECONDS)
    controller.retarget([TargetPlan("fleet", minute)])
    taken.set()
    world.wait_for_outcomes(1)
    assert controller.next_polls()["fleet"] == world.now() + minute
    world.pass_time(minute)
    world.wait_for_outcomes(2)


def test_a_request_that_the_store_refused_is_made_at_the_next_tick(
    world: World, store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, refusals = store.request_in_turn, iter([1, 2, 3])

    def request_at_last(key: str, within: timedelta) -> timedelta:
        if next(refusals, None):
            raise StoreUnavailable("the disk is full")
        return request(key, within)

    monkeypatch.setattr(store, "request_in_turn", request_at_last)
    start(up_to_date, "fleet")
    world.wait_for_outcomes(1)


def test_other_timers_run_beside_and_their_trouble_is_told(world: World, start: Start) -> None:
    def fails() -> None:
        raise StoreUnavailable("the disk is full")

    controller = start(up_to_date, "fleet", timers=[Timer("tidying up", TICK, fails)])
    world.wait_until(lambda: controller.trouble() == "tidying up: the disk is full")
    world.wait_for_outcomes(1)


@pytest.mark.parametrize(("wait_seconds", "is_forgiven"), [(None, True), (3600, False)])
def test_news_end_a_back_off_but_no_wait_that_was_asked_for(
    world: World, store: Store, start: Start, wait_seconds: float | None, is_forgiven: bool
) -> None:
    def fails(key: str) -> Outcome:
        raise RegistryUnavailable("no answer", retry_after_seconds=wait_seconds)

    controller = start(fails, "fleet")
    world.wait_until(lambda: store.target("fleet").fails == 1)
    world.wait_until(lambda: not controller.running())
    controller.wake("fleet")
    assert store.target("fleet").fails == 1
    controller.wake("fleet", forgives=True)
    if is_forgiven:
        world.wait_for_outcomes(2)
    else:
        assert store.target("fleet").fails == 1
        assert not store.target("fleet").is_due(world.now())


# A clock that is set back


def test_a_back_off_lasts_no_longer_when_the_clock_is_set_back(
    world: World, store: Store, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[timedelta] = []

    def fails(key: str) -> Outcome:
        raise RegistryUnavailable("no answer", retry_after_seconds=600)

    controller = start(fails, "fleet", set_back=told.append)
    world.wait_until(lambda: store.target("fleet").fails == 1)
    world.wait_until(lambda: not controller.running())
    world.set_back = timedelta(hours=5)
    world.wait_until(lambda: bool(told))
    assert told == [timedelta(hours=5)]
    waits = store.target("fleet").not_before
    assert waits is not None
    assert timedelta(minutes=10) <= waits - world.now() < timedelta(minutes=11)
    world.pass_time(timedelta(minutes=11))
    world.wait_for_outcomes(2)
    assert [text for text in caplog.messages if "clock" in text] == ["the clock was set back by 5h"]


def test_a_clock_that_was_set_back_between_two_starts_has_nothing_wait_for_the_former_time(
    world: World, store: Store, start: Start
) -> None:
    store.request("fleet")
    store.fail("fleet", world.now())
    store.record(Run("fleet", OutcomeKind.FAILED, "no answer", world.now(), world.now()))
    world.set_back = timedelta(hours=5)
    start(up_to_date, "fleet")
    world.pass_time(timedelta(seconds=10))
    world.wait_until(lambda: store.target("fleet").fails == 0)


def test_a_clock_that_the_store_could_not_be_told_of_is_told_later(
    world: World, store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals, told = iter([1, 2, 3]), list[timedelta]()

    def set_back(by: timedelta) -> None:
        if next(refusals, None):
            raise StoreUnavailable("the disk is full")
        told.append(by)

    monkeypatch.setattr(store, "set_back", set_back)
    start(up_to_date, "fleet")
    world.set_back = timedelta(hours=5)
    world.wait_until(lambda: bool(told))
    assert told == [timedelta(hours=5)]
