"""Azure DevOps' REST API (7.1) for one repository: addresses, pages, the shapes of its answers.

Network. Base of the modules beside it, which say what is asked. Nothing is retried here.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote

from imagebot.forges.azure_devops_texts import KeptTexts
from imagebot.forges.rest import Basic, Nothing, RestApi, Told
from imagebot.interfaces import OccurrenceCache
from imagebot.secret import Secret

NEEDS = "a token with the scope Code (read & write)"
PAGE = 100
API = {"api-version": "7.1"}
PREVIEW = {"api-version": "7.1-preview.1"}  # what has no version without that word yet
BRANCH = "refs/heads/"

Item = TypeVar("Item")


class Listed(Told, Generic[Item]):
    value: list[Item]


class Identity(Told):
    id: str
    displayName: str | None = None
    uniqueName: str | None = None


class Project(Told):
    id: str


class Repository(Told):
    id: str
    project: Project


class Commit(Told):
    commitId: str


class Label(Told):
    id: str
    name: str
    active: bool = True


class Pull(Told):
    pullRequestId: int
    status: str
    title: str
    description: str | None = None
    sourceRefName: str
    targetRefName: str
    creationDate: datetime
    isDraft: bool = False
    repository: Repository
    forkSource: Nothing | None = None
    labels: list[Label] | None = None
    mergeStatus: str = "notSet"
    lastMergeSourceCommit: Commit | None = None  # the head that the request was last looked at with
    autoCompleteSetBy: Identity | None = None

    @property
    def head_commit(self) -> str:
        return self.lastMergeSourceCommit.commitId if self.lastMergeSourceCommit else ""


class _Connection(Told):
    authenticatedUser: Identity


class AzureDevOpsApi:
    """One repository. `project` is `organization/project/name`, on a server `collection/...`."""

    def __init__(
        self,
        project: str,
        token: Secret,
        *,
        url: str = "https://dev.azure.com",
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
        kept: OccurrenceCache | None = None,
    ) -> None:
        organization, _, rest = project.partition("/")
        team_project, _, repository = rest.partition("/")
        self._project = project
        self._token = token
        self._team_project = quote(team_project, safe="")
        self._place = f"{self._team_project}/_apis/git/repositories/{quote(repository, safe='')}"
        self._pulls = f"{self._place}/pullrequests"
        root = f"{url.rstrip('/')}/{quote(organization, safe='')}"
        self._page = f"{root}/{self._team_project}/_git/{quote(repository, safe='')}/pullrequest"
        self._texts = KeptTexts(f"{root}/{project}", kept)
        self._api, self._identity_api = (
            RestApi(
                "Azure DevOps",
                address,
                Basic("", token),
                project=project,
                needs=NEEDS,
                secret=token,
                timeout_seconds=timeout_seconds,
                ca_file=ca_file,
            )
            for address in (root, identities_at(root))
        )
        self._known_own_id = ""
        self._numbers = dict[str, int]()  # of open pull requests, by head commit
        self._ids = dict[
            str, str
        ]()  # of authors of comments that were read, by what they are called

    def _pages(
        self,
        path: str,
        shape: type[Listed[Item]],
        query: Mapping[str, str],
        version: Mapping[str, str] = API,
    ) -> Iterator[Item]:
        skipped, count = 0, PAGE
        while count == PAGE:
            counted = {**version, **query, "$top": PAGE, "$skip": skipped}
            page = self._api.ask("GET", path, shape, query=counted)
            yield from page.value
            count = len(page.value)
            skipped += count

    def _read(self, number: int) -> Pull:
        """One pull request alone: all of its description, no labels."""
        return self._api.ask("GET", f"{self._pulls}/{number}", Pull, query=API)

    def _own_id(self) -> str:
        """Whose token it is, asked once."""
        if not self._known_own_id:
            told = self._api.ask("GET", "_apis/connectionData", _Connection, query=PREVIEW)
            self._known_own_id = told.authenticatedUser.id
        return self._known_own_id


def identities_at(root: str) -> str:
    """Where an organisation's identities are: Microsoft's cloud has a host of its own for them."""
    return root.replace("https://dev.azure.com/", "https://vssps.dev.azure.com/", 1)
