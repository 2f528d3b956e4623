"""The tables of tag_lists, chosen from by `select`; and laws that hold over every tag in them."""

import random
from collections.abc import Iterator

import pytest

from imagebot.policy.model import TagRules
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
