"""A closed request hides exactly what it proposed, and what is no better than that."""

from dataclasses import replace

import pytest

from imagebot.choosing.declined import Declined
from imagebot.policy.model import Order, Pin, TagRules
from tests.choosing.world import World, chosen, digest, written
from tests.making import policy

CURRENT = "ghcr.io/acme/api:1.0.0"


def test_the_version_that_was_declined_is_not_proposed_again() -> None:
    choice = chosen(CURRENT, World(("1.0.0", "1.1.0"), declined=[Declined("1.1.0", None)]))
    assert written(choice) is None
    assert choice.reason == "1.1.0 is not taken: a person closed a request that proposed it"


@pytest.mark.parametrize(
    ("tags", "refused", "taken"),
    [
        (("1.0.0", "1.1.0", "1.2.0"), ["1.1.0"], "1.2.0"),  # the next one is
        (("1.0.0", "1.1.0", "2.0.0"), ["2.0.0"], "1.1.0"),  # a major hides no minor
        (("1.0.0", "1.0.1", "1.1.0"), ["1.1.0"], "1.0.1"),  # nor a minor a patch
        (("1.0.0", "1.0.1", "2.0.0"), ["2.0.0", "1.0.1"], None),
        (("1.0.0", "1.1.0", "1.2.0"), ["1.2.0"], None),  # no better than what was declined
        (("1.0.0", "1.1.0", "2.0.0", "3.0.0"), ["3.0.0"], "1.1.0"),
        (("1.0.0", "1.0.1", "1.1.0", "2.0.0"), ["1.1.0", "2.0.0"], "1.0.1"),
        (("1.0.0", "1.1.0"), ["9.9.9"], "1.1.0"),
    ],
)
def test_later_ones_and_smaller_steps_are(
    tags: tuple[str, ...], refused: list[str], taken: str | None
) -> None:
    world = World(tags, declined=[Declined(tag, None) for tag in refused])
    choice = chosen(CURRENT, world)
    assert (choice.update.tag if choice.update else None) == taken


def test_a_fix_is_found_below_more_declined_versions_than_are_looked_at() -> None:
    tags = ("1.0.0", "1.0.1", *(f"2.{minor}.0" for minor in range(40)))
    choice = chosen(CURRENT, World(tags, declined=[Declined("2.39.0", None)]))
    assert written(choice) == ("1.0.1", None)


def test_the_same_tag_with_another_digest_is_another_version() -> None:
    rules = replace(policy(), pin=Pin.DIGEST)
    refused = [Declined("1.1.0", digest("a"))]
    same = World(("1.0.0", "1.1.0"), {"1.1.0": digest("a")}, declined=refused)
    choice = chosen(f"{CURRENT}@{digest('c')}", same, rules)
    assert written(choice) is None
    assert "a person closed a request" in choice.reason
    moved = World(("1.0.0", "1.1.0"), {"1.1.0": digest("b")}, declined=refused)
    assert written(chosen(f"{CURRENT}@{digest('c')}", moved, rules)) == ("1.1.0", digest("b"))


def test_a_digest_of_a_moving_tag_is_declined_alone() -> None:
    rules = replace(policy(), tags=TagRules(order=Order.DIGEST))
    current = f"ghcr.io/acme/api:stable@{digest('c')}"
    refused = [Declined("stable", digest("a"))]
    at_a = World(("stable",), {"stable": digest("a")}, declined=refused)
    assert written(chosen(current, at_a, rules)) is None
    at_b = World(("stable",), {"stable": digest("b")}, declined=refused)
    assert written(chosen(current, at_b, rules)) == ("stable", digest("b"))


def test_who_declined_an_update_is_not_asked_to_pin_what_runs_instead() -> None:
    rules = replace(policy(), pin=Pin.DIGEST)
    world = World(("1.0.0", "1.1.0"), {"1.1.0": digest("a")})
    assert written(chosen(CURRENT, world, rules)) == ("1.1.0", digest("a"))
    world.declined = [Declined("1.1.0", digest("a"))]
    assert written(chosen(CURRENT, world, rules)) is None
