"""`by: step`: a major version waits in a request of its own and hides nothing smaller."""

import pytest

from tests.acceptance.world import World

FILE = "apps/api/deployment.yaml"


@pytest.fixture
def stepwise(world: World) -> World:
    """A minor and a major version are there."""
    world.write_policy("api", more="  pullRequest: {by: step}\n")
    world.commit("Steps apart", push=True)
    world.registry.add("acme/api", "2.0.0")
    return world


def titles(world: World) -> list[str]:
    return sorted(each.title.split(" (")[0] for each in world.open_requests())


def settled(world: World) -> list[str]:
    """Run, and see that another run writes nothing. Gives back the titles of open requests."""
    assert world.apply() == 0
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before
    return titles(world)


@pytest.mark.parametrize("rules", ["{by: [step]}", "{by: [team, step]}", '{group: "apps {step}"}'])
def test_the_minor_version_is_proposed_beside_the_major_one(stepwise: World, rules: str) -> None:
    stepwise.write_policy("api", more=f"  pullRequest: {rules}\n")
    stepwise.commit("Rules", push=True)
    assert settled(stepwise) == ["Update acme/api to 1.1.0", "Update acme/api to 2.0.0"]
    for request in stepwise.open_requests():
        tag = request.title.split(" (")[0].rpartition(" ")[2]
        assert f"acme/api:{tag}" in stepwise.content(request.head, FILE)
    (minor,) = [each for each in stepwise.open_requests() if "1.1.0" in each.title]
    assert "below the major one" in minor.body


def test_a_title_says_the_step_once(stepwise: World) -> None:
    assert stepwise.apply() == 0
    told = [each.title for each in stepwise.open_requests()]
    assert sorted(told) == ["Update acme/api to 1.1.0 (minor)", "Update acme/api to 2.0.0 (major)"]


def test_without_steps_apart_the_highest_version_is_proposed_alone(world: World) -> None:
    world.registry.add("acme/api", "2.0.0")
    assert settled(world) == ["Update acme/api to 2.0.0"]


def test_each_of_both_goes_on_when_the_other_is_over(stepwise: World) -> None:
    settled(stepwise)
    stepwise.write_deployment("api", "1.1.0")
    stepwise.commit("Merge the minor one", push=True)
    assert settled(stepwise) == ["Update acme/api to 2.0.0"]
    stepwise.registry.add("acme/api", "1.1.1")
    assert settled(stepwise) == ["Update acme/api to 1.1.1", "Update acme/api to 2.0.0"]
    stepwise.write_deployment("api", "2.0.0")
    stepwise.commit("Merge the major one", push=True)
    assert settled(stepwise) == []


def test_a_closed_major_or_minor_one_hides_not_the_other(stepwise: World) -> None:
    settled(stepwise)
    for request in stepwise.open_requests():
        if "2.0.0" in request.title:
            request.state = "closed"
    assert settled(stepwise) == ["Update acme/api to 1.1.0"]
    stepwise.close_by_hand()
    assert settled(stepwise) == []
    stepwise.registry.add("acme/api", "1.1.1", "2.0.1")
    assert settled(stepwise) == ["Update acme/api to 1.1.1", "Update acme/api to 2.0.1"]
