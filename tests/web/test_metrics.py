"""The figures of /metrics, as Prometheus' own parser reads them."""

from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from imagebot import __version__
from imagebot.errors import StoreError
from imagebot.history_model import (
    LEAD_BOUNDS_SECONDS,
    REQUEST_EVENTS,
    STAGES,
    STATES,
    Figures,
    Lead,
)
from imagebot.model import Problem
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.traffic import MAX_HOSTS, Traffic
from imagebot.web.metric_table import TABLE
from imagebot.web.metrics import Metrics, Sources

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FLEET = (("repository", "fleet"),)
LOOKED = Outcome(
    "fleet", OutcomeKind.WAITING, "message", problems=(Problem("broken.yaml", 1, 1, "not YAML"),)
)
FAILED = Outcome("fleet", OutcomeKind.FAILED, "ghcr.io did not answer")
PAST = Figures(
    states={("fleet", "current"): 3, ("fleet", "behind"): 2, ("gone", "current"): 1},
    behind_since={"fleet": NOW - timedelta(hours=2)},
    open_requests={"fleet": 1},
    requests={("fleet", "opened"): 4, ("fleet", "merged"): 2, ("gone", "opened"): 3},
    leads={
        ("fleet", "merged"): Lead((0, 2) + (0,) * (len(LEAD_BOUNDS_SECONDS) - 1), 400.0),
        ("gone", "merged"): Lead((0, 1) + (0,) * (len(LEAD_BOUNDS_SECONDS) - 1), 100.0),
    },
)


def run(repository: str, kind: OutcomeKind, seconds: float = 2.0) -> Run:
    return Run(repository, kind, "message", NOW, NOW + timedelta(seconds=seconds))


def figures(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by name and sorted labels."""
    families = text_string_to_metric_families(metrics.page_text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def shown_by(sources: Sources) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return figures(Metrics(["fleet", "new"], sources, now=lambda: NOW))


def test_images_are_told_by_what_the_history_says_of_them() -> None:
    shown = shown_by(Sources(history=lambda: PAST))
    states = {
        dict(labels)["state"]: value
        for (name, labels), value in shown.items()
        if name == "imagebot_occurrences" and ("repository", "fleet") in labels
    }
    assert states == {"current": 3, "behind": 2}
    assert shown["imagebot_behind_seconds", FLEET] == 7200
    assert shown["imagebot_pull_requests_open", FLEET] == 1
    assert shown["imagebot_pull_requests_open", (("repository", "new"),)] == 0


def test_lead_times_are_a_histogram_that_adds_up() -> None:
    shown = shown_by(Sources(history=lambda: PAST))
    merged = {
        dict(labels)["le"]: value
        for (name, labels), value in shown.items()
        if name == "imagebot_lead_time_seconds_bucket" and ("stage", "merged") in labels
    }
    assert merged["60.0"] == 0
    assert set(list(merged.values())[1:]) == {3}
    assert list(merged)[-1] == "+Inf"
    labels = (("stage", "merged"),)
    assert shown["imagebot_lead_time_seconds_sum", labels] == 500
    assert shown["imagebot_lead_time_seconds_count", labels] == 3


def test_pull_requests_are_counted_also_of_repositories_that_left_the_settings() -> None:
    """A counter never goes back."""
    shown = shown_by(Sources(history=lambda: PAST))
    counted = {
        dict(labels)["event"]: value
        for (name, labels), value in shown.items()
        if name == "imagebot_pull_requests_total"
    }
    assert counted == {"opened": 7, "merged": 2, "closed": 0}


def test_the_last_run_of_a_repository_is_told_whichever_process_made_it() -> None:
    runs = {
        "fleet": run("fleet", OutcomeKind.STALLED, seconds=301),
        "gone": run("gone", OutcomeKind.STALLED),
    }
    shown = shown_by(Sources(last_runs=lambda: runs))
    assert shown["imagebot_stalled", FLEET] == 1
    assert shown["imagebot_last_reconciliation_seconds", FLEET] == 301
    assert not [labels for _, labels in shown if ("repository", "gone") in labels]


def test_three_hundred_repositories_and_five_thousand_images_are_a_small_page() -> None:
    """Per repository a few gauges, per image nothing, of anything else nothing that grows."""
    names = [f"repository-{number:03}" for number in range(300)]
    past = Figures(
        states={(name, state): 4 for name in names for state in STATES},
        behind_since=dict.fromkeys(names, NOW),
        open_requests=dict.fromkeys(names, 2),
        requests={(name, event): 5 for name in names for event in REQUEST_EVENTS},
        leads={(name, stage): Lead() for name in names for stage in STAGES},
    )
    runs = {name: run(name, OutcomeKind.WAITING) for name in names}
    sources = Sources(
        history=lambda: past,
        last_runs=lambda: runs,
        next_polls=lambda: dict.fromkeys(names, NOW),
    )
    metrics = Metrics(names, sources, last_successes=dict.fromkeys(names, NOW))
    for name in names:
        metrics.observe(LOOKED, run(name, OutcomeKind.WAITING))
    by_repository = [labels for _, labels in figures(metrics) if dict(labels).get("repository")]
    gauges = [each for each in TABLE if each.labels == ("repository",)]
    assert len(gauges) <= 7
    assert len(by_repository) <= len(names) * (len(gauges) + len(STATES))
    assert len(figures(metrics)) - len(by_repository) < 150


def test_only_gauges_are_told_by_repository_and_nothing_by_image() -> None:
    known = {"version", "repository", "state", "outcome", "event", "stage"}
    known |= {"host", "sender", "notifier", "result"}
    for each in TABLE:
        assert set(each.labels) <= known
        assert each.type == "gauge" or "repository" not in each.labels


def test_repositories_that_the_settings_do_not_name_are_not_shown() -> None:
    shown = shown_by(Sources(history=lambda: PAST))
    assert not [labels for _, labels in shown if ("repository", "gone") in labels]


def test_a_store_in_trouble_costs_its_own_figures_only() -> None:
    def trouble() -> Figures:
        raise StoreError("the store cannot be used")

    names = {name for name, _ in shown_by(Sources(history=trouble))}
    assert "imagebot_build_info" in names
    assert "imagebot_occurrences" not in names


def test_a_failure_before_the_look_leaves_the_last_figures_standing() -> None:
    metrics = Metrics(["fleet"])
    metrics.observe(LOOKED, run("fleet", OutcomeKind.WAITING))
    metrics.observe(FAILED, run("fleet", OutcomeKind.FAILED, seconds=60))
    shown = figures(metrics)
    assert shown["imagebot_problems", FLEET] == 1
    assert shown["imagebot_last_success_timestamp_seconds", FLEET] == NOW.timestamp() + 2
    assert shown["imagebot_reconciliations_total", (("outcome", "failed"),)] == 1
    assert shown["imagebot_reconciliation_duration_seconds_sum", ()] == 62


def test_every_outcome_is_counted_from_zero() -> None:
    shown = figures(Metrics(["fleet", "apps"]))
    counts = [
        value for (name, _), value in shown.items() if name == "imagebot_reconciliations_total"
    ]
    assert counts == [0] * len(OutcomeKind)


def test_what_is_not_known_yet_is_left_out_rather_than_zero() -> None:
    names = {name for name, _ in figures(Metrics(["fleet"]))}
    assert "imagebot_occurrences" not in names
    assert "imagebot_behind_seconds" not in names
    assert "imagebot_last_success_timestamp_seconds" not in names


def test_a_repository_that_left_the_settings_is_shown_no_more() -> None:
    metrics = Metrics(["fleet", "apps"])
    for name in ("fleet", "apps"):
        metrics.observe(LOOKED, run(name, OutcomeKind.WAITING))
    metrics.retarget(["apps", "new"])
    metrics.observe(LOOKED, run("fleet", OutcomeKind.WAITING))  # it ran to its end meanwhile
    assert {dict(labels).get("repository") for _, labels in figures(metrics)} - {None} == {
        "apps",
        "new",
    }


def test_the_last_success_of_an_earlier_process_is_shown_for_repositories_still_configured() -> (
    None
):
    shown = figures(Metrics(["fleet"], last_successes={"fleet": NOW, "gone": NOW}))
    successes = {
        labels for name, labels in shown if name == "imagebot_last_success_timestamp_seconds"
    }
    assert successes == {FLEET}


def test_everybody_is_asked_at_each_scrape() -> None:
    registries, forges = Traffic(), Traffic()
    registries.add("ghcr.io", "ok", left=93)
    registries.add("ghcr.io", "limited")
    forges.add("github.com", "unchanged", left=4999)
    shown = shown_by(
        Sources(
            next_polls=lambda: {"fleet": NOW},
            registry_traffic=lambda: registries,
            forge_traffic=lambda: forges,
            polls=lambda: {"changed": 2},
            circuits=lambda: {"ghcr.io": "open"},
            deliveries=lambda: {("docker-hub", "woken"): 3},
            notifications=lambda: {("slack", "sent"): 5},
            reloads=lambda: {"refused": 2},
            settings_trouble=lambda: "not used: no YAML",
        )
    )
    host = ("host", "ghcr.io")
    assert shown["imagebot_registry_requests_total", (host, ("outcome", "ok"))] == 1
    assert shown["imagebot_registry_requests_total", (host, ("outcome", "limited"))] == 1
    assert (
        shown["imagebot_forge_requests_total", (("host", "github.com"), ("outcome", "unchanged"))]
        == 1
    )
    assert shown["imagebot_rate_limit_left", (host,)] == 93
    assert shown["imagebot_rate_limit_left", (("host", "github.com"),)] == 4999
    assert shown["imagebot_image_polls_total", (("outcome", "changed"),)] == 2
    assert shown["imagebot_circuit_state", (host, ("state", "open"))] == 1
    assert shown["imagebot_circuit_state", (host, ("state", "closed"))] == 0
    delivered = (("outcome", "woken"), ("sender", "docker-hub"))
    assert shown["imagebot_webhook_deliveries_total", delivered] == 3
    told = (("notifier", "slack"), ("result", "sent"))
    assert shown["imagebot_notifications_total", told] == 5
    assert shown["imagebot_settings_reloads_total", (("result", "refused"),)] == 2
    assert shown["imagebot_settings_stale", ()] == 1
    assert shown["imagebot_next_run_timestamp_seconds", FLEET] == NOW.timestamp()
    assert shown["imagebot_build_info", (("version", __version__),)] == 1


def test_hosts_beyond_a_bound_are_counted_together_and_no_counter_goes_back() -> None:
    traffic = Traffic()
    for number in range(MAX_HOSTS + 3):
        traffic.add(f"registry-{number}.example", "ok", left=1)
    before = traffic.by_host()
    for _ in range(9):
        traffic.add(f"registry-{MAX_HOSTS}.example", "ok")
    after = traffic.by_host()
    assert len(after) == MAX_HOSTS + 1
    assert after["other"] == 3 + 9
    assert all(after[host] >= count for host, count in before.items())
    assert len(traffic.left_by_host()) == MAX_HOSTS
