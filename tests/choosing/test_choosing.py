"""From listed tags to a choice: digests, suspension, and registries that fail or forget."""

from dataclasses import replace
from datetime import date

import pytest

from imagebot.choosing.cases import Case, Decision, case_of, repositories_of
from imagebot.image import Digest, Repository
from imagebot.model import Part
from imagebot.policy.model import Order, Pin, Suspension, TagRules
from imagebot.proposals import Proposed
from imagebot.version import Step
from tests.choosing.world import API, DOWN, GONE, NOW, World, chosen, digest, wanted, written
from tests.making import DIGEST_A, DIGEST_B, policy

TODAY = NOW.date()


def offer(tag: str, digest: Digest | None = None) -> Proposed:
    return Proposed(policy().identity, API, tag, digest)


@pytest.mark.parametrize(
    ("reference", "pin", "result"),
    [
        ("ghcr.io/acme/api:1.0.0", Pin.KEEP, ("1.1.0", None)),
        ("ghcr.io/acme/api:1.0.0", Pin.TAG, ("1.1.0", None)),
        ("ghcr.io/acme/api:1.0.0", Pin.DIGEST, ("1.1.0", DIGEST_B)),
        (f"ghcr.io/acme/api:1.0.0@{DIGEST_A}", Pin.KEEP, ("1.1.0", DIGEST_B)),
        (f"ghcr.io/acme/api:1.0.0@{DIGEST_A}", Pin.TAG, ("1.1.0", None)),
        ("ghcr.io/acme/api:1.1.0", Pin.DIGEST, ("1.1.0", DIGEST_B)),
        ("ghcr.io/acme/api:1.1.0", Pin.KEEP, None),
        (f"ghcr.io/acme/api:1.1.0@{DIGEST_A}", Pin.TAG, ("1.1.0", None)),
        (f"ghcr.io/acme/api:1.1.0@{DIGEST_A}", Pin.KEEP, None),
    ],
)
def test_pin_decides_whether_a_digest_is_written(
    reference: str, pin: Pin, result: tuple[str, Digest | None] | None
) -> None:
    rules = replace(policy(), pin=pin)
    world = World(("1.0.0", "1.1.0"), digests={"1.0.0": DIGEST_A, "1.1.0": DIGEST_B})
    choice = chosen(reference, world, rules)
    assert written(choice) == result


def test_no_update_without_the_digest_that_the_policy_asks_for() -> None:
    world = World(("1.1.0",), digests={"1.1.0": DOWN})
    choice = chosen("ghcr.io/acme/api:1.0.0", world, replace(policy(), pin=Pin.DIGEST))
    assert choice.update is None
    assert choice.is_failure


def test_a_registry_that_fails_leads_to_no_choice() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", DOWN)
    assert choice.update is None
    assert choice.is_failure
    assert "503" in choice.reason


def test_a_registry_that_lists_nothing_leads_to_no_choice() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", ())
    assert choice.update is None
    assert choice.is_failure


def test_what_is_proposed_already_stays_while_the_registry_fails() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", DOWN, proposed=(offer("1.3.0"),))
    assert written(choice) == ("1.3.0", None)
    assert choice.is_failure


def test_an_old_listing_does_not_turn_a_proposal_back() -> None:
    choice = chosen("ghcr.io/acme/api:1.0.0", ("1.0.0", "1.2.0"), proposed=(offer("1.3.0"),))
    assert written(choice) == ("1.3.0", None)


def test_a_listing_older_than_the_file_leads_to_no_choice() -> None:
    assert chosen("ghcr.io/acme/api:1.5.0", ("1.0.0", "1.2.0")).update is None


def test_a_digest_that_cannot_be_asked_stays_as_proposed() -> None:
    rules = replace(policy(), pin=Pin.DIGEST)
    world = World(DOWN, digests={"1.3.0": DOWN, "1.0.0": DOWN})
    choice = chosen("ghcr.io/acme/api:1.0.0", world, rules, (offer("1.3.0", DIGEST_A),))
    assert written(choice) == ("1.3.0", DIGEST_A)


def test_a_proposal_under_another_policy_does_not_count() -> None:
    other = Proposed("other/imagebot.yaml#x", API, "9.0.0", None)
    choice = chosen("ghcr.io/acme/api:1.0.0", ("1.0.0", "1.1.0"), proposed=(other,))
    assert written(choice) == ("1.1.0", None)


def test_a_proposal_that_the_policy_no_longer_allows_falls() -> None:
    rules = policy()
    choice = chosen("ghcr.io/acme/api:2.0.0", ("2.0.0",), rules, (offer("1.3.0"),))
    assert choice.update is None


@pytest.mark.parametrize(
    ("until", "is_suspended"),
    [(None, True), (date(2026, 11, 24), True), (TODAY, False), (date(2026, 1, 1), False)],
)
def test_a_suspended_policy_updates_nothing_until_its_day(
    until: date | None, is_suspended: bool
) -> None:
    rules = replace(policy(), suspend=Suspension("release week", until))
    choice = chosen("ghcr.io/acme/api:1.0.0", ("1.1.0",), rules)
    assert (choice.update is None) is is_suspended
    assert ("release week" in choice.reason) is is_suspended
    case = case_of(wanted("ghcr.io/acme/api:1.0.0", rules), TODAY)
    assert isinstance(case, Case) is not is_suspended


@pytest.mark.parametrize("reference", ["ghcr.io/acme/api", f"ghcr.io/acme/api@{DIGEST_A}"])
def test_a_reference_without_a_tag_is_left_alone_with_a_reason(reference: str) -> None:
    choice = chosen(reference, ("1.1.0",))
    assert choice.update is None
    assert choice.reason
    assert not choice.is_failure


def test_each_image_is_listed_once_however_many_policies_and_files_use_it() -> None:
    items = [wanted("ghcr.io/acme/api:1.0.0", policy(name)) for name in ("a", "b", "c")]
    items.append(wanted("nginx:1.0.0", policy()))
    cases = [case for item in items if isinstance(case := case_of(item, TODAY), Case)]
    assert repositories_of(cases) == [Repository("docker.io", "library/nginx"), API]


def test_the_same_content_under_another_tag_is_no_update() -> None:
    world = World(("1.0.0", "1.1.0"), digests={"1.0.0": DIGEST_A, "1.1.0": DIGEST_A})
    choice = chosen("ghcr.io/acme/api:1.0.0", world)
    assert choice.update is None
    assert choice.reason == "up to date: 1.1.0 has the same content as the current 1.0.0"


def test_a_current_tag_that_is_gone_is_updated_all_the_same() -> None:
    world = World(("1.1.0",), digests={"1.0.0": GONE, "1.1.0": DIGEST_B})
    assert written(chosen("ghcr.io/acme/api:1.0.0", world)) == ("1.1.0", None)


def test_a_listed_tag_that_does_not_exist_gives_way_to_the_next_best() -> None:
    world = World(("1.2.0", "1.1.0"), digests={"1.2.0": GONE})
    choice = chosen("ghcr.io/acme/api:1.0.0", world)
    assert written(choice) == ("1.1.0", None)
    assert [(each.tag, each.reason) for each in choice.verdicts] == [
        ("1.2.0", "listed, but does not exist")
    ]


def test_a_tag_that_cannot_be_asked_about_leads_to_no_choice_not_to_the_next_best() -> None:
    world = World(("1.2.0", "1.1.0"), digests={"1.2.0": DOWN})
    choice = chosen("ghcr.io/acme/api:1.0.0", world)
    assert choice.update is None
    assert choice.is_failure


def test_nothing_is_asked_of_an_image_that_is_up_to_date() -> None:
    world = World(("1.0.0", "0.9.0"))
    assert chosen("ghcr.io/acme/api:1.0.0", world).reason == "up to date"
    assert world.asked == []


# --- A tag that moves ----------------------------------------------------------------------------

FOLLOW = replace(policy(), tags=TagRules(order=Order.DIGEST))


def test_a_moving_tag_is_pinned_and_then_followed() -> None:
    world = World(("latest",), digests={"latest": DIGEST_B})
    first = chosen("ghcr.io/acme/api:latest", world, FOLLOW)
    assert written(first) == ("latest", DIGEST_B)
    later = chosen(f"ghcr.io/acme/api:latest@{DIGEST_A}", world, FOLLOW)
    assert written(later) == ("latest", DIGEST_B)
    assert later.update is not None
    assert later.update.step is Step.DIGEST
    assert later.reason == "latest points to another digest"


def test_a_moving_tag_that_did_not_move_is_up_to_date() -> None:
    world = World(("latest",), digests={"latest": DIGEST_A})
    choice = chosen(f"ghcr.io/acme/api:latest@{DIGEST_A}", world, FOLLOW)
    assert choice.update is None
    assert choice.reason == "up to date: latest still points to the digest that is written"


def test_a_digest_alone_is_left_where_the_policy_writes_tags() -> None:
    item = wanted(f"ghcr.io/acme/api:1.0.0@{digest('a')}", replace(policy(), pin=Pin.TAG))
    (slot, *_) = item.occurrence.slots
    alone = replace(item.occurrence, slots=(slot._replace(part=Part.DIGEST),))
    case = case_of(replace(item, occurrence=alone), NOW.date())
    assert isinstance(case, Decision)
    assert case.reason == "only a digest is written here, and the policy writes tags (pin: tag)"
