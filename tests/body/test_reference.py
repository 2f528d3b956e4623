"""The reference of templates names every value that there is, with its type, and no other."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from imagebot.body import UserTemplate, body
from imagebot.body.language import MAX_STEPS, MAX_TEMPLATE_LENGTH
from imagebot.body.markdown import Markdown
from imagebot.body.values import values
from imagebot.model import Problem
from tests.body import making
from tests.making import choice

BAD = Problem("a.yaml", 1, 1, "no image")
PAGE = Path(__file__).parents[2] / "docs" / "pull-requests.md"


def there(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every path with its type."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from there(each, f"{path}.{key}" if path else key)
    elif isinstance(value, str):
        yield path, "text"
    elif isinstance(value, int):
        yield path, "number"
    elif isinstance(value, Markdown):
        yield path, "Markdown"
    else:
        assert isinstance(value, Sequence)
        is_flat = all(isinstance(each, str) for each in value)
        yield path, "list of texts" if is_flat else "list"
        if not is_flat:
            yield from there(value[0], f"{path}[]")


def told() -> Iterator[tuple[str, str]]:
    table = (
        PAGE.read_text(encoding="utf-8").partition("| Value | Type | Is |")[2].partition("\n\n")[0]
    )
    for row in table.splitlines()[2:]:
        names, kind = (cell.strip() for cell in row.split("|")[1:3])
        first = ""
        for name in re.findall(r"`([^`]+)`", names):
            full = first.rpartition(".")[0] + name if name.startswith(".") else name
            first = first or full
            yield full, kind


def test_the_reference_has_every_value_and_no_other() -> None:
    of = making.step("ghcr.io/acme/api", "2.3.0", "2.4.1")
    one = choice("ghcr.io/acme/api:2.3.0", "2.4.1")
    assert sorted(told()) == sorted(there(values([one], {}, {}, making.told(of), [BAD])))


def test_the_template_that_is_shown_can_be_used() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = page.partition("```jinja\n")[2].partition("```")[0]
    of = making.step("ghcr.io/acme/api", "2.3.0", "2.4.1")
    one = choice("ghcr.io/acme/api:2.3.0", "2.4.1")
    text = body([one], told=making.told(of), template=UserTemplate("shown", shown))
    assert "- `ghcr.io/acme/api` from `2.3.0` to `2.4.1` [`3f786850e387" in text
    assert "cannot be used" not in text


def test_the_reference_names_the_bounds() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"{MAX_TEMPLATE_LENGTH:,} characters and take {MAX_STEPS:,} steps" in text
