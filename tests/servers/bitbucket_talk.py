"""What is said, shown and merged on the server like Bitbucket Cloud, and its issue tracker.

As the real one does: a pull request tells 12 digits of its head commit, a merge names no commit,
comments can be deleted but stay in the list, permissions are told only of repositories' users.
"""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from imagebot.demo import bare as git
from imagebot.demo.json_server import Answer, Request
from tests.servers.forge import NOW, Document, ForgeServer, Pull, Refusal, Repository

Route = tuple[str, str, Callable[..., Answer]]
METHODS = {"merge_commit": "merge", "squash": "squash", "rebase_fast_forward": "rebase"}
PLACES = 10_000  # comments of one pull request, for their ids


def uuid_of(name: str) -> str:
    return f"{{{uuid.uuid5(uuid.NAMESPACE_DNS, name)}}}"


def moment(seconds: int) -> str:
    return (datetime.fromisoformat(NOW) + timedelta(seconds=seconds)).isoformat()


@dataclass
class Build:
    state: str
    text: str = ""
    url: str = ""


@dataclass
class TrackedIssue:
    number: int
    reporter: str
    title: str
    body: str
    state: str = "new"


class BitbucketTalk(ForgeServer):
    contract = "bitbucket"

    def __init__(self) -> None:
        super().__init__()
        self.permissions: dict[str, str] = {}
        self.builds: dict[str, dict[str, Build]] = {}  # by commit, then key
        self.parents: dict[int, int] = {}  # of replies, by id
        self.deleted: set[int] = set()  # ids of comments
        self.issues: list[TrackedIssue] = []
        self.has_issues = True
        self.tells_account = True  # whether the token has the scope account
        self.strategies = set(METHODS)

    def talk_routes(self, repository: str, pull: str) -> list[Route]:
        issue = rf"{repository}/issues/(\d+)"
        return [
            ("GET", "/2.0/user", self._show_self),
            ("GET", f"{pull}/comments", self._list_comments),
            ("POST", f"{pull}/comments", self._say),
            ("POST", f"{pull}/merge", self._merge),
            ("GET", f"{repository}/refs/branches/([^/]+)", self._show_branch),
            ("GET", f"{repository}/commit/([0-9a-f]+)/statuses", self._list_builds),
            ("POST", f"{repository}/commit/([0-9a-f]+)/statuses/build", self._set_build),
            (
                "GET",
                "/2.0/workspaces/([^/]+)/permissions/repositories/([^/]+)",
                self._list_permissions,
            ),
            ("GET", f"{repository}/issues", self._list_issues),
            ("POST", f"{repository}/issues", self._open_issue),
            ("PUT", issue, self._change_issue),
            ("POST", f"{issue}/changes", self._change_issue_state),
        ]

    def refusal(self, status: int, message: str, **fields: list[str]) -> Refusal:
        error = {"message": message} | ({"fields": fields} if fields else {})
        return Refusal(status, {"type": "error", "error": error})

    def pull_document(self, repository: Repository, pull: Pull, *, is_alone: bool) -> Document:
        raise NotImplementedError

    def build_names(self, commit: str) -> dict[str, Build]:
        """The builds of a commit, by the beginning of its id."""
        found = (builds for each, builds in self.builds.items() if each.startswith(commit))
        return next(found, {})

    def paged(self, request: Request, documents: list[Any]) -> Answer:
        pagelen = int(request.query.get("pagelen", 10))
        if pagelen > 50:
            raise self.refusal(400, "Invalid pagelen")
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

    def account_id(self, name: str) -> str:
        return f"557058:{uuid_of(name).strip('{}')}"

    def account(self, name: str) -> Document:
        return {
            "type": "user",
            "uuid": uuid_of(name),
            "account_id": self.account_id(name),
            "nickname": name,
            "display_name": name.title(),
            "links": {"html": {"href": f"{self.root}/{uuid_of(name)}"}},
        }

    def _show_self(self, request: Request) -> Answer:
        if not self.tells_account:
            lacking = {"required": ["account"], "granted": ["pullrequest:write"]}
            message = "Your credentials lack one or more required privilege scopes."
            error = {"message": message, "detail": lacking}
            raise Refusal(403, {"type": "error", "error": error})
        return Answer(200, self.account(self.login))

    def _list_permissions(self, request: Request, workspace: str, name: str) -> Answer:
        repository = self.repository(f"{workspace}/{name}")
        least = re.fullmatch('permission>"(read)"', request.query.get("q", ""))
        listed = [
            {
                "type": "repository_permission",
                "permission": permission,
                "user": self.account(person),
                "repository": {"type": "repository", "full_name": repository.path},
            }
            for person, permission in self.permissions.items()
            if not least or permission in ("write", "admin")
        ]
        return self.paged(request, listed)

    # --- Comments --------------------------------------------------------------------------------

    def _list_comments(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{workspace}/{name}"), number)
        listed = [self._comment(pull, place) for place in range(len(pull.comments))]
        if request.query.get("sort") == "-created_on":
            listed.reverse()
        return self.paged(request, listed)

    def _say(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        pull = self.pull(self.repository(f"{workspace}/{name}"), number)
        place, wanted = len(pull.comments), request.document
        parent = wanted.get("parent", {}).get("id")
        if parent is not None:
            if not 0 < parent - pull.number * PLACES <= place:
                raise self.refusal(400, "parent: There is no such comment", parent=["unknown"])
            self.parents[pull.number * PLACES + place + 1] = parent
        pull.comments.append((self.login, wanted["content"]["raw"]))
        return Answer(201, self._comment(pull, place))

    def _comment(self, pull: Pull, place: int) -> Document:
        author, text = pull.comments[place]
        number = pull.number * PLACES + place + 1
        is_deleted = number in self.deleted
        document = {
            "type": "pullrequest_comment",
            "id": number,
            "content": {
                "type": "rendered",
                "raw": "" if is_deleted else text,
                "markup": "markdown",
                "html": "",
            },
            "user": self.account(author),
            "created_on": moment(place),
            "updated_on": moment(place),
            "deleted": is_deleted,
            "pending": False,
        }
        parent = self.parents.get(number)
        return document | ({"parent": {"id": parent}} if parent else {})

    # --- Builds and merges -----------------------------------------------------------------------

    def _commit(self, repository: Repository, commit: str) -> str:
        self.commit_of(repository.bare, "main")
        heads = self._branches[repository.bare].values()
        found = next((each for each in heads if each.startswith(commit)), None)
        if found is None:
            raise self.refusal(404, f"Commit not found: {commit}")
        return found

    def _list_builds(self, request: Request, workspace: str, name: str, commit: str) -> Answer:
        whole = self._commit(self.repository(f"{workspace}/{name}"), commit)
        kept = self.builds.get(whole, {})
        return self.paged(request, [self._build(key, kept[key]) for key in kept])

    def _set_build(self, request: Request, workspace: str, name: str, commit: str) -> Answer:
        whole = self._commit(self.repository(f"{workspace}/{name}"), commit)
        wanted = request.document
        build = Build(wanted["state"], wanted.get("description", ""), wanted["url"])
        self.builds.setdefault(whole, {})[wanted["key"]] = build
        return Answer(201, self._build(wanted["key"], build))

    def _build(self, key: str, build: Build) -> Document:
        return {
            "type": "build",
            "key": key,
            "name": key,
            "state": build.state,
            "description": build.text,
            "url": build.url,
            "created_on": NOW,
            "updated_on": NOW,
        }

    def _show_branch(self, request: Request, workspace: str, name: str, branch: str) -> Answer:
        commit = self.commit_of(self.repository(f"{workspace}/{name}").bare, branch)
        if commit is None:
            raise self.refusal(404, f"Branch {branch} not found")
        target = {"type": "commit", "hash": commit}
        return Answer(200, {"type": "branch", "name": branch, "target": target})

    def _merge(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        """The head as it is now, whatever the asker has seen of it."""
        repository = self.repository(f"{workspace}/{name}")
        pull, strategy = self.pull(repository, number), request.document["merge_strategy"]
        commit = self.commit_of((pull.source or repository).bare, pull.head)
        if pull.state != "open" or commit is None:
            raise self.refusal(400, "This pull request is already closed.")
        if strategy not in self.strategies:
            raise self.refusal(400, f"The merge strategy {strategy} is not allowed")
        if pull.is_draft or any(
            build.state != "SUCCESSFUL" for build in self.builds.get(commit, {}).values()
        ):
            raise self.refusal(400, "1 or more merge checks have failed")
        git.merge(repository.bare, pull.base, commit, METHODS[strategy])
        self._branches.clear()
        pull.state, pull.merge_method = "merged", METHODS[strategy]
        pull.version += 1
        return Answer(200, self.pull_document(repository, pull, is_alone=True))

    # --- Issues ----------------------------------------------------------------------------------

    def _tracker(self, workspace: str, name: str) -> None:
        self.repository(f"{workspace}/{name}")
        if not self.has_issues:
            raise self.refusal(404, "Repository has no issue tracker.")

    def _list_issues(self, request: Request, workspace: str, name: str) -> Answer:
        self._tracker(workspace, name)
        query = request.query.get("q", "")
        found = re.fullmatch(r'(content\.raw ~|title =) "((?:[^"\\]|\\.)*)"', query)
        word = re.sub(r"\\(.)", r"\1", found[2]) if found else ""
        is_title = bool(found and found[1].startswith("title"))
        listed = [
            self._issue(each)
            for each in self.issues
            if (each.title == word if is_title else word.casefold() in each.body.casefold())
        ]
        return self.paged(request, listed[::-1])

    def _open_issue(self, request: Request, workspace: str, name: str) -> Answer:
        self._tracker(workspace, name)
        wanted, number = request.document, len(self.issues) + 1
        body = wanted.get("content", {}).get("raw", "")
        self.issues.append(TrackedIssue(number, self.login, wanted["title"], body))
        return Answer(201, self._issue(self.issues[-1]))

    def _tracked(self, workspace: str, name: str, number: str) -> TrackedIssue:
        self._tracker(workspace, name)
        if not 0 < int(number) <= len(self.issues):
            raise self.not_found()
        return self.issues[int(number) - 1]

    def _change_issue(self, request: Request, workspace: str, name: str, number: str) -> Answer:
        issue, wanted = self._tracked(workspace, name, number), request.document
        issue.title = wanted.get("title", issue.title)
        issue.body = wanted.get("content", {"raw": issue.body})["raw"]
        return Answer(200, self._issue(issue))

    def _change_issue_state(
        self, request: Request, workspace: str, name: str, number: str
    ) -> Answer:
        issue = self._tracked(workspace, name, number)
        issue.state = request.document["changes"]["state"]["new"]
        return Answer(201, {"type": "issue_change", "changes": request.document["changes"]})

    def _issue(self, issue: TrackedIssue) -> Document:
        url = f"{self.root}/issues/{issue.number}"
        return {
            "type": "issue",
            "id": issue.number,
            "title": issue.title,
            "content": {"type": "rendered", "raw": issue.body, "markup": "markdown", "html": ""},
            "state": issue.state,
            "kind": "task",
            "priority": "major",
            "reporter": self.account(issue.reporter),
            "created_on": moment(issue.number),
            "updated_on": moment(issue.number),
            "links": {"html": {"href": url}},
        }
