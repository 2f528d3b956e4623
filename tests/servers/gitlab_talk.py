"""What the GitLab-like server keeps, and answers about notes, statuses, merges and issues."""

import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from imagebot.demo import bare as git
from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer, JsonServer, Request
from tests.servers import contracts
from tests.servers.faults import Misbehaving
from tests.servers.gitlab_kept import (
    NOW,
    Document,
    Issue,
    MergeRequest,
    Note,
    Project,
    Refusal,
    issue,
    merge_request,
    milestone,
    note,
    user,
)

Route = tuple[str, str, Callable[..., Answer]]
LOGIN = "imagebot"


class Talk(Misbehaving, JsonServer):
    gives_etags = True

    def __init__(self) -> None:
        super().__init__()
        self.broken: list[str] = []
        self.token = f"glpat-{secrets.token_hex(10)}"
        self.users = [LOGIN, "alice", "bob", "mallory"]
        self._projects: dict[str, Project] = {}
        self._change_count = 0
        self._note_count = 0
        self._branches: dict[Path, dict[str, str]] = {}  # as seen during one request

    def add_project(self, path: str, bare: Path, members: Collection[str] = ()) -> None:
        self._projects[path] = Project(path, bare, frozenset(members))

    def project(self, path: str) -> Project:
        if path not in self._projects:
            raise Refusal(404, "404 Project Not Found")
        return self._projects[path]

    # --- What people do --------------------------------------------------------------------------

    def touch(self, made: MergeRequest) -> None:
        self._change_count += 1
        made.changed = self._change_count

    def say_as(self, made: MergeRequest, author: str, body: str) -> None:
        self._note_count += 1
        made.notes.append(Note(self._note_count, author, body))
        self.touch(made)

    def add_issue(self, project: Project, author: str, title: str, description: str) -> Issue:
        project.issues.append(Issue(len(project.issues) + 1, author, title, description))
        return project.issues[-1]

    def merge_what_may(self, project: Project) -> None:
        """Auto-merge."""
        self._branches.clear()
        for made in project.requests:
            if made.is_auto and self._merge_status(project, made) == "mergeable":
                self._merge(project, made)

    # --- Answers ---------------------------------------------------------------------------------

    def talk_routes(self, project: str, request: str) -> list[Route]:
        number = r"(\d+)"
        return [
            ("GET", "/api/v4/user", self._show_self),
            ("GET", "/api/v4/users", self._find_users),
            ("GET", project, self._show_project),
            ("GET", f"{project}/members/all/{number}", self._show_member),
            ("GET", f"{project}/milestones", self._list_milestones),
            ("POST", f"{project}/labels", self._make_label),
            ("GET", f"{request}/notes", self._list_notes),
            ("POST", f"{request}/notes", self._say),
            ("POST", f"{request}/notes/{number}/award_emoji", self._award),
            ("POST", f"{project}/statuses/([0-9a-f]+)", self._set_status),
            ("PUT", f"{request}/merge", self._merge_now),
            ("POST", f"{request}/cancel_merge_when_pipeline_succeeds", self._cancel_merge),
            ("GET", f"{project}/issues", self._list_issues),
            ("POST", f"{project}/issues", self._open_issue),
            ("PUT", f"{project}/issues/{number}", self._change_issue),
        ]

    def heads(self, project: Project) -> dict[str, str]:
        if project.bare not in self._branches:
            self._branches[project.bare] = git.branches(project.bare)
        return self._branches[project.bare]

    def request_of(self, project: Project, number: str) -> MergeRequest:
        if not 0 < int(number) <= len(project.requests):
            raise Refusal(404, "404 Not found")
        return project.requests[int(number) - 1]

    def paged(self, request: Request, documents: list[Any]) -> Answer:
        per_page = min(int(request.query.get("per_page", 20)), 100)
        page = int(request.query.get("page", 1))
        headers = {"X-Page": str(page), "X-Per-Page": str(per_page)}
        if page * per_page < len(documents):
            query = urlencode({**request.query, "page": page + 1})
            headers["Link"] = f'<{self.root}{request.path}?{query}>; rel="next"'
        return Answer(200, documents[(page - 1) * per_page : page * per_page], headers)

    def document(self, project: Project, made: MergeRequest) -> Document:
        commit = self.heads(made.source).get(made.source_branch, "")
        target = self.heads(project).get(made.target_branch, "")
        status = self._merge_status(project, made)
        document = merge_request(self.root, project, made, commit, target, status)
        self._check("GLMergeRequest", document)
        return document

    def _note(self, project: Project, made: MergeRequest, kept: Note) -> Document:
        document = note(self.root, project, made, kept)
        self._check("GLNote", document)
        return document

    def _check(self, kind: str, document: object) -> None:
        try:
            contracts.check_gitlab(kind, document)
        except contracts.BrokenContract as error:
            self.broken.append(str(error))

    def _merge_status(self, project: Project, made: MergeRequest) -> str:
        if made.state != "opened":
            return "not_open"
        if made.title.startswith("Draft:"):
            return "draft_status"
        if made.pipeline == "pending":
            return "ci_still_running"
        return "ci_must_pass" if made.pipeline == "failed" else "mergeable"

    def _merge(self, project: Project, made: MergeRequest) -> None:
        commit = self.heads(made.source)[made.source_branch]
        method = "squash" if made.squash else "merge"
        git.merge(project.bare, made.target_branch, commit, method)
        self._branches.clear()
        made.state, made.is_auto = "merged", False
        self.touch(made)

    def _show_self(self, request: Request) -> Answer:
        return Answer(200, user(self.root, LOGIN))

    def _find_users(self, request: Request) -> Answer:
        wanted = request.query["username"].lower()
        return Answer(200, [user(self.root, name) for name in self.users if name == wanted])

    def _show_project(self, request: Request, name: str) -> Answer:
        project = self.project(name)
        level = "enabled" if project.has_issues else "disabled"
        document = {
            "id": project.id,
            "path_with_namespace": project.path,
            "issues_enabled": project.has_issues,
            "issues_access_level": level,
        }
        return Answer(200, document)

    def _show_member(self, request: Request, name: str, number: str) -> Answer:
        for who, level in self.project(name).access.items():
            if number_of(who) == int(number):
                member = user(self.root, who) | {"access_level": level, "expires_at": None}
                return Answer(200, member)
        raise Refusal(404, "404 Not found")

    def _make_label(self, request: Request, name: str) -> Answer:
        project, wanted = self.project(name), request.document
        if wanted["name"] in project.labels:
            raise Refusal(409, "Label already exists")
        project.labels.append(wanted["name"])
        return Answer(201, {"id": len(project.labels), **wanted})

    def _list_milestones(self, request: Request, name: str) -> Answer:
        project = self.project(name)
        wanted = request.query.get("title")
        titles = [each for each in project.milestones if wanted in (None, each)]
        return self.paged(request, [milestone(self.root, project, each) for each in titles])

    def _list_notes(self, request: Request, name: str, number: str) -> Answer:
        project = self.project(name)
        made = self.request_of(project, number)
        notes = [self._note(project, made, each) for each in made.notes]
        return self.paged(request, notes[::-1])

    def _say(self, request: Request, name: str, number: str) -> Answer:
        project = self.project(name)
        made = self.request_of(project, number)
        self.say_as(made, LOGIN, request.document["body"])
        return Answer(201, self._note(project, made, made.notes[-1]))

    def _award(self, request: Request, name: str, number: str, note_id: str) -> Answer:
        made = self.request_of(self.project(name), number)
        award = (LOGIN, request.document["name"])
        for each in made.notes:
            if each.id == int(note_id):
                if award in each.awards:
                    raise Refusal(404, "404 Award Emoji Name has already been taken Not Found")
                each.awards.append(award)
                document = {
                    "id": number_of(f"{note_id}:{award[1]}"),
                    "name": award[1],
                    "user": user(self.root, LOGIN),
                    "created_at": NOW,
                    "updated_at": NOW,
                    "awardable_id": each.id,
                    "awardable_type": "Note",
                }
                return Answer(201, document)
        raise Refusal(404, "404 Note Not Found")

    def _set_status(self, request: Request, name: str, commit: str) -> Answer:
        """What waits already cannot be told to wait, what ended can be told anything again."""
        project, wanted = self.project(name), request.document
        if commit not in self.heads(project).values():
            raise Refusal(404, "404 Commit Not Found")
        context, state = wanted["name"], wanted["state"]
        shown = project.statuses.setdefault(commit, {})
        if state == "pending" and shown.get(context, ("",))[0] == "pending":
            reason = 'Reason(s): Status cannot transition via "enqueue"'
            raise Refusal(400, f"Cannot transition status via :enqueue from :pending ({reason})")
        texts = (wanted.get("description", ""), wanted.get("target_url", ""))
        shown[context] = (state, *texts)
        document = {
            "id": number_of(f"{commit}:{context}"),
            "sha": commit,
            "name": context,
            "status": state,
            "description": texts[0] or None,
            "target_url": texts[1] or None,
            "author": user(self.root, LOGIN),
            "created_at": NOW,
        }
        return Answer(201, document)

    def _merge_now(self, request: Request, name: str, number: str) -> Answer:
        project, wanted = self.project(name), request.document or {}
        made = self.request_of(project, number)
        if wanted.get("sha") != self.heads(made.source).get(made.source_branch):
            raise Refusal(409, "SHA does not match HEAD of source branch")
        status = self._merge_status(project, made)
        made.squash = wanted.get("squash", False)
        is_auto = wanted.get("auto_merge", wanted.get("merge_when_pipeline_succeeds"))
        if status == "mergeable":
            self._merge(project, made)
        elif is_auto and status in ("ci_still_running", "ci_must_pass"):
            made.is_auto = True
            self.touch(made)
        else:
            raise Refusal(405, "405 Method Not Allowed")
        return Answer(200, self.document(project, made))

    def _cancel_merge(self, request: Request, name: str, number: str) -> Answer:
        project = self.project(name)
        made = self.request_of(project, number)
        if made.state != "opened":
            raise Refusal(405, "405 Method Not Allowed")
        if not made.is_auto:
            raise Refusal(406, "406 Not Acceptable")
        made.is_auto = False
        self.touch(made)
        return Answer(201, self.document(project, made))

    def _list_issues(self, request: Request, name: str) -> Answer:
        project, query = self.project(name), request.query
        found = [
            each
            for each in (project.issues[::-1] if project.has_issues else ())
            if query.get("state", "all") in ("all", each.state)
            and (query.get("scope", "all") == "all" or each.author == LOGIN)
        ]
        return self.paged(request, [issue(self.root, project, each) for each in found])

    def _open_issue(self, request: Request, name: str) -> Answer:
        project, wanted = self.project(name), request.document
        if not project.has_issues:
            raise Refusal(403, "403 Forbidden")
        made = self.add_issue(project, LOGIN, wanted["title"], wanted.get("description", ""))
        made.labels = [each for each in wanted.get("labels", "").split(",") if each]
        return Answer(201, issue(self.root, project, made))

    def _change_issue(self, request: Request, name: str, number: str) -> Answer:
        project, wanted = self.project(name), request.document
        made = project.issues[int(number) - 1]
        made.title = wanted.get("title", made.title)
        made.description = wanted.get("description", made.description)
        if wanted.get("state_event") == "reopen":
            made.state = "opened"
        return Answer(200, issue(self.root, project, made))
