"""kill -9 between any two effects of a run: the next run converges to one right request."""

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
        registry.add("acme/api", "1.0.0", "1.1.0")
        world = World(tmp_path, registry, forge)
        world.set_up()
        world.write_policy("api", more="  pullRequest: {labels: [deps]}\n")
        world.commit("Label", push=True)
        forge.stall_at, forge.after_effect = request_number, after_effect
        run = subprocess.Popen(
            [sys.executable, "-m", "imagebot", "apply", "--settings", str(world.settings)],
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
        assert world.apply() == 0
        (request,) = world.pull_requests()
        assert (request.state, request.title) == ("open", "Update acme/api to 1.1.0 (minor)")
        assert request.labels == ["deps"]
        assert len(world.branches()) == 1
        before = world.everything()
        assert world.apply() == 0
        assert world.everything() == before
