"""What is said and shown on Bitbucket Data Center besides a request's text: comments and builds.

Network. There are no labels and no issues. What is said twice, because an answer was lost, is
looked for and found.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from urllib.parse import quote

from imagebot.errors import ForgeError
from imagebot.forges import steps
from imagebot.forges.bitbucket_server_api import NEEDS, Page, User, moment
from imagebot.forges.bitbucket_server_merge import BitbucketServerMerge
from imagebot.forges.bitbucket_texts import build_status, read, written
from imagebot.forges.rest import Nothing, NotThere, Told
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import (
    MAX_COMMENTS_READ,
    Comment,
    CommitStatus,
    Conversed,
    Issue,
    Reaction,
    conversed,
)

MAX_ACTIVITIES_LOOKED_AT = 1_000  # pushes, approvals and the like among them
MAX_USERS_READ = 1_000  # whose name, display name or address holds the name that is looked for
_REACTIONS = {Reaction.DONE: "thumbsup", Reaction.REFUSED: "thumbsdown"}


class _Comment(Told):
    id: int
    text: str
    author: User
    createdDate: int = 0
    state: str = "OPEN"
    comments: "tuple[_Comment, ...]" = ()  # replies


class _Activity(Told):
    action: str
    commentAction: str = ""
    comment: _Comment | None = None


class BitbucketServerConversation(BitbucketServerMerge):
    def comments(self, pull_request: PullRequest) -> Conversed:
        """They can be listed only among all that happened, a reply inside what it replies to."""
        number = pull_request.number
        found: dict[int, _Comment] = {}
        looked_at = 0
        with self._api.asking(f"read the comments of pull request #{number}"):
            listed = self._pages(f"{self._pulls}/{number}/activities", Page[_Activity], {})
            for activity in islice(listed, MAX_ACTIVITIES_LOOKED_AT):
                looked_at += 1
                if activity.comment and activity.commentAction != "DELETED":
                    found |= {each.id: each for each in _thread(activity.comment)}
                if len(found) >= MAX_COMMENTS_READ:
                    break
        said = sorted(found.values(), key=lambda each: (each.createdDate, each.id))
        own = self._own_login().casefold() if said else ""
        told = [_told(each, own) for each in said]
        return conversed(told, looked_at, MAX_ACTIVITIES_LOOKED_AT)

    def may_write(self, author: str) -> bool:
        """By what the user has themselves, through groups, and through the project."""
        wanted = {
            "filter": author,
            "permission.1": "REPO_WRITE",
            "permission.1.projectKey": self._project,
            "permission.1.repositorySlug": self._slug,
        }
        with self._api.asking(f"look up what {author} may do", NEEDS):
            listed = self._pages(f"{self._rest}/api/1.0/users", Page[User], wanted)
            for place, user in enumerate(listed):
                if user.name.casefold() == author.casefold():
                    return user.active
                if place >= MAX_USERS_READ:
                    raise ForgeError(
                        f"more than {MAX_USERS_READ} users are found by {author}: imagebot does "
                        "not look for one among so many"
                    )
        return False

    def answer(
        self, pull_request: PullRequest, comment: Comment, reaction: Reaction, text: str
    ) -> None:
        """A reaction, where this version of Bitbucket has them, and a reply below the comment."""
        number, place = pull_request.number, f"{self._pulls}/{pull_request.number}"
        path = f"{self._rest}/comment-likes/latest/{place}/comments/{int(comment.id)}/reactions"
        with self._api.asking(f"react to a comment of pull request #{number}"):
            try:
                # Without a body of JSON it might be taken for one that a web page has forged.
                self._api.ask("PUT", f"{path}/{_REACTIONS[reaction]}", Nothing, document={})
            except NotThere:
                steps.log.info("no reaction on #%s: this Bitbucket has none", number)
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
        path = f"{self._repository}/commits/{quote(commit, safe='')}/builds"
        with self._api.asking(f"show {status.context} on {commit[:12]}"):
            self._api.ask("POST", path, Nothing, document=wanted)

    def find_issue(self, marker: str) -> Issue | None:
        raise self._no_issues()

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Issue:
        raise self._no_issues()

    def update_issue(self, issue: Issue, *, title: str, body: str) -> Issue:
        raise self._no_issues()

    def _no_issues(self) -> Refused:
        return Refused(
            f"{self._project}/{self._slug} has no issues: Bitbucket Data Center has none",
            status=404,
            hint="switch the dashboard off in imagebot's settings",
        )

    def _say(self, pull_request: PullRequest, text: str, below: Comment | None = None) -> None:
        text = written(text)
        earlier = (each.text for each in self.comments(pull_request).comments if each.is_own)
        if steps.is_said(read(text), earlier):
            return
        parent = {"parent": {"id": int(below.id)}} if below else {}
        with self._api.asking(f"comment on pull request #{pull_request.number}"):
            path = f"{self._pulls}/{pull_request.number}/comments"
            self._api.ask("POST", path, Nothing, document={"text": text, **parent})


def _thread(comment: _Comment) -> Iterator[_Comment]:
    """The comment and what was replied to it, without what its author has not sent yet."""
    waiting = [comment]
    while waiting:
        each = waiting.pop()
        waiting += each.comments
        if each.state != "PENDING":
            yield each


def _told(said: _Comment, own: str) -> Comment:
    return Comment(
        id=str(said.id),
        author=said.author.name,
        text=read(said.text),
        is_own=said.author.name.casefold() == own,
        written=moment(said.createdDate),
    )
