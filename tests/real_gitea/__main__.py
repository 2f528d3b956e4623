"""Runs imagebot's story against a real Gitea and prints a table: behaviour, seen or NOT SEEN.

`python -m tests.real_gitea PATH_TO_GITEA [--static FOLDER]`. Every behaviour has a repository of
its own; why one was not seen goes to standard error. Ends with 1 then. Pytest and CI know nothing
of it.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from traceback import extract_tb

from tests.acceptance.world import FickleRegistry
from tests.real_gitea import deciding, proposing
from tests.real_gitea.world import Exchanges, RealWorld, watched_exchanges
from tests.servers.gitea_real import NotStarted, RealGitea, running

Behaviour = Callable[[RealWorld], None]
_SHOWN_CHARACTERS = 600


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that Gitea is stopped then, too
    try:
        with running(arguments.gitea, arguments.static, arguments.user) as gitea:
            return _story(gitea, arguments.only)
    except NotStarted as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _arguments() -> argparse.Namespace:
    top = argparse.ArgumentParser(prog="python -m tests.real_gitea", description=__doc__)
    top.add_argument("gitea", type=Path, help="the binary")
    top.add_argument("--static", type=Path, help="Gitea's source, for a binary without bindata")
    top.add_argument("--user", default="nobody", help="who runs it if you are root: %(default)s")
    top.add_argument("--only", default="", help="behaviours with this in their name")
    return top.parse_args()


def _story(gitea: RealGitea, only: str) -> int:
    version = gitea.call("GET", "/version")["version"]
    print(f"| behaviour | Gitea {version} |\n| --- | --- |")
    missed = 0
    with watched_exchanges() as exchanges:
        for behaviour in (*proposing.BEHAVIOURS, *deciding.BEHAVIOURS):
            name = behaviour.__name__.replace("_", " ")
            if only in name:
                why = _trouble_with(behaviour, gitea, exchanges)
                print(f"| {name} | {'NOT SEEN' if why else 'seen'} |", flush=True)
                if why:
                    print(f"  {why[:_SHOWN_CHARACTERS]}", file=sys.stderr)
                    missed += 1
    return 1 if missed else 0


def _trouble_with(behaviour: Behaviour, gitea: RealGitea, exchanges: Exchanges) -> str:
    """Why it was not seen, empty if it was."""
    exchanges.broken.clear()
    with TemporaryDirectory(prefix="real-gitea-") as folder, FickleRegistry() as registry:
        place = Path(folder) / behaviour.__name__[:40].strip("_")
        place.mkdir()
        world = RealWorld(place, registry, gitea, exchanges=exchanges)
        try:
            world.set_up()
            behaviour(world)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other behaviours are shown)
            exchanges.broken.append(f"{_line_of(error)}: {type(error).__name__}: {error}")
    return "\n  ".join(exchanges.broken)


def _line_of(error: Exception) -> str:
    """Where a behaviour was when it failed, and what stands there."""
    here = Path(__file__)
    frames = [(Path(each.filename), each) for each in extract_tb(error.__traceback__)]
    told = [
        f"{file.name}:{frame.lineno}: {frame.line}"
        for file, frame in frames
        if file.parent == here.parent and file != here
    ]
    return told[-1] if told else "before it began"


if __name__ == "__main__":
    sys.exit(main())
