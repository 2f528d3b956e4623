"""What is Bitbucket Cloud's own: reviewers that a change could lose, people by uuid, no HTML."""

import base64
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imagebot import records
from imagebot.errors import ForgeError
from imagebot.forges.bitbucket import Bitbucket
from imagebot.forges.bitbucket_texts import read, written
from imagebot.secret import Secret
from tests.forges.world import PROJECT, World, changes, opened_by
from tests.servers.bitbucket import uuid_of

BRANCH = "imagebot/api-1a2b"
RECORD = '<!-- imagebot:record {"updates":[["acme/api","a (1).yaml","1.1.0",""]],"x":"50%\\\\"} -->'


@pytest.fixture
def opened(bitbucket: World) -> World:
    bitbucket.bare.push(BRANCH)
    opened_by(bitbucket.forge, changes(reviewers=("alice",)))
    bitbucket.server.forget_requests()
    return bitbucket


def test_a_change_keeps_the_reviewers_that_are_there(opened: World) -> None:
    opened.server.pull_requests(PROJECT)[0].reviewers.append("bob")  # by a person
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(title="Update api to 1.2.0"))
    assert opened.kept()[0].title == "Update api to 1.2.0"
    assert opened.kept()[0].reviewers == ["alice", "bob"]


def test_closing_with_another_text_keeps_the_reviewers(opened: World) -> None:
    opened.forge.close(opened.forge.find([BRANCH])[BRANCH], "Not now.", body="Withdrawn.")
    (kept,) = opened.kept()
    assert (kept.state, kept.body, kept.reviewers) == ("closed", "Withdrawn.", ["alice"])


def test_people_are_asked_by_uuid_and_account_id_without_looking_them_up(
    bitbucket: World,
) -> None:
    bitbucket.bare.push(BRANCH)
    account_id = f"557058:{uuid_of('bob').strip('{}')}"
    opened_by(bitbucket.forge, changes(reviewers=(uuid_of("alice"), account_id)))
    assert bitbucket.kept()[0].reviewers == ["alice", "bob"]
    assert not [path for path in bitbucket.server.reads if path.endswith("/members")]


def test_a_token_that_may_not_list_the_members_is_warned_of(
    bitbucket: World, caplog: pytest.LogCaptureFixture
) -> None:
    bitbucket.bare.push(BRANCH)
    bitbucket.server.answer_next("GET", "/members$", 403)
    told = opened_by(bitbucket.forge, changes(reviewers=("alice",)))
    assert told.number == 1
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert any("alice" in text for text in warnings)


def test_many_heads_are_asked_for_in_one_query(opened: World) -> None:
    heads = [f"imagebot/{number:02}" for number in range(40)]
    for head in heads:
        opened.bare.point(head, at=BRANCH)
        opened.set_state(opened_by(opened.forge, changes(head)).number, "closed")
    opened.server.forget_requests()
    assert set(opened.forge.find(heads)) == set(heads)
    assert len(opened.server.requests) == 3  # the open ones, and twice twenty heads


@pytest.mark.parametrize("head", ['imagebot/"x"', "imagebot/a OR b", 'imagebot/\\"'])
def test_a_head_cannot_change_the_query(opened: World, head: str) -> None:
    opened.set_state(1, "closed")
    assert opened.forge.find([head]) == {}
    assert set(opened.forge.find([head, BRANCH])) == {BRANCH}


@pytest.mark.parametrize(
    ("username", "git_user"),
    [("bot@acme.example", "x-bitbucket-api-token-auth"), ("bot", "bot"), ("bött", "bött")],
)
def test_a_persons_token_is_sent_with_the_persons_name(
    opened: World, username: str, git_user: str
) -> None:
    opened.server.username = username
    forge = Bitbucket(PROJECT, Secret(opened.own_token), username=username, url=opened.server.url)
    assert set(forge.find([BRANCH])) == {BRANCH}
    assert forge.git_credentials()[0] == git_user


def test_a_person_token_is_not_echoed_in_any_form(opened: World) -> None:
    opened.server.username = "bot"
    pair = base64.b64encode(f"bot:{opened.own_token}".encode()).decode()
    opened.server.answer_next("GET", "/pullrequests$", 400, {"message": f"bad header {pair}"})
    forge = Bitbucket(PROJECT, Secret(opened.own_token), username="bot", url=opened.server.url)
    with pytest.raises(ForgeError) as refusal:
        forge.find([BRANCH])
    assert pair not in str(refusal.value)


def test_the_record_is_hidden_and_can_be_read_back(bitbucket: World) -> None:
    bitbucket.bare.push(BRANCH)
    body = f"Text.\n\n{RECORD}\n"
    told = opened_by(bitbucket.forge, changes(body=body))
    kept = bitbucket.kept()[0].body
    assert "<!--" not in kept
    assert "record" not in MarkdownIt("commonmark", {"html": False}).render(kept)
    assert told.body == body
    assert bitbucket.forge.find([BRANCH])[BRANCH].body == body


def test_a_hidden_record_is_no_difference(bitbucket: World) -> None:
    bitbucket.bare.push(BRANCH)
    body = f"| `a` | `x.yaml:1`<br>`y.yaml:2`<br>and 3 more |\n\n{RECORD}\n"
    opened_by(bitbucket.forge, changes(body=body))
    bitbucket.server.forget_requests()
    bitbucket.forge.update(bitbucket.forge.find([BRANCH])[BRANCH], changes(body=body))
    assert bitbucket.server.writes == []
    assert "<br>" not in bitbucket.kept()[0].body


@given(st.text(max_size=200))
def test_what_is_read_back_is_what_was_written(text: str) -> None:
    line = " ".join(text.split())
    body = f"above\n\n<!-- {line} -->\n"
    assert read(written(body)) == body
    assert written(read(written(body))) == written(body)


def test_a_withdrawn_record_survives() -> None:
    withdrawn = records.withdrawn_body(read(written(f"Text.\n\n{_real_record()}\n")))
    record = records.record_in(read(written(withdrawn)))
    assert record is not None
    assert record.withdrawn


def _real_record() -> str:
    return '<!-- imagebot:record {"fingerprint":"f","updates":[],"version":1,"withdrawn":false} -->'
