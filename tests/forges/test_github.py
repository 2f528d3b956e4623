"""What is GitHub's own: Apps, its two rate limits, its filters, its reasons."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from imagebot.demo.github_kept import Status
from imagebot.demo.json_server import Request
from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.credentials import AppCredentials, TokenCredentials
from imagebot.forges.github import GitHub
from imagebot.forges.github_heads import HEADS_AT_ONCE, SHOWN
from imagebot.proposals import PullRequestState, UnsignedCommit
from imagebot.secret import Secret
from imagebot.talk import CommitStatus, MergeMethod, MergeOutcome, StatusState
from tests.forges.conftest import private_pem, public_pem
from tests.forges.world import PROJECT, World, changes, git, opened_by
from tests.git.signing_keys import gpg_home, run
from tests.servers.github import APP_ID, INSTALLATION_ID
from tests.servers.github_commits import GITHUB

BRANCH = "imagebot/api-1a2b"
TOKENS_PATH = f"POST /app/installations/{INSTALLATION_ID}/access_tokens"


@pytest.fixture
def app(github: World, app_key: RSAPrivateKey) -> GitHub:
    github.server.app_key = public_pem(app_key)
    github.bare.push(BRANCH)
    return connect(github, app_key)


def connect(world: World, key: RSAPrivateKey, installation_id: int | None = None) -> GitHub:
    credentials = AppCredentials(str(APP_ID), Secret(private_pem(key)), installation_id)
    return GitHub(PROJECT, credentials, api_url=world.server.api_url)


def test_an_app_opens_a_pull_request_with_one_short_token(app: GitHub, github: World) -> None:
    made = app.create(changes(labels=("images",), reviewers=("alice",)))
    assert app.find([BRANCH])[BRANCH].number == made.number
    assert github.server.pull_requests(PROJECT)[0].author == "imagebot[bot]"
    assert github.server.writes.count(TOKENS_PATH) == 1


def test_an_app_with_a_known_installation_does_not_ask_for_it(
    app: GitHub, github: World, app_key: RSAPrivateKey
) -> None:
    connect(github, app_key, INSTALLATION_ID).find([BRANCH])
    assert f"GET /repos/{PROJECT}/installation" not in github.server.reads


def test_a_token_is_asked_for_no_more_than_pull_requests_need(app: GitHub, github: World) -> None:
    app.find([BRANCH])
    assert github.server.granted == {
        "contents": "write",
        "pull_requests": "write",
        "metadata": "read",
        "issues": "write",
        "statuses": "write",
        "checks": "read",
    }


def test_an_app_without_the_permission_for_issues_does_without(app: GitHub, github: World) -> None:
    github.server.app_permissions -= {"issues"}
    app.create(changes())
    assert "issues" not in github.server.granted
    assert github.server.granted["statuses"] == "write"


def test_a_token_is_renewed_before_it_runs_out(app: GitHub, github: World) -> None:
    github.server.token_lifetime = timedelta(minutes=4)
    first, second = (app.git_credentials()[1].reveal() for _ in range(2))
    assert [first, second] == github.server.issued_tokens
    github.server.token_lifetime = timedelta(hours=1)
    third, fourth = (app.git_credentials()[1].reveal() for _ in range(2))
    assert third == fourth


def test_git_gets_the_installations_token(app: GitHub, github: World) -> None:
    user, token = app.git_credentials()
    assert (user, token.reveal()) == ("x-access-token", github.server.issued_tokens[-1])


def test_a_revoked_token_is_replaced_at_the_next_try(app: GitHub, github: World) -> None:
    app.create(changes())
    github.server.end_tokens()
    with pytest.raises(ForgeError, match="401"):
        app.find([BRANCH])
    assert set(app.find([BRANCH])) == {BRANCH}


def test_a_key_of_another_app_is_refused(
    app: GitHub, github: World, other_key: RSAPrivateKey
) -> None:
    with pytest.raises(ForgeError, match="401") as refusal:
        connect(github, other_key).find([BRANCH])
    assert "key" in refusal.value.hint


@pytest.mark.parametrize("key", ["not a key", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n"])
def test_a_text_that_is_no_key_is_refused_without_showing_it(github: World, key: str) -> None:
    credentials = AppCredentials(str(APP_ID), Secret(key))
    forge = GitHub(PROJECT, credentials, api_url=github.server.api_url)
    with pytest.raises(ForgeError, match="key") as refusal:
        forge.find([BRANCH])
    assert key not in f"{refusal.value} {refusal.value.hint}"
    assert github.server.requests == []


@pytest.mark.parametrize(("app_id", "key"), [("", "x"), ("1", "")])
def test_an_app_without_id_or_key_is_refused(app_id: str, key: str) -> None:
    with pytest.raises(ForgeError, match="both"):
        GitHub(PROJECT, AppCredentials(app_id, Secret(key)))


def test_an_app_that_is_not_installed_is_told_so(app: GitHub, github: World) -> None:
    github.server.answer_next("GET", "/installation$", 404, {"message": "Not Found"})
    with pytest.raises(ForgeError, match="404"):
        app.find([BRANCH])


def test_no_installation_token_is_logged(
    app: GitHub, github: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app.create(changes())
    assert github.server.issued_tokens[0] not in caplog.text


def test_the_primary_limit_is_over_when_github_says(github: World) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}
    message = {"message": "API rate limit exceeded for installation ID 815."}
    github.server.answer_next("GET", "/pulls$", 403, message, headers)
    with pytest.raises(ForgeUnavailable) as refusal:
        github.forge.find([BRANCH])
    assert refusal.value.retry_after_seconds == 24 * 3600  # bounded: what was said is absurd


def test_the_secondary_limit_lasts_a_minute_where_github_does_not_say(github: World) -> None:
    message = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    github.server.answer_next("GET", "/pulls$", 403, message, {"X-RateLimit-Remaining": "4000"})
    with pytest.raises(ForgeUnavailable) as refusal:
        github.forge.find([BRANCH])
    assert refusal.value.retry_after_seconds == 60


def test_a_missing_permission_is_no_rate_limit(github: World) -> None:
    message = {"message": "Resource not accessible by personal access token"}
    asked = {"X-Accepted-GitHub-Permissions": "pull_requests=write", "X-RateLimit-Remaining": "9"}
    github.bare.push(BRANCH)
    github.server.answer_next("POST", "/pulls$", 403, message, asked)
    with pytest.raises(ForgeError) as refusal:
        opened_by(github.forge, changes())
    assert not refusal.value.can_retry
    assert "pull_requests=write" in refusal.value.hint


def test_pull_requests_of_other_heads_are_not_taken_where_the_filter_is_ignored(
    github: World,
) -> None:
    github.bare.push("feature/x")
    opened_by(github.forge, changes("feature/x", title="A person's"))
    everything = github.server.answer(_listing(github)).document
    for _ in range(2):
        github.server.answer_next("GET", "/pulls$", 200, everything)
    assert github.forge.find([BRANCH]) == {}


def test_a_pull_request_of_a_deleted_fork_is_not_ours(github: World) -> None:
    github.bare.push(BRANCH)
    opened_by(github.forge, changes())
    listed = github.server.answer(_listing(github)).document
    listed[0]["head"]["repo"] = None
    for _ in range(2):
        github.server.answer_next("GET", "/pulls$", 200, listed)
    assert github.forge.find([BRANCH]) == {}


def test_the_projects_name_is_compared_without_case(github: World) -> None:
    github.bare.push(BRANCH)
    opened_by(github.forge, changes())
    assert set(github.connect(project="ACME/Config").find([BRANCH])) == {BRANCH}


def test_a_merged_pull_request_is_found_as_merged(github: World) -> None:
    github.bare.push(BRANCH)
    opened_by(github.forge, changes())
    github.bare.point("main", at=BRANCH)
    assert github.forge.find([BRANCH])[BRANCH].state is PullRequestState.MERGED


def test_a_teams_review_is_requested(github: World) -> None:
    github.bare.push(BRANCH)
    opened_by(github.forge, changes(reviewers=("acme/platform", "acme/nobody", "alice")))
    assert github.kept()[0].reviewers == ["alice", "acme/platform"]


def test_the_author_as_reviewer_does_not_fail_the_pull_request(github: World) -> None:
    github.bare.push(BRANCH)
    opened_by(github.forge, changes(reviewers=("imagebot",)))
    assert github.kept()[0].reviewers == []


def test_a_refused_label_is_warned_of_and_the_rest_is_done(
    github: World, caplog: pytest.LogCaptureFixture
) -> None:
    github.bare.push(BRANCH)
    refused = {"message": "Resource not accessible by integration"}
    github.server.answer_next("POST", "/labels$", 403, refused)
    told = opened_by(github.forge, changes(labels=("images",), reviewers=("alice",)))
    assert told.labels == ()
    assert github.kept()[0].reviewers == ["alice"]
    assert "images" in caplog.text


def test_a_pull_request_without_a_difference_is_refused_with_githubs_reason(
    github: World,
) -> None:
    github.bare.point(BRANCH, at="main")
    with pytest.raises(ForgeError, match="No commits between main and"):
        opened_by(github.forge, changes())


def test_a_title_that_is_too_long_is_refused_with_githubs_reason(github: World) -> None:
    github.bare.push(BRANCH)
    with pytest.raises(ForgeError, match="title is too long"):
        opened_by(github.forge, changes(title="x" * 257))


def test_a_password_in_the_users_netrc_is_not_sent(
    github: World, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    token = TokenCredentials(Secret(github.own_token))
    assert GitHub(PROJECT, token, api_url=github.server.api_url).find([BRANCH]) == {}


# --- Who we are ----------------------------------------------------------------------------------


def test_an_app_knows_its_own_comments(app: GitHub, github: World) -> None:
    made = app.create(changes())
    app.say(made, "Held.")
    (said,) = app.comments(made).comments
    assert (said.author, said.is_own) == ("imagebot[bot]", True)


def test_a_change_that_is_a_moment_old_is_no_version_yet(github: World) -> None:
    """GitHub tells the second only, within which somebody may say one thing more."""
    github.bare.push(BRANCH)
    opened_by(github.forge, changes())
    assert github.forge.find([BRANCH])[BRANCH].version
    github.server._last_change = datetime.now(UTC) + timedelta(minutes=1)
    github.people.comment(1, "alice", "/imagebot hold")
    assert github.forge.find([BRANCH])[BRANCH].version == ""


def test_a_limit_of_graphql_is_a_limit(github: World) -> None:
    github.bare.push(BRANCH)
    made = opened_by(github.forge, changes())
    github.people.comment(1, "alice", "Hello?")
    limited = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    headers = {"Retry-After": "90"}
    github.server.answer_next("POST", "/graphql$", 200, limited, headers)
    with pytest.raises(ForgeUnavailable) as refusal:
        github.forge.say(made, "Hello.")
    assert refusal.value.retry_after_seconds == 90


def test_an_error_of_graphql_is_told_without_our_secret(github: World) -> None:
    github.bare.push(BRANCH)
    made = opened_by(github.forge, changes())
    github.people.comment(1, "alice", "Hello?")
    echo = {"errors": [{"type": "FORBIDDEN", "message": f"not with {github.own_token}"}]}
    github.server.answer_next("POST", "/graphql$", 200, echo)
    with pytest.raises(ForgeError, match=r"not with \*\*\*\*") as refusal:
        github.forge.say(made, "Hello.")
    assert "needs" in refusal.value.hint


def test_a_status_that_must_not_be_set_is_told_with_what_is_needed(github: World) -> None:
    github.bare.push(BRANCH)
    made = opened_by(github.forge, changes())
    refused = {"message": "Resource not accessible by integration"}
    github.server.answer_next("POST", "/statuses/", 403, refused)
    status = CommitStatus("imagebot/soak", StatusState.PENDING, "x")
    with pytest.raises(ForgeError, match="imagebot/soak") as refusal:
        github.forge.set_status(made.head_commit, status)
    assert "commit statuses: write" in refusal.value.hint


# --- Drafts and merges ---------------------------------------------------------------------------


def test_where_drafts_are_not_to_be_had_the_request_is_opened_without(
    github: World, caplog: pytest.LogCaptureFixture
) -> None:
    github.bare.push(BRANCH)
    refused = {"message": "Draft pull requests are not supported in this repository."}
    github.server.answer_next("POST", "/pulls$", 422, refused)
    assert not opened_by(github.forge, changes(is_draft=True)).is_draft
    assert "no draft" in caplog.text


@pytest.fixture
def green(github: World) -> World:
    github.bare.push(BRANCH)
    opened_by(github.forge, changes())
    github.people.check(1, "success")
    return github


def merge(world: World, *, by_forge: bool) -> MergeOutcome:
    request = world.forge.find([BRANCH])[BRANCH]
    outcome: MergeOutcome = world.forge.merge(request, MergeMethod.SQUASH, by_forge=by_forge)
    return outcome


@pytest.mark.parametrize("by_forge", [False, True])
@pytest.mark.parametrize("state", ["pending", "failure"])
def test_a_red_or_running_check_that_is_not_required_is_waited_for(
    green: World, state: str, by_forge: bool
) -> None:
    commit = green.forge.find([BRANCH])[BRANCH].head_commit
    green.server.repository(PROJECT).statuses[commit]["other"] = Status(state, None, None)
    assert merge(green, by_forge=by_forge) is MergeOutcome.WAITING


def test_what_is_green_goes_into_the_merge_queue_once(green: World) -> None:
    green.server.repository(PROJECT).has_merge_queue = True
    green.server.forget_requests()
    for _ in range(2):
        assert merge(green, by_forge=True) is MergeOutcome.QUEUED
    assert green.server.pull_requests(PROJECT)[0].is_queued
    assert len(green.server.writes) == 3  # two questions, one enqueuing


def test_what_was_handed_over_and_lies_there_green_is_queued(green: World) -> None:
    green.server.repository(PROJECT).has_merge_queue = True
    green.people.check(1, "pending")
    assert merge(green, by_forge=True) is MergeOutcome.QUEUED
    assert green.people.is_handed_over(1)
    green.server.repository(PROJECT).required.clear()
    green.server.repository(PROJECT).statuses.clear()
    assert merge(green, by_forge=True) is MergeOutcome.QUEUED
    assert green.server.pull_requests(PROJECT)[0].is_queued


def test_what_waits_in_a_merge_queue_is_called_back(green: World) -> None:
    green.server.repository(PROJECT).has_merge_queue = True
    asked = green.forge.find([BRANCH])[BRANCH]
    assert merge(green, by_forge=True) is MergeOutcome.QUEUED
    assert green.server.pull_requests(PROJECT)[0].is_queued
    green.forge.call_back(asked)
    assert not green.people.is_handed_over(1)


def test_a_merge_queue_that_we_may_not_see_is_no_obstacle_elsewhere(green: World) -> None:
    asked = green.forge.find([BRANCH])[BRANCH]
    told = green.server._merging({"owner": "acme", "name": "config", "number": 1, "base": "main"})
    forbidden = {"type": "FORBIDDEN", "path": ["repository", "mergeQueue"], "message": "no"}
    partial = {"data": told, "errors": [forbidden]}
    green.server.answer_next("POST", "/graphql$", 200, partial)
    outcome = green.forge.merge(asked, MergeMethod.MERGE, by_forge=True)
    assert outcome is MergeOutcome.MERGED


def test_a_merge_past_the_queue_is_refused_with_what_to_do(green: World) -> None:
    reason = {"message": "Changes must be made through the merge queue"}
    green.server.answer_next("PUT", "/merge$", 405, reason)
    with pytest.raises(ForgeError) as refusal:
        merge(green, by_forge=False)
    assert "queue" in refusal.value.hint


def test_auto_merge_that_is_switched_off_is_refused_with_what_to_do(green: World) -> None:
    green.server.repository(PROJECT).allows_auto_merge = False
    green.people.check(1, "pending")
    with pytest.raises(ForgeError, match="Auto merge is not allowed") as refusal:
        merge(green, by_forge=True)
    assert not refusal.value.can_retry
    assert "settings" in refusal.value.hint


def test_a_method_that_is_switched_off_is_refused_with_what_to_do(green: World) -> None:
    green.server.repository(PROJECT).methods = {"merge"}
    with pytest.raises(ForgeError, match="not allowed") as refusal:
        merge(green, by_forge=False)
    assert "squash" in refusal.value.hint


def test_an_issue_is_found_among_pull_requests(green: World) -> None:
    made = green.forge.open_issue("Images", "<!-- x -->", ())
    green.bare.push("imagebot/other")
    opened_by(green.forge, changes("imagebot/other", body="<!-- x -->"))
    assert green.forge.find_issue("<!-- x -->") == made


def unsigned(world: World, files: dict[str, bytes]) -> UnsignedCommit:
    """As git would make it of these files, on the base."""
    folder = world.bare.folder
    parent, base_tree = git(folder, "rev-parse", "main"), git(folder, "rev-parse", "main^{tree}")
    git(folder, "read-tree", base_tree)
    for path, content in files.items():
        (folder / "content").write_bytes(content)
        blob = git(folder, "hash-object", "-w", str(folder / "content"))
        git(folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    tree = git(folder, "write-tree")
    entries = {path: ("100644", content) for path, content in files.items()}
    return UnsignedCommit(b"", tree, (parent,), "Update\n", base_tree, entries)


@pytest.fixture
def gpg() -> Iterator[dict[str, str]]:
    with gpg_home() as variables:
        run(["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
             "--quick-generate-key", GITHUB, "ed25519", "sign", "never"], variables)  # fmt: skip
        yield variables


def test_a_commit_of_texts_is_signed_by_two_requests_and_moves_no_branch(
    app: GitHub, github: World, gpg: dict[str, str]
) -> None:
    github.server.commits.home = gpg
    before = git(github.bare.folder, "for-each-ref")
    asked = unsigned(github, {"app.yaml": "image: api:2 # \u00e4\r\n".encode(), "new/b": b""})
    signed = app.sign(asked)
    assert [signed.commit] == github.server.commits.made
    assert signed.content.startswith(f"tree {asked.tree}\n".encode())
    assert signed.signature.startswith(b"-----BEGIN PGP SIGNATURE-----")
    assert [each for each in github.server.writes if "/git/" in each] == [
        f"POST /repos/{PROJECT}/git/trees", f"POST /repos/{PROJECT}/git/commits",
    ]  # fmt: skip
    assert git(github.bare.folder, "for-each-ref") == before


@pytest.mark.parametrize("content", [b"\xff\xfe", b"text with \0"])
def test_bytes_that_are_no_text_arrive_as_they_are(
    app: GitHub, github: World, gpg: dict[str, str], content: bytes
) -> None:
    github.server.commits.home = gpg
    asked = unsigned(github, {"app.yaml": content})
    assert app.sign(asked).commit
    assert f"POST /repos/{PROJECT}/git/blobs" in github.server.writes


def test_a_token_of_a_person_gets_no_signature_and_that_is_told(
    github: World, gpg: dict[str, str]
) -> None:
    github.server.commits.home = gpg
    forge = GitHub(PROJECT, TokenCredentials(Secret(github.server.token)),
                   api_url=github.server.api_url)  # fmt: skip
    with pytest.raises(ForgeError, match="did not sign a commit for acme/config: unsigned") as no:
        forge.sign(unsigned(github, {"app.yaml": b"x"}))
    assert "Apps alone" in no.value.hint


def test_other_files_than_were_asked_for_are_refused(
    app: GitHub, github: World, gpg: dict[str, str]
) -> None:
    github.server.commits.home = gpg
    asked = unsigned(github, {"app.yaml": b"x"})
    with pytest.raises(ForgeError, match="made other files"):
        app.sign(replace(asked, files={"app.yaml": ("100755", b"x")}))
    assert github.server.commits.made == []


def _listing(world: World) -> Request:
    """The request that lists all pull requests, as the client sent it last."""
    world.forge.find(["imagebot/none"])
    listings = [seen for seen in world.server.requests if seen.method == "GET"]
    return next(seen for seen in listings if seen.path.endswith("/pulls"))


def with_closed_ones(world: World, count: int) -> list[str]:
    """Heads with a request that was closed or merged, or closed twice, or a fork's of that name."""
    heads = [f"imagebot/{number:02}" for number in range(count)]
    for head in heads:
        world.bare.push(head)
        opened_by(world.forge, changes(head, labels=("image", "minor")))
    for kept in list(world.kept()):
        world.set_state(kept.number, "closed")
    opened_by(world.forge, changes(heads[1], title="again"))
    world.set_state(count + 1, "closed")
    world.open_from_fork(heads[2])
    return heads


def test_many_heads_are_told_as_each_alone_is(github: World) -> None:
    heads = with_closed_ones(github, 5)
    alone = {head: github.forge.find([head])[head] for head in heads}
    together = github.forge.find([*heads, "imagebot/new"])
    assert set(together) == set(heads)
    assert together[heads[1]].title == "again"
    for head in heads:
        assert replace(together[head], version="") == replace(alone[head], version="")


@pytest.mark.parametrize("state", ["open", "closed"])
def test_no_crowd_of_fork_requests_hides_ours_among_many_heads(github: World, state: str) -> None:
    heads = [f"imagebot/{number:02}" for number in range(5)]
    github.bare.push(heads[0])
    opened_by(github.forge, changes(heads[0], title="Ours"))
    github.open_from_fork(heads[0])
    pulls = github.server._repositories[PROJECT].pulls
    pulls[0].state = state
    theirs = pulls[-1]
    pulls += [replace(theirs, number=theirs.number + more) for more in range(1, SHOWN + 2)]
    for each in pulls[1:]:
        each.state = "closed"  # else all open ones are listed before
    assert github.forge._newest_of_many(heads)[heads[0]].title == "Ours"
    assert github.forge.find(heads)[heads[0]].title == "Ours"


def test_500_new_heads_cost_one_question_for_fifty(github: World) -> None:
    heads = [f"imagebot/{number:03}" for number in range(500)]
    github.server.forget_requests()
    assert github.forge.find(heads) == {}
    asked = [seen.path for seen in github.server.requests]
    print(f"\n500 new heads: {len(asked)} requests")
    assert len(asked) == 1 + 500 // HEADS_AT_ONCE


def test_one_fault_among_many_questions_is_asked_once_more(github: World) -> None:
    heads = with_closed_ones(github, 5)
    new = [f"imagebot/new-{number:03}" for number in range(2 * HEADS_AT_ONCE)]
    github.server.fail_next("POST", "/graphql$", "resets")
    assert set(github.forge.find([*heads, *new])) == set(heads)
    for _ in range(2):
        github.server.fail_next("POST", "/graphql$", "resets")
    with pytest.raises(ForgeUnavailable):
        github.forge.find([*heads, *new])
