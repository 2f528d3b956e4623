"""Pull requests on Gitea and Forgejo, which share one API (v1), over plain REST.

Network. The same story as `github.py`. Their API has no filter by head branch, so the listings of
open and then of closed ones are read newest first, until every head was seen. Pages are counted
and not followed by their addresses, which behind a proxy are often those of another host.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote

from imagebot.forges import steps
from imagebot.forges.rest import Bearer, Nothing, NotThere, RestApi, Told
from imagebot.forges.texts import differing, missing_labels, refuse_long_body, renewed
from imagebot.forges.transport import Refused
from imagebot.model import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 1_000_000  # they know no limit of their own; their database has one
PAGE = 50  # the most that an instance gives unless its MAX_RESPONSE_ITEMS says otherwise
MAX_CLOSED_LISTED = 2_500  # the newest; a head that none of them has is taken for a new one
MAX_LABELS_READ = 1_000
NEEDS = "a token with the scopes write:repository and write:issue"
LABEL_COLOUR = "#ededed"
_DRAFT = re.compile(r"(?:\[WIP\]|WIP:)\s*", re.IGNORECASE)
_DUPLICATE = frozenset({409})

log = logging.getLogger(__name__)

Item = TypeVar("Item")


class _Branch(Told):
    label: str  # the name even after the branch was deleted; then `ref` is refs/pull/N/head
    repo_id: int  # -1 where the fork was deleted


class _Label(Told):
    id: int
    name: str


class _Pull(Told):
    number: int
    html_url: str
    state: Literal["open", "closed"]
    merged: bool = False
    title: str
    body: str | None = None
    labels: list[_Label] | None = None
    head: _Branch
    base: _Branch


class _Comment(Told):
    body: str


class Gitea:
    """One repository on Gitea. `project` is `owner/name`, `url` the address of the instance."""

    name = "gitea"
    has_pull_requests = True
    max_body_characters = MAX_BODY_CHARACTERS

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

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS; the name does not count beside a token."""
        return "x-access-token", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        with self._api.asking("list the pull requests"):
            return steps.find(heads, (self._open_ones, self._closed_ones))

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        created, is_new = steps.open_or_adopt(
            lambda: self._open(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_DUPLICATE,
        )
        if is_new:
            steps.ask_each(changes.reviewers, lambda who: self._ask_review(created.number, who))
        return self.update(created, changes)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        draft = _DRAFT.match(pull_request.title)  # a person's mark, which is a part of the title
        title = (draft.group() if draft else "") + changes.title
        texts = differing(pull_request, title=title, body=changes.body, base=changes.base)
        labels = missing_labels(pull_request, changes.labels)
        if texts:
            with self._api.asking(f"update pull request #{pull_request.number}"):
                self._change(pull_request.number, texts)
        if labels and not self._is_labelled(pull_request.number, labels):
            labels = ()
        return renewed(pull_request, texts, labels)

    def close(self, pull_request: PullRequest, comment: str, *, body: str | None = None) -> None:
        with self._api.asking(f"close pull request #{pull_request.number}"):
            path = f"{self._repository}/issues/{pull_request.number}/comments"
            said = self._api.ask("GET", path, list[_Comment])
            if not steps.is_said(comment, (each.body for each in said)):
                self._api.ask("POST", path, Nothing, document={"body": comment})
            texts = {} if body is None else {"body": body}
            self._change(pull_request.number, {"state": "closed", **texts})

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "head": changes.branch,
            "base": changes.base,
            "title": changes.title,
            "body": changes.body,
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            return _told(self._api.ask("POST", f"{self._repository}/pulls", _Pull, document=wanted))

    def _open_one(self, head: str) -> PullRequest | None:
        with self._api.asking(f"look for the pull request of {head}"):
            return steps.find([head], (self._open_ones,)).get(head)

    def _open_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("open", steps.MAX_OPEN_LISTED)

    def _closed_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("closed", MAX_CLOSED_LISTED)

    def _listed(self, state: str, limit: int) -> Iterator[PullRequest]:
        """Newest first, which is their order where no other is asked for; forks' are left out."""
        pulls = self._pages(f"{self._repository}/pulls", list[_Pull], state=state)
        for pull in islice(pulls, limit):
            if pull.head.repo_id == pull.base.repo_id:
                yield _told(pull)

    def _pages(self, path: str, shape: type[list[Item]], **query: str) -> Iterator[Item]:
        """Until as many as X-Total-Count were seen, or a page is empty."""
        page, seen = 0, 0
        while True:
            page += 1
            counted = {**query, "page": page, "limit": PAGE}
            items, headers = self._api.ask_whole("GET", path, shape, query=counted)
            yield from items
            seen += len(items)
            total = headers.get("x-total-count", "")
            if not items or (total.isdigit() and seen >= int(total)):
                return

    def _change(self, number: int, wanted: Mapping[str, str]) -> None:
        path = f"{self._repository}/pulls/{number}"
        self._api.ask("PATCH", path, _Pull, document=dict(wanted))

    def _ask_review(self, number: int, name: str) -> None:
        organisation, _, team = name.rpartition("/")
        wanted = {"team_reviewers": [team]} if organisation else {"reviewers": [name]}
        with self._api.asking(f"request a review of pull request #{number}"):
            path = f"{self._repository}/pulls/{number}/requested_reviewers"
            self._api.ask("POST", path, list[Nothing], document=wanted)

    def _is_labelled(self, number: int, names: Sequence[str]) -> bool:
        """By ids, since names are taken by newer versions only. Those that are missing are made."""
        try:
            with self._api.asking(f"label pull request #{number}"):
                known = self._label_ids()
                ids = [known.get(name.casefold()) or self._make_label(name) for name in names]
                path = f"{self._repository}/issues/{number}/labels"
                self._api.ask("POST", path, list[_Label], document={"labels": ids})
        except Refused as error:
            log.warning("no label %s: %s (%s)", ", ".join(names), error, error.hint)
            return False
        return True

    def _label_ids(self) -> dict[str, int]:
        """Of the repository's own labels and those of its organisation, which come second."""
        known: dict[str, int] = {}
        for path in (f"orgs/{quote(self._owner, safe='')}/labels", f"{self._repository}/labels"):
            try:
                for label in islice(self._pages(path, list[_Label]), MAX_LABELS_READ):
                    known[label.name.casefold()] = label.id
            except NotThere:
                continue  # the owner is a person
        return known

    def _make_label(self, name: str) -> int:
        wanted = {"name": name, "color": LABEL_COLOUR}
        return self._api.ask("POST", f"{self._repository}/labels", _Label, document=wanted).id


class Forgejo(Gitea):
    """One repository on Forgejo, which has kept Gitea's API."""

    name = "forgejo"


def _told(pull: _Pull) -> PullRequest:
    closed = PullRequestState.MERGED if pull.merged else PullRequestState.CLOSED
    return PullRequest(
        number=pull.number,
        url=pull.html_url,
        state=PullRequestState.OPEN if pull.state == "open" else closed,
        head=pull.head.label,
        base=pull.base.label,
        title=pull.title,
        body=pull.body or "",
        labels=tuple(label.name for label in pull.labels or ()),
    )
