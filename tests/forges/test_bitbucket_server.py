"""What is the Data Center's own: versions, reviewers that a change could lose, branches as refs."""

import pytest

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.bitbucket_server import BitbucketServer
from imagebot.secret import Secret
from tests.forges.world import MEMBERS, PROJECT, Bare, World, changes, opened_by
from tests.servers.bitbucket_server import BitbucketDataCenter

BRANCH = "imagebot/api-1a2b"


@pytest.fixture
def opened(bitbucket_server: World) -> World:
    bitbucket_server.bare.push(BRANCH)
    opened_by(bitbucket_server.forge, changes(reviewers=("alice",)))
    bitbucket_server.server.forget_requests()
    return bitbucket_server


def out_of_date(world: World, method: str, path: str, times: int) -> None:
    """As if a person had changed the pull request between our reading and our writing."""
    error = {
        "context": None,
        "message": "You are attempting to modify a pull request based on out-of-date information.",
        "exceptionName": "com.atlassian.bitbucket.pull.PullRequestOutOfDateException",
    }
    for _ in range(times):
        world.server.answer_next(method, path, 409, {"errors": [error]})


def test_a_change_keeps_the_reviewers_and_texts_that_are_there(opened: World) -> None:
    opened.server.pull_requests(PROJECT)[0].reviewers.append("bob")  # by a person
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title="Update api to 1.2.0"))
    (kept,) = opened.kept()
    assert (kept.title, kept.reviewers) == ("Update api to 1.2.0", ["alice", "bob"])
    assert kept.body == changes().body


def test_a_person_who_was_faster_is_no_failure(opened: World) -> None:
    out_of_date(opened, "PUT", r"/pull-requests/1$", 1)
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title="Update api to 1.2.0"))
    assert opened.kept()[0].title == "Update api to 1.2.0"


def test_a_person_who_is_always_faster_is_given_way(opened: World) -> None:
    out_of_date(opened, "PUT", r"/pull-requests/1$", 5)
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.server.forget_requests()
    with pytest.raises(ForgeError, match="out-of-date"):
        opened.forge.update(found, changes(title="Update api to 1.2.0"))
    assert len(opened.server.writes) == 2


def test_closing_names_the_version_that_another_text_has_made(opened: World) -> None:
    opened.forge.close(opened.forge.find([BRANCH])[BRANCH], "Not now.", body="Withdrawn.")
    (kept,) = opened.kept()
    assert (kept.state, kept.body, kept.reviewers) == ("closed", "Withdrawn.", ["alice"])


def test_an_instance_under_a_path_is_reached(bare: Bare) -> None:
    bare.push(BRANCH)
    with BitbucketDataCenter() as server:
        server.context = "/bitbucket"
        server.add_repository(PROJECT, bare.folder, members=MEMBERS)
        forge = BitbucketServer(PROJECT, Secret(server.token), url=f"{server.root}/bitbucket/")
        assert opened_by(forge, changes()).number == 1
        assert set(forge.find([BRANCH])) == {BRANCH}


def test_a_repository_of_a_person_is_reached(bitbucket_server: World) -> None:
    bitbucket_server.server.add_repository("~bot/config", bitbucket_server.bare.folder)
    bitbucket_server.bare.push(BRANCH)
    told = bitbucket_server.connect(project="~bot/config").create(changes())
    assert "/~bot/" in told.url


def test_a_request_to_the_repository_that_we_are_a_fork_of_is_not_ours(opened: World) -> None:
    opened.server.add_repository("upstream/config", opened.bare.folder)
    opened.set_state(1, "closed")
    ours = opened.server.repository(PROJECT)
    upstream = opened.server.repository("upstream/config")
    upstream.pulls.append(opened.server.add_pull(ours, "Up", "", BRANCH, "main"))
    ours.pulls.pop()
    assert opened.forge.find([BRANCH])[BRANCH].title == changes().title


def test_pages_that_lead_back_are_not_followed(opened: World) -> None:
    page = {"values": [], "isLastPage": False, "nextPageStart": 0, "size": 0, "start": 0}
    opened.server.answer_next("GET", "/pull-requests$", 200, page)
    with pytest.raises(ForgeUnavailable, match="lead back"):
        opened.forge.find([BRANCH])


@pytest.mark.parametrize(("username", "git_user"), [(None, ""), ("bot", "bot")])
def test_git_sends_a_bearer_unless_a_person_is_named(
    opened: World, username: str | None, git_user: str
) -> None:
    assert opened.connect(username=username).git_credentials()[0] == git_user
