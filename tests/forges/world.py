"""A forge of each kind behind one face, so that the contract suite does not know which it has."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from imagebot.interfaces import Forge
from imagebot.proposals import ChangeSet, PullRequest

PROJECT = "acme/config"
FORK = "mallory/config"
MEMBERS = ("alice", "bob", "acme/platform")


# What a forge does not have, with the reason; the suites then expect the opposite.
LACKS: Mapping[str, Mapping[str, str]] = {
    "gitlab": {"merge methods": "the project's settings say how; only a squash can be asked for"},
    "gitea": {"conditional requests": "its API gives no ETags"},
    "forgejo": {"conditional requests": "its API gives no ETags"},
    "bitbucket": {
        "labels": "there are none on pull requests",
        "assignees": "there are none on pull requests",
        "milestones": "there are none on pull requests",
        "code owners": "the file names groups and e-mail addresses, and people by strategies",
        "reactions": "the API has none; the reply says it all",
        "auto-merge": "the API has none; imagebot merges by itself",
        "whole head commits": "pull requests tell 12 digits, and the branch is asked for the rest",
        "conditional requests": "none are documented",
    },
    "bitbucket-server": {
        "labels": "there are none on pull requests",
        "assignees": "there are none on pull requests",
        "milestones": "there are none on pull requests",
        "code owners": "they are rules of the server's settings",
        "issues": "there are none",
        "news in lists": "they tell of comments, but not of replies to these",
        "conditional requests": "none are documented",
    },
    "azure-devops": {
        "whole bodies in lists": "longer ones are cut, and one that is not known is read by itself",
        "news in lists": "they do not tell whether anybody did or said anything",
        "versions in lists": "nothing in them changes when somebody says something",
        "conditional requests": "answers have no ETag",
        "assignees": "pull requests have reviewers only",
        "milestones": "pull requests have none",
        "code owners": "reviewers by path are a branch policy of the server",
        "refusing reactions": "comments can only be liked; a refusal is told by words",
        "issues": "work items follow a process that each project makes its own",
    },
    "plain": {
        "pull requests": "git has none; a server may open them for push options or refs/for/",
        "conversation": "what is said on such a request cannot be seen: no commands, no labels",
        "statuses and merges": "git has none",
        "declined versions": "what people closed cannot be seen; AGit sees the head of a request",
        "token": "git has credentials of its own or needs none",
    },
}


def git(folder: Path, *arguments: str) -> str:
    outside = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    people = {
        f"GIT_{role}_{what}": "imagebot"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=outside | people | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


class Bare:
    """A bare git repository into which branches are pushed with one command each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
        self._commit("main", "1.0.0", parent=None)

    def push(self, branch: str, text: str = "1.1.0", base: str = "main") -> None:
        self._commit(branch, text, parent=base)

    def point(self, branch: str, at: str) -> None:
        git(self.folder, "update-ref", f"refs/heads/{branch}", f"refs/heads/{at}")

    def delete(self, branch: str) -> None:
        git(self.folder, "update-ref", "-d", f"refs/heads/{branch}")

    def _commit(self, branch: str, text: str, parent: str | None) -> None:
        file = self.folder / "content"
        file.write_text(f"image: api:{text}\n")
        blob = git(self.folder, "hash-object", "-w", str(file))
        git(self.folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},app.yaml")
        tree = git(self.folder, "write-tree")
        above = ["-p", f"refs/heads/{parent}"] if parent else []
        commit = git(self.folder, "commit-tree", tree, *above, "-m", text)
        git(self.folder, "update-ref", f"refs/heads/{branch}", commit)


class Cache:
    """As the store is for the forge."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self.entries[key] for key in keys if key in self.entries}

    def put_many(self, entries: Mapping[str, bytes]) -> None:
        self.entries.update(entries)


@dataclass
class Kept:
    """A pull request as the server keeps it, in the same words for every forge."""

    number: int
    state: str
    title: str
    body: str
    base: str
    labels: list[str]
    reviewers: list[str]
    comments: list[str]
    assignees: list[str] = field(default_factory=list)
    milestone: str = ""
    is_draft: bool = False


@dataclass
class KeptIssue:
    number: int
    title: str
    body: str
    is_open: bool
    labels: list[str]


class People(Protocol):
    """What people do at a forge beside imagebot, and what they see there, on one project.

    Of the people, alice may write to the repository, bob may read it, mallory neither; nobody
    has the name "nobody".
    """

    def comment(self, number: int, author: str, text: str) -> None: ...

    def bury(self, number: int) -> None:
        """Let so much happen, without a word, that what was said before is not reached any more.

        Only where a forge lists that together with what is said.
        """
        ...

    def reactions(self, number: int) -> list[tuple[str, str]]:
        """Text of the comment, and the `Reaction` in the words of `talk`, in the order made."""
        ...

    def label(self, number: int, name: str) -> None: ...

    def mark_as_draft(self, number: int) -> None: ...

    def edit(self, number: int, **texts: str) -> None:
        """Set `title`, `body` or `base` of a pull request, as `Kept` has them."""
        ...

    def statuses(self, commit: str) -> dict[str, tuple[str, str, str]]:
        """State in the words of `talk.StatusState`, text and address by context."""
        ...

    def check(self, number: int, state: str) -> None:
        """The one check that is required, on the head as it is now, in words of `StatusState`."""
        ...

    def is_handed_over(self, number: int) -> bool:
        """Whether the forge merges it by itself as soon as it can."""
        ...

    def merge_method(self, number: int) -> str:
        """How it was merged, or is to be, in the words of `talk.MergeMethod`."""
        ...

    def add_milestone(self, title: str) -> None: ...

    def issues(self) -> list[KeptIssue]: ...

    def open_issue(self, author: str, title: str, body: str) -> None: ...

    def close_issue(self, number: int) -> None: ...

    def check_boxes(self, number: int) -> None:
        """All of the issue."""

    def switch_issues_off(self) -> None: ...


@dataclass
class World:
    """One forge, its server, and the repository behind it."""

    kind: str
    server: Any
    bare: Bare
    connect: Callable[..., Any]  # (project=..., token=..., timeout_seconds=...) -> Forge
    pulls_path: str  # where pull requests are listed and made, as a regular expression
    kept: Callable[[], list[Kept]]
    open_from_fork: Callable[[str], None]
    set_state: Callable[[int, str], None]  # "merged" or "closed", as if a person had done it
    own_token: str
    close_request: tuple[str, str]  # method and path of the request that closes
    review_request: tuple[str, str]  # the first request that only reviewers need
    git_user: str
    people: People | None = None
    comments_path: str = r"/comments$"  # where they are listed and made
    merge_request: tuple[str, str] = ("PUT", "/merge$")  # which merges now
    call_back_request: tuple[str, str] = ("POST", "/graphql$")  # the first one that calls back
    permission_request: tuple[str, str] = ("GET", "/permission$")  # the last one that asks
    issues_path: str = "/issues$"
    author_of: Callable[[str], str] = lambda name: name  # as comments tell a person
    page_size: int = 100
    new_label_writes: int = 1  # to put on two labels that the repository does not have yet
    refuses_missing_head_by: str = "422|400"

    def __post_init__(self) -> None:
        self.forge = self.connect()

    @property
    def lacks(self) -> Mapping[str, str]:
        return LACKS.get(self.kind, {})

    def has(self, *labels: str) -> list[str]:
        """These labels, where the forge has labels."""
        return [] if "labels" in self.lacks else list(labels)


def opened_by(forge: Forge, wanted: ChangeSet) -> PullRequest:
    """Opened, people asked, and with its labels: as a run does it (carrying/proposing.py)."""
    request = forge.create(wanted)
    forge.ask_people(request, wanted)
    return forge.update(request, wanted)


def changes(branch: str = "imagebot/api-1a2b", **different: Any) -> ChangeSet:
    wanted = ChangeSet(
        group="api",
        branch=branch,
        base="main",
        title="Update api to 1.1.0",
        body="| image | from | to |\n| --- | --- | --- |\n| api | 1.0.0 | 1.1.0 |\n",
        message="Update api to 1.1.0",
        files={},
        updates=(),
    )
    return replace(wanted, **different)
