"""The Grafana dashboard of the chart, from a table of panels. Pure."""

from dataclasses import dataclass
from typing import Any

WIDTH = 24  # of Grafana's grid
HEIGHT = 8


@dataclass(frozen=True)
class Panel:
    """One figure. `queries`: legend by PromQL expression; `kind` as Grafana calls it."""

    title: str
    queries: dict[str, str]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8


_HERE = 'namespace=~"$namespace"'
_ONLY = f'{_HERE}, repository=~"$repository"'


def _known(metric: str, by: str = "", *, only: str = "") -> str:
    """What the replicas that share a store all tell: by git repository, once."""
    labels = ", ".join(filter(None, ("namespace", "repository", by)))
    chosen = ", ".join(filter(None, (_ONLY, only)))
    return f"max by ({labels}) ({metric}{{{chosen}}})"


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{_HERE}}}[5m]))"


def _quantiles(metric: str, by: str, window: str) -> dict[str, str]:
    return {
        f"histogram_quantile({ratio}, sum by ({by}) "
        f"(rate({metric}_bucket{{{_HERE}}}[{window}])))": name
        for ratio, name in ((0.5, "half"), (0.9, "nine of ten"))
    }


_CURRENT = _known("imagebot_occurrences", only='state="current"')
_GOVERNED = _known("imagebot_occurrences", "state", only='state!~"ungoverned|suspended"')
_LEADS = "sum by (le, stage) (max by (namespace, stage, le) "

PANELS = (
    Panel("Images", {f"sum by (state) ({_known('imagebot_occurrences', 'state')})": "{{state}}"}),
    Panel(
        "Share of images that are current",
        {f"sum({_CURRENT}) / sum({_GOVERNED})": "current"},
        "stat",
        "percentunit",
        4,
    ),
    Panel(
        "Open pull requests",
        {f"sum({_known('imagebot_pull_requests_open')})": "open"},
        "stat",
        width=4,
    ),
    Panel(
        "Files that cannot be read",
        {f"sum({_known('imagebot_problems')})": "problems"},
        "stat",
        width=4,
    ),
    Panel("Version", {f"imagebot_build_info{{{_HERE}}}": "{{version}}"}, "stat", width=4),
    Panel(
        "Oldest update that waits",
        {_known("imagebot_behind_seconds"): "{{repository}}"},
        unit="s",
        width=12,
    ),
    Panel(
        "From the first sight of a tag to its pull request, and to the merge",
        {
            f"histogram_quantile(0.5, {_LEADS}(increase(imagebot_lead_time_seconds_bucket"
            f"{{{_HERE}}}[7d]))))": "{{stage}}"
        },
        unit="s",
        width=12,
    ),
    Panel(
        "Pull requests a day",
        {
            "sum by (event) (max by (namespace, event) "
            f"(increase(imagebot_pull_requests_total{{{_HERE}}}[1d])))": "{{event}}"
        },
        width=12,
    ),
    Panel(
        "Reconciliations by what came of them",
        {_rate("imagebot_reconciliations_total", "outcome"): "{{outcome}}"},
        unit="ops",
        width=12,
    ),
    Panel(
        "Duration of a reconciliation",
        _quantiles("imagebot_reconciliation_duration_seconds", "le", "15m"),
        unit="s",
        width=12,
    ),
    Panel(
        "Last reconciliation, the longest ten",
        {f"topk(10, {_known('imagebot_last_reconciliation_seconds')})": "{{repository}}"},
        unit="s",
        width=12,
    ),
    Panel(
        "Since the last success",
        {f"time() - {_known('imagebot_last_success_timestamp_seconds')}": "{{repository}}"},
        unit="s",
        width=12,
    ),
    Panel(
        "Requests to registries",
        {_rate("imagebot_registry_requests_total", "host, outcome"): "{{host}} {{outcome}}"},
        unit="reqps",
        width=12,
    ),
    Panel(
        "Requests to forges",
        {_rate("imagebot_forge_requests_total", "host, outcome"): "{{host}} {{outcome}}"},
        unit="reqps",
        width=12,
    ),
    Panel(
        "Requests that are left",
        {f"min by (host) (imagebot_rate_limit_left{{{_HERE}}})": "{{host}}"},
    ),
    Panel(
        "Polls of image repositories",
        {_rate("imagebot_image_polls_total", "outcome"): "{{outcome}}"},
        unit="ops",
    ),
    Panel(
        "Hosts that are left alone",
        {f'max by (host) (imagebot_circuit_state{{{_HERE}, state="open"}})': "{{host}}"},
    ),
    Panel(
        "Webhooks",
        {_rate("imagebot_webhook_deliveries_total", "sender, outcome"): "{{sender}} {{outcome}}"},
        unit="ops",
        width=12,
    ),
    Panel(
        "Messages",
        {_rate("imagebot_notifications_total", "notifier, result"): "{{notifier}} {{result}}"},
        unit="ops",
        width=12,
    ),
)


def dashboard() -> dict[str, Any]:
    """As Grafana's provisioning takes it. The source of figures is chosen on the page."""
    return {
        "uid": "imagebot",
        "title": "imagebot",
        "tags": ["gitops"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"},
                _variable("namespace", "label_values(imagebot_build_info, namespace)"),
                _variable(
                    "repository", "label_values(imagebot_next_run_timestamp_seconds, repository)"
                ),
            ]
        },
        "panels": _placed(),
    }


def expressions() -> list[str]:
    """Every PromQL expression of the dashboard."""
    listed = dashboard()["templating"]["list"]
    asked = [item["query"]["query"] for item in listed if item["type"] == "query"]
    return [*asked, *(query for panel in PANELS for query in panel.queries)]


_SOURCE = {"type": "prometheus", "uid": "${source}"}


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _placed() -> list[dict[str, Any]]:
    """From left to right, in rows."""
    placed, x, y = [], 0, 0
    for number, panel in enumerate(PANELS, start=1):
        if x + panel.width > WIDTH:
            x, y = 0, y + HEIGHT
        targets = [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(panel.queries.items())
        ]
        placed.append(
            {
                "id": number,
                "title": panel.title,
                "type": panel.kind,
                "datasource": _SOURCE,
                "gridPos": {"x": x, "y": y, "w": panel.width, "h": HEIGHT},
                "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
                "targets": targets,
            }
        )
        x += panel.width
    return placed
