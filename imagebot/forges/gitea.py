"""Pull requests on Gitea and Forgejo, which share one API (v1), over plain REST.

Network. The same story as `github.py`. Their API has no filter by head branch, so the listings of
open and then of closed ones are read newest first, until every head was seen.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from imagebot.errors import ForgeError
from imagebot.forges import steps
from imagebot.forges.gitea_api import Label, Pull
from imagebot.forges.gitea_conversation import GiteaConversation
from imagebot.forges.rest import Nothing, Told
from imagebot.forges.texts import differing, missing_labels, refuse_long_body, renewed
from imagebot.forges.transport import Refused
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 1_000_000  # they know no limit of their own; their database has one
MAX_CLOSED_LISTED = 2_500  # the newest; a head that none of them has is taken for a new one
MAX_MILESTONES_READ = 500
_DRAFT = re.compile(r"(?:\[WIP\]|WIP:)\s*", re.IGNORECASE)
_DUPLICATE = frozenset({409})

log = logging.getLogger(__name__)


class _Milestone(Told):
    id: int
    title: str


class Gitea(GiteaConversation):
    """One repository on Gitea. `project` is `owner/name`, `url` the address of the instance."""

    name = "gitea"
    has_pull_requests = True
    has_labels = True
    closes_at_once = True
    max_body_characters = MAX_BODY_CHARACTERS

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS; the name does not count beside a token."""
        return "x-access-token", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        with self._api.asking("list the pull requests"):
            return steps.find(heads, (self._open_ones, self._closed_ones))

    def declined(self) -> Sequence[PullRequest]:
        with self._api.asking("list the closed pull requests"):
            return steps.declined(self._listed("closed", steps.MAX_DECLINED_READ))

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        with self._api.asking("list the newest pull requests"):
            return steps.opened_since(self._listed("all", steps.MAX_RECENT_READ), since)

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        return steps.open_or_adopt(
            lambda: self._open(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_DUPLICATE,
        )

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        number = pull_request.number
        steps.ask_each(changes.reviewers, lambda who: self._ask_review(number, who))
        self._assign(number, changes.assignees)
        self._set_milestone(number, changes.milestone)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        texts = differing(pull_request, title=changes.title, body=changes.body)
        labels, number = missing_labels(pull_request, changes.labels), pull_request.number
        if texts:
            with self._api.asking(f"update pull request #{number}"):
                marked = (
                    {"title": pull_request.draft_mark + texts["title"]} if "title" in texts else {}
                )
                told = self._change(number, texts | marked)
                steps.unless_closed(told.state, pull_request, lambda old: self._change(number, old))
        if labels and not self._is_labelled(pull_request.number, labels):
            labels = ()
        return renewed(pull_request, texts, labels)

    def close(
        self,
        pull_request: PullRequest,
        comment: str,
        *,
        body: str | None = None,
        proof: str = "",
    ) -> None:
        self.say(pull_request, comment)  # an earlier try may have got as far as that
        with self._api.asking(f"close pull request #{pull_request.number}"):
            texts = {} if body is None else {"body": body}
            self._change(pull_request.number, {"state": "closed", **texts})

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "head": changes.branch,
            "base": changes.base,
            "title": ("WIP: " if changes.is_draft else "") + changes.title,
            "body": changes.body,
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            return _told(self._api.ask("POST", f"{self._repository}/pulls", Pull, document=wanted))

    def _open_one(self, head: str) -> PullRequest | None:
        with self._api.asking(f"look for the pull request of {head}"):
            return steps.find([head], (self._open_ones,)).get(head)

    def _open_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("open", steps.MAX_OPEN_LISTED)

    def _closed_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("closed", MAX_CLOSED_LISTED)

    def _listed(self, state: str, limit: int) -> Iterator[PullRequest]:
        """Newest first, which is their order where no other is asked for; forks' are left out."""
        pulls = self._pages(f"{self._repository}/pulls", list[Pull], state=state)
        for pull in islice(pulls, limit):
            if pull.head.repo_id == pull.base.repo_id:
                yield _told(pull)

    def _change(self, number: int, wanted: Mapping[str, Any]) -> Pull:
        path = f"{self._repository}/pulls/{number}"
        return self._api.ask("PATCH", path, Pull, document=dict(wanted))

    def _ask_review(self, number: int, name: str) -> None:
        organisation, _, team = name.rpartition("/")
        wanted = {"team_reviewers": [team]} if organisation else {"reviewers": [name]}
        with self._api.asking(f"request a review of pull request #{number}"):
            path = f"{self._repository}/pulls/{number}/requested_reviewers"
            self._api.ask("POST", path, list[Nothing], document=wanted)

    def _assign(self, number: int, names: Sequence[str]) -> None:
        """One more each time, since one that they refuse spoils the whole list."""
        taken: tuple[str, ...] = ()
        for name in names:
            with (
                steps.warned(f"not assigned to {name}"),
                self._api.asking(f"assign pull request #{number}"),
            ):
                told = self._change(number, {"assignees": [*taken, name]})
                there = {each.login.casefold() for each in told.assignees or ()}
                if name.casefold() not in there:
                    raise ForgeError("the token's user may assign nobody")
                taken += (name,)

    def _set_milestone(self, number: int, title: str) -> None:
        if not title:
            return
        with (
            steps.warned(f"no milestone {title}"),
            self._api.asking(f"set the milestone of pull request #{number}"),
        ):
            path = f"{self._repository}/milestones"
            open_ones = self._pages(path, list[_Milestone], state="open", name=title)
            found = islice(open_ones, MAX_MILESTONES_READ)
            milestone = next((each for each in found if each.title == title), None)
            if milestone is None:
                raise ForgeError("none of that title is open")
            self._change(number, {"milestone": milestone.id})

    def _is_labelled(self, number: int, names: Sequence[str]) -> bool:
        try:
            with self._api.asking(f"label pull request #{number}"):
                path = f"{self._repository}/issues/{number}/labels"
                wanted = {"labels": self._ids_of_labels(names)}
                self._api.ask("POST", path, list[Label], document=wanted)
        except Refused as error:
            log.warning("no label %s: %s (%s)", ", ".join(names), error, error.hint)
            return False
        return True


class Forgejo(Gitea):
    """One repository on Forgejo, which has kept Gitea's API."""

    name = "forgejo"


def _told(pull: Pull) -> PullRequest:
    closed = PullRequestState.MERGED if pull.merged else PullRequestState.CLOSED
    mark = _DRAFT.match(pull.title)
    return PullRequest(
        number=pull.number,
        url=pull.html_url,
        state=PullRequestState.OPEN if pull.state == "open" else closed,
        head=pull.head.label,
        base=pull.base.label,
        title=pull.title[mark.end() :] if mark else pull.title,
        body=pull.body or "",
        labels=tuple(label.name for label in pull.labels or ()),
        version=f"{pull.updated_at} {pull.comments} {pull.head.sha}",
        created=pull.created_at,
        head_commit=pull.head.sha,
        is_draft=mark is not None if pull.draft is None else pull.draft,
        draft_mark=mark.group() if mark else "",
    )
