"""What commits changed, many at a time: one git process for all of them."""

from collections.abc import Mapping

from imagebot.errors import GitError
from imagebot.git.process import Runner
from imagebot.git.tree import REGULAR_MODES

Changed = Mapping[str, str]  # the new blob by path, "" where there is no regular file any more


def changes(runner: Runner, trees: Mapping[str, tuple[str, str]]) -> dict[str, Changed]:
    """How the second tree of each pair differs from the first, by the pair's key.

    Raises GitError where git cannot compare them.
    """
    if not trees:
        return {}
    finished = runner.run(
        ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-ext-diff",
         "--no-textconv"],
        stdin=[f"{old} {new}\n".encode() for old, new in trees.values()],
    )  # fmt: skip
    if finished.status != 0:
        raise GitError(f"commits cannot be compared: {finished.stderr[-200:]}")
    found: dict[str, Changed] = {}
    at = 0
    for key, (old, new) in trees.items():
        head = f"{old} {new}\n".encode()
        if not finished.stdout.startswith(head, at):
            raise GitError("commits cannot be compared: git's answer is not understood")
        found[key], at = _entries(finished.stdout, at + len(head))
    return found


def _entries(output: bytes, at: int) -> tuple[dict[str, str], int]:
    """The entries of one pair, and where the next pair begins. A path is ended by NUL."""
    changed: dict[str, str] = {}
    while output.startswith(b":", at):
        middle = output.index(b"\0", at)
        end = output.index(b"\0", middle + 1)
        _old_mode, mode, _old_blob, blob, status = output[at + 1 : middle].decode().split(" ")
        path = output[middle + 1 : end].decode("utf-8", "replace")
        changed[path] = blob if status != "D" and mode in REGULAR_MODES else ""
        at = end + 1
    return changed, at
