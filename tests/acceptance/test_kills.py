"""kill -9 between any two effects of a run: the next run converges to one right request."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imagebot.demo.github import EmbeddedForge
from imagebot.demo.json_server import Answer, Connection, Request
from tests.acceptance.world import FickleRegistry, World

ROOT = Path(__file__).parent.parent.parent


class StallingForge(EmbeddedForge):
    """Stops at the n-th request, before or after its effect, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.stall_at = -1
        self.after_effect = False
        self.count = 0
        self.is_stalled = threading.Event()
        self.let_go = threading.Event()

    def deliver(self, connection: Connection, request: Request) -> None:
        self.count += 1
        if self.count != self.stall_at:
            super().deliver(connection, request)
            return
        if self.after_effect:
            self.answer(request)
        self.is_stalled.set()
        self.let_go.wait(30)
        connection.send(Answer(502, {"message": "late"}))


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("request_number", range(1, 5))
def test_a_run_that_is_killed_at_a_request_to_the_forge_is_made_good_by_the_next(
    tmp_path: Path, request_number: int, after_effect: bool
) -> None:
    with FickleRegistry() as registry, StallingForge() as forge:
        world = labelled_world(tmp_path, registry, forge)
        forge.stall_at, forge.after_effect = request_number, after_effect
        run = subprocess.Popen(
            apply_command(world),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while run.poll() is None and not forge.is_stalled.wait(0.05):
                pass
        finally:
            run.send_signal(signal.SIGKILL)
            run.wait(10)
            forge.let_go.set()
            forge.stall_at = -1
        assert forge.is_stalled.is_set(), "the run ended before this request"
        assert_the_next_run_makes_it_good(world)


# Kills whoever started it at one git command, before or after that is done.
DEADLY_GIT = """\
#!/bin/sh
case " $* " in
*" {command} "*)
    if [ {moment} = after ]; then {git} "$@"; fi
    : > {struck}
    kill -9 $PPID
    exit 1;;
esac
exec {git} "$@"
"""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("command", ["ls-remote", "fetch", "fast-import", "hash-object", "push"])
def test_a_run_that_is_killed_at_a_git_command_is_made_good_by_the_next(
    tmp_path: Path, command: str, moment: str
) -> None:
    with FickleRegistry() as registry, EmbeddedForge() as forge:
        world = labelled_world(tmp_path, registry, forge)
        struck, deadly = tmp_path / "struck", tmp_path / "bin" / "git"
        deadly.parent.mkdir()
        git = shutil.which("git")
        deadly.write_text(DEADLY_GIT.format(command=command, moment=moment, git=git, struck=struck))
        deadly.chmod(0o755)
        path = f"{deadly.parent}{os.pathsep}{os.environ['PATH']}"
        killed = subprocess.run(
            apply_command(world), cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True
        )
        assert struck.exists(), "the run ended before this command"
        assert killed.returncode == -signal.SIGKILL
        assert_the_next_run_makes_it_good(world)


def apply_command(world: World) -> list[str]:
    return [sys.executable, "-m", "imagebot", "apply", "--settings", str(world.settings)]


def labelled_world(folder: Path, registry: FickleRegistry, forge: EmbeddedForge) -> World:
    registry.add("acme/api", "1.0.0", "1.1.0")
    world = World(folder, registry, forge)
    world.set_up()
    world.write_policy("api", more="  pullRequest: {labels: [deps]}\n")
    world.commit("Label", push=True)
    return world


def assert_the_next_run_makes_it_good(world: World) -> None:
    assert world.apply() == 0
    (request,) = world.pull_requests()
    assert (request.state, request.title) == ("open", "Update acme/api to 1.1.0 (minor)")
    assert request.labels == ["deps"]
    (branch,) = world.branches()
    base = world.content("main", "apps/api/deployment.yaml")
    assert world.content(branch, "apps/api/deployment.yaml") == base.replace(":1.0.0", ":1.1.0")
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before
