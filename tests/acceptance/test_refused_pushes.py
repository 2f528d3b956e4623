"""What a refused push costs: its own branch where the server means one, and few requests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.world import World, json_of
from tests.servers.git_http import GitHttpServer

API, WEB = "Update acme/api to 1.1.0 (minor)", "Update acme/web to 2.0.1 (patch)"


@pytest.fixture
def both(world: World) -> World:
    """Updates of api and web, each with a branch of its own."""
    world.registry.add("acme/web", "2.0.0", "2.0.1")
    world.write_policy("web")
    world.write_deployment("web", "2.0.0")
    world.commit("Add web", push=True)
    return world


def titles(world: World) -> list[str]:
    return sorted(request.title for request in world.open_requests())


def test_a_branch_that_the_server_declines_does_not_cost_the_others(both: World) -> None:
    hook = both.remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/imagebot/web-*) exit 1;; esac\n')
    hook.chmod(0o755)
    for _ in range(2):
        assert both.apply() == 5
        assert titles(both) == [API]


def lock_left_behind(world: World, branch: str) -> Path:
    path = world.remote / "refs" / "heads" / f"{branch}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def branch_below(world: World, branch: str) -> Path:
    world.git(world.remote, "branch", f"{branch}/try", "main")
    return world.remote / "refs" / "heads" / branch / "try"


@pytest.mark.parametrize("obstacle", [lock_left_behind, branch_below])
def test_a_branch_that_the_server_cannot_move_is_told_and_does_not_cost_the_others(
    both: World, obstacle: Callable[[World, str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    planned = json_of(capsys, "plan", "--repository", "config", "--settings", str(both.settings))
    (branch,) = (each["branch"] for each in planned["changeSets"] if each["title"] == WEB)
    in_the_way = obstacle(both, branch)
    capsys.readouterr()
    assert both.apply() == 5
    out = capsys.readouterr().out
    assert f"the server does not move {branch}, though nobody else did" in out
    assert "in the way" in out
    assert titles(both) == [API]
    in_the_way.unlink()
    assert both.apply() == 0
    assert titles(both) == [API, WEB]


def test_credentials_that_may_not_push_are_tried_once_and_the_hint_is_told(
    both: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with GitHttpServer(tmp_path / "http") as server:
        read_only(both, server)
        server.new_requests()
        assert both.apply() == 5
        tried = [each for each in server.new_requests() if "receive-pack" in each.target]
    assert len(tried) == 1
    out = capsys.readouterr().out
    assert out.count("the token needs read and write access") == 2


def read_only(both: World, http_server: GitHttpServer) -> None:
    bare = http_server.create("config")
    both.git(both.checkout, "push", "-q", str(bare), "HEAD:main")
    both.git(bare, "config", "http.receivepack", "false")
    password = both.folder / "password"
    password.write_text(http_server.password)
    settings = both.settings.read_text().replace(f"file://{both.remote}", http_server.url("config"))
    allowed = f"allowHttp: true, username: {http_server.username}, passwordFile: {password}"
    both.settings.write_text(settings.replace("allowFile: true, allowHttp: true", allowed))
