"""Files, and parts of pages, that are written from the code: `make docs` writes all of them.

A part of a page stands between `<!-- begin: NAME -->` and `<!-- end: NAME -->`.
"""

import json
import re
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.shipped import alerts, crds, dashboard, metrics_table, settings_table, values

ROOT = Path(__file__).parents[2]
CHART = Path("charts/imagebot")
NOTICE = "# Written by `make docs` from the types that read policies.\n"


def contents() -> Mapping[Path, str]:
    """What each file must hold, by its path in the project."""
    schema = json.loads((ROOT / CHART / "values.schema.json").read_text())
    made = {
        CHART / "values.schema.json": _json(values.with_known(schema)),
        CHART / "files" / "dashboard.json": _json(dashboard.dashboard()),
        CHART / "README.md": _page(CHART / "README.md", {"values": values.table()}),
        Path("docs/operations.md"): _page(
            Path("docs/operations.md"),
            {
                "settings": settings_table.table(),
                "variables": settings_table.variables(),
                "metrics": metrics_table.table(),
                "alerts": alerts.table(),
            },
        ),
    }
    for kind, definition in crds.definitions().items():
        file = CHART / "files" / "crds" / f"{crds.PLURALS[kind]}.yaml"
        made[file] = NOTICE + _yaml(definition)
    return made


def write() -> list[Path]:
    """Write what differs; give back those files."""
    changed = []
    for path, content in contents().items():
        file = ROOT / path
        if not file.exists() or file.read_text(encoding="utf-8") != content:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
            changed.append(path)
    return changed


def _page(path: Path, parts: Mapping[str, str]) -> str:
    text = (ROOT / path).read_text(encoding="utf-8")
    for name, content in parts.items():
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"{path} has no place for {name}: it stands between {begin}{end}")
        text = f"{before}{begin}\n{content}\n\n{end}{after}"
    return text


def _json(document: Any) -> str:
    """A short list on one line, so that enumerations do not fill the page."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    joined = re.sub(
        r"\[\s*((?:\"[^\"\n]{0,30}\"|-?\d+)(?:,\s*(?:\"[^\"\n]{0,30}\"|-?\d+)){0,7})\s*\]",
        lambda found: "[" + re.sub(r",\s+", ", ", found[1]) + "]",
        text,
    )
    return joined + "\n"


def _yaml(document: Any) -> str:
    stream = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    yaml.dump(document, stream)
    return stream.getvalue()


if __name__ == "__main__":
    for written in write():
        sys.stdout.write(f"{written}\n")
