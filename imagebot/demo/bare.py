"""What a forge sees of a bare git repository on this machine: branches, and what lies between.

Runs git, as a forge does beside the pushes it receives, and writes only to merge; the bot's own
git is `imagebot/git/`.
Answers about two commits never change and are remembered.
"""

import os
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

TIMEOUT_SECONDS = 30
_OBJECT_ID_LENGTH = 40


class Difference(NamedTuple):
    """From the merge base of two commits to the second one."""

    commits: int
    changed_files: int
    additions: int
    deletions: int


def branches(bare: Path) -> dict[str, str]:
    """Commit by branch name."""
    listing = _git(bare, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
    return {
        line[_OBJECT_ID_LENGTH + 1 :].removeprefix("refs/heads/"): line[:_OBJECT_ID_LENGTH]
        for line in listing.splitlines()
    }


@lru_cache(maxsize=4096)
def difference(bare: Path, base: str, head: str) -> Difference:
    commits = int(_git(bare, "rev-list", "--count", f"{base}..{head}"))
    rows = [
        row.split("\t")
        for row in _git(bare, "diff", "--numstat", _since(bare, base, head)).splitlines()
    ]
    return Difference(
        commits,
        len(rows),
        sum(int(row[0]) for row in rows if row[0] != "-"),
        sum(int(row[1]) for row in rows if row[1] != "-"),
    )


@lru_cache(maxsize=4096)
def is_mergeable(bare: Path, base: str, head: str) -> bool | None:
    """None where this git is too old to merge without a work tree (before 2.38)."""
    code = _run(bare, "merge-tree", "--write-tree", base, head).returncode
    return {0: True, 1: False}.get(code)


def patch(bare: Path, base: str, head: str) -> str:
    return _git(bare, "diff", _since(bare, base, head))


def merge(bare: Path, base: str, head: str, method: str) -> str:
    """Merge a commit into a branch; gives the branch's new commit. What conflicts is refused.

    A rebase is a squash here: a pull request of the demo has one commit.
    """
    tree = _git(bare, "merge-tree", "--write-tree", base, head).strip()
    parents = ["-p", base, *(["-p", head] if method == "merge" else [])]
    person = ("-c", "user.name=forge", "-c", "user.email=forge@localhost")
    commit = _git(bare, *person, "commit-tree", tree, *parents, "-m", "Merge").strip()
    _git(bare, "update-ref", f"refs/heads/{base}", commit)
    return commit


def _since(bare: Path, base: str, head: str) -> str:
    """What the head adds since it left the base; against the base itself after a rewrite of it."""
    has_common = _run(bare, "merge-base", base, head).returncode == 0
    return f"{base}...{head}" if has_common else f"{base}..{head}"


def _git(bare: Path, *arguments: str) -> str:
    done = _run(bare, *arguments)
    if done.returncode:
        raise ValueError(f"git {arguments[0]} in {bare}: {done.stderr.strip()}")
    return done.stdout


def _run(bare: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    outside = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "--git-dir", str(bare), *arguments],
        env=outside | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
