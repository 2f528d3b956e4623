"""What git knows of a person's checkout: its files, its remote, its branch. Reads only.

Edge. For the commands that people run in a checkout, not for the service. The top level is found
here and handed to git, so that git does not go looking, and programs that the repository's own
settings name (hooks, the file monitor) stay off.
"""

import re
from pathlib import Path

from imagebot.errors import GitError
from imagebot.git.process import Finished, Runner
from imagebot.git.tree import is_safe_name

_TIMEOUT_SECONDS = 60.0


def find_top_level(path: Path) -> Path | None:
    """The folder at or above `path` that holds `.git`, None outside of any checkout."""
    return next((at for at in (path, *path.parents) if (at / ".git").exists()), None)


def list_files(top: Path) -> tuple[list[str], list[str]]:
    """Tracked files and those neither tracked nor ignored, links and submodules included.

    Both lists are sorted: the names that can be used, and how the others may be shown: those that
    are not UTF-8 or hold control characters, as in a bare clone's trees.
    """
    finished = _git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if finished.status != 0:
        raise GitError(f"git cannot list the files of {top}: {finished.stderr[-300:]}")
    names = set(finished.stdout.split(b"\0")) - {b""}
    usable = sorted(name.decode() for name in names if is_safe_name(name))
    shown = (name.decode(errors="backslashreplace") for name in names if not is_safe_name(name))
    return usable, sorted(shown)


def origin(top: Path) -> str | None:
    """Address of the remote `origin` as written, None without one. Credentials are taken out."""
    finished = _git(top, "config", "--get", "remote.origin.url")
    url = finished.stdout.decode("utf-8", "replace").strip()
    return re.sub(r"^(https?://)[^/@]*@", r"\1", url) if finished.status == 0 and url else None


def branch(top: Path) -> str | None:
    """The branch that is checked out, None when HEAD is detached."""
    finished = _git(top, "symbolic-ref", "--quiet", "HEAD")
    name = finished.stdout.decode("utf-8", "replace").strip()
    return name.removeprefix("refs/heads/") if finished.status == 0 else None


def _git(top: Path, *arguments: str) -> Finished:
    runner = Runner(
        top / ".git",
        work_folder=top,
        environment={"GIT_WORK_TREE": str(top)},
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    return runner.run(arguments)
