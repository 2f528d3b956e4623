"""What the pages say, and the figures of /metrics as Prometheus' own parser reads them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from imagebot import __version__
from imagebot.errors import StoreUnavailable
from imagebot.image import parse
from imagebot.model import Choice, Occurrence, Problem, Update
from imagebot.owed import Run
from imagebot.policy.model import Policy
from imagebot.proposals import (
    ChangeSet,
    Outcome,
    OutcomeKind,
    Proposal,
    PullRequest,
    PullRequestState,
)
from imagebot.web.metrics import MAX_HOSTS, Metrics, bounded
from imagebot.web.pages import Readiness, health, pages

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = Policy("api", "imagebot.yaml", 1)
REFERENCE = parse("ghcr.io/acme/api:1.0.0")
OCCURRENCE = Occurrence("a.yaml", 1, 1, "image", "kubernetes", (), REFERENCE, "1.0.0", None)
UPDATE = Update(OCCURRENCE, REFERENCE, "1.1.0", None, None)


def choice(policy: Policy | None, update: Update | None, is_failure: bool = False) -> Choice:
    return Choice(OCCURRENCE, policy, REFERENCE, None, update, "because", is_failure)


def proposal(number: int, state: PullRequestState) -> Proposal:
    changes = ChangeSet("api", "imagebot/api-1", "main", "t", "b", "m", {}, ())
    url = f"https://forge.example/{number}"
    pull_request = PullRequest(number, url, state, "imagebot/api-1", "main", "t", "b")
    return Proposal(changes, "unchanged", pull_request=pull_request)


def run(repository: str, kind: OutcomeKind, seconds: float = 2.0) -> Run:
    return Run(repository, kind, "message", NOW, NOW + timedelta(seconds=seconds))


LOOKED = Outcome(
    "fleet",
    OutcomeKind.WAITING,
    "message",
    choices=(
        choice(POLICY, None),
        choice(POLICY, UPDATE),
        choice(POLICY, UPDATE),
        choice(POLICY, None, is_failure=True),
        choice(None, None),
    ),
    problems=(Problem("broken.yaml", 1, 1, "not YAML"),),
    proposals=(
        proposal(1, PullRequestState.OPEN),
        proposal(1, PullRequestState.OPEN),
        proposal(2, PullRequestState.MERGED),
    ),
)
FAILED = Outcome("fleet", OutcomeKind.FAILED, "ghcr.io did not answer")


def figures(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and sorted labels."""
    families = text_string_to_metric_families(metrics.page_text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


FLEET = (("repository", "fleet"),)


def test_the_metrics_tell_the_last_look_at_each_repository() -> None:
    metrics = Metrics(["fleet"])
    metrics.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    shown = figures(metrics)
    states = {
        state: shown["imagebot_occurrences", (*FLEET, ("state", state))]
        for state in ("current", "behind", "failed", "ungoverned")
    }
    assert states == {"current": 1, "behind": 2, "failed": 1, "ungoverned": 1}
    assert shown["imagebot_problems", FLEET] == 1
    assert shown["imagebot_pull_requests_open", FLEET] == 1
    assert shown["imagebot_last_success_timestamp_seconds", FLEET] == NOW.timestamp() + 2
    assert shown["imagebot_reconciliation_duration_seconds_sum", FLEET] == 2


def test_a_failure_before_the_look_leaves_the_last_figures_standing() -> None:
    metrics = Metrics(["fleet"])
    metrics.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    metrics.observe(FAILED, run("fleet", OutcomeKind.FAILED, seconds=60))
    shown = figures(metrics)
    assert shown["imagebot_problems", FLEET] == 1
    assert shown["imagebot_last_success_timestamp_seconds", FLEET] == NOW.timestamp() + 2
    failed = (("outcome", "failed"), *FLEET)
    assert shown["imagebot_reconciliations_total", failed] == 1


def test_every_outcome_of_every_repository_is_counted_from_zero() -> None:
    shown = figures(Metrics(["fleet", "apps"]))
    counts = [
        value for (name, _), value in shown.items() if name == "imagebot_reconciliations_total"
    ]
    assert counts == [0] * 2 * len(OutcomeKind)


def test_what_is_not_known_yet_is_left_out_rather_than_zero() -> None:
    names = {name for name, _ in figures(Metrics(["fleet"]))}
    assert "imagebot_occurrences" not in names
    assert "imagebot_last_success_timestamp_seconds" not in names


def test_the_last_success_of_an_earlier_process_is_shown_for_repositories_still_configured() -> (
    None
):
    shown = figures(Metrics(["fleet"], last_successes={"fleet": NOW, "gone": NOW}))
    successes = {
        labels for name, labels in shown if name == "imagebot_last_success_timestamp_seconds"
    }
    assert successes == {FLEET}


def test_requests_next_runs_and_the_version_are_asked_at_each_scrape() -> None:
    metrics = Metrics(
        ["fleet"],
        registry_requests=lambda: {"ghcr.io": 7},
        next_polls=lambda: {"fleet": NOW},
    )
    shown = figures(metrics)
    assert shown["imagebot_registry_requests_total", (("host", "ghcr.io"),)] == 7
    assert shown["imagebot_next_run_timestamp_seconds", FLEET] == NOW.timestamp()
    assert shown["imagebot_build_info", (("version", __version__),)] == 1


def test_hosts_beyond_a_bound_are_counted_together() -> None:
    counts = {f"registry-{number}.example": number for number in range(MAX_HOSTS + 3)}
    shown = bounded(counts)
    assert len(shown) == MAX_HOSTS + 1
    assert shown["other"] == 0 + 1 + 2
    assert sum(shown.values()) == sum(counts.values())


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
    assert shown["repositories"]["fleet"]["outcome"] == "waiting"
    assert shown["repositories"]["apps"]["message"] == "not reconciled yet"


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
