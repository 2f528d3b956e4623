"""What a command does not need is not read: a start costs what the command costs."""

import subprocess
import sys

import pytest


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a process has read once it knows what it is asked to do."""
    code = (
        "import contextlib, sys\n"
        "from imagebot.cli.main import parse\n"
        "with contextlib.suppress(SystemExit):\n"
        "    parse(sys.argv[1:])\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_the_version_is_told_without_reading_any_command() -> None:
    commands = {name for name in loaded_by("--version") if name.startswith("imagebot.cli.")}
    assert commands == {"imagebot.cli.main", "imagebot.cli.output"}


@pytest.mark.parametrize("command", ["check", "schema", "set"])
def test_what_asks_no_server_reads_no_client_and_no_database(command: str) -> None:
    arguments = ["acme/api=:1.0"] if command == "set" else []
    loaded = loaded_by(command, *arguments)
    assert "imagebot.cli.main" in loaded
    assert not loaded & {"sqlalchemy", "github", "gitlab", "docker", "apscheduler", "apprise"}


def test_an_unknown_command_is_told_with_all_that_exist() -> None:
    assert "imagebot.cli.status" in loaded_by("bogus")
