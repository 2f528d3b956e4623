"""What is Gitea's and Forgejo's own: counted pages, names of deleted heads, labels by id, WIP."""

import logging
from pathlib import Path
from typing import Any

import pytest

from imagebot.demo.json_server import Answer, Request
from imagebot.forges import steps
from imagebot.forges.gitea import Gitea
from imagebot.proposals import PullRequestState
from imagebot.secret import Secret
from tests.forges.world import MEMBERS, PROJECT, Bare, World, changes, opened_by
from tests.servers.gitea import GiteaServer

BRANCH = "imagebot/api-1a2b"


@pytest.fixture
def opened(gitea: World) -> World:
    gitea.bare.push(BRANCH)
    opened_by(gitea.forge, changes())
    gitea.server.forget_requests()
    return gitea


def test_pages_smaller_than_asked_for_are_all_read(tmp_path: Path, bare: Bare) -> None:
    bare.push(BRANCH)
    with GiteaServer(max_items=3) as server:
        server.add_repository(PROJECT, bare.folder, members=MEMBERS)
        forge = Gitea(PROJECT, Secret(server.token), url=server.url)
        for number in range(8):
            bare.point(f"feature/{number}", at=BRANCH)
            opened_by(forge, changes(f"feature/{number}"))
        assert forge.find(["feature/0"])["feature/0"].number == 1
        assert server.broken == []


def test_an_instance_that_believes_to_be_elsewhere_is_asked_where_it_is(opened: World) -> None:
    opened.server.public_url = "https://git.example"
    for number in range(60):
        opened.bare.point(f"feature/{number}", at=BRANCH)
        opened_by(opened.forge, changes(f"feature/{number}"))
    assert opened.forge.find([BRANCH])[BRANCH].number == 1


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_the_address_may_have_the_apis_path(opened: World, ending: str) -> None:
    forge = Gitea(PROJECT, Secret(opened.own_token), url=opened.server.url + ending)
    assert set(forge.find([BRANCH])) == {BRANCH}


def test_a_listing_without_end_is_read_to_a_bound(
    gitea: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "MAX_OPEN_LISTED", 200)
    gitea.bare.push(BRANCH)
    for _ in range(60):
        gitea.open_from_fork(BRANCH)

    def first_page_again(request: Request, documents: list[Any]) -> Answer:
        return Answer(200, documents[:50], {"X-Total-Count": "1000000"})

    monkeypatch.setattr(gitea.server, "paged", first_page_again)
    assert gitea.forge.find([BRANCH]) == {}
    assert len(gitea.server.requests) <= 200 / 50 + 2


def test_a_request_from_a_deleted_fork_is_not_ours(gitea: World) -> None:
    gitea.server.open_as_person(PROJECT, "Fork", BRANCH, "main", None)
    assert gitea.forge.find([BRANCH]) == {}


def test_many_closed_heads_are_found_in_one_listing(opened: World) -> None:
    heads = [f"imagebot/{number:02}" for number in range(30)]
    for head in heads:
        opened.bare.point(head, at=BRANCH)
        told = opened_by(opened.forge, changes(head))
        opened.set_state(told.number, "closed")
    opened.server.forget_requests()
    found = opened.forge.find(heads)
    assert {pull.state for pull in found.values()} == {PullRequestState.CLOSED}
    assert len(found) == 30
    assert len(opened.server.requests) == 2


@pytest.mark.parametrize("mark", ["WIP: ", "[WIP] ", "wip:"])
def test_a_persons_draft_stays_a_draft(opened: World, mark: str) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title=f"{mark}{changes().title}"))
    opened.server.forget_requests()
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes())
    assert opened.server.writes == []
    opened.forge.update(found, changes(title="Update api to 1.2.0"))
    assert opened.kept()[0].title == f"{mark}Update api to 1.2.0"


def test_a_label_of_the_organisation_is_not_made_again(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(labels=("Team-Label",)))
    assert opened.kept()[0].labels == ["team-label"]
    assert [write.rpartition("/")[2] for write in opened.server.writes] == ["labels"]


def test_a_repository_of_a_person_has_labels_too(opened: World) -> None:
    opened.server.organisations.clear()
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(labels=("images",)))
    assert opened.kept()[0].labels == ["images"]


def test_a_label_that_may_not_be_made_does_not_stop_the_update(
    opened: World, caplog: pytest.LogCaptureFixture
) -> None:
    opened.server.answer_next("POST", "config/labels$", 403)
    found = opened.forge.find([BRANCH])[BRANCH]
    after = opened.forge.update(found, changes(title="Other", labels=("images",)))
    assert (after.title, after.labels) == ("Other", ())
    assert any("images" in each.getMessage() for each in caplog.records)
    assert any(each.levelno == logging.WARNING for each in caplog.records)


def test_a_team_of_the_organisation_can_be_asked(gitea: World) -> None:
    gitea.bare.push(BRANCH)
    opened_by(gitea.forge, changes(reviewers=("acme/platform", "alice")))
    assert gitea.kept()[0].reviewers == ["acme/platform", "alice"]
