"""One push for all branches; where the remote declines, each alone. Talks to git."""

from collections.abc import Sequence

from imagebot import tracing
from imagebot.errors import GitError, PushRejected
from imagebot.git import BareClone, Push


def push_all(git: BareClone, pushes: Sequence[Push]) -> dict[str, str]:
    """Push together; where the remote declines, each alone. Gives the reason by refused branch.

    A hook or a protection that declines one branch must not cost the others. A lost race is
    raised (PushRejected) and starts everything afresh.
    """
    if not pushes:
        return {}
    with tracing.span("push", {"imagebot.branches": len(pushes)}):
        return _push_all(git, pushes)


def _push_all(git: BareClone, pushes: Sequence[Push]) -> dict[str, str]:
    try:
        git.push(pushes)
        return {}
    except PushRejected:
        raise
    except GitError as error:
        if error.can_retry:
            raise
    refused = {}
    for push in pushes:
        try:
            git.push([push])
        except PushRejected:
            raise
        except GitError as error:
            if error.can_retry:
                raise
            refused[push.branch] = str(error)
    return refused
