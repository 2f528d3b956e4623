"""`imagebot status` of many git repositories, and watched on a real terminal."""

import contextlib
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from imagebot.cli.main import main
from imagebot.history import History
from imagebot.history_model import Decision
from imagebot.owed import Run
from imagebot.proposals import OutcomeKind
from imagebot.store import Store
from imagebot.store_address import in_file

PATIENCE_SECONDS = 60.0
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def decision(state: str) -> Decision:
    place = f"apps/{state}.yaml"
    return Decision(f"{place}:image", place, 3, "ghcr.io/acme/api", "1.0.0", "", state, "why so")


def write_settings(folder: Path, names: Sequence[str]) -> Path:
    repositories = "".join(
        f"  - {{name: {name}, url: 'https://git.example/acme/{name}.git'}}\n" for name in names
    )
    file = folder / "settings.yaml"
    file.write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\n"
        f"repositories:\n{repositories}"
    )
    (folder / "data").mkdir(exist_ok=True)
    return file


def note(folder: Path, looks: dict[str, tuple[OutcomeKind, Sequence[str]]]) -> None:
    """What a look at each came to, and the states of its images."""
    store = Store(in_file(folder / "data" / "imagebot.sqlite"))
    history = History(store.database)
    for name, (kind, states) in looks.items():
        history.note(name, [decision(state) for state in states], [], NOW)
        store.record(Run(name, kind, "message", NOW, NOW + timedelta(seconds=2)))
    store.close()


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = write_settings(tmp_path, ("well", "failing", "stalled", "closed", "new"))
    note(
        tmp_path,
        {
            "well": (OutcomeKind.UP_TO_DATE, ["current"]),
            "failing": (OutcomeKind.FAILED, ["failed"]),
            "stalled": (OutcomeKind.STALLED, ["behind"]),
            "closed": (OutcomeKind.HELD, ["stalled", "held"]),
        },
    )
    return file


def told(settings: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["status", "--settings", str(settings), *words]) == 0
    return capsys.readouterr().out


def headed(shown: str) -> list[str]:
    return [line.split(":")[0] for line in shown.splitlines() if not line.startswith("  ")]


def test_totals_come_first_and_then_those_in_trouble(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = told(settings, capsys)
    first, second = shown.splitlines()[:2]
    assert first.startswith("5 git repositories: ")
    assert first.endswith(", 2 need a person")
    assert second.startswith("images: 1 current, 1 behind, 1 held, 1 stalled, 1 failed;")
    assert headed(shown)[2:] == ["stalled", "closed", "failing", "well", "new"]


def test_only_those_that_need_a_person_can_be_asked_for(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert headed(told(settings, capsys, "--needs-a-person"))[2:] == ["stalled", "closed"]
    assert told(settings, capsys, "--needs-a-person", "well") == ""


def test_json_has_the_totals_too_and_the_order_of_the_settings(
    settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(told(settings, capsys, "-o", "json"))
    names = [each["name"] for each in document["repositories"]]
    assert names == ["well", "failing", "stalled", "closed", "new"]
    totals = document["totals"]
    assert (totals["repositories"], totals["needAPerson"], totals["openRequests"]) == (5, 2, 0)
    assert totals["outcomes"]["not looked at yet"] == 1
    assert totals["images"]["current"] == 1


def test_the_last_runs_are_told_newest_first(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note(tmp_path, {"well": (OutcomeKind.PROPOSED, ["current"])})
    (found,) = json.loads(told(settings, capsys, "-o", "json", "--runs", "5", "well"))[
        "repositories"
    ]
    assert [each["outcome"] for each in found["runs"]] == ["proposed", "up-to-date"]


@contextlib.contextmanager
def counted_queries() -> Iterator[list[str]]:
    asked: list[str] = []

    def note_query(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(Engine, "before_cursor_execute", note_query)
    yield asked
    sa.event.remove(Engine, "before_cursor_execute", note_query)


def test_many_git_repositories_take_no_more_queries_than_few(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = []
    for size in (2, 40):
        names = [f"team-{number}" for number in range(size)]
        settings = write_settings(tmp_path, names)
        note(tmp_path, dict.fromkeys(names, (OutcomeKind.HELD, ["held"])))
        with counted_queries() as asked:
            told(settings, capsys)
        counts.append(len(asked))
    assert counts[0] == counts[1]


class Terminal:
    """A child on a terminal of its own; what it wrote so far."""

    def __init__(self, words: Sequence[str], columns: int, rows: int) -> None:
        # Pytest's workers say how wide theirs would be.
        variables = {name: os.environ[name] for name in os.environ.keys() - {"COLUMNS", "LINES"}}
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.execve(words[0], list(words), variables)
        ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.shown = ""

    def wait_for(self, words: str) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while words not in self.shown:
            assert time.monotonic() < give_up_at, self.shown
            self._read(1.0)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return True
        try:
            part = os.read(self.descriptor, 65536)
        except OSError:  # Linux' end of a terminal
            return False
        self.shown += part.decode()
        return bool(part)

    def press(self, key: bytes) -> None:
        os.write(self.descriptor, key)

    def ended(self) -> int:
        """The exit code, after all that was written."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while self._read(1.0):
            assert time.monotonic() < give_up_at, self.shown
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
def watching(settings: Path) -> Iterator[Terminal]:
    words = [sys.executable, "-m", "imagebot", "status", "--watch", "--settings", str(settings)]
    terminal = Terminal(words, columns=40, rows=8)
    yield terminal
    terminal.kill()


def screens(shown: str) -> list[list[str]]:
    """Each time that all was drawn anew."""
    parts = shown.replace("^C", "").split("\x1b[H\x1b[2J")[1:]
    return [[line for line in part.split("\r\n") if line] for part in parts]


def test_a_small_screen_is_drawn_anew_with_its_first_line_in_sight(
    watching: Terminal, tmp_path: Path
) -> None:
    watching.wait_for("more lines")
    note(tmp_path, {"new": (OutcomeKind.UP_TO_DATE, ["current"])})
    watching.wait_for("images: 2 current")
    watching.press(b"\x03")
    assert watching.ended() == 0
    assert "Traceback" not in watching.shown
    for lines in screens(watching.shown):
        assert lines[0].startswith("5 git repositories")
        assert len(lines) < 8
        assert all(len(line) <= 40 for line in lines)


def test_a_store_that_goes_away_is_told_of_and_found_again(
    watching: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "data" / "imagebot.sqlite"
    watching.wait_for("more lines")
    aside = file.with_name("aside.sqlite")
    file.rename(aside)
    file.write_bytes(b"this is no database any more" * 200)
    watching.wait_for("imagebot: ")
    watching.shown = ""
    aside.replace(file)
    watching.wait_for("5 git repositories")
    watching.press(b"\x03")
    assert watching.ended() == 0
    assert "Traceback" not in watching.shown
