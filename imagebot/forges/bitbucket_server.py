"""Pull requests on Bitbucket Data Center and Server: found, opened, updated, closed.

Network. The same story as `github.py`. There are no labels, assignees or milestones.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from imagebot.forges import steps
from imagebot.forges.bitbucket_server_api import BRANCH, PAGE, Page, Pull, Ref, moment
from imagebot.forges.bitbucket_server_conversation import BitbucketServerConversation
from imagebot.forges.bitbucket_texts import read, written
from imagebot.forges.texts import differing, refuse_long_body, renewed
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 24_000  # it takes 32,768, and a record of half of this may grow by a third
_DUPLICATE = frozenset({409})


class BitbucketServer(BitbucketServerConversation):
    name = "bitbucket-server"
    has_pull_requests = True
    has_labels = False
    closes_at_once = False
    max_body_characters = MAX_BODY_CHARACTERS

    def git_credentials(self) -> tuple[str, Secret]:
        """Without a user's name git sends the token as a bearer, as those of projects need."""
        return self._username or "", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        with self._api.asking("list the pull requests"):
            return steps.find(heads, (self._open_ones, self._closed_ones))

    def declined(self) -> Sequence[PullRequest]:
        with self._api.asking("list the closed pull requests"):
            return steps.declined(self._listed("DECLINED", steps.MAX_DECLINED_READ))

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        with self._api.asking("list the newest pull requests"):
            return steps.opened_since(self._listed("ALL", steps.MAX_RECENT_READ), since)

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        return steps.open_or_adopt(
            lambda: self._open(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_DUPLICATE,
        )

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        number = pull_request.number
        steps.warn_of_assignees_and_milestone(changes, "Bitbucket")
        steps.ask_each(changes.reviewers, lambda who: self._ask_review(number, who))

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        body = read(written(changes.body))
        texts = differing(pull_request, title=changes.title, body=body)
        if texts:
            with self._api.asking(f"update pull request #{pull_request.number}"):
                self._change(pull_request.number, texts)
        return renewed(pull_request, texts, ())

    def close(
        self,
        pull_request: PullRequest,
        comment: str,
        *,
        body: str | None = None,
        proof: str = "",
    ) -> None:
        """The text is changed first: one that was declined can be changed no more."""
        number = pull_request.number
        self.say(pull_request, comment)  # an earlier try may have got as far as that

        def write(text: str) -> None:
            self._change(number, {"body": text})

        with (
            self._api.asking(f"close pull request #{number}"),
            steps.text_first(pull_request.body, body, write),
        ):
            self._at_its_version(number, self._decline)
        if proof:
            steps.prove(lambda: self.say(pull_request, proof))

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "title": changes.title,
            "description": written(changes.body),
            "fromRef": self._ref(changes.branch),
            "toRef": self._ref(changes.base),
            **({"draft": True} if changes.is_draft else {}),
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            return _told(self._api.ask("POST", self._pulls, Pull, document=wanted))

    def _open_one(self, head: str) -> PullRequest | None:
        with self._api.asking(f"look for the pull request of {head}"):
            return next(self._listed("OPEN", PAGE, at=BRANCH + head), None)

    def _open_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("OPEN", steps.MAX_OPEN_LISTED)

    def _closed_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        """Each head is asked for alone, open ones again included: they come first."""
        for head in sorted(heads):
            listed = self._listed("ALL", PAGE, at=BRANCH + head)
            yield from steps.newest_first(pull for pull in listed if pull.head == head)

    def _listed(self, state: str, limit: int, **query: str) -> Iterator[PullRequest]:
        """Those that leave a branch of this repository for another of it, newest first."""
        wanted = {"state": state, "direction": "OUTGOING", "order": "NEWEST", **query}
        for pull in islice(self._pages(self._pulls, Page[Pull], wanted), limit):
            if self._is_here(pull.fromRef) and self._is_here(pull.toRef):
                yield _told(pull)

    def _is_here(self, ref: Ref) -> bool:
        here, there = ref.repository, (self._project.casefold(), self._slug.casefold())
        return (here.project.key.casefold(), here.slug.casefold()) == there

    def _decline(self, kept: Pull) -> None:
        path = f"{self._pulls}/{kept.id}/decline"
        version = {"version": str(kept.version)}
        # Without a body of JSON it takes the request for one that a web page has forged.
        self._api.ask("POST", path, Pull, query=version, document={})

    def _ask_review(self, number: int, name: str) -> None:
        with self._api.asking(f"request a review of pull request #{number}"):
            self._change(number, {}, name)


def _told(pull: Pull) -> PullRequest:
    states = {"DECLINED": PullRequestState.CLOSED, "MERGED": PullRequestState.MERGED}
    head = pull.fromRef.latestCommit
    return PullRequest(
        number=pull.id,
        url=pull.links.self[0].href if pull.links.self else "",
        state=states.get(pull.state, PullRequestState.OPEN),
        head=pull.fromRef.id.removeprefix(BRANCH),
        base=pull.toRef.id.removeprefix(BRANCH),
        title=pull.title,
        body=read(pull.description or ""),
        version=f"{pull.version} {pull.updatedDate} {pull.properties.commentCount} {head}",
        misses_replies=True,
        created=moment(pull.createdDate),
        head_commit=head,
        is_draft=bool(pull.draft),
    )
