"""What a real Gitea is seen to do with what people say, and with requests that end."""

from tests.real_gitea.world import RealWorld, wait_until


def alices_explain_is_answered_with_a_reaction_and_a_reply(world: RealWorld) -> None:
    assert "highest tag that the policy allows" in _answer(world, "/imagebot explain")


def alices_hold_stops_updates_and_her_resume_lets_them_go_on(world: RealWorld) -> None:
    _answer(world, "/imagebot hold waiting for the database")
    world.registry.add("acme/api", "1.2.0")
    world.settles()
    assert world.states() == [("open", "1.1.0 (minor)")]
    _answer(world, "/imagebot resume")
    assert world.states() == [("open", "1.2.0 (minor)")]


def alices_skip_closes_and_that_version_is_not_proposed_again(world: RealWorld) -> None:
    assert "not proposed again" in _answer(world, "/imagebot skip not yet")
    world.settles()
    assert world.states() == [("closed", "1.1.0 (minor)")]


def alices_rebuild_is_answered_with_a_reaction_and_a_reply(world: RealWorld) -> None:
    _answer(world, "/imagebot rebuild")


def alices_snooze_puts_a_request_off(world: RealWorld) -> None:
    _answer(world, "/imagebot snooze 7d")
    world.registry.add("acme/api", "1.2.0")
    world.settles()
    assert world.states() == [("open", "1.1.0 (minor)")]


def bob_who_may_only_read_is_refused(world: RealWorld) -> None:
    world.apply()
    world.say("/imagebot skip", "bob")
    world.apply()
    (reply,), (comment,) = world.comments("imagebot"), world.comments("bob")
    assert "write access" in reply["body"]
    assert world.reactions(comment) == [("imagebot", "confused")]
    assert world.states() == [("open", "1.1.0 (minor)")]
    world.settles()


def a_persons_commit_is_told_of_once_and_stays_until_a_rebuild(world: RealWorld) -> None:
    world.apply()
    commit = world.commit_to_the_request()
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    world.settles()
    (told,) = world.comments("imagebot")
    assert commit[:12] in told["body"]
    assert list(world.branches().values()) == [commit]
    world.say("/imagebot rebuild")
    world.apply()
    assert list(world.branches().values()) != [commit]
    assert ":1.2.0" in world.text_at(world.pull()["head"]["ref"])
    world.settles()


def the_hold_label_holds_as_long_as_it_is_on(world: RealWorld) -> None:
    world.apply()
    label = world.label("imagebot/hold")
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    world.settles()
    assert world.states() == [("open", "1.1.0 (minor)")]
    world.ask("DELETE", f"/issues/1/labels/{label}", who="alice")
    world.apply()
    assert world.states() == [("open", "1.2.0 (minor)")]


def a_closed_version_is_not_proposed_again_and_the_next_one_is(world: RealWorld) -> None:
    world.apply()
    world.turn("closed")
    world.apply()
    world.settles()
    assert world.states() == [("closed", "1.1.0 (minor)")]
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert world.states() == [("closed", "1.1.0 (minor)"), ("open", "1.2.0 (minor)")]
    world.settles()


def a_reopened_request_goes_on(world: RealWorld) -> None:
    world.apply()
    world.turn("closed")
    world.turn("open")
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert world.states() == [("open", "1.2.0 (minor)")]
    world.settles()


def an_obsolete_request_is_closed_with_a_comment_and_its_branch_deleted(world: RealWorld) -> None:
    world.apply()
    world.write_deployment("api", "1.1.0")
    world.commit("By hand", push=True)
    world.apply()
    (told,) = world.comments("imagebot")
    assert "closes this request" in told["body"]
    assert (world.states(), world.branches()) == ([("closed", "1.1.0 (minor)")], {})
    world.settles()


def merged_by_the_forge_when_the_required_check_turns_green(world: RealWorld) -> None:
    protection = {
        "rule_name": "main",
        "enable_push": True,
        "enable_status_check": True,
        "status_check_contexts": ["ci"],
    }
    world.ask("POST", "/branch_protections", protection)
    world.rules("{autoMerge: {steps: [minor], by: forge}}")
    world.apply()
    world.apply()
    pull = world.pull()
    assert not pull["merged"]
    path = f"/statuses/{pull['head']['sha']}"
    world.ask("POST", path, {"context": "ci", "state": "success"}, who="alice")
    wait_until(lambda: world.pull()["merged"], "merged by the forge")
    assert ":1.1.0" in world.text_at("main")
    world.apply()
    assert world.branches() == {}
    world.settles()


def merged_by_imagebot_as_a_squash(world: RealWorld) -> None:
    how = "steps: [minor], by: imagebot, method: squash, withoutChecks: true"
    world.rules(f"{{autoMerge: {{{how}}}}}")
    base = world.refs()["refs/heads/main"]
    world.apply()
    assert not world.pull()["merged"]  # checks are let appear first
    wait_until(lambda: world.pull()["mergeable"], "free of conflicts")
    said = world.apply()
    assert world.pull()["merged"], (said, world.exchanges.asked)
    # The listing does not say by whom.
    assert world.ask("GET", "/pulls/1")["merged_by"]["login"] == "imagebot"
    assert ":1.1.0" in world.text_at("main")
    parents = world.git(world.checkout, "log", "-1", "--format=%P", "FETCH_HEAD").split()
    assert parents == [base]
    world.apply()
    assert world.branches() == {}
    world.settles()


def _answer(world: RealWorld, command: str) -> str:
    """Alice says it on the request, and imagebot takes it: a reaction and one reply, once."""
    if not world.pulls():
        world.apply()
    before = len(world.comments("imagebot"))
    world.say(command)
    world.apply()
    assert world.reactions(world.comments("alice")[-1]) == [("imagebot", "+1")]
    replies = world.comments("imagebot")[before:]
    assert len(replies) == 1
    assert replies[0]["body"].startswith("To ")
    world.settles()
    return str(replies[0]["body"])


BEHAVIOURS = (
    alices_explain_is_answered_with_a_reaction_and_a_reply,
    alices_hold_stops_updates_and_her_resume_lets_them_go_on,
    alices_skip_closes_and_that_version_is_not_proposed_again,
    alices_rebuild_is_answered_with_a_reaction_and_a_reply,
    alices_snooze_puts_a_request_off,
    bob_who_may_only_read_is_refused,
    a_persons_commit_is_told_of_once_and_stays_until_a_rebuild,
    the_hold_label_holds_as_long_as_it_is_on,
    a_closed_version_is_not_proposed_again_and_the_next_one_is,
    a_reopened_request_goes_on,
    an_obsolete_request_is_closed_with_a_comment_and_its_branch_deleted,
    merged_by_the_forge_when_the_required_check_turns_green,
    merged_by_imagebot_as_a_squash,
)
