"""What people do and see at the server of Azure DevOps, for the contract suites."""

from tests.forges.people import CHECK
from tests.forges.world import PROJECT, KeptIssue
from tests.servers.azure_devops import AzureServer
from tests.servers.azure_kept import AzurePull, Policy

PATH = f"org/{PROJECT}"
VERDICTS = {"pending": "running", "success": "approved", "failure": "rejected"}
STATES = {"pending": "pending", "succeeded": "success", "failed": "failure"}


class AzurePeople:
    def __init__(self, server: AzureServer) -> None:
        self._server = server

    def _pull(self, number: int) -> AzurePull:
        return self._server.azure_pull(PATH, number)

    def comment(self, number: int, author: str, text: str) -> None:
        self._server.say_as(PATH, number, author, text)

    def bury(self, number: int) -> None:
        """Comments are listed alone."""

    def reactions(self, number: int) -> list[tuple[str, str]]:
        return [
            (said.text, "done")
            for thread in self._pull(number).threads
            for said in thread.comments
            for _ in said.likes
        ]

    def label(self, number: int, name: str) -> None:
        self._pull(number).labels.append(name)

    def mark_as_draft(self, number: int) -> None:
        self._pull(number).is_draft = True

    def edit(self, number: int, **texts: str) -> None:
        for name, text in texts.items():
            setattr(self._pull(number), name, text)

    def statuses(self, commit: str) -> dict[str, tuple[str, str, str]]:
        return {
            context: (STATES[shown.state], shown.description, shown.url)
            for context, shown in self._server.statuses.get(commit, {}).items()
        }

    def check(self, number: int, state: str) -> None:
        """By a status policy of the base branch."""
        policies = self._server.policies[PATH]
        if not any(each.name == CHECK for each in policies):
            policies.append(Policy(CHECK))
        (policy,) = (each for each in policies if each.name == CHECK)
        self._server._branches.clear()
        self._server.see_head(self._pull(number))
        policy.verdicts[number, self._pull(number).head_commit] = VERDICTS[state]
        self._server.complete_what_may(PATH)

    def is_handed_over(self, number: int) -> bool:
        return bool(self._pull(number).auto_complete_by)

    def merge_method(self, number: int) -> str:
        return self._pull(number).merge_method

    def add_milestone(self, title: str) -> None:
        """There are none."""

    def issues(self) -> list[KeptIssue]:
        raise NotImplementedError("there are none")

    def open_issue(self, author: str, title: str, body: str) -> None:
        raise NotImplementedError("there are none")

    def close_issue(self, number: int) -> None:
        raise NotImplementedError("there are none")

    def check_boxes(self, number: int) -> None:
        raise NotImplementedError("there are none")

    def switch_issues_off(self) -> None:
        raise NotImplementedError("there are none")
