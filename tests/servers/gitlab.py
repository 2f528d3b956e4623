"""The part of GitLab's REST API that merge requests need, over a bare git repository.

Written from GitLab's API documentation. Every exchange is checked against tests/contracts/
gitlab.json, and every merge request and note in an answer against the published schemas in
tests/contracts/gitlab/. Stricter than GitLab in one point: a source branch that does not exist is
refused.
"""

import re
from urllib.parse import unquote

from imagebot.demo.github_answers import number_of
from imagebot.demo.json_server import Answer, Request
from tests.servers import contracts, gitlab_published
from tests.servers.gitlab_kept import ONLY_ALONE, MergeRequest, Note, Project, Refusal
from tests.servers.gitlab_talk import LOGIN, Route, Talk

__all__ = ["GitLabServer", "MergeRequest", "Note", "Project"]


class GitLabServer(Talk):
    @property
    def url(self) -> str:
        return self.root

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

    def checked(self, request: Request, answer: Answer) -> None:
        try:
            contracts.by_hand("gitlab").check(request, answer)
            gitlab_published.check(request, answer)
        except contracts.BrokenContract as error:
            self.broken.append(str(error))

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

    def _routes(self) -> list[Route]:
        project = "/api/v4/projects/([^/]+)"
        requests = f"{project}/merge_requests"
        one = rf"{requests}/(\d+)"
        return [
            ("GET", requests, self._list),
            ("POST", requests, self._open),
            ("GET", one, self._show),
            ("PUT", one, self._change),
            *self.talk_routes(project, one),
        ]

    def _list(self, request: Request, name: str) -> Answer:
        project, query = self.project(name), request.query
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
            alone = self.document(project, each)
            documents.append({key: alone[key] for key in alone if key not in ONLY_ALONE.split()})
        return self.paged(request, documents)

    def _show(self, request: Request, name: str, number: str) -> Answer:
        project = self.project(name)
        return Answer(200, self.document(project, self.request_of(project, number)))

    def _open(self, request: Request, name: str) -> Answer:
        project, wanted = self.project(name), request.document
        source, target = wanted["source_branch"], wanted["target_branch"]
        branches = self.heads(project)
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
            author=LOGIN,
            source=project,
        )
        project.requests.append(made)
        self._label(project, made, wanted.get("labels", ""))
        self.touch(made)
        return Answer(201, self.document(project, made))

    def _change(self, request: Request, name: str, number: str) -> Answer:
        project, wanted = self.project(name), request.document
        made = self.request_of(project, number)
        made.title = wanted.get("title", made.title)
        made.description = wanted.get("description", made.description)
        made.target_branch = wanted.get("target_branch", made.target_branch)
        if wanted.get("state_event") == "close":
            made.state = "closed"
        self._label(project, made, wanted.get("add_labels", ""))
        gone = wanted.get("remove_labels", "").split(",")
        made.labels = [label for label in made.labels if label not in gone]
        # Whoever may not see the project is dropped in silence.
        members = {number_of(name): name for name in self.users if name in project.members}
        for field in ("reviewer_ids", "assignee_ids"):
            if field in wanted:
                names = [members[each] for each in wanted[field] if each in members]
                setattr(made, field.replace("_ids", "s"), names)
        for title in project.milestones:
            if wanted.get("milestone_id") == number_of(f"{project.path}%{title}"):
                made.milestone = title
        self.touch(made)
        return Answer(200, self.document(project, made))

    def _label(self, project: Project, made: MergeRequest, names: str) -> None:
        for label in filter(None, names.split(",")):
            for known in (project.labels, made.labels):
                if label not in known:
                    known.append(label)
