"""Figures for Prometheus: what the controller observes, and what others know when it is scraped.

Keeps state in memory only, under a lock; the rest it asks for at each scrape, and leaves out what
cannot be had then. The names are a contract (docs/running.md). Labels are the names of the
settings, words of ours, and at most fifty hosts (traffic.py); never image names.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric

from imagebot import __version__
from imagebot.history_model import (
    LEAD_BOUNDS_SECONDS,
    REQUEST_EVENTS,
    STAGES,
    STATES,
    Figures,
    Lead,
)
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.traffic import Traffic

log = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
CIRCUIT_STATES = ("closed", "half-open", "open")
_DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_MAX_CIRCUITS = 50
_UNSUCCESSFUL = (OutcomeKind.FAILED, OutcomeKind.STALLED)
Counts = Mapping[tuple[str, str], int]
Asked = TypeVar("Asked")
LabelValues = TypeVar("LabelValues", bound=tuple[str, ...])

# A second series for each counter that nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked at each scrape. A source that raises, or that is not there, shows nothing."""

    history: Callable[[], Figures] = Figures
    next_polls: Callable[[], Mapping[str, datetime]] = dict  # by git repository
    registry_traffic: Callable[[], Traffic] = Traffic
    forge_traffic: Callable[[], Traffic] = Traffic
    polls: Callable[[], Mapping[str, int]] = dict  # of image repositories, by outcome
    circuits: Callable[[], Mapping[str, str]] = dict  # host -> one of CIRCUIT_STATES
    given_up: Callable[[], int] = int  # reconciliations that hung
    deliveries: Callable[[], Counts] = dict  # of webhooks, by sender and outcome
    notifications: Callable[[], Counts] = dict  # by notifier and result
    reloads: Callable[[], Mapping[str, int]] = dict  # of the settings, by result
    settings_trouble: Callable[[], str] = str  # why those on disk are not in use


class Metrics:
    """Counts what `observe` sees; `page_text` is the text format of Prometheus.

    `last_successes` is what an earlier process remembers. `now` is for ages.
    """

    def __init__(
        self,
        repositories: Sequence[str],
        sources: Sources | None = None,
        *,
        last_successes: Mapping[str, datetime] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._repositories: tuple[str, ...] = ()
        self._sources = sources or Sources()
        self._now = now
        self._lock = threading.Lock()
        self._looked: dict[str, Outcome] = {}
        self._succeeded_at = dict(last_successes or {})
        self._troubles: dict[str, str] = {}
        self._registry = CollectorRegistry()
        self._run_counts = Counter(
            "imagebot_reconciliations",
            "Reconciliations by what they came to",
            ["repository", "outcome"],
            registry=self._registry,
        )
        self._durations = Histogram(
            "imagebot_reconciliation_duration_seconds",
            "How long a reconciliation took",
            ["repository"],
            buckets=_DURATION_BUCKETS,
            registry=self._registry,
        )
        self.retarget(repositories)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def retarget(self, repositories: Sequence[str]) -> None:
        """These are the git repositories from now on; what is known of others is dropped."""
        with self._lock:
            gone = set(self._repositories) - set(repositories)
            self._repositories = tuple(repositories)
            for name in gone:
                self._looked.pop(name, None)
                self._succeeded_at.pop(name, None)
        for name in repositories:  # so that a rate is right from the first event on
            self._durations.labels(name)
            for kind in OutcomeKind:
                self._run_counts.labels(name, kind.value)
        for name in gone:
            self._durations.remove(name)
            for kind in OutcomeKind:
                self._run_counts.remove(name, kind.value)

    def remember(self, last_successes: Mapping[str, datetime]) -> None:
        """What an earlier process knew."""
        with self._lock:
            for name, at in last_successes.items():
                if name in self._repositories:
                    self._succeeded_at.setdefault(name, at)

    def observe(self, outcome: Outcome, run: Run) -> None:
        """Take in one outcome. What failed before it looked leaves the last figures standing."""
        if run.repository not in self._repositories:
            return
        self._run_counts.labels(run.repository, outcome.kind.value).inc()
        seconds = (run.ended_at - run.started_at).total_seconds()
        self._durations.labels(run.repository).observe(seconds)
        is_bad = outcome.kind in _UNSUCCESSFUL
        with self._lock:
            if not is_bad:
                self._succeeded_at[run.repository] = run.ended_at
            if not is_bad or outcome.choices:
                self._looked[run.repository] = outcome

    def page_text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Figures made at the scrape (the collector protocol of prometheus_client)."""
        with self._lock:
            names, succeeded_at = set(self._repositories), dict(self._succeeded_at)
            looked = {name: len(each.problems) for name, each in self._looked.items()}
        yield _gauge("imagebot_build_info", "Version of imagebot", ["version"], {(__version__,): 1})
        yield from _of_repositories(
            ("imagebot_problems", "Files, policies and values that could not be read"),
            {name: count for name, count in looked.items() if name in names},
        )
        yield from _of_repositories(
            (
                "imagebot_last_success_timestamp_seconds",
                "When a reconciliation last neither failed nor stalled",
            ),
            {name: at.timestamp() for name, at in succeeded_at.items() if name in names},
        )
        next_polls = self._ask("next polls", self._sources.next_polls) or {}
        yield from _of_repositories(
            ("imagebot_next_run_timestamp_seconds", "When the interval ends"),
            {name: at.timestamp() for name, at in next_polls.items()},
        )
        figures = self._ask("history", self._sources.history)
        if figures is not None:
            yield from _of_history(figures, sorted(names), self._now())
        yield from self._of_others()

    def _of_others(self) -> Iterator[Metric]:
        sources = self._sources
        registries = self._ask("registry traffic", sources.registry_traffic) or Traffic()
        forges = self._ask("forge traffic", sources.forge_traffic) or Traffic()
        for kind, traffic in (("registry", registries), ("forge", forges)):
            name, shown = f"imagebot_{kind}_requests", f"Requests sent, by {kind} and outcome"
            yield _counter(name, shown, ["host", "outcome"], traffic.by_outcome())
        left = {(host,): count for host, count in registries.left_by_host().items()}
        left |= {(host,): count for host, count in forges.left_by_host().items()}
        yield _gauge("imagebot_rate_limit_left", "Requests that a host allows", ["host"], left)
        polls = self._ask("polls", sources.polls) or {}
        yield _counter(
            "imagebot_image_polls",
            "Polls of image repositories",
            ["outcome"],
            {(outcome,): count for outcome, count in polls.items()},
        )
        circuits = self._ask("circuits", sources.circuits) or {}
        yield _gauge(
            "imagebot_circuit_state",
            "Whether a host is asked: 1 at the state it is in",
            ["host", "state"],
            {
                (host, state): float(state == now)
                for host, now in list(circuits.items())[:_MAX_CIRCUITS]
                for state in CIRCUIT_STATES
            },
        )
        given_up = self._ask("what was given up", sources.given_up)
        counted = {} if given_up is None else {(): given_up}
        told = "Reconciliations that took longer than they may"
        yield _counter("imagebot_reconciliations_given_up", told, [], counted)
        deliveries = self._ask("deliveries", sources.deliveries) or {}
        yield _counter("imagebot_webhook_deliveries", "Webhooks", ["sender", "outcome"], deliveries)
        notified = self._ask("notifications", sources.notifications) or {}
        yield _counter("imagebot_notifications", "Messages", ["notifier", "result"], notified)
        reloads = self._ask("reloads", sources.reloads) or {}
        yield _counter(
            "imagebot_settings_reloads",
            "Times that the settings were read again",
            ["result"],
            {(result,): count for result, count in reloads.items()},
        )
        trouble = self._ask("settings", sources.settings_trouble)
        stale = {} if trouble is None else {(): float(bool(trouble))}
        yield _gauge("imagebot_settings_stale", "1 if those on disk are not used", [], stale)

    def _ask(self, what: str, source: Callable[[], Asked]) -> Asked | None:
        """What it says. One in trouble costs no other figure; told when it changes."""
        try:
            said = source()
        except Exception as error:  # noqa: BLE001 whatever it is, the others are shown
            if self._troubles.get(what) != str(error):
                log.warning(
                    "metrics: %(what)s cannot be shown: %(error)s", {"what": what, "error": error}
                )
            self._troubles[what] = str(error)
            return None
        self._troubles.pop(what, None)
        return said


def _of_history(figures: Figures, names: Sequence[str], now: datetime) -> Iterator[Metric]:
    known = {name for name, _ in figures.states}
    looked = [name for name in names if name in known]
    yield _gauge(
        "imagebot_occurrences",
        "Image references by what was decided",
        ["repository", "state"],
        {
            (name, state): figures.states.get((name, state), 0)
            for name in looked
            for state in STATES
        },
    )
    yield from _of_repositories(
        ("imagebot_behind_seconds", "Since when the oldest has something newer, 0 if none has"),
        {
            name: max((now - figures.behind_since.get(name, now)).total_seconds(), 0.0)
            for name in looked
        },
    )
    yield from _of_repositories(
        ("imagebot_pull_requests_open", "Pull requests of imagebot that wait to be merged"),
        {name: figures.open_requests.get(name, 0) for name in names},
    )
    yield _counter(
        "imagebot_pull_requests",
        "Pull requests of imagebot by what happened to them",
        ["repository", "event"],
        {
            (name, event): figures.requests.get((name, event), 0)
            for name in names
            for event in REQUEST_EVENTS
        },
    )
    leads = HistogramMetricFamily(
        "imagebot_lead_time_seconds",
        "From the first sight of a tag until its pull request was opened, or merged",
        labels=["repository", "stage"],
    )
    for name in names:
        for stage in STAGES:
            _add_lead(leads, (name, stage), figures.leads.get((name, stage), Lead()))
    yield leads


def _add_lead(family: HistogramMetricFamily, labels: Sequence[str], lead: Lead) -> None:
    total = 0
    buckets = []
    for bound, count in zip((*LEAD_BOUNDS_SECONDS, float("inf")), lead.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
    family.add_metric(labels, buckets, lead.total_seconds)


def _of_repositories(named: tuple[str, str], values: Mapping[str, float]) -> Iterator[Metric]:
    yield _gauge(*named, ["repository"], {(name,): value for name, value in values.items()})


def _gauge(
    name: str, documentation: str, labels: Sequence[str], values: Mapping[LabelValues, float]
) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family


def _counter(
    name: str, documentation: str, labels: Sequence[str], counts: Mapping[LabelValues, int]
) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for label_values, count in sorted(counts.items()):
        family.add_metric(label_values, count)
    return family
