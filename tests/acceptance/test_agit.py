"""Requests that are opened by pushes alone (AGit, of Gitea and Forgejo): `imagebot apply`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.world import World
from tests.servers.agit import AgitServer
from tests.servers.git_people import Person, person_at

FILE = "apps/api/deployment.yaml"


@pytest.fixture
def server(world: World) -> AgitServer:
    world.write_settings(forge="{type: plain, agit: true}")
    return AgitServer(world.remote).set_up()


def test_a_new_tag_becomes_a_request_and_no_branch(world: World, server: AgitServer) -> None:
    assert world.apply() == 0
    (request,) = server.requests()
    assert (request.base, request.state) == ("main", "open")
    assert request.title == "Update acme/api to 1.1.0 (minor)"
    assert request.topic.startswith("imagebot/")
    assert ":1.1.0" in server.content(request.number, FILE)
    assert world.branches() == {}


def test_a_second_run_pushes_nothing_even_when_all_local_state_is_lost(
    world: World, server: AgitServer
) -> None:
    world.apply()
    before = server.refs(), server.requests()
    assert world.apply() == 0
    shutil.rmtree(world.data)
    assert world.apply() == 0
    assert (server.refs(), server.requests()) == before


def test_a_newer_tag_updates_the_same_request(world: World, server: AgitServer) -> None:
    world.apply()
    shutil.rmtree(world.data)
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    (request,) = server.requests()
    assert request.pushes == 2
    assert ":1.2.0" in server.content(1, FILE)
    before = server.refs()
    shutil.rmtree(world.data)
    assert world.apply() == 0
    assert server.refs() == before


def test_an_update_adds_to_the_commits_of_a_request_and_shows_the_wanted_change_alone(
    world: World, server: AgitServer
) -> None:
    """Also when the base has moved: the first parent is the base, the second what stood there."""
    world.apply()
    first = server.head(1)
    (world.checkout / "README.md").write_text("hello\n")
    world.commit("Add a page", push=True)
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    base = world.git(world.remote, "rev-parse", "main").strip()
    parents = world.git(world.remote, "log", "-1", "--format=%P", server.head(1)).split()
    assert parents == [base, first]
    changed = world.git(world.remote, "diff", "--name-only", f"main...{server.head(1)}")
    assert changed.split() == [FILE]
    assert not server.was_forced()


def test_requests_of_two_groups_do_not_disturb_each_other(world: World, server: AgitServer) -> None:
    world.registry.add("acme/web", "1.0.0", "1.1.0")
    world.write_policy("web")
    world.write_deployment("web", "1.0.0")
    world.commit("Add web", push=True)
    world.apply()
    titles = {request.title for request in server.requests()}
    assert titles == {f"Update acme/{name} to 1.1.0 (minor)" for name in ("api", "web")}
    before = server.refs()
    assert world.apply() == 0
    assert server.refs() == before


def test_a_merged_request_leaves_nothing_to_do_and_the_next_tag_opens_another(
    world: World, server: AgitServer
) -> None:
    world.apply()
    server.close(1, merge=True)
    before = server.refs()
    assert world.apply() == 0
    assert server.refs() == before
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    assert [(each.state, each.title) for each in server.requests()] == [
        ("merged", "Update acme/api to 1.1.0 (minor)"),
        ("open", "Update acme/api to 1.2.0 (minor)"),
    ]


def test_what_a_person_closed_is_not_asked_for_again_but_the_next_tag_is(
    world: World, server: AgitServer
) -> None:
    world.apply()
    server.close(1)
    shutil.rmtree(world.data)
    assert world.apply() == 0
    assert [each.state for each in server.requests()] == ["closed"]
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    assert [each.state for each in server.requests()] == ["closed", "open"]


def theirs(world: World, person: Person, kind: str) -> str:
    """A person's commit for the request, on the server under a name of its own."""
    person.git("fetch", "--quiet", str(world.remote), "refs/pull/1/head")
    person.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    person.write(FILE, b"by hand\n")
    how = {
        "on top": ["-m", "By hand"],
        "on top, under the bot's name": ["-m", "By hand", *AS_BOT],
        "amended": ["--amend", "--no-edit"],
        "amended with other words": ["--amend", "-m", "Mine"],
    }
    person.git("commit", "--quiet", "--all", *how[kind])
    person.push("+HEAD:refs/keep/theirs")
    return person.git("rev-parse", "HEAD")


AS_BOT = ["--author", "imagebot <imagebot@users.noreply.example>"]
KINDS = ["on top", "on top, under the bot's name", "amended", "amended with other words"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ["before the run", "during the push"])
def test_a_persons_commit_in_the_request_is_never_overwritten(
    world: World, server: AgitServer, tmp_path: Path, kind: str, moment: str
) -> None:
    world.apply()
    mine = theirs(world, person_at(tmp_path / "person", world.remote), kind)
    put = f"git update-ref refs/pull/1/head {mine}"
    world.registry.add("acme/api", "1.2.0")
    if moment == "before the run":
        world.git(world.remote, *put.split()[1:])
    else:
        server.at_the_next_push(put)
    for tag in ("1.3.0", "1.4.0", "1.5.0"):
        world.apply()
        assert server.head(1) == mine
        world.registry.add("acme/api", tag)
        shutil.rmtree(world.data)
    assert len(server.requests()) == 1
    assert not server.was_forced()


def test_a_commit_of_a_person_that_imagebot_cannot_place_fails_its_own_group_only(
    world: World, server: AgitServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.apply()
    mine = theirs(world, person_at(tmp_path / "person", world.remote), "on top")
    world.git(world.remote, "update-ref", "refs/pull/1/head", mine)
    world.registry.add("acme/api", "1.2.0")
    world.registry.add("acme/web", "1.0.0", "1.1.0")
    world.write_policy("web")
    world.write_deployment("web", "1.0.0")
    world.commit("Add web", push=True)
    assert world.apply() != 0
    printed = capsys.readouterr()
    assert "holds a commit that imagebot did not make" in printed.out + printed.err
    assert server.head(1) == mine
    assert [each.title for each in server.requests()][1:] == ["Update acme/web to 1.1.0 (minor)"]


def test_a_persons_push_after_ours_has_to_keep_our_commit_and_then_stays(
    world: World, server: AgitServer, tmp_path: Path
) -> None:
    """The last moment: our push was taken, theirs comes after it, by AGit itself."""
    world.apply()
    person = person_at(tmp_path / "person", world.remote)
    theirs(world, person, "on top")
    world.registry.add("acme/api", "1.2.0")
    world.apply()
    ours, topic = server.head(1), server.requests()[0].topic
    with pytest.raises(subprocess.CalledProcessError):
        person.push(f"HEAD:refs/for/main/{topic}")
    assert server.head(1) == ours
    theirs(world, person, "on top")
    person.push(f"HEAD:refs/for/main/{topic}")
    mine = server.head(1)
    world.registry.add("acme/api", "1.3.0")
    world.apply()
    assert server.head(1) == mine != ours


def test_a_cherry_pick_in_another_request_does_not_stop_updates(
    world: World, server: AgitServer, tmp_path: Path
) -> None:
    world.apply()
    person = person_at(tmp_path / "person", world.remote)
    person.git("fetch", "--quiet", str(world.remote), "main", "refs/pull/1/head")
    person.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    person.git("fetch", "--quiet", str(world.remote), "refs/pull/1/head")
    person.git("cherry-pick", "--allow-empty", "FETCH_HEAD")
    person.commit({"other.txt": b"more\n"}, person.git("log", "-1", "--format=%B"))
    person.push("HEAD:refs/for/main/picked")
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    assert ":1.2.0" in server.content(1, FILE)


def test_of_two_processes_that_update_at_once_one_wins_and_the_request_stays_one(
    world: World, server: AgitServer, tmp_path: Path
) -> None:
    world.apply()
    world.registry.add("acme/api", "1.2.0")
    text = world.settings.read_text()
    other = tmp_path / "other.yaml"
    other.write_text(text.replace(f"dataDir: {world.data}", f"dataDir: {tmp_path}/other"))
    server.at_the_next_push(f"{sys.executable} -m imagebot apply --settings {other} >&2")
    world.apply()  # another process comes in between and wins
    assert world.apply() == 0
    (request,) = server.requests()
    assert request.pushes == 2
    assert ":1.2.0" in server.content(1, FILE)
    assert not server.was_forced()


def test_requests_of_other_people_are_left_alone(
    world: World, server: AgitServer, tmp_path: Path
) -> None:
    person = person_at(tmp_path / "person", world.remote)
    person.git("fetch", "--quiet", str(world.remote), "main")
    person.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    person.commit({"README.md": b"hello\n"})
    person.push("HEAD:refs/for/main", "-o", "topic=readme")
    theirs = server.head(1)
    assert world.apply() == 0
    assert [each.topic.partition("/")[0] for each in server.requests()] == ["readme", "imagebot"]
    assert server.head(1) == theirs


def test_a_server_that_knows_no_such_pushes_is_told_with_its_reason(
    world: World, server: AgitServer, capsys: pytest.CaptureFixture[str]
) -> None:
    world.git(world.remote, "config", "receive.advertisePushOptions", "false")
    assert world.apply() != 0
    printed = capsys.readouterr()
    assert "the git server takes no push options" in printed.out + printed.err
    assert server.requests() == []
