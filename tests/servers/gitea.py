"""The part of the API (v1) of Gitea and Forgejo that pull requests need, over bare git.

Written from their published Swagger description (tests/contracts/gitea.json) and from what they
do beyond it: a PATCH is answered with 201, a head whose branch is gone keeps its name in `label`
only, pages never hold more than `max_items`, addresses in answers are those of `public_url`.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer, Request
from tests.servers.forge import NOW, Document, ForgeServer, Pull, Refusal, Repository


class GiteaServer(ForgeServer):
    contract = "gitea"

    def __init__(self, *, max_items: int = 50) -> None:
        super().__init__()
        self.max_items = max_items
        self.public_url = ""  # where it believes to be, if not where it is
        self.organisations = {"acme": ["team-label"]}
        self._label_names: dict[int, str] = {}
        self._comment_count = 0

    def authorise(self, request: Request) -> None:
        if request.headers.get("authorization") != f"token {self.token}":
            raise self._refusal(401, "token is required")

    def not_found(self) -> Refusal:
        return self._refusal(404, "The target couldn't be found.")

    def routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        project, number = "/api/v1/repos/([^/]+)/([^/]+)", r"(\d+)"
        return [
            ("GET", f"{project}/pulls", self._list),
            ("POST", f"{project}/pulls", self._open),
            ("PATCH", f"{project}/pulls/{number}", self._change),
            ("POST", f"{project}/pulls/{number}/requested_reviewers", self._request_reviews),
            ("GET", f"{project}/issues/{number}/comments", self._list_comments),
            ("POST", f"{project}/issues/{number}/comments", self._say),
            ("POST", f"{project}/issues/{number}/labels", self._add_labels),
            ("GET", f"{project}/labels", self._list_labels),
            ("POST", f"{project}/labels", self._make_label),
            ("GET", "/api/v1/orgs/([^/]+)/labels", self._list_organisation_labels),
        ]

    def _refusal(self, status: int, message: str) -> Refusal:
        return Refusal(status, {"message": message, "url": f"{self._public()}/api/swagger"})

    def _public(self) -> str:
        return self.public_url or self.root

    def _list(self, request: Request, owner: str, name: str) -> Answer:
        repository, state = self.repository(f"{owner}/{name}"), request.query.get("state", "open")
        found = [
            self._document(repository, pull)
            for pull in reversed(repository.pulls)
            if state in ("all", "open" if pull.state == "open" else "closed")
        ]
        return self._paged(request, found)

    def _paged(self, request: Request, documents: list[Any]) -> Answer:
        limit = min(int(request.query.get("limit", 30)), self.max_items)
        page = int(request.query.get("page", 1))
        headers = {"X-Total-Count": str(len(documents))}
        if page * limit < len(documents):
            query = urlencode({**request.query, "page": page + 1})
            headers["Link"] = f'<{self._public()}{request.path}?{query}>; rel="next"'
        return Answer(200, documents[(page - 1) * limit : page * limit], headers)

    def _open(self, request: Request, owner: str, name: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        head, base = wanted["head"], wanted["base"]
        if head == base:
            raise self._refusal(422, "Invalid PullRequest: There are no changes")
        for branch in (head, base):
            if self.commit_of(repository.bare, branch) is None:
                raise self.not_found()
        twin = self.open_twin(repository, head, base)
        if twin:
            raise self._refusal(
                409,
                f"pull request already exists for these targets [id: {twin.number}, head_branch: "
                f"{head}, base_branch: {base}]",
            )
        made = self.add_pull(repository, wanted["title"], wanted.get("body", ""), head, base)
        return Answer(201, self._document(repository, made))

    def _change(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        pull = self.pull(repository, number)
        if "base" in wanted and self.commit_of(repository.bare, wanted["base"]) is None:
            raise self._refusal(404, f"branch '{wanted['base']}' does not exist")
        pull.title = wanted.get("title") or pull.title
        pull.body = wanted.get("body", pull.body)
        pull.base = wanted.get("base") or pull.base
        pull.state = wanted.get("state", pull.state)
        return Answer(201, self._document(repository, pull))

    def _request_reviews(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        pull, asked = self.pull(repository, number), []
        for login in wanted.get("reviewers", ()):
            if login not in self.people:
                raise self._refusal(404, f"user does not exist [name: {login}]")
            asked.append(login)
        asked += [f"{owner}/{team}" for team in wanted.get("team_reviewers", ())]
        for reviewer in asked:
            if reviewer not in repository.members:
                raise self._refusal(422, f"{reviewer} is not allowed to be requested to review")
        pull.reviewers += [each for each in asked if each not in pull.reviewers]
        return Answer(201, [self._review(each) for each in asked])

    def _list_comments(self, request: Request, owner: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{owner}/{name}"), number)
        return Answer(200, [self._comment(*said) for said in pull.comments])

    def _say(self, request: Request, owner: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{owner}/{name}"), number)
        pull.comments.append((self.login, request.document["body"]))
        return Answer(201, self._comment(*pull.comments[-1]))

    def _list_labels(self, request: Request, owner: str, name: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        return self._paged(request, [self._label(owner, each) for each in repository.labels])

    def _list_organisation_labels(self, request: Request, name: str) -> Answer:
        if name not in self.organisations:
            raise self.not_found()
        return self._paged(request, [self._label(name, each) for each in self.organisations[name]])

    def _make_label(self, request: Request, owner: str, name: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        repository.labels.append(request.document["name"])
        return Answer(201, self._label(owner, request.document["name"]))

    def _add_labels(self, request: Request, owner: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{owner}/{name}"), number)
        for label_id in request.document["labels"]:
            if label_id not in self._label_names:
                raise self.not_found()
            label = self._label_names[label_id]
            pull.labels += [label] if label not in pull.labels else []
        return Answer(200, [self._label(owner, each) for each in pull.labels])

    def _user(self, login: str) -> Document:
        return {
            "id": number_of(login),
            "login": login,
            "full_name": login.title(),
            "email": f"{login}@noreply.example",
            "html_url": f"{self._public()}/{login}",
        }

    def _label(self, owner: str, name: str) -> Document:
        label_id = number_of(f"{owner}:{name}")
        self._label_names[label_id] = name
        return {
            "id": label_id,
            "name": name,
            "exclusive": False,
            "is_archived": False,
            "color": "ededed",
            "description": "",
            "url": f"{self._public()}/api/v1/labels/{label_id}",
        }

    def _comment(self, author: str, body: str) -> Document:
        self._comment_count += 1
        return {
            "id": self._comment_count,
            "body": body,
            "user": self._user(author),
            "created_at": NOW,
            "updated_at": NOW,
        }

    def _review(self, reviewer: str) -> Document:
        is_team = "/" in reviewer
        return {
            "id": number_of(f"review:{reviewer}"),
            "user": None if is_team else self._user(reviewer),
            "team": {"id": 1, "name": reviewer.partition("/")[2]} if is_team else None,
            "state": "REQUEST_REVIEW",
            "body": "",
        }

    def _document(self, repository: Repository, pull: Pull) -> Document:
        url = f"{self._public()}/{repository.path}/pulls/{pull.number}"
        source = pull.source
        commit = self.commit_of(source.bare, pull.head) if source else None
        head = {
            "label": pull.head,
            "ref": pull.head if commit else f"refs/pull/{pull.number}/head",
            "sha": commit or "",
            "repo_id": source.id if source else -1,
            "repo": self._repository_document(source) if source else None,
        }
        base = {
            "label": pull.base,
            "ref": pull.base,
            "sha": self.commit_of(repository.bare, pull.base) or "",
            "repo_id": repository.id,
            "repo": self._repository_document(repository),
        }
        return {
            "id": number_of(url),
            "url": url,
            "number": pull.number,
            "user": self._user(pull.author),
            "title": pull.title,
            "body": pull.body,
            "labels": [self._label(repository.owner, name) for name in pull.labels],
            "state": "open" if pull.state == "open" else "closed",
            "draft": pull.title.upper().startswith(("WIP:", "[WIP]")),
            "is_locked": False,
            "comments": len(pull.comments),
            "html_url": url,
            "diff_url": f"{url}.diff",
            "patch_url": f"{url}.patch",
            "mergeable": pull.state == "open",
            "merged": pull.state == "merged",
            "merged_at": NOW if pull.state == "merged" else None,
            "closed_at": None if pull.state == "open" else NOW,
            "created_at": NOW,
            "updated_at": NOW,
            "requested_reviewers": [self._user(n) for n in pull.reviewers if "/" not in n] or None,
            "head": head,
            "base": base,
        }

    def _repository_document(self, repository: Repository) -> Document:
        return {
            "id": repository.id,
            "name": repository.name,
            "full_name": repository.path,
            "owner": self._user(repository.owner),
            "default_branch": "main",
            "html_url": f"{self._public()}/{repository.path}",
            "clone_url": f"{self._public()}/{repository.path}.git",
        }
