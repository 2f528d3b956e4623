"""The alerts of the chart, as a table; and which metrics a PromQL expression asks for."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FILE = Path(__file__).parents[2] / "charts" / "imagebot" / "files" / "alerts.yaml"


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FILE)["rules"]
    return found


def named_series(expression: str) -> set[str]:
    """Every series of ours that stands in an expression."""
    return set(re.findall(r"\bimagebot_\w+", expression))


def table() -> str:
    rows = ["| Alert | Severity | Fires when | What to do |", "| --- | --- | --- | --- |"]
    for rule in rules():
        notes = {key: " ".join(text.split()) for key, text in rule["annotations"].items()}
        when = re.sub(r"\{\{[^}]*\$value[^}]*\}\}", "N", notes["description"])
        when = re.sub(r"\{\{ *\$labels\.(\w+) *\}\}", r"`\1`", when)
        cells = [f"`{rule['alert']}`", rule["labels"]["severity"], when, notes["action"]]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)
