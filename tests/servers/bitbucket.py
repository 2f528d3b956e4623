"""The part of Bitbucket Cloud's API (2.0) that pull requests need, over bare git.

Written from its published description (tests/contracts/bitbucket.json) and from what it does
beyond it: opening one where one is open between the same branches changes that one, a PUT without
a title is refused and without reviewers removes them, and only an open one can be changed.
"""

import re
import uuid
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from imagebot.demo.json_server import Answer, Request
from tests.servers.forge import NOW, Document, ForgeServer, Pull, Refusal, Repository

_STATES = {"open": "OPEN", "merged": "MERGED", "closed": "DECLINED"}


def uuid_of(name: str) -> str:
    return f"{{{uuid.uuid5(uuid.NAMESPACE_DNS, name)}}}"


class BitbucketCloud(ForgeServer):
    contract = "bitbucket"
    username = ""  # where one is set, the token is that person's

    def __init__(self) -> None:
        super().__init__()
        self._comment_count = 0

    def authorise(self, request: Request) -> None:
        basic = b64encode(f"{self.username}:{self.token}".encode()).decode()
        wanted = f"Basic {basic}" if self.username else f"Bearer {self.token}"
        if request.headers.get("authorization") != wanted:
            raise self._refusal(401, "Token is invalid, expired, or not supported")

    def not_found(self) -> Refusal:
        return self._refusal(404, "Resource not found")

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        pulls, number = "/2.0/repositories/([^/]+)/([^/]+)/pullrequests", r"(\d+)"
        return [
            ("GET", pulls, self._list),
            ("POST", pulls, self._open),
            ("GET", f"{pulls}/{number}", self._show),
            ("PUT", f"{pulls}/{number}", self._change),
            ("POST", f"{pulls}/{number}/decline", self._decline),
            ("GET", f"{pulls}/{number}/comments", self._list_comments),
            ("POST", f"{pulls}/{number}/comments", self._say),
            ("GET", "/2.0/workspaces/([^/]+)/members", self._list_members),
        ]

    def _refusal(self, status: int, message: str, **fields: list[str]) -> Refusal:
        error = {"message": message} | ({"fields": fields} if fields else {})
        return Refusal(status, {"type": "error", "error": error})

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
        return self._paged(request, [self._document(repository, pull) for pull in found])

    def _paged(self, request: Request, documents: list[Any]) -> Answer:
        pagelen = int(request.query.get("pagelen", 10))
        if pagelen > 50:
            raise self._refusal(400, "Invalid pagelen")
        page = int(request.query.get("page", 1))
        answer: Document = {
            "size": len(documents),
            "page": page,
            "pagelen": pagelen,
            "values": documents[(page - 1) * pagelen : page * pagelen],
        }
        if page * pagelen < len(documents):
            others = [pair for pair in request.pairs if pair[0] != "page"]
            answer["next"] = f"{self.root}{request.path}?{urlencode([*others, ('page', page + 1)])}"
        return Answer(200, answer)

    def _open(self, request: Request, workspace: str, name: str) -> Answer:
        repository, wanted = self.repository(f"{workspace}/{name}"), request.document
        head = wanted["source"]["branch"]["name"]
        base = wanted.get("destination", {"branch": {"name": "main"}})["branch"]["name"]
        for side, branch in (("source", head), ("destination", base)):
            if self.commit_of(repository.bare, branch) is None:
                raise self._refusal(
                    400, f"{side}: branch not found: {branch}", **{side: ["branch not found"]}
                )
        body = wanted.get("description", "")
        pull = self.open_twin(repository, head, base)
        if pull is None:
            pull = self.add_pull(repository, wanted["title"], body, head, base)
        pull.title, pull.body = wanted["title"], body
        pull.reviewers = self._named(repository, wanted.get("reviewers", ()))
        return Answer(201, self._document(repository, pull, is_alone=True))

    def _show(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        repository = self.repository(f"{workspace}/{name}")
        pull = self.pull(repository, number)
        return Answer(200, self._document(repository, pull, is_alone=True))

    def _change(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{workspace}/{name}"), request.document
        pull = self._open_pull(repository, number)
        if "title" not in wanted:
            required = ["This field is required."]
            raise self._refusal(400, "title: This field is required.", title=required)
        base = wanted.get("destination", {"branch": {"name": pull.base}})["branch"]["name"]
        if self.commit_of(repository.bare, base) is None:
            raise self._refusal(400, "destination: branch not found")
        reviewers = self._named(repository, wanted.get("reviewers", ()))
        pull.title, pull.base, pull.reviewers = wanted["title"], base, reviewers
        pull.body = wanted.get("description", pull.body)
        return Answer(200, self._document(repository, pull, is_alone=True))

    def _decline(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        repository = self.repository(f"{workspace}/{name}")
        pull = self._open_pull(repository, number)
        pull.state = "closed"
        return Answer(200, self._document(repository, pull, is_alone=True))

    def _open_pull(self, repository: Repository, number: str) -> Pull:
        pull = self.pull(repository, number)
        if pull.state != "open":
            raise self._refusal(400, "This pull request is already closed.")
        return pull

    def _named(self, repository: Repository, accounts: Any) -> list[str]:
        names = {uuid_of(name): name for name in self.people}
        names |= {self._account_id(name): name for name in self.people}
        found = [names.get(each.get("uuid") or each["account_id"]) for each in accounts]
        for name in found:
            if name not in repository.members:
                raise self._refusal(
                    400, f"{name} does not have access to this repository", reviewers=["no access"]
                )
        return [name for name in found if name]

    def _list_comments(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{workspace}/{name}"), number)
        return self._paged(request, [self._comment(*said) for said in pull.comments])

    def _say(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{workspace}/{name}"), number)
        pull.comments.append((self.login, request.document["content"]["raw"]))
        return Answer(201, self._comment(*pull.comments[-1]))

    def _list_members(self, request: Request, workspace: str) -> Answer:
        members = [
            {"type": "workspace_membership", "user": self._account(name)} for name in self.people
        ]
        return self._paged(request, members)

    def _account_id(self, name: str) -> str:
        return f"557058:{uuid_of(name).strip('{}')}"

    def _account(self, name: str) -> Document:
        return {
            "type": "user",
            "uuid": uuid_of(name),
            "account_id": self._account_id(name),
            "nickname": name,
            "display_name": name.title(),
            "links": {"html": {"href": f"{self.root}/{uuid_of(name)}"}},
        }

    def _comment(self, author: str, text: str) -> Document:
        self._comment_count += 1
        return {
            "type": "pullrequest_comment",
            "id": self._comment_count,
            "content": {"type": "rendered", "raw": text, "markup": "markdown", "html": ""},
            "user": self._account(author),
            "created_on": NOW,
            "updated_on": NOW,
            "deleted": False,
        }

    def _document(self, repository: Repository, pull: Pull, *, is_alone: bool = False) -> Document:
        url = f"{self.root}/{repository.path}/pull-requests/{pull.number}"
        document: Document = {
            "type": "pullrequest",
            "id": pull.number,
            "title": pull.title,
            "description": pull.body,
            "summary": {"type": "rendered", "raw": pull.body, "markup": "markdown", "html": ""},
            "state": _STATES[pull.state],
            "draft": False,
            "author": self._account(pull.author),
            "source": self._side(pull.source, pull.head),
            "destination": self._side(repository, pull.base),
            "comment_count": len(pull.comments),
            "task_count": 0,
            "close_source_branch": False,
            "closed_by": None if pull.state == "open" else self._account(pull.author),
            "reason": "",
            "merge_commit": None,
            "created_on": NOW,
            "updated_on": NOW,
            "links": {"html": {"href": url}, "self": {"href": url}},
        }
        if is_alone:
            document["reviewers"] = [self._account(name) for name in pull.reviewers]
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
