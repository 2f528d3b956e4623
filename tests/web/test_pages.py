"""What the pages say of health and readiness."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from imagebot.errors import StoreUnavailable
from imagebot.history_model import STATES
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.web.metrics import Metrics
from imagebot.web.pages import PATIENCE_SECONDS, Readiness, health, pages

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def run(repository: str, kind: OutcomeKind, seconds: float = 2.0) -> Run:
    return Run(repository, kind, "message", NOW, NOW + timedelta(seconds=seconds))


LOOKED = Outcome("fleet", OutcomeKind.WAITING, "message")
FAILED = Outcome("fleet", OutcomeKind.FAILED, "ghcr.io did not answer")


@pytest.mark.parametrize(("sickness", "status"), [("", 200), ("timers stand still", 503)])
def test_health_is_ok_or_says_why_not(sickness: str, status: int) -> None:
    answer = health(sickness)
    assert (answer.status, answer.body.decode()) == (status, f"{sickness or 'ok'}\n")


def test_readiness_names_what_was_not_looked_at_yet() -> None:
    readiness = Readiness(["fleet", "apps"])
    readiness.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    answer = readiness.page()
    shown = json.loads(answer.body)
    assert answer.status == 503
    assert shown["ready"] is False
    assert shown["notReady"] == ["apps: not reconciled yet"]
    assert shown["repositories"]["fleet"]["outcome"] == "waiting"
    assert shown["repositories"]["apps"]["message"] == "not reconciled yet"


def test_a_first_look_that_takes_long_keeps_the_process_unready_for_a_while_only() -> None:
    now = 0.0
    readiness = Readiness(["fleet", "hung"], monotonic=lambda: now)
    readiness.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    now = PATIENCE_SECONDS - 1
    readiness.retarget(["fleet", "hung", "new"])
    assert json.loads(readiness.page().body)["notReady"] == [
        "hung: not reconciled yet",
        "new: not reconciled yet",
    ]
    now = PATIENCE_SECONDS
    assert json.loads(readiness.page().body)["notReady"] == ["new: not reconciled yet"]
    now = 2 * PATIENCE_SECONDS
    answer = readiness.page(warnings=["disk nearly full"])
    shown = json.loads(answer.body)
    assert (answer.status, shown["notReady"]) == (200, [])
    assert shown["warnings"] == [
        "disk nearly full",
        "hung: not reconciled yet",
        "new: not reconciled yet",
    ]
    assert shown["repositories"]["hung"]["outcome"] is None


def test_a_repository_in_trouble_does_not_make_the_process_unready() -> None:
    readiness = Readiness(["fleet"])
    readiness.observe(FAILED, run("fleet", OutcomeKind.FAILED))
    answer = readiness.page()
    assert answer.status == 200
    assert json.loads(answer.body)["repositories"]["fleet"]["outcome"] == "failed"


def test_what_another_process_reconciled_since_the_start_counts_too() -> None:
    readiness = Readiness(["fleet", "apps"], lambda: {"apps": run("apps", OutcomeKind.PROPOSED)})
    assert readiness.page().status == 503
    readiness.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    assert readiness.page().status == 200


def test_readiness_counts_images_by_state_and_repositories_by_outcome() -> None:
    states = {
        ("fleet", "current"): 3,
        ("apps", "current"): 2,
        ("apps", "held"): 1,
        ("x", "held"): 9,
    }
    readiness = Readiness(["fleet", "apps", "new"], states=lambda: states)
    readiness.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    readiness.observe(FAILED, run("apps", OutcomeKind.FAILED))
    shown = json.loads(readiness.page().body)
    assert shown["images"] == {**dict.fromkeys(STATES, 0), "current": 5, "held": 1}
    assert shown["outcomes"] == {
        **dict.fromkeys((kind.value for kind in OutcomeKind), 0),
        "waiting": 1,
        "failed": 1,
    }


def test_counts_that_a_store_in_trouble_cannot_tell_make_nothing_unready() -> None:
    def away() -> dict[tuple[str, str], int]:
        raise StoreUnavailable("the store is away")

    readiness = Readiness(["fleet"], states=away)
    readiness.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    answer = readiness.page()
    assert (answer.status, json.loads(answer.body)["images"]) == (200, None)


def test_a_store_in_trouble_makes_a_process_unready_that_cannot_ask_it() -> None:
    def away() -> dict[str, Run]:
        raise StoreUnavailable("the store is away")

    readiness = Readiness(["fleet"], away)
    assert json.loads(readiness.page().body)["trouble"] == "the store is away"
    readiness.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    assert readiness.page().status == 200


def test_timers_in_trouble_make_the_process_unready() -> None:
    answer = Readiness([]).page("starting what is owed: disk full")
    assert answer.status == 503
    assert json.loads(answer.body)["trouble"] == "starting what is owed: disk full"


def test_the_three_pages_are_served_under_their_usual_names() -> None:
    table = pages(
        sickness=lambda: "", trouble=lambda: "", readiness=Readiness([]), metrics=Metrics([])
    )
    assert {path: page().status for path, page in table.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/metrics": 200,
    }
