"""What is remembered of the past, and that nothing is counted twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.database import Database
from imagebot.history import MAX_CHANGES_PER_REPOSITORY, History
from imagebot.history_model import LEAD_BOUNDS_SECONDS, Changes, Decision, SeenRequest
from imagebot.store_address import StoreAddress

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CURRENT = Decision(
    *("a.yaml:image", "a.yaml", 3, "ghcr.io/acme/api", "1.0.0", "", "current", "up to date")
)
BEHIND = replace(CURRENT, chosen="1.1.0", state="behind", reason="1.1.0 is newer")
OPEN = SeenRequest(
    *(7, "https://forge.example/7", "Update api", "api", "imagebot/api-1", "open", NOW),
    versions=("ghcr.io/acme/api:1.1.0",),
    first_seen_at=NOW - 2 * HOUR,
)
MERGED = replace(OPEN, state="merged", versions=(), first_seen_at=None, group="")


@pytest.fixture
def history(lasting: StoreAddress) -> Iterator[History]:
    database = Database(lasting)
    yield History(database)
    database.close()


def test_a_look_in_the_same_world_writes_nothing(history: History) -> None:
    history.note("fleet", [BEHIND], [OPEN], NOW)
    assert history.note("fleet", [BEHIND], [OPEN], NOW + HOUR) == Changes()


def test_a_decision_is_kept_with_its_reason_and_since_when_it_stands(history: History) -> None:
    history.note("fleet", [CURRENT], [], NOW)
    history.note("fleet", [BEHIND], [], NOW + HOUR)
    moved = replace(BEHIND, line=9)
    history.note("fleet", [moved], [], NOW + 2 * HOUR)
    (kept,) = history.decisions("fleet")
    assert (kept.reason, kept.line, kept.decided_at) == ("1.1.0 is newer", 9, NOW + HOUR)
    assert [(change.before, change.decision.state) for change in history.changes("fleet", 9)] == [
        ("current", "behind"),
        ("", "current"),
    ]


def test_a_place_is_as_far_behind_as_the_first_newer_tag_that_it_did_not_get(
    history: History,
) -> None:
    held = replace(BEHIND, state="held", chosen="")
    history.note("fleet", [held], [], NOW)
    history.note("fleet", [BEHIND], [], NOW + HOUR)
    history.note("fleet", [replace(BEHIND, chosen="1.2.0")], [], NOW + 2 * HOUR)
    history.note("fleet", [replace(CURRENT, state="failed")], [], NOW + 3 * HOUR)
    assert history.figures().behind_since == {"fleet": NOW}
    history.note("fleet", [replace(CURRENT, current="1.2.0")], [], NOW + 4 * HOUR)
    assert history.figures().behind_since == {}


def test_a_look_that_broke_off_leaves_the_decisions_and_one_that_saw_nothing_takes_them(
    history: History,
) -> None:
    history.note("fleet", [BEHIND], [], NOW)
    history.note("fleet", None, [], NOW + HOUR)
    assert history.figures().states == {("fleet", "behind"): 1}
    history.note("fleet", [], [], NOW + HOUR)
    assert history.figures().states == {}


def test_a_request_is_counted_once_over_any_number_of_looks_and_restarts(
    lasting: StoreAddress,
) -> None:
    looks = [OPEN, OPEN, MERGED, MERGED]
    for at, seen in enumerate(looks):
        database = Database(lasting)
        History(database).note("fleet", [], [seen], NOW + at * HOUR)
        figures = History(database).figures()
        database.close()
    assert figures.requests == {("fleet", "opened"): 1, ("fleet", "merged"): 1}
    assert figures.open_requests == {"fleet": 0}
    proposed, merged = figures.leads["fleet", "proposed"], figures.leads["fleet", "merged"]
    assert proposed.total_seconds == 2 * 3600
    assert merged.total_seconds == 4 * 3600
    bounds = (*LEAD_BOUNDS_SECONDS, float("inf"))
    assert [bounds[at] for at, count in enumerate(proposed.counts) if count] == [4 * 3600]


def test_what_a_request_proposed_is_known_after_it_is_merged(history: History) -> None:
    history.note("fleet", [], [OPEN], NOW)
    history.note("fleet", [], [MERGED], NOW + HOUR)
    (kept,) = history.requests("fleet")
    assert (kept.group, kept.versions) == ("api", OPEN.versions)
    assert (kept.opened_at, kept.ended_at) == (NOW, NOW + HOUR)
    assert history.open_branches("fleet") == []


def test_a_request_that_ended_before_it_was_ever_seen_is_nobodys_news(history: History) -> None:
    closed = replace(OPEN, state="closed")
    assert history.note("fleet", [], [closed], NOW) == Changes()
    assert history.figures().requests == {}


def test_a_tag_of_unknown_age_makes_no_lead_time(history: History) -> None:
    history.note("fleet", [], [replace(OPEN, first_seen_at=None)], NOW)
    history.note("fleet", [], [MERGED], NOW + HOUR)
    assert history.figures().leads == {}


def test_a_request_that_is_opened_again_is_open_again_and_merged_once(history: History) -> None:
    closed = replace(OPEN, state="closed")
    for at, seen in enumerate([OPEN, closed, OPEN, MERGED]):
        history.note("fleet", [], [seen], NOW + at * HOUR)
    assert history.figures().requests == {
        **{("fleet", "opened"): 1, ("fleet", "closed"): 1},
        ("fleet", "merged"): 1,
    }


def test_old_changes_and_ended_requests_are_forgotten_but_what_was_counted_stays(
    history: History,
) -> None:
    history.note("fleet", [BEHIND], [OPEN], NOW)
    history.note("fleet", [BEHIND], [MERGED], NOW)
    history.note("fleet", [BEHIND], [], NOW + timedelta(days=91))
    assert history.requests("fleet") == []
    assert history.changes("fleet", 9) == []
    assert [kept.state for kept in history.decisions("fleet")] == ["behind"]
    assert history.figures().requests["fleet", "merged"] == 1


def test_changes_are_bounded_and_the_newest_are_kept(history: History) -> None:
    places = [replace(BEHIND, place=f"{number:05}") for number in range(1500)]
    history.note("fleet", places, [], NOW)
    history.note("fleet", [replace(each, chosen="1.2.0") for each in places], [], NOW + HOUR)
    kept = history.changes("fleet", 9999)
    assert len(kept) == MAX_CHANGES_PER_REPOSITORY
    assert sum(change.decision.chosen == "1.2.0" for change in kept) == 1500


def test_one_git_repository_takes_nothing_of_another(history: History) -> None:
    history.note("fleet", [BEHIND], [OPEN], NOW)
    history.note("apps", [], [], NOW)
    assert len(history.decisions("fleet")) == len(history.requests("fleet")) == 1


def test_git_repositories_that_are_gone_are_forgotten(history: History) -> None:
    history.note("fleet", [BEHIND], [OPEN], NOW)
    history.note("apps", [BEHIND], [], NOW)
    assert history.forget(["apps", "new"]) == 1
    assert set(history.figures().states) == {("apps", "behind")}
    assert history.requests("fleet") == []


def test_what_was_counted_of_a_git_repository_that_is_gone_stays_in_the_sums(
    history: History,
) -> None:
    """Or a counter of all of them would go back, and look like a process that began anew."""
    for name in ("fleet", "apps", "tools"):
        history.note(name, [], [OPEN], NOW)
    assert history.forget(["tools"]) == 2
    assert history.forget(["tools"]) == 0
    assert history.figures().requests == {("", "opened"): 2, ("tools", "opened"): 1}
    assert sum(history.figures().leads["", "proposed"].counts) == 2
