"""The part of GitLab's REST API that merge requests need, over a bare git repository.

Written from GitLab's API documentation; every merge request and note it answers with is checked
against the schemas in tests/contracts/gitlab/. Stricter than GitLab in one point: a source branch
that does not exist is refused.
"""

import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from imagebot.demo import bare as git
from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer, JsonServer, Request
from tests.servers import contracts
from tests.servers.faults import Misbehaving

NOW = "2026-11-23T12:00:00.000Z"

# What a single merge request tells and a list of them does not.
ONLY_ALONE = """
    subscribed changes_count diff_refs user pipeline head_pipeline first_contribution
    latest_build_started_at latest_build_finished_at first_deployed_to_production_at merge_error
"""


class Refusal(Exception):
    def __init__(self, status: int, message: object, word: str = "message") -> None:
        super().__init__(message)
        self.answer = Answer(status, {word: message})


@dataclass
class MergeRequest:
    iid: int
    title: str
    description: str
    source_branch: str
    target_branch: str
    author: str
    source: "Project"
    state: str = "opened"
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)  # author, body


@dataclass
class Project:
    path: str
    bare: Path
    members: frozenset[str]
    requests: list[MergeRequest] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    @property
    def id(self) -> int:
        return number_of(self.path)


class GitLabServer(Misbehaving, JsonServer):
    def __init__(self) -> None:
        super().__init__()
        self.broken: list[str] = []
        self.token = f"glpat-{secrets.token_hex(10)}"
        self.users = ["imagebot", "alice", "bob", "mallory"]
        self._projects: dict[str, Project] = {}
        self._note_count = 0
        self._branches: dict[Path, dict[str, str]] = {}  # as seen during one request

    @property
    def url(self) -> str:
        return self.root

    def add_project(self, path: str, bare: Path, members: Collection[str] = ()) -> None:
        self._projects[path] = Project(path, bare, frozenset(members))

    def merge_requests(self, path: str) -> tuple[MergeRequest, ...]:
        with self.turn:
            return tuple(self._projects[path].requests)

    def open_as_person(self, path: str, title: str, source: str, target: str, fork: str) -> None:
        """A merge request from somebody else's fork."""
        project = self._projects[path]
        forked = self._projects[fork]
        number = len(project.requests) + 1
        request = MergeRequest(number, title, "", source, target, "mallory", forked)
        project.requests.append(request)

    def answer(self, request: Request) -> Answer:
        self._branches.clear()
        try:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                raise Refusal(401, "401 Unauthorized")
            for method, pattern, act in self._routes():
                found = re.fullmatch(pattern, request.path)
                if found and method == request.method:
                    return act(request, *map(unquote, found.groups()))
            raise Refusal(404, "404 Not Found", "error")
        except Refusal as refusal:
            return refusal.answer

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        requests, number = "/api/v4/projects/([^/]+)/merge_requests", r"(\d+)"
        return [
            ("GET", "/api/v4/users", self._find_users),
            ("GET", requests, self._list),
            ("POST", requests, self._open),
            ("PUT", f"{requests}/{number}", self._change),
            ("GET", f"{requests}/{number}/notes", self._list_notes),
            ("POST", f"{requests}/{number}/notes", self._say),
        ]

    def _heads(self, project: Project) -> dict[str, str]:
        if project.bare not in self._branches:
            self._branches[project.bare] = git.branches(project.bare)
        return self._branches[project.bare]

    def _project(self, name: str) -> Project:
        if name not in self._projects:
            raise Refusal(404, "404 Project Not Found")
        return self._projects[name]

    def _request(self, project: Project, number: str) -> MergeRequest:
        if not 0 < int(number) <= len(project.requests):
            raise Refusal(404, "404 Not found")
        return project.requests[int(number) - 1]

    def _find_users(self, request: Request) -> Answer:
        wanted = request.query["username"].lower()
        return Answer(200, [self._user(name) for name in self.users if name == wanted])

    def _list(self, request: Request, name: str) -> Answer:
        project, query = self._project(name), request.query
        found = [
            each
            for each in project.requests
            if query.get("state", "all") in ("all", each.state)
            and query.get("source_branch", each.source_branch) == each.source_branch
        ]
        if query.get("sort", "desc") == "desc":
            found.reverse()
        documents = []
        for each in found:
            alone = self._document(project, each)
            documents.append({key: alone[key] for key in alone if key not in ONLY_ALONE.split()})
        return self._paged(request, documents)

    def _paged(self, request: Request, documents: list[Any]) -> Answer:
        per_page = min(int(request.query.get("per_page", 20)), 100)
        page = int(request.query.get("page", 1))
        headers = {"X-Page": str(page), "X-Per-Page": str(per_page)}
        if page * per_page < len(documents):
            query = urlencode({**request.query, "page": page + 1})
            headers["Link"] = f'<{self.root}{request.path}?{query}>; rel="next"'
        return Answer(200, documents[(page - 1) * per_page : page * per_page], headers)

    def _open(self, request: Request, name: str) -> Answer:
        project, wanted = self._project(name), request.document
        source, target = wanted["source_branch"], wanted["target_branch"]
        branches = self._heads(project)
        if source == target:
            raise Refusal(422, ["You can't use same project/branch for source and target"])
        for side, branch in (("source_branch", source), ("target_branch", target)):
            if branch not in branches:
                raise Refusal(400, {side: ["does not exist"]})
        for other in project.requests:
            same = (other.source_branch, other.target_branch, other.state, other.source)
            if same == (source, target, "opened", project):
                text = "Another open merge request already exists for this source branch"
                raise Refusal(409, [f"{text}: !{other.iid}"])
        made = MergeRequest(
            iid=len(project.requests) + 1,
            title=wanted["title"],
            description=wanted.get("description") or "",
            source_branch=source,
            target_branch=target,
            author="imagebot",
            source=project,
        )
        project.requests.append(made)
        self._label(project, made, wanted.get("labels", ""))
        return Answer(201, self._document(project, made))

    def _change(self, request: Request, name: str, number: str) -> Answer:
        project, wanted = self._project(name), request.document
        made = self._request(project, number)
        unknown = wanted.keys() - {
            *("title", "description", "target_branch", "state_event", "add_labels"),
            "reviewer_ids",
        }
        if unknown or not wanted:
            raise Refusal(400, f"{sorted(unknown)} are invalid", "error")
        made.title = wanted.get("title", made.title)
        made.description = wanted.get("description", made.description)
        made.target_branch = wanted.get("target_branch", made.target_branch)
        if wanted.get("state_event") == "close":
            made.state = "closed"
        self._label(project, made, wanted.get("add_labels", ""))
        if "reviewer_ids" in wanted:  # whoever may not see the project is dropped in silence
            members = [name for name in self.users if name in project.members]
            made.reviewers = [name for name in members if number_of(name) in wanted["reviewer_ids"]]
        return Answer(200, self._document(project, made))

    def _label(self, project: Project, made: MergeRequest, names: str) -> None:
        for label in filter(None, names.split(",")):
            for known in (project.labels, made.labels):
                if label not in known:
                    known.append(label)

    def _list_notes(self, request: Request, name: str, number: str) -> Answer:
        project = self._project(name)
        made = self._request(project, number)
        notes = [self._note(project, made, *note) for note in made.notes]
        return self._paged(request, notes[::-1])

    def _say(self, request: Request, name: str, number: str) -> Answer:
        project = self._project(name)
        made = self._request(project, number)
        made.notes.append(("imagebot", request.document["body"]))
        return Answer(201, self._note(project, made, *made.notes[-1]))

    def _user(self, name: str) -> dict[str, Any]:
        return {
            "id": number_of(name),
            "username": name,
            "name": name.title(),
            "state": "active",
            "avatar_url": f"{self.root}/avatars/{name}",
            "web_url": f"{self.root}/{name}",
        }

    def _note(self, project: Project, made: MergeRequest, author: str, body: str) -> dict[str, Any]:
        self._note_count += 1
        note = {
            "id": self._note_count,
            "body": body,
            "attachment": None,
            "author": self._user(author),
            "created_at": NOW,
            "updated_at": NOW,
            "system": False,
            "noteable_id": number_of(f"{project.path}!{made.iid}"),
            "noteable_iid": made.iid,
            "noteable_type": "MergeRequest",
            "project_id": project.id,
            "resolvable": False,
        }
        self._check("GLNote", note)
        return note

    def _document(self, project: Project, made: MergeRequest) -> dict[str, Any]:
        commit = self._heads(made.source).get(made.source_branch, "")
        target = self._heads(project).get(made.target_branch, "")
        reviewers = [self._user(name) for name in made.reviewers]
        document = _unused() | {
            "id": number_of(f"{project.path}!{made.iid}"),
            "iid": made.iid,
            "project_id": project.id,
            "source_project_id": made.source.id,
            "target_project_id": project.id,
            "title": made.title,
            "description": made.description,
            "state": made.state,
            "source_branch": made.source_branch,
            "target_branch": made.target_branch,
            "labels": list(made.labels),
            "author": self._user(made.author),
            "reviewers": reviewers,
            "draft": made.title.startswith("Draft:"),
            "work_in_progress": made.title.startswith("Draft:"),
            "sha": commit,
            "diff_refs": {"base_sha": target, "head_sha": commit, "start_sha": target},
            "web_url": f"{self.root}/{project.path}/-/merge_requests/{made.iid}",
            "reference": f"!{made.iid}",
            "references": {
                "short": f"!{made.iid}",
                "relative": f"!{made.iid}",
                "full": f"{project.path}!{made.iid}",
            },
            "user_notes_count": len(made.notes),
        }
        self._check("GLMergeRequest", document)
        return document

    def _check(self, kind: str, document: object) -> None:
        try:
            contracts.check_gitlab(kind, document)
        except contracts.BrokenContract as error:
            self.broken.append(str(error))


def _unused() -> dict[str, Any]:
    """Fields that imagebot has no use for, as a fresh merge request has them."""
    nothing = (
        "approvals_before_merge assignee closed_at closed_by discussion_locked head_pipeline "
        "first_deployed_to_production_at latest_build_finished_at latest_build_started_at "
        "merge_commit_sha merge_error merged_at merged_by milestone pipeline prepared_at "
        "should_remove_source_branch squash_commit_sha"
    )
    times = {"time_estimate": 0, "total_time_spent": 0}
    return dict.fromkeys(nothing.split()) | {
        "assignees": [],
        "blocking_discussions_resolved": True,
        "changes_count": "1",
        "created_at": NOW,
        "updated_at": NOW,
        "detailed_merge_status": "mergeable",
        "merge_status": "can_be_merged",
        "downvotes": 0,
        "upvotes": 0,
        "first_contribution": False,
        "force_remove_source_branch": False,
        "has_conflicts": False,
        "merge_when_pipeline_succeeds": False,
        "squash": False,
        "subscribed": False,
        "task_completion_status": {"count": 0, "completed_count": 0},
        "time_stats": times | {"human_time_estimate": None, "human_total_time_spent": None},
        "user": {"can_merge": True},
    }
