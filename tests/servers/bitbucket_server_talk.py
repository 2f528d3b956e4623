"""What is said, shown and merged on the server like Bitbucket Data Center.

As the real one does: comments are listed among all that happened, with replies inside of what they
reply to; the count of comments leaves replies out; a push makes another version of a pull request;
every answer says in a header whose token it was.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

from imagebot.demo import bare as git
from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer, Request
from tests.servers.bitbucket_talk import Build
from tests.servers.forge import Document, ForgeServer, Pull, Refusal, Repository

Route = tuple[str, str, Callable[..., Answer]]
METHODS = {"no-ff": "merge", "squash": "squash", "rebase-ff-only": "rebase"}
THEN = 1_764_000_000_000  # milliseconds
PLACES = 10_000  # comments of one pull request, for their ids
PACKAGE = "com.atlassian.bitbucket"


class BitbucketServerTalk(ForgeServer):
    contract = "bitbucket-server"

    def __init__(self) -> None:
        super().__init__()
        self.context = ""  # path under which the instance lives
        self.permissions: dict[str, str] = {}
        self.builds: dict[str, dict[str, Build]] = {}  # by commit, then key
        self.required: set[str] = set()  # keys of builds
        self.deleted: set[int] = set()  # ids of comments
        self.parents: dict[int, int] = {}  # of replies, by id
        self.reactions: dict[int, list[tuple[str, str]]] = {}  # by comment: who, emoticon
        self.auto_merges: dict[int, tuple[str, str]] = {}  # by pull request: commit, strategy
        self.strategies = set(METHODS)
        self.allows_auto_merge = True
        self.has_reactions = True
        self.says_whose_token = True
        self._heads: dict[tuple[str, int], str] = {}  # as noticed last

    @property
    def url(self) -> str:
        return self.root + self.context

    def answer(self, request: Request) -> Answer:
        told = super().answer(request)
        if not self.says_whose_token or told.status == 401:
            return told
        return replace(told, headers={**told.headers, "X-AUSERNAME": quote_plus(self.login)})

    def talk_routes(self, repository: str, pull: str) -> list[Route]:
        rest, here = f"{self.context}/rest", repository.partition("/api/1.0/")[2]
        comment = r"pull-requests/(\d+)/comments/(\d+)/reactions/(\w+)"
        return [
            ("GET", f"{pull}/activities", self._list_activities),
            ("POST", f"{pull}/comments", self._say),
            ("PUT", f"{rest}/comment-likes/latest/{here}/{comment}", self._react),
            ("GET", f"{rest}/api/1.0/users", self._list_users),
            ("POST", f"{repository}/commits/([0-9a-f]+)/builds", self._set_build),
            ("GET", f"{rest}/build-status/1.0/commits/stats/([0-9a-f]+)", self._count_builds),
            ("GET", f"{pull}/merge", self._test_merge),
            ("POST", f"{pull}/merge", self._merge),
            ("GET", f"{pull}/auto-merge", self._show_auto_merge),
            ("DELETE", f"{pull}/auto-merge", self._cancel_auto_merge),
        ]

    def refusal(self, status: int, message: str, kind: str = "", **more: Any) -> Refusal:
        name = f"{PACKAGE}.{kind}Exception" if kind else None
        error = {"context": None, "message": message, "exceptionName": name, **more}
        return Refusal(status, {"errors": [error]})

    def pull_document(self, repository: Repository, pull: Pull) -> Document:
        raise NotImplementedError

    def open_pull(self, repository: Repository, number: str, version: int) -> Pull:
        raise NotImplementedError

    def paged(self, request: Request, documents: list[Any]) -> Answer:
        limit = min(int(request.query.get("limit", 25)), 100)
        start = int(request.query.get("start", 0))
        is_last = start + limit >= len(documents)
        values = documents[start : start + limit]
        page = {
            "size": len(values),
            "limit": limit,
            "start": start,
            "isLastPage": is_last,
            "nextPageStart": None if is_last else start + limit,
            "values": values,
        }
        return Answer(200, page)

    def user(self, name: str) -> Document:
        return {
            "name": name,
            "slug": name,
            "id": number_of(name),
            "displayName": name.title(),
            "emailAddress": f"{name}@acme.example",
            "active": True,
            "type": "NORMAL",
            "links": {"self": [{"href": f"{self.url}/users/{name}"}]},
        }

    def head(self, repository: Repository, pull: Pull) -> str:
        """The head commit; another one than before makes another version and ends auto-merge."""
        commit = self.commit_of((pull.source or repository).bare, pull.head) or ""
        if pull.state == "open":
            before = self._heads.setdefault((repository.path, pull.number), commit)
            if before != commit:
                self._heads[repository.path, pull.number] = commit
                pull.version += 1
                self.auto_merges.pop(pull.number, None)
        return self._heads.get((repository.path, pull.number), commit)

    def top_level(self, pull: Pull) -> int:
        ids = range(pull.number * PLACES + 1, pull.number * PLACES + len(pull.comments) + 1)
        return sum(each not in self.parents for each in ids)

    def merge_what_may(self, path: str) -> None:
        """Auto-merge, after something became green."""
        repository = self.repository(path)
        self._branches.clear()
        for pull in repository.pulls:
            commit = self.head(repository, pull)
            if pull.number in self.auto_merges and not self._vetoes(pull, commit):
                _, strategy = self.auto_merges[pull.number]
                self._merge_now(repository, pull, commit, strategy)

    def _list_users(self, request: Request) -> Answer:
        query, word = request.query, request.query.get("filter", "")
        is_filtered = query.get("permission.1") == "REPO_WRITE"
        if is_filtered:
            self.repository(
                f"{query['permission.1.projectKey']}/{query['permission.1.repositorySlug']}"
            )
        names = [*dict.fromkeys([*self.people, *self.permissions])]
        found = [
            self.user(name)
            for name in names
            if word.casefold() in name
            and (not is_filtered or self.permissions.get(name) in ("write", "admin"))
        ]
        return self.paged(request, found)

    # --- Comments --------------------------------------------------------------------------------

    def first_id(self, pull: Pull) -> int:
        """Of the comments on it, which are numbered from there."""
        return pull.number * PLACES + 1

    def _list_activities(self, request: Request, key: str, slug: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{key}/{slug}"), number)
        opened = {"id": 1, "createdDate": THEN, "user": self.user(pull.author), "action": "OPENED"}
        said = [
            {
                "id": 2 + place,
                "createdDate": THEN + place,
                "user": self.user(author),
                "action": "COMMENTED",
                "commentAction": "DELETED"
                if self.first_id(pull) + place in self.deleted
                else "ADDED",
                "comment": self._comment(pull, place),
            }
            for place, (author, _) in enumerate(pull.comments)
            if pull.number * PLACES + place + 1 not in self.parents
        ]
        return self.paged(request, [*said[::-1], opened])

    def _say(self, request: Request, key: str, slug: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{key}/{slug}"), number)
        place, parent = len(pull.comments), request.document.get("parent", {}).get("id")
        if parent is not None:
            if not 0 < parent - pull.number * PLACES <= place:
                raise self.refusal(404, "The parent does not exist", "comment.NoSuchComment")
            self.parents[pull.number * PLACES + place + 1] = parent
        pull.comments.append((self.login, request.document["text"]))
        return Answer(201, self._comment(pull, place))

    def _comment(self, pull: Pull, place: int) -> Document:
        author, text = pull.comments[place]
        number = pull.number * PLACES + place + 1
        replies = [each for each, parent in self.parents.items() if parent == number]
        return {
            "id": number,
            "version": 0,
            "text": text,
            "author": self.user(author),
            "createdDate": THEN + place,
            "updatedDate": THEN + place,
            "comments": [self._comment(pull, each % PLACES - 1) for each in replies],
            "tasks": [],
            "severity": "NORMAL",
            "state": "OPEN",
        }

    def _react(
        self, request: Request, key: str, slug: str, number: str, comment: str, emoticon: str
    ) -> Answer:
        pull = self.pull(self.repository(f"{key}/{slug}"), number)
        if not self.has_reactions or not 0 < int(comment) - pull.number * PLACES <= len(
            pull.comments
        ):
            raise self.refusal(404, "Comment does not exist.", "comment.NoSuchComment")
        given = self.reactions.setdefault(int(comment), [])
        if (self.login, emoticon) not in given:
            given.append((self.login, emoticon))
        reaction = {"emoticon": {"shortcut": emoticon}, "user": self.user(self.login)}
        return Answer(200, reaction)

    # --- Builds and merges -----------------------------------------------------------------------

    def _set_build(self, request: Request, key: str, slug: str, commit: str) -> Answer:
        repository, wanted = self.repository(f"{key}/{slug}"), request.document
        self.commit_of(repository.bare, "main")
        if commit not in self._branches[repository.bare].values():
            raise self.refusal(404, f"Commit {commit} does not exist", "commit.NoSuchCommit")
        build = Build(wanted["state"], wanted.get("description", ""), wanted["url"])
        self.builds.setdefault(commit, {})[wanted["key"]] = build
        return Answer(204, None)

    def _count_builds(self, request: Request, commit: str) -> Answer:
        states = [build.state for build in self.builds.get(commit, {}).values()]
        words = {
            "successful": "SUCCESSFUL",
            "inProgress": "INPROGRESS",
            "failed": "FAILED",
            "cancelled": "CANCELLED",
            "unknown": "UNKNOWN",
        }
        return Answer(200, {word: states.count(state) for word, state in words.items()})

    def _vetoes(self, pull: Pull, commit: str) -> list[Document]:
        builds = self.builds.get(commit, {})
        lacking = [
            key for key in self.required if key not in builds or builds[key].state != "SUCCESSFUL"
        ]
        vetoes = [f"The required build {key} is not successful" for key in sorted(lacking)]
        vetoes += ["This pull request is a draft"] if pull.is_draft else []
        return [{"summaryMessage": veto, "detailedMessage": veto} for veto in vetoes]

    def _test_merge(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository = self.repository(f"{key}/{slug}")
        pull = self.pull(repository, number)
        vetoes = self._vetoes(pull, self.head(repository, pull))
        test = {
            "canMerge": not vetoes,
            "conflicted": False,
            "outcome": "CLEAN",
            "vetoes": vetoes,
        }
        return Answer(200, test)

    def _merge(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{key}/{slug}"), request.document
        commit = self.head(repository, self.pull(repository, number))
        pull = self.open_pull(repository, number, int(request.query["version"]))
        strategy = wanted.get("strategyId", "no-ff")
        if strategy not in self.strategies:
            raise self.refusal(409, f"The merge strategy {strategy} is not enabled")
        vetoes = self._vetoes(pull, commit)
        if vetoes and wanted.get("autoMerge") and self.allows_auto_merge:
            self.auto_merges[pull.number] = (commit, strategy)
        elif vetoes:
            message = "The pull request has merge vetoes."
            raise self.refusal(409, message, "pull.PullRequestMergeVetoed", vetoes=vetoes)
        else:
            self._merge_now(repository, pull, commit, strategy)
        return Answer(200, self.pull_document(repository, pull))

    def _merge_now(self, repository: Repository, pull: Pull, commit: str, strategy: str) -> None:
        git.merge(repository.bare, pull.base, commit, METHODS[strategy])
        self._branches.clear()
        self.auto_merges.pop(pull.number, None)
        pull.state, pull.merge_method = "merged", METHODS[strategy]
        pull.version += 1

    def _show_auto_merge(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository = self.repository(f"{key}/{slug}")
        self.head(repository, self.pull(repository, number))
        if int(number) not in self.auto_merges:
            raise self.refusal(404, "Auto-merge was not requested", "pull.AutoMergeNotRequested")
        commit, strategy = self.auto_merges[int(number)]
        told = {"createdDate": THEN, "fromHash": commit, "strategyId": strategy}
        return Answer(200, told)

    def _cancel_auto_merge(self, request: Request, key: str, slug: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{key}/{slug}"), number)
        if pull.state != "open":
            raise self.refusal(409, "This pull request is closed", "pull.IllegalPullRequestState")
        self.auto_merges.pop(pull.number, None)
        return Answer(204, None)
