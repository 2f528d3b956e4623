"""The reference of the settings file, from the types in imagebot/settings_*.py. Pure."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from imagebot import settings
from imagebot.times import DURATION_PATTERN, shown_duration
from tests.shipped.plain_schema import resolved


def table() -> str:
    published = settings.json_schema()
    part = resolved(published, published["$defs"])
    rows = ["| Key | Takes | Default | Meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([*rows, *_rows(part, "")])


def variables() -> str:
    rows = ["| Variable | Sets |", "| --- | --- |"]
    for name, what in sorted(settings.VARIABLES.items()):
        is_key = what.partition(".")[0] in settings.json_schema()["properties"]
        rows.append(f"| `{name}` | {f'`{what}`' if is_key else what} |")
    return "\n".join(rows)


def _rows(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    required = schema.get("required", ())
    for key, part in schema["properties"].items():
        path = f"{prefix}{key}"
        inner, inner_prefix = _inner(part, path)
        default = "required" if key in required else _default(part)
        description = _cell(part.get("description") or (inner or {}).get("description", ""))
        yield f"| `{path}` | {_cell(_taken(part))} | {default} | {description} |"
        if inner:
            yield from _rows(inner, inner_prefix)


def _inner(part: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    """The mapping below a key, whether it stands alone, in a list, by name, or may be missing."""
    for branch in _branches(part):
        if "properties" in branch:
            return branch, f"{path}."
        if "properties" in branch.get("items", {}):
            return branch["items"], f"{path}[]."
        if "properties" in _by_name(branch):
            return branch["additionalProperties"], f"{path}.NAME."
    return None, ""


def _branches(part: dict[str, Any]) -> list[dict[str, Any]]:
    found = part.get("anyOf") or part.get("oneOf")
    if not found:
        return [part]
    return [inner for branch in found if branch != {"type": "null"} for inner in _branches(branch)]


def _by_name(part: dict[str, Any]) -> dict[str, Any]:
    found = part.get("additionalProperties")
    return found if isinstance(found, dict) else {}


def _taken(part: dict[str, Any]) -> str:
    branches = _branches(part)
    if len(branches) > 1:
        return " or ".join(dict.fromkeys(map(_taken, branches)))
    (one,) = branches
    if "const" in one:
        return f"`{one['const']}`"
    if "enum" in one:
        return ", ".join(f"`{word}`" for word in one["enum"])
    if one.get("type") == "array":
        return f"a list of: {_taken(one['items'])}"
    if one.get("type") == "object":
        return f"by name: {_taken(_by_name(one))}" if _by_name(one) else "a mapping"
    if one.get("pattern") == DURATION_PATTERN:
        return "a time: `90s`, `5m`, `1h30m`"
    if one.get("type") in ("integer", "number"):
        return _number(one)
    return {"string": "text", "boolean": "`true` or `false`"}.get(one.get("type", ""), "anything")


def _number(part: dict[str, Any]) -> str:
    kind = "a whole number" if part["type"] == "integer" else "a number"
    lowest, highest = part.get("minimum"), part.get("maximum")
    if lowest is not None and highest is not None:
        return f"{kind}, {lowest} to {highest}"
    return f"{kind}, at least {lowest}" if lowest is not None else kind


def _default(part: dict[str, Any]) -> str:
    value = part.get("default")
    if value is None or value in ([], {}):
        return "none"
    if any(branch.get("pattern") == DURATION_PATTERN for branch in _branches(part)):
        return f"`{shown_duration(TypeAdapter(timedelta).validate_python(value))}`"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
