"""What the server of Gitea and Forgejo answers about comments, labels, statuses and issues."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from imagebot.demo import bare as git
from imagebot.demo.json_server import Answer, Request
from tests.servers import gitea_kept as kept
from tests.servers.forge import JSON_NULL, NOW, Document, ForgeServer, Refusal
from tests.servers.gitea_kept import GiteaPull, GiteaRepository, HostedIssue, Said, Status

Route = tuple[str, str, Callable[..., Answer]]
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


class Talk(ForgeServer):
    """`is_admin` says whether the token's user administers the repositories.

    `has_null_for_nothing` is Gitea before 1.23, and Forgejo.
    """

    def __init__(self, *, max_items: int = 50) -> None:
        super().__init__()
        self.max_items = max_items
        self.public_url = ""  # where it believes to be, if not where it is
        self.organisations = {"acme": ["team-label"]}
        self.reactions = list(REACTIONS)
        self.is_admin = True
        self.has_null_for_nothing = False  # for the statuses of a commit without any
        self._count = 0  # of comments, statuses and changes

    # --- What it keeps ---------------------------------------------------------------------------

    def add_repository(self, path: str, bare: Path, members: Collection[str] = ()) -> None:
        self._repositories[path] = GiteaRepository(path, bare, frozenset(members))

    def repository(self, path: str) -> GiteaRepository:
        found = super().repository(path)
        assert isinstance(found, GiteaRepository)
        return found

    def pull(self, repository: GiteaRepository, number: str) -> GiteaPull:
        for each in repository.pulls:
            if each.number == int(number):
                return each
        raise self.not_found()

    def open_as_person(self, path: str, title: str, head: str, base: str, fork: str | None) -> None:
        repository = self._repositories[path]
        source = self._repositories[fork] if fork else None
        number = repository.next_number()
        repository.pulls.append(GiteaPull(number, title, "", head, base, "mallory", source))

    def set_state(self, path: str, number: int, state: str) -> None:
        pull = self.pull(self.repository(path), str(number))
        pull.state = state
        self.touch(pull)

    def touch(self, pull: GiteaPull) -> None:
        pull.changed = self.next_count()

    def next_count(self) -> int:
        self._count += 1
        return self._count

    def say_as(self, path: str, number: int, author: str, body: str, **more: str) -> Said:
        pull = self.pull(self.repository(path), str(number))
        pull.said.append(Said(self.next_count(), author, body, **more))
        self.touch(pull)
        return pull.said[-1]

    def set_status_as(self, repository: GiteaRepository, commit: str, **more: str) -> Status:
        made = Status(self.next_count(), **more)
        repository.statuses.setdefault(commit, []).append(made)
        return made

    def add_issue(self, repository: GiteaRepository, author: str, title: str, body: str) -> Any:
        repository.issues.append(HostedIssue(repository.next_number(), author, title, body))
        return repository.issues[-1]

    # --- Answers ---------------------------------------------------------------------------------

    def talk_routes(self, project: str) -> list[Route]:
        number = r"(\d+)"
        return [
            ("GET", "/api/v1/user", self._show_self),
            ("GET", project, self._show_repository),
            ("GET", f"{project}/collaborators/([^/]+)/permission", self._show_permission),
            ("GET", f"{project}/issues/{number}/comments", self._list_comments),
            ("POST", f"{project}/issues/{number}/comments", self._say),
            ("POST", f"{project}/issues/comments/{number}/reactions", self._react),
            ("GET", f"{project}/issues/{number}/labels", self._list_labels_on),
            ("POST", f"{project}/issues/{number}/labels", self._add_labels),
            ("DELETE", f"{project}/issues/{number}/labels/{number}", self._take_off),
            ("GET", f"{project}/labels", self._list_labels),
            ("POST", f"{project}/labels", self._make_label),
            ("GET", "/api/v1/orgs/([^/]+)/labels", self._list_organisation_labels),
            ("GET", f"{project}/milestones", self._list_milestones),
            ("POST", f"{project}/statuses/([0-9a-f]+)", self._set_status),
            ("GET", f"{project}/branches/(.+)", self._show_branch),
            ("GET", f"{project}/commits/([^/]+)/status", self._show_status),
            ("GET", f"{project}/issues", self._list_issues),
            ("POST", f"{project}/issues", self._open_issue),
            ("PATCH", f"{project}/issues/{number}", self._change_issue),
        ]

    def refusal(self, status: int, message: str) -> Refusal:
        return Refusal(status, {"message": message, "url": f"{self.public()}/api/swagger"})

    def public(self) -> str:
        return self.public_url or self.root

    def paged(self, request: Request, documents: list[Any]) -> Answer:
        limit = min(int(request.query.get("limit", 30)), self.max_items)
        page = int(request.query.get("page", 1))
        headers = {"X-Total-Count": str(len(documents))}
        if page * limit < len(documents):
            query = urlencode({**request.query, "page": page + 1})
            headers["Link"] = f'<{self.public()}{request.path}?{query}>; rel="next"'
        return Answer(200, documents[(page - 1) * limit : page * limit], headers)

    def label(self, owner: str, name: str) -> Document:
        return kept.label(self.public(), owner, name)

    def _show_self(self, request: Request) -> Answer:
        return Answer(200, kept.user(self.public(), self.login))

    def _show_repository(self, request: Request, owner: str, name: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        return Answer(200, kept.repository_document(self.public(), repository))

    def _show_permission(self, request: Request, owner: str, name: str, who: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        if not self.is_admin and who.lower() != self.login:
            raise self.refusal(
                403,
                "Only admins can query all permissions, repo admins can query all repo "
                "permissions, collaborators can query only their own",
            )
        if who not in self.people:
            raise self.refusal(404, f"user does not exist [uid: 0, name: {who}]")
        level = repository.permissions.get(who, "none")
        user = kept.user(self.public(), who)
        return Answer(200, {"permission": level, "role_name": level, "user": user})

    def _list_comments(self, request: Request, owner: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{owner}/{name}"), number)
        return Answer(200, [kept.comment(self.public(), said) for said in pull.said])

    def _say(self, request: Request, owner: str, name: str, number: str) -> Answer:
        said = self.say_as(f"{owner}/{name}", int(number), self.login, request.document["body"])
        return Answer(201, kept.comment(self.public(), said))

    def _react(self, request: Request, owner: str, name: str, number: str) -> Answer:
        content = request.document["content"]
        everything = (
            said for pull in self.repository(f"{owner}/{name}").pulls for said in pull.said
        )
        for said in everything:
            if said.id != int(number):
                continue
            if content not in self.reactions:
                raise self.refusal(403, f"'{content}' is not an allowed reaction")
            document = {
                "user": kept.user(self.public(), self.login),
                "content": content,
                "created_at": NOW,
            }
            if (self.login, content) in said.reactions:
                return Answer(200, document)
            said.reactions.append((self.login, content))
            return Answer(201, document)
        raise self.not_found()

    def _list_labels(self, request: Request, owner: str, name: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        return self.paged(request, [self.label(owner, each) for each in repository.labels])

    def _list_organisation_labels(self, request: Request, name: str) -> Answer:
        if name not in self.organisations:
            raise self.not_found()
        return self.paged(request, [self.label(name, each) for each in self.organisations[name]])

    def _make_label(self, request: Request, owner: str, name: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        repository.labels.append(request.document["name"])
        return Answer(201, self.label(owner, request.document["name"]))

    def _list_labels_on(self, request: Request, owner: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{owner}/{name}"), number)
        return Answer(200, [self.label(owner, each) for each in pull.labels])

    def _add_labels(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        pull = self.pull(repository, number)
        for name in self._labels_of(repository, request.document["labels"]):
            pull.labels += [name] if name not in pull.labels else []
        self.touch(pull)
        return Answer(200, [self.label(owner, each) for each in pull.labels])

    def _labels_of(self, repository: GiteaRepository, ids: list[int]) -> list[str]:
        known = [*repository.labels, *self.organisations.get(repository.owner, ())]
        names = {kept.label_id(repository.owner, each): each for each in known}
        if not set(ids) <= set(names):
            raise self.not_found()
        return [names[each] for each in ids]

    def _take_off(
        self, request: Request, owner: str, name: str, number: str, label_id: str
    ) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        pull = self.pull(repository, number)
        known = {*repository.labels, *pull.labels, *self.organisations.get(owner, ())}
        if int(label_id) not in {kept.label_id(owner, each) for each in known}:
            raise self.refusal(422, f"label does not exist [label_id: {label_id}]")
        pull.labels[:] = [
            each for each in pull.labels if kept.label_id(owner, each) != int(label_id)
        ]
        self.touch(pull)
        return Answer(204)

    def _list_milestones(self, request: Request, owner: str, name: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        part = request.query.get("name", "").lower()
        found = [each for each in repository.milestones if part in each.lower()]
        return self.paged(request, [kept.milestone(repository, each) for each in found])

    def _set_status(self, request: Request, owner: str, name: str, commit: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        if commit not in git.branches(repository.bare).values():
            raise self.refusal(500, f"GetCommit[{commit}]: object does not exist")
        made = self.set_status_as(
            repository,
            commit,
            state=wanted["state"],
            context=wanted.get("context", "default"),
            description=wanted.get("description", ""),
            target_url=wanted.get("target_url", ""),
        )
        return Answer(201, kept.commit_status(self.public(), made, self.login))

    def _show_branch(self, request: Request, owner: str, name: str, branch: str) -> Answer:
        repository = self.repository(f"{owner}/{name}")
        commit = self.commit_of(repository.bare, branch)
        if commit is None:
            raise self.not_found()
        return Answer(200, kept.branch(repository, branch, commit))

    def _show_status(self, request: Request, owner: str, name: str, commit: str) -> Answer:
        """Combined, of the page that is asked for; how many there are in all is not told."""
        repository = self.repository(f"{owner}/{name}")
        newest_first = list(repository.latest(commit).values())[::-1]
        documents = [kept.commit_status(self.public(), each, self.login) for each in newest_first]
        page = self.paged(request, documents).document
        if not page and self.has_null_for_nothing:
            return Answer(200, JSON_NULL)
        if not page:
            nothing = dict.fromkeys(("state", "sha", "commit_url", "url"), "")
            return Answer(200, nothing | {"total_count": 0, "statuses": None, "repository": None})
        states = {each["status"] for each in page}
        worst = next((each for each in ("failure", "pending") if each in states), "success")
        return Answer(
            200,
            {
                "state": worst,
                "sha": commit,
                "total_count": len(page),
                "statuses": page,
                "repository": kept.repository_document(self.public(), repository),
                "commit_url": "",
                "url": "",
            },
        )

    def _list_issues(self, request: Request, owner: str, name: str) -> Answer:
        repository, query = self.repository(f"{owner}/{name}"), request.query
        creator = query.get("created_by", "")
        if creator and creator not in self.people:
            raise self.refusal(404, f"user does not exist [uid: 0, name: {creator}]")
        url = self.public()
        documents = [kept.issue(url, repository, each) for each in repository.issues]
        if query.get("type") != "issues" or not repository.has_issues:
            documents = [kept.pull_as_issue(url, repository, each) for each in repository.pulls]
        found = [
            each
            for each in documents
            if query.get("state", "open") in ("all", each["state"])
            and creator in ("", each["user"]["login"])
        ]
        return self.paged(request, sorted(found, key=lambda each: -each["number"]))

    def _open_issue(self, request: Request, owner: str, name: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        if not repository.has_issues:
            raise self.refusal(403, "user should have specific read permission")
        made = self.add_issue(repository, self.login, wanted["title"], wanted.get("body", ""))
        made.labels = self._labels_of(repository, wanted.get("labels", []))
        return Answer(201, kept.issue(self.public(), repository, made))

    def _change_issue(self, request: Request, owner: str, name: str, number: str) -> Answer:
        repository, wanted = self.repository(f"{owner}/{name}"), request.document
        for made in repository.issues:
            if made.number == int(number):
                made.title = wanted.get("title") or made.title
                made.body = wanted.get("body", made.body)
                made.state = wanted.get("state", made.state)
                return Answer(201, kept.issue(self.public(), repository, made))
        raise self.not_found()
