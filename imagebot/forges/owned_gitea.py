"""The repositories of an organisation or a person on Gitea or Forgejo.

Network, without a library, as `gitea_api.py` which is underneath.
"""

from collections.abc import Sequence
from itertools import islice
from urllib.parse import quote

from imagebot.errors import ForgeError
from imagebot.forges.gitea_api import GiteaApi
from imagebot.forges.rest import NotThere, Told
from imagebot.owned import OwnedRepository

MAX_REPOSITORIES = 20_000
_MAX_TREE_PAGES = 50


class _Permissions(Told):
    push: bool = False


class _Repository(Told):
    full_name: str
    clone_url: str
    ssh_url: str
    default_branch: str = ""
    topics: list[str] | None = None  # told by newer versions only
    updated_at: str = ""
    archived: bool = False
    fork: bool = False
    empty: bool = False
    permissions: _Permissions | None = None


class _Topics(Told):
    topics: list[str] | None = None


class _Entry(Told):
    path: str
    type: str


class _Tree(Told):
    tree: list[_Entry] | None = None
    truncated: bool = False


class GiteaOwner(GiteaApi):
    """Satisfies `owned.OwnerListing`. `project` of the parent is `owner/`, which names no one."""

    name = "gitea"

    def repositories(self) -> Sequence[OwnedRepository]:
        with self._api.asking("list the repositories"):
            listed = self._listed()
            if len(listed) > MAX_REPOSITORIES:
                raise ForgeError(f"{self._owner} has more than {MAX_REPOSITORIES} repositories")
            return [self._told(each) for each in listed]

    def paths(self, repository: OwnedRepository) -> Sequence[str] | None:
        owner, _, name = repository.project.partition("/")
        where = f"repos/{quote(owner, safe='')}/{quote(name, safe='')}/git/trees"
        found: list[str] = []
        with self._api.asking("list the files"):
            for page in range(1, _MAX_TREE_PAGES + 1):
                query = {"recursive": "true", "page": page, "per_page": 1000}
                path = f"{where}/{quote(repository.branch, safe='')}"
                told = self._api.ask("GET", path, _Tree, query=query)
                found += [entry.path for entry in told.tree or () if entry.type == "blob"]
                if not told.tree or not told.truncated:
                    return found
        return None

    def _listed(self) -> list[_Repository]:
        owner = quote(self._owner, safe="")
        try:
            return self._some(f"orgs/{owner}/repos")
        except NotThere:
            return self._some(f"users/{owner}/repos")

    def _some(self, path: str) -> list[_Repository]:
        """One more than are taken, where there are so many."""
        return list(islice(self._pages(path, list[_Repository]), MAX_REPOSITORIES + 1))

    def _told(self, found: _Repository) -> OwnedRepository:
        topics = found.topics if found.topics is not None else self._asked_topics(found)
        return OwnedRepository(
            project=found.full_name,
            https_url=found.clone_url,
            ssh_url=found.ssh_url,
            branch=found.default_branch,
            topics=tuple(topics),
            changed=found.updated_at,
            is_archived=found.archived,
            is_fork=found.fork,
            is_empty=found.empty,
            may_push=found.permissions.push if found.permissions else None,
        )

    def _asked_topics(self, found: _Repository) -> list[str]:
        owner, _, name = found.full_name.partition("/")
        path = f"repos/{quote(owner, safe='')}/{quote(name, safe='')}/topics"
        return self._api.ask("GET", path, _Topics).topics or []
