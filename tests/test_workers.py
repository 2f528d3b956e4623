"""Workers: one job a key, few at a time, and none that hangs keeps its place or key for ever."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from imagebot.workers import Job, Workers

PATIENCE = 30.0  # seconds; bounds a failing test, a passing one does not wait
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
        assert self.leave.wait(PATIENCE)

    def wait(self) -> None:
        assert self.entered.acquire(timeout=PATIENCE)


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
    assert workers.stop(timedelta(seconds=PATIENCE))
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
    assert done.wait(PATIENCE)
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
    assert done.wait(PATIENCE)
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
    assert workers.stop(timedelta(seconds=PATIENCE))


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
    assert done.wait(PATIENCE)
    assert "KeyError: 'unexpected'" in caplog.text


def _wait_until_none_is_late(workers: Workers) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if workers.late_count == 0:
            return
        pause.wait(0.01)
    raise AssertionError("the late job did not end")
