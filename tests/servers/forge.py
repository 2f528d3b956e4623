"""What the servers of forges have in common: repositories, pull requests, routes, a contract.

Each server says what its forge's API looks like; this module keeps what stands behind it. All
that a server answers by itself is checked against `tests/contracts/<contract>.json`, requests too.
"""

import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from imagebot.demo import bare as git
from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer, JsonServer, Request
from tests.servers import contracts
from tests.servers.faults import Misbehaving

NOW = "2026-11-23T12:00:00Z"
Document = dict[str, Any]


class Refusal(Exception):
    """Ends a request with the forge's way of saying no."""

    def __init__(self, status: int, document: object) -> None:
        super().__init__(document)
        self.answer = Answer(status, document)


@dataclass
class Pull:
    number: int
    title: str
    body: str
    head: str
    base: str
    author: str
    source: "Repository | None"  # None: a fork that was deleted
    state: str = "open"  # open, closed, merged
    version: int = 0  # counts changes, for forges that ask for it
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)  # author, text
    is_draft: bool = False
    merge_method: str = ""  # how it was merged, in the words of `talk.MergeMethod`
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Repository:
    path: str
    bare: Path
    members: frozenset[str]  # who may be asked for a review
    pulls: list[Pull] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    @property
    def owner(self) -> str:
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def id(self) -> int:
        return number_of(self.path)


JSON_NULL = "null"  # as a document: a body that holds it, and not an empty one


class ForgeServer(Misbehaving, JsonServer):
    contract: ClassVar[str]
    published: ClassVar[contracts.PublishedContract | None] = None
    login = "imagebot"
    pull_type: type[Pull] = Pull

    def __init__(self) -> None:
        super().__init__()
        self.broken: list[str] = []
        self.token = f"token-{secrets.token_hex(16)}"
        self.people = ["imagebot", "alice", "bob", "mallory"]
        self._repositories: dict[str, Repository] = {}
        self._branches: dict[Path, dict[str, str]] = {}

    @property
    def url(self) -> str:
        return self.root

    def add_repository(self, path: str, bare: Path, members: Collection[str] = ()) -> None:
        self._repositories[path] = Repository(path, bare, frozenset(members))

    def pull_requests(self, path: str) -> tuple[Pull, ...]:
        with self.turn:
            return tuple(self._repositories[path].pulls)

    def open_as_person(self, path: str, title: str, head: str, base: str, fork: str | None) -> None:
        """A pull request from somebody else's fork; None: the fork is gone by now."""
        repository = self._repositories[path]
        source = self._repositories[fork] if fork else None
        number = len(repository.pulls) + 1
        pull = self.pull_type(number, title, "", head, base, "mallory", source)
        repository.pulls.append(pull)

    def set_state(self, path: str, number: int, state: str) -> None:
        """As if a person had merged, closed or reopened it."""
        self._repositories[path].pulls[number - 1].state = state

    def checked(self, request: Request, answer: Answer) -> None:
        if answer.document == JSON_NULL:
            answer = replace(answer, document=None)
        try:
            contracts.by_hand(self.contract).check(request, answer)
            if self.published is not None:
                self.published.check(request, answer)
        except contracts.BrokenContract as error:
            self.broken.append(str(error))

    def commit_of(self, bare: Path, branch: str) -> str | None:
        """Of a branch, as seen during one request."""
        if bare not in self._branches:
            self._branches[bare] = git.branches(bare)
        return self._branches[bare].get(branch)

    def answer(self, request: Request) -> Answer:
        self._branches.clear()
        try:
            self.authorise(request)
            for method, pattern, act in self.routes():
                found = re.fullmatch(pattern, request.path)
                if found and method == request.method:
                    return act(request, *map(unquote, found.groups()))
            raise self.not_found()
        except Refusal as refusal:
            return refusal.answer

    def authorise(self, request: Request) -> None:
        raise NotImplementedError

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        raise NotImplementedError

    def not_found(self) -> Refusal:
        raise NotImplementedError

    def repository(self, path: str) -> Repository:
        found = next(
            (each for each in self._repositories.values() if each.path.lower() == path.lower()),
            None,
        )
        if found is None:
            raise self.not_found()
        return found

    def pull(self, repository: Repository, number: str) -> Pull:
        if not 0 < int(number) <= len(repository.pulls):
            raise self.not_found()
        return repository.pulls[int(number) - 1]

    def head_of(self, path: str, number: int) -> str:
        """The head commit of an open pull request, for people."""
        pull = self._repositories[path].pulls[number - 1]
        source = pull.source or self._repositories[path]
        return git.branches(source.bare)[pull.head]

    def add_pull(self, repository: Repository, title: str, body: str, head: str, base: str) -> Pull:
        number = len(repository.pulls) + 1
        made = self.pull_type(number, title, body, head, base, self.login, repository)
        repository.pulls.append(made)
        return made

    def open_twin(self, repository: Repository, head: str, base: str) -> Pull | None:
        """The open pull request between the same two branches."""
        for each in repository.pulls:
            if (each.state, each.head, each.base, each.source) == ("open", head, base, repository):
                return each
        return None
