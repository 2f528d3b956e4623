"""What every forge must do, whichever it is. Runs against the server of each forge alike.

Nothing is skipped: what a forge lacks stands in `LACKS`, and the opposite is expected.
`python -m tests.forges.table` prints the table of forges and behaviours.
"""

import logging
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagebot.demo.json_server import Answer, Request
from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.proposals import PullRequestState
from tests.forges.conftest import own_certificate
from tests.forges.world import World, changes, opened_by

BRANCH = "imagebot/api-1a2b"


@pytest.fixture
def opened(world: World) -> World:
    """A world in which imagebot has one open pull request, and nobody counted the requests."""
    world.bare.push(BRANCH)
    opened_by(world.forge, changes())
    world.server.forget_requests()
    return world


def test_a_created_pull_request_says_what_the_change_set_says(world: World) -> None:
    world.bare.push(BRANCH)
    told = opened_by(world.forge, changes(labels=("images",), reviewers=("alice",)))
    (kept,) = world.kept()
    assert (kept.title, kept.body.rstrip(), kept.base) == (
        changes().title,
        changes().body.rstrip(),
        "main",
    )
    assert (kept.labels, kept.reviewers) == (world.has("images"), ["alice"])
    assert told.number == kept.number
    assert told.url.startswith(world.server.root)
    assert (told.state, told.head, told.base) == (PullRequestState.OPEN, BRANCH, "main")
    assert told.labels == tuple(world.has("images"))


def test_a_pull_request_is_found_by_its_head(opened: World) -> None:
    found = opened.forge.find([BRANCH, "imagebot/other"])
    assert set(found) == {BRANCH}
    assert found[BRANCH].title == changes().title
    assert found[BRANCH].state is PullRequestState.OPEN


def test_nothing_is_asked_when_nothing_is_looked_for(world: World) -> None:
    assert world.forge.find([]) == {}
    assert world.server.requests == []


def test_an_unchanged_world_costs_one_read_and_no_write(opened: World) -> None:
    found = opened.forge.find([BRANCH])
    after = opened.forge.update(found[BRANCH], changes())
    assert after == found[BRANCH]
    assert len(opened.server.reads) == 1
    assert opened.server.writes == []


def test_a_changed_title_is_one_write(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    after = opened.forge.update(found, changes(title="Update api to 1.2.0"))
    assert after.title == opened.kept()[0].title == "Update api to 1.2.0"
    assert len(opened.server.writes) == 1


def test_a_changed_body_is_one_write(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(body="Something else."))
    assert opened.kept()[0].body == "Something else."
    assert opened.kept()[0].title == changes().title
    assert len(opened.server.writes) == 1


def test_what_a_person_closed_meanwhile_keeps_the_text_that_they_saw(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.set_state(1, "closed")
    with pytest.raises(ForgeError):
        opened.forge.update(found, changes(title="Another", body="Another."))
    (kept,) = opened.kept()
    assert (kept.title, kept.body.strip()) == (changes().title, changes().body.strip())


def test_line_ends_and_a_last_newline_are_no_difference(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(body=changes().body.replace("\n", "\r\n") + "\r\n"))
    assert opened.server.writes == []


def test_texts_are_changed_and_the_base_stays(opened: World) -> None:
    opened.bare.point("develop", at="main")
    found = opened.forge.find([BRANCH])[BRANCH]
    after = opened.forge.update(found, changes(title="Another", base="develop"))
    (kept,) = opened.kept()
    assert (kept.title, kept.base) == (after.title, after.base) == ("Another", "main")


def test_missing_labels_are_added_and_a_persons_labels_stay(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(labels=("by-a-person",)))
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.server.forget_requests()
    after = opened.forge.update(found, changes(labels=("images", "dev")))
    assert opened.kept()[0].labels == opened.has("by-a-person", "images", "dev")
    assert after.labels == tuple(opened.has("by-a-person", "images", "dev"))
    assert len(opened.server.writes) == (opened.new_label_writes if opened.has("x") else 0)


def test_labels_that_are_there_already_cost_nothing(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(labels=("images",)))
    opened.server.forget_requests()
    found = opened.forge.find([BRANCH])[BRANCH]
    assert opened.forge.update(found, changes(labels=("Images",))) == found
    assert opened.server.writes == []


def test_an_update_asks_nobody_for_a_review_again(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.update(found, changes(reviewers=("alice",)))
    assert opened.kept()[0].reviewers == []
    assert opened.server.writes == []


def test_a_second_create_adopts_the_pull_request_that_is_open(opened: World) -> None:
    told = opened_by(opened.forge, changes(title="Update api to 1.3.0", labels=("images",)))
    (kept,) = opened.kept()
    assert (told.number, kept.title) == (kept.number, "Update api to 1.3.0")
    assert kept.labels == opened.has("images")


@pytest.mark.parametrize("kind", ["resets", "cuts_body", "cuts_json", "answers"])
def test_an_answer_lost_after_the_effect_leads_to_no_second_pull_request(
    world: World, kind: str
) -> None:
    world.bare.push(BRANCH)
    world.server.fail_next("POST", world.pulls_path, kind, acts_first=True)
    told = opened_by(world.forge, changes(labels=("images",), reviewers=("alice",)))
    (kept,) = world.kept()
    assert told.number == kept.number
    assert (kept.labels, kept.reviewers) == (world.has("images"), ["alice"])


@pytest.mark.parametrize("kind", ["resets", "answers"])
def test_a_fault_before_the_effect_can_be_tried_again(world: World, kind: str) -> None:
    world.bare.push(BRANCH)
    world.server.fail_next("POST", world.pulls_path, kind)
    with pytest.raises(ForgeUnavailable):
        opened_by(world.forge, changes())
    assert world.kept() == []
    opened_by(world.forge, changes())
    assert len(world.kept()) == 1


def test_the_fault_is_told_when_looking_again_fails_too(world: World) -> None:
    world.bare.push(BRANCH)
    world.server.fail_next("POST", world.pulls_path, "resets", acts_first=True)
    world.server.answer_next("GET", world.pulls_path, 401)
    with pytest.raises(ForgeUnavailable):
        opened_by(world.forge, changes())
    opened_by(world.forge, changes())
    assert len(world.kept()) == 1


def test_closing_says_why_and_closes(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.close(found, "Nothing is behind any more.")
    (kept,) = opened.kept()
    assert (kept.state, kept.comments) == ("closed", ["Nothing is behind any more."])


def test_closing_leaves_the_body_unless_another_is_given(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.forge.close(found, "Not now.")
    assert opened.kept()[0].body.rstrip() == changes().body.rstrip()
    opened.forge.close(opened_by(opened.forge, changes()), "Not now.", body="Withdrawn.")
    assert opened.kept()[1].body == "Withdrawn."
    assert opened.kept()[1].state == "closed"


def test_closing_that_was_interrupted_says_why_only_once(opened: World) -> None:
    found = opened.forge.find([BRANCH])[BRANCH]
    opened.server.answer_next(*opened.close_request, 502)
    with pytest.raises(ForgeUnavailable):
        opened.forge.close(found, "Nothing is behind any more.")
    opened.forge.close(found, "Nothing is behind any more.")
    (kept,) = opened.kept()
    assert (kept.state, kept.comments) == ("closed", ["Nothing is behind any more."])


def test_a_closed_pull_request_is_found_as_closed(opened: World) -> None:
    opened.forge.close(opened.forge.find([BRANCH])[BRANCH], "Not now.")
    assert opened.forge.find([BRANCH])[BRANCH].state is PullRequestState.CLOSED


def test_a_merged_pull_request_is_found_as_merged(opened: World) -> None:
    opened.set_state(1, "merged")
    assert opened.forge.find([BRANCH])[BRANCH].state is PullRequestState.MERGED


def test_a_closed_pull_request_is_found_after_its_branch_was_deleted(opened: World) -> None:
    opened.forge.close(opened.forge.find([BRANCH])[BRANCH], "Not now.")
    opened.bare.delete(BRANCH)
    found = opened.forge.find([BRANCH])[BRANCH]
    assert (found.number, found.state) == (1, PullRequestState.CLOSED)
    assert found.body.rstrip() == changes().body.rstrip()


def test_many_heads_are_found_with_few_requests(opened: World) -> None:
    heads = [f"imagebot/{number:02}" for number in range(30)]
    for head in heads:
        opened.bare.point(head, at=BRANCH)
        opened_by(opened.forge, changes(head))
    opened.server.forget_requests()
    assert set(opened.forge.find(heads)) == set(heads)
    assert len(opened.server.requests) == 1


def test_a_closed_request_does_not_keep_the_next_one_from_being_opened(opened: World) -> None:
    opened.forge.close(opened.forge.find([BRANCH])[BRANCH], "Not now.")
    told = opened_by(opened.forge, changes(title="Update api to 1.2.0"))
    assert (told.number, told.state) == (2, PullRequestState.OPEN)
    assert [kept.state for kept in opened.kept()] == ["closed", "open"]


def test_the_newest_of_the_closed_ones_is_found(opened: World) -> None:
    for title in ("second", "third"):
        opened.forge.close(opened.forge.find([BRANCH])[BRANCH], "Not now.")
        opened_by(opened.forge, changes(title=title))
    opened.forge.close(opened.forge.find([BRANCH])[BRANCH], "Not now.")
    assert opened.forge.find([BRANCH])[BRANCH].title == "third"


def test_an_open_pull_request_is_found_before_a_newer_closed_one(opened: World) -> None:
    opened.bare.point("develop", at="main")
    other = opened_by(opened.forge, changes(base="develop"))
    opened.forge.close(other, "Not there.")
    assert opened.forge.find([BRANCH])[BRANCH].number == 1


def test_what_was_closed_unmerged_is_listed_whatever_its_branch(opened: World) -> None:
    heads = [f"imagebot/{number:02}" for number in range(30)]
    for head in heads:
        opened.bare.point(head, at=BRANCH)
        opened_by(opened.forge, changes(head))
    for head in heads[1:]:
        opened.forge.close(opened.forge.find([head])[head], "Not now.")
    opened.bare.delete(heads[1])
    opened.set_state(2, "merged")
    opened.server.forget_requests()
    told = opened.forge.declined()
    assert {each.head for each in told} == set(heads[1:])
    assert all(each.state is PullRequestState.CLOSED for each in told)
    if "whole bodies in lists" not in opened.lacks:
        assert {each.body.rstrip() for each in told} == {changes().body.rstrip()}
    assert len(opened.server.requests) <= 1 + 30 // opened.page_size


def test_what_was_opened_recently_is_listed_whatever_became_of_it(opened: World) -> None:
    for number in range(2, 5):
        opened.bare.push(f"imagebot/{number}", f"{number}.0.0")
        opened_by(opened.forge, changes(f"imagebot/{number}"))
    opened.bare.push("b")
    opened.open_from_fork("b")
    opened.set_state(2, "closed")
    opened.set_state(3, "merged")
    opened.server.forget_requests()
    now = datetime.now(UTC)
    told = opened.forge.recent(now - timedelta(hours=1))
    assert [(each.number, each.state.value) for each in told] == [
        (4, "open"),
        (3, "merged"),
        (2, "closed"),
        (1, "open"),
    ]
    assert {each.head for each in told} == {BRANCH, *(f"imagebot/{n}" for n in range(2, 5))}
    assert opened.forge.recent(now + timedelta(hours=1)) == ()
    assert len(opened.server.reads) <= 3


def test_what_somebody_closed_from_a_fork_declines_nothing(world: World) -> None:
    world.bare.push(BRANCH)
    world.open_from_fork(BRANCH)
    world.set_state(1, "closed")
    assert world.forge.declined() == ()


def test_a_forks_branch_of_the_same_name_is_not_ours(world: World) -> None:
    world.bare.push(BRANCH)
    world.open_from_fork(BRANCH)
    assert world.forge.find([BRANCH]) == {}
    told = opened_by(world.forge, changes())
    assert told.title == changes().title
    assert [kept.title for kept in world.kept()] == ["Fork", changes().title]
    assert world.forge.find([BRANCH])[BRANCH].number == told.number


def test_the_oldest_of_many_open_pull_requests_is_found(opened: World) -> None:
    for number in range(105):
        opened.bare.point(f"feature/{number}", at=BRANCH)
        opened_by(opened.forge, changes(f"feature/{number}"))
    opened.server.forget_requests()
    assert opened.forge.find([BRANCH])[BRANCH].number == 1
    assert len(opened.server.reads) == math.ceil(106 / opened.page_size)


def test_a_refused_reviewer_is_warned_of_and_the_others_are_asked(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.bare.push(BRANCH)
    told = opened_by(world.forge, changes(reviewers=("alice", "mallory", "bob", "nobody")))
    (kept,) = world.kept()
    assert (kept.number, kept.reviewers) == (told.number, ["alice", "bob"])
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert any("mallory" in text for text in warnings)
    assert any("nobody" in text for text in warnings)


def test_a_fault_while_asking_for_reviews_is_told_and_asking_again_asks_once(world: World) -> None:
    world.bare.push(BRANCH)
    wanted = changes(reviewers=("alice",))
    told = world.forge.create(wanted)
    world.server.answer_next(*world.review_request, 500)
    with pytest.raises(ForgeUnavailable):
        world.forge.ask_people(told, wanted)
    for _ in range(2):
        world.forge.ask_people(told, wanted)
        assert world.kept()[0].reviewers == ["alice"]


def test_a_missing_head_branch_is_refused_with_the_forges_reason(world: World) -> None:
    with pytest.raises(ForgeError, match=world.refuses_missing_head_by) as refusal:
        opened_by(world.forge, changes("imagebot/never-pushed"))
    assert not refusal.value.can_retry
    assert "imagebot/never-pushed" in str(refusal.value)


def test_a_wrong_token_is_told_as_such(world: World) -> None:
    with pytest.raises(ForgeError, match="401") as refusal:
        world.connect(token="wrong-token").find([BRANCH])
    assert not refusal.value.can_retry
    assert "token" in refusal.value.hint


def test_a_missing_permission_is_told_with_what_is_needed(world: World) -> None:
    world.bare.push(BRANCH)
    world.server.answer_next("POST", world.pulls_path, 403, {"message": "Resource not accessible"})
    with pytest.raises(ForgeError, match="Resource not accessible") as refusal:
        opened_by(world.forge, changes())
    assert not refusal.value.can_retry
    assert "needs" in refusal.value.hint


def test_a_project_that_cannot_be_seen_is_told_with_what_is_needed(world: World) -> None:
    with pytest.raises(ForgeError, match="404") as refusal:
        world.connect(project="acme/elsewhere").find([BRANCH])
    assert not refusal.value.can_retry
    assert "acme/elsewhere" in str(refusal.value)
    assert "needs" in refusal.value.hint


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_server_can_be_tried_again(world: World, status: int) -> None:
    world.server.answer_next("GET", world.pulls_path, status)
    with pytest.raises(ForgeUnavailable, match=str(status)):
        world.forge.find([BRANCH])


@pytest.mark.parametrize("kind", ["compresses", "sends_chunks"])
def test_an_answer_is_read_however_it_is_packed(opened: World, kind: str) -> None:
    opened.server.fail_next("GET", opened.pulls_path, kind, acts_first=True)
    assert set(opened.forge.find([BRANCH])) == {BRANCH}


@pytest.mark.parametrize("kind", ["resets", "cuts_body", "cuts_json", "cuts_chunks"])
def test_half_an_answer_is_no_answer(opened: World, kind: str) -> None:
    opened.server.fail_next("GET", opened.pulls_path, kind, acts_first=True)
    with pytest.raises(ForgeUnavailable):
        opened.forge.find([BRANCH])


@pytest.mark.parametrize("status", [200, 403, 422])
@pytest.mark.parametrize(("levels", "end"), [(100_000, ""), (800, "}")])
def test_json_that_is_nested_deeply_is_no_answer(
    world: World, status: int, levels: int, end: str
) -> None:
    deep = '{"message":' * levels + '"deep"' + end * levels
    world.server.answer_next("GET", world.pulls_path, status, deep)
    with pytest.raises(ForgeError):
        world.forge.find([BRANCH])


def test_a_page_of_some_proxy_is_no_answer(world: World) -> None:
    world.server.answer_next("GET", world.pulls_path, 200, "<html>log in first</html>")
    with pytest.raises(ForgeUnavailable, match="JSON"):
        world.forge.find([BRANCH])


@pytest.mark.parametrize("document", [{"a": 1}, [{"number": "x"}], ["text"], [{}]])
def test_an_answer_of_another_shape_is_told_and_not_believed(
    world: World, document: object
) -> None:
    world.server.answer_next("GET", world.pulls_path, 200, document)
    with pytest.raises(ForgeError):
        world.forge.find([BRANCH])


@pytest.mark.parametrize("kind", ["says_nothing", "drips"])
def test_a_forge_that_is_too_slow_is_given_up(world: World, kind: str) -> None:
    world.server.fail_next("GET", world.pulls_path, kind, seconds=0.3 if kind == "drips" else 1.5)
    with pytest.raises(ForgeUnavailable):
        world.connect(timeout_seconds=1).find([BRANCH])


def test_an_answer_without_end_is_not_read(world: World) -> None:
    world.server.fail_next("GET", world.pulls_path, "floods")
    with pytest.raises(ForgeError, match="more than"):
        world.forge.find([BRANCH])


def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_read(world: World) -> None:
    bomb = Answer(200, " " * (64 * 1024 * 1024))
    world.server.fail_next("GET", world.pulls_path, "compresses", answer=bomb)
    with pytest.raises(ForgeError, match="more than"):
        world.forge.find([BRANCH])


def test_a_certificate_of_ones_own_is_trusted_only_where_it_is_named(
    world: World, tmp_path: Path
) -> None:
    certificate = own_certificate(tmp_path)
    world.server.use_tls(certificate, certificate)
    with pytest.raises(ForgeError, match="not trusted") as refusal:
        world.connect().find([BRANCH])
    assert not refusal.value.can_retry
    assert world.connect(ca_file=certificate).find([BRANCH]) == {}


def test_a_forge_that_is_not_there_can_be_tried_again(world: World) -> None:
    forge = world.connect()
    world.server._server.socket.close()
    with pytest.raises(ForgeUnavailable):
        forge.find([BRANCH])


def test_too_many_requests_says_when_to_come_back(world: World) -> None:
    world.server.answer_next("GET", world.pulls_path, 429, headers={"Retry-After": "3600"})
    with pytest.raises(ForgeUnavailable) as refusal:
        world.forge.find([BRANCH])
    assert refusal.value.retry_after_seconds == 3600
    assert len(world.server.requests) == 1


def test_a_limit_that_was_met_is_respected_until_it_ends(world: World) -> None:
    world.server.answer_next("GET", world.pulls_path, 429, headers={"Retry-After": "3600"})
    for forge in (world.forge, world.connect()):
        with pytest.raises(ForgeUnavailable) as refusal:
            forge.find([BRANCH])
        assert refusal.value.retry_after_seconds == pytest.approx(3600, abs=60)
    assert len(world.server.requests) == 1


@pytest.mark.parametrize("prefix", ["X-RateLimit", "RateLimit"])
def test_a_limit_that_is_used_up_is_respected_before_it_is_exceeded(
    opened: World, prefix: str
) -> None:
    opened.forge.find(["imagebot/other"])
    listed = opened.server.answer(opened.server.requests[0])
    reset = str(int(datetime.now(UTC).timestamp()) + 3600)
    limits = {f"{prefix}-Remaining": "0", f"{prefix}-Reset": reset}
    opened.server.forget_requests()
    opened.server.answer_next("GET", opened.pulls_path, 200, listed.document, limits)
    forge = opened.connect()
    found = forge.find([BRANCH])[BRANCH]
    with pytest.raises(ForgeUnavailable) as refusal:
        forge.update(found, changes(title="Update api to 1.2.0"))
    assert refusal.value.retry_after_seconds == pytest.approx(3600, abs=60)
    assert len(opened.server.requests) == 1


def test_a_limit_met_while_creating_is_not_answered_by_more_requests(world: World) -> None:
    world.bare.push(BRANCH)
    world.server.answer_next("POST", world.pulls_path, 429, headers={"Retry-After": "60"})
    with pytest.raises(ForgeUnavailable):
        opened_by(world.forge, changes())
    assert len(world.server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_with_our_token(world: World, status: int) -> None:
    elsewhere = {"Location": world.server.root.replace("127.0.0.1", "localhost") + "/x"}
    world.server.answer_next("GET", world.pulls_path, status, headers=elsewhere)
    with pytest.raises(ForgeError, match="redirects"):
        world.forge.find([BRANCH])
    assert len(world.server.requests) == 1


def test_a_next_page_on_another_host_is_not_asked(opened: World) -> None:
    opened.forge.find([BRANCH])
    listed = opened.server.answer(opened.server.requests[0]).document
    assert listed
    foreign = opened.server.root.replace("127.0.0.1", "localhost")
    link = {"Link": f'<{foreign}/elsewhere?page=2>; rel="next"'}
    if isinstance(listed, dict) and "values" in listed:
        listed["next"] = f"{foreign}/elsewhere?page=2"
    opened.server.answer_next("GET", opened.pulls_path, 200, listed, link)
    opened.server.forget_requests()
    with suppress(ForgeError):
        opened.forge.find(["imagebot/other"])
    assert opened.server.requests
    assert not [seen for seen in opened.server.requests if "localhost" in seen.headers["host"]]


def emptied(request: Request, answer: Answer, root: str) -> Answer:
    """A listing without an item that says in the forge's own way that more pages follow."""
    document, headers = answer.document, dict(answer.headers or {})
    following = f"{root}{request.path}?page={int(request.query.get('page', 1)) + 1}"
    if isinstance(document, list):
        headers |= {"Link": f'<{following}>; rel="next"', "X-Total-Count": "1000"}
        return Answer(answer.status, [], headers)
    if isinstance(document, dict) and "isLastPage" in document:
        start = int(request.query.get("start", 0)) + 1
        more = {"values": [], "isLastPage": False, "nextPageStart": start}
        return Answer(answer.status, document | more, headers)
    if isinstance(document, dict) and "values" in document:
        return Answer(answer.status, document | {"values": [], "next": following}, headers)
    if isinstance(document, dict) and "value" in document:
        return Answer(answer.status, document | {"value": []}, headers)
    return answer


def test_empty_pages_without_end_are_not_followed_for_ever(opened: World) -> None:
    answer, root = opened.server.answer, opened.server.root
    opened.server.answer = lambda request: emptied(request, answer(request), root)
    with suppress(ForgeUnavailable):
        opened.forge.find([BRANCH])
    with suppress(ForgeUnavailable):
        opened.forge.declined()
    assert len(opened.server.requests) < 30
    opened.server.broken.clear()  # no contract has such answers


def test_a_body_over_the_forges_limit_is_refused_before_anything_is_sent(world: World) -> None:
    world.bare.push(BRANCH)
    with pytest.raises(ForgeError, match="characters"):
        opened_by(world.forge, changes(body="x" * 1_048_577))
    assert world.server.requests == []


def test_no_secret_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.bare.push(BRANCH)
    echo = {"message": f"your token {world.own_token} is bad"}
    world.server.answer_next("POST", world.pulls_path, 403, echo)
    with pytest.raises(ForgeError) as refusal:
        opened_by(world.forge, changes())
    opened_by(world.forge, changes())
    told = f"{refusal.value} {refusal.value!r} {refusal.value.hint} {world.forge!r} {caplog.text}"
    assert world.own_token not in told
    assert "****" in str(refusal.value)


def test_git_gets_the_same_token(world: World) -> None:
    user, secret = world.forge.git_credentials()
    assert user == world.git_user
    assert secret.reveal() == world.own_token
    assert world.own_token not in repr(secret)
