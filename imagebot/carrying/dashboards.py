"""The one issue of a git repository that tells what imagebot does there. Talks to the forge."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagebot import dashboard
from imagebot.dashboard import Asked, Box
from imagebot.errors import ForgeError
from imagebot.interfaces import Conversation
from imagebot.policy.model import Dashboard
from imagebot.proposals import Outcome
from imagebot.talk import Issue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Board:
    """The issue as it was found. None: it is still to be opened, or `trouble` says why not."""

    issue: Issue | None = None
    trouble: str = ""

    @property
    def asked(self) -> Asked:
        return dashboard.asked_in(self.issue.body) if self.issue else Asked()


def find(talk: Conversation) -> Board:
    """Look for the issue. A forge without issues costs the dashboard, nothing else."""
    try:
        return Board(talk.find_issue(dashboard.MARKER))
    except ForgeError as error:
        log.warning("the dashboard is not read: %s", error)
        return Board(trouble=str(error))


def show(
    talk: Conversation,
    board: Board,
    rules: Dashboard,
    outcome: Outcome,
    unmet: Mapping[str, Sequence[Box]],
) -> None:
    """Bring the issue up to date; sends nothing where it says so already.

    `unmet` are boxes that stay checked, by branch.
    """
    if board.trouble:
        return
    body = dashboard.body(outcome, unmet)
    try:
        if board.issue is None:
            talk.open_issue(rules.title, body, rules.labels)
        else:
            talk.update_issue(board.issue, title=rules.title, body=body)
    except ForgeError as error:
        log.warning("the dashboard is not written: %s", error)
