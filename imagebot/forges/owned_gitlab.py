"""The projects of a group with all its subgroups, or of a person, on GitLab, by python-gitlab.

Network. Only those where the token may push are asked for.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from gitlab.const import DEVELOPER_ACCESS
from gitlab.exceptions import GitlabError, GitlabGetError
from gitlab.v4.objects import GroupProject, UserProject

from imagebot.errors import ForgeError
from imagebot.forges.gitlab_api import GitLabApi
from imagebot.owned import OwnedRepository

MAX_PROJECTS = 20_000
MAX_PATHS = 10_000  # a hundred pages; of a larger tree too many requests would be needed


class GitLabOwner(GitLabApi):
    """Satisfies `owned.OwnerListing`. `project` of the parent is the path of the group."""

    def repositories(self) -> Sequence[OwnedRepository]:
        with self._asking("list the projects"):
            listed = list(islice(self._listed(), MAX_PROJECTS + 1))
            if len(listed) > MAX_PROJECTS:
                raise ForgeError(
                    f"{self._path} has more than {MAX_PROJECTS} projects",
                    hint="name subgroups instead, each as an owner of its own",
                )
            return [_told(each) for each in listed]

    def paths(self, repository: OwnedRepository) -> Sequence[str] | None:
        with self._asking(f"list the files in {repository.project}, one"):
            project = self._api.projects.get(repository.project, lazy=True)
            try:
                entries = project.repository_tree(
                    ref=repository.branch,
                    recursive=True,
                    iterator=True,
                    pagination="keyset",
                    per_page=100,
                )
                found = list(islice(entries, MAX_PATHS + 1))
            except GitlabError as error:
                if error.response_code == 404:  # not one commit
                    return []
                raise
        if len(found) > MAX_PATHS:
            return None
        return [str(entry["path"]) for entry in found if entry["type"] == "blob"]

    def _listed(self) -> Iterable[GroupProject | UserProject]:
        filters: dict[str, Any] = {"archived": False, "min_access_level": int(DEVELOPER_ACCESS)}
        try:
            group = self._api.groups.get(self._path, with_projects=False)
        except GitlabGetError as error:
            if error.response_code != 404 or "/" in self._path:
                raise
        else:
            return group.projects.list(
                iterator=True, include_subgroups=True, with_shared=False, **filters
            )
        person = self._user_id(self._path)
        if person is None:
            raise ForgeError(
                f"there is no group and no person {self._path} on GitLab that the token may see",
                hint="write the group's whole path: acme/platform",
            )
        return self._api.users.get(person, lazy=True).projects.list(iterator=True, **filters)


def _told(found: GroupProject | UserProject) -> OwnedRepository:
    branch = getattr(found, "default_branch", None)
    return OwnedRepository(
        project=found.path_with_namespace,
        https_url=found.http_url_to_repo,
        ssh_url=found.ssh_url_to_repo,
        branch=branch or "",
        topics=tuple(getattr(found, "topics", None) or ()),
        changed=str(found.last_activity_at or ""),
        is_archived=bool(found.archived),
        is_fork=bool(getattr(found, "forked_from_project", None)),
        is_empty=not branch or bool(getattr(found, "empty_repo", False)),
    )
