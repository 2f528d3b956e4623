"""What people do and see at the server of Gitea and Forgejo, for the contract suites."""

from typing import Any

from tests.forges.world import PROJECT, Kept, KeptIssue
from tests.servers.gitea import GiteaServer
from tests.servers.gitea_kept import GiteaPull, GiteaRepository

REACTIONS = {"+1": "done", "confused": "refused"}
CHECK = "ci"


def kept_by_gitea(server: GiteaServer) -> list[Kept]:
    return [
        Kept(
            pull.number,
            pull.state,
            pull.title,
            pull.body,
            pull.base,
            pull.labels,
            pull.reviewers,
            [said.body for said in pull.said],
            pull.assignees,
            pull.milestone,
            pull.is_marked,
        )
        for pull in server.pull_requests(PROJECT)
    ]


class GiteaPeople:
    def __init__(self, server: GiteaServer) -> None:
        self._server = server
        self._kept.permissions |= {"imagebot": "admin", "alice": "write", "bob": "read"}

    @property
    def _kept(self) -> GiteaRepository:
        return self._server.repository(PROJECT)

    def _pull(self, number: int) -> GiteaPull:
        return self._server.pull(self._kept, str(number))

    def comment(self, number: int, author: str, text: str) -> None:
        self._server.say_as(PROJECT, number, author, text)

    def bury(self, number: int) -> None:
        """Comments are listed alone."""

    def reactions(self, number: int) -> list[tuple[str, str]]:
        return [
            (said.body, REACTIONS[content])
            for said in self._pull(number).said
            for _, content in said.reactions
        ]

    def label(self, number: int, name: str) -> None:
        self._pull(number).labels.append(name)
        self._server.touch(self._pull(number))

    def mark_as_draft(self, number: int) -> None:
        self._pull(number).title = f"WIP: {self._pull(number).title}"
        self._server.touch(self._pull(number))

    def edit(self, number: int, **texts: str) -> None:
        for name, text in texts.items():
            setattr(self._pull(number), name, text)
        self._server.touch(self._pull(number))

    def statuses(self, commit: str) -> dict[str, tuple[str, str, str]]:
        return {
            context: (kept.state, kept.description, kept.target_url)
            for context, kept in self._kept.latest(commit).items()
        }

    def check(self, number: int, state: str) -> None:
        self._kept.required.add(CHECK)
        self._server.check(PROJECT, number, CHECK, state)

    def is_handed_over(self, number: int) -> bool:
        return bool(self._pull(number).scheduled)

    def merge_method(self, number: int) -> str:
        return self._pull(number).merged_how or self._pull(number).scheduled

    def add_milestone(self, title: str) -> None:
        self._kept.milestones.append(title)

    def issues(self) -> list[KeptIssue]:
        return [
            KeptIssue(each.number, each.title, each.body, each.state == "open", each.labels)
            for each in self._kept.issues
        ]

    def open_issue(self, author: str, title: str, body: str) -> None:
        self._server.add_issue(self._kept, author, title, body)

    def close_issue(self, number: int) -> None:
        (issue,) = (each for each in self._kept.issues if each.number == number)
        issue.state = "closed"

    def check_boxes(self, number: int) -> None:
        (issue,) = (each for each in self._kept.issues if each.number == number)
        issue.body = issue.body.replace("[ ]", "[x]")

    def switch_issues_off(self) -> None:
        self._kept.has_issues = False


def world_of(server: GiteaServer) -> dict[str, Any]:
    """What of a world is Gitea's own."""
    return {
        "kept": lambda: kept_by_gitea(server),
        "people": GiteaPeople(server),
        "merge_request": ("POST", "/merge$"),
        "call_back_request": ("DELETE", "/merge$"),
    }
