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


_ONLY = 'namespace=~"$namespace", repository=~"$repository"'

PANELS = (
    Panel(
        "Images",
        {f"sum by (state) (imagebot_occurrences{{{_ONLY}}})": "{{state}}"},
    ),
    Panel(
        "Share of images that are current",
        {
            f'sum(imagebot_occurrences{{{_ONLY}, state="current"}}) / '
            f'sum(imagebot_occurrences{{{_ONLY}, state=~"current|behind"}})': "current"
        },
        "stat",
        "percentunit",
        4,
    ),
    Panel(
        "Open pull requests",
        {f"sum(imagebot_pull_requests_open{{{_ONLY}}})": "open"},
        "stat",
        width=4,
    ),
    Panel(
        "Files that cannot be read",
        {f"sum(imagebot_problems{{{_ONLY}}})": "problems"},
        "stat",
        width=4,
    ),
    Panel(
        "Version",
        {'imagebot_build_info{namespace=~"$namespace"}': "{{version}}"},
        "stat",
        width=4,
    ),
    Panel(
        "Reconciliations by what came of them",
        {f"sum by (outcome) (rate(imagebot_reconciliations_total{{{_ONLY}}}[5m]))": "{{outcome}}"},
        unit="ops",
        width=12,
    ),
    Panel(
        "Duration of a reconciliation",
        {
            f"histogram_quantile({ratio}, sum by (le) "
            f"(rate(imagebot_reconciliation_duration_seconds_bucket{{{_ONLY}}}[15m])))": name
            for ratio, name in ((0.5, "half"), (0.9, "nine of ten"))
        },
        unit="s",
        width=12,
    ),
    Panel(
        "Since the last success",
        {f"time() - imagebot_last_success_timestamp_seconds{{{_ONLY}}}": "{{repository}}"},
        unit="s",
        width=12,
    ),
    Panel(
        "Requests to registries",
        {
            "sum by (host) (rate(imagebot_registry_requests_total"
            '{namespace=~"$namespace"}[5m]))': "{{host}}"
        },
        unit="reqps",
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
                _variable("repository", "label_values(imagebot_reconciliations_total, repository)"),
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
