"""Pull requests on Bitbucket Data Center and Server (REST API 1.0). The Cloud has another API.

Network, over plain REST. The same story as `github.py`. Every change names the version that it
was made from and replaces the list of reviewers, so the pull request is read right before; where
a person was faster in between, once more. There are no labels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from imagebot.errors import ForgeUnavailable
from imagebot.forges import steps
from imagebot.forges.bitbucket_texts import read, written
from imagebot.forges.rest import Bearer, Conflict, Nothing, RestApi, Told
from imagebot.forges.texts import differing, refuse_long_body, renewed
from imagebot.model import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 24_000  # it takes 32,768, and a record of half of this may grow by a third
PAGE = 100
NEEDS = "an HTTP access token with repository write"
CHANGE_ATTEMPTS = 2
_BRANCH = "refs/heads/"
_DUPLICATE = frozenset({409})

Item = TypeVar("Item")


class _Page(Told, Generic[Item]):
    values: list[Item]
    isLastPage: bool = True
    nextPageStart: int | None = None


class _Link(Told):
    href: str


class _Links(Told):
    self: list[_Link]


class _Project(Told):
    key: str


class _Repository(Told):
    slug: str
    project: _Project


class _Ref(Told):
    id: str
    repository: _Repository


class _User(Told):
    name: str


class _Reviewer(Told):
    user: _User


class _Pull(Told):
    id: int
    version: int
    title: str
    description: str | None = None
    state: str
    fromRef: _Ref
    toRef: _Ref
    reviewers: tuple[_Reviewer, ...] = ()
    links: _Links


class _Comment(Told):
    text: str


class _Activity(Told):
    action: str
    comment: _Comment | None = None


class BitbucketServer:
    """One repository. `project` is `KEY/name`, or `~user/name`; `url` is that of the instance.

    `username` is whose token it is, for git; tokens of projects and repositories have no user.
    """

    name = "bitbucket-server"
    has_pull_requests = True
    max_body_characters = MAX_BODY_CHARACTERS

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
        self._project, self._slug = key, slug
        self._token = token
        self._username = username
        self._pulls = f"projects/{quote(key, safe='~')}/repos/{quote(slug, safe='')}/pull-requests"
        self._api = RestApi(
            "Bitbucket",
            url.rstrip("/").removesuffix("/rest/api/1.0") + "/rest/api/1.0",
            Bearer(token),
            project=project,
            needs=NEEDS,
            secret=token,
            timeout_seconds=timeout_seconds,
            ca_file=ca_file,
        )

    def git_credentials(self) -> tuple[str, Secret]:
        """Without a user's name git sends the token as a bearer, as those of projects need."""
        return self._username or "", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        with self._api.asking("list the pull requests"):
            return steps.find(heads, (self._open_ones, self._closed_ones))

    def declined(self) -> Sequence[PullRequest]:
        with self._api.asking("list the closed pull requests"):
            return steps.declined(self._listed("DECLINED", steps.MAX_DECLINED_READ))

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
        body = read(written(changes.body))
        texts = differing(pull_request, title=changes.title, body=body, base=changes.base)
        if texts:
            with self._api.asking(f"update pull request #{pull_request.number}"):
                self._change(pull_request.number, texts)
        return renewed(pull_request, texts, ())

    def close(self, pull_request: PullRequest, comment: str, *, body: str | None = None) -> None:
        """The text is changed first: one that was declined can be changed no more."""
        number = pull_request.number
        with self._api.asking(f"close pull request #{number}"):
            if not steps.is_said(written(comment), self._comments(number)):
                path = f"{self._pulls}/{number}/comments"
                self._api.ask("POST", path, Nothing, document={"text": written(comment)})
            if body is not None and body != pull_request.body:
                self._change(number, {"body": body})
            self._at_its_version(number, self._decline)

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "title": changes.title,
            "description": written(changes.body),
            "fromRef": self._ref(changes.branch),
            "toRef": self._ref(changes.base),
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            return _told(self._api.ask("POST", self._pulls, _Pull, document=wanted))

    def _open_one(self, head: str) -> PullRequest | None:
        with self._api.asking(f"look for the pull request of {head}"):
            return next(self._listed("OPEN", PAGE, at=_BRANCH + head), None)

    def _open_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("OPEN", steps.MAX_OPEN_LISTED)

    def _closed_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        """Each head is asked for alone, open ones again included: they come first."""
        for head in sorted(heads):
            listed = self._listed("ALL", PAGE, at=_BRANCH + head)
            yield from steps.newest_first(pull for pull in listed if pull.head == head)

    def _listed(self, state: str, limit: int, **query: str) -> Iterator[PullRequest]:
        """Those that leave a branch of this repository for another of it, newest first."""
        wanted = {"state": state, "direction": "OUTGOING", "order": "NEWEST", **query}
        for pull in islice(self._pages(self._pulls, _Page[_Pull], wanted), limit):
            if self._is_here(pull.fromRef) and self._is_here(pull.toRef):
                yield _told(pull)

    def _is_here(self, ref: _Ref) -> bool:
        here, there = ref.repository, (self._project.casefold(), self._slug.casefold())
        return (here.project.key.casefold(), here.slug.casefold()) == there

    def _pages(
        self, path: str, shape: type[_Page[Item]], query: Mapping[str, str]
    ) -> Iterator[Item]:
        start: int | None = 0
        while start is not None:
            counted = {**query, "start": start, "limit": PAGE}
            page = self._api.ask("GET", path, shape, query=counted)
            yield from page.values
            following = None if page.isLastPage else page.nextPageStart
            if following is not None and following <= start:
                raise ForgeUnavailable("Bitbucket's pages lead back to themselves")
            start = following

    def _comments(self, number: int) -> Iterator[str]:
        """They can be listed only among all that happened."""
        path = f"{self._pulls}/{number}/activities"
        for activity in islice(self._pages(path, _Page[_Activity], {}), steps.MAX_COMMENTS_READ):
            if activity.action == "COMMENTED" and activity.comment:
                yield activity.comment.text

    def _change(self, number: int, texts: Mapping[str, str], reviewer: str = "") -> None:
        def change(kept: _Pull) -> None:
            names = [each.user.name for each in kept.reviewers]
            names += [reviewer] if reviewer and reviewer not in names else []
            wanted: dict[str, Any] = {
                "version": kept.version,
                "title": texts.get("title", kept.title),
                "description": kept.description or "",
                "toRef": self._ref(texts.get("base", kept.toRef.id.removeprefix(_BRANCH))),
                "reviewers": [{"user": {"name": name}} for name in names],
            }
            if "body" in texts:
                wanted["description"] = written(texts["body"])
            self._api.ask("PUT", f"{self._pulls}/{number}", _Pull, document=wanted)

        self._at_its_version(number, change)

    def _decline(self, kept: _Pull) -> None:
        path = f"{self._pulls}/{kept.id}/decline"
        version = {"version": str(kept.version)}
        # Without a body of JSON it takes the request for one that a web page has forged.
        self._api.ask("POST", path, _Pull, query=version, document={})

    def _at_its_version(self, number: int, act: Callable[[_Pull], None]) -> None:
        for attempt in range(1, CHANGE_ATTEMPTS + 1):
            kept = self._api.ask("GET", f"{self._pulls}/{number}", _Pull)
            try:
                return act(kept)
            except Conflict as error:
                if attempt == CHANGE_ATTEMPTS or "OutOfDate" not in error.whole:
                    raise

    def _ask_review(self, number: int, name: str) -> None:
        with self._api.asking(f"request a review of pull request #{number}"):
            self._change(number, {}, name)

    def _ref(self, branch: str) -> dict[str, Any]:
        repository = {"slug": self._slug, "project": {"key": self._project}}
        return {"id": _BRANCH + branch, "repository": repository}


def _told(pull: _Pull) -> PullRequest:
    states = {"DECLINED": PullRequestState.CLOSED, "MERGED": PullRequestState.MERGED}
    return PullRequest(
        number=pull.id,
        url=pull.links.self[0].href if pull.links.self else "",
        state=states.get(pull.state, PullRequestState.OPEN),
        head=pull.fromRef.id.removeprefix(_BRANCH),
        base=pull.toRef.id.removeprefix(_BRANCH),
        title=pull.title,
        body=read(pull.description or ""),
    )
