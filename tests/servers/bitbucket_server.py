"""The part of Bitbucket Data Center's REST API (1.0) that pull requests need, over bare git.

Written from its documentation (tests/contracts/bitbucket-server.json) and from what it does beyond
it: a change that names an old version is refused, one without reviewers removes them, only an open
pull request can be changed, a POST that is not JSON is taken for a forged one.
"""

from collections.abc import Callable
from typing import Any

from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer, Request
from tests.servers.forge import Document, ForgeServer, Pull, Refusal, Repository

_STATES = {"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}
_THEN = 1_764_000_000_000  # milliseconds
_PACKAGE = "com.atlassian.bitbucket"


class BitbucketDataCenter(ForgeServer):
    contract = "bitbucket-server"

    def __init__(self) -> None:
        super().__init__()
        self.context = ""  # path under which the instance lives
        self._comment_count = 0

    @property
    def url(self) -> str:
        return self.root + self.context

    def authorise(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise self._refusal(401, "Authentication failed. Please check your credentials.")
        if request.method == "POST" and request.document is None:
            raise self._refusal(403, "XSRF check failed")

    def not_found(self) -> Refusal:
        return self._refusal(404, "Repository does not exist.", "repository.NoSuchRepository")

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        pulls = f"{self.context}/rest/api/1.0/projects/([^/]+)/repos/([^/]+)/pull-requests"
        number = r"(\d+)"
        return [
            ("GET", pulls, self._list),
            ("POST", pulls, self._open),
            ("GET", f"{pulls}/{number}", self._show),
            ("PUT", f"{pulls}/{number}", self._change),
            ("POST", f"{pulls}/{number}/decline", self._decline),
            ("GET", f"{pulls}/{number}/activities", self._list_activities),
            ("POST", f"{pulls}/{number}/comments", self._say),
        ]

    def _refusal(self, status: int, message: str, kind: str = "", **more: Any) -> Refusal:
        name = f"{_PACKAGE}.{kind}Exception" if kind else None
        error = {"context": None, "message": message, "exceptionName": name, **more}
        return Refusal(status, {"errors": [error]})

    def _list(self, request: Request, key: str, slug: str) -> Answer:
        here, query = self.repository(f"{key}/{slug}"), request.query
        is_outgoing = query.get("direction") == "OUTGOING"
        found = []
        for repository in self._repositories.values():
            for pull in repository.pulls:
                end = pull.source if is_outgoing else repository
                branch = pull.head if is_outgoing else pull.base
                if (
                    end is here
                    and query.get("state", "OPEN") in ("ALL", _STATES[pull.state])
                    and query.get("at", f"refs/heads/{branch}") == f"refs/heads/{branch}"
                ):
                    found.append(self._document(repository, pull))
        if query.get("order", "NEWEST") == "NEWEST":
            found.reverse()
        return self._paged(request, found)

    def _paged(self, request: Request, documents: list[Any]) -> Answer:
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

    def _open(self, request: Request, key: str, slug: str) -> Answer:
        repository, wanted = self.repository(f"{key}/{slug}"), request.document
        head, base = (
            wanted[side]["id"].removeprefix("refs/heads/") for side in ("fromRef", "toRef")
        )
        for branch in (head, base):
            if self.commit_of(repository.bare, branch) is None:
                raise self._refusal(404, f"{branch} does not exist", "commit.NoSuchCommit")
        twin = self.open_twin(repository, head, base)
        if twin:
            raise self._refusal(
                409,
                "Only one pull request may be open for a given source and target branch",
                "pull.DuplicatePullRequest",
                existingPullRequest=self._document(repository, twin),
            )
        body = wanted.get("description", "")
        made = self.add_pull(repository, wanted["title"], body, head, base)
        made.reviewers = self._named(repository, wanted.get("reviewers", ()))
        return Answer(201, self._document(repository, made))

    def _show(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository = self.repository(f"{key}/{slug}")
        return Answer(200, self._document(repository, self.pull(repository, number)))

    def _change(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{key}/{slug}"), request.document
        pull = self._open_pull(repository, number, wanted["version"])
        base = wanted["toRef"]["id"].removeprefix("refs/heads/") if "toRef" in wanted else pull.base
        if self.commit_of(repository.bare, base) is None:
            raise self._refusal(404, f"{base} does not exist", "commit.NoSuchCommit")
        pull.reviewers = self._named(repository, wanted.get("reviewers", ()))
        pull.base = base
        pull.title = wanted.get("title", pull.title)
        pull.body = wanted.get("description", "")
        pull.version += 1
        return Answer(200, self._document(repository, pull))

    def _decline(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository = self.repository(f"{key}/{slug}")
        pull = self._open_pull(repository, number, int(request.query["version"]))
        pull.state = "closed"
        pull.version += 1
        return Answer(200, self._document(repository, pull))

    def _open_pull(self, repository: Repository, number: str, version: int) -> Pull:
        pull = self.pull(repository, number)
        if pull.version != version:
            raise self._refusal(
                409,
                "You are attempting to modify a pull request based on out-of-date information.",
                "pull.PullRequestOutOfDate",
                currentVersion=pull.version,
                expectedVersion=version,
            )
        if pull.state != "open":
            raise self._refusal(409, "This pull request is closed", "pull.IllegalPullRequestState")
        return pull

    def _named(self, repository: Repository, reviewers: Any) -> list[str]:
        names = [each["user"]["name"] for each in reviewers]
        for name in names:
            if name not in repository.members or name not in self.people:
                raise self._refusal(
                    409,
                    f"{name} is not a user, or has no access",
                    "pull.InvalidPullRequestReviewers",
                    reviewerErrors=[{"context": name, "message": f"{name} is not a user"}],
                )
        return names

    def _list_activities(self, request: Request, key: str, slug: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{key}/{slug}"), number)
        opened = {
            "id": 1,
            "createdDate": _THEN,
            "user": self._user(pull.author),
            "action": "OPENED",
        }
        said = [
            {
                "id": 2 + place,
                "createdDate": _THEN,
                "user": self._user(author),
                "action": "COMMENTED",
                "commentAction": "ADDED",
                "comment": self._comment(author, text),
            }
            for place, (author, text) in enumerate(pull.comments)
        ]
        return self._paged(request, [*said[::-1], opened])

    def _say(self, request: Request, key: str, slug: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{key}/{slug}"), number)
        pull.comments.append((self.login, request.document["text"]))
        return Answer(201, self._comment(*pull.comments[-1]))

    def _user(self, name: str) -> Document:
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

    def _comment(self, author: str, text: str) -> Document:
        self._comment_count += 1
        return {
            "id": self._comment_count,
            "version": 0,
            "text": text,
            "author": self._user(author),
            "createdDate": _THEN,
            "updatedDate": _THEN,
            "comments": [],
            "tasks": [],
            "severity": "NORMAL",
            "state": "OPEN",
        }

    def _participant(self, name: str, role: str) -> Document:
        return {
            "user": self._user(name),
            "role": role,
            "approved": False,
            "status": "UNAPPROVED",
        }

    def _document(self, repository: Repository, pull: Pull) -> Document:
        key, _, slug = repository.path.partition("/")
        url = f"{self.url}/projects/{key}/repos/{slug}/pull-requests/{pull.number}"
        is_open = pull.state == "open"
        document = {
            "id": pull.number,
            "version": pull.version,
            "title": pull.title,
            "state": _STATES[pull.state],
            "open": is_open,
            "closed": not is_open,
            "locked": False,
            "draft": False,
            "createdDate": _THEN,
            "updatedDate": _THEN,
            "fromRef": self._ref(pull.source or repository, pull.head),
            "toRef": self._ref(repository, pull.base),
            "author": self._participant(pull.author, "AUTHOR"),
            "reviewers": [self._participant(name, "REVIEWER") for name in pull.reviewers],
            "participants": [],
            "links": {"self": [{"href": url}]},
        }
        return document | ({"description": pull.body} if pull.body else {})

    def _ref(self, repository: Repository, branch: str) -> Document:
        key, _, slug = repository.path.partition("/")
        return {
            "id": f"refs/heads/{branch}",
            "displayId": branch,
            "latestCommit": self.commit_of(repository.bare, branch) or "0" * 40,
            "type": "BRANCH",
            "repository": {
                "slug": slug,
                "id": repository.id,
                "name": slug,
                "project": {"key": key, "id": 1, "name": key, "type": "NORMAL"},
            },
        }
