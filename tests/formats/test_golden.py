"""Real shapes and odd ones, before and after an edit, compared as bytes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagebot import edits, formats
from imagebot.errors import StaleEdit
from imagebot.image import Digest, parse
from imagebot.model import Found, Occurrence, Update
from imagebot.policy.model import Field, Policy

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/changes.json"))


def case_name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def content(folder: Path, name: str) -> bytes:
    (file,) = folder.glob(f"{name}.*")
    return file.read_bytes()


def update_for(occurrences: tuple[Occurrence, ...], change: dict[str, Any]) -> Update:
    (occurrence,) = [
        item
        for item in occurrences
        if item.address == change["address"] and change.get("line", item.line) == item.line
    ]
    digest = Digest(change["digest"]) if "digest" in change else None
    reference = occurrence.reference or parse("acme/of-the-policy")
    return Update(occurrence, reference, change["tag"], digest, None, change.get("name"))


def finder(told: dict[str, Any]) -> Callable[[str, bytes], Found]:
    """`find`, with the fields of a policy where the golden file is about these."""
    fields = tuple(
        Field(each["path"], each.get("part", "reference"), each.get("image"), each.get("kind"))
        for each in told.get("fields", ())
    )
    return formats.finder([Policy("golden", "imagebot.yaml", 1, fields=fields)])


@pytest.mark.parametrize("folder", CASES, ids=case_name)
def test_an_edit_changes_the_bytes_of_the_value_and_no_others(folder: Path) -> None:
    told = json.loads((folder / "changes.json").read_bytes())
    before = content(folder, "before")
    occurrences = finder(told)(told["file"], before).occurrences
    updates = [update_for(occurrences, change) for change in told["changes"]]
    rewritten = edits.rewrite(told["file"], before, updates, finder(told))
    assert rewritten.content == content(folder, "after")


@pytest.mark.parametrize("folder", CASES, ids=case_name)
def test_every_occurrence_of_a_golden_file_has_a_change_or_follows_one(folder: Path) -> None:
    told = json.loads((folder / "changes.json").read_bytes())
    before = content(folder, "before")
    occurrences = finder(told)(told["file"], before).occurrences
    assert len(occurrences) == len(told["changes"]) + len(told.get("refused", ()))


@pytest.mark.parametrize("folder", CASES, ids=case_name)
def test_what_has_no_place_for_a_version_is_refused(folder: Path) -> None:
    told = json.loads((folder / "changes.json").read_bytes())
    before = content(folder, "before")
    occurrences = finder(told)(told["file"], before).occurrences
    for change in told.get("refused", ()):
        with pytest.raises(StaleEdit):
            edits.rewrite(told["file"], before, [update_for(occurrences, change)], finder(told))


@pytest.mark.parametrize("folder", CASES, ids=case_name)
def test_the_same_change_made_again_changes_nothing(folder: Path) -> None:
    told = json.loads((folder / "changes.json").read_bytes())
    after = content(folder, "after")
    occurrences = finder(told)(told["file"], after).occurrences
    updates = [update_for(occurrences, change) for change in told["changes"]]
    assert edits.rewrite(told["file"], after, updates, finder(told)).edits == ()


def test_every_format_has_golden_files() -> None:
    assert {folder.parent.name for folder in CASES} == set(formats.FORMATS)
