"""The part of Bitbucket Data Center's REST API (1.0) that pull requests need, over bare git.

Written from its documentation (tests/contracts/bitbucket-server.json) and from what it does beyond
it: a change that names an old version is refused, one without reviewers removes them, only an open
pull request can be changed, a POST that is not JSON is taken for a forged one.
"""

from collections.abc import Callable
from typing import Any

from imagebot.demo.json_server import Answer, Request
from tests.servers.bitbucket_server_talk import THEN, BitbucketServerTalk
from tests.servers.forge import Document, Pull, Refusal, Repository

_STATES = {"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}


class BitbucketDataCenter(BitbucketServerTalk):
    def authorise(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            raise self.refusal(401, "Authentication failed. Please check your credentials.")
        if request.method == "POST" and request.document is None:
            raise self.refusal(403, "XSRF check failed")

    def not_found(self) -> Refusal:
        return self.refusal(404, "Repository does not exist.", "repository.NoSuchRepository")

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        repository = f"{self.context}/rest/api/1.0/projects/([^/]+)/repos/([^/]+)"
        pulls, number = f"{repository}/pull-requests", r"(\d+)"
        return [
            ("GET", pulls, self._list),
            ("POST", pulls, self._open),
            ("GET", f"{pulls}/{number}", self._show),
            ("PUT", f"{pulls}/{number}", self._change),
            ("POST", f"{pulls}/{number}/decline", self._decline),
            *self.talk_routes(repository, f"{pulls}/{number}"),
        ]

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
                    found.append(self.pull_document(repository, pull))
        if query.get("order", "NEWEST") == "NEWEST":
            found.reverse()
        return self.paged(request, found)

    def _open(self, request: Request, key: str, slug: str) -> Answer:
        repository, wanted = self.repository(f"{key}/{slug}"), request.document
        head, base = (
            wanted[side]["id"].removeprefix("refs/heads/") for side in ("fromRef", "toRef")
        )
        for branch in (head, base):
            if self.commit_of(repository.bare, branch) is None:
                raise self.refusal(404, f"{branch} does not exist", "commit.NoSuchCommit")
        twin = self.open_twin(repository, head, base)
        if twin:
            raise self.refusal(
                409,
                "Only one pull request may be open for a given source and target branch",
                "pull.DuplicatePullRequest",
                existingPullRequest=self.pull_document(repository, twin),
            )
        body = wanted.get("description", "")
        made = self.add_pull(repository, wanted["title"], body, head, base)
        made.is_draft = wanted.get("draft", False)
        made.reviewers = self._named(repository, wanted.get("reviewers", ()))
        return Answer(201, self.pull_document(repository, made))

    def _show(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository = self.repository(f"{key}/{slug}")
        return Answer(200, self.pull_document(repository, self.pull(repository, number)))

    def _change(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{key}/{slug}"), request.document
        pull = self.open_pull(repository, number, wanted["version"])
        base = wanted["toRef"]["id"].removeprefix("refs/heads/") if "toRef" in wanted else pull.base
        if self.commit_of(repository.bare, base) is None:
            raise self.refusal(404, f"{base} does not exist", "commit.NoSuchCommit")
        pull.reviewers = self._named(repository, wanted.get("reviewers", ()))
        pull.base = base
        pull.title = wanted.get("title", pull.title)
        pull.body = wanted.get("description", "")
        pull.is_draft = wanted.get("draft", False)
        pull.version += 1
        return Answer(200, self.pull_document(repository, pull))

    def _decline(self, request: Request, key: str, slug: str, number: str) -> Answer:
        repository = self.repository(f"{key}/{slug}")
        pull = self.open_pull(repository, number, int(request.query["version"]))
        pull.state = "closed"
        pull.version += 1
        return Answer(200, self.pull_document(repository, pull))

    def open_pull(self, repository: Repository, number: str, version: int) -> Pull:
        pull = self.pull(repository, number)
        self.head(repository, pull)
        if pull.version != version:
            raise self.refusal(
                409,
                "You are attempting to modify a pull request based on out-of-date information.",
                "pull.PullRequestOutOfDate",
                currentVersion=pull.version,
                expectedVersion=version,
            )
        if pull.state != "open":
            raise self.refusal(409, "This pull request is closed", "pull.IllegalPullRequestState")
        return pull

    def _named(self, repository: Repository, reviewers: Any) -> list[str]:
        names = [each["user"]["name"] for each in reviewers]
        for name in names:
            if name not in repository.members or name not in self.people:
                raise self.refusal(
                    409,
                    f"{name} is not a user, or has no access",
                    "pull.InvalidPullRequestReviewers",
                    reviewerErrors=[{"context": name, "message": f"{name} is not a user"}],
                )
        return names

    def _participant(self, name: str, role: str) -> Document:
        return {
            "user": self.user(name),
            "role": role,
            "approved": False,
            "status": "UNAPPROVED",
        }

    def pull_document(self, repository: Repository, pull: Pull) -> Document:
        key, _, slug = repository.path.partition("/")
        url = f"{self.url}/projects/{key}/repos/{slug}/pull-requests/{pull.number}"
        is_open, head = pull.state == "open", self.head(repository, pull)
        document = {
            "id": pull.number,
            "version": pull.version,
            "title": pull.title,
            "state": _STATES[pull.state],
            "open": is_open,
            "closed": not is_open,
            "locked": False,
            "draft": pull.is_draft,
            "createdDate": int(pull.created.timestamp() * 1000),
            "updatedDate": THEN,
            "fromRef": self._ref(pull.source or repository, pull.head, head),
            "toRef": self._ref(repository, pull.base),
            "author": self._participant(pull.author, "AUTHOR"),
            "reviewers": [self._participant(name, "REVIEWER") for name in pull.reviewers],
            "participants": [],
            "properties": {"commentCount": self.top_level(pull), "openTaskCount": 0},
            "links": {"self": [{"href": url}]},
        }
        return document | ({"description": pull.body} if pull.body else {})

    def _ref(self, repository: Repository, branch: str, commit: str = "") -> Document:
        key, _, slug = repository.path.partition("/")
        return {
            "id": f"refs/heads/{branch}",
            "displayId": branch,
            "latestCommit": commit or self.commit_of(repository.bare, branch) or "0" * 40,
            "type": "BRANCH",
            "repository": {
                "slug": slug,
                "id": repository.id,
                "name": slug,
                "project": {"key": key, "id": 1, "name": key, "type": "NORMAL"},
            },
        }
