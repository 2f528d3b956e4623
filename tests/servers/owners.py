"""What forges tell of an owner's repositories and of the files in them, by hand.

GitHub, GitLab and Gitea by one server, since they share no path. Written from their published
documentation: an owner that is a person is no organisation (404), pages have the forges' own
headers, and only who has the token is answered.
"""

from dataclasses import dataclass, field
from pathlib import Path

from imagebot.demo import github_answers as answers
from imagebot.demo.github_kept import HostedRepository
from imagebot.demo.json_server import Answer, JsonServer, Request
from tests.servers import contracts, gitlab_published

THEN = "2026-01-01T00:00:00Z"
TOKEN = "owner-token"
Document = dict[str, object]


@dataclass
class Owned:
    """A repository; `files` None: a forge that cuts the list short."""

    name: str
    files: tuple[str, ...] | None = ("imagebot.yaml",)
    topics: tuple[str, ...] = ()
    is_archived: bool = False
    is_fork: bool = False
    is_empty: bool = False
    may_push: bool = True
    pushed_at: str = "2026-11-01T00:00:00Z"


@dataclass
class OwnersServer(JsonServer):
    """`people` are owners that are no organisation. `per_page` bounds every page."""

    owned: dict[str, list[Owned]] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    per_page: int = 2
    asked: list[str] = field(default_factory=list)
    fails: int = 0  # the status of every answer, when not 0

    def __post_init__(self) -> None:
        super().__init__()

    def answer(self, request: Request) -> Answer:
        self.asked.append(f"{request.method} {request.path}")
        if self.fails:
            return Answer(self.fails, {"message": "no"})
        app = self._app(request)
        if app is not None:
            return app
        if TOKEN not in request.headers.get("authorization", ""):
            return Answer(401, {"message": "Bad credentials"})
        path = request.path
        for prefix, forge, check in (
            ("/api/v4/", self._gitlab, gitlab_published.check),
            ("/api/v1/", self._gitea, contracts.gitea().check),
        ):
            if path.startswith(prefix):
                told = forge(request, path.removeprefix(prefix).split("/"))
                check(request, told)
                return told
        told = self._github(request, path.strip("/").split("/"))
        if path != "/graphql":
            contracts.github().check(request, told)
        return told

    def _find(self, project: str) -> Owned | None:
        owner, _, name = project.rpartition("/")
        return next((each for each in self.owned.get(owner, ()) if each.name == name), None)

    # GitHub

    def _app(self, request: Request) -> Answer | None:
        """What a GitHub App asks with a JWT of its own; None for everything else."""
        if not request.headers.get("authorization", "").startswith("Bearer ey"):
            return None
        match request.path.strip("/").split("/"):
            case ["orgs" | "users" as kind, owner, "installation"] if owner in self.owned:
                if (owner in self.people) == (kind == "users"):
                    return Answer(200, {"id": 5})
            case ["app", "installations", "5", "access_tokens"]:
                granted = {"token": TOKEN, "expires_at": "2100-01-01T00:00:00Z"}
                return Answer(201, granted | {"permissions": {}})
        return Answer(404, {"message": "Not Found"})

    def _github(self, request: Request, parts: list[str]) -> Answer:
        match parts:
            case ["graphql"]:
                return Answer(200, {"data": {"viewer": {"login": "somebody"}}})
            case ["installation", "repositories"]:
                shown = [self._on_github(o, each) for o in self.owned for each in self.owned[o]]
                page = self._linked(request, shown)
                told = {"total_count": len(shown), "repositories": page.document}
                return Answer(200, told, page.headers)
            case ["orgs", owner] if owner in self.owned and owner not in self.people:
                return Answer(200, self._organisation(owner))
            case ["orgs" | "users" as kind, owner, "repos"] if owner in self.owned:
                if (owner in self.people) == (kind == "users"):
                    shown = [self._on_github(owner, each) for each in self.owned[owner]]
                    return self._linked(request, shown)
            case ["repos", owner, name, "git", "trees", "main"]:
                found = self._find(f"{owner}/{name}")
                if found and found.is_empty:
                    return Answer(409, {"message": "Git Repository is empty."})
                if found:
                    tree = [self._blob(path) for path in found.files or ("a",)]
                    url = f"{self.root}/repos/{owner}/{name}/git/trees/main"
                    told = {"sha": "0" * 40, "url": url, "tree": tree}
                    return Answer(200, told | {"truncated": found.files is None})
        return Answer(404, {"message": "Not Found"})

    def _on_github(self, owner: str, each: Owned) -> Document:
        project = f"{owner}/{each.name}"
        hosted = HostedRepository(project, Path("/nowhere"), frozenset(), THEN)
        return answers.repository(self.root, hosted) | {
            "clone_url": f"{self.root}/{project}.git",
            "ssh_url": f"git@127.0.0.1:{project}.git",
            "default_branch": "main",
            "topics": list(each.topics),
            "pushed_at": each.pushed_at,
            "archived": each.is_archived,
            "fork": each.is_fork,
            "permissions": {"admin": False, "push": each.may_push, "pull": True},
        }

    def _organisation(self, owner: str) -> Document:
        own = answers.user(self.root, owner, "Organization")
        url = f"{self.root}/orgs/{owner}"
        places = ("hooks", "issues", "members", "public_members")
        return {
            **{name: own[name] for name in ("login", "id", "node_id", "avatar_url", "html_url")},
            **{f"{name}_url": f"{url}/{name}" for name in ("repos", "events", *places)},
            **dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0),
            "url": url,
            "description": None,
            "type": "Organization",
            "has_organization_projects": False,
            "has_repository_projects": False,
            "created_at": THEN,
            "updated_at": THEN,
            "archived_at": None,
        }

    def _blob(self, path: str) -> Document:
        return {"path": path, "type": "blob", "mode": "100644", "sha": "0" * 40}

    def _linked(self, request: Request, documents: list[Document]) -> Answer:
        page = int(request.query.get("page", "1"))
        start = (page - 1) * self.per_page
        more = start + self.per_page < len(documents)
        following = f'<{self.root}{request.path}?page={page + 1}>; rel="next"'
        headers = {"Link": following} if more else {}
        return Answer(200, documents[start : start + self.per_page], headers)

    # GitLab

    def _gitlab(self, request: Request, parts: list[str]) -> Answer:
        match parts:
            case ["groups", path] if (owner := path.replace("%2F", "/")) in self.owned:
                if owner not in self.people:
                    return Answer(200, {"id": path, "full_path": owner})
            case ["groups", path, "projects"]:
                group = path.replace("%2F", "/")
                return self._projects(request, group, with_subgroups=True)
            case ["users"] if (name := request.query.get("username", "")) in self.people:
                return Answer(200, [{"id": 7, "username": name}])
            case ["users", "7", "projects"]:
                return self._projects(request, min(self.people), with_subgroups=False)
            case ["users"]:
                return Answer(200, [])
            case ["projects", path, "repository", "tree"]:
                found = self._find(path.replace("%2F", "/"))
                if found and found.files is not None and not found.is_empty:
                    entries = [{"type": "tree", "path": "apps", "name": "apps"}]
                    shown = entries + [{"type": "blob", "path": path} for path in found.files]
                    return self._linked(request, shown)
        return Answer(404, {"message": "404 Not Found"})

    def _projects(self, request: Request, group: str, *, with_subgroups: bool) -> Answer:
        if request.query.get("min_access_level") != "30":
            return Answer(400, {"message": "the test expects only what may be pushed to"})
        owners = [
            owner
            for owner in self.owned
            if owner == group or (with_subgroups and owner.startswith(f"{group}/"))
        ]
        shown = [
            self._on_gitlab(owner, each)
            for owner in owners
            for each in self.owned[owner]
            if each.may_push and not each.is_archived
        ]
        return self._linked(request, shown)

    def _on_gitlab(self, owner: str, each: Owned) -> Document:
        project = f"{owner}/{each.name}"
        return {
            "id": 1,
            "path_with_namespace": project,
            "http_url_to_repo": f"{self.root}/{project}.git",
            "ssh_url_to_repo": f"git@127.0.0.1:{project}.git",
            "default_branch": None if each.is_empty else "main",
            "topics": list(each.topics),
            "last_activity_at": each.pushed_at,
            "archived": each.is_archived,
            "empty_repo": each.is_empty,
            **({"forked_from_project": {"id": 2}} if each.is_fork else {}),
        }

    # Gitea

    def _gitea(self, request: Request, parts: list[str]) -> Answer:
        match parts:
            case ["orgs" | "users" as kind, owner, "repos"] if owner in self.owned:
                if (owner in self.people) == (kind == "users"):
                    shown = [self._on_gitea(owner, each) for each in self.owned[owner]]
                    return self._counted(request, shown)
            case ["repos", owner, name, "topics"] if found := self._find(f"{owner}/{name}"):
                return Answer(200, {"topics": list(found.topics)})
            case ["repos", owner, name, "git", "trees", "main"]:
                found = self._find(f"{owner}/{name}")
                if found:
                    return self._tree(request, found)
        return Answer(404, {"message": "The target couldn't be found."})

    def _tree(self, request: Request, found: Owned) -> Answer:
        if found.files is None:
            return Answer(200, {"tree": [self._blob("a")], "truncated": True})
        page = int(request.query.get("page", "1"))
        start = (page - 1) * self.per_page
        part = [self._blob(path) for path in found.files[start : start + self.per_page]]
        more = start + self.per_page < len(found.files)
        return Answer(200, {"sha": "0" * 40, "tree": part, "truncated": more})

    def _counted(self, request: Request, documents: list[Document]) -> Answer:
        page = int(request.query.get("page", "1"))
        start = (page - 1) * self.per_page
        headers = {"X-Total-Count": str(len(documents))}
        return Answer(200, documents[start : start + self.per_page], headers)

    def _on_gitea(self, owner: str, each: Owned) -> Document:
        project = f"{owner}/{each.name}"
        return {
            "full_name": project,
            "clone_url": f"{self.root}/{project}.git",
            "ssh_url": f"git@127.0.0.1:{project}.git",
            "default_branch": "main",
            "updated_at": each.pushed_at,
            "archived": each.is_archived,
            "fork": each.is_fork,
            "empty": each.is_empty,
            "permissions": {"admin": False, "push": each.may_push, "pull": True},
        }
