"""Laws that hold for every order, whatever tags a registry lists."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from imagebot.dates import Layout
from imagebot.patterns import Pattern
from imagebot.policy.model import Order, Suffix, TagRules
from imagebot.selection import explain, select
from imagebot.selection.shapes import Shape, natural_key
from imagebot.version import Step

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
HEX64 = "0123456789abcdef" * 4

numbers = st.integers(0, 12).map(str) | st.sampled_from(["20241001", "20241002", "1728900000"])
pieces = numbers | st.sampled_from(
    ["main", "v", "rc", "alpine", "3f2a9c1", "0aa9c11", "1234567", "w41", "2024", "10", "x"]
)
tags = st.lists(
    st.tuples(pieces, st.sampled_from(["", "-", ".", "_"])), min_size=1, max_size=5
).map(lambda parts: "".join(piece + end for piece, end in parts).strip("-.") or "x")
hostile = st.text(max_size=40)
listings = st.lists(tags | st.sampled_from(["latest", f"sha256-{HEX64}.sig"]), max_size=12)

FREE = Pattern.compile(".")
APART = Pattern.compile(r"^(.*?)([0-9.]*)$")
rule_sets = st.sampled_from(
    [
        TagRules(),
        TagRules(coerce=True),
        TagRules(suffix=Suffix.NEWER),
        TagRules(allow=Step.MINOR),
        TagRules(filter=APART, extract=("$2", "$1")),
        TagRules(order=Order.NUMERIC),
        TagRules(order=Order.NUMERIC, filter=FREE),
        TagRules(order=Order.NUMERIC, filter=APART, extract=("$2", "$1")),
        TagRules(order=Order.DATE),
        TagRules(order=Order.DATE, filter=FREE),
        TagRules(order=Order.DATE, layout=Layout.parse("%Y.%m")),
        TagRules(order=Order.ALPHABETIC),
        TagRules(order=Order.ALPHABETIC, filter=FREE, exclude=(Pattern.compile("^x"),)),
        TagRules(order=Order.ALPHABETIC, filter=APART, extract=("$1", "$2")),
        TagRules(order=Order.NEWEST_BUILD),
        TagRules(order=Order.NEWEST_BUILD, filter=FREE),
        TagRules(order=Order.DIGEST),
    ]
)
currents = st.none() | tags


def times_of(names: list[str]) -> dict[str, datetime | str]:
    """A time for most names, the same for the same name; equal ones among them."""
    return {
        name: "not known"
        if len(name) % 7 == 0
        else EPOCH + timedelta(hours=sum(map(ord, name)) % 9)
        for name in names
    }


def names(found: object) -> list[str]:
    return [candidate.tag for candidate in found.candidates]  # type: ignore[attr-defined]


@given(rule_sets, currents, listings, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_never_changes_the_result(
    rules: TagRules, current: str | None, listed: list[str], draw: random.Random
) -> None:
    shuffled = draw.sample(listed, len(listed)) + listed[:2]
    times = times_of([*listed, current or ""])
    for known in ({}, times):
        assert select(rules, current, shuffled, times=known) == select(
            rules, current, listed, times=known
        )


@given(rule_sets, currents, listings)
def test_what_is_explained_is_what_is_selected(
    rules: TagRules, current: str | None, listed: list[str]
) -> None:
    for times in ({}, times_of([*listed, current or ""])):
        explained = explain(rules, current, listed, times=times)
        assert explained.selection == select(rules, current, listed, times=times)
        assert names(explained)[:100] == names(explained.selection)[:100]


@given(rule_sets, currents, listings)
def test_each_tag_is_once_a_candidate_or_rejected_or_the_current(
    rules: TagRules, current: str | None, listed: list[str]
) -> None:
    found = explain(rules, current, listed, times=times_of([*listed, current or ""]))
    told = names(found) + [each.tag for each in found.rejections]
    followed = {current} if rules.order is Order.DIGEST and found.candidates else set()
    assert sorted(told) == sorted((set(listed) - {current}) | followed)
    assert all(each.reason for each in found.rejections)


@given(rule_sets, tags, listings)
def test_what_was_chosen_never_goes_back(rules: TagRules, current: str, listed: list[str]) -> None:
    if rules.order is Order.DIGEST:
        return
    everything = [*listed, current]
    times = times_of(everything)
    for candidate in select(rules, current, everything, times=times).candidates:
        again = select(rules, candidate.tag, everything, times=times)
        assert current not in names(again)


@given(rule_sets, tags, listings)
def test_choosing_again_from_the_winner_changes_nothing(
    rules: TagRules, current: str, listed: list[str]
) -> None:
    everything = [*listed, current]
    times = times_of(everything)
    found = select(rules, current, everything, times=times)
    if found.candidates and rules.order is not Order.DIGEST and rules.allow is Step.MAJOR:
        winner = found.candidates[0].tag
        keeps_family = rules.filter is None
        again = select(rules, winner, everything, times=times)
        # A filter may let the current tag be of no family and the winner of one.
        assert not again.candidates or not keeps_family or rules.coerce


@given(rule_sets, currents, listings, tags)
def test_a_tag_that_is_not_better_never_changes_the_winner(
    rules: TagRules, current: str | None, listed: list[str], added: str
) -> None:
    times = times_of([*listed, current or "", added])
    before = select(rules, current, listed, times=times).candidates
    after = select(rules, current, [*listed, added], times=times).candidates
    if after and after[0].tag != added:
        assert before[0] == after[0]
    else:
        assert set(before) <= set(after)


@given(rule_sets, listings)
def test_candidates_stand_in_a_total_order(rules: TagRules, listed: list[str]) -> None:
    """Of any two candidates the same one is better, whatever else is listed."""
    times = times_of([*listed, "1.0.0"])
    best = names(select(rules, "1.0.0", listed, times=times))
    for place, better in enumerate(best):
        for worse in best[place + 1 :]:
            assert names(select(rules, "1.0.0", [worse, better], times=times)) == [better, worse]


@given(rule_sets, st.lists(hostile, max_size=5), hostile)
def test_no_text_makes_it_raise(rules: TagRules, listed: list[str], current: str) -> None:
    for times in ({}, times_of([*listed, current])):
        found = explain(rules, current or None, listed, times=times)
        for short in (replace(rules, layout=None),):
            explain(short, current or None, listed, times=times)
        assert len(found.candidates) + len(found.rejections) <= len(set(listed))


@given(tags)
def test_a_tag_fits_its_own_shape(tag: str) -> None:
    for digits_may_be_commit in (False, True):
        assert Shape.of(tag, digits_may_be_commit=digits_may_be_commit).fits(tag)


@given(hostile, hostile, hostile)
def test_natural_keys_order_all_texts(one: str, two: str, three: str) -> None:
    a, b, c = sorted((one, two, three), key=natural_key)
    assert natural_key(a) <= natural_key(b) <= natural_key(c)
