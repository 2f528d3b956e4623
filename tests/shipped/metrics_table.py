"""The table of metrics as docs/operations.md shows it."""

from collections.abc import Iterator

from imagebot.web.metric_table import TABLE


def table() -> str:
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| Name | Type | Labels | Meaning |"
    yield "| --- | --- | --- | --- |"
    for each in sorted(TABLE, key=lambda each: each.name):
        labels = ", ".join(f"`{label}`" for label in each.labels)
        yield f"| `{each.name}` | {each.type} | {labels} | {each.help} |"
