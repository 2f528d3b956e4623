"""What cannot be done is told when it changes."""

import logging

import pytest

from imagebot.errors import StoreUnavailable
from imagebot.troubles import Troubles

FULL, BROKEN = StoreUnavailable("the disk is full"), StoreUnavailable("disk I/O error")


def test_a_trouble_is_told_once_and_again_after_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    troubles = Troubles()
    for _ in range(3):
        troubles.note("polling", FULL)
    assert str(troubles) == "polling: the disk is full"
    troubles.end("polling")
    troubles.end("polling")
    assert str(troubles) == ""
    troubles.note("polling", FULL)
    told = "polling: the disk is full"
    assert caplog.messages == [told, "polling works again", told]


def test_a_full_disk_that_says_now_this_now_that_is_told_of_each_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles = Troubles()
    for error in (FULL, BROKEN) * 5:
        troubles.note("polling", error)
    troubles.note("tidying up", FULL)
    assert len(caplog.messages) == 3
    assert str(troubles) == "polling: disk I/O error; tidying up: the disk is full"


def test_a_trouble_with_ever_other_words_takes_no_room_for_ever() -> None:
    troubles = Troubles()
    for number in range(1000):
        troubles.note("polling", StoreUnavailable(f"number {number}"))
    assert str(troubles) == "polling: number 999"
    assert len(troubles._texts["polling"]) <= 100


def test_a_bug_shows_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    Troubles().note("polling", ZeroDivisionError("figures"))
    assert [record.exc_info is not None for record in caplog.records] == [True]
