"""The tables of tag_lists, chosen from by `select`; and laws that hold over every tag in them."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebot.policy.model import Suffix, TagRules
from imagebot.selection import select
from tests.selection.tag_lists import LISTINGS, Case, Listing

ROWS = [(listing, case) for listing in LISTINGS for case in listing.cases]
NAMES = [f"{listing.image}:{case.current}" for listing, case in ROWS]
SMALL_LISTING, LARGE_LISTING = 10, 50


def first(rules: TagRules, current: str, tags: list[str]) -> str | None:
    candidates = select(rules, current, tags).candidates
    return candidates[0].tag if candidates else None


@pytest.mark.parametrize(("listing", "case"), ROWS, ids=NAMES)
def test_what_a_careful_person_would_take_is_chosen(listing: Listing, case: Case) -> None:
    assert first(case.rules, case.current, listing.tags) == case.chosen, case.why


def test_there_are_enough_rows_to_speak_of_the_real_world() -> None:
    assert len(ROWS) >= 600
    assert len(LISTINGS) >= 150
    assert sum(case.chosen is None for _, case in ROWS) >= 100


@pytest.mark.parametrize("listing", LISTINGS, ids=[listing.image for listing in LISTINGS])
def test_a_listing_is_one_that_a_registry_may_have(listing: Listing) -> None:
    assert len(set(listing.tags)) == len(listing.tags)
    assert SMALL_LISTING <= len(listing.tags) <= LARGE_LISTING
    for case in listing.cases:
        assert case.chosen is None or case.chosen in listing.tags


def every_current() -> Iterator[tuple[Listing, str]]:
    return ((listing, tag) for listing in LISTINGS for tag in listing.tags)


def test_the_order_of_a_listing_never_matters() -> None:
    shuffle = random.Random(20261126).shuffle
    for listing, case in ROWS:
        tags = listing.tags
        shuffle(tags)
        assert first(case.rules, case.current, tags) == case.chosen


def test_from_every_tag_choosing_twice_is_choosing_once() -> None:
    for listing, current in every_current():
        chosen = first(TagRules(), current, listing.tags)
        if chosen is not None:
            assert first(TagRules(), chosen, listing.tags) is None, (listing.image, current, chosen)


def test_no_two_tags_are_better_than_each_other() -> None:
    for listing in LISTINGS:
        better = {
            current: {each.tag for each in select(TagRules(), current, listing.tags).candidates}
            for current in listing.tags
        }
        for current, candidates in better.items():
            for candidate in candidates:
                assert current not in better[candidate], (listing.image, current, candidate)


def documented_families() -> list[tuple[str, str, list[str]]]:
    page = (Path(__file__).parents[2] / "docs" / "choosing-tags.md").read_text()
    section = page.partition("## Tag family")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("| `")]
    return [
        (current.strip(" `"), best.strip(" `"), re.findall("`([^`]+)`", never))
        for current, best, never in rows
    ]


@pytest.mark.parametrize(("current", "best", "never"), documented_families())
def test_the_documented_families_are_kept(current: str, best: str, never: list[str]) -> None:
    found = select(TagRules(), current, [current, best, *never]).candidates
    assert [candidate.tag for candidate in found] == [best]
    assert never


def test_the_documentation_has_a_table_of_families() -> None:
    assert len(documented_families()) >= 14


@pytest.mark.parametrize(
    ("tag", "is_taken"), [("7.4.1-php8.3-alpine3.20", True), ("7.4.1-php8.3-alpine3.18", False)]
)
def test_the_documented_rise_of_a_suffix_is_what_happens(tag: str, is_taken: bool) -> None:
    rules = TagRules(suffix=Suffix.NEWER)
    assert bool(select(rules, "7.2.0-php8.2-alpine3.19", [tag]).candidates) is is_taken
