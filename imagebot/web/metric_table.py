"""The metrics that imagebot has: names, types, labels and meanings, in one table. Pure.

metrics.py takes them from here, docs/operations.md is written from here, and the chart's alerts and
dashboard are checked against it. Names are a contract. Labels are words of ours, names of the
settings and a bounded number of hosts, never image names. Only gauges have the label `repository`:
there may be hundreds, so each costs a handful of series.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

LabelValues = TypeVar("LabelValues", bound=tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Described:
    """`name` as it is scraped: of a counter with `_total`."""

    name: str
    type: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str

    @property
    def stem(self) -> str:
        """What prometheus_client calls it."""
        return self.name.removesuffix("_total")

    @property
    def series(self) -> frozenset[str]:
        """The names under which samples stand."""
        endings = ("_bucket", "_sum", "_count") if self.type == "histogram" else ("",)
        return frozenset(f"{self.name}{ending}" for ending in endings)

    def family(self, values: Mapping[LabelValues, float]) -> Metric:
        """These samples, by label values. Of a gauge or a counter."""
        kind = CounterMetricFamily if self.type == "counter" else GaugeMetricFamily
        made = kind(self.stem, self.help, labels=self.labels)
        for label_values, value in sorted(values.items()):
            made.add_metric(label_values, value)
        return made


BUILD_INFO = Described("imagebot_build_info", "gauge", ("version",), "Its version; always 1")
OCCURRENCES = Described(
    *("imagebot_occurrences", "gauge", ("repository", "state")),
    "Image references as last decided: current, behind, held (a cool-down or window), "
    "declined (by a person), stalled (its request needs a person), suspended, "
    "failed (not known), ungoverned (no policy); a state without any is left out",
)
BEHIND = Described(
    *("imagebot_behind_seconds", "gauge", ("repository",)),
    "For how long the oldest image reference has had something newer that is not there yet; "
    "0 when none has",
)
PROBLEMS = Described(
    *("imagebot_problems", "gauge", ("repository",)),
    "Files, policies and values that could not be read",
)
OPEN_REQUESTS = Described(
    *("imagebot_pull_requests_open", "gauge", ("repository",)),
    "Pull requests of imagebot that wait to be merged",
)
STALLED = Described(
    *("imagebot_stalled", "gauge", ("repository",)),
    "1 where the last reconciliation came to a state that no retry helps, else 0",
)
LAST_DURATION = Described(
    *("imagebot_last_reconciliation_seconds", "gauge", ("repository",)),
    "How long the last reconciliation took",
)
LAST_SUCCESS = Described(
    *("imagebot_last_success_timestamp_seconds", "gauge", ("repository",)),
    "When a reconciliation last neither failed nor stalled, remembered over restarts",
)
NEXT_RUN = Described(
    *("imagebot_next_run_timestamp_seconds", "gauge", ("repository",)), "When the interval ends"
)
RECONCILIATIONS = Described(
    *("imagebot_reconciliations_total", "counter", ("outcome",)),
    "Reconciliations by what they came to: up-to-date, proposed, waiting, held, stalled, failed",
)
DURATIONS = Described(
    *("imagebot_reconciliation_duration_seconds", "histogram", ()),
    "How long a reconciliation took",
)
GIVEN_UP = Described(
    *("imagebot_reconciliations_given_up_total", "counter", ()),
    "Reconciliations that took longer than their deadline",
)
REQUESTS = Described(
    *("imagebot_pull_requests_total", "counter", ("event",)),
    "Pull requests of imagebot that were opened, merged, closed, of all git repositories",
)
LEADS = Described(
    *("imagebot_lead_time_seconds", "histogram", ("stage",)),
    "From the first sight of a tag until its pull request was opened (proposed), and until it was "
    "merged; of tags that imagebot saw come out",
)
REGISTRY_REQUESTS = Described(
    *("imagebot_registry_requests_total", "counter", ("host", "outcome")),
    "Requests to registries: ok, unchanged (304), refused (401 and 403; each challenge is one), "
    "missing, limited (429), error, unreachable",
)
FORGE_REQUESTS = Described(
    *("imagebot_forge_requests_total", "counter", ("host", "outcome")),
    "Requests to forges, likewise",
)
RATE_LIMIT_LEFT = Described(
    *("imagebot_rate_limit_left", "gauge", ("host",)),
    "Requests that the host allows, by its last answer that said so",
)
CIRCUITS = Described(
    *("imagebot_circuit_state", "gauge", ("host", "state")),
    "1 at the state of the host: closed, half-open or open (not asked)",
)
POLLS = Described(
    *("imagebot_image_polls_total", "counter", ("outcome",)),
    "Polls of image repositories: changed, unchanged, failed",
)
DELIVERIES = Described(
    *("imagebot_webhook_deliveries_total", "counter", ("sender", "outcome")),
    "Webhooks: woken, unmatched (nothing watched uses it), ignored, handshake, repeated, refused, "
    "limited, unreadable, failed; the sender unknown stands for what was turned away before it was "
    "known whose it is",
)
NOTIFICATIONS = Described(
    *("imagebot_notifications_total", "counter", ("notifier", "result")),
    "Messages: sent, failed, dropped",
)
RELOADS = Described(
    *("imagebot_settings_reloads_total", "counter", ("result",)),
    "Times that changed settings were used, or refused since something is wrong with them",
)
SETTINGS_STALE = Described(
    *("imagebot_settings_stale", "gauge", ()), "1 while the settings on disk are not those in use"
)

TABLE = (
    BUILD_INFO,
    OCCURRENCES,
    BEHIND,
    PROBLEMS,
    OPEN_REQUESTS,
    STALLED,
    LAST_DURATION,
    LAST_SUCCESS,
    NEXT_RUN,
    RECONCILIATIONS,
    DURATIONS,
    GIVEN_UP,
    REQUESTS,
    LEADS,
    REGISTRY_REQUESTS,
    FORGE_REQUESTS,
    RATE_LIMIT_LEFT,
    CIRCUITS,
    POLLS,
    DELIVERIES,
    NOTIFICATIONS,
    RELOADS,
    SETTINGS_STALE,
)
"""All of them."""
