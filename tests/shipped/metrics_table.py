"""The metrics that imagebot has, from the calls that make them.

Read from the code instead of a scrape, since a scrape shows what has happened so far only.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import imagebot

_TYPES = {
    "Counter": "counter",
    "CounterMetricFamily": "counter",
    "Histogram": "histogram",
    "HistogramMetricFamily": "histogram",
    "Summary": "summary",
}
_HISTOGRAM = ("_bucket", "_sum", "_count")


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
        endings = _HISTOGRAM if self.type == "histogram" else ("",)
        return frozenset(f"{self.name}{ending}" for ending in endings)


@cache
def metrics() -> tuple[Described, ...]:
    """Of all modules, by name."""
    texts = [file.read_text() for file in Path(imagebot.__file__).parent.rglob("*.py")]
    found = [each for text in texts if '"imagebot_' in text for each in _of(ast.parse(text))]
    return tuple(sorted(set(found), key=lambda each: each.name))


def _of(tree: ast.AST) -> Iterator[Described]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        name, text = (_string(argument) for argument in node.args[:2])
        if name.startswith("imagebot_") and text:
            kind = _TYPES.get(_called(node), "gauge")
            ending = "_total" if kind == "counter" and not name.endswith("_total") else ""
            yield Described(f"{name}{ending}", kind, _labels(node), text)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _string(node: ast.expr) -> str:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if is_text else ""  # type: ignore[attr-defined]


def _labels(node: ast.Call) -> tuple[str, ...]:
    """The first list of names among the arguments."""
    named = [word.value for word in node.keywords if word.arg in ("labels", "labelnames")]
    for argument in [*node.args[2:], *named]:
        if isinstance(argument, ast.List | ast.Tuple):
            return tuple(_string(item) for item in argument.elts if _string(item))
    return ()


def table() -> str:
    rows = ["| Name | Type | Labels | Meaning |", "| --- | --- | --- | --- |"]
    for each in metrics():
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append(f"| `{each.name}` | {each.type} | {labels} | {each.help} |")
    return "\n".join(rows)
