"""Cases in which other systems pick a wrong, an older or a random tag, with the right answer.

The first nine are what Flux's image-reflector-controller was measured to do; each runs over many
orders of the listing, since a winner that depends on it is no winner.
"""

import random

import pytest

from imagebot.patterns import Pattern
from imagebot.policy.model import Order, TagRules
from imagebot.selection import explain, select
from imagebot.version import Range

EVERYTHING = Pattern.compile(".*")
REDIS = Pattern.compile(r"^(?P<semver>[0-9]*\.[0-9]*\.[0-9]*)-alpine(?P<alpine>.*)$")


def winner(rules: TagRules, current: str | None, tags: str) -> str | None:
    """The same however the registry lists them: tried in 200 orders."""
    listed = tags.split()
    found = set()
    for seed in range(200):
        shuffled = random.Random(seed).sample(listed, len(listed))
        candidates = select(rules, current, shuffled).candidates
        found.add(candidates[0].tag if candidates else None)
    (only,) = found
    return only


@pytest.mark.parametrize("extract", [("$semver",), ("$semver", "$alpine")])
def test_tags_that_share_an_extracted_version_fall_to_the_newest_base(
    extract: tuple[str, ...],
) -> None:
    rules = TagRules(filter=REDIS, extract=extract, range=Range.parse(">=7 <8"))
    tags = "7.2.0-alpine3.17 7.2.0-alpine3.18 7.2.0-alpine3.20"
    assert winner(rules, "7.0.0-alpine3.17", tags) == "7.2.0-alpine3.20"


def test_where_only_the_second_extract_can_tell_it_does() -> None:
    """3.9 is bytewise greater than 3.20, and not longer when both have a build behind them."""
    rules = TagRules(filter=REDIS, extract=("$semver", "$alpine"))
    tags = "7.2.0-alpine3.9.10 7.2.0-alpine3.20.1"
    assert winner(rules, "7.0.0-alpine3.9.10", tags) == "7.2.0-alpine3.20.1"


def test_one_version_with_and_without_v_has_one_winner_under_a_filter() -> None:
    assert winner(TagRules(filter=EVERYTHING), "0.9.0", "1.0.0 v1.0.0") == "v1.0.0"


def test_build_metadata_decides_nothing_and_cannot_stand_in_a_tag() -> None:
    """`+` is no character of a tag, so such texts are not versions that could be written."""
    assert winner(TagRules(), "0.9.0", "1.0.0+a 1.0.0+b") is None
    spelled = TagRules(filter=Pattern.compile(r"^(.+)_(.+)$"), extract=("$1",))
    assert winner(spelled, "0.9.0_a", "1.0.0_a 1.0.0_b") == "1.0.0_b"


def test_equal_numbers_have_one_winner_under_a_filter() -> None:
    assert winner(TagRules(order=Order.NUMERIC, filter=EVERYTHING), "0", "1 1.0 01") == "1.0"


def test_timestamps_of_17_digits_are_told_apart() -> None:
    tags = "20241014103000120 20241014103000121 20241014103000122 20241014103000123"
    assert winner(TagRules(order=Order.NUMERIC), "20241014103000119", tags) == "20241014103000123"


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "Infinity", "-inf"])
def test_words_that_floats_know_are_no_numbers(word: str) -> None:
    rules = TagRules(order=Order.NUMERIC, filter=EVERYTHING)
    assert winner(rules, "1", f"2 {word}") == "2"
    assert [each.tag for each in explain(rules, "1", ["2", word]).rejections] == [word]


def test_one_point_nine_is_more_than_one_point_ten_as_a_number_and_less_as_a_version() -> None:
    assert winner(TagRules(order=Order.NUMERIC), "1.0", "1.9 1.10") == "1.9"
    assert winner(TagRules(), "1.0", "1.9 1.10") == "1.10"


def test_the_tenth_release_candidate_comes_after_the_ninth() -> None:
    rules = TagRules(range=Range.parse(">=1.0.0-0"))
    assert winner(rules, "0.9.0", "1.0.0-rc9 1.0.0-rc10") == "1.0.0-rc10"


def test_a_pattern_is_searched_and_a_version_that_only_contains_it_is_still_ordered_as_it_is() -> (
    None
):
    """`1\\.2` matches 11.2.0 too; `allow` or an anchor keeps it out, and the order is right."""
    loose = TagRules(filter=Pattern.compile(r"1\.2"))
    assert winner(loose, "1.2.0", "1.2.5 11.2.0") == "11.2.0"
    anchored = TagRules(filter=Pattern.compile(r"^1\.2\."))
    assert winner(anchored, "1.2.0", "1.2.5 11.2.0") == "1.2.5"


def test_one_tag_that_cannot_be_read_never_fails_the_others() -> None:
    rules = TagRules(order=Order.NUMERIC, filter=Pattern.compile("^build-(.+)$"), extract=("$1",))
    assert winner(rules, "build-7", "build-8 build-x build- 9") == "build-8"


def test_short_versions_are_told_not_silently_skipped() -> None:
    rejections = explain(TagRules(), "1.2.0", ["1.3", "1.2.3.4", "2"]).rejections
    assert {each.tag: each.reason for each in rejections} == {
        "1.3": "another tag family: 2 parts, the current has 3",
        "1.2.3.4": "another tag family: 4 parts, the current has 3",
        "2": "another tag family: 1 part, the current has 3",
    }


def test_artifacts_of_every_kind_are_no_candidates() -> None:
    hex64 = "0123456789abcdef" * 4
    rules = TagRules(order=Order.ALPHABETIC, filter=EVERYTHING)
    tags = " ".join(f"sha256-{hex64}{end}" for end in ("", ".sig", ".att", ".sbom"))
    assert winner(rules, "a", f"b {tags}") == "b"


def test_a_listing_that_forgets_the_newest_tags_never_leads_down() -> None:
    assert winner(TagRules(), "1.5.0", "1.0.0 1.4.9") is None


@pytest.mark.parametrize("pattern", [r"^(a+)+$", r"(x+x+)+y", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_hostile_pattern_over_many_tags_comes_to_an_end(pattern: str) -> None:
    rules = TagRules(filter=Pattern.compile(pattern), exclude=(Pattern.compile(pattern),))
    attack = [f"{'a' * 60}{'x' * 60}{number:05}" for number in range(5000)]
    assert select(rules, "1.0.0", attack).candidates == ()
