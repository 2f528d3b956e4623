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
    rows = ["| Alert | Severity | After | Says | What to do |", "| --- | --- | --- | --- | --- |"]
    for rule in rules():
        notes = {key: " ".join(text.split()) for key, text in rule["annotations"].items()}
        said = re.sub(r"\{\{[^}]*\$value[^}]*\}\}", "N", notes["description"])
        said = re.sub(r"\{\{ *\$labels\.(\w+) *\}\}", r"`\1`", said)
        severity, after = rule["labels"]["severity"], rule["for"]
        cells = [f"`{rule['alert']}`", severity, after, said, notes["action"]]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)
