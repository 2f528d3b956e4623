"""Figures for Prometheus, from what the controller observes.

Keeps state in memory only, under a lock; asks for the rest when it is scraped. The names are a
contract (docs/running.md). Labels are the names of configured repositories and a bounded number
of registry hosts, never image names.
"""

import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric

from imagebot import __version__
from imagebot.model import Choice
from imagebot.owed import Run
from imagebot.proposals import Outcome, OutcomeKind, PullRequestState

MAX_HOSTS = 50  # image names come from files, so hosts beyond these are counted as "other"
OCCURRENCE_STATES = ("current", "behind", "failed", "ungoverned")
CONTENT_TYPE = CONTENT_TYPE_LATEST
_DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_UNSUCCESSFUL = (OutcomeKind.FAILED, OutcomeKind.STALLED)

# A second series for each counter that nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


def state_of(choice: Choice) -> str:
    """In which of the four states an occurrence is."""
    if choice.is_failure:
        return "failed"
    if choice.policy is None:
        return "ungoverned"
    return "current" if choice.update is None else "behind"


def open_pull_request_count(outcome: Outcome) -> int:
    pull_requests = [proposal.pull_request for proposal in outcome.proposals]
    return len({found.url for found in pull_requests if found and _is_open(found.state)})


def _is_open(state: PullRequestState) -> bool:
    return state is PullRequestState.OPEN


def _nothing() -> Mapping[str, int]:
    return {}


def _never() -> Mapping[str, datetime]:
    return {}


class Metrics:
    """Counts what `observe` sees; `page_text` is the text format of Prometheus.

    The callbacks are asked at each scrape: requests made so far by registry host, and when each
    repository is polled next. `last_successes` is what an earlier process remembers.
    """

    def __init__(
        self,
        repositories: Sequence[str],
        *,
        registry_requests: Callable[[], Mapping[str, int]] = _nothing,
        next_polls: Callable[[], Mapping[str, datetime]] = _never,
        last_successes: Mapping[str, datetime] | None = None,
    ) -> None:
        self._repositories = tuple(repositories)
        self._registry_requests = registry_requests
        self._next_polls = next_polls
        self._lock = threading.Lock()
        self._looked: dict[str, Outcome] = {}
        self._succeeded_at = {
            name: at for name, at in (last_successes or {}).items() if name in self._repositories
        }
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
        self._name_all()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def _name_all(self) -> None:
        """So that a rate is right from the first event on."""
        for name in self._repositories:
            self._durations.labels(name)
            for kind in OutcomeKind:
                self._run_counts.labels(name, kind.value)

    def retarget(self, repositories: Sequence[str]) -> None:
        """These are the git repositories from now on; what is known of others is dropped."""
        gone = set(self._repositories) - set(repositories)
        with self._lock:
            self._repositories = tuple(repositories)
            for name in gone:
                self._looked.pop(name, None)
                self._succeeded_at.pop(name, None)
        for name in gone:
            self._durations.remove(name)
            for kind in OutcomeKind:
                self._run_counts.remove(name, kind.value)
        self._name_all()

    def remember(self, last_successes: Mapping[str, datetime]) -> None:
        """What an earlier process knew."""
        with self._lock:
            for name, at in last_successes.items():
                if name in self._repositories:
                    self._succeeded_at.setdefault(name, at)

    def observe(self, outcome: Outcome, run: Run) -> None:
        """Take in one outcome. What failed before it looked leaves the last figures standing."""
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
            looked, succeeded_at = dict(self._looked), dict(self._succeeded_at)
        yield _gauge("imagebot_build_info", "Version of imagebot", ["version"], {(__version__,): 1})
        yield from _of_outcomes(looked)
        yield _gauge(
            "imagebot_last_success_timestamp_seconds",
            "When a reconciliation last neither failed nor stalled",
            ["repository"],
            {(name,): at.timestamp() for name, at in succeeded_at.items()},
        )
        yield _gauge(
            "imagebot_next_run_timestamp_seconds",
            "When the interval ends",
            ["repository"],
            {(name,): at.timestamp() for name, at in self._next_polls().items()},
        )
        requests = CounterMetricFamily(
            "imagebot_registry_requests", "Requests sent to registries", labels=["host"]
        )
        for host, count in bounded(self._registry_requests()).items():
            requests.add_metric([host], count)
        yield requests


def bounded(counts_by_host: Mapping[str, int]) -> Mapping[str, int]:
    """The busiest hosts, and the rest together. Ties go by name, so that lines do not jump."""
    busiest = sorted(counts_by_host.items(), key=lambda item: (-item[1], item[0]))
    kept, rest = dict(busiest[:MAX_HOSTS]), busiest[MAX_HOSTS:]
    return {**kept, "other": sum(count for _, count in rest)} if rest else kept


def _of_outcomes(looked: Mapping[str, Outcome]) -> Iterator[Metric]:
    states: dict[tuple[str, ...], float] = {}
    for name, outcome in looked.items():
        tally = Tally(state_of(choice) for choice in outcome.choices)
        states.update({(name, state): tally[state] for state in OCCURRENCE_STATES})
    yield _gauge("imagebot_occurrences", "Image references found", ["repository", "state"], states)
    yield _gauge(
        "imagebot_problems",
        "Files, policies and values that could not be read",
        ["repository"],
        {(name,): len(outcome.problems) for name, outcome in looked.items()},
    )
    yield _gauge(
        "imagebot_pull_requests_open",
        "Pull requests of imagebot that wait to be merged",
        ["repository"],
        {(name,): open_pull_request_count(outcome) for name, outcome in looked.items()},
    )


def _gauge(
    name: str, documentation: str, labels: Sequence[str], values: Mapping[tuple[str, ...], float]
) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family
