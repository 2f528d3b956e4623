"""The releases of projects as GitHub, GitLab, Gitea and Forgejo list them, newest first, in pages.

Written from their published descriptions. One server plays all of them, each under its own paths;
it notes every request with its headers, so that a test can say who was asked what with which token.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from imagebot.demo.github_answers import node_id, number_of, user
from imagebot.demo.json_server import Answer, JsonServer, Request
from tests.servers import contracts, gitlab_published


@dataclass
class Listed:
    """One release, in no forge's words."""

    tag: str
    title: str = ""
    text: str = ""
    day: str = "2026-11-20"
    is_draft: bool = False


@dataclass
class ReleaseServer(JsonServer):
    projects: dict[str, list[Listed]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)  # instead of those, by project

    def __post_init__(self) -> None:
        super().__init__()

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        found = re.fullmatch(
            r"/api/v4/projects/([^/]+)/releases|(?:/api/v1)?/repos/([^/]+/[^/]+)/releases",
            request.path,
        )
        if found is None:
            return Answer(404, {"message": "404 Not Found"})
        project = unquote(found[1] or found[2])
        if project in self.answers:
            return self.answers[project]
        if project not in self.projects:
            return Answer(404, {"message": "404 Project Not Found"})
        size = int(request.query.get("per_page") or request.query.get("limit") or "20")
        start = (int(request.query.get("page") or "1") - 1) * size
        page = self.projects[project][start : start + size]
        write = self._gitlab if found[1] else self._github
        told = Answer(200, [write(project, each) for each in page])
        if found[1]:
            gitlab_published.check(request, told)
        elif request.path.startswith("/api/v1/"):
            contracts.gitea().check(request, told)
        else:
            contracts.github().check(request, told)
        return told

    def _github(self, project: str, each: Listed) -> dict[str, object]:
        url = f"{self.root}/repos/{project}/releases/{number_of(each.tag)}"
        return {
            "id": number_of(each.tag),
            "node_id": node_id(each.tag),
            "url": url,
            "assets_url": f"{url}/assets",
            "upload_url": f"{url}/assets{{?name,label}}",
            "tarball_url": f"{self.root}/repos/{project}/tarball/{each.tag}",
            "zipball_url": f"{self.root}/repos/{project}/zipball/{each.tag}",
            "html_url": f"{self.root}/{project}/releases/tag/{each.tag}",
            "author": user(self.root, "alice"),
            "assets": [],
            "tag_name": each.tag,
            "target_commitish": "main",
            "name": each.title,
            "body": each.text,
            "draft": each.is_draft,
            "prerelease": "-" in each.tag,
            "created_at": f"{each.day}T08:00:00Z",
            "published_at": f"{each.day}T08:00:00Z",
        }

    def _gitlab(self, project: str, each: Listed) -> dict[str, object]:
        return {
            "tag_name": each.tag,
            "name": each.title,
            "description": each.text,
            "created_at": f"{each.day}T08:00:00.000Z",
            "released_at": f"{each.day}T08:00:00.000Z",
            "upcoming_release": each.is_draft,
            "_links": {"self": f"{self.root}/{project}/-/releases/{each.tag}"},
        }
