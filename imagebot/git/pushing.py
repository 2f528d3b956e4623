"""Which `git push` carries what: the arguments, and what the server said of push options.

Pure. Branches without options travel in one push. Options belong to a push as a whole, and each
branch has a title of its own, so a branch with options travels alone.
"""

import re
from collections.abc import Iterable, Sequence

from imagebot.errors import GitError
from imagebot.git.remote import check_object_id
from imagebot.git.state import Push

_UNFIT = re.compile(r"[\x00-\x1f\x7f]")
_FLAGS = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
          "--recurse-submodules=no")  # fmt: skip


def batches(pushes: Iterable[Push]) -> list[list[Push]]:
    """What goes together, in order: all without options, then each with options."""
    plain, alone = [], []
    for push in pushes:
        if push.options:
            alone.append([push])
        else:
            plain.append(push)
    return [plain, *alone] if plain else alone


def arguments(url: str, batch: Sequence[Push], agit_base: str | None = None) -> list[str]:
    """The words of one `git push`, each branch with a lease. Raises GitError on unfit values.

    `agit_base`: ask for requests against that branch instead, which know no lease (agit.py).
    """
    leases, refspecs = [], []
    for push in batch:
        expected = "" if push.expected is None else check_object_id(push.expected)
        commit = "" if push.commit is None else check_object_id(push.commit)
        if agit_base:
            refspecs.append(f"{commit}:refs/for/{agit_base}/{push.branch}")
            continue
        leases.append(f"--force-with-lease=refs/heads/{push.branch}:{expected}")
        refspecs.append(f"{commit}:refs/heads/{push.branch}")
    options = [f"--push-option={_checked(option)}" for option in batch[0].options]
    return ["push", *_FLAGS, *options, *leases, "--end-of-options", url, *refspecs]


def _checked(option: str) -> str:
    if not option or _UNFIT.search(option):
        raise GitError(f"not a push option, which is one line of text: {option[:80]!r}")
    return option


def server_words(stderr: str) -> str:
    """What the server told of a push that it took, in one line; "" for nothing."""
    said = [line.removeprefix("remote:").strip() for line in stderr.splitlines()
            if line.startswith("remote:")]  # fmt: skip
    return " ".join(line for line in said if line.strip("= "))


def is_complaint(said: str) -> bool:
    """GitLab heads its own with `WARNINGS:`, and says `Error encountered with push options`."""
    return re.search(r"\bWARNINGS?:|(?:^|\s)(?:ERROR|Error)\b", said) is not None
