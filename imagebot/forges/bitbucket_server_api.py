"""Bitbucket Data Center's REST API (1.0) as the modules beside it speak it: shapes, pages, changes.

Network, over plain REST. Every change names the version that it was made from and replaces the
list of reviewers, so the pull request is read right before; where a person was faster in between,
once more.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote_plus

from imagebot.errors import ForgeUnavailable
from imagebot.forges.bitbucket_texts import written
from imagebot.forges.rest import Bearer, Conflict, RestApi, Told, items_of
from imagebot.forges.transport import Refused
from imagebot.secret import Secret

PAGE = 100
NEEDS = "an HTTP access token with repository write"
CHANGE_ATTEMPTS = 2
BRANCH = "refs/heads/"

Item = TypeVar("Item")


class Page(Told, Generic[Item]):
    values: list[Item]
    isLastPage: bool = True
    nextPageStart: int | None = None


class Link(Told):
    href: str


class Links(Told):
    self: list[Link]


class ProjectTold(Told):
    key: str


class RepositoryTold(Told):
    slug: str
    project: ProjectTold


class Ref(Told):
    id: str
    latestCommit: str = ""
    repository: RepositoryTold


class User(Told):
    name: str
    active: bool = True


class Reviewer(Told):
    user: User


class Counts(Told):
    commentCount: int = 0  # without replies


class Pull(Told):
    id: int
    version: int
    title: str
    description: str | None = None
    state: str
    draft: bool | None = None  # None: before 8.18
    fromRef: Ref
    toRef: Ref
    reviewers: tuple[Reviewer, ...] = ()
    links: Links
    createdDate: int | None = None  # milliseconds
    updatedDate: int = 0
    properties: Counts = Counts()


class BitbucketServerApi:
    """One repository. `project` is `KEY/name`, or `~user/name`; `url` is that of the instance.

    `username` is whose token it is, for git; tokens of projects and repositories have no user.
    """

    def __init__(
        self,
        project: str,
        token: Secret,
        *,
        url: str,
        username: str | None = None,
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
    ) -> None:
        key, _, slug = project.partition("/")
        root = url.rstrip("/").removesuffix("/rest/api/1.0")
        self._project, self._slug = key, slug
        self._token = token
        self._username = username
        self._known_login = ""
        self._repository = f"projects/{quote(key, safe='~')}/repos/{quote(slug, safe='')}"
        self._pulls = f"{self._repository}/pull-requests"
        self._rest = f"{root}/rest"  # for the parts of the API that are plug-ins
        self._page_url = f"{root}/{self._repository}"
        self._api = RestApi(
            "Bitbucket",
            f"{self._rest}/api/1.0",
            Bearer(token),
            project=project,
            needs=NEEDS,
            secret=token,
            timeout_seconds=timeout_seconds,
            ca_file=ca_file,
        )

    def _pull(self, number: int) -> Pull:
        return self._api.ask("GET", f"{self._pulls}/{number}", Pull)

    def _own_login(self) -> str:
        """Whose token it is, as the answers that were read in pages said."""
        login = self._known_login or self._username
        if not login:
            raise Refused(
                f"cannot tell whose token it is: Bitbucket did not say so of {self._project}",
                status=200,
                hint="let the header X-AUSERNAME through, or write forge.username in the settings",
            )
        return login

    def _pages(
        self, path: str, shape: type[Page[Item]], query: Mapping[str, str]
    ) -> Iterator[Item]:
        return items_of(self._whole_pages(path, shape, query))

    def _whole_pages(
        self, path: str, shape: type[Page[Item]], query: Mapping[str, str]
    ) -> Iterator[list[Item]]:
        start: int | None = 0
        while start is not None:
            counted = {**query, "start": start, "limit": PAGE}
            page, headers = self._api.ask_whole("GET", path, shape, query=counted)
            self._known_login = unquote_plus(headers.get("X-AUSERNAME", "")) or self._known_login
            yield page.values
            following = None if page.isLastPage else page.nextPageStart
            if following is not None and following <= start:
                raise ForgeUnavailable("Bitbucket's pages lead back to themselves")
            start = following

    def _change(self, number: int, texts: Mapping[str, str], reviewer: str = "") -> None:
        def change(kept: Pull) -> None:
            names = [each.user.name for each in kept.reviewers]
            names += [reviewer] if reviewer and reviewer not in names else []
            wanted: dict[str, Any] = {
                "version": kept.version,
                "title": texts.get("title", kept.title),
                "description": kept.description or "",
                "toRef": self._ref(kept.toRef.id.removeprefix(BRANCH)),
                "reviewers": [{"user": {"name": name}} for name in names],
            }
            if kept.draft:
                wanted["draft"] = True
            if "body" in texts:
                wanted["description"] = written(texts["body"])
            self._api.ask("PUT", f"{self._pulls}/{number}", Pull, document=wanted)

        self._at_its_version(number, change)

    def _at_its_version(self, number: int, act: Callable[[Pull], None]) -> None:
        for attempt in range(1, CHANGE_ATTEMPTS + 1):
            kept = self._pull(number)
            try:
                return act(kept)
            except Conflict as error:
                if attempt == CHANGE_ATTEMPTS or "OutOfDate" not in error.whole:
                    raise

    def _ref(self, branch: str) -> dict[str, Any]:
        repository = {"slug": self._slug, "project": {"key": self._project}}
        return {"id": BRANCH + branch, "repository": repository}


def moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
