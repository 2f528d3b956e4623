"""The chart as helm renders it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.shipped.tools import run, tool
from tests.shipped.values import CHART


def template(
    values: Mapping[str, Any], folder: Path, release: str = "test"
) -> subprocess.CompletedProcess[str]:
    file = folder / "values.json"
    file.write_text(json.dumps(values))
    return run(
        *(tool("helm"), "template", release, str(CHART)),
        *("--namespace", "gitops", "--values", str(file)),
    )


def objects(values: Mapping[str, Any], folder: Path, release: str = "test") -> list[dict[str, Any]]:
    """What the chart makes of these values. Rendered once for all tests; change nothing in it."""
    return _objects(json.dumps(values), release, folder)


def only(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The first of this kind; of ConfigMaps that with the settings."""
    found = [each for each in documents if each["kind"] == kind]
    if kind == "ConfigMap":
        found = [each for each in found if "settings.yaml" in each.get("data", {})]
    return found[0]


def pod(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The pod's spec."""
    spec: dict[str, Any] = workload(documents)["spec"]["template"]["spec"]
    return spec


def workload(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """The Deployment or the StatefulSet; there is one."""
    (one,) = [each for each in documents if each["kind"] in ("Deployment", "StatefulSet")]
    return one


_RENDERED: dict[tuple[str, str], list[dict[str, Any]]] = {}


def _objects(values: str, release: str, folder: Path) -> list[dict[str, Any]]:
    if (values, release) not in _RENDERED:
        done = template(json.loads(values), folder, release)
        assert done.returncode == 0, done.stderr
        _RENDERED[values, release] = read(done.stdout)
    return _RENDERED[values, release]


def read(text: str) -> list[dict[str, Any]]:
    """The objects in what helm prints."""
    return [document for document in YAML(typ="safe", pure=True).load_all(text) if document]


def settings_file(documents: list[dict[str, Any]]) -> bytes:
    """What the pod reads."""
    source: str = only(documents, "ConfigMap")["data"]["settings.yaml"]
    return source.encode()
