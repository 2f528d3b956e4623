"""No forge at all: the branch is pushed, and the text of the pull request is shown to a person.

Pure. Remembers nothing and asks nobody; `cli` prints title and body.
"""

from collections.abc import Mapping, Sequence

from imagebot.model import ChangeSet, PullRequest, PullRequestState


class Plain:
    name = "plain"
    has_pull_requests = False
    max_body_characters = 1_000_000  # it is only printed

    def git_credentials(self) -> None:
        """None: git has credentials of its own or needs none."""
        return None

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        return {}

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

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        return pull_request

    def close(self, pull_request: PullRequest, comment: str, *, body: str | None = None) -> None:
        """Nothing is open."""
