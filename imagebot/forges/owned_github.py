"""The repositories of an organisation or a person on GitHub, by PyGithub.

Network. A GitHub App sees those that it is installed on, whoever asks; a token those of the owner.
"""

from collections.abc import Sequence
from itertools import islice

from github.GithubException import GithubException
from github.PaginatedList import PaginatedList
from github.Repository import Repository

from imagebot.errors import ForgeError
from imagebot.forges.github_api import GitHubApi
from imagebot.forges.installation import InstallationAuth
from imagebot.owned import OwnedRepository

MAX_REPOSITORIES = 20_000


class GitHubOwner(GitHubApi):
    """Satisfies `owned.OwnerListing`. `project` of the parent is `owner/`, which names no one."""

    def repositories(self) -> Sequence[OwnedRepository]:
        with self._asking("list the repositories"):
            listed = list(islice(self._listed(), MAX_REPOSITORIES + 1))
        if len(listed) > MAX_REPOSITORIES:
            raise ForgeError(
                f"{self._owner} has more than {MAX_REPOSITORIES} repositories",
                hint="install the App on those that matter, or list them under repositories",
            )
        owner = self._owner.casefold()
        return [_told(each) for each in listed if each.full_name.casefold().startswith(f"{owner}/")]

    def paths(self, repository: OwnedRepository) -> Sequence[str] | None:
        with self._asking(f"list the files in {repository.project}, one"):
            lazily = self._api.get_repo(repository.project)
            try:
                tree = lazily.get_git_tree(repository.branch, recursive=True)
            except GithubException as error:
                if error.status == 409:  # not one commit
                    return []
                raise
            if tree.raw_data.get("truncated"):
                return None
            return [entry.path for entry in tree.tree if entry.type == "blob"]

    def _listed(self) -> PaginatedList[Repository]:
        requester = self._api.requester
        if isinstance(self._auth, InstallationAuth):
            where = "/installation/repositories"
            return PaginatedList(Repository, requester, where, {}, list_item="repositories")
        if self._is_organisation():
            return PaginatedList(Repository, requester, f"/orgs/{self._owner}/repos", {})
        if self._login().casefold() == self._owner.casefold():  # sees private ones as well
            return PaginatedList(Repository, requester, "/user/repos", {"affiliation": "owner"})
        return PaginatedList(Repository, requester, f"/users/{self._owner}/repos", {})

    def _is_organisation(self) -> bool:
        try:
            self._api.requester.requestJsonAndCheck("GET", f"/orgs/{self._owner}")
        except GithubException as error:
            if error.status == 404:
                return False
            raise
        return True


def _told(found: Repository) -> OwnedRepository:
    permissions = found.permissions
    return OwnedRepository(
        project=found.full_name,
        https_url=found.clone_url,
        ssh_url=found.ssh_url,
        branch=found.default_branch,
        topics=tuple(found.topics or ()),
        changed=found.pushed_at.isoformat() if found.pushed_at else "",
        is_archived=bool(found.archived),
        is_fork=bool(found.fork),
        may_push=permissions.push if permissions else None,
    )
