"""`| head` ends a command quietly: no traceback, and no code that means something else."""

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
