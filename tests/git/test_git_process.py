"""Git processes end: at their deadline, with their children, and when nobody reads on."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from imagebot.errors import GitError, GitUnavailable
from imagebot.git import BareClone, Remote
from imagebot.git.process import Deadline, Runner
from tests.servers.git_people import BOT, Person

Clones = Callable[..., BareClone]


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def test_a_process_that_waits_for_ever_is_ended_with_its_children() -> None:
    # An alias makes git start a shell, which starts another process.
    config = {"alias.wait": "!sleep 600 & sleep 600"}
    with pytest.raises(GitUnavailable, match=r"did not end within 0\.3 seconds"):
        Runner(None, config=config, timeout_seconds=0.3).run(["wait"])
    assert not [each for each in children() if "sleep" in each.name()]


def test_more_output_than_allowed_ends_the_process() -> None:
    with pytest.raises(GitError, match="more than 1000 bytes"):
        Runner(None, config={"alias.talk": "!yes"}).run(["talk"], max_output_bytes=1000)
    assert not [each for each in children() if each.name() == "yes"]


def test_a_spooled_output_is_read_after_the_process_has_ended_and_is_bounded_too() -> None:
    runner = Runner(None, config={"alias.talk": "!yes | head -c 3000000"})
    with runner.spool(["talk"]) as (finished, output):
        assert not [each for each in children() if each.name() in ("git", "yes", "head")]
        assert finished.status == 0
        assert output.read() == b"y\n" * 1_500_000
    talk = Runner(None, config={"alias.talk": "!yes"})
    with (
        pytest.raises(GitError, match="more than 1000 bytes"),
        talk.spool(["talk"], max_output_bytes=1000),
    ):
        pass


def test_a_clock_that_was_stopped_and_started_again_still_ends_the_process() -> None:
    runner = Runner(None, config={"alias.wait": "!sleep 600"}, timeout_seconds=0.3)
    with runner.start(["wait"]) as process:
        process.rest()
        process.resume()
        with pytest.raises(GitUnavailable, match=r"did not end within 0\.3 seconds"):
            process.end()


def test_a_process_is_not_late_while_its_clock_stands_still() -> None:
    now = 1_000.0
    deadline = Deadline(10.0, lambda: now)
    now += 9
    assert deadline.seconds_left() == 1
    deadline.rest()
    now += 3_600
    assert deadline.seconds_left() == 10
    deadline.resume()
    now += 9
    assert deadline.seconds_left() == 1
    now += 1
    assert deadline.seconds_left() == 0


def test_a_process_reads_what_comes_while_its_clock_stands_still() -> None:
    released = threading.Event()

    def late_input() -> Iterator[bytes]:
        released.wait()
        yield b"late"

    with Runner(None, config={"alias.echo": "!cat"}).start(["echo"], stdin=late_input()) as process:
        process.rest()
        released.set()
        assert process.stdout.read() == b"late"


def test_a_flood_of_complaints_is_drained_and_cut() -> None:
    config = {"alias.shout": "!yes complaint | head -c 3000000 >&2; echo the end >&2; exit 3"}
    finished = Runner(None, config=config).run(["shout"])
    assert finished.status == 3
    assert len(finished.stderr) <= 16 * 1024
    assert finished.stderr.endswith("the end")


def test_much_input_and_output_at_once_do_not_block() -> None:
    chunk = b"x" * 1_000_000
    finished = Runner(None, config={"alias.echo": "!cat"}).run(["echo"], stdin=[chunk] * 8)
    assert finished.stdout == chunk * 8


def test_input_that_nobody_reads_is_no_error() -> None:
    finished = Runner(None, config={"alias.deaf": "!exit 0"}).run(["deaf"], stdin=[b"x" * 10**6])
    assert finished.status == 0


def test_the_settings_of_the_machine_do_not_reach_git(tmp_path: Path) -> None:
    listed = Runner(None).run(["config", "--list", "--show-scope"]).stdout.decode()
    assert {line.split("\t")[0] for line in listed.splitlines()} == {"command"}
    shown = Runner(None, config={"alias.home": "!echo $HOME"}).run(["home"]).stdout.decode()
    assert shown.strip() != os.environ.get("HOME")
    assert not Path(shown.strip()).exists(), "the empty home goes when the process has ended"


def test_a_clone_that_was_killed_half_way_is_made_anew(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    path = tmp_path / "clones" / "killed"
    # The server hangs on this object in the middle of the fetch; the deadline ends it there.
    hidden = bare / "objects-away"
    blob = person.git("rev-parse", "HEAD:README.md")
    (bare / "objects" / blob[:2] / blob[2:]).rename(hidden)
    os.mkfifo(bare / "objects" / blob[:2] / blob[2:])
    remote = Remote(f"file://{bare}", allow_file=True)
    slow = BareClone(remote, path, identity=BOT, timeout_seconds=1)
    with slow, pytest.raises(GitUnavailable, match="did not end"):
        slow.refresh()
    assert not [each for each in children() if each.name().startswith("git")]
    hidden.replace(bare / "objects" / blob[:2] / blob[2:])
    clone = clones(bare, "killed")
    tree = clone.tree(clone.refresh().base.commit)
    assert dict(tree.read(["README.md"])) == {"README.md": b"hello\n"}
