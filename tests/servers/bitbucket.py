"""The part of Bitbucket Cloud's API (2.0) that pull requests need, over bare git.

Written from its published description (tests/contracts/bitbucket.json) and from what it does
beyond it: opening one where one is open between the same branches changes that one, a PUT without
a title is refused and without reviewers removes them, and only an open one can be changed.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from imagebot.demo.json_server import Answer, Request
from tests.servers.bitbucket_talk import BitbucketTalk, moment, uuid_of
from tests.servers.forge import Document, Pull, Refusal, Repository

_STATES = {"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}


class BitbucketCloud(BitbucketTalk):
    username = ""  # where one is set, the token is that person's

    def authorise(self, request: Request) -> None:
        basic = b64encode(f"{self.username}:{self.token}".encode()).decode()
        wanted = f"Basic {basic}" if self.username else f"Bearer {self.token}"
        if request.headers.get("authorization") != wanted:
            raise self.refusal(401, "Token is invalid, expired, or not supported")

    def not_found(self) -> Refusal:
        return self.refusal(404, "Resource not found")

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        repository, number = "/2.0/repositories/([^/]+)/([^/]+)", r"(\d+)"
        pulls = f"{repository}/pullrequests"
        return [
            ("GET", pulls, self._list),
            ("POST", pulls, self._open),
            ("GET", f"{pulls}/{number}", self._show),
            ("PUT", f"{pulls}/{number}", self._change),
            ("POST", f"{pulls}/{number}/decline", self._decline),
            ("GET", "/2.0/workspaces/([^/]+)/members", self._list_members),
            *self.talk_routes(repository, f"{pulls}/{number}"),
        ]

    def _list(self, request: Request, workspace: str, name: str) -> Answer:
        repository = self.repository(f"{workspace}/{name}")
        states = [value for key, value in request.pairs if key == "state"] or ["OPEN"]
        quoted = re.findall(r'source\.branch\.name="((?:[^"\\]|\\.)*)"', request.query.get("q", ""))
        heads = [re.sub(r"\\(.)", r"\1", head) for head in quoted]
        found = [
            pull
            for pull in repository.pulls
            if _STATES[pull.state] in states and (not heads or pull.head in heads)
        ]
        if request.query.get("sort") == "-created_on":
            found.reverse()
        return self.paged(request, [self.pull_document(repository, pull) for pull in found])

    def _open(self, request: Request, workspace: str, name: str) -> Answer:
        repository, wanted = self.repository(f"{workspace}/{name}"), request.document
        head = wanted["source"]["branch"]["name"]
        base = wanted.get("destination", {"branch": {"name": "main"}})["branch"]["name"]
        for side, branch in (("source", head), ("destination", base)):
            if self.commit_of(repository.bare, branch) is None:
                raise self.refusal(
                    400, f"{side}: branch not found: {branch}", **{side: ["branch not found"]}
                )
        body = wanted.get("description", "")
        pull = self.open_twin(repository, head, base)
        if pull is None:
            pull = self.add_pull(repository, wanted["title"], body, head, base)
            pull.is_draft = wanted.get("draft", False)
        pull.title, pull.body = wanted["title"], body
        pull.reviewers = self._named(repository, wanted.get("reviewers", ()))
        return Answer(201, self.pull_document(repository, pull, is_alone=True))

    def _show(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        repository = self.repository(f"{workspace}/{name}")
        pull = self.pull(repository, number)
        return Answer(200, self.pull_document(repository, pull, is_alone=True))

    def _change(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{workspace}/{name}"), request.document
        pull = self._open_pull(repository, number)
        if "title" not in wanted:
            required = ["This field is required."]
            raise self.refusal(400, "title: This field is required.", title=required)
        base = wanted.get("destination", {"branch": {"name": pull.base}})["branch"]["name"]
        if self.commit_of(repository.bare, base) is None:
            raise self.refusal(400, "destination: branch not found")
        reviewers = self._named(repository, wanted.get("reviewers", ()))
        pull.title, pull.base, pull.reviewers = wanted["title"], base, reviewers
        pull.body = wanted.get("description", pull.body)
        pull.is_draft = wanted.get("draft", False)
        pull.version += 1
        return Answer(200, self.pull_document(repository, pull, is_alone=True))

    def _decline(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        repository = self.repository(f"{workspace}/{name}")
        pull = self._open_pull(repository, number)
        pull.state = "closed"
        pull.version += 1
        return Answer(200, self.pull_document(repository, pull, is_alone=True))

    def _open_pull(self, repository: Repository, number: str) -> Pull:
        pull = self.pull(repository, number)
        if pull.state != "open":
            raise self.refusal(400, "This pull request is already closed.")
        return pull

    def _named(self, repository: Repository, accounts: Any) -> list[str]:
        names = {uuid_of(name): name for name in self.people}
        names |= {self.account_id(name): name for name in self.people}
        found = [names.get(each.get("uuid") or each["account_id"]) for each in accounts]
        for name in found:
            if name not in repository.members:
                raise self.refusal(
                    400, f"{name} does not have access to this repository", reviewers=["no access"]
                )
        return [name for name in found if name]

    def _list_members(self, request: Request, workspace: str) -> Answer:
        members = [
            {"type": "workspace_membership", "user": self.account(name)} for name in self.people
        ]
        return self.paged(request, members)

    def pull_document(
        self, repository: Repository, pull: Pull, *, is_alone: bool = False
    ) -> Document:
        url = f"{self.root}/{repository.path}/pull-requests/{pull.number}"
        document: Document = {
            "type": "pullrequest",
            "id": pull.number,
            "title": pull.title,
            "description": pull.body,
            "summary": {"type": "rendered", "raw": pull.body, "markup": "markdown", "html": ""},
            "state": _STATES[pull.state],
            "draft": pull.is_draft,
            "author": self.account(pull.author),
            "source": self._side(pull.source, pull.head),
            "destination": self._side(repository, pull.base),
            "comment_count": len(pull.comments),
            "task_count": 0,
            "close_source_branch": False,
            "closed_by": None if pull.state == "open" else self.account(pull.author),
            "reason": "",
            "merge_commit": None,
            "created_on": pull.created.isoformat(),
            "updated_on": moment(pull.version),  # which a comment does not change
            "links": {"html": {"href": url}, "self": {"href": url}},
        }
        if is_alone:
            document["reviewers"] = [self.account(name) for name in pull.reviewers]
            document["participants"] = []
        return document

    def _side(self, repository: Repository | None, branch: str) -> Document:
        commit = self.commit_of(repository.bare, branch) if repository else None
        about: Document | None = None
        if repository:
            about = {
                "type": "repository",
                "full_name": repository.path,
                "name": repository.name,
                "uuid": uuid_of(repository.path),
                "links": {"html": {"href": f"{self.root}/{repository.path}"}},
            }
        return {
            "branch": {"name": branch},
            "commit": {"type": "commit", "hash": commit[:12]} if commit else None,
            "repository": about,
        }
