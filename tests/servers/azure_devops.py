"""The part of Azure DevOps' REST API (7.1) that pull requests need, over bare git.

Written from its published description (tests/contracts/azure-devops.json) and from what it does
beyond it: a list cuts descriptions after 400 characters, one pull request alone has no labels, a
wrong token is shown a page to sign in at.
"""

import uuid
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from imagebot.demo.json_server import Answer, Request
from tests.servers.forge import NOW, Document, ForgeServer, Pull, Refusal, Repository

_STATES = {"open": "active", "merged": "completed", "closed": "abandoned"}


def id_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


class AzureServer(ForgeServer):
    """Repositories are added as `organization/project/name`."""

    contract = "azure-devops"

    def __init__(self) -> None:
        super().__init__()
        self.teams = {"platform": ["alice"], "everybody": ["alice", "bob", "mallory"]}
        self.shows_sign_in = False  # instead of a 401
        self._thread_count = 0

    def authorise(self, request: Request) -> None:
        basic = b64encode(f":{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            if self.shows_sign_in:
                raise Refusal(203, "<html><title>Azure DevOps Services | Sign In</title></html>")
            raise self._refusal(401, "TF400813: The user is not authorized", "Unauthorized")
        if request.query.get("api-version") != "7.1":
            raise self._refusal(400, "No api-version was supplied", "VssVersionNotSpecified")

    def not_found(self) -> Refusal:
        return self._refusal(
            404, "TF401019: The Git repository does not exist", "GitRepositoryNotFoundException"
        )

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        pulls, number = r"/([^/]+)/([^/]+)/_apis/git/repositories/([^/]+)/pullrequests", r"(\d+)"
        teams = "/([^/]+)/_apis/projects/([^/]+)/teams"
        return [
            ("GET", pulls, self._list),
            ("POST", pulls, self._open),
            ("GET", f"{pulls}/{number}", self._show),
            ("PATCH", f"{pulls}/{number}", self._change),
            ("GET", f"{pulls}/{number}/threads", self._list_threads),
            ("POST", f"{pulls}/{number}/threads", self._say),
            ("POST", f"{pulls}/{number}/labels", self._add_label),
            ("PUT", f"{pulls}/{number}/reviewers/([^/]+)", self._ask_review),
            ("GET", teams, self._list_teams),
            ("GET", f"{teams}/([^/]+)/members", self._list_members),
        ]

    def _refusal(self, status: int, message: str, kind: str) -> Refusal:
        document = {
            "$id": "1",
            "innerException": None,
            "message": message,
            "typeName": f"Microsoft.TeamFoundation.Git.Server.{kind}",
            "typeKey": kind,
            "errorCode": 0,
            "eventId": 3000,
        }
        return Refusal(status, document)

    def _list(self, request: Request, *names: str) -> Answer:
        repository, query = self.repository("/".join(names)), request.query
        status = query.get("searchCriteria.status", "active")
        found = []
        for pull in reversed(repository.pulls):
            head = f"refs/heads/{pull.head}"
            if (
                status in ("all", _STATES[pull.state])
                and query.get("searchCriteria.sourceRefName", head) == head
            ):
                document = self._document(repository, pull)
                if "description" in document:
                    document["description"] = document["description"][:400]
                if pull.labels:
                    document["labels"] = [self._label(name) for name in pull.labels]
                found.append(document)
        return self._paged(request, found)

    def _paged(self, request: Request, documents: list[Any]) -> Answer:
        top = int(request.query.get("$top", 101))
        skip = int(request.query.get("$skip", 0))
        values = documents[skip : skip + top]
        return Answer(200, {"value": values, "count": len(values)})

    def _open(self, request: Request, *names: str) -> Answer:
        repository, wanted = self.repository("/".join(names)), request.document
        head = wanted["sourceRefName"].removeprefix("refs/heads/")
        base = wanted["targetRefName"].removeprefix("refs/heads/")
        self._check_branches(repository, head, base)
        if self.open_twin(repository, head, base):
            raise self._refusal(
                409,
                "TF401179: An active pull request for the source and target branch already exists.",
                "GitPullRequestExistsException",
            )
        made = self.add_pull(repository, wanted["title"], wanted.get("description", ""), head, base)
        return Answer(201, self._document(repository, made))

    def _check_branches(self, repository: Repository, *branches: str) -> None:
        if any(self.commit_of(repository.bare, branch) is None for branch in branches):
            raise self._refusal(
                400,
                "TF401398: The pull request cannot be activated because the source and/or the "
                f"target branch no longer exists: {', '.join(branches)}",
                "GitPullRequestCannotBeActivated",
            )

    def _show(self, request: Request, *names: str) -> Answer:
        repository = self.repository("/".join(names[:3]))
        return Answer(200, self._document(repository, self.pull(repository, names[3])))

    def _change(self, request: Request, *names: str) -> Answer:
        repository, wanted = self.repository("/".join(names[:3])), request.document
        pull = self.pull(repository, names[3])
        if "targetRefName" in wanted:
            if len(wanted) > 1:
                raise self._refusal(400, "Retarget alone", "InvalidArgumentValueException")
            base = wanted["targetRefName"].removeprefix("refs/heads/")
            self._check_branches(repository, base)
            pull.base = base
        if pull.state == "merged":
            raise self._refusal(400, "Not active", "GitPullRequestNotEditableException")
        pull.title = wanted.get("title", pull.title)
        pull.body = wanted.get("description", pull.body)
        if wanted.get("status") == "abandoned":
            pull.state = "closed"
        return Answer(200, self._document(repository, pull))

    def _list_threads(self, request: Request, *names: str) -> Answer:
        pull = self.pull(self.repository("/".join(names[:3])), names[3])
        return self._paged(request, [self._discussion(*said) for said in pull.comments])

    def _say(self, request: Request, *names: str) -> Answer:
        pull = self.pull(self.repository("/".join(names[:3])), names[3])
        for comment in request.document["comments"]:
            pull.comments.append((self.login, comment["content"]))
        return Answer(200, self._discussion(*pull.comments[-1]))

    def _add_label(self, request: Request, *names: str) -> Answer:
        pull = self.pull(self.repository("/".join(names[:3])), names[3])
        name = request.document["name"]
        pull.labels += [] if name in pull.labels else [name]
        return Answer(200, self._label(name))

    def _ask_review(self, request: Request, *names: str) -> Answer:
        repository = self.repository("/".join(names[:3]))
        pull = self.pull(repository, names[3])
        known = {id_of(name): name for name in self.people}
        known |= {id_of(f"team:{name}"): f"acme/{name}" for name in self.teams}
        who = known.get(names[4])
        if who not in repository.members:
            raise self._refusal(400, f"{who} cannot review this", "InvalidReviewerException")
        pull.reviewers += [] if who in pull.reviewers else [who]
        return Answer(200, self._reviewer(who))

    def _list_teams(self, request: Request, organization: str, project: str) -> Answer:
        teams = [
            {"id": id_of(f"team:{name}"), "name": name, "projectName": project, "url": self.root}
            for name in self.teams
        ]
        return self._paged(request, teams)

    def _list_members(self, request: Request, organization: str, project: str, team: str) -> Answer:
        names = next(
            (names for name, names in self.teams.items() if id_of(f"team:{name}") == team), None
        )
        if names is None:
            raise self._refusal(404, "The team does not exist", "TeamNotFoundException")
        members = [{"identity": self._identity(name), "isTeamAdmin": False} for name in names]
        return self._paged(request, members)

    def _identity(self, name: str) -> Document:
        return {
            "id": id_of(name),
            "displayName": name.title(),
            "uniqueName": name if "@" in name else f"{name}@acme.example",
            "url": f"{self.root}/identities/{id_of(name)}",
        }

    def _reviewer(self, name: str) -> Document:
        return self._identity(name) | {"vote": 0, "hasDeclined": False, "isRequired": False}

    def _label(self, name: str) -> Document:
        return {"id": id_of(f"label:{name}"), "name": name, "active": True, "url": self.root}

    def _discussion(self, author: str, text: str) -> Document:
        self._thread_count += 1
        comment = {
            "id": 1,
            "parentCommentId": 0,
            "author": self._identity(author),
            "content": text,
            "publishedDate": NOW,
            "commentType": "text",
        }
        return {
            "id": self._thread_count,
            "publishedDate": NOW,
            "lastUpdatedDate": NOW,
            "comments": [comment],
            "status": "closed",
            "threadContext": None,
            "isDeleted": False,
        }

    def _document(self, repository: Repository, pull: Pull) -> Document:
        organization, project, name = repository.path.split("/")
        about = {
            "id": id_of(repository.path),
            "name": name,
            "project": {"id": id_of(project), "name": project, "state": "wellFormed"},
            "url": f"{self.root}/{organization}/_apis/git/repositories/{id_of(repository.path)}",
        }
        document: Document = {
            "repository": about,
            "pullRequestId": pull.number,
            "codeReviewId": pull.number,
            "status": _STATES[pull.state],
            "createdBy": self._identity(pull.author),
            "creationDate": NOW,
            "title": pull.title,
            "sourceRefName": f"refs/heads/{pull.head}",
            "targetRefName": f"refs/heads/{pull.base}",
            "mergeStatus": "succeeded",
            "isDraft": False,
            "reviewers": [self._reviewer(who) for who in pull.reviewers],
            "url": f"{about['url']}/pullRequests/{pull.number}",
            "supportsIterations": True,
        }
        if pull.body:  # an empty one is left out
            document["description"] = pull.body
        if pull.source is not repository:
            fork = {"id": id_of("fork"), "name": "fork", "url": self.root}
            document["forkSource"] = {"name": document["sourceRefName"], "repository": fork}
        return document
