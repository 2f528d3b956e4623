"""A commit that imagebot wrote over is a person's where it comes back to the branch."""

import json
import re
import shutil
from collections.abc import Sequence

import pytest

from imagebot.errors import GitUnavailable
from imagebot.git import BareClone, GitState, Push
from tests.acceptance.test_commands import answers, said, settled
from tests.acceptance.world import World

FILE = "apps/api/deployment.yaml"


def set_back(world: World) -> tuple[str, str]:
    """Two editions, of which a person puts the first one back; gives branch and that commit."""
    world.apply()
    ((branch, first),) = world.branches().items()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    push_by_hand(world, branch, first)
    return branch, first


def push_by_hand(world: World, branch: str, commit: str) -> None:
    world.git(world.remote, "update-ref", f"refs/heads/{branch}", commit)


def edition_noted(world: World) -> int:
    (request,) = world.open_requests()
    (record,) = re.findall(r"imagebot:record (\{.*\}) -->", request.body)
    edition = json.loads(record)["edition"]
    assert isinstance(edition, int)
    return edition


def test_it_is_told_of_once_and_written_over_when_somebody_asks(world: World) -> None:
    branch, first = set_back(world)
    settled(world)
    (told,) = answers(world)
    assert "Somebody set this branch back" in told
    assert first[:12] in told
    said(world, "/imagebot rebuild")
    settled(world)
    assert "1.2.0" in world.content(branch, FILE)
    world.registry.add("acme/api", "1.3.0")
    settled(world)
    assert "1.3.0" in world.content(branch, FILE)


def test_a_request_that_is_no_longer_wanted_stays_with_what_was_put_back(world: World) -> None:
    branch, first = set_back(world)
    world.write_deployment("api", "1.2.0")
    world.commit("Update by hand", push=True)
    settled(world)
    assert world.branches() == {branch: first}
    assert len(world.open_requests()) == 1


def test_a_run_that_ended_before_it_could_note_its_push_is_no_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply()
    push = BareClone.push

    def push_and_end(git: BareClone, pushes: Sequence[Push]) -> None:
        push(git, pushes)
        raise GitUnavailable("the run ends here")

    monkeypatch.setattr(BareClone, "push", push_and_end)
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() != 0
    assert edition_noted(world) == 1
    monkeypatch.undo()
    settled(world)
    assert edition_noted(world) == 2
    world.registry.add("acme/api", "1.3.0")
    settled(world)
    assert not answers(world)
    (branch,) = world.branches()
    assert "1.3.0" in world.content(branch, FILE)


def test_a_head_that_another_imagebot_wrote_over_meanwhile_is_no_persons(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one pushes and notes it after this one has asked for the heads."""
    world.apply()
    ((branch, first),) = world.branches().items()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    second = world.branches()[branch]
    push_by_hand(world, branch, first)
    refresh = BareClone.refresh
    looks: list[GitState] = []

    def refresh_before_it_is_pushed(git: BareClone) -> GitState:
        looks.append(refresh(git))
        if len(looks) == 1:
            push_by_hand(world, branch, second)
        return looks[-1]

    monkeypatch.setattr(BareClone, "refresh", refresh_before_it_is_pushed)
    world.registry.add("acme/api", "1.3.0")
    settled(world)
    assert looks[0].branches[branch].commit == first
    assert not answers(world)
    assert "1.3.0" in world.content(branch, FILE)


def test_a_branch_that_was_deleted_goes_on_counting(world: World) -> None:
    branch, first = set_back(world)
    world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
    world.registry.add("acme/api", "1.3.0")
    settled(world)
    assert edition_noted(world) == 3
    push_by_hand(world, branch, first)
    settled(world)
    assert world.branches() == {branch: first}


def test_a_new_request_on_the_same_branch_goes_on_counting(world: World) -> None:
    world.apply()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    world.close_by_hand()
    world.registry.add("acme/api", "1.3.0")
    settled(world)
    assert edition_noted(world) == 3


@pytest.mark.parametrize("is_store_new", [False, True])
def test_without_requests_the_store_tells_as_long_as_it_is_there(
    world: World, is_store_new: bool
) -> None:
    world.write_settings(forge="{type: plain}")
    branch, first = set_back(world)
    if is_store_new:
        shutil.rmtree(world.data)
    world.registry.add("acme/api", "1.3.0")
    assert world.apply() == 0
    assert ("1.3.0" in world.content(branch, FILE)) == is_store_new
    if not is_store_new:
        assert world.branches() == {branch: first}
        world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
        assert world.apply() == 0
        assert "1.3.0" in world.content(branch, FILE)
