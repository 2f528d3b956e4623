"""A list of tags in the place of registry and ledger."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot.choosing.cases import Case
from imagebot.errors import NotInRegistry
from imagebot.given import Given, without_unasked
from imagebot.image import Digest, Platform, Repository
from imagebot.interfaces import Ledger, Registry
from imagebot.model import ImageFacts, Sighting
from imagebot.planning import Circumstances, decide, listed
from imagebot.policy.model import Cooldown, Policy, TagRules
from imagebot.selection import select
from imagebot.tag_lists import GivenTag
from imagebot.version import Range

IMAGE = Repository("ghcr.io", "acme/api")
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
A, B = (Digest("sha256:" + letter * 64) for letter in "ab")


def test_it_fits_the_sockets_of_registry_and_ledger() -> None:
    registry: Registry = Given(IMAGE, [])
    ledger: Ledger = Given(IMAGE, [])
    assert registry.list_tags(IMAGE).tags == ()
    assert ledger.records(IMAGE) == {}


def test_tags_without_digests_never_look_alike() -> None:
    given = Given(IMAGE, [GivenTag("1.0"), GivenTag("1.1"), GivenTag("1.2", digest=A)])
    digests = {given.digest(tag) for tag in ("1.0", "1.1", "1.2")}
    assert len(digests) == 3
    assert A in digests


def test_a_tag_that_was_not_given_is_not_there() -> None:
    given = Given(IMAGE, [GivenTag("1.0")])
    with pytest.raises(NotInRegistry):
        given.facts(IMAGE, "2.0")
    found = given.facts_many([(IMAGE, "1.0"), (IMAGE, "2.0")])
    assert isinstance(found[IMAGE, "1.0"], ImageFacts)
    assert isinstance(found[IMAGE, "2.0"], NotInRegistry)


def test_what_is_to_come_is_not_known_yet() -> None:
    later = NOON + timedelta(days=1)
    given = Given(IMAGE, [GivenTag("1.1", later), GivenTag("1.0", NOON)], until=NOON)
    assert given.list_tags(IMAGE).tags == ("1.0",)
    assert given.advance(later) == ["1.1"]
    assert set(given.list_tags(IMAGE).tags) == {"1.0", "1.1"}


def test_a_tag_that_moved_starts_again_and_says_where_it_was() -> None:
    later = NOON + timedelta(days=1)
    tags = [GivenTag("1.0", NOON, A), GivenTag("1.0", later, B)]
    key = (IMAGE, "1.0")
    assert Given(IMAGE, tags, until=NOON).note_digests({key: A}, later) == {
        key: Sighting(NOON, False)
    }
    assert Given(IMAGE, tags).note_digests({key: B}, later) == {key: Sighting(later, False, A)}


def test_the_same_content_again_changes_nothing() -> None:
    tags = [GivenTag("1.0", NOON, A), GivenTag("1.0", NOON + timedelta(days=1), A)]
    key = (IMAGE, "1.0")
    assert Given(IMAGE, tags).note_digests({key: A}, NOON) == {key: Sighting(NOON, False)}


def test_gates_that_nothing_given_can_answer_are_taken_out_and_named() -> None:
    policy = Policy(
        "api",
        "imagebot.yaml",
        1,
        platforms=(Platform("linux", "arm64"),),
        cooldown=Cooldown(timedelta(days=1), major=timedelta(days=9)),
    )
    without, unasked = without_unasked(policy, has_times=False)
    assert (without.platforms, without.cooldown) == ((), Cooldown())
    assert dict(unasked) == {
        "platforms": "whether it has an image for linux/arm64",
        "cooldown": "how old it is (cool-down up to 9d)",
    }
    timed, unasked = without_unasked(policy, has_times=True)
    assert timed.cooldown == policy.cooldown
    assert [gate for gate, _ in unasked] == ["platforms"]


@settings(deadline=None)
@given(
    st.lists(st.builds("{}.{}.{}".format, *[st.integers(0, 3)] * 3) | st.just("latest")),
    st.sampled_from([None, Range.parse(">=1 <3")]),
)
def test_over_given_tags_the_decision_is_what_selection_puts_first(
    names: list[str], allowed: Range | None
) -> None:
    tags = [GivenTag(name) for name in names]
    policy, _ = without_unasked(
        Policy("api", "imagebot.yaml", 1, tags=TagRules(range=allowed)), has_times=False
    )
    case = Case(policy, IMAGE, "1.1.1", None)
    world = Given(IMAGE, tags)
    known = listed([case], world, world, Circumstances(NOON, "main"))
    decision = decide([case], known, world, world)[case.key]
    best = select(policy.tags, "1.1.1", names).candidates
    assert decision.tag == (best[0].tag if best else None)
