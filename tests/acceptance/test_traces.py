"""Traces of `imagebot apply` and `imagebot run`, as a collector gets them by OTLP over HTTP."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_run import ROOT, running, status_of, wait_for
from tests.acceptance.world import World
from tests.servers.collector import Collector, Seen

PATIENCE_SECONDS = 600
STEPS = {"fetch", "scan", "list tags", "decide", "edit", "commit", "push", "propose"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collecting:
        yield collecting


def environment(collector: Collector, **more: str) -> dict[str, str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    return own | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url} | more


def apply(
    world: World, environ: dict[str, str], code: int = 0
) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "imagebot", "apply", "--settings", str(world.settings)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def below(spans: list[Seen], parent: Seen) -> list[Seen]:
    return [each for each in spans if each.parent == parent.id]


def test_one_apply_is_one_tree_of_steps_and_their_requests(
    world: World, collector: Collector
) -> None:
    apply(world, environment(collector))
    spans = collector.spans()
    (root,) = [each for each in spans if not each.parent]
    assert root.name == "reconcile"
    assert not root.is_failed
    assert root.attributes["imagebot.repository"] == "config"
    assert root.attributes["imagebot.outcome"] == "proposed"
    assert len(str(root.attributes["imagebot.run"])) == 8
    assert {each.trace for each in spans} == {root.trace}
    assert {each.name for each in below(spans, root)} >= STEPS
    (listing,) = [each for each in below(spans, root) if each.name == "list tags"]
    (tags,) = [
        each
        for each in below(spans, listing)
        if each.attributes["url.path"] == "/v2/acme/api/tags/list"
    ]
    assert tags.name == "GET"
    host, _, port = world.registry.host.rpartition(":")
    assert tags.attributes["server.address"] == host
    assert tags.attributes["server.port"] == int(port)
    assert tags.attributes["http.request.method"] == "GET"
    assert tags.attributes["http.response.status_code"] == 200
    (proposing,) = [each for each in below(spans, root) if each.name == "propose"]
    assert proposing.attributes["imagebot.action"] == "created"
    (opened,) = [each for each in below(spans, proposing) if each.name == "POST"]
    assert opened.attributes["http.response.status_code"] == 201
    assert collector.resource()["service.name"] == "imagebot"
    for received in collector.listener.received:
        assert world.forge.token.encode() not in received.body


def test_the_standard_variables_name_the_service(world: World, collector: Collector) -> None:
    more = {"OTEL_SERVICE_NAME": "bot", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=prod"}
    apply(world, environment(collector, **more))
    resource = collector.resource()
    assert resource["service.name"] == "bot"
    assert resource["deployment.environment"] == "prod"


def test_a_run_that_fails_is_a_failed_span_that_says_why(
    world: World, collector: Collector
) -> None:
    (world.folder / "token").write_text("ghp_wrong")
    apply(world, environment(collector), code=5)
    (root,) = [each for each in collector.spans() if not each.parent]
    assert root.is_failed
    assert root.message
    assert root.attributes["imagebot.outcome"] == "stalled"  # a person has to mend the token


def test_while_it_is_off_nothing_of_the_sdk_is_loaded(world: World, collector: Collector) -> None:
    code = (
        "import sys; from imagebot.cli.main import main;"
        f" assert main(['apply', '--settings', {str(world.settings)!r}]) == 0;"
        " print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(collector, OTEL_SDK_DISABLED="true"),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert not collector.listener.received


def test_without_the_extra_one_line_says_what_to_install(
    world: World, collector: Collector, tmp_path: Path
) -> None:
    absent = tmp_path / "absent" / "opentelemetry"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ImportError('not installed')\n")
    environ = environment(collector, PYTHONPATH=str(absent.parent))
    done = apply(world, environ, code=2)
    assert "which is not installed" in done.stderr
    assert 'pip install "imagebot[otel]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "is no web address"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "traces cannot be sent by grpc"),
    ],
)
def test_what_cannot_be_done_is_refused_at_the_start(
    world: World, collector: Collector, more: dict[str, str], told: str
) -> None:
    assert told in apply(world, environment(collector, **more), code=2).stderr
    assert not world.pull_requests()


def test_a_collector_that_hangs_keeps_neither_the_run_nor_the_exit(
    world: World, collector: Collector
) -> None:
    collector.listener.released.clear()
    done = apply(world, environment(collector, OTEL_EXPORTER_OTLP_TIMEOUT="10000"))
    assert len(world.open_requests()) == 1
    assert "the last traces were not taken in time" in done.stderr


def test_a_service_traces_runs_and_polls_and_its_lines_name_the_trace(
    world: World, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in environment(collector, OTEL_BSP_SCHEDULE_DELAY="200").items():
        monkeypatch.setenv(name, text)
    log = tmp_path / "run.log"

    def has(name: str) -> bool:
        return any(each.name == name for each in collector.spans())

    with running(world, log, more="interval: 1s\n") as (process, url):
        wait_for(lambda: status_of(f"{url}/readyz") == 200, log)
        wait_for(lambda: has("reconcile") and has("poll"), log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    spans = collector.spans()
    run_of = {
        each.trace: each.attributes["imagebot.run"] for each in spans if each.name == "reconcile"
    }
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    traced = [line for line in lines if line.get("run") and "trace_id" in line]
    assert traced
    assert all(run_of[line["trace_id"]] == line["run"] for line in traced)
    assert {line["span_id"] for line in traced} <= {each.id for each in spans}
    polls = [each for each in spans if each.name == "poll"]
    assert not any(each.parent for each in polls)
    asked = {each.attributes["url.path"] for poll in polls for each in below(spans, poll)}
    assert "/v2/acme/api/tags/list" in asked


def test_a_collector_in_trouble_is_told_of_once_and_when_it_is_well_again(
    world: World, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in environment(collector, OTEL_BSP_SCHEDULE_DELAY="100").items():
        monkeypatch.setenv(name, text)
    collector.listener.status = 403
    log = tmp_path / "run.log"

    def told(message: str) -> list[str]:
        lines = [json.loads(line)["text"] for line in log.read_text().splitlines()]
        return [line for line in lines if line.startswith(message)]

    with running(world, log, more="interval: 1s\n"):
        wait_for(lambda: len(collector.listener.received) >= 3, log)
        collector.listener.status = 200
        wait_for(lambda: bool(told("the collector takes traces again")), log)
        wait_for(lambda: len(world.open_requests()) == 1, log)
    assert told("the collector takes no traces") == [
        "the collector takes no traces: it answered 403"
    ]
