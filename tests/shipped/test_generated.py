"""What `make docs` writes is what stands in the repository, and what it says is true."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from imagebot.history_model import STATES
from imagebot.hooks.receiving import OUTCOMES
from imagebot.policy import reading
from imagebot.web.metric_table import TABLE
from imagebot.web.metrics import CIRCUIT_STATES, Metrics
from tests.shipped import alerts, crds, dashboard, generated, settings_table
from tests.shipped.tools import ROOT
from tests.shipped.values import CHART, values

yaml = YAML(typ="safe", pure=True)


def test_what_is_written_from_the_code_is_up_to_date() -> None:
    stale = [
        str(path)
        for path, content in generated.contents().items()
        if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8") != content
    ]
    assert not stale, "run `make docs` and commit what it writes"


# Values


def test_every_value_is_described() -> None:
    plain = {"annotations", "podAnnotations", "podLabels", "nodeSelector", "tolerations"}
    plain |= {"affinity", "hostAliases", "priorityClassName", "runtimeClassName", "resources"}
    plain |= {"extraVolumes", "extraVolumeMounts"}  # as in every chart, or told just above
    undescribed = {
        value.path
        for value in values()
        if not value.description and not {value.path, value.path.rpartition(".")[2]} & plain
    }
    assert not {path for path in undescribed if not path.endswith(".enabled")}


def test_the_schema_knows_exactly_the_values_there_are() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    defaults = yaml.load(CHART / "values.yaml")
    assert _unlike(schema, defaults, "") == []


def _unlike(schema: dict[str, Any], value: Any, path: str) -> list[str]:
    if not isinstance(value, dict) or "properties" not in schema or path == "settings":
        return []
    assert schema["additionalProperties"] is False, path
    known = schema["properties"].keys() - {"global", "claims"}
    found = [f"{path}.{key}" for key in known ^ value.keys()]
    for key in known & value.keys():
        found += _unlike(schema["properties"][key], value[key], f"{path}.{key}".strip("."))
    return found


# Metrics


def test_the_table_of_metrics_tells_what_is_scraped() -> None:
    page = Metrics(["config"]).page_text().decode()
    own = [line for line in page.splitlines() if line.startswith("# ") and "imagebot_" in line]
    assert len(own) > 20
    assert sorted(own) == sorted(
        line
        for each in TABLE
        for line in (f"# HELP {each.name} {each.help}", f"# TYPE {each.name} {each.type}")
    )


def _series() -> set[str]:
    return {series for each in TABLE for series in each.series}


@pytest.mark.parametrize("rule", alerts.rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    named = alerts.named_series(rule["expr"])
    assert named
    assert named <= _series()
    assert rule["annotations"].keys() == {"summary", "description", "action"}
    assert rule["labels"]["severity"] in ("info", "warning", "critical")


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    for expression in dashboard.expressions():
        named = alerts.named_series(expression)
        assert named <= _series(), expression
        assert named


def test_labels_that_are_asked_for_are_those_of_the_metric() -> None:
    """In `metric{label=...}`; `namespace` and `job` come with the scrape."""
    labels = {series: each.labels for each in TABLE for series in each.series}
    expressions = [*dashboard.expressions(), *(rule["expr"] for rule in alerts.rules())]
    for expression in expressions:
        for series, selector in re.findall(r"\b(imagebot_\w+)\{([^}]*)\}", expression):
            asked = set(re.findall(r"(\w+) *[=!]", selector)) - {"namespace", "job"}
            assert asked <= set(labels[series]), expression


WORDS = {
    "imagebot_occurrences": STATES,
    "imagebot_circuit_state": CIRCUIT_STATES,
    "imagebot_webhook_deliveries_total": OUTCOMES,
    "imagebot_notifications_total": ("sent", "failed", "dropped"),
}


def test_an_alert_waits_for_a_word_that_its_label_takes() -> None:
    selected = [
        (series, words)
        for rule in alerts.rules()
        for series, words in re.findall(r'\b(imagebot_\w+)\{\w+=~?"([^"]+)"', rule["expr"])
    ]
    assert len(selected) > 4
    for series, words in selected:
        assert set(words.split("|")) <= set(WORDS[series]), series


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard.dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= dashboard.WIDTH
        taken |= cells


# Settings


def test_the_reference_tells_every_key_with_its_meaning() -> None:
    rows = settings_table.table().splitlines()[2:]
    undescribed = [row for row in rows if row.endswith("|  |")]
    assert not undescribed, "write description=... in imagebot/settings_*.py"


# Kinds


ALLOWED = {
    *("type", "description", "properties", "required", "items", "enum", "pattern", "format"),
    *("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"),
    *("additionalProperties", "x-kubernetes-list-type", "x-kubernetes-preserve-unknown-fields"),
}
"""Of a structural schema, as far as ours need it (Kubernetes, "Specifying a structural schema")."""


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    inner = [*schema.get("properties", {}).values(), schema.get("items")]
    for each in [*inner, schema.get("additionalProperties")]:
        if each is not None:
            yield from _schemas(each)


@pytest.mark.parametrize("kind", crds.definitions())
def test_the_schema_of_a_kind_is_structural(kind: str) -> None:
    (version,) = crds.definitions()[kind]["spec"]["versions"]
    for schema in _schemas(version["schema"]["openAPIV3Schema"]):
        assert not schema.keys() - ALLOWED, schema
        assert schema.keys() & {"type", "x-kubernetes-preserve-unknown-fields"}, schema
        assert not ("properties" in schema and "additionalProperties" in schema)
        if "x-kubernetes-list-type" in schema:
            assert schema["items"]["type"] == "string"
        if "pattern" in schema:
            assert "(?=" not in schema["pattern"]
            assert "(?!" not in schema["pattern"]


POLICIES = sorted((ROOT / "policies").glob("**/*.yaml"))


def _documents() -> Iterator[dict[str, Any]]:
    for file in POLICIES:
        for loaded in yaml.load_all(file.read_text()):
            document = json.loads(json.dumps(loaded, default=str))  # a date is text, as in JSON
            if document and document.get("apiVersion") == f"{crds.GROUP}/{crds.VERSION}":
                yield document


def _validator(kind: str) -> jsonschema.Draft202012Validator:
    (version,) = crds.definitions()[kind]["spec"]["versions"]
    return jsonschema.Draft202012Validator(version["schema"]["openAPIV3Schema"])


def test_every_example_policy_fits_its_kind() -> None:
    documents = list(_documents())
    assert len(documents) > 15
    for document in documents:
        assert not list(_validator(document["kind"]).iter_errors(document)), document


def test_a_kind_refuses_what_imagebot_refuses(tmp_path: Path) -> None:
    """By types and enumerations; what only imagebot can tell, `imagebot check` tells."""
    for spec in ({"images": "all"}, {"tags": {"order": "best"}}, {"images": 7}):
        document = {"apiVersion": "imagebot.dev/v1alpha1", "kind": "ImagePolicy", "spec": spec}
        assert list(_validator("ImagePolicy").iter_errors(document))
        source = str({**document, "metadata": {"name": "a"}}).encode()
        assert reading.find("imagebot.yaml", source).problems
