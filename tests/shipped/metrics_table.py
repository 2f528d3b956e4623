"""The metrics that imagebot has, from a page of a process to which nothing has happened yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from imagebot.web.metrics import Metrics

_OF_THE_SAMPLE = {"le", "quantile"}


@dataclass(frozen=True)
class Described:
    """`name` as it is scraped: of a counter with `_total`."""

    name: str
    type: str
    labels: tuple[str, ...]
    help: str

    @property
    def series(self) -> frozenset[str]:
        """The names under which samples stand."""
        endings = ("_bucket", "_sum", "_count") if self.type == "histogram" else ("",)
        return frozenset(f"{self.name}{ending}" for ending in endings)


@cache
def metrics() -> tuple[Described, ...]:
    """Those of imagebot itself, by name."""
    made = Metrics(["config"], last_successes={"config": datetime.now(UTC)})
    # A family without samples has its labels here only.
    declared = {family.name: _declared(family) for family in made.collect()}
    page = text_string_to_metric_families(made.page_text().decode())
    own = [family for family in page if family.name.startswith("imagebot_")]
    return tuple(sorted((_described(each, declared) for each in own), key=lambda each: each.name))


def _described(family: Metric, declared: dict[str, tuple[str, ...]]) -> Described:
    sampled = dict.fromkeys(label for sample in family.samples for label in sample.labels)
    labels = declared.get(family.name) or tuple(sampled)
    ending = "_total" if family.type == "counter" else ""
    own = tuple(label for label in labels if label not in _OF_THE_SAMPLE)
    return Described(f"{family.name}{ending}", family.type, own, family.documentation)


def _declared(family: Metric) -> tuple[str, ...]:
    return tuple(getattr(family, "_labelnames", ()))


def table() -> str:
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| Name | Type | Labels | Meaning |"
    yield "| --- | --- | --- | --- |"
    for each in metrics():
        labels = ", ".join(f"`{label}`" for label in each.labels)
        yield f"| `{each.name}` | {each.type} | {labels} | {each.help} |"
