"""What is Azure DevOps' own in conversations: threads, access control lists, branch policies."""

from datetime import UTC, datetime, timedelta

import pytest

from imagebot.carrying.hearing import MAX_ASKED_BLINDLY, Ear
from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.azure_devops_api import identities_at
from imagebot.proposals import PullRequest
from imagebot.talk import CommitStatus, MergeMethod, MergeOutcome, Reaction, StatusState
from tests.forges.people import CHECK
from tests.forges.people_azure import PATH
from tests.forges.world import Cache, World, changes, git, opened_by
from tests.servers.azure_kept import (
    BUILD_POLICY,
    MERGE_POLICY,
    REVIEW_POLICY,
    AzurePull,
    Policy,
    id_of,
)

BRANCH = "imagebot/api-1a2b"
ALICE = "alice@acme.example"


@pytest.fixture
def opened(azure_devops: World) -> World:
    azure_devops.bare.push(BRANCH)
    opened_by(azure_devops.forge, changes())
    azure_devops.server.forget_requests()
    return azure_devops


@pytest.fixture
def green(opened: World) -> World:
    opened.people.check(1, "success")
    return opened


def found(world: World) -> PullRequest:
    told: PullRequest = world.forge.find([BRANCH])[BRANCH]
    return told


def pull(world: World) -> AzurePull:
    made: AzurePull = world.server.azure_pull(PATH, 1)
    return made


def merge(
    world: World, method: MergeMethod = MergeMethod.MERGE, *, by_forge: bool = False
) -> MergeOutcome:
    outcome: MergeOutcome = world.forge.merge(found(world), method, by_forge=by_forge)
    return outcome


def add_policy(world: World, kind: str, verdict: str, **more: object) -> None:
    policy = Policy(f"policy {kind}", kind, **more)  # type: ignore[arg-type]
    world.server.policies[PATH].append(policy)
    policy.verdicts[1, pull(world).head_commit] = verdict


# --- Threads -------------------------------------------------------------------------------------


def test_what_the_service_says_itself_is_no_comment(opened: World) -> None:
    opened.server.start_thread(pull(opened), "alice", "alice voted 10", "")
    opened.people.comment(1, "alice", "Fine.")
    assert [each.text for each in opened.forge.comments(found(opened)).comments] == ["Fine."]


def test_a_comment_that_was_deleted_is_not_told(opened: World) -> None:
    opened.people.comment(1, "alice", "/imagebot hold")
    opened.people.comment(1, "alice", "Fine.")
    pull(opened).threads[0].comments[0].is_deleted = True
    assert [each.text for each in opened.forge.comments(found(opened)).comments] == ["Fine."]


def test_an_answer_stands_in_the_thread_that_asked(opened: World) -> None:
    opened.people.comment(1, "alice", "First.")
    opened.people.comment(1, "alice", "/imagebot explain")
    asked = opened.forge.comments(found(opened)).comments[-1]
    opened.forge.answer(found(opened), asked, Reaction.DONE, "Because.")
    first, second = pull(opened).threads
    assert [said.text for said in first.comments] == ["First."]
    assert [(said.text, said.parent) for said in second.comments] == [
        ("/imagebot explain", 0),
        ("Because.", 1),
    ]


@pytest.mark.parametrize("reaction", list(Reaction))
def test_the_thread_that_a_command_opened_is_closed_by_the_answer(
    opened: World, reaction: Reaction
) -> None:
    opened.people.comment(1, "alice", "/imagebot hold")
    (asked,) = opened.forge.comments(found(opened)).comments
    opened.forge.answer(found(opened), asked, reaction, "To alice: held.")
    assert pull(opened).threads[0].status == "closed"


def test_a_discussion_in_which_a_command_was_given_stays_open(opened: World) -> None:
    opened.people.comment(1, "bob", "Is that wise?")
    opened.server.reply_as(PATH, 1, 1, "alice", "/imagebot hold")
    asked = opened.forge.comments(found(opened)).comments[-1]
    opened.forge.answer(found(opened), asked, Reaction.DONE, "To alice: held.")
    (thread,) = pull(opened).threads
    assert (thread.status, len(thread.comments)) == ("active", 3)


def test_what_imagebot_says_itself_holds_up_no_policy_on_comments(opened: World) -> None:
    opened.forge.say(found(opened), "Somebody committed to this branch.")
    assert [thread.status for thread in pull(opened).threads] == ["closed"]


def test_a_command_in_a_reply_is_a_comment_of_its_own(opened: World) -> None:
    opened.forge.say(found(opened), "It is held.")
    opened.server.reply_as(PATH, 1, 1, "alice", "/imagebot resume")
    told = opened.forge.comments(found(opened)).comments
    assert [(each.id, each.text) for each in told] == [
        ("1/1", "It is held."),
        ("1/2", "/imagebot resume"),
    ]


# --- Conversations of which a list tells nothing -------------------------------------------------


def heard(world: World, cache: Cache | None, now: datetime) -> set[str]:
    """Paths of the conversations that one run reads, of twelve open requests."""
    heads = [f"imagebot/{number:02}" for number in range(12)]
    for head in heads:
        if head not in world.forge.find(heads):
            world.bare.point(head, at=BRANCH)
            opened_by(world.forge, changes(head))
    requests = list(world.forge.find(heads).values())
    world.server.forget_requests()
    ear = Ear(world.forge, "config", cache)
    ear.hear_all(requests, now)
    ear.forget_none([])  # as a run does at its end, and a plan never
    return set(world.server.reads)


def test_each_conversation_is_read_in_turn_whenever_the_runs_are(opened: World) -> None:
    cache, noon = Cache(), datetime(2026, 11, 26, 12, tzinfo=UTC)
    runs = [heard(opened, cache, noon) for _ in range(3)]
    assert [len(each) for each in runs] == [MAX_ASKED_BLINDLY] * 3
    assert len(set().union(*runs)) == 12


def test_without_memory_the_clock_says_whose_turn_it_is(opened: World) -> None:
    noon = datetime(2026, 11, 26, 12, tzinfo=UTC)
    runs = [heard(opened, None, noon + timedelta(minutes=5 * run)) for run in range(3)]
    assert len(set().union(*runs)) == 12


# --- Who may write -------------------------------------------------------------------------------


def may_write(world: World, name: str = "alice") -> bool:
    world.people.comment(1, name, "/imagebot hold")
    asked = world.forge.comments(found(world)).comments[-1]
    may: bool = world.forge.may_write(asked.author)
    return may


def test_who_is_denied_may_not_write_whatever_a_group_allows(opened: World) -> None:
    opened.server.denied["alice"] = 4
    assert not may_write(opened)


@pytest.mark.parametrize(("name", "may"), [("alice", True), ("bob", False)])
def test_a_repository_without_a_list_of_its_own_has_its_projects(
    opened: World, name: str, may: bool
) -> None:
    opened.server.has_own_lists = False
    assert may_write(opened, name) is may


def test_a_second_account_of_the_same_name_is_another_person(opened: World) -> None:
    opened.people.comment(1, "alice", "/imagebot hold")
    opened.people.comment(1, ALICE, "/imagebot hold")  # as after the first one was deleted
    first, second = opened.forge.comments(found(opened)).comments
    assert (first.author, second.author) == (ALICE, id_of(ALICE))
    assert opened.forge.may_write(first.author)
    assert not opened.forge.may_write(second.author)


def test_where_no_list_is_told_nobody_is_let_through(opened: World) -> None:
    for _ in range(2):
        opened.server.answer_next(
            "GET", "/accesscontrollists/", 200, {"value": [], "count": 0}, acts_first=False
        )
    with pytest.raises(ForgeError, match="no permissions") as refusal:
        may_write(opened)
    assert "Security" in refusal.value.hint


def test_a_token_without_the_scopes_for_that_is_told_which(opened: World) -> None:
    opened.server.answer_next("GET", "/identities$", 401)
    with pytest.raises(ForgeError, match="401") as refusal:
        may_write(opened)
    assert "Identity (read)" in refusal.value.hint


def test_of_an_author_of_whom_nothing_was_read_nothing_is_known(opened: World) -> None:
    with pytest.raises(ForgeError, match="alice"):
        opened.forge.may_write(ALICE)
    assert opened.server.requests == []


@pytest.mark.parametrize(
    ("root", "where"),
    [
        ("https://dev.azure.com/acme", "https://vssps.dev.azure.com/acme"),
        ("https://devops.acme.example/tfs/acme", "https://devops.acme.example/tfs/acme"),
        ("https://dev.azure.com.mallory.example/x", "https://dev.azure.com.mallory.example/x"),
    ],
)
def test_only_microsofts_cloud_has_another_host_for_identities(root: str, where: str) -> None:
    assert identities_at(root) == where


# --- Statuses ------------------------------------------------------------------------------------


def show(world: World, state: StatusState = StatusState.SUCCESS) -> None:
    commit = found(world).head_commit
    world.forge.set_status(commit, CommitStatus("imagebot/cooldown", state, "old enough"))


def test_a_gate_is_shown_on_the_request_too_where_policies_look(opened: World) -> None:
    show(opened)
    assert [(each.context, each.state) for each in pull(opened).statuses] == [
        ("imagebot/cooldown", "succeeded")
    ]


def test_a_gate_finds_its_request_without_having_listed_it(opened: World) -> None:
    commit = found(opened).head_commit
    status = CommitStatus("imagebot/cooldown", StatusState.SUCCESS, "old enough")
    opened.connect().set_status(commit, status)
    assert len(pull(opened).statuses) == 1


def test_a_gate_of_a_head_that_the_service_has_not_seen_yet_is_shown_later(opened: World) -> None:
    opened.bare.push("feature/other", "2.0.0")
    commit = git(opened.bare.folder, "rev-parse", "feature/other")
    status = CommitStatus("imagebot/cooldown", StatusState.SUCCESS, "old enough")
    with pytest.raises(ForgeUnavailable, match="head"):
        opened.forge.set_status(commit, status)


# --- Merging -------------------------------------------------------------------------------------


def test_a_completion_that_takes_a_moment_is_waited_for_once(green: World) -> None:
    green.server.completes_late = True
    assert merge(green) is MergeOutcome.MERGED


def test_a_completion_that_takes_longer_is_seen_by_the_next_run(green: World) -> None:
    request = found(green)
    document = green.connect()._read(1).model_dump(mode="json")
    green.server.answer_next("PATCH", r"/pullrequests/1$", 200, document)
    outcome = green.forge.merge(request, MergeMethod.MERGE, by_forge=False)
    assert outcome is MergeOutcome.WAITING


def test_a_policy_that_says_no_at_the_last_moment_is_waited_for(green: World) -> None:
    kind = "GitPullRequestUpdateRejectedByPolicyException"
    refusal = {"message": "no", "typeKey": kind}
    green.server.answer_next("PATCH", r"/pullrequests/1$", 403, refusal)
    assert merge(green) is MergeOutcome.WAITING


def test_a_permission_that_is_missing_is_told(green: World) -> None:
    refusal = {"message": "TF401027", "typeKey": "GitNeedsPermissionException"}
    green.server.answer_next("PATCH", r"/pullrequests/1$", 403, refusal)
    with pytest.raises(ForgeError, match="TF401027") as told:
        merge(green)
    assert "needs" in told.value.hint


def test_a_conflict_waits_and_is_not_handed_over(green: World) -> None:
    green.bare.push("main", "9.9.9")
    assert merge(green) is MergeOutcome.WAITING
    assert merge(green, by_forge=True) is MergeOutcome.WAITING
    assert not green.people.is_handed_over(1)


@pytest.mark.parametrize("verdict", ["queued", "running", "rejected", "broken"])
def test_an_optional_build_that_is_not_green_waits(green: World, verdict: str) -> None:
    add_policy(green, BUILD_POLICY, verdict, is_blocking=False)
    assert merge(green) is MergeOutcome.WAITING


def test_the_forge_waits_for_what_is_optional_too(green: World) -> None:
    add_policy(green, REVIEW_POLICY, "queued", is_blocking=False)
    assert merge(green, by_forge=True) is MergeOutcome.QUEUED
    assert green.kept()[0].state == "open"
    green.server.policies[PATH].pop()
    green.people.check(1, "success")
    assert green.kept()[0].state == "merged"


def test_what_is_abandoned_is_neither_merged_nor_handed_over(green: World) -> None:
    request = found(green)
    green.set_state(1, "closed")
    green.server.forget_requests()
    for by_forge in (False, True):
        outcome = green.forge.merge(request, MergeMethod.MERGE, by_forge=by_forge)
        assert outcome is MergeOutcome.WAITING
    assert green.server.writes == []


def test_an_optional_build_that_only_a_person_starts_holds_up_nothing(green: World) -> None:
    settings = {"manualQueueOnly": True}
    add_policy(green, BUILD_POLICY, "queued", is_blocking=False, settings=settings)
    assert merge(green) is MergeOutcome.MERGED


def test_an_optional_review_holds_up_nothing_and_a_required_one_does(green: World) -> None:
    add_policy(green, REVIEW_POLICY, "queued", is_blocking=False)
    green.server.policies[PATH][-1].is_blocking = True
    assert merge(green) is MergeOutcome.WAITING
    green.server.policies[PATH][-1].is_blocking = False
    assert merge(green) is MergeOutcome.MERGED


def test_all_policies_are_looked_at_however_many_there_are(green: World) -> None:
    for _ in range(150):
        add_policy(green, REVIEW_POLICY, "approved")
    add_policy(green, REVIEW_POLICY, "queued")
    assert merge(green) is MergeOutcome.WAITING


@pytest.mark.parametrize(("state", "outcome"), [("failed", "waiting"), ("succeeded", "merged")])
def test_a_status_that_nothing_requires_counts_too(green: World, state: str, outcome: str) -> None:
    server, commit = green.server, pull(green).head_commit
    context = {"genre": "ci", "name": "lint"}
    server.statuses[commit] = {
        "ci/lint": server._status({"context": context, "state": state}),
    }
    assert merge(green) == outcome


def test_of_a_requests_statuses_the_last_of_each_counts(green: World) -> None:
    for state in (StatusState.PENDING, StatusState.FAILURE):
        show(green, state)
        assert merge(green) is MergeOutcome.WAITING
    show(green, StatusState.SUCCESS)
    assert merge(green) is MergeOutcome.MERGED


@pytest.mark.parametrize("by_forge", [False, True])
def test_a_method_that_the_policy_does_not_allow_is_for_a_person(
    green: World, by_forge: bool
) -> None:
    add_policy(green, MERGE_POLICY, "approved", settings={"allowSquash": True})
    with pytest.raises(ForgeError, match="rebase") as refusal:
        merge(green, MergeMethod.REBASE, by_forge=by_forge)
    assert refusal.value.hint
    assert merge(green, MergeMethod.SQUASH, by_forge=by_forge) is MergeOutcome.MERGED


def test_a_request_is_handed_over_with_its_method_and_keeps_its_branch(opened: World) -> None:
    opened.people.check(1, "pending")
    assert merge(opened, MergeMethod.SQUASH, by_forge=True) is MergeOutcome.QUEUED
    sent = opened.server.requests[-1].document
    assert sent["completionOptions"] == {"mergeStrategy": "squash", "deleteSourceBranch": False}
    opened.people.check(1, "success")
    assert (opened.kept()[0].state, opened.people.merge_method(1)) == ("merged", "squash")


def test_a_check_counts_for_the_head_that_it_looked_at(green: World) -> None:
    green.bare.push(BRANCH, "1.2.0")
    assert [each.name for each in green.server.policies[PATH]] == [CHECK]
    assert merge(green) is MergeOutcome.WAITING
