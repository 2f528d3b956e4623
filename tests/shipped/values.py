"""The chart's values: what values.yaml says of each, and the schema that refuses the rest.

values.yaml is read by lines, since the comment above a key is its description.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from imagebot import settings
from tests.shipped import alerts
from tests.shipped.plain_schema import resolved, shippable

CHART = Path(__file__).parents[2] / "charts" / "imagebot"
OF_THE_CHART = ("apiVersion", "kind", "dataDir", "listen", "store")
"""Keys of the settings that are not the user's here."""

_KEY = re.compile(r"( *)([A-Za-z]\w*):(.*)")


@dataclass(frozen=True)
class Value:
    """One key, with its path in dots. `default` is as it is written."""

    path: str
    default: str
    description: str


def values() -> list[Value]:
    """Every key that holds no further described keys."""
    found = list(_walk((CHART / "values.yaml").read_text().splitlines()))
    parents = {value.path.rpartition(".")[0] for value in found}
    inner = [value for value in found if value.path not in parents or value.description]
    defaults = YAML(typ="safe", pure=True).load(CHART / "values.yaml")
    return [
        Value(
            value.path, "" if value.path in parents else _shown(value, defaults), value.description
        )
        for value in inner
        if not value.path.startswith(("resources.", "grafanaDashboard.labels."))
    ]


def _walk(lines: list[str]) -> Iterator[Value]:
    stack: list[str] = []
    comment: list[str] = []
    for line in lines:
        key = _KEY.fullmatch(line)
        if line.strip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
        elif key:
            depth = len(key[1]) // 2
            stack[depth:] = [key[2]]
            yield Value(".".join(stack), key[3].strip(), " ".join(comment))
            comment = []
        else:
            comment = []


def _shown(value: Value, defaults: Any) -> str:
    found = defaults
    for key in value.path.split("."):
        found = found[key]
    if isinstance(found, dict) and found:
        return "see `values.yaml`"
    return f"`{value.default}`"


def table() -> str:
    """For the chart's README."""
    rows = ["| Value | Default | Meaning |", "| --- | --- | --- |"]
    rows += [
        f"| `{value.path}` | {value.default} | {value.description.replace('|', chr(92) + '|')} |"
        for value in values()
    ]
    return "\n".join(rows)


def with_known(schema: dict[str, Any]) -> dict[str, Any]:
    """The values' schema, with what the code knows in its place: the settings and the alerts."""
    published = settings.json_schema()
    part = shippable(resolved(published, published["$defs"]))
    kept = {key: part["properties"][key] for key in part["properties"] if key not in OF_THE_CHART}
    described = {"type": "object", "additionalProperties": False, "properties": kept}
    rules = deepcopy(schema["properties"]["prometheusRule"])
    named = [rule["alert"] for rule in alerts.rules()]
    rules["properties"]["disabled"]["items"] = {"enum": named}
    properties = {**schema["properties"], "settings": described, "prometheusRule": rules}
    return {**schema, "properties": properties}
