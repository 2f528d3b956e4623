"""Pull requests on Bitbucket Cloud (API 2.0), over plain REST. The Data Center has another API.

Network. The same story as `github.py`. A change of a pull request replaces its list of reviewers,
so the list is read first and sent along. There are no labels. Creating a pull request where one
is open between the same branches changes that one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from imagebot.errors import ForgeError
from imagebot.forges import steps
from imagebot.forges.bitbucket_texts import read, written
from imagebot.forges.rest import Basic, Bearer, Nothing, RestApi, Told
from imagebot.forges.texts import differing, refuse_long_body, renewed
from imagebot.model import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 48_000  # it refuses much longer ones; the exact limit is not documented
PAGE = 50  # the most that it gives
HEADS_AT_ONCE = 20  # in one query, which has to fit into an address
MAX_CLOSED_LISTED = 1_000  # of twenty heads, newest first
MAX_MEMBERS_READ = 2_000
NEEDS = "a token with the scopes repository:write and pullrequest:write"
_CLOSED = ("MERGED", "DECLINED", "SUPERSEDED")
_DUPLICATE = frozenset({400, 409})
_ACCOUNT = re.compile(r"\{[0-9a-f-]{36}\}|[0-9a-f]{24}|\d+:[0-9a-f-]{36}", re.IGNORECASE)

Item = TypeVar("Item")


class _Page(Told, Generic[Item]):
    values: list[Item]
    next: str | None = None


class _Link(Told):
    href: str


class _Links(Told):
    html: _Link


class _Named(Told):
    name: str


class _Repository(Told):
    full_name: str


class _Side(Told):
    branch: _Named
    repository: _Repository | None = None  # None: the fork was deleted


class _Text(Told):
    raw: str | None = None


class _Account(Told):
    uuid: str
    nickname: str | None = None
    display_name: str | None = None
    account_id: str | None = None


class _Pull(Told):
    id: int
    title: str
    state: str
    summary: _Text | None = None
    links: _Links
    source: _Side
    destination: _Side
    reviewers: list[_Account] | None = None  # not in lists


class _Comment(Told):
    content: _Text


class _Member(Told):
    user: _Account


class Bitbucket:
    """One repository on Bitbucket Cloud. `project` is `workspace/name`.

    Without a `username` the token is an access token of a repository, project or workspace. With
    one it is that person's API token (then an e-mail address) or app password.
    """

    name = "bitbucket"
    has_pull_requests = True
    max_body_characters = MAX_BODY_CHARACTERS

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
        self._project = project
        self._token = token
        self._username = username
        self._workspace = quote(workspace, safe="")
        self._pulls = f"repositories/{self._workspace}/{quote(name, safe='')}/pullrequests"
        self._api = RestApi(
            "Bitbucket",
            url.rstrip("/").removesuffix("/2.0") + "/2.0",
            Basic(username, token) if username else Bearer(token),
            project=project,
            needs=NEEDS,
            secret=token,
            timeout_seconds=timeout_seconds,
            ca_file=ca_file,
        )

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS: the name says which kind of token it is."""
        if self._username is None:
            return "x-token-auth", self._token
        is_api_token = "@" in self._username
        return "x-bitbucket-api-token-auth" if is_api_token else self._username, self._token

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
        if is_new and changes.reviewers:
            self._ask_reviews(created.number, changes.reviewers)
        return self.update(created, changes)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        body = read(written(changes.body))
        texts = differing(pull_request, title=changes.title, body=body, base=changes.base)
        if texts:
            with self._api.asking(f"update pull request #{pull_request.number}"):
                self._change(pull_request.number, _words(texts))
        return renewed(pull_request, texts, ())

    def close(self, pull_request: PullRequest, comment: str, *, body: str | None = None) -> None:
        """The text is changed first: one that was declined can be changed no more."""
        path = f"{self._pulls}/{pull_request.number}"
        with self._api.asking(f"close pull request #{pull_request.number}"):
            said = islice(self._pages(f"{path}/comments", _Page[_Comment]), steps.MAX_COMMENTS_READ)
            texts = (each.content.raw or "" for each in said)
            if not steps.is_said(written(comment), texts):
                content = {"content": {"raw": written(comment)}}
                self._api.ask("POST", f"{path}/comments", Nothing, document=content)
            if body is not None and body != pull_request.body:
                self._change(pull_request.number, _words({"body": body}))
            self._api.ask("POST", f"{path}/decline", _Pull)

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "source": {"branch": {"name": changes.branch}},
            **_words({"title": changes.title, "body": changes.body, "base": changes.base}),
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            return _told(self._api.ask("POST", self._pulls, _Pull, document=wanted))

    def _open_one(self, head: str) -> PullRequest | None:
        with self._api.asking(f"look for the pull request of {head}"):
            ours = self._listed(["OPEN"], PAGE, q=_any_of([head]))
            return next((pull for pull in ours if pull.head == head), None)

    def _open_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed(["OPEN"], steps.MAX_OPEN_LISTED)

    def _closed_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        names = sorted(heads)
        for start in range(0, len(names), HEADS_AT_ONCE):
            missing = set(names[start : start + HEADS_AT_ONCE])
            listed = self._listed(_CLOSED, MAX_CLOSED_LISTED, q=_any_of(sorted(missing)))
            for pull in listed:
                missing.discard(pull.head)
                yield pull
                if not missing:
                    break

    def _listed(self, states: Sequence[str], limit: int, **query: str) -> Iterator[PullRequest]:
        """Newest first; those from forks are left out."""
        wanted = {"state": list(states), "sort": "-created_on", **query}
        for pull in islice(self._pages(self._pulls, _Page[_Pull], wanted), limit):
            source = pull.source.repository
            if source and source.full_name.casefold() == self._project.casefold():
                yield _told(pull)

    def _pages(
        self, path: str, shape: type[_Page[Item]], query: Mapping[str, Any] | None = None
    ) -> Iterator[Item]:
        page = self._api.ask("GET", path, shape, query={**(query or {}), "pagelen": PAGE})
        yield from page.values
        while page.next:  # an address on another host is refused by the session
            page = self._api.ask("GET", page.next, shape)
            yield from page.values

    def _change(
        self, number: int, wanted: Mapping[str, Any], reviewers: Sequence[str] = ()
    ) -> None:
        """Title and reviewers have to be sent, or the one is refused and the others are lost."""
        path = f"{self._pulls}/{number}"
        kept = self._api.ask("GET", path, _Pull)
        uuids = [each.uuid for each in kept.reviewers or ()]
        uuids += [uuid for uuid in reviewers if uuid not in uuids]
        document = {
            "title": kept.title,
            **wanted,
            "reviewers": [_who(each) for each in uuids],
        }
        self._api.ask("PUT", path, _Pull, document=document)

    def _ask_reviews(self, number: int, names: Sequence[str]) -> None:
        """People by uuid, account id or nickname; the last are looked up in the workspace."""
        try:
            with self._api.asking("list the members of the workspace"):
                accounts = self._accounts(names)
        except ForgeError as error:
            steps.log.warning("no review by %s: %s", ", ".join(names), error)
            return

        def ask(name: str) -> None:
            if name not in accounts:
                raise ForgeError("no member of the workspace has this nickname")
            with self._api.asking(f"request a review of pull request #{number}"):
                self._change(number, {}, [accounts[name]])

        steps.ask_each(names, ask)

    def _accounts(self, names: Sequence[str]) -> dict[str, str]:
        found = {name: name for name in names if _ACCOUNT.fullmatch(name)}
        wanted = {name.casefold(): name for name in names if name not in found}
        if wanted:
            members = self._pages(f"workspaces/{self._workspace}/members", _Page[_Member])
            for member in islice(members, MAX_MEMBERS_READ):
                name = wanted.pop((member.user.nickname or "").casefold(), None)
                if name is not None:
                    found[name] = member.user.uuid
                if not wanted:
                    break
        return found


def _who(account: str) -> dict[str, str]:
    return {"uuid": account} if account.startswith("{") else {"account_id": account}


def _any_of(heads: Sequence[str]) -> str:
    quoted = (head.replace("\\", "\\\\").replace('"', '\\"') for head in heads)
    return " OR ".join(f'source.branch.name="{head}"' for head in quoted)


def _words(texts: Mapping[str, str]) -> dict[str, Any]:
    """Bitbucket's names and forms of `title`, `body` and `base`."""
    words: dict[str, Any] = {}
    if "title" in texts:
        words["title"] = texts["title"]
    if "body" in texts:
        words["description"] = written(texts["body"])
    if "base" in texts:
        words["destination"] = {"branch": {"name": texts["base"]}}
    return words


def _told(pull: _Pull) -> PullRequest:
    states = dict.fromkeys(("DECLINED", "SUPERSEDED"), PullRequestState.CLOSED)
    states["MERGED"] = PullRequestState.MERGED
    return PullRequest(
        number=pull.id,
        url=pull.links.html.href,
        state=states.get(pull.state, PullRequestState.OPEN),
        head=pull.source.branch.name,
        base=pull.destination.branch.name,
        title=pull.title,
        body=read((pull.summary.raw if pull.summary else None) or ""),
    )
