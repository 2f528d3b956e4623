"""`| head` ends a command quietly; an output that fails ends it with one line and code 1."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TAGS = "\n".join(f"1.0.{number}" for number in range(5000))


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "ghcr.io/acme/api:1.0.5", "--all", "--tags", "tags"),
        ("explain", "ghcr.io/acme/api:1.0.5", "--all", "-o", "json", "--tags", "tags"),
        ("inventory", "."),
    ],
)
def test_a_reader_that_has_seen_enough_ends_the_command(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "tags").write_text(TAGS)
    many = "".join(f"- image: acme/app-{number}:1.0\n" for number in range(3000))
    (tmp_path / "pod.yaml").write_text(f"kind: Pod\nspec:\n  containers:\n{many}")
    with subprocess.Popen(
        [sys.executable, "-m", "imagebot", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
    assert "Traceback" not in said
    assert process.returncode == 0


POLICY = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: api}
spec: {images: [ghcr.io/acme/api]}
"""
COMMANDS = [
    ("explain", "ghcr.io/acme/api:1.0.5", "--tags", "tags"),
    ("explain", "ghcr.io/acme/api:1.0.5", "--all", "-o", "json", "--tags", "tags"),
    ("policy", "test", "policy.yaml", "--tags", "tags", "--current", "1.0.5"),
    ("policy", "test", "policy.yaml", "--tags", "tags", "--all", "-o", "json"),
    ("inventory", "."),
    ("inventory", ".", "-o", "csv"),
    ("check", "."),
    ("set", "ghcr.io/acme/api=:1.0.6", "--dry-run", "."),
    ("plan", "--help"),
    ("schema",),
    ("--version",),
    ("--print-completion", "bash"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tags").write_text(TAGS)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "pod.yaml").write_text(
        "kind: Pod\nspec:\n  containers:\n  - {name: api, image: 'ghcr.io/acme/api:1.0.5'}\n"
    )
    return tmp_path


def ended(folder: Path, words: tuple[str, ...], redirection: str) -> tuple[int, list[str]]:
    """Its code, and the lines of standard error that are no warning or summary."""
    command = f'exec "$0" -m imagebot "$@" {redirection}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, *words],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    return done.returncode, [line for line in done.stderr.splitlines() if "imagebot: " in line]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_full_disk_is_told_in_one_line(folder: Path, words: tuple[str, ...]) -> None:
    code, lines = ended(folder, words, "> /dev/full")
    assert lines[-1:] == ["imagebot: cannot write the output: No space left on device"]
    assert code == 1


@pytest.mark.parametrize("words", COMMANDS)
def test_a_closed_output_is_told_in_one_line(folder: Path, words: tuple[str, ...]) -> None:
    code, lines = ended(folder, words, ">&-")
    assert lines == ["imagebot: standard output is closed; send it to /dev/null"]
    assert code == 1


@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_that_is_gone_ends_every_command_with_0(
    folder: Path, words: tuple[str, ...]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as closed:
        done = subprocess.run(
            [sys.executable, "-m", "imagebot", *words],
            cwd=folder,
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (b"Traceback" in done.stderr, done.returncode) == (False, 0)
