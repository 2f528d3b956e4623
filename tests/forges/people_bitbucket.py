"""What people do and see at the servers of both Bitbuckets, for the contract suites."""

from imagebot.forges.bitbucket_texts import read
from tests.forges.world import PROJECT, KeptIssue
from tests.servers.bitbucket import BitbucketCloud
from tests.servers.bitbucket_server import BitbucketDataCenter
from tests.servers.bitbucket_server_talk import PLACES
from tests.servers.bitbucket_talk import Build, TrackedIssue
from tests.servers.forge import Pull

CHECK = "ci"
STATES = {"success": "SUCCESSFUL", "pending": "INPROGRESS", "failure": "FAILED"}
WORDS = {state: word for word, state in STATES.items()}


class BitbucketPeople:
    """On the Cloud."""

    def __init__(self, server: BitbucketCloud) -> None:
        self._server = server
        server.permissions |= {"imagebot": "admin", "alice": "write", "bob": "read"}

    def _pull(self, number: int) -> Pull:
        return self._server.pull_requests(PROJECT)[number - 1]

    def comment(self, number: int, author: str, text: str) -> None:
        self._pull(number).comments.append((author, text))

    def bury(self, number: int) -> None:
        said = self._pull(number).comments
        for _ in range(1_000):
            said.append(("alice", "never mind"))
            self._server.deleted.add(number * PLACES + len(said))

    def reactions(self, number: int) -> list[tuple[str, str]]:
        return []  # people have them, the API has not

    def label(self, number: int, name: str) -> None:
        """There are none."""

    def mark_as_draft(self, number: int) -> None:
        self._pull(number).is_draft = True
        self._pull(number).version += 1

    def edit(self, number: int, **texts: str) -> None:
        for name, text in texts.items():
            setattr(self._pull(number), name, text)
        self._pull(number).version += 1

    def statuses(self, commit: str) -> dict[str, tuple[str, str, str]]:
        return {
            key: (WORDS[build.state], build.text, build.url)
            for key, build in self._server.build_names(commit).items()
        }

    def check(self, number: int, state: str) -> None:
        head = self._server.head_of(PROJECT, number)
        self._server.builds.setdefault(head, {})[CHECK] = Build(STATES[state])

    def is_handed_over(self, number: int) -> bool:
        return False

    def merge_method(self, number: int) -> str:
        return self._pull(number).merge_method

    def add_milestone(self, title: str) -> None:
        """There are none on pull requests."""

    def issues(self) -> list[KeptIssue]:
        return [
            KeptIssue(each.number, each.title, read(each.body), each.state != "resolved", [])
            for each in self._server.issues
        ]

    def open_issue(self, author: str, title: str, body: str) -> None:
        number = len(self._server.issues) + 1
        self._server.issues.append(TrackedIssue(number, author, title, body))

    def close_issue(self, number: int) -> None:
        self._server.issues[number - 1].state = "resolved"

    def check_boxes(self, number: int) -> None:
        issue = self._server.issues[number - 1]
        issue.body = issue.body.replace("[ ]", "[x]")

    def switch_issues_off(self) -> None:
        self._server.has_issues = False


class BitbucketServerPeople:
    """On the Data Center."""

    def __init__(self, server: BitbucketDataCenter) -> None:
        self._server = server
        server.permissions |= {"imagebot": "write", "alice": "write", "bob": "read"}

    def _pull(self, number: int) -> Pull:
        return self._server.pull_requests(PROJECT)[number - 1]

    def comment(self, number: int, author: str, text: str) -> None:
        self._pull(number).comments.append((author, text))

    def reply(self, number: int, author: str, text: str) -> None:
        """To the last comment."""
        self.comment(number, author, text)
        last = number * PLACES + len(self._pull(number).comments)
        self._server.parents[last] = last - 1

    def bury(self, number: int) -> None:
        said = self._pull(number).comments
        for _ in range(1_000):
            said.append(("alice", "never mind"))
            self._server.deleted.add(number * PLACES + len(said))

    def reactions(self, number: int) -> list[tuple[str, str]]:
        words = {"thumbsup": "done", "thumbsdown": "refused"}
        texts = [text for _, text in self._pull(number).comments]
        return [
            (texts[comment - number * PLACES - 1], words[emoticon])
            for comment, given in self._server.reactions.items()
            for _, emoticon in given
        ]

    def label(self, number: int, name: str) -> None:
        """There are none."""

    def mark_as_draft(self, number: int) -> None:
        self._pull(number).is_draft = True
        self._pull(number).version += 1

    def edit(self, number: int, **texts: str) -> None:
        for name, text in texts.items():
            setattr(self._pull(number), name, text)
        self._pull(number).version += 1

    def statuses(self, commit: str) -> dict[str, tuple[str, str, str]]:
        return {
            key: (WORDS[build.state], build.text, build.url)
            for key, build in self._server.builds.get(commit, {}).items()
        }

    def check(self, number: int, state: str) -> None:
        self._server.required.add(CHECK)
        head = self._server.head_of(PROJECT, number)
        self._server.builds.setdefault(head, {})[CHECK] = Build(STATES[state])
        self._server.merge_what_may(PROJECT)

    def is_handed_over(self, number: int) -> bool:
        return number in self._server.auto_merges

    def merge_method(self, number: int) -> str:
        return self._pull(number).merge_method

    def add_milestone(self, title: str) -> None:
        """There are none on pull requests."""

    def issues(self) -> list[KeptIssue]:
        return []

    def open_issue(self, author: str, title: str, body: str) -> None:
        raise AssertionError("there are no issues")

    def close_issue(self, number: int) -> None:
        raise AssertionError("there are no issues")

    def check_boxes(self, number: int) -> None:
        raise AssertionError("there are no issues")

    def switch_issues_off(self) -> None:
        """There are none."""
