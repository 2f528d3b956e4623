"""Pull requests on Bitbucket Cloud: found, opened, updated, closed. The Data Center is another API.

Network. The same story as `github.py`. There are no labels, assignees or milestones. Creating a
pull request where one is open between the same branches changes that one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from imagebot.errors import ForgeError
from imagebot.forges import steps
from imagebot.forges.bitbucket_api import PAGE, Account, Page, Pull, quoted
from imagebot.forges.bitbucket_conversation import BitbucketConversation
from imagebot.forges.bitbucket_texts import read, written
from imagebot.forges.rest import Told
from imagebot.forges.texts import differing, refuse_long_body, renewed
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 48_000  # it refuses much longer ones; the exact limit is not documented
HEADS_AT_ONCE = 20  # in one query, which has to fit into an address
MAX_CLOSED_LISTED = 1_000  # of twenty heads, newest first
MAX_MEMBERS_READ = 2_000
_CLOSED = ("MERGED", "DECLINED", "SUPERSEDED")
_DUPLICATE = frozenset({400, 409})
_ACCOUNT = re.compile(r"\{[0-9a-f-]{36}\}|[0-9a-f]{24}|\d+:[0-9a-f-]{36}", re.IGNORECASE)


class _Member(Told):
    user: Account


class Bitbucket(BitbucketConversation):
    name = "bitbucket"
    has_pull_requests = True
    has_labels = False
    closes_at_once = False
    max_body_characters = MAX_BODY_CHARACTERS

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS: the name says which kind of token it is."""
        if self._username is None:
            return "x-token-auth", self._token
        is_api_token = "@" in self._username
        return "x-bitbucket-api-token-auth" if is_api_token else self._username, self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        with self._api.asking("list the pull requests"):
            return steps.find(heads, (self._open_ones, self._closed_ones))

    def declined(self) -> Sequence[PullRequest]:
        with self._api.asking("list the closed pull requests"):
            return steps.declined(self._listed(["DECLINED"], steps.MAX_DECLINED_READ))

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        with self._api.asking("list the newest pull requests"):
            newest = self._listed(["OPEN", *_CLOSED], steps.MAX_RECENT_READ)
            return steps.opened_since(newest, since)

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        return steps.open_or_adopt(
            lambda: self._open(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_DUPLICATE,
        )

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        steps.warn_of_assignees_and_milestone(changes, "Bitbucket")
        if changes.reviewers:
            self._ask_reviews(pull_request.number, changes.reviewers)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        body = read(written(changes.body))
        texts = differing(pull_request, title=changes.title, body=body)
        if texts:
            with self._api.asking(f"update pull request #{pull_request.number}"):
                self._change(pull_request.number, _words(texts))
        return renewed(pull_request, texts, ())

    def close(
        self,
        pull_request: PullRequest,
        comment: str,
        *,
        body: str | None = None,
        proof: str = "",
    ) -> None:
        """The text is changed first: one that was declined can be changed no more.

        Nor reopened, so no `proof` of it is needed: one that is open was never closed.
        """
        self.say(pull_request, comment)  # an earlier try may have got as far as that
        number = pull_request.number

        def write(text: str) -> None:
            self._change(number, _words({"body": text}))

        with (
            self._api.asking(f"close pull request #{number}"),
            steps.text_first(pull_request.body, body, write),
        ):
            self._api.ask("POST", f"{self._pulls}/{number}/decline", Pull)

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "source": {"branch": {"name": changes.branch}},
            "destination": {"branch": {"name": changes.base}},
            **_words({"title": changes.title, "body": changes.body}),
            **({"draft": True} if changes.is_draft else {}),
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            return _told(self._api.ask("POST", self._pulls, Pull, document=wanted))

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
        for pull in islice(self._pages(self._pulls, Page[Pull], wanted), limit):
            source = pull.source.repository
            if source and source.full_name.casefold() == self._project.casefold():
                yield _told(pull)

    def _ask_reviews(self, number: int, names: Sequence[str]) -> None:
        """People by uuid, account id or nickname; the last are looked up in the workspace."""
        accounts: dict[str, str] = {}

        def ask(name: str) -> None:
            if name not in accounts:
                raise ForgeError("no member of the workspace has this nickname")
            with self._api.asking(f"request a review of pull request #{number}"):
                self._change(number, {}, [accounts[name]])

        with steps.warned(f"no review by {', '.join(names)}"):
            with self._api.asking("list the members of the workspace"):
                accounts |= self._accounts(names)
            steps.ask_each(names, ask)

    def _accounts(self, names: Sequence[str]) -> dict[str, str]:
        found = {name: name for name in names if _ACCOUNT.fullmatch(name)}
        wanted = {name.casefold(): name for name in names if name not in found}
        if wanted:
            members = self._pages(f"workspaces/{self._workspace}/members", Page[_Member])
            for member in islice(members, MAX_MEMBERS_READ):
                name = wanted.pop((member.user.nickname or "").casefold(), None)
                if name is not None:
                    found[name] = member.user.uuid
                if not wanted:
                    break
        return found


def _any_of(heads: Sequence[str]) -> str:
    return " OR ".join(f"source.branch.name={quoted(head)}" for head in heads)


def _words(texts: Mapping[str, str]) -> dict[str, Any]:
    """Bitbucket's names and forms of `title` and `body`."""
    words: dict[str, Any] = {}
    if "title" in texts:
        words["title"] = texts["title"]
    if "body" in texts:
        words["description"] = written(texts["body"])
    return words


def _told(pull: Pull) -> PullRequest:
    states = dict.fromkeys(("DECLINED", "SUPERSEDED"), PullRequestState.CLOSED)
    states["MERGED"] = PullRequestState.MERGED
    head = pull.source.commit.hash if pull.source.commit else ""
    return PullRequest(
        number=pull.id,
        url=pull.links.html.href,
        state=states.get(pull.state, PullRequestState.OPEN),
        head=pull.source.branch.name,
        base=pull.destination.branch.name,
        title=pull.title,
        body=read((pull.summary.raw if pull.summary else None) or ""),
        version=f"{pull.updated_on} {pull.comment_count} {head} {pull.draft or False}",
        created=pull.created_on,
        head_commit=head,
        is_draft=bool(pull.draft),
    )
