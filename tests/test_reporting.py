"""The log says what is wrong with a git repository, once."""

import logging

import pytest

from imagebot.model import Problem
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.reporting import MAX_LINES, Reporter
from tests.making import choice

KEY = Problem("apps/imagebot.yaml", 3, 5, "unknown key 'polcy'", hint="did you mean 'policy'?")
RANGE = Problem("apps/imagebot.yaml", 9, 1, "not a range")
WARNING = Problem("a.yaml", 2, 0, "no tag", is_warning=True)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def stalled(*problems: Problem) -> Outcome:
    return Outcome("fleet", OutcomeKind.STALLED, f"{len(problems)} problems", problems=problems)


def test_each_problem_is_said_with_its_place_once_while_it_lasts(
    said: pytest.LogCaptureFixture,
) -> None:
    reporter = Reporter()
    reporter.observe(stalled(WARNING, KEY))
    assert said.messages == [
        "fleet: apps/imagebot.yaml:3:5: unknown key 'polcy' (did you mean 'policy'?)",
        "fleet: a.yaml:2: no tag",
    ]
    assert [record.levelno for record in said.records] == [logging.WARNING, logging.INFO]
    reporter.observe(stalled(KEY, WARNING))
    assert len(said.messages) == 2


def test_a_problem_that_takes_the_place_of_another_is_said(said: pytest.LogCaptureFixture) -> None:
    reporter = Reporter()
    reporter.observe(stalled(KEY))
    reporter.observe(stalled(RANGE))
    assert said.messages[1:] == ["fleet: apps/imagebot.yaml:9:1: not a range"]
    reporter.observe(stalled(KEY))
    assert len(said.messages) == 3


def test_a_run_that_failed_before_it_read_anything_mends_no_problem(
    said: pytest.LogCaptureFixture,
) -> None:
    reporter = Reporter()
    reporter.observe(stalled(KEY))
    reporter.observe(Outcome("fleet", OutcomeKind.FAILED, "no answer"))
    reporter.observe(stalled(KEY))
    assert len(said.messages) == 1


def test_of_many_problems_some_are_said_and_the_rest_is_counted(
    said: pytest.LogCaptureFixture,
) -> None:
    Reporter().observe(stalled(*(Problem("a.yaml", line, 0, "bad") for line in range(50))))
    assert len(said.messages) == MAX_LINES + 1
    assert said.messages[-1] == "fleet: and 30 more; imagebot plan shows all"


def test_an_image_that_no_registry_told_of_is_said_once_by_its_first_place(
    said: pytest.LogCaptureFixture,
) -> None:
    def failed(reason: str) -> Outcome:
        twice = tuple(
            choice(tag=None, file=file, reason=reason, is_failure=True) for file in ("a", "b")
        )
        return Outcome("fleet", OutcomeKind.FAILED, "2 not known (registry)", choices=twice)

    reporter = Reporter()
    reporter.observe(failed("HTTP 500 from registry.test"))
    reporter.observe(failed("HTTP 500 from registry.test; not asked again for now"))
    assert said.messages == ["fleet: a:7:8: ghcr.io/acme/api: HTTP 500 from registry.test"]
    assert said.records[0].levelno == logging.WARNING


def test_one_that_left_the_settings_and_comes_back_is_told_anew(
    said: pytest.LogCaptureFixture,
) -> None:
    reporter = Reporter()
    reporter.observe(stalled(KEY))
    reporter.retarget(["apps"])
    reporter.observe(stalled(KEY))
    assert len(said.messages) == 2
