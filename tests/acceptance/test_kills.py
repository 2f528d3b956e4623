"""kill -9 between any two effects of a run: the next run converges to one right request."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagebot.demo.github import EmbeddedForge
from imagebot.demo.json_server import Answer, Connection, Request
from tests.acceptance.test_commands import commit_to_the_branch, said
from tests.acceptance.test_waiting import say
from tests.acceptance.world import PROJECT, FickleRegistry, World

ROOT = Path(__file__).parent.parent.parent


class StallingForge(EmbeddedForge):
    """Stops at the n-th request, before or after its effect, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.stall_at = -1
        self.after_effect = False
        self.counts_writes_only = False
        self.count = 0
        self.is_stalled = threading.Event()
        self.let_go = threading.Event()

    def deliver(self, connection: Connection, request: Request) -> None:
        self.count += _is_write(request) or not self.counts_writes_only
        if self.count != self.stall_at or self.is_stalled.is_set():
            super().deliver(connection, request)
            return
        if self.after_effect:
            self.answer(request)
        self.is_stalled.set()
        self.let_go.wait(30)
        connection.send(Answer(502, {"message": "late"}))


def _is_write(request: Request) -> bool:
    if request.path == "/graphql":
        return request.document["query"].lstrip().startswith("mutation")
    return request.method != "GET"


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("request_number", range(1, 5))
def test_a_run_that_is_killed_at_a_request_to_the_forge_is_made_good_by_the_next(
    tmp_path: Path, request_number: int, after_effect: bool
) -> None:
    with FickleRegistry() as registry, StallingForge() as forge:
        world = labelled_world(tmp_path, registry, forge)
        forge.stall_at, forge.after_effect = request_number, after_effect
        assert is_killed(world, forge), "the run ended before this request"
        assert_the_next_run_makes_it_good(world)


def is_killed(world: World, forge: StallingForge) -> bool:
    """Whether the run was killed where the forge stalled; else it ended by itself."""
    forge.count = 0
    run = subprocess.Popen(
        apply_command(world), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while run.poll() is None and not forge.is_stalled.wait(0.05):
            pass
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait(10)
        forge.let_go.set()
        forge.stall_at = -1
    return forge.is_stalled.is_set()


# --- What a run does to a request that is there already ------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """`prepare` comes before the run that is killed, after which `holds` what must hold."""

    prepare: Callable[[World], None]
    writes: int  # of the run that does it undisturbed
    holds: Callable[[World], None]
    rules: str = ""  # of the policy's pullRequest
    repository: str = ""  # of the RepositoryPolicy


def ours(world: World) -> list[str]:
    """What imagebot said on the one request."""
    (request,) = world.pull_requests()
    return [each.body for each in request.comments if each.author == "imagebot"]


def update_by_hand(world: World) -> None:
    world.write_deployment("api", "1.1.0")
    world.commit("By hand", push=True)


def remove_the_policy(world: World) -> None:
    (world.checkout / "apps" / "api" / "imagebot.yaml").unlink()
    world.commit("No policy", push=True)


def is_withdrawn(world: World) -> None:
    (request,) = world.pull_requests()
    assert (request.state, request.merged_at) == ("closed", None)
    assert [text for text in ours(world) if "closes this request" in text] == ours(world)
    assert (len(ours(world)), world.branches()) == (1, {})


def is_skipped(world: World) -> None:
    (request,) = world.pull_requests()
    assert (request.state, request.merged_at) == ("closed", None)
    (word,) = ours(world)
    assert word.startswith("To ")
    assert "exactly these versions are not proposed again" in word
    (comment,) = [each for each in request.comments if each.author == "alice"]
    assert comment.reactions == [("imagebot", "+1")]


def is_held(world: World) -> None:
    (request,) = world.open_requests()
    assert len(ours(world)) == 1
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    assert request.title == "Update acme/api to 1.1.0 (minor)"


def ask_for_a_rebuild(world: World) -> None:
    commit_to_the_branch(world)
    assert world.apply() == 0
    world.open_requests()[0].labels.append("imagebot/rebuild")


def is_rebuilt(world: World) -> None:
    (request,) = world.open_requests()
    assert "imagebot/rebuild" not in request.labels
    assert ":1.1.0" in world.content(request.head, "apps/api/deployment.yaml")
    assert len(ours(world)) == 1  # of the commit that was somebody else's


def check_the_box(world: World) -> None:
    commit_to_the_branch(world)
    assert world.apply() == 0
    (issue,) = world.forge.repository(PROJECT).issues
    box = "- [ ] <!-- imagebot:rebuild"
    assert box in issue.body
    issue.body = issue.body.replace(box, box.replace("[ ]", "[x]"))


def is_rebuilt_and_unchecked(world: World) -> None:
    is_rebuilt(world)
    (issue,) = world.forge.repository(PROJECT).issues
    assert "- [x]" not in issue.body


def nothing_more(world: World) -> None:
    """The first run has prepared all."""


def is_merged(world: World) -> None:
    (request,) = world.pull_requests()
    assert (bool(request.merged_at), request.merged_by) == (True, "squash")
    assert world.apply() == 0  # by which the branch goes
    assert world.branches() == {}
    assert ":1.1.0" in world.content("main", "apps/api/deployment.yaml")


def a_newer_tag(world: World) -> None:
    world.registry.add("acme/api", "1.2.0")


def is_at_the_newer_tag(world: World) -> None:
    (request,) = world.open_requests()
    assert request.title == "Update acme/api to 1.2.0 (minor)"
    assert ":1.2.0" in world.content(request.head, "apps/api/deployment.yaml")
    assert ours(world) == []


def add_an_image_that_alice_reviews(world: World) -> None:
    world.forge.repository(PROJECT).collaborators |= {"alice"}
    world.registry.add("acme/web", "1.0.0", "1.1.0")
    world.write_policy("web", more="  pullRequest: {reviewers: [alice]}\n")
    world.write_deployment("web", "1.0.0")
    world.commit("Add web", push=True)


def alice_is_asked(world: World) -> None:
    (_, request) = world.open_requests()
    assert request.title == "Update acme/web to 1.1.0 (minor)"
    assert request.reviewers == ["alice"]
    assert "owes_people" not in request.body


SCENARIOS = {
    "people": Scenario(add_an_image_that_alice_reviews, 3, alice_is_asked),
    "obsolete": Scenario(update_by_hand, 2, is_withdrawn),
    "withdrawal": Scenario(remove_the_policy, 2, is_withdrawn),
    "skip": Scenario(lambda world: said(world, "/imagebot skip"), 3, is_skipped),
    "hold": Scenario(lambda world: said(world, "/imagebot hold"), 3, is_held),
    "label": Scenario(ask_for_a_rebuild, 3, is_rebuilt),
    "box": Scenario(check_the_box, 3, is_rebuilt_and_unchecked, repository="{dashboard: true}"),
    "merge": Scenario(
        nothing_more,
        1,
        is_merged,
        "{autoMerge: {steps: [minor], method: squash, by: imagebot, withoutChecks: true}}",
    ),
    "newer tag": Scenario(a_newer_tag, 1, is_at_the_newer_tag),
}
STRIKES = [
    (name, number, moment)
    for name, scenario in SCENARIOS.items()
    for number, moment in [
        (1, "before"),
        *((number, "after") for number in range(1, scenario.writes + 1)),
        (scenario.writes + 1, "never"),  # that the list of writes has an end, and this is it
    ]
]


@pytest.mark.parametrize(("name", "number", "moment"), STRIKES)
def test_a_killed_run_on_an_open_request_is_made_good_by_the_next_once(
    tmp_path: Path, name: str, number: int, moment: str
) -> None:
    scenario = SCENARIOS[name]
    with FickleRegistry() as registry, StallingForge() as forge:
        registry.add("acme/api", "1.0.0", "1.1.0")
        world = World(tmp_path, registry, forge)
        world.set_up()
        more = f"  pullRequest: {scenario.rules}\n" if scenario.rules else ""
        world.write_policy("api", more=more)
        if scenario.repository:
            say(world, scenario.repository)
        if more:
            world.commit("Rules", push=True)
        assert world.apply() == 0
        scenario.prepare(world)
        forge.counts_writes_only, forge.after_effect = True, moment == "after"
        forge.stall_at = number
        assert is_killed(world, forge) == (moment != "never")
        assert world.apply() == 0
        scenario.holds(world)
        before = world.everything()
        assert world.apply() == 0
        assert world.everything() == before


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
