"""What is said and shown on Azure DevOps besides a request's text: threads, labels, statuses.

Network. A conversation is a list of threads, told whole, each with comments; imagebot answers in
the thread where it was asked, and speaks in threads of its own that are closed already, so that
they hold up no policy on comments. What is said twice, because an answer was lost, is looked for
and found.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, NoReturn
from urllib.parse import quote

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges import steps
from imagebot.forges.azure_devops_api import API, Identity, Label, Listed, Pull
from imagebot.forges.azure_devops_merge import AzureDevOpsMerge
from imagebot.forges.azure_devops_people import AzureDevOpsPeople
from imagebot.forges.rest import Nothing, NotThere, Told
from imagebot.proposals import PullRequest
from imagebot.talk import Comment, CommitStatus, Conversed, Issue, Reaction, StatusState, conversed

NEEDS_STATUS = "a token with the scope Code (status), besides Code (read & write)"
_FIRST = 1  # the comment that opens a thread
_STATES = {
    StatusState.PENDING: "pending",
    StatusState.SUCCESS: "succeeded",
    StatusState.FAILURE: "failed",
}


class _Comment(Told):
    id: int
    content: str | None = None
    author: Identity | None = None
    publishedDate: datetime | None = None
    commentType: str = "text"
    isDeleted: bool = False


class _Thread(Told):
    id: int
    comments: list[_Comment] | None = None
    isDeleted: bool = False


class AzureDevOpsConversation(AzureDevOpsMerge, AzureDevOpsPeople):
    def comments(self, pull_request: PullRequest) -> Conversed:
        with self._api.asking(f"read the comments of pull request !{pull_request.number}"):
            threads = f"{self._pulls}/{pull_request.number}/threads"
            listed = self._api.ask("GET", threads, Listed[_Thread], query=API)
            said = sorted(_by_people(listed.value), key=_age)
            own = self._own_id() if said else ""
            return conversed([self._told_comment(*each, own) for each in said])

    def _told_comment(self, thread: int, said: _Comment, own: str) -> Comment:
        who = said.author
        name = self._name_of(who) if who else "unknown"
        return Comment(
            id=f"{thread}/{said.id}",
            author=name,
            text=said.content or "",
            is_own=who is not None and who.id == own,
            written=said.publishedDate,
        )

    def _name_of(self, who: Identity) -> str:
        """What the identity is known by from now on; never what another one is known by."""
        unique = who.uniqueName or who.id
        name = unique if self._ids.setdefault(unique, who.id) == who.id else who.id
        self._ids[name] = who.id
        return name

    def answer(
        self, pull_request: PullRequest, comment: Comment, reaction: Reaction, text: str
    ) -> None:
        """There is a like, and nothing for a refusal: that is told by the words alone.

        A thread that a command has opened is closed by its answer, since open ones hold up a
        policy on comments; a discussion in which somebody gave a command stays as it is.
        """
        thread_id, _, number = comment.id.partition("/")
        thread = f"{self._pulls}/{pull_request.number}/threads/{int(thread_id)}"
        is_new = bool(text) and not self._is_said(pull_request, text)
        with self._api.asking(f"answer a comment of pull request !{pull_request.number}"):
            if reaction is Reaction.DONE:  # the same like once more is none
                likes = f"{thread}/comments/{int(number)}/likes"
                self._api.ask("POST", likes, Nothing, query=API)
            if is_new:
                words = _words(text, int(number))
                self._api.ask("POST", f"{thread}/comments", Nothing, query=API, document=words)
            if int(number) == _FIRST:
                closed = {"status": "closed"}
                self._api.ask("PATCH", thread, Nothing, query=API, document=closed)

    def say(self, pull_request: PullRequest, text: str) -> None:
        if self._is_said(pull_request, text):
            return
        threads = f"{self._pulls}/{pull_request.number}/threads"
        with self._api.asking(f"comment on pull request !{pull_request.number}"):
            thread = {"comments": [_words(text)], "status": "closed"}
            self._api.ask("POST", threads, Nothing, query=API, document=thread)

    def _is_said(self, pull_request: PullRequest, text: str) -> bool:
        earlier = self.comments(pull_request).comments
        return steps.is_said(text, (each.text for each in earlier if each.is_own))

    def take_off(self, pull_request: PullRequest, label: str) -> PullRequest:
        """By the label's id, since a slash in a name does not get through in every address."""
        labels = f"{self._pulls}/{pull_request.number}/labels"
        with self._api.asking(f"take a label off pull request !{pull_request.number}"):
            for each in self._api.ask("GET", labels, Listed[Label], query=API).value:
                if each.active and each.name.casefold() == label.casefold():
                    with suppress(NotThere):  # somebody else was faster
                        self._api.ask("DELETE", f"{labels}/{quote(each.id)}", Nothing, query=API)
        left = (each for each in pull_request.labels if each.casefold() != label.casefold())
        return replace(pull_request, labels=tuple(left), version="")

    def make_labels(self, labels: Mapping[str, str]) -> None:
        """Nothing to do: whoever sets a label makes it."""

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """On the commit, and on the open pull request with that head: policies look only there.

        Raises ForgeUnavailable while the service has not seen that the branch was pushed.
        """
        genre, _, name = status.context.rpartition("/")
        wanted: dict[str, Any] = {
            "state": _STATES[status.state],
            "description": status.text,
            "context": {"genre": genre, "name": name},
        }
        if status.url:
            wanted["targetUrl"] = status.url
        with self._api.asking(f"show {status.context} on {commit[:12]}", NEEDS_STATUS):
            path = f"{self._place}/commits/{quote(commit)}/statuses"
            self._api.ask("POST", path, Nothing, query=API, document=wanted)
            statuses = f"{self._pulls}/{self._number_at(commit)}/statuses"
            self._api.ask("POST", statuses, Nothing, query=API, document=wanted)

    def _number_at(self, commit: str) -> int:
        """Of the open pull request with that head, which was listed or is looked for."""
        if commit not in self._numbers:
            wanted = {"searchCriteria.status": "active"}
            for pull in islice(
                self._pages(self._pulls, Listed[Pull], wanted), steps.MAX_OPEN_LISTED
            ):
                self._numbers.setdefault(pull.head_commit, pull.pullRequestId)
        if commit not in self._numbers:
            raise ForgeUnavailable(
                f"Azure DevOps tells no open pull request of {self._project} with {commit[:12]} "
                "as its head yet"
            )
        return self._numbers[commit]

    def find_issue(self, marker: str) -> Issue | None:
        self._refuse_issues()

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Issue:
        self._refuse_issues()

    def update_issue(self, issue: Issue, *, title: str, body: str) -> Issue:
        self._refuse_issues()

    def _refuse_issues(self) -> NoReturn:
        raise ForgeError(
            f"{self._project} has no issues: work items on Azure DevOps follow a process of the "
            "project's own, in which imagebot opens none",
            hint="switch the dashboard off in imagebot's policy for this git repository",
        )


def _by_people(threads: Sequence[_Thread]) -> Iterator[tuple[int, _Comment]]:
    """What was said, without what Azure DevOps notes itself: votes, pushes, policies."""
    for thread in threads:
        for each in thread.comments or ():
            is_there = not (thread.isDeleted or each.isDeleted)
            if is_there and each.commentType != "system":
                yield thread.id, each


def _age(said: tuple[int, _Comment]) -> tuple[float, int, int]:
    thread, comment = said
    written = comment.publishedDate.timestamp() if comment.publishedDate else 0.0
    return written, thread, comment.id


def _words(text: str, parent: int = 0) -> dict[str, Any]:
    return {"parentCommentId": parent, "content": text, "commentType": "text"}
