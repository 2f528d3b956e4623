"""The demo's forge sees what git says, and refuses what GitHub refuses."""

from typing import Any

import pytest
import requests

from tests.forges.world import PROJECT, World, changes, opened_by

BRANCH = "imagebot/api-1a2b"


def ask(world: World, method: str, path: str, document: object = None) -> Any:
    return requests.request(
        method,
        f"{world.server.root}/repos/{PROJECT}{path}",
        json=document,
        headers={"Authorization": f"Bearer {world.own_token}"},
        timeout=10,
    )


@pytest.fixture
def opened(github: World) -> World:
    github.bare.push(BRANCH)
    opened_by(github.forge, changes())
    return github


def test_a_repository_is_described(github: World) -> None:
    assert ask(github, "GET", "").json()["default_branch"] == "main"


def test_a_pull_request_counts_its_commits_and_lines(opened: World) -> None:
    seen = ask(opened, "GET", "/pulls/1").json()
    counts = (seen["commits"], seen["changed_files"], seen["additions"], seen["deletions"])
    assert counts == (1, 1, 1, 1)


def test_a_pushed_commit_is_seen(opened: World) -> None:
    before = ask(opened, "GET", "/pulls/1").json()["head"]["sha"]
    opened.bare.push(BRANCH, "1.2.0", base=BRANCH)
    after = ask(opened, "GET", "/pulls/1").json()
    assert after["head"]["sha"] != before
    assert after["commits"] == 2


def test_a_conflict_with_the_base_is_seen(opened: World) -> None:
    assert ask(opened, "GET", "/pulls/1").json()["mergeable"] in (True, None)
    opened.bare.push("main", "9.9.9")
    seen = ask(opened, "GET", "/pulls/1").json()
    assert (seen["mergeable"], seen["mergeable_state"]) in [(False, "dirty"), (None, "unknown")]


def test_a_deleted_head_closes_its_pull_request(opened: World) -> None:
    opened.bare.delete(BRANCH)
    assert opened.kept()[0].state == "closed"


def test_a_head_that_the_base_contains_is_merged(opened: World) -> None:
    opened.bare.point("main", at=BRANCH)
    assert opened.kept()[0].state == "merged"


def test_a_second_pull_request_of_the_same_branches_is_refused(opened: World) -> None:
    wanted = {"head": BRANCH, "base": "main", "title": "again"}
    answer = ask(opened, "POST", "/pulls", wanted)
    assert answer.status_code == 422
    assert "already exists" in answer.text


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"head": "imagebot/none", "base": "main"}, "head"),
        ({"head": BRANCH, "base": "none"}, "base"),
        ({"head": f"stranger:{BRANCH}", "base": "main"}, "head"),
    ],
)
def test_a_branch_that_is_not_there_is_refused_by_name(
    github: World, wanted: dict[str, str], field: str
) -> None:
    github.bare.push(BRANCH)
    answer = ask(github, "POST", "/pulls", {"title": "x", **wanted})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_a_head_filter_without_its_owner_is_ignored_as_on_github(opened: World) -> None:
    assert len(ask(opened, "GET", "/pulls?head=none").json()) == 1
    assert ask(opened, "GET", "/pulls?head=acme:none").json() == []


def test_nobody_comes_in_without_a_token(github: World) -> None:
    answer = requests.get(f"{github.server.root}/repos/{PROJECT}", timeout=10)
    assert answer.status_code == 401


def test_a_pull_requests_address_shows_it_to_a_person(opened: World) -> None:
    url = opened.forge.find([BRANCH])[BRANCH].url
    page = requests.get(url, timeout=10).text
    assert changes().title in page
    assert "+image: api:1.1.0" in page


def test_a_diff_is_told_for_the_demo(opened: World) -> None:
    assert "-image: api:1.0.0\n+image: api:1.1.0\n" in opened.server.patch(PROJECT, 1)
