"""A forge that takes little text costs a reader some of it, and imagebot none of what it knows."""

import pytest

from imagebot.forges.github import GitHub
from tests.acceptance.test_commands import said, settled
from tests.acceptance.world import World

GROUP = "  pullRequest: {group: backend}\n"


def titles(world: World) -> list[str]:
    return [request.title for request in world.open_requests()]


def with_images(world: World, count: int) -> None:
    for number in range(count):
        name = f"app-{number:03}"
        world.registry.add(f"acme/{name}", "1.0.0", "1.1.0")
        world.write_policy(name, more=GROUP)
        world.write_deployment(name, "1.0.0")
    world.write_deployment("api", "1.1.0")
    world.commit("A large group", push=True)


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GitHub, "max_body_characters", 3836)


@pytest.mark.usefixtures("_short")
def test_what_was_said_of_a_request_is_kept_whatever_its_length(world: World) -> None:
    with_images(world, 40)
    world.apply()
    said(world, "/imagebot hold waiting for the database")
    settled(world)
    world.registry.add("acme/app-000", "1.2.0")
    settled(world)
    (request,) = world.open_requests()
    assert "1.1.0" in world.content(request.head, "apps/app-000/deployment.yaml")
    assert len(request.body) <= 3836


@pytest.mark.usefixtures("_short")
def test_of_a_large_closed_group_each_version_stays_declined(world: World) -> None:
    with_images(world, 40)
    world.apply()
    world.close_by_hand()
    settled(world)
    assert titles(world) == []
    world.registry.add("acme/app-007", "1.2.0")
    settled(world)
    assert titles(world) == ["Update acme/app-007 to 1.2.0 (minor, backend)"]
    world.close_by_hand()
    world.registry.add("acme/app-008", "1.2.0")
    settled(world)
    assert titles(world) == ["Update acme/app-008 to 1.2.0 (minor, backend)"]
