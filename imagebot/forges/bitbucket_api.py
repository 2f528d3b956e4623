"""Bitbucket Cloud's API (2.0) as the modules beside it speak it: shapes of answers, pages, changes.

Network, over plain REST. A change of a pull request replaces its list of reviewers, so the list
is read first and sent along.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from imagebot.forges.rest import Basic, Bearer, RestApi, Told, items_of
from imagebot.forges.transport import Refused
from imagebot.secret import Secret

PAGE = 50  # the most that it gives of pull requests
NEEDS = "a token with the scopes repository:write and pullrequest:write"

Item = TypeVar("Item")


class Page(Told, Generic[Item]):
    values: list[Item]
    next: str | None = None


class Link(Told):
    href: str


class Links(Told):
    html: Link


class Named(Told):
    name: str


class RepositoryTold(Told):
    full_name: str


class CommitTold(Told):
    hash: str  # 12 digits in pull requests, all 40 elsewhere


class Side(Told):
    branch: Named
    repository: RepositoryTold | None = None  # None: the fork was deleted
    commit: CommitTold | None = None  # None: the branch was deleted


class Text(Told):
    raw: str | None = None


class Account(Told):
    uuid: str
    nickname: str | None = None
    display_name: str | None = None
    account_id: str | None = None


class Pull(Told):
    id: int
    title: str
    state: str
    summary: Text | None = None
    links: Links
    source: Side
    destination: Side
    author: Account | None = None
    reviewers: list[Account] | None = None  # not in lists
    draft: bool | None = None
    comment_count: int = 0
    created_on: datetime | None = None
    updated_on: str = ""


class BitbucketApi:
    """One repository on Bitbucket Cloud. `project` is `workspace/name`.

    Without a `username` the token is an access token of a repository, project or workspace. With
    one it is that person's API token (then an e-mail address) or app password.
    """

    def __init__(
        self,
        project: str,
        token: Secret,
        *,
        username: str | None = None,
        url: str = "https://api.bitbucket.org",
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
    ) -> None:
        workspace, _, name = project.partition("/")
        root = url.rstrip("/").removesuffix("/2.0")
        self._project = project
        self._token = token
        self._username = username
        self._workspace = quote(workspace, safe="")
        self._slug = quote(name, safe="")
        self._repository = f"repositories/{self._workspace}/{self._slug}"
        self._pulls = f"{self._repository}/pullrequests"
        self._page_url = f"{root.replace('//api.', '//', 1)}/{self._workspace}/{self._slug}"
        self._own_uuid = ""
        self._authors: dict[int, str] = {}  # of pull requests, where only these tell who we are
        self._api = RestApi(
            "Bitbucket",
            f"{root}/2.0",
            Basic(username, token) if username else Bearer(token),
            project=project,
            needs=NEEDS,
            secret=token,
            timeout_seconds=timeout_seconds,
            ca_file=ca_file,
        )

    def _own_account(self) -> str:
        """Uuid of the account whose token it is; "" where the token may not ask for that."""
        if not self._own_uuid:
            try:
                with self._api.asking("look up whose token it is"):
                    self._own_uuid = self._api.ask("GET", "user", Account).uuid
            except Refused as error:
                if error.status not in (401, 403, 404):
                    raise
        return self._own_uuid

    def _pages(
        self, path: str, shape: type[Page[Item]], query: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        return items_of(self._whole_pages(path, shape, query))

    def _whole_pages(
        self, path: str, shape: type[Page[Item]], query: Mapping[str, Any] | None
    ) -> Iterator[list[Item]]:
        page = self._api.ask("GET", path, shape, query={**(query or {}), "pagelen": PAGE})
        yield page.values
        while page.next:  # an address on another host is refused by the session
            page = self._api.ask("GET", page.next, shape)
            yield page.values

    def _pull(self, number: int) -> Pull:
        return self._api.ask("GET", f"{self._pulls}/{number}", Pull)

    def _change(
        self, number: int, wanted: Mapping[str, Any], reviewers: Sequence[str] = ()
    ) -> None:
        """Title and reviewers have to be sent, or the one is refused and the others are lost."""
        kept = self._pull(number)
        uuids = [each.uuid for each in kept.reviewers or ()]
        uuids += [uuid for uuid in reviewers if uuid not in uuids]
        document = {
            "title": kept.title,
            **({"draft": True} if kept.draft else {}),
            **wanted,
            "reviewers": [_who(each) for each in uuids],
        }
        self._api.ask("PUT", f"{self._pulls}/{number}", Pull, document=document)


def quoted(text: str) -> str:
    """A string in a query (`q`) of Bitbucket's."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _who(account: str) -> dict[str, str]:
    return {"uuid": account} if account.startswith("{") else {"account_id": account}
