"""Figures for Prometheus: what the controller observes, and what others know when it is scraped.

Keeps state in memory only, under a lock; the rest it asks for at each scrape, and leaves out what
cannot be had then. What there is, and what it is called, stands in metric_table.py.
"""

import logging
import threading
from collections import Counter as Counted
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric

from imagebot import __version__
from imagebot.history_model import (
    LEAD_BOUNDS_SECONDS,
    REQUEST_EVENTS,
    STAGES,
    Figures,
    Lead,
    added_up,
)
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind
from imagebot.traffic import Traffic
from imagebot.web import metric_table as table

log = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
CIRCUIT_STATES = ("closed", "half-open", "open")
_DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_MAX_CIRCUITS = 50
_UNSUCCESSFUL = (OutcomeKind.FAILED, OutcomeKind.STALLED)
Counts = Mapping[tuple[str, str], int]
Asked = TypeVar("Asked")

# A second series for each counter that nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked at each scrape. A source that raises, or that is not there, shows nothing."""

    history: Callable[[], Figures] = Figures
    last_runs: Callable[[], Mapping[str, Run]] = dict  # by git repository, of all processes
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
        self._repositories = tuple(repositories)
        self._sources = sources or Sources()
        self._now = now
        self._lock = threading.Lock()
        self._problem_counts: dict[str, int] = {}
        self._succeeded_at = dict(last_successes or {})
        self._troubles: dict[str, str] = {}
        self._registry = CollectorRegistry()
        runs, took = table.RECONCILIATIONS, table.DURATIONS
        self._run_counts = Counter(runs.stem, runs.help, runs.labels, registry=self._registry)
        self._durations = Histogram(
            took.stem, took.help, took.labels, buckets=_DURATION_BUCKETS, registry=self._registry
        )
        for kind in OutcomeKind:  # so that a rate is right from the first event on
            self._run_counts.labels(kind.value)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def retarget(self, repositories: Sequence[str]) -> None:
        """These are the git repositories from now on; what is known of others is dropped."""
        with self._lock:
            self._repositories = tuple(repositories)
            for known in (self._problem_counts, self._succeeded_at):
                for name in set(known) - set(repositories):
                    known.pop(name)

    def remember(self, last_successes: Mapping[str, datetime]) -> None:
        """What an earlier process knew."""
        with self._lock:
            for name, at in last_successes.items():
                if name in self._repositories:
                    self._succeeded_at.setdefault(name, at)

    def observe(self, outcome: Outcome, run: Run) -> None:
        """Take in one outcome. What failed before it looked leaves the last figures standing."""
        self._run_counts.labels(outcome.kind.value).inc()
        self._durations.observe(_seconds(run))
        is_bad = outcome.kind in _UNSUCCESSFUL
        with self._lock:
            if run.repository not in self._repositories:
                return
            if not is_bad:
                self._succeeded_at[run.repository] = run.ended_at
            if not is_bad or outcome.choices:
                self._problem_counts[run.repository] = len(outcome.problems)

    def page_text(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Figures made at the scrape (the collector protocol of prometheus_client)."""
        with self._lock:
            names = set(self._repositories)
            problems, succeeded_at = dict(self._problem_counts), dict(self._succeeded_at)
        yield table.BUILD_INFO.family({(__version__,): 1})
        yield table.PROBLEMS.family(_of(names, problems))
        yield table.LAST_SUCCESS.family(_of(names, _timestamps(succeeded_at)))
        next_polls = self._ask("next polls", self._sources.next_polls) or {}
        yield table.NEXT_RUN.family(_of(names, _timestamps(next_polls)))
        runs = self._ask("last runs", self._sources.last_runs) or {}
        stalled = {name: float(run.kind is OutcomeKind.STALLED) for name, run in runs.items()}
        yield table.STALLED.family(_of(names, stalled))
        took = {name: _seconds(run) for name, run in runs.items()}
        yield table.LAST_DURATION.family(_of(names, took))
        figures = self._ask("history", self._sources.history)
        if figures is not None:
            yield from _of_history(figures, names, self._now())
        yield from self._of_hosts()
        yield from self._of_the_process()

    def _of_hosts(self) -> Iterator[Metric]:
        sources = self._sources
        registries = self._ask("registry traffic", sources.registry_traffic) or Traffic()
        forges = self._ask("forge traffic", sources.forge_traffic) or Traffic()
        yield table.REGISTRY_REQUESTS.family(registries.by_outcome())
        yield table.FORGE_REQUESTS.family(forges.by_outcome())
        left = {**registries.left_by_host(), **forges.left_by_host()}
        yield table.RATE_LIMIT_LEFT.family({(host,): count for host, count in left.items()})
        circuits = self._ask("circuits", sources.circuits) or {}
        yield table.CIRCUITS.family(
            {
                (host, state): float(state == now)
                for host, now in list(circuits.items())[:_MAX_CIRCUITS]
                for state in CIRCUIT_STATES
            }
        )

    def _of_the_process(self) -> Iterator[Metric]:
        sources = self._sources
        polls = self._ask("polls", sources.polls) or {}
        yield table.POLLS.family({(outcome,): count for outcome, count in polls.items()})
        given_up = self._ask("what was given up", sources.given_up)
        yield table.GIVEN_UP.family({} if given_up is None else {(): given_up})
        yield table.DELIVERIES.family(self._ask("deliveries", sources.deliveries) or {})
        yield table.NOTIFICATIONS.family(self._ask("notifications", sources.notifications) or {})
        reloads = self._ask("reloads", sources.reloads) or {}
        yield table.RELOADS.family({(result,): count for result, count in reloads.items()})
        trouble = self._ask("settings", sources.settings_trouble)
        stale = {} if trouble is None else {(): float(bool(trouble))}
        yield table.SETTINGS_STALE.family(stale)

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


def _of_history(figures: Figures, names: Collection[str], now: datetime) -> Iterator[Metric]:
    known = {name for name, _ in figures.states} & set(names)
    yield table.OCCURRENCES.family(
        {
            (name, state): count
            for (name, state), count in figures.states.items()
            if name in known and count
        }
    )
    yield table.BEHIND.family(
        {
            (name,): max((now - figures.behind_since.get(name, now)).total_seconds(), 0.0)
            for name in known
        }
    )
    yield table.OPEN_REQUESTS.family(
        {(name,): figures.open_requests.get(name, 0) for name in names}
    )
    # Of all that the store counted, whatever the settings name now: a counter never goes back.
    events = Counted(dict.fromkeys(REQUEST_EVENTS, 0))
    for (_, event), count in figures.requests.items():
        events[event] += count
    yield table.REQUESTS.family({(event,): count for event, count in events.items()})
    leads = HistogramMetricFamily(table.LEADS.stem, table.LEADS.help, labels=table.LEADS.labels)
    for stage in STAGES:
        told = [lead for (_, its_stage), lead in figures.leads.items() if its_stage == stage]
        _add_lead(leads, (stage,), added_up(told))
    yield leads


def _add_lead(family: HistogramMetricFamily, labels: Sequence[str], lead: Lead) -> None:
    total = 0
    buckets = []
    for bound, count in zip((*LEAD_BOUNDS_SECONDS, float("inf")), lead.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
    family.add_metric(labels, buckets, lead.total_seconds)


def _of(names: Collection[str], values: Mapping[str, float]) -> Mapping[tuple[str], float]:
    return {(name,): value for name, value in values.items() if name in names}


def _timestamps(moments: Mapping[str, datetime]) -> Mapping[str, float]:
    return {name: at.timestamp() for name, at in moments.items()}


def _seconds(run: Run) -> float:
    return (run.ended_at - run.started_at).total_seconds()
