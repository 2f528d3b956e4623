"""The chart's alerts as Prometheus itself reads them: promtool, out of Debian's `prometheus`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.servers import fetched
from tests.shipped import alerts, dashboard
from tests.shipped.tools import missing

REPOSITORY = 'namespace="gitops", job="imagebot", repository="config"'
PROCESS = 'namespace="gitops", job="imagebot"'
OPEN = f'imagebot_circuit_state{{{PROCESS}, host="registry.example.com", state="open"}}'
LEFT = f'imagebot_rate_limit_left{{{PROCESS}, host="docker.io"}}'
GIVEN_UP = f"imagebot_reconciliations_given_up_total{{{PROCESS}}}"
STALE = f"imagebot_settings_stale{{{PROCESS}}}"
DELIVERED = f'imagebot_webhook_deliveries_total{{{PROCESS}, sender="github"'
REFUSED = f'{DELIVERED}, outcome="refused"}}'
UNSENT = f'imagebot_notifications_total{{{PROCESS}, notifier="slack", result="failed"}}'
STALLED = f"imagebot_stalled{{{REPOSITORY}}}"
TOOK = f"imagebot_last_reconciliation_seconds{{{REPOSITORY}}}"

# What an imagebot that is well looks like for four hours, a sample a minute: each reconciliation
# succeeds at once, and the next is five minutes ahead.
WELL = {
    "imagebot_build_info{version='0.1.0'}": "1x240",
    f"imagebot_last_success_timestamp_seconds{{{REPOSITORY}}}": "0+60x240",
    f"imagebot_next_run_timestamp_seconds{{{REPOSITORY}}}": "300+60x240",
    STALLED: "0x240",
    TOOK: "12x240",
    f'imagebot_occurrences{{{REPOSITORY}, state="failed"}}': "0x240",
    f"imagebot_problems{{{REPOSITORY}}}": "0x240",
    f"imagebot_pull_requests_open{{{REPOSITORY}}}": "3x240",
    f'imagebot_occurrences{{{REPOSITORY}, state="stalled"}}': "0x240",
    f"imagebot_behind_seconds{{{REPOSITORY}}}": "0+60x240",
    OPEN: "0x240",
    LEFT: "77x240",
    GIVEN_UP: "2x240",
    STALE: "0x240",
    REFUSED: "1x240",
    f'{DELIVERED}, outcome="accepted"}}': "0+1x240",
    UNSENT: "1x240",
}
# What must change for each alert, and when it then fires. None: the series is not there.
ILL: dict[str, tuple[dict[str, str | None], str]] = {
    "ImagebotDown": ({"imagebot_build_info{version='0.1.0'}": None}, "11m"),
    "ImagebotRepositoryNotReconciled": (
        {f"imagebot_last_success_timestamp_seconds{{{REPOSITORY}}}": "0x240"},
        "80m",
    ),
    "ImagebotRepositoryNeverReconciled": (
        {f"imagebot_last_success_timestamp_seconds{{{REPOSITORY}}}": None},
        "61m",
    ),
    "ImagebotStalled": ({STALLED: "1x240"}, "40m"),
    "ImagebotNotLooking": (
        {f"imagebot_next_run_timestamp_seconds{{{REPOSITORY}}}": "300x240"},
        "30m",
    ),
    "ImagebotSlow": ({TOOK: "301x240"}, "100m"),
    "ImagebotImagesUnknown": (
        {f'imagebot_occurrences{{{REPOSITORY}, state="failed"}}': "4x240"},
        "121m",
    ),
    "ImagebotUnreadable": ({f"imagebot_problems{{{REPOSITORY}}}": "2x500"}, "361m"),
    "ImagebotPullRequestsPileUp": (
        {f"imagebot_pull_requests_open{{{REPOSITORY}}}": "26x1500"},
        "1441m",
    ),
    "ImagebotRequestsNeedAPerson": (
        {f'imagebot_occurrences{{{REPOSITORY}, state="stalled"}}': "1x1500"},
        "1441m",
    ),
    "ImagebotFarBehind": ({f"imagebot_behind_seconds{{{REPOSITORY}}}": "1300000x240"}, "61m"),
    "ImagebotHostNotAsked": ({OPEN: "1x240"}, "31m"),
    "ImagebotRateLimitSpent": ({LEFT: "0x240"}, "61m"),
    "ImagebotGivesUp": ({GIVEN_UP: "0+1x240"}, "20m"),
    "ImagebotSettingsNotUsed": ({STALE: "1x240"}, "11m"),
    "ImagebotWebhooksRefused": ({REFUSED: "0+1x240"}, "40m"),
    "ImagebotNotificationsFail": ({UNSENT: "0+1x240"}, "80m"),
}


@pytest.fixture(scope="module")
def promtool() -> str:
    try:
        return str(fetched.debian("prometheus") / "usr" / "bin" / "promtool")
    except fetched.NotAvailable as reason:
        missing(str(reason))


def _rules(folder: Path) -> Path:
    file = folder / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "imagebot", "rules": alerts.rules()}]}))
    return file


def _check(promtool: str, *words: str) -> None:
    done = subprocess.run(
        [promtool, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _fires(promtool: str, folder: Path, changes: dict[str, str | None], at: str) -> set[str]:
    """Which alerts fire then, asked of Prometheus' own series ALERTS."""
    series = {**WELL, **changes}
    test = {
        "interval": "1m",
        "input_series": [
            {"series": name.replace("'", '"'), "values": values}
            for name, values in series.items()
            if values is not None
        ],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": at,
                "exp_samples": [{"labels": '{alertname="none"}', "value": 0}],
            }
        ],
    }
    file = folder / "test.json"
    document: dict[str, Any] = {"rule_files": [str(_rules(folder))], "tests": [test]}
    file.write_text(json.dumps({**document, "evaluation_interval": "1m"}))
    done = subprocess.run(
        [promtool, "test", "rules", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "got:" in said, said
    return {rule["alert"] for rule in alerts.rules() if f'"{rule["alert"]}"' in said}


def test_prometheus_reads_the_rules(promtool: str, tmp_path: Path) -> None:
    _check(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(_rules(tmp_path)))


def test_prometheus_reads_every_query_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    """As recording rules, since promtool checks files of rules only."""
    queries = [query for panel in dashboard.PANELS for query in panel.queries]
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$namespace", ".*")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "dashboard.json"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    _check(promtool, "check", "rules", str(file))


def test_nothing_fires_while_all_is_well(promtool: str, tmp_path: Path) -> None:
    assert _fires(promtool, tmp_path, {}, "230m") == set()


def test_every_alert_is_tried() -> None:
    assert ILL.keys() == {rule["alert"] for rule in alerts.rules()}


@pytest.mark.parametrize("alert", ILL)
def test_an_alert_fires_for_what_it_says_and_no_other_does(
    promtool: str, tmp_path: Path, alert: str
) -> None:
    changes, at = ILL[alert]
    # Long alerts need the rest of the world to be well for as long.
    longer = {name: values.replace("x240", "x1500") for name, values in WELL.items()}
    assert _fires(promtool, tmp_path, {**longer, **changes}, at) == {alert}
