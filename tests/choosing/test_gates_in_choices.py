"""What ages, platforms and contents do to a choice, and what is asked for it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from imagebot.model import ImageContent, TagRecord, Verdict
from imagebot.policy.model import (
    Cooldown,
    Held,
    Order,
    Pin,
    Skip,
    TagRules,
    TagTime,
    UnknownAge,
)
from imagebot.proposals import Proposed
from tests.choosing.world import (
    AMD64,
    API,
    ARM64,
    DOWN,
    NOW,
    World,
    ago,
    chosen,
    digest,
    one_platform,
    seen,
    written,
)
from tests.making import policy

CURRENT = "ghcr.io/acme/api:1.0.0"
DAYS_3 = Cooldown(timedelta(days=3))
WAITING = replace(policy(), cooldown=DAYS_3)
TAGS = ("1.0.0", "1.1.0", "1.2.0", "2.0.0")


# --- Cool-down -----------------------------------------------------------------------------------


def test_a_tag_that_is_too_young_is_held_and_the_next_best_goes() -> None:
    world = World(TAGS, sightings={"2.0.0": seen(ago(days=1)), "1.2.0": seen(ago(days=4))})
    choice = chosen(CURRENT, world, WAITING)
    assert written(choice) == ("1.2.0", None)
    (held,) = choice.held
    assert (held.tag, held.gate, held.until) == ("2.0.0", "cooldown", NOW + timedelta(days=2))
    assert choice.reason == "best tag that may go now"
    assert str(held) == (
        "2.0.0 is held until 2026-11-25 12:00 UTC: cool-down 3d: first seen 2026-11-22 12:00 UTC"
    )


def test_everything_waits_for_a_held_tag_where_the_policy_says_so() -> None:
    world = World(TAGS, sightings={"2.0.0": seen(ago(days=1)), "1.2.0": seen(ago(days=4))})
    choice = chosen(CURRENT, world, replace(WAITING, held=Held.WAIT))
    assert choice.update is None
    assert choice.reason.startswith("2.0.0 is held until 2026-11-25 12:00 UTC")
    assert not choice.is_failure


def test_what_is_proposed_stays_proposed_while_a_better_tag_is_waited_for() -> None:
    world = World(TAGS, sightings={"2.0.0": seen(ago(days=1)), "1.2.0": seen(ago(days=4))})
    offer = Proposed(WAITING.identity, API, "1.2.0", None)
    choice = chosen(CURRENT, world, replace(WAITING, held=Held.WAIT), [offer])
    assert written(choice) == ("1.2.0", None)


def test_each_step_has_its_own_cool_down() -> None:
    rules = replace(policy(), cooldown=Cooldown(major=timedelta(days=14), minor=timedelta(hours=6)))
    known = dict.fromkeys(TAGS, seen(ago(hours=7)))
    assert written(chosen(CURRENT, World(TAGS, sightings=known), rules)) == ("1.2.0", None)


def test_tags_that_were_there_at_the_first_look_count_from_it() -> None:
    choice = chosen(CURRENT, World(TAGS), WAITING)
    assert choice.update is None
    assert "age unknown, at least since 2026-11-23 12:00 UTC" in choice.reason
    later = World(TAGS, sightings={"2.0.0": seen(ago(days=3), seeded=True)})
    assert written(chosen(CURRENT, later, WAITING)) == ("2.0.0", None)


def test_the_policy_may_let_tags_of_unknown_age_pass() -> None:
    rules = replace(policy(), cooldown=replace(DAYS_3, unknown_age=UnknownAge.ADMIT))
    assert written(chosen(CURRENT, World(TAGS), rules)) == ("2.0.0", None)
    young = World(TAGS, sightings={"2.0.0": seen(ago(days=1))})
    assert written(chosen(CURRENT, young, rules)) == ("1.2.0", None)


def test_the_registrys_own_time_counts_where_it_is_earlier_than_the_first_sight() -> None:
    world = World(TAGS, published={"2.0.0": ago(days=5)})
    choice = chosen(CURRENT, world, WAITING)
    assert written(choice) == ("2.0.0", None)
    (admitted,) = choice.verdicts
    assert admitted.verdict is Verdict.ADMIT
    assert admitted.reason == "cool-down 3d: published 2026-11-18 12:00 UTC by the registry"


def test_the_registry_is_not_asked_for_a_time_that_cannot_matter() -> None:
    world = World(TAGS, sightings={"2.0.0": seen(ago(days=4))})
    chosen(CURRENT, world, WAITING)
    assert not any(questions.published for questions in world.asked)


def test_a_registry_that_fails_to_tell_the_time_only_keeps_the_tag_waiting() -> None:
    choice = chosen(CURRENT, World(TAGS, published=dict.fromkeys(TAGS, DOWN)), WAITING)
    assert choice.update is None
    assert not choice.is_failure


def test_a_tag_that_was_pushed_again_starts_again_and_says_so() -> None:
    moved = seen(ago(hours=1), moved_from=digest("c"))
    choice = chosen(CURRENT, World(("1.0.0", "2.0.0"), sightings={"2.0.0": moved}), WAITING)
    assert choice.update is None
    assert "pushed again, seen 2026-11-23 11:00 UTC; it was cccccccccccc before" in choice.reason


def test_a_tag_that_was_pushed_again_is_reported_without_a_cool_down_too() -> None:
    moved = seen(ago(hours=1), moved_from=digest("c"))
    choice = chosen(CURRENT, World(("1.0.0", "2.0.0"), sightings={"2.0.0": moved}))
    assert written(choice) == ("2.0.0", None)
    assert choice.reason.endswith(
        "; it was pushed again, seen 2026-11-23 11:00 UTC, and was cccccccccccc before"
    )


def test_a_proposed_digest_stays_when_its_tag_moves() -> None:
    rules = replace(WAITING, pin=Pin.DIGEST)
    moved = seen(ago(hours=1), moved_from=digest("c"))
    world = World(("1.0.0", "2.0.0"), digests={"2.0.0": digest("d")}, sightings={"2.0.0": moved})
    offer = Proposed(rules.identity, API, "2.0.0", digest("c"))
    assert written(chosen(CURRENT, world, rules, [offer])) == ("2.0.0", digest("c"))


def test_without_the_ledger_nothing_is_old_enough() -> None:
    world = World(TAGS, ledger_failure="the ledger of first sights cannot be used: disk full")
    choice = chosen(CURRENT, world, WAITING)
    assert choice.update is None
    assert "disk full" in choice.reason
    assert written(chosen(CURRENT, world)) == ("2.0.0", None)  # without a cool-down it goes


def test_losing_the_ledger_does_not_withdraw_what_is_proposed() -> None:
    offer = Proposed(WAITING.identity, API, "2.0.0", None)
    assert written(chosen(CURRENT, World(TAGS), WAITING, [offer])) == ("2.0.0", None)


# --- Platforms and content -----------------------------------------------------------------------

BOTH = replace(policy(), platforms=(AMD64, ARM64))


def index(of: str, amd: str, arm: str = "") -> ImageContent:
    manifests = {AMD64: digest(amd)} | ({ARM64: digest(arm)} if arm else {})
    return ImageContent(digest(of), manifests)


def test_a_tag_that_lacks_a_platform_gives_way_to_the_next_best() -> None:
    world = World(
        ("1.0.0", "1.1.0", "1.2.0"),
        digests={"1.0.0": digest("0"), "1.1.0": digest("1"), "1.2.0": digest("2")},
        contents={
            digest("0"): index("0", "a", "b"),
            digest("1"): index("1", "c", "d"),
            digest("2"): index("2", "e"),
        },
    )
    choice = chosen(CURRENT, world, BOTH)
    assert written(choice) == ("1.1.0", None)
    assert [str(each) for each in choice.verdicts] == [
        "1.2.0 is not taken: no image for linux/arm64 (has linux/amd64)",
        "1.1.0 may go: has linux/amd64, linux/arm64",
    ]


def test_only_as_many_contents_are_asked_as_are_needed() -> None:
    digests = {f"1.{minor}.0": digest(str(minor)) for minor in range(5)}
    contents = {each: index("0", "a", "b") for each in digests.values()}
    contents[digest("4")] = index("4", "c", "d")
    world = World(tuple(digests), digests=digests, contents=contents)
    assert written(chosen(CURRENT, world, BOTH)) == ("1.4.0", None)
    asked = {key[1] for questions in world.asked for key in questions.contents}
    assert asked == {digest("0"), digest("4")}


def test_a_digest_that_changes_no_used_platform_is_no_update() -> None:
    follow = replace(policy(), tags=TagRules(order=Order.DIGEST), platforms=(AMD64,))
    world = World(
        ("latest",),
        digests={"latest": digest("2")},
        contents={digest("1"): index("1", "a", "b"), digest("2"): index("2", "a", "c")},
    )
    reference = f"ghcr.io/acme/api:latest@{digest('1')}"
    assert chosen(reference, world, follow).update is None
    assert written(chosen(reference, world, replace(follow, platforms=(ARM64,)))) == (
        "latest",
        digest("2"),
    )


def test_a_content_that_cannot_be_read_leads_to_no_choice() -> None:
    world = World(("1.0.0", "1.1.0"), digests={"1.1.0": digest("1")}, contents={digest("1"): DOWN})
    choice = chosen(CURRENT, world, BOTH)
    assert choice.update is None
    assert choice.is_failure


def test_no_more_than_ten_candidates_are_looked_at() -> None:
    tags = tuple(f"1.{minor}.0" for minor in range(50))
    choice = chosen(CURRENT, World(tags), replace(policy(), platforms=(ARM64,)))
    assert choice.update is None
    assert len(choice.verdicts) == 10
    assert choice.reason.endswith("; the 39 below were not looked at")


def test_a_followed_digest_that_is_written_waits_for_nothing() -> None:
    follow = replace(WAITING, tags=TagRules(order=Order.DIGEST))
    world = World(("latest",), digests={"latest": digest("2")})
    choice = chosen(f"ghcr.io/acme/api:latest@{digest('2')}", world, follow)
    assert choice.held == ()
    assert choice.reason == "up to date: latest still points to the digest that is written"


# --- Skipped tags --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "expected"),
    [(None, "1.2.0"), (date(2026, 11, 24), "1.2.0"), (date(2026, 11, 23), "2.0.0")],
)
def test_a_skipped_tag_is_not_taken_until_its_day(until: date | None, expected: str) -> None:
    rules = replace(policy(), skip=(Skip("2.0.0", "breaks login", until),))
    choice = chosen(CURRENT, World(TAGS), rules)
    assert written(choice) == (expected, None)
    assert choice.selection is not None
    kept_out = [each.reason for each in choice.selection.kept_out]
    assert kept_out == (
        [f"skipped{f' until {until}' if until else ''}: breaks login"]
        if expected == "1.2.0"
        else []
    )


# --- Newest build --------------------------------------------------------------------------------

BUILT = replace(policy(), tags=TagRules(order=Order.NEWEST_BUILD))
SHAS = {f"sha-{letter * 6}1": digest(letter) for letter in "abcd"}
START = "ghcr.io/acme/api:sha-aaaaaa1"


def built(**days_ago: int) -> World:
    created = {digest(letter): ago(days=days) for letter, days in days_ago.items()}
    contents = {each: one_platform(each) for each in SHAS.values()}
    return World(tuple(SHAS), digests=SHAS, created=created, contents=contents)


def test_the_newest_build_is_taken_by_its_image_s_own_time() -> None:
    choice = chosen(START, built(a=4, b=2, c=1, d=3), BUILT)
    assert written(choice) == ("sha-cccccc1", None)


def test_an_image_that_does_not_say_when_it_was_built_is_passed_over() -> None:
    world = built(a=4, b=2)
    choice = chosen(START, world, BUILT)
    assert written(choice) == ("sha-bbbbbb1", None)


@pytest.mark.parametrize("year", [1970, 1980])
def test_a_fixed_date_of_a_reproducible_build_is_no_time(year: int) -> None:
    world = built(a=4, b=2)
    world.created = {**world.created, digest("c"): NOW.replace(year=year)}
    assert written(chosen(START, world, BUILT)) == ("sha-bbbbbb1", None)


def test_a_time_in_the_future_is_not_believed() -> None:
    world = built(a=4, b=2)
    world.created = {**world.created, digest("c"): NOW + timedelta(days=400)}
    assert written(chosen(START, world, BUILT)) == ("sha-bbbbbb1", None)


def test_while_one_time_cannot_be_asked_nothing_is_taken() -> None:
    world = built(a=4, b=2, c=1)
    world.created = {**world.created, digest("d"): DOWN}
    choice = chosen(START, world, BUILT)
    assert choice.update is None
    assert choice.is_failure


def test_of_many_unseen_tags_only_a_bounded_number_is_asked_and_nothing_taken_yet() -> None:
    tags = tuple(f"sha-{number:06x}a1" for number in range(1000))
    world = World(("sha-aaaaaaa1", *tags))
    choice = chosen("ghcr.io/acme/api:sha-aaaaaaa1", world, BUILT)
    assert choice.update is None
    assert "are still to be asked when they were built" in choice.reason
    assert sum(len(questions.facts) for questions in world.asked) == 200


def test_a_tag_that_moved_to_an_older_build_ranks_by_what_it_is_now() -> None:
    world = built(a=4, b=2, c=1, d=9)
    world.records = {tag: TagRecord(NOW, is_seeded=True, digest=of) for tag, of in SHAS.items()}
    world.digests = {**SHAS, "sha-cccccc1": digest("d")}
    choice = chosen(START, world, BUILT)
    assert written(choice) == ("sha-bbbbbb1", None)


def test_of_several_platforms_the_newest_build_counts() -> None:
    world = built(a=9, b=3)
    two = {AMD64: digest("c"), ARM64: digest("d")}
    world.tags = ("sha-aaaaaa1", "sha-bbbbbb1", "sha-eeeeee1")
    world.digests = {**SHAS, "sha-eeeeee1": digest("e")}
    both = {AMD64: digest("b"), ARM64: digest("b")}
    world.contents = {
        digest("e"): ImageContent(digest("e"), two),
        digest("b"): ImageContent(digest("b"), both),
        digest("a"): ImageContent(digest("a"), {AMD64: digest("a"), ARM64: digest("a")}),
    }
    world.created = {**world.created, digest("c"): ago(days=5), digest("d"): ago(days=1)}
    choice = chosen(START, world, replace(BUILT, platforms=(AMD64, ARM64)))
    assert written(choice) == ("sha-eeeeee1", None)


def test_tags_whose_digest_the_ledger_knows_are_not_asked_again() -> None:
    world = built(a=4, b=2, c=1, d=3)
    world.records = {
        tag: TagRecord(ago(days=9), True, each) for tag, each in SHAS.items() if tag[4] != "d"
    }
    assert written(chosen(START, world, BUILT)) == ("sha-cccccc1", None)
    first = world.asked[0]
    assert {tag for _, tag in first.facts} == {"sha-dddddd1"}


FIRST_SEEN = replace(policy(), tags=TagRules(order=Order.NEWEST_BUILD, time=TagTime.FIRST_SEEN))


def test_first_sight_counts_where_the_policy_trusts_that_alone() -> None:
    world = built(a=1, b=2, c=3, d=4)  # by their own word the older the later in the alphabet
    world.records = {
        tag: TagRecord(ago(days=days), seeded, None)
        for (tag, days, seeded) in (
            ("sha-aaaaaa1", 9, False),
            ("sha-bbbbbb1", 5, False),
            ("sha-cccccc1", 2, False),
            ("sha-dddddd1", 1, True),
        )
    }
    choice = chosen(START, world, FIRST_SEEN)
    assert written(choice) == ("sha-cccccc1", None)


def test_what_came_after_the_first_look_is_newer_than_the_current_that_was_there() -> None:
    world = built(a=1, b=2, c=3, d=4)
    world.records = {
        tag: TagRecord(ago(days=days), seeded, None)
        for (tag, days, seeded) in (
            ("sha-aaaaaa1", 9, True),
            ("sha-bbbbbb1", 9, True),
            ("sha-cccccc1", 2, False),
        )
    }
    assert written(chosen(START, world, FIRST_SEEN)) == ("sha-cccccc1", None)
    del world.records["sha-cccccc1"]
    choice = chosen(START, world, FIRST_SEEN)
    assert choice.update is None
