"""What all modules of Gitea and Forgejo stand on: the connection, counted pages, labels by id.

Network. Pages are counted and not followed by their addresses, which behind a proxy are often
those of another host.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from imagebot.forges import steps
from imagebot.forges.rest import Bearer, RestApi, Told
from imagebot.forges.transport import Refused
from imagebot.secret import Secret

PAGE = 50  # the most that an instance gives unless its MAX_RESPONSE_ITEMS says otherwise
MAX_LABELS_READ = 1_000
NEEDS = "a token with the scopes write:repository, write:issue and read:user"


log = logging.getLogger(__name__)

Item = TypeVar("Item")
Page = TypeVar("Page")


class User(Told):
    login: str


class Label(Told):
    id: int
    name: str


class Branch(Told):
    label: str  # the name even after the branch was deleted; then `ref` is refs/pull/N/head
    sha: str = ""
    repo_id: int  # -1 where the fork was deleted


class Pull(Told):
    number: int
    html_url: str
    state: Literal["open", "closed"]
    merged: bool = False
    mergeable: bool = False  # neither a conflict nor a draft, and looked at since the last push
    draft: bool | None = None  # told since 1.21 only
    title: str
    body: str | None = None
    labels: list[Label] | None = None
    assignees: list[User] | None = None
    comments: int = 0
    created_at: datetime
    updated_at: str  # in whole seconds
    head: Branch
    base: Branch


class GiteaApi:
    """One repository. `project` is `owner/name`, `url` the address of the instance."""

    name: str

    def __init__(
        self,
        project: str,
        token: Secret,
        *,
        url: str,
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
    ) -> None:
        self._token = token
        self._project = project
        owner, _, repository = project.partition("/")
        self._owner = owner
        self._repository = f"repos/{quote(owner, safe='')}/{quote(repository, safe='')}"
        self._api = RestApi(
            self.name.title(),
            url.rstrip("/").removesuffix("/api/v1") + "/api/v1",
            Bearer(token, "token"),
            project=project,
            needs=NEEDS,
            secret=token,
            timeout_seconds=timeout_seconds,
            ca_file=ca_file,
        )
        self._known_login = ""

    def _login(self) -> str:
        """Whose token it is."""
        if not self._known_login:
            self._known_login = self._api.ask("GET", "user", User).login
        return self._known_login

    def _pull(self, number: int) -> Pull:
        return self._api.ask("GET", f"{self._repository}/pulls/{number}", Pull)

    def _pages(self, path: str, shape: type[list[Item]], **query: str) -> Iterator[Item]:
        for items in self._whole_pages(path, shape, len, **query):
            yield from items

    def _whole_pages(
        self, path: str, shape: type[Page], count: Callable[[Page], int], **query: str
    ) -> Iterator[Page]:
        """Until as many as X-Total-Count were seen, or a page is empty."""
        page, seen = 0, 0
        while True:
            page += 1
            counted = {**query, "page": page, "limit": PAGE}
            told, headers = self._api.ask_whole("GET", path, shape, query=counted)
            yield told
            seen += count(told)
            total = headers.get("x-total-count", "")
            if not count(told) or (total.isdigit() and seen >= int(total)):
                return

    def _ids_of_labels(self, names: Sequence[str]) -> list[int]:
        """By ids, since names are taken by newer versions only. Those that are missing are made."""
        if not names:
            return []
        known = self._label_ids()
        return [known.get(name.casefold()) or self._make_label(name) for name in names]

    def _label_ids(self) -> dict[str, int]:
        """Of the repository's own labels and those of its organisation, which come second."""
        known = self._organisation_label_ids()
        for label in islice(
            self._pages(f"{self._repository}/labels", list[Label]), MAX_LABELS_READ
        ):
            known[label.name.casefold()] = label.id
        return known

    def _organisation_label_ids(self) -> dict[str, int]:
        path = f"orgs/{quote(self._owner, safe='')}/labels"
        try:
            with self._api.asking("list the organisation's labels"):
                labels = islice(self._pages(path, list[Label]), MAX_LABELS_READ)
                return {label.name.casefold(): label.id for label in labels}
        except Refused as error:
            if error.status in (403, 404):  # no scope read:organization; the owner is a person
                return {}
            raise

    def _make_label(self, name: str, description: str = "") -> int:
        wanted = {"name": name, "color": steps.LABEL_COLOUR, "description": description}
        return self._api.ask("POST", f"{self._repository}/labels", Label, document=wanted).id
