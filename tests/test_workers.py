"""Workers: one job a key, few at a time, and none that hangs keeps its place or key for ever."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from imagebot.workers import MAX_LENT, PATIENCE, Job, Workers, waiting

LONG = 30.0  # seconds; bounds a failing test, a passing one does not wait
DEADLINE = timedelta(minutes=10)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Gate:
    """A job that says when it has begun, and ends when it is let."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Semaphore(0), threading.Event()
        self.seen: list[Job] = []

    def __call__(self, job: Job) -> None:
        self.seen.append(job)
        self.entered.release()
        assert self.leave.wait(LONG)

    def wait(self) -> None:
        assert self.entered.acquire(timeout=LONG)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.leave.set()


def test_a_key_has_one_job_at_a_time(clock: Clock, gate: Gate) -> None:
    workers = Workers("test", 2, DEADLINE, clock)
    assert workers.submit("a", gate)
    assert not workers.submit("a", gate)
    gate.wait()
    gate.leave.set()
    assert workers.stop(timedelta(seconds=LONG))
    assert len(gate.seen) == 1


def test_a_late_job_loses_its_place_to_the_next_one(clock: Clock, gate: Gate) -> None:
    workers = Workers("test", 1, DEADLINE, clock)
    workers.submit("hangs", gate)
    gate.wait()
    done = threading.Event()
    workers.submit("next", lambda job: done.set())
    clock.seconds = DEADLINE.total_seconds() + 1
    late, lost = workers.look_for_late()
    assert ([job.key for job in late], lost) == (["hangs"], [])
    assert gate.seen[0].is_late
    assert done.wait(LONG)
    assert workers.look_for_late() == ([], [])  # it is told once


def test_a_job_that_is_late_twice_over_loses_its_key_too(clock: Clock, gate: Gate) -> None:
    workers = Workers("test", 1, DEADLINE, clock)
    workers.submit("a", gate)
    gate.wait()
    clock.seconds = DEADLINE.total_seconds() + 1
    workers.look_for_late()
    assert not workers.submit("a", gate)
    clock.seconds = 2 * DEADLINE.total_seconds() + 1
    assert [job.key for job in workers.look_for_late()[1]] == ["a"]
    done = threading.Event()
    assert workers.submit("a", lambda job: done.set())
    assert done.wait(LONG)
    assert workers.late_count == 1  # the first one hangs still


def test_the_end_of_a_late_job_leaves_the_new_one_of_its_key_alone(
    clock: Clock, gate: Gate
) -> None:
    workers, second = Workers("test", 1, DEADLINE, clock), Gate()
    workers.submit("a", gate)
    gate.wait()
    clock.seconds = DEADLINE.total_seconds() + 1
    workers.look_for_late()
    clock.seconds *= 3
    workers.look_for_late()
    workers.submit("a", second)
    second.wait()
    gate.leave.set()
    _wait_until_none_is_late(workers)
    assert workers.taken() == {"a"}
    second.leave.set()
    assert workers.stop(timedelta(seconds=LONG))


def test_stopping_drops_what_is_queued_and_waits_for_no_late_job(clock: Clock, gate: Gate) -> None:
    workers, ran = Workers("test", 1, DEADLINE, clock), threading.Event()
    workers.submit("hangs", gate)
    gate.wait()
    workers.submit("queued", lambda job: ran.set())
    assert not workers.stop(timedelta(0))
    assert workers.taken() == {"hangs"}
    clock.seconds = DEADLINE.total_seconds() + 1
    workers.look_for_late()
    assert workers.stop(timedelta(0))
    assert not workers.submit("new", gate)
    assert not ran.is_set()


def test_a_job_that_raises_frees_its_place_and_shows_its_traceback(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    workers, done = Workers("test", 1, DEADLINE, clock), threading.Event()

    def fails(job: Job) -> None:
        raise KeyError("unexpected")

    workers.submit("a", fails)
    workers.submit("b", lambda job: done.set())
    assert done.wait(LONG)
    assert "KeyError: 'unexpected'" in caplog.text


def _wait_until_none_is_late(workers: Workers) -> None:
    pause = threading.Event()
    for _ in range(int(LONG / 0.01)):
        if workers.late_count == 0:
            return
        pause.wait(0.01)
    raise AssertionError("the late job did not end")


# Places that are lent


class Waiting(Gate):
    """A job that waits for somebody else, and has more to do when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.has_answer, self.may_end = threading.Semaphore(0), threading.Event()

    def __call__(self, job: Job) -> None:
        with waiting():
            super().__call__(job)
        self.has_answer.release()
        assert self.may_end.wait(LONG)


@pytest.fixture
def waits() -> Iterator[Waiting]:
    waits = Waiting()
    yield waits
    waits.leave.set()
    waits.may_end.set()


def test_a_job_that_waits_for_long_lends_its_place_until_it_goes_on(
    clock: Clock, gate: Gate, waits: Waiting
) -> None:
    workers = Workers("test", 1, DEADLINE, clock)
    workers.submit("waits", waits)
    waits.wait()
    workers.submit("next", gate)
    workers.submit("last", gate)
    workers.lend_places()
    assert workers.running() == {"waits"}
    clock.seconds += PATIENCE.total_seconds()
    workers.lend_places()
    gate.wait()
    assert workers.running() == {"waits", "next"}
    waits.leave.set()
    assert waits.has_answer.acquire(timeout=LONG)
    clock.seconds += PATIENCE.total_seconds()
    workers.lend_places()
    assert workers.running() == {"waits", "next"}  # nobody begins beside the two
    gate.leave.set()
    waits.may_end.set()
    assert workers.stop(timedelta(seconds=LONG))


def test_a_job_that_computes_for_long_lends_no_place(clock: Clock, gate: Gate) -> None:
    workers = Workers("test", 1, DEADLINE, clock)
    workers.submit("computes", gate)
    gate.wait()
    workers.submit("next", gate)
    clock.seconds += DEADLINE.total_seconds() / 2
    workers.lend_places()
    assert workers.running() == {"computes"}


def test_places_that_are_lent_are_few(clock: Clock, waits: Waiting) -> None:
    workers = Workers("test", 1, DEADLINE, clock)
    for number in range(MAX_LENT + 5):
        workers.submit(str(number), waits)
    begun = 0
    for _ in range(MAX_LENT + 5):
        while begun < len(workers.running()):
            waits.wait()
            begun += 1
        clock.seconds += PATIENCE.total_seconds()
        workers.lend_places()
    assert len(workers.running()) == MAX_LENT + 1


def test_a_job_that_lent_its_place_is_late_like_any_other_and_is_waited_for(
    clock: Clock, gate: Gate, waits: Waiting
) -> None:
    workers = Workers("test", 1, DEADLINE, clock)
    workers.submit("waits", waits)
    waits.wait()
    workers.submit("next", gate)
    clock.seconds += PATIENCE.total_seconds()
    workers.lend_places()
    gate.wait()
    gate.leave.set()
    assert not workers.stop(timedelta(0))
    clock.seconds += DEADLINE.total_seconds()
    late, _ = workers.look_for_late()
    assert "waits" in {job.key for job in late}
    assert "waits" not in workers.running()


def test_waiting_outside_a_job_and_within_waiting_is_nothing(clock: Clock) -> None:
    with waiting(), waiting():
        pass
    seen = []

    def nested(job: Job) -> None:
        with waiting():
            with waiting():
                pass
            seen.append(job.waits_since)

    workers = Workers("test", 1, DEADLINE, clock)
    workers.submit("a", nested)
    assert workers.stop(timedelta(seconds=LONG))
    assert seen == [clock.seconds]
