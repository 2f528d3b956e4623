"""No forge's API: the branch is pushed, and the text of the pull request is shown to a person.

Pure. Remembers nothing and asks nobody; `cli` prints title and body. Push options may ask the
server to open the request; whether it did is not known.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.texts import one_line

MAX_TITLE_CHARACTERS = 250  # GitLab takes 255


class Plain:
    name = "plain"
    has_pull_requests = False
    has_labels = False
    closes_at_once = True
    max_body_characters = 1_000_000  # it is only printed

    def __init__(self, push_options: Sequence[str] = (), *, is_agit: bool = False) -> None:
        """`push_options` may hold `{title}`, `{branch}` and `{base}` (settings_fields.py).

        For AGit the title is told first; a description is the server's: the commit's message.
        """
        self._push_options = ("title={title}", *push_options) if is_agit else tuple(push_options)

    def push_options(self, changes: ChangeSet) -> Sequence[str]:
        """The settings' options for one branch; no value can begin another option or line."""
        values = {
            "{title}": one_line(changes.title, MAX_TITLE_CHARACTERS),
            "{branch}": changes.branch,
            "{base}": changes.base,
        }
        return [
            re.sub(r"\{\w+\}", lambda found: values[found[0]], option)
            for option in self._push_options
        ]

    def git_credentials(self) -> None:
        """None: git has credentials of its own or needs none."""
        return None

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        return {}

    def declined(self) -> Sequence[PullRequest]:
        return ()

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        return ()

    def create(self, changes: ChangeSet) -> PullRequest:
        """Number 0 and no address: nothing was opened."""
        return PullRequest(
            number=0,
            url="",
            state=PullRequestState.OPEN,
            head=changes.branch,
            base=changes.base,
            title=changes.title,
            body=changes.body,
            labels=changes.labels,
        )

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        """Nobody is known."""

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        return pull_request

    def close(
        self,
        pull_request: PullRequest,
        comment: str,
        *,
        body: str | None = None,
        proof: str = "",
    ) -> None:
        """Nothing is open."""
