"""Programs and packages that tests fetch: once, into the user's cache, outside the repository."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

_NPM = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")


class NotAvailable(Exception):
    """Why it cannot be had here."""


def npm(name: str, *packages: str) -> Path:
    """The `node_modules` with these packages (`name@version`); `name` is the folder's."""
    if not (shutil.which("npm") and shutil.which("node")):
        raise NotAvailable(f"{name}: npm or node is missing")

    def fill(folder: Path) -> None:
        _call(folder, name, [*_NPM, *packages])

    return _once(name, fill) / "node_modules"


def debian(package: str) -> Path:
    """The files of the Debian package that apt would install.

    Unpacked only: installing a server's package would start it.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NotAvailable(f"{package}: there is no apt-get here to fetch it")

    def fill(folder: Path) -> None:
        fetch = ["apt-get", "download", "-q", package]
        try:
            _call(folder, package, fetch)
        except NotAvailable:  # the lists are older than a security update
            if os.geteuid() != 0:
                raise
            _call(folder, package, ["apt-get", "update", "-qq"])
            _call(folder, package, fetch)
        (file,) = folder.glob("*.deb")
        _call(folder, package, ["dpkg-deb", "--extract", str(file), "."])
        file.unlink()

    return _once(f"debian-{package}", fill)


def _once(name: str, fill: Callable[[Path], None]) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagebot-tests"
    folder = cache / name
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as half:
            whole = Path(half, "whole")
            whole.mkdir()
            fill(whole)
            try:
                whole.rename(folder)
            except OSError:  # another test process was faster
                if not folder.exists():
                    raise
    return folder


def _call(folder: Path, name: str, command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotAvailable(f"{name}: {' '.join(command[:2])} took too long") from error
    if done.returncode:
        raise NotAvailable(f"{name}: {' '.join(command[:2])} failed: {done.stderr[-300:]}")
