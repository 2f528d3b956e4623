"""What is said and shown on GitLab besides a request's text: notes, labels, statuses, issues.

Network. What is said twice, because an answer was lost, is looked for and found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from gitlab.exceptions import GitlabError
from gitlab.v4.objects import ProjectIssue, ProjectMergeRequestNote

from imagebot.forges import steps
from imagebot.forges.gitlab_api import inert
from imagebot.forges.gitlab_merge import GitLabMerge
from imagebot.forges.texts import as_kept
from imagebot.forges.transport import Refused
from imagebot.proposals import PullRequest
from imagebot.talk import Comment, CommitStatus, Conversed, Issue, Reaction, StatusState, conversed

MAX_NOTES_LOOKED_AT = 1_000  # with GitLab's own, one for each push and label
MAX_ISSUES_READ = 300
_DEVELOPER = 30
_REACTIONS = {Reaction.DONE: "thumbsup", Reaction.REFUSED: "confused"}
_STATES = {
    StatusState.PENDING: "pending",
    StatusState.SUCCESS: "success",
    StatusState.FAILURE: "failed",
}


class GitLabConversation(GitLabMerge):
    def comments(self, pull_request: PullRequest) -> Conversed:
        with self._asking(f"read the notes of merge request !{pull_request.number}"):
            listed = self._request(pull_request.number).notes.list(
                iterator=True, order_by="created_at", sort="desc"
            )
            looked_at, newest = steps.newest(
                listed, MAX_NOTES_LOOKED_AT, lambda each: not each.system
            )
            own = self._login() if newest else ""
            told = [_told(each, own) for each in reversed(newest)]
        return conversed(told, looked_at, MAX_NOTES_LOOKED_AT)

    def may_write(self, author: str) -> bool:
        """Direct members, and those of the groups above."""
        with self._asking(f"look up what {author} may do"):
            user_id = self._user_id(author)
            if user_id is None:
                return False
            try:
                return bool(self._project().members_all.get(user_id).access_level >= _DEVELOPER)
            except GitlabError as error:
                if error.response_code == 404:  # no member
                    return False
                raise

    def answer(
        self, pull_request: PullRequest, comment: Comment, reaction: Reaction, text: str
    ) -> None:
        with self._asking(f"react to a note of merge request !{pull_request.number}"):
            note = self._request(pull_request.number).notes.get(int(comment.id), lazy=True)
            try:
                note.awardemojis.create({"name": _REACTIONS[reaction]})
            except GitlabError as error:
                if "already been taken" not in str(error.error_message):
                    raise
        if text:
            self.say(pull_request, text)

    def say(self, pull_request: PullRequest, text: str) -> None:
        text = inert(text)
        earlier = self.comments(pull_request).comments
        if any(each.is_own and as_kept(each.text) == as_kept(text) for each in earlier):
            return
        with self._asking(f"comment on merge request !{pull_request.number}"):
            self._request(pull_request.number).notes.create({"body": text})

    def take_off(self, pull_request: PullRequest, label: str) -> PullRequest:
        with self._asking(f"take a label off merge request !{pull_request.number}"):
            # A project may have the label in another case, which GitLab keeps apart from this one.
            taken = [each for each in pull_request.labels if each.casefold() == label.casefold()]
            wanted = {"remove_labels": ",".join({*taken, label})}
            self._project().mergerequests.update(pull_request.number, wanted)
        left = (each for each in pull_request.labels if each not in taken)
        return replace(pull_request, labels=tuple(left), version="")

    def make_labels(self, labels: Mapping[str, str]) -> None:
        for name, description in labels.items():
            wanted = {"name": name, "color": steps.LABEL_COLOUR, "description": description}
            try:
                with self._asking(f"make the label {name}"):
                    self._project().labels.create(wanted)
            except Refused as error:
                if error.status != 409:  # the project has it, or a group above
                    raise

    def set_status(self, commit: str, status: CommitStatus) -> None:
        state = _STATES[status.state]
        wanted = {"state": state, "name": status.context, "description": status.text}
        if status.url:
            wanted["target_url"] = status.url
        with self._asking(f"show {status.context} on {commit[:12]}"):
            try:
                self._project().commits.get(commit, lazy=True).statuses.create(wanted)
            except GitlabError as error:
                # What waits already cannot be told to wait.
                if f"from :{state}" not in str(error.error_message):
                    raise

    def find_issue(self, marker: str) -> Issue | None:
        with self._asking("look for an issue"):
            for state in ("opened", "closed"):
                for issue in self._own_issues(state):
                    if marker in (issue.description or ""):
                        return _told_issue(issue)
            whole = self._api.projects.get(self._path)
            if whole.issues_access_level == "disabled":
                raise _no_issues(self._path)
        return None

    def open_issue(self, title: str, body: str, labels: Sequence[str]) -> Issue:
        body = inert(body)
        wanted = {"title": title, "description": body, "labels": ",".join(labels)}

        def open_it() -> Issue:
            with self._asking("open an issue"):
                return _told_issue(self._project().issues.create(wanted))

        def look() -> Iterable[Issue]:
            with self._asking("look for the issue that was opened"):
                yield from map(_told_issue, self._own_issues("opened"))

        return steps.open_issue(open_it, look, title=title, body=body)

    def update_issue(self, issue: Issue, *, title: str, body: str) -> Issue:
        body = inert(body)
        is_same = (issue.title, as_kept(issue.body)) == (title, as_kept(body))
        if is_same and issue.is_open:
            return issue
        wanted: dict[str, Any] = {"title": title, "description": body}
        if not issue.is_open:
            wanted["state_event"] = "reopen"
        with self._asking(f"update issue #{issue.number}"):
            self._project().issues.update(issue.number, wanted)
        return replace(issue, title=title, body=body, is_open=True)

    def _own_issues(self, state: str) -> Iterator[ProjectIssue]:
        """Newest first."""
        listed = self._project().issues.list(
            iterator=True, state=state, scope="created_by_me", order_by="created_at", sort="desc"
        )
        yield from islice(listed, MAX_ISSUES_READ)


def _no_issues(project: str) -> Refused:
    return Refused(
        f"{project} has no issues",
        status=403,
        hint="switch issues on in the project's settings, or the dashboard off in imagebot's",
    )


def _told(note: ProjectMergeRequestNote, own: str) -> Comment:
    author = str(note.author["username"])
    return Comment(
        id=str(note.id),
        author=author,
        text=note.body,
        is_own=author == own,
        written=datetime.fromisoformat(note.created_at),
    )


def _told_issue(issue: ProjectIssue) -> Issue:
    return Issue(
        number=issue.iid,
        url=issue.web_url,
        title=issue.title,
        body=issue.description or "",
        is_open=issue.state == "opened",
    )
