"""What is Azure DevOps' own: cut descriptions, labels in lists only, people in teams, a sign-in."""

import base64
import logging

import pytest

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.azure_devops import MAX_BODY_CHARACTERS, AzureDevOps
from imagebot.proposals import PullRequestState
from imagebot.secret import Secret
from tests.forges.world import MEMBERS, PROJECT, World, changes, opened_by
from tests.servers.azure_devops import id_of

BRANCH = "imagebot/api-1a2b"
LONG = "A long reason. " * 100 + '\n\n<!-- imagebot:record {"fingerprint":"f","updates":[]} -->\n'


@pytest.fixture
def opened(azure_devops: World) -> World:
    azure_devops.bare.push(BRANCH)
    opened_by(azure_devops.forge, changes())
    azure_devops.server.forget_requests()
    return azure_devops


@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_description_that_a_list_cuts_is_read_whole(azure_devops: World, state: str) -> None:
    azure_devops.bare.push(BRANCH)
    opened_by(azure_devops.forge, changes(body=LONG, labels=("images",)))
    azure_devops.set_state(1, state)
    azure_devops.server.forget_requests()
    found = azure_devops.forge.find([BRANCH])[BRANCH]
    assert (found.body, found.labels) == (LONG, ("images",))
    assert len(azure_devops.server.requests) == (2 if state == "open" else 3)


def test_an_unchanged_long_description_is_no_difference(azure_devops: World) -> None:
    azure_devops.bare.push(BRANCH)
    opened_by(azure_devops.forge, changes(body=LONG, labels=("images",)))
    azure_devops.server.forget_requests()
    found = azure_devops.forge.find([BRANCH])[BRANCH]
    wanted = changes(body=LONG, labels=("images",))
    assert azure_devops.forge.update(found, wanted) == found
    assert azure_devops.server.writes == []


def test_only_our_own_requests_are_read_alone(azure_devops: World) -> None:
    for number in range(5):
        azure_devops.bare.push(f"feature/{number}")
        opened_by(azure_devops.forge, changes(f"feature/{number}", body=LONG))
    azure_devops.server.forget_requests()
    assert set(azure_devops.forge.find(["feature/2"])) == {"feature/2"}
    assert len(azure_devops.server.requests) == 2


def test_a_text_at_the_limit_is_taken_and_one_above_it_is_not_sent(azure_devops: World) -> None:
    azure_devops.bare.push(BRANCH)
    told = opened_by(azure_devops.forge, changes(body="x" * MAX_BODY_CHARACTERS))
    azure_devops.server.forget_requests()
    with pytest.raises(ForgeError, match="characters"):
        azure_devops.forge.update(told, changes(body="x" * (MAX_BODY_CHARACTERS + 1)))
    assert azure_devops.server.requests == []
    assert azure_devops.forge.max_body_characters <= MAX_BODY_CHARACTERS


def test_a_page_to_sign_in_at_means_a_wrong_token(opened: World) -> None:
    opened.server.shows_sign_in = True
    with pytest.raises(ForgeError, match="sign in") as refusal:
        opened.connect(token="expired").find([BRANCH])
    assert not isinstance(refusal.value, ForgeUnavailable)
    assert "token" in refusal.value.hint


def test_a_request_to_slow_down_is_heeded_before_the_next_request(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    listed = opened.server.answer(opened.server.requests[0]).document
    opened.server.answer_next("GET", "/pullrequests$", 200, listed, {"Retry-After": "30"})
    opened.forge.find([BRANCH])
    opened.server.forget_requests()
    with pytest.raises(ForgeUnavailable) as refusal:
        opened.forge.update(found, changes(title="Other"))
    assert refusal.value.retry_after_seconds == pytest.approx(30, abs=10)
    assert opened.server.requests == []


@pytest.mark.parametrize(
    ("asked", "reviewer"),
    [
        ("alice@acme.example", "alice"),
        ("Alice", "alice"),
        (id_of("bob"), "bob"),
        ("platform", "acme/platform"),
        ("acme/platform", "acme/platform"),
    ],
)
def test_reviewers_are_people_and_teams_of_the_project(
    azure_devops: World, asked: str, reviewer: str
) -> None:
    azure_devops.bare.push(BRANCH)
    opened_by(azure_devops.forge, changes(reviewers=(asked,)))
    assert azure_devops.kept()[0].reviewers == [reviewer]


def test_a_label_that_is_refused_does_not_stop_the_others(
    opened: World, caplog: pytest.LogCaptureFixture
) -> None:
    opened.server.answer_next("POST", "/labels$", 403)
    found = opened.forge.find([BRANCH])[BRANCH]
    after = opened.forge.update(found, changes(labels=("one", "two")))
    assert after.labels == ("two",)
    assert any(
        "one" in each.getMessage() for each in caplog.records if each.levelno == logging.WARNING
    )


def test_names_with_spaces_are_reached(azure_devops: World) -> None:
    server = azure_devops.server
    server.add_repository("org/My Team/The Config", azure_devops.bare.folder, members=MEMBERS)
    azure_devops.bare.push(BRANCH)
    forge = AzureDevOps("org/My Team/The Config", Secret(server.token), url=server.url)
    told = opened_by(forge, changes(reviewers=("alice",)))
    assert told.url == f"{server.url}/org/My%20Team/_git/The%20Config/pullrequest/1"
    assert forge.find([BRANCH])[BRANCH].state is PullRequestState.OPEN


def test_a_sent_token_is_not_echoed_in_any_form(opened: World) -> None:
    pair = base64.b64encode(f":{opened.own_token}".encode()).decode()
    opened.server.answer_next("GET", "/pullrequests$", 400, {"message": f"bad header {pair}"})
    with pytest.raises(ForgeError) as refusal:
        opened.connect(project=PROJECT).find([BRANCH])
    assert pair not in str(refusal.value)
