"""Cool-downs over days, with the real store: what is held, until when, and what losing it costs."""

import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from imagebot import clients, settings
from imagebot.proposals import Outcome, OutcomeKind
from tests.acceptance.world import World

START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def on_day(world: World, day: float) -> Outcome:
    """Reconcile as the service does, on a day of the story."""
    with clients.build(settings.load(world.settings, os.environ)) as built:
        return built.reconcile("config", START + timedelta(days=day))


@pytest.fixture
def waiting(world: World) -> World:
    """Every tag waits three days; only 1.0.0 is there, and written."""
    world.registry.remove_tag("acme/api", "1.1.0")
    world.write_policy("api", more="  cooldown: 3d\n  pin: digest\n")
    world.write_deployment("api", "1.0.0")
    world.commit("Wait three days", push=True)
    return world


def test_a_new_tag_is_proposed_once_it_is_old_enough(waiting: World) -> None:
    on_day(waiting, 0)
    waiting.registry.add("acme/api", "1.1.0")
    seen = on_day(waiting, 1)
    (choice,) = seen.choices
    assert seen.kind is OutcomeKind.PROPOSED  # the digest of 1.0.0 alone
    (held,) = choice.held
    assert held.until == START + timedelta(days=4)
    assert "`1.1.0`, `cool-down 3d: first seen 2026-11-02 12:00 UTC`" in (
        waiting.open_requests()[0].body
    )
    on_day(waiting, 3.9)
    assert waiting.open_requests()[0].title.startswith("Pin acme/api 1.0.0")
    on_day(waiting, 4)
    (request,) = waiting.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"


def test_a_tag_that_is_pushed_again_waits_again_and_says_so(waiting: World) -> None:
    on_day(waiting, 0)
    waiting.registry.add("acme/api", "1.1.0")
    on_day(waiting, 1)
    waiting.registry.add("acme/api", "other")
    waiting.registry.push_again("acme/api", "1.1.0", "other")
    on_day(waiting, 3)
    (choice,) = on_day(waiting, 4).choices
    (held,) = choice.held
    assert held.until == START + timedelta(days=6)
    assert held.reason.startswith("cool-down 3d: pushed again, seen 2026-11-04 12:00 UTC; it was ")


def test_tags_from_before_the_first_look_wait_from_it_unless_the_policy_lets_them_pass(
    waiting: World,
) -> None:
    waiting.registry.add("acme/api", "1.1.0")
    (choice,) = on_day(waiting, 0).choices
    assert "age unknown, at least since 2026-11-01 12:00 UTC" in choice.held[0].reason
    waiting.write_policy("api", more="  cooldown: {default: 3d, unknownAge: admit}\n")
    waiting.commit("Let them pass", push=True)
    (choice,) = on_day(waiting, 0.1).choices
    assert choice.update is not None
    assert choice.update.tag == "1.1.0"


def test_losing_the_store_withdraws_nothing_and_never_makes_a_tag_older(waiting: World) -> None:
    on_day(waiting, 0)
    waiting.registry.add("acme/api", "1.1.0")
    on_day(waiting, 1)
    on_day(waiting, 4)
    before = waiting.everything()
    shutil.rmtree(waiting.data)
    on_day(waiting, 4.1)
    assert waiting.everything() == before
    waiting.registry.add("acme/api", "1.2.0")
    (choice,) = on_day(waiting, 4.2).choices
    assert choice.update is not None
    assert choice.update.tag == "1.1.0"
    assert choice.held[0].tag == "1.2.0"


def test_a_skipped_tag_comes_back_on_its_day(world: World) -> None:
    skip = '  skip: [{tag: "1.1.0", reason: "breaks login", until: 2026-11-05}]\n'
    world.write_policy("api", more=skip)
    world.commit("Skip", push=True)
    assert on_day(world, 3).choices[0].update is None
    assert world.open_requests() == []
    on_day(world, 4)
    (request,) = world.open_requests()
    assert request.title == "Update acme/api to 1.1.0 (minor)"


def test_a_moving_tag_is_pinned_and_followed(world: World) -> None:
    world.registry.add("acme/api", "stable")
    policy = world.checkout / "apps/api/imagebot.yaml"
    policy.write_text(policy.read_text().replace("order: semver", "order: digest"))
    world.write_deployment("api", "stable")
    world.commit("Follow stable", push=True)
    on_day(world, 0)
    (request,) = world.open_requests()
    first = world.registry.digest_of("acme/api", "stable")
    assert f":stable@{first}" in world.content(request.head, "apps/api/deployment.yaml")
    second = world.registry.push_again("acme/api", "stable", "1.1.0")
    on_day(world, 1)
    (again,) = world.open_requests()
    assert again.number == request.number
    assert f":stable@{second}" in world.content(again.head, "apps/api/deployment.yaml")
