"""Programs that check what is shipped: found, or the test is skipped by name; CI fails instead."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parents[2]


def missing(reason: str) -> NoReturn:
    """End the test: something is not here, which CI must have."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def tool(name: str, how: str = "it comes with `make test EXTRAS=dev,deploy`") -> str:
    """The path of a program, of this environment or the system."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return found or missing(f"{name} is not installed; {how}")


def run(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program in the project's folder."""
    return subprocess.run(
        words, input=text, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
