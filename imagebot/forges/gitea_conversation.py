"""What is said and shown on Gitea and Forgejo besides a request's text: comments, labels, statuses.

Network. What is said twice, because an answer was lost, is looked for and found.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from imagebot.forges.gitea_api import Label, User
from imagebot.forges.gitea_issues import GiteaIssues
from imagebot.forges.gitea_merge import GiteaMerge
from imagebot.forges.rest import Nothing, NotThere, Told
from imagebot.forges.steps import is_said
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import Comment, CommitStatus, Conversed, Reaction, conversed

NEEDS_ADMINISTRATION = "to be an administrator of the repository, and the scope write:repository"
_REACTIONS = {Reaction.DONE: "+1", Reaction.REFUSED: "confused"}
_NOT_LET_IN = "is not an allowed reaction"  # an instance may allow others only
_MAY_WRITE = {"write", "admin", "owner"}


class _Comment(Told):
    id: int
    body: str
    user: User
    original_author: str = ""  # of a comment that came with a migration, whoever `user` is
    created_at: datetime


class _Access(Told):
    permission: Literal["none", "read", "write", "admin", "owner"]


class GiteaConversation(GiteaIssues, GiteaMerge):
    def comments(self, pull_request: PullRequest) -> Conversed:
        """All come in one answer: this listing of theirs has no pages."""
        with self._api.asking(f"read the comments of pull request #{pull_request.number}"):
            said = self._api.ask("GET", self._comments_of(pull_request), list[_Comment])
            own = self._login() if said else ""
        by_people_here = [each for each in said if not each.original_author]
        return conversed([_told(each, own) for each in by_people_here])

    def may_write(self, author: str) -> bool:
        path = f"{self._repository}/collaborators/{quote(author, safe='')}/permission"
        with self._api.asking(f"look up what {author} may do", NEEDS_ADMINISTRATION):
            try:
                return self._api.ask("GET", path, _Access).permission in _MAY_WRITE
            except NotThere:  # no such account
                return False

    def answer(
        self, pull_request: PullRequest, comment: Comment, reaction: Reaction, text: str
    ) -> None:
        path = f"{self._repository}/issues/comments/{int(comment.id)}/reactions"
        wanted = {"content": _REACTIONS[reaction]}  # once more is none
        try:
            with self._api.asking(f"react to a comment of pull request #{pull_request.number}"):
                self._api.ask("POST", path, Nothing, document=wanted)
        except Refused as error:
            if _NOT_LET_IN not in str(error):
                raise
        if text:
            self.say(pull_request, text)

    def say(self, pull_request: PullRequest, text: str) -> None:
        earlier = self.comments(pull_request).comments
        if is_said(text, (each.text for each in earlier if each.is_own)):
            return
        with self._api.asking(f"comment on pull request #{pull_request.number}"):
            path = self._comments_of(pull_request)
            self._api.ask("POST", path, Nothing, document={"body": text})

    def take_off(self, pull_request: PullRequest, label: str) -> PullRequest:
        path = f"{self._repository}/issues/{pull_request.number}/labels"
        with self._api.asking(f"take a label off pull request #{pull_request.number}"):
            for each in self._api.ask("GET", path, list[Label]):
                if each.name.casefold() == label.casefold():
                    self._api.ask("DELETE", f"{path}/{each.id}", Nothing)
        left = (each for each in pull_request.labels if each.casefold() != label.casefold())
        return replace(pull_request, labels=tuple(left), version="")

    def make_labels(self, labels: Mapping[str, str]) -> None:
        with self._api.asking("make labels"):
            known = self._label_ids()
            for name, description in labels.items():
                if name.casefold() not in known:
                    self._make_label(name, description)

    def set_status(self, commit: str, status: CommitStatus) -> None:
        wanted = {
            "state": status.state.value,
            "context": status.context,
            "description": status.text,
            **({"target_url": status.url} if status.url else {}),
        }
        with self._api.asking(f"show {status.context} on {commit[:12]}"):
            path = f"{self._repository}/statuses/{commit}"
            self._api.ask("POST", path, Nothing, document=wanted)

    def _comments_of(self, pull_request: PullRequest) -> str:
        return f"{self._repository}/issues/{pull_request.number}/comments"


def _told(said: _Comment, own: str) -> Comment:
    return Comment(
        id=str(said.id),
        author=said.user.login,
        text=said.body,
        is_own=said.user.login == own,
        written=said.created_at,
    )
