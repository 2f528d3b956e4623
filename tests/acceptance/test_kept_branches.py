"""A request is over, but its branch holds a person's commit: the next version gets its own."""

from typing import Any

import pytest

from imagebot.forges.github import GitHub
from tests.acceptance.test_commands import commit_to_the_branch, settled
from tests.acceptance.world import World


def titles(world: World) -> list[str]:
    return [request.title for request in world.open_requests()]


def squash_by_hand(world: World) -> None:
    (request,) = world.open_requests()
    world.git(world.checkout, "fetch", "-q", "origin", request.head)
    world.git(world.checkout, "merge", "-q", "--squash", "FETCH_HEAD")
    world.commit("Squashed", push=True)
    request.state, request.merged_at = "closed", "2026-01-01T00:00:00Z"


def with_a_persons_commit(world: World) -> tuple[str, str]:
    """An open request with one; gives back branch and commit."""
    world.apply()
    commit = commit_to_the_branch(world, text=world.content("main", FILE) + "# by hand\n")
    world.apply()
    (request,) = world.open_requests()
    return request.head, commit


FILE = "apps/api/deployment.yaml"


def test_after_a_close_the_next_version_comes_from_another_branch(world: World) -> None:
    branch, commit = with_a_persons_commit(world)
    world.close_by_hand()
    settled(world)
    assert titles(world) == []
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]
    assert world.branches()[branch] == commit
    assert world.open_requests()[0].head == f"{branch}-{commit[:8]}"
    world.registry.add("acme/api", "1.3.0")
    settled(world)
    assert titles(world) == ["Update acme/api to 1.3.0 (minor)"]
    assert len(world.pull_requests()) == 2


def test_after_a_squash_merge_the_branch_is_used_again(world: World) -> None:
    branch, commit = with_a_persons_commit(world)
    squash_by_hand(world)
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]
    assert list(world.branches()) == [branch]
    assert world.branches()[branch] != commit


def test_what_was_pushed_after_the_merge_is_kept(world: World) -> None:
    branch, _ = with_a_persons_commit(world)
    squash_by_hand(world)
    later = commit_to_the_branch(world, text="later: by hand\n")
    world.registry.add("acme/api", "1.2.0")
    settled(world)
    assert titles(world) == ["Update acme/api to 1.2.0 (minor)"]
    assert world.branches()[branch] == later


@pytest.mark.parametrize("then", ["deleted", "reopened"])
def test_there_is_one_request_whatever_becomes_of_the_kept_branch(world: World, then: str) -> None:
    branch, commit = with_a_persons_commit(world)
    world.close_by_hand()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    if then == "deleted":
        world.git(world.remote, "update-ref", "-d", f"refs/heads/{branch}")
    else:
        world.pull_requests()[0].state = "open"
    settled(world)
    (request,) = world.open_requests()
    assert request.number == (2 if then == "deleted" else 1)
    if then == "reopened":
        assert world.branches() == {branch: commit}


def test_what_was_declined_on_the_other_branch_stays_declined(world: World) -> None:
    with_a_persons_commit(world)
    world.close_by_hand()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    world.close_by_hand()
    settled(world)
    assert titles(world) == []
    world.registry.add("acme/api", "1.3.0")
    settled(world)
    assert titles(world) == ["Update acme/api to 1.3.0 (minor)"]


def test_a_commit_that_comes_while_its_request_is_closed_stays_and_is_told_of(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply()
    (request,) = world.open_requests()
    world.write_deployment("api", "1.1.0")
    world.commit("By hand", push=True)
    close = GitHub.close
    commits: list[str] = []

    def closed_late(forge: GitHub, *arguments: Any, **options: Any) -> None:
        if not commits:
            commits.append(commit_to_the_branch(world))
        close(forge, *arguments, **options)

    monkeypatch.setattr(GitHub, "close", closed_late)
    for _ in range(2):
        capsys.readouterr()
        world.apply()
        printed = "".join(capsys.readouterr())
        assert f"somebody committed to it while imagebot closed #{request.number}" in printed
        assert world.branches() == {request.head: commits[0]}
    assert world.open_requests() == []
