"""What of the Data Center's conversations is its own: replies, versions, reactions, auto-merge."""

from dataclasses import replace

import pytest

from imagebot.errors import ForgeError
from imagebot.forges import bitbucket_server_conversation
from imagebot.forges.bitbucket_server import BitbucketServer
from imagebot.interfaces import Conversation
from imagebot.proposals import PullRequest
from imagebot.secret import Secret
from imagebot.talk import Comment, CommitStatus, MergeMethod, MergeOutcome, Reaction, StatusState
from tests.forges.world import PROJECT, World, changes, git, opened_by

BRANCH = "imagebot/api-1a2b"
MERGE = "/rest/api/1.0/projects/acme/repos/config/pull-requests/1/merge"


@pytest.fixture
def opened(bitbucket_server: World) -> World:
    bitbucket_server.bare.push(BRANCH)
    opened_by(bitbucket_server.forge, changes())
    bitbucket_server.server.forget_requests()
    return bitbucket_server


def found(world: World) -> PullRequest:
    told: PullRequest = world.forge.find([BRANCH])[BRANCH]
    return told


def asked(world: World, text: str = "/imagebot hold") -> Comment:
    world.people.comment(1, "alice", text)
    comment: Comment = world.forge.comments(found(world)).comments[-1]
    return comment


def test_it_talks(opened: World) -> None:
    assert isinstance(opened.forge, Conversation)


def test_a_reply_is_read_although_nothing_else_tells_of_it(opened: World) -> None:
    asked(opened)
    before = found(opened)
    opened.people.reply(1, "alice", "/imagebot resume")
    assert [each.text for each in opened.forge.comments(before).comments] == [
        "/imagebot hold",
        "/imagebot resume",
    ]
    after = found(opened)
    assert after.version == before.version
    assert after.misses_replies


def test_an_answer_is_a_reply_and_is_not_repeated_below_another_comment(opened: World) -> None:
    comment = asked(opened)
    for _ in range(2):
        opened.forge.answer(found(opened), comment, Reaction.DONE, "Held.")
    (reply,) = opened.server.parents
    assert opened.server.parents[reply] == int(comment.id)
    assert len(opened.kept()[0].comments) == 2


def test_an_answer_without_reactions_is_a_reply_alone(opened: World) -> None:
    opened.server.has_reactions = False  # before 7.0
    opened.forge.answer(found(opened), asked(opened), Reaction.DONE, "Held.")
    assert opened.kept()[0].comments == ["/imagebot hold", "Held."]
    assert opened.people.reactions(1) == []


def test_a_comment_that_was_not_sent_yet_is_no_comment(opened: World) -> None:
    draft = {"id": 5, "version": 0, "text": "/imagebot hold", "state": "PENDING"}
    activity = {
        "id": 9,
        "createdDate": 1,
        "action": "COMMENTED",
        "commentAction": "ADDED",
        "comment": {**draft, "author": {"name": "alice"}},
    }
    page = {"size": 1, "limit": 100, "start": 0, "isLastPage": True, "values": [activity]}
    opened.server.answer_next("GET", "/activities$", 200, page)
    assert list(opened.forge.comments(found(opened)).comments) == []


def test_without_the_header_the_settings_say_whose_token_it_is(opened: World) -> None:
    opened.server.says_whose_token = False
    forge = BitbucketServer(
        PROJECT, Secret(opened.own_token), url=opened.server.url, username="ImageBot"
    )
    for _ in range(2):
        forge.say(found(opened), "Once.")
    assert opened.kept()[0].comments == ["Once."]


def test_where_nobody_says_whose_token_it_is_a_person_is_told_how_to(opened: World) -> None:
    opened.server.says_whose_token = False
    opened.people.comment(1, "alice", "Hello.")
    with pytest.raises(ForgeError, match="whose token") as told:
        opened.forge.comments(found(opened))
    assert "forge.username" in told.value.hint


def test_of_users_found_by_a_name_only_the_very_one_counts(opened: World) -> None:
    opened.server.permissions |= {"alice2": "write", "al": "read"}
    assert opened.forge.may_write("Alice")
    assert not opened.forge.may_write("al")


def test_among_too_many_users_of_a_name_nobody_is_looked_for(
    opened: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bitbucket_server_conversation, "MAX_USERS_READ", 3)
    opened.server.permissions |= {f"person{n}": "write" for n in range(5)}
    with pytest.raises(ForgeError, match="more than 3"):
        opened.forge.may_write("person")


def test_a_token_that_lacks_the_permission_is_told_what_it_needs(opened: World) -> None:
    """The Data Center answers 401 to that, too."""
    opened.server.answer_next("GET", "/users$", 401)
    with pytest.raises(ForgeError, match="401") as told:
        opened.forge.may_write("alice")
    assert "repository write" in told.value.hint


def test_a_status_without_an_address_leads_to_the_commit(opened: World) -> None:
    commit = git(opened.bare.folder, "rev-parse", BRANCH)
    opened.forge.set_status(commit, CommitStatus("imagebot/hold", StatusState.SUCCESS, "free"))
    url = f"{opened.server.url}/projects/acme/repos/config/commits/{commit}"
    assert opened.people.statuses(commit)["imagebot/hold"] == ("success", "free", url)


def test_a_merge_names_the_version_that_was_looked_at(opened: World) -> None:
    request = found(opened)
    opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    (sent,) = [each for each in opened.server.requests if each.path.endswith("/merge")][-1:]
    assert (sent.method, sent.query) == ("POST", {"version": "0"})


def test_a_push_after_the_look_makes_another_version_and_is_not_merged(opened: World) -> None:
    """The pull request as it was looked at, answered after the push."""
    request = found(opened)
    looked = opened.server.answer(as_read(opened, "/pull-requests/1")).document
    opened.bare.push(BRANCH, "6.6.6")
    opened.server.answer_next("GET", "/pull-requests/1$", 200, looked)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING
    assert opened.server.writes == [f"POST {MERGE}"]
    assert opened.kept()[0].state == "open"


def as_read(world: World, end: str) -> object:
    """The request by which the forge read that path last."""
    world.forge._pull(1)
    return next(each for each in world.server.requests[::-1] if each.path.endswith(end))


def test_auto_merge_ends_when_somebody_pushes(opened: World) -> None:
    opened.people.check(1, "pending")
    request = found(opened)
    assert opened.forge.merge(request, MergeMethod.MERGE, by_forge=True) is MergeOutcome.QUEUED
    opened.bare.push(BRANCH, "6.6.6")
    opened.people.check(1, "success")
    assert opened.kept()[0].state == "open"


def test_what_is_handed_over_already_is_not_handed_over_again(opened: World) -> None:
    opened.people.check(1, "pending")
    opened.forge.merge(found(opened), MergeMethod.MERGE, by_forge=True)
    opened.server.forget_requests()
    outcome = opened.forge.merge(found(opened), MergeMethod.MERGE, by_forge=True)
    assert outcome is MergeOutcome.QUEUED
    assert opened.server.writes == []


def test_auto_merge_that_is_not_allowed_needs_a_person(opened: World) -> None:
    opened.server.allows_auto_merge = False
    opened.people.check(1, "pending")
    with pytest.raises(ForgeError, match="veto") as told:
        opened.forge.merge(found(opened), MergeMethod.MERGE, by_forge=True)
    assert "by: imagebot" in told.value.hint
    assert not told.value.can_retry


def test_a_strategy_that_is_switched_off_needs_a_person(opened: World) -> None:
    opened.server.strategies.remove("squash")
    with pytest.raises(ForgeError, match="strategy") as told:
        opened.forge.merge(found(opened), MergeMethod.SQUASH, by_forge=False)
    assert "allow squash" in told.value.hint


def test_a_build_that_is_not_required_is_waited_for_too(opened: World) -> None:
    request = found(opened)
    status = CommitStatus("lint", StatusState.FAILURE, "red")
    opened.forge.set_status(request.head_commit, status)
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING
    opened.forge.set_status(request.head_commit, replace(status, state=StatusState.SUCCESS))
    outcome = opened.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.MERGED


def test_an_update_by_imagebot_leaves_a_draft_of_a_person_a_draft(opened: World) -> None:
    opened.people.mark_as_draft(1)
    opened.forge.update(found(opened), changes(title="Update api to 1.2.0"))
    assert opened.kept()[0].is_draft


def test_nothing_is_written_where_there_are_no_issues(opened: World) -> None:
    with pytest.raises(ForgeError, match="has no issues"):
        opened.forge.open_issue("Images", "text", ())
    assert opened.server.writes == []
