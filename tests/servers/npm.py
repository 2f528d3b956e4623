"""Packages of npm that tests use: installed once into the user's cache, outside the repository."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_INSTALL = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")


class NotAvailable(Exception):
    """Why it cannot be had here."""


def installed(name: str, *packages: str) -> Path:
    """The `node_modules` with these packages (`name@version`); `name` is the folder's."""
    if not (shutil.which("npm") and shutil.which("node")):
        raise NotAvailable(f"{name}: npm or node is missing")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagebot-tests"
    folder = cache / name
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as half:
            _install(Path(half), name, packages)
            try:
                Path(half, "whole").rename(folder)
            except OSError:  # another test process was faster
                if not folder.exists():
                    raise
    return folder / "node_modules"


def _install(folder: Path, name: str, packages: tuple[str, ...]) -> None:
    (folder / "whole").mkdir()
    try:
        done = subprocess.run(
            [*_INSTALL, *packages],
            cwd=folder / "whole",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotAvailable(f"{name}: npm install took too long") from error
    if done.returncode:
        raise NotAvailable(f"{name}: npm install failed: {done.stderr[-300:]}")
