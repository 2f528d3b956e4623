"""What is said and shown on GitHub besides a request's text: comments, labels, statuses, issues.

Network. What is said twice, because an answer was lost, is looked for and found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from urllib.parse import quote

from github.GithubException import GithubException
from github.GithubObject import NotSet
from github.Issue import Issue as GitHubIssue
from github.IssueComment import IssueComment

from imagebot.forges import steps
from imagebot.forges.github_merge import GitHubMerge
from imagebot.forges.texts import as_kept
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

PAGE = 100
MAX_ISSUES_READ = 500  # with pull requests, which GitHub lists among them
NEEDS_ISSUES = "issues: write"
_REACTIONS = {Reaction.DONE: "+1", Reaction.REFUSED: "confused"}
_MAY_WRITE = {"admin", "maintain", "write"}


class GitHubConversation(GitHubMerge):
    def comments(self, pull_request: PullRequest) -> Conversed:
        with self._asking(f"read the comments of pull request #{pull_request.number}"):
            said = self._newest_comments(pull_request.number)
            own = self._login() if said else ""
            return conversed([_told(each, own) for each in said])

    def _newest_comments(self, number: int) -> list[IssueComment]:
        listed = self._issue(number).get_comments()
        first_page = listed.get_page(0)
        if len(first_page) < PAGE:
            return first_page
        return list(islice(listed.reversed, MAX_COMMENTS_READ))[::-1]

    def may_write(self, author: str) -> bool:
        with self._asking(f"look up what {author} may do", "metadata: read"):
            try:
                return self._repository().get_collaborator_permission(author) in _MAY_WRITE
            except GithubException as error:
                if error.status == 404:  # no such account
                    return False
                raise

    def answer(
        self, pull_request: PullRequest, comment: Comment, reaction: Reaction, text: str
    ) -> None:
        with self._asking(f"react to a comment of pull request #{pull_request.number}"):
            # The same reaction once more is none.
            self._reacted(pull_request, comment).create_reaction(_REACTIONS[reaction])
        if text:
            self.say(pull_request, text)

    def say(self, pull_request: PullRequest, text: str) -> None:
        earlier = self.comments(pull_request).comments
        if any(each.is_own and as_kept(each.text) == as_kept(text) for each in earlier):
            return
        with self._asking(f"comment on pull request #{pull_request.number}"):
            self._issue(pull_request.number).create_comment(text)

    def take_off(self, pull_request: PullRequest, label: str) -> PullRequest:
        with self._asking(f"take a label off pull request #{pull_request.number}"):
            # PyGithub leaves the slash of imagebot/rebuild as it is, and so asks for a longer path.
            address = f"{self._issue(pull_request.number).url}/labels/{quote(label, safe='')}"
            try:
                self._api.requester.requestJsonAndCheck("DELETE", address)
            except GithubException as error:
                if error.status != 404:  # it is not on it
                    raise
        left = (each for each in pull_request.labels if each.casefold() != label.casefold())
        return replace(pull_request, labels=tuple(left), version="")

    def make_labels(self, labels: Mapping[str, str]) -> None:
        colour = steps.LABEL_COLOUR.removeprefix("#")
        for name, description in labels.items():
            with self._asking(f"make the label {name}", "issues: write"):
                try:
                    self._repository().create_label(name, colour, description)
                except GithubException as error:
                    if error.status != 422:  # it is there
                        raise

    def set_status(self, commit: str, status: CommitStatus) -> None:
        with self._asking(f"show {status.context} on {commit[:12]}", "commit statuses: write"):
            # PyGithub would read the whole commit first, to know the id that we know.
            self._api.requester.requestJsonAndCheck(
                "POST",
                f"{self._repository().url}/statuses/{commit}",
                input={
                    "state": status.state.value,
                    "context": status.context,
                    "description": status.text,
                    **({"target_url": status.url} if status.url else {}),
                },
            )

    def find_issue(self, marker: str) -> Issue | None:
        with self._asking("look for an issue", NEEDS_ISSUES):
            for state in ("open", "closed"):
                for issue in self._own_issues(state):
                    if marker in (issue.body or ""):
                        return _told_issue(issue)
            if not self._repository().has_issues:
                raise _no_issues(self._project)
        return None

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Issue:
        def open_it() -> Issue:
            with self._asking("open an issue", NEEDS_ISSUES):
                made = self._repository().create_issue(title, body, labels=list(labels))
                return _told_issue(made)

        def look() -> Iterable[Issue]:
            with self._asking("look for the issue that was opened", NEEDS_ISSUES):
                yield from map(_told_issue, self._own_issues("open"))

        try:
            return steps.open_issue(open_it, look, title=title, body=body)
        except Refused as error:
            if error.status == 410:
                raise _no_issues(self._project) from error
            raise

    def update_issue(self, issue: Issue, *, title: str, body: str) -> Issue:
        is_same = (issue.title, as_kept(issue.body)) == (title, as_kept(body))
        if is_same and issue.is_open:
            return issue
        with self._asking(f"update issue #{issue.number}", NEEDS_ISSUES):
            self._issue(issue.number).edit(
                title=title, body=body, state=NotSet if issue.is_open else "open"
            )
        return replace(issue, title=title, body=body, is_open=True)

    def _own_issues(self, state: str) -> Iterator[GitHubIssue]:
        """Newest first, without the pull requests."""
        own = self._login()
        listed = self._repository().get_issues(
            state=state,
            creator=own,  # type: ignore[arg-type]  # a name will do, by its own check
            sort="created",
            direction="desc",
        )
        for issue in islice(listed, MAX_ISSUES_READ):
            is_pull = issue.html_url.split("/")[-2] == "pull"
            if issue.user.login == own and not is_pull:
                yield issue

    def _reacted(self, pull_request: PullRequest, comment: Comment) -> IssueComment:
        """The comment to react to, without reading it again."""
        address = f"{self._repository().url}/issues/comments/{int(comment.id)}"
        return IssueComment(self._api.requester, url=address)


def _no_issues(project: str) -> Refused:
    return Refused(
        f"{project} has no issues",
        status=410,
        hint="switch issues on in the repository's settings, or the dashboard off in imagebot's",
    )


def _told(said: IssueComment, own: str) -> Comment:
    author = said.user.login if said.user else "ghost"  # GitHub's name for a deleted account
    return Comment(
        id=str(said.id),
        author=author,
        text=said.body or "",
        is_own=author == own,
        written=said.created_at,
    )


def _told_issue(issue: GitHubIssue) -> Issue:
    return Issue(
        number=issue.number,
        url=issue.html_url,
        title=issue.title,
        body=issue.body or "",
        is_open=issue.state == "open",
    )
