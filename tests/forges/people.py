"""What people do and see at the servers of GitHub and GitLab, for the contract suites."""

from imagebot.demo.github_kept import HostedIssue, HostedPull, HostedRepository, Status
from tests.forges.world import PROJECT, KeptIssue
from tests.servers.github import GitHubServer
from tests.servers.gitlab import GitLabServer, MergeRequest, Project
from tests.servers.gitlab_kept import Note

REACTIONS = {"+1": "done", "thumbsup": "done", "confused": "refused"}
CHECK = "ci"


class GitHubPeople:
    def __init__(self, server: GitHubServer) -> None:
        self._server = server
        self._kept.permissions |= {"alice": "write", "bob": "read", "mallory": "none"}

    @property
    def _kept(self) -> HostedRepository:
        return self._server.repository(PROJECT)

    def _pull(self, number: int) -> HostedPull:
        return next(pull for pull in self._kept.pulls if pull.number == number)

    def comment(self, number: int, author: str, text: str) -> None:
        self._server.say_as(PROJECT, number, author, text)

    def bury(self, number: int) -> None:
        """Comments are listed alone."""

    def reactions(self, number: int) -> list[tuple[str, str]]:
        return [
            (said.body, REACTIONS[content])
            for said in self._pull(number).comments
            for _, content in said.reactions
        ]

    def label(self, number: int, name: str) -> None:
        self._pull(number).labels.append(name)
        self._touch(number)

    def mark_as_draft(self, number: int) -> None:
        self._pull(number).is_draft = True
        self._touch(number)

    def edit(self, number: int, **texts: str) -> None:
        for name, text in texts.items():
            setattr(self._pull(number), name, text)
        self._touch(number)

    def statuses(self, commit: str) -> dict[str, tuple[str, str, str]]:
        return {
            context: (kept.state, kept.description or "", kept.target_url or "")
            for context, kept in self._kept.statuses.get(commit, {}).items()
        }

    def check(self, number: int, state: str) -> None:
        self._kept.required.add(CHECK)
        (pull,) = (each for each in self._server.pull_requests(PROJECT) if each.number == number)
        self._kept.statuses.setdefault(pull.head_commit, {})[CHECK] = Status(state, None, None)

    def is_handed_over(self, number: int) -> bool:
        return bool(self._pull(number).auto_merge or self._pull(number).is_queued)

    def merge_method(self, number: int) -> str:
        return self._pull(number).merged_by or self._pull(number).auto_merge

    def add_milestone(self, title: str) -> None:
        self._kept.milestones.append(title)

    def issues(self) -> list[KeptIssue]:
        return [
            KeptIssue(each.number, each.title, each.body, each.state == "open", each.labels)
            for each in self._kept.issues
        ]

    def open_issue(self, author: str, title: str, body: str) -> None:
        number = self._kept.next_number()
        issue = HostedIssue(number, title, body, author, self._server._now())
        self._kept.issues.append(issue)

    def close_issue(self, number: int) -> None:
        (issue,) = (each for each in self._kept.issues if each.number == number)
        issue.state, issue.updated_at = "closed", self._server._now()

    def check_boxes(self, number: int) -> None:
        (issue,) = (each for each in self._kept.issues if each.number == number)
        issue.body, issue.updated_at = issue.body.replace("[ ]", "[x]"), self._server._now()

    def switch_issues_off(self) -> None:
        self._kept.has_issues = False

    def _touch(self, number: int) -> None:
        self._pull(number).updated_at = self._server._now()


class GitLabPeople:
    def __init__(self, server: GitLabServer) -> None:
        self._server = server
        self._kept.access |= {"imagebot": 30, "alice": 40, "bob": 20}

    @property
    def _kept(self) -> Project:
        return self._server.project(PROJECT)

    def _request(self, number: int) -> MergeRequest:
        return self._kept.requests[number - 1]

    def comment(self, number: int, author: str, text: str) -> None:
        self._server.say_as(self._request(number), author, text)

    def bury(self, number: int) -> None:
        notes = self._request(number).notes
        notes += [Note(90_000 + place, "alice", "added 1 commit", True) for place in range(1_000)]
        self._server.touch(self._request(number))

    def reactions(self, number: int) -> list[tuple[str, str]]:
        return [
            (note.body, REACTIONS[name])
            for note in self._request(number).notes
            for _, name in note.awards
        ]

    def label(self, number: int, name: str) -> None:
        self._request(number).labels.append(name)
        self._server.touch(self._request(number))

    def mark_as_draft(self, number: int) -> None:
        self._request(number).title = f"Draft: {self._request(number).title}"
        self._server.touch(self._request(number))

    def edit(self, number: int, **texts: str) -> None:
        words = {"body": "description", "base": "target_branch"}
        for name, text in texts.items():
            setattr(self._request(number), words.get(name, name), text)
        self._server.touch(self._request(number))

    def statuses(self, commit: str) -> dict[str, tuple[str, str, str]]:
        words = {"failed": "failure"}
        return {
            name: (words.get(state, state), *texts)
            for name, (state, *texts) in self._kept.statuses.get(commit, {}).items()
        }

    def check(self, number: int, state: str) -> None:
        self._request(number).pipeline = {"failure": "failed"}.get(state, state)
        self._server.merge_what_may(self._kept)

    def is_handed_over(self, number: int) -> bool:
        return self._request(number).is_auto

    def merge_method(self, number: int) -> str:
        return "squash" if self._request(number).squash else "merge"

    def add_milestone(self, title: str) -> None:
        self._kept.milestones.append(title)

    def issues(self) -> list[KeptIssue]:
        return [
            KeptIssue(each.iid, each.title, each.description, each.state == "opened", each.labels)
            for each in self._kept.issues
        ]

    def open_issue(self, author: str, title: str, body: str) -> None:
        self._server.add_issue(self._kept, author, title, body)

    def close_issue(self, number: int) -> None:
        self._kept.issues[number - 1].state = "closed"

    def check_boxes(self, number: int) -> None:
        issue = self._kept.issues[number - 1]
        issue.description = issue.description.replace("[ ]", "[x]")

    def switch_issues_off(self) -> None:
        self._kept.has_issues = False
