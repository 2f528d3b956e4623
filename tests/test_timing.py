"""When the forge is asked for what was opened lately, and what limits count of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from imagebot import timing
from imagebot.policy.model import Limit, RepositoryPolicy
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from tests.making import policy

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def changes(branch: str) -> ChangeSet:
    return ChangeSet(
        group="", branch=branch, base="main", title="", body="", message="", files={}, updates=()
    )


def request(number: int, head: str, minutes_ago: int, *, is_open: bool = True) -> PullRequest:
    state = PullRequestState.OPEN if is_open else PullRequestState.MERGED
    made = NOW - timedelta(minutes=minutes_ago)
    return PullRequest(number, "", state, head, "main", "", "", created=made)


class Forge:
    def __init__(self, *recent: PullRequest) -> None:
        self.listed = recent
        self.asked: list[datetime] = []

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        self.asked.append(since)
        return self.listed


def waiting(limit: Limit, known: Sequence[PullRequest], forge: Forge) -> set[str]:
    rules = RepositoryPolicy("r.yaml", 1, policy(), limits=limit)
    counted = timing.Counted({each.head: each for each in known}, {}, {}, (), {}, {}, rules)
    found = timing.kept_back([changes("imagebot/new")], counted, {}, NOW, forge.recent)
    return set(found)


@pytest.mark.parametrize(
    ("limit", "known"),
    [
        (Limit(), []),
        (Limit(open=5), []),
        (Limit(open=1, new_per_hour=5), [request(1, "imagebot/a", 90)]),
        (Limit(new_per_hour=1), [request(1, "imagebot/a", 10)]),
        (Limit(new_per_hour=1), [request(1, "imagebot/new", 90)]),
    ],
    ids=["no limit", "none by the hour", "too many open", "known to be recent", "nothing is new"],
)
def test_the_forge_is_not_asked_where_its_answer_would_change_nothing(
    limit: Limit, known: list[PullRequest]
) -> None:
    forge = Forge()
    waiting(limit, known, forge)
    assert forge.asked == []


def test_what_was_opened_lately_counts_once_and_only_if_imagebot_did() -> None:
    known = [request(1, "imagebot/a", 10)]
    persons = request(2, "feature", 5)
    ours = request(3, "imagebot/merged", 20, is_open=False)
    assert waiting(Limit(new_per_hour=2), known, Forge(*known, persons)) == set()
    forge = Forge(*known, persons, ours)
    assert waiting(Limit(new_per_hour=2), known, forge) == {"imagebot/new"}
    assert forge.asked == [NOW - timedelta(hours=1)]
