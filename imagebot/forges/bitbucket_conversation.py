"""What is said and shown on Bitbucket Cloud besides a request's text: comments and build statuses.

Network. People are known by their uuid: nicknames are not unique, and anybody may take another's.
There are no labels and no reactions. What is said twice, because an answer was lost, is looked for
and found.
"""

from collections.abc import Mapping
from datetime import datetime

from imagebot.errors import ForgeError
from imagebot.forges import steps
from imagebot.forges.bitbucket_api import Account, Page, Text
from imagebot.forges.bitbucket_issues import BitbucketIssues
from imagebot.forges.bitbucket_merge import BitbucketMerge
from imagebot.forges.bitbucket_texts import build_status, read, written
from imagebot.forges.rest import Nothing, Told
from imagebot.proposals import PullRequest
from imagebot.talk import Comment, CommitStatus, Conversed, Reaction, conversed

MAX_COMMENTS_LOOKED_AT = 1_000  # with deleted ones
MAX_WRITERS_READ = 2_000
NEEDS_PERMISSIONS = (
    "to know who may write: the API token of an administrator of the repository, with the scopes "
    "account and repository:admin"
)
_MAY_WRITE = {"admin", "write"}


class _Comment(Told):
    id: int
    content: Text
    user: Account | None = None  # None: the account was deleted
    created_on: datetime | None = None
    deleted: bool = False
    pending: bool = False  # of a review that is not sent yet


class _Permission(Told):
    permission: str
    user: Account


class BitbucketConversation(BitbucketMerge, BitbucketIssues):
    def comments(self, pull_request: PullRequest) -> Conversed:
        path = f"{self._pulls}/{pull_request.number}/comments"
        with self._api.asking(f"read the comments of pull request #{pull_request.number}"):
            listed = self._pages(path, Page[_Comment], {"sort": "-created_on"})
            looked_at, newest = steps.newest(
                listed, MAX_COMMENTS_LOOKED_AT, lambda each: not each.deleted and not each.pending
            )
            own = self._own_on(pull_request) if newest else ""
        told = [_told(each, own) for each in reversed(newest)]
        return conversed(told, looked_at, MAX_COMMENTS_LOOKED_AT)

    def may_write(self, author: str) -> bool:
        """By the highest permission of each user, be it their own, a group's or the project's."""
        path = f"workspaces/{self._workspace}/permissions/repositories/{self._slug}"
        with self._api.asking(f"look up what {author} may do", NEEDS_PERMISSIONS):
            listed = self._pages(path, Page[_Permission], {"q": 'permission>"read"'})
            for place, each in enumerate(listed):
                if each.user.uuid == author:
                    return each.permission in _MAY_WRITE
                if place >= MAX_WRITERS_READ:
                    raise ForgeError(
                        f"more than {MAX_WRITERS_READ} people may write to {self._project}: "
                        "imagebot does not look for one among so many"
                    )
        return False

    def answer(
        self, pull_request: PullRequest, comment: Comment, reaction: Reaction, text: str
    ) -> None:
        """The reply, below the comment, has to do without a reaction."""
        if text:
            self._say(pull_request, text, below=comment)

    def say(self, pull_request: PullRequest, text: str) -> None:
        self._say(pull_request, text)

    def take_off(self, pull_request: PullRequest, label: str) -> PullRequest:
        """Nothing to do: there are no labels."""
        return pull_request

    def make_labels(self, labels: Mapping[str, str]) -> None:
        """Nothing to do: there are no labels."""

    def set_status(self, commit: str, status: CommitStatus) -> None:
        wanted = build_status(status, f"{self._page_url}/commits/{commit}")
        path = f"{self._repository}/commit/{commit}/statuses/build"
        with self._api.asking(f"show {status.context} on {commit[:12]}"):
            self._api.ask("POST", path, Nothing, document=wanted)

    def _say(self, pull_request: PullRequest, text: str, below: Comment | None = None) -> None:
        text = written(text)
        earlier = (each.text for each in self.comments(pull_request).comments if each.is_own)
        if steps.is_said(read(text), earlier):
            return
        parent = {"parent": {"id": int(below.id)}} if below else {}
        with self._api.asking(f"comment on pull request #{pull_request.number}"):
            self._api.ask(
                "POST",
                f"{self._pulls}/{pull_request.number}/comments",
                Nothing,
                document={"content": {"raw": text}, **parent},
            )

    def _own_on(self, pull_request: PullRequest) -> str:
        """Our uuid. A token that may not ask for it has opened the request with its own account."""
        own = self._own_account()
        if own:
            return own
        if pull_request.number not in self._authors:
            author = self._pull(pull_request.number).author
            self._authors[pull_request.number] = author.uuid if author else ""
        return self._authors[pull_request.number]


def _told(said: _Comment, own: str) -> Comment:
    author = said.user.uuid if said.user else ""
    return Comment(
        id=str(said.id),
        author=author,
        name=(said.user.nickname or said.user.display_name or "") if said.user else "",
        text=read(said.content.raw or ""),
        is_own=bool(own) and author == own,
        written=said.created_on,
    )
