"""Commits that GitHub signs for its App: `imagebot apply` with `author.signing: {by: forge}`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from imagebot.cli.main import main
from imagebot.git import SigningKey
from imagebot.secret import Secret
from tests.acceptance.world import PROJECT, FickleRegistry, World
from tests.forges.conftest import private_pem, public_pem
from tests.git.signing_keys import gpg_home, run, verified
from tests.servers.git_people import Person, person_at
from tests.servers.github import APP_ID, INSTALLATION_ID, GitHubServer
from tests.servers.github_commits import BOT, GITHUB

FILE = "apps/api/deployment.yaml"
SIGNING = "author: {signing: {by: forge}}\n"


@pytest.fixture(scope="module")
def home() -> Iterator[dict[str, str]]:
    """Of GnuPG, with GitHub's key, by which tests verify too."""
    with gpg_home() as variables:
        run(["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
             "--quick-generate-key", GITHUB, "ed25519", "sign", "never"], variables)  # fmt: skip
        yield variables


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        yield server
    assert server.broken == []


@pytest.fixture
def world(tmp_path: Path, server: GitHubServer, home: dict[str, str]) -> Iterator[World]:
    with FickleRegistry() as registry:
        registry.add("acme/api", "1.0.0", "1.1.0")
        made = World(tmp_path, registry, server)
        made.set_up()
        key = rsa.generate_private_key(65537, 2048)
        server.app_key, server.commits.home = public_pem(key), home
        (tmp_path / "app.pem").write_text(private_pem(key))
        app = f"app: {{id: {APP_ID}, privateKeyFile: app.pem, installationId: {INSTALLATION_ID}}}"
        made.write_settings(
            forge=f"{{type: github, project: {PROJECT}, apiUrl: '{server.api_url}', {app}}}",
            more=SIGNING,
        )
        yield made


def is_verified(world: World, commit: str, home: dict[str, str]) -> bool:
    """As git says that knows GitHub's key, which lies in that GnuPG home."""
    key = SigningKey("openpgp", Secret(""), Path("none"))
    return "GOODSIG" in verified(world.remote, commit, key, home)


def people(world: World, commit: str) -> list[str]:
    return world.git(
        world.remote, "log", "-1", "--format=%an <%ae>%n%cn <%ce>", commit
    ).splitlines()


def test_the_commit_is_the_one_that_github_signed_and_a_second_run_writes_nothing(
    world: World, server: GitHubServer, home: dict[str, str]
) -> None:
    assert world.apply() == 0
    (commit,) = world.branches().values()
    assert [commit] == server.commits.made
    assert is_verified(world, commit, home)
    assert people(world, commit) == [BOT, GITHUB]
    before = world.everything()
    server.forget_requests()
    shutil.rmtree(world.data)
    assert world.apply() == 0
    assert world.everything() == before
    assert not [write for write in server.writes if "/git/" in write]


def test_a_newer_tag_rewrites_the_branch_with_another_signed_commit(
    world: World, server: GitHubServer, home: dict[str, str]
) -> None:
    world.apply()
    world.registry.add("acme/api", "1.2.0")
    shutil.rmtree(world.data)
    assert world.apply() == 0
    (request,) = world.open_requests()
    assert request.title == "Update acme/api to 1.2.0 (minor)"
    head = world.branches()[request.head]
    assert is_verified(world, head, home)
    base = world.git(world.remote, "rev-parse", "main").strip()
    assert world.git(world.remote, "log", "-1", "--format=%P", head).split() == [base]


def test_a_direct_commit_is_signed_too(world: World, home: dict[str, str]) -> None:
    text = world.settings.read_text()
    world.settings.write_text(text.replace("base: main\n", "base: main\n    mode: direct\n"))
    assert world.apply() == 0
    assert ":1.1.0" in world.content("main", FILE)
    assert is_verified(world, world.git(world.remote, "rev-parse", "main").strip(), home)


@pytest.mark.parametrize("ends", [b"", b"\n", b"\n\n"])
def test_however_many_line_ends_stand_behind_the_signature_the_commit_is_the_same(
    world: World, server: GitHubServer, ends: bytes
) -> None:
    server.commits.ends = ends
    assert world.apply() == 0
    assert list(world.branches().values()) == server.commits.made


@pytest.fixture
def person(world: World, tmp_path: Path) -> Person:
    return person_at(tmp_path / "person", world.remote)


def theirs(world: World, person: Person, kind: str) -> str:
    """A person's commit on the one branch of imagebot's, put beside all branches."""
    (branch,) = world.branches()
    person.git("fetch", "--quiet", str(world.remote), branch)
    person.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    if kind != "amended without a change":
        person.write(FILE, b"by hand\n")
    words = ["-m", "By hand"] if kind in ("on top", "on GitHub's page") else ["--amend"]
    if kind in ("on GitHub's page", "amended under both names"):
        person.variables.update(GIT_COMMITTER_NAME="GitHub", GIT_COMMITTER_EMAIL=GITHUB[8:-1])
    person.git("commit", "--quiet", "--all", "--no-edit", *words)
    person.push("+HEAD:refs/keep/theirs")
    return person.git("rev-parse", "HEAD")


KINDS = ["on top", "on GitHub's page", "amended", "amended without a change",
         "amended under both names"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_persons_commit_on_the_branch_is_never_overwritten(
    world: World, person: Person, kind: str
) -> None:
    world.apply()
    (branch,) = world.branches()
    mine = theirs(world, person, kind)
    world.git(world.remote, "update-ref", f"refs/heads/{branch}", mine)
    for tag in ("1.2.0", "1.3.0"):
        world.registry.add("acme/api", tag)
        shutil.rmtree(world.data)
        world.apply()
        assert world.branches()[branch] == mine


@pytest.mark.parametrize("kind", KINDS)
def test_a_persons_commit_that_comes_while_github_signs_makes_the_push_lose_its_lease(
    world: World, server: GitHubServer, person: Person, kind: str
) -> None:
    world.apply()
    (branch,) = world.branches()
    mine = theirs(world, person, kind)
    hook = world.remote / "hooks" / "pre-receive"
    hook.write_text(
        f"#!/bin/sh\nenv -u GIT_QUARANTINE_PATH git update-ref refs/heads/{branch} {mine}\n"
    )
    hook.chmod(0o755)
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    assert len(server.commits.made) == 2
    assert world.branches()[branch] == mine


def test_what_github_does_not_sign_is_not_pushed(
    world: World, server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.commits.home = {}
    assert world.apply() != 0
    printed = capsys.readouterr()
    assert "GitHub did not sign a commit" in printed.out + printed.err
    assert world.branches() == {}
    assert world.pull_requests() == ()


def test_a_commit_that_would_not_be_known_again_is_not_pushed(
    world: World, server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.commits.author = "Ada <ada@example.org>"
    assert world.apply() != 0
    printed = capsys.readouterr()
    assert "which imagebot would take for a person's" in printed.out + printed.err
    assert world.branches() == {}


def test_a_group_that_github_refuses_costs_the_others_nothing(
    world: World, server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    world.registry.add("acme/web", "1.0.0", "1.1.0")
    world.write_policy("web")
    world.write_deployment("web", "1.0.0")
    world.commit("Add web", push=True)
    server.answer_next("POST", "/git/commits", 422, {"message": "no"})
    assert world.apply() != 0
    printed = capsys.readouterr()
    assert "cannot make a signed commit" in printed.out + printed.err
    assert len(world.branches()) == len(world.open_requests()) == 1
    assert world.apply() == 0
    assert len(world.branches()) == len(world.open_requests()) == 2


def test_github_that_limits_the_rate_is_asked_for_no_further_commit_in_the_run(
    world: World, server: GitHubServer
) -> None:
    world.registry.add("acme/web", "1.0.0", "1.1.0")
    world.write_policy("web")
    world.write_deployment("web", "1.0.0")
    world.commit("Add web", push=True)
    limit = {"message": "You have exceeded a secondary rate limit."}
    server.answer_next("POST", "/git/trees", 403, limit, {"Retry-After": "60"})
    assert world.apply() != 0
    assert len([write for write in server.writes if "/git/" in write]) == 1
    assert world.branches() == {}
    assert world.apply() == 0
    assert len(world.branches()) == 2


def test_a_token_that_is_no_apps_is_refused_before_anything_is_written(
    world: World, server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_settings(more=SIGNING)
    assert world.apply() != 0
    printed = capsys.readouterr()
    assert "this forge signs no commits of imagebot" in printed.out + printed.err
    assert server.requests == []
    capsys.readouterr()
    assert main(["check", str(world.settings)]) == 3
    assert ".forge: this forge signs no commits of imagebot" in capsys.readouterr().out
