"""A service stops on a signal: cleanly on the first, at once on the second. Real processes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVICE = """
import signal, sys, threading, time
from datetime import timedelta
from pathlib import Path
from imagebot.cli.stopping import until_stopped
from imagebot.controller import Controller
from imagebot.schedule import TargetPlan
from imagebot.proposals import (Outcome, OutcomeKind)
from imagebot.store import Store

may_end = threading.Event()

def reconcile(key):
    print("running", flush=True)
    may_end.wait()
    Path(sys.argv[2]).write_text("written whole")
    return Outcome(key, OutcomeKind.UP_TO_DATE, "done")

store = Store(Path(sys.argv[1]))
controller = Controller([TargetPlan("fleet", timedelta(hours=1))], reconcile, store, jitter_ratio=0)

def stop(grace):
    print("stopping", flush=True)
    if sys.argv[3] == "ends":
        may_end.set()
    return controller.stop(grace)

def start():
    controller.start()
    if sys.argv[3] == "to another thread":
        threading.Thread(target=signal_to_this_thread, daemon=True).start()

def signal_to_this_thread():
    main = threading.main_thread().ident
    while sys._current_frames()[main].f_code.co_name in ("<module>", "start"):
        time.sleep(0.01)
    time.sleep(0.5)  # by now the main thread sleeps; the test is the same where it does not
    may_end.set()
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

drained = until_stopped(start, stop, timedelta(seconds=float(sys.argv[4])))
print("drained" if drained else "cut off", flush=True)
import os
os._exit(0 if drained else 1)
"""


@contextmanager
def service(folder: Path, ends: str, grace_seconds: float) -> Iterator["subprocess.Popen[str]"]:
    arguments = [folder / "imagebot.db", folder / "result", ends, grace_seconds]
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert line(process) == "running"
            yield process
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_runs_is_finished_before_the_process_ends(
    tmp_path: Path, number: signal.Signals
) -> None:
    with service(tmp_path, "ends", grace_seconds=60) as process:
        process.send_signal(number)
        assert [line(process), line(process)] == ["stopping", "drained"]
        assert process.wait(60) == 0
    assert (tmp_path / "result").read_text() == "written whole"


def test_what_does_not_finish_in_the_grace_period_is_left(tmp_path: Path) -> None:
    with service(tmp_path, "hangs", grace_seconds=0.1) as process:
        process.terminate()
        assert [line(process), line(process)] == ["stopping", "cut off"]
        assert process.wait(60) == 1


def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    with service(tmp_path, "hangs", grace_seconds=600) as process:
        process.send_signal(signal.SIGINT)
        assert line(process) == "stopping"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 128 + signal.SIGINT
    assert not (tmp_path / "result").exists()


def test_a_signal_that_does_not_wake_the_main_thread_stops_it_all_the_same(tmp_path: Path) -> None:
    with service(tmp_path, "to another thread", grace_seconds=60) as process:
        assert [line(process), line(process)] == ["stopping", "drained"]
        assert process.wait(60) == 0
