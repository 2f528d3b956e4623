"""The labels by which people switch imagebot: made once, tried again where they were refused."""

from datetime import UTC, datetime, timedelta

import pytest

from imagebot.carrying.hearing import Ear
from imagebot.carrying.switches import ASKED_AGAIN_AFTER, SWITCHES, provide_switches
from imagebot.proposals import Proposal
from tests.forges.world import Cache, World, changes, opened_by

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BRANCH = "imagebot/api-1a2b"


@pytest.fixture
def refused(github: World) -> tuple[Ear, list[Proposal]]:
    """A forge that refused to make labels at noon, and would not now."""
    github.bare.push(BRANCH)
    opened = opened_by(github.forge, changes())
    ear, proposals = Ear(github.forge, "config", Cache()), [Proposal(changes(), "", "", opened)]
    github.server.answer_next("POST", "/labels$", 403, {"message": "Forbidden"})
    provide_switches(ear, proposals, NOON)
    github.server.forget_requests()
    return ear, proposals


def test_a_refusal_costs_nothing_for_a_day(
    github: World, refused: tuple[Ear, list[Proposal]]
) -> None:
    for after in (timedelta(0), timedelta(minutes=5), ASKED_AGAIN_AFTER - timedelta(seconds=1)):
        provide_switches(*refused, NOON + after)
    assert github.server.requests == []


@pytest.mark.parametrize("after", [ASKED_AGAIN_AFTER, -timedelta(days=400)])
def test_after_a_day_or_on_a_clock_that_was_set_back_they_are_made(
    github: World, refused: tuple[Ear, list[Proposal]], after: timedelta
) -> None:
    provide_switches(*refused, NOON + after)
    assert len(github.server.writes) == len(SWITCHES)
    github.server.forget_requests()
    provide_switches(*refused, NOON + after + timedelta(days=40))
    assert github.server.requests == []
