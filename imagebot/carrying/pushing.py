"""One push for all branches; where the remote declines, each alone. Talks to git."""

from collections.abc import Sequence

from imagebot import tracing
from imagebot.errors import GitError, PushDeclined, PushRejected
from imagebot.git import BareClone, Push


def push_all(git: BareClone, pushes: Sequence[Push]) -> dict[str, str]:
    """Push together; where the remote declines, each alone. Gives the reason by refused branch.

    A hook or a protection that declines one branch must not cost the others, nor must one that the
    server cannot move. A lost race is raised (PushRejected) and starts everything afresh.
    """
    if not pushes:
        return {}
    with tracing.span("push", {"imagebot.branches": len(pushes)}):
        return _push_all(git, pushes)


def _push_all(git: BareClone, pushes: Sequence[Push]) -> dict[str, str]:
    try:
        git.push(pushes)
        return {}
    except PushRejected as error:
        if _has_moved(git, [push for push in pushes if push.branch in error.branches]):
            raise
    except PushDeclined:
        pass
    except GitError as error:  # no push at all is taken: to ask for each alone would be a flood
        if error.can_retry:
            raise
        return dict.fromkeys((push.branch for push in pushes), error.with_hint)
    reasons = {push.branch: _push_alone(git, push) for push in pushes}
    return {branch: reason for branch, reason in reasons.items() if reason}


def _push_alone(git: BareClone, push: Push) -> str:
    """Why it was refused, or ""."""
    try:
        git.push([push])
    except PushRejected as error:
        if _has_moved(git, [push]):
            raise
        return (
            f"the server does not move {push.branch}, though nobody else did: {error.said}"
            " (a branch above or below that name, or a lock that was left there, may be in the way)"
        )
    except GitError as error:
        if error.can_retry:
            raise
        return error.with_hint
    return ""


def _has_moved(git: BareClone, pushes: Sequence[Push]) -> bool:
    """Whether somebody else moved one of these. Servers say the same where none can be moved."""
    heads = git.refresh().branches
    return any(
        push.expected != (heads[push.branch].commit if push.branch in heads else None)
        for push in pushes
    )
