"""docs/webhooks.md tells of every sender what the code knows of it."""

from pathlib import Path

from imagebot.hook_senders import table

PAGE = Path(__file__).parents[1] / "docs" / "webhooks.md"


def test_the_table_of_senders_is_that_of_the_code() -> None:
    rows = ["| " + " | ".join(row) + " |" for row in table()]
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.split(":")[0].strip("| ") in _names()] == rows


def _names() -> set[str]:
    return {row[0].split(":")[0] for row in table()}
