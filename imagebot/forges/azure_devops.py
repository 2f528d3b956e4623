"""Pull requests on Azure DevOps Services and Server (REST API 7.1), over plain REST.

Network. The same story as `github.py`. A list tells labels but only the first 400 characters of a
description, and one alone tells the whole description but no labels; how few of them are read
alone is said in `azure_devops_texts.py`.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from imagebot.forges import steps
from imagebot.forges.azure_devops_api import API, BRANCH, PAGE, Label, Listed, Pull
from imagebot.forges.azure_devops_conversation import AzureDevOpsConversation
from imagebot.forges.azure_devops_texts import (
    ROOM_FOR_MARK,
    is_cut,
    is_marked,
    marked,
    unmarked,
)
from imagebot.forges.texts import differing, missing_labels, refuse_long_body, renewed
from imagebot.forges.transport import Refused
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_DESCRIPTION = 4_000
MAX_BODY_CHARACTERS = MAX_DESCRIPTION - ROOM_FOR_MARK
ROOM_FOR_EMOJI = 100  # it counts in UTF-16
MAX_CLOSED_TEXTS_READ = 50  # at once; the store knows them the next time
_DUPLICATE = frozenset({400, 409})

log = logging.getLogger(__name__)


class AzureDevOps(AzureDevOpsConversation):
    """One repository. `project` is `organization/project/name`, on a server `collection/...`."""

    name = "azure-devops"
    has_pull_requests = True
    has_labels = True
    closes_at_once = False
    max_body_characters = MAX_BODY_CHARACTERS - ROOM_FOR_EMOJI

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS; the name does not count beside a token."""
        return "imagebot", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        with self._api.asking("list the pull requests"):
            found = steps.find(heads, (self._open_ones, self._closed_ones))
            whole = self._whole(tuple(found.values()))
            return {head: whole[pull.number] for head, pull in found.items()}

    def declined(self) -> Sequence[PullRequest]:
        """With whole texts where imagebot wrote them, of the newest of each branch."""
        with self._api.asking("list the closed pull requests"):
            closed = steps.declined(self._listed("abandoned", steps.MAX_DECLINED_READ))
            newest = {pull.head: pull for pull in reversed(closed)}
            ours = [pull for pull in closed if newest[pull.head] is pull and is_marked(pull.body)]
            whole = self._whole(ours, most_read=MAX_CLOSED_TEXTS_READ)
            return tuple(whole.get(pull.number, pull) for pull in closed)

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        """With whole texts where imagebot wrote them, as `declined`."""
        with self._api.asking("list the newest pull requests"):
            newest = steps.opened_since(self._listed("all", steps.MAX_RECENT_READ), since)
            ours = [pull for pull in newest if is_marked(pull.body)]
            whole = self._whole(ours, most_read=MAX_CLOSED_TEXTS_READ)
            return tuple(whole.get(pull.number, pull) for pull in newest)

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        return steps.open_or_adopt(
            lambda: self._open(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_DUPLICATE,
        )

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        if changes.reviewers:
            self._ask_reviews(pull_request.number, changes.reviewers)
        steps.warn_of_assignees_and_milestone(changes, "Azure DevOps")

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        number = pull_request.number
        texts = differing(pull_request, title=changes.title, body=changes.body)
        wanted = {"title": texts["title"]} if "title" in texts else {}
        if "body" in texts:
            wanted["description"] = marked(texts["body"])
        if wanted:
            with self._api.asking(f"update pull request !{number}"):
                told = self._change(number, wanted)
                steps.unless_closed(told.status, pull_request, lambda old: self._write(number, old))
        labels = missing_labels(pull_request, changes.labels)
        return renewed(pull_request, texts, self._labelled(number, labels))

    def read_again(self, pull_request: PullRequest) -> PullRequest:
        number = pull_request.number
        with self._api.asking(f"read pull request !{number}"):
            written = self._read(number).description or ""
        self._texts.keep(number, written, written)
        return replace(pull_request, body=unmarked(written))

    def close(
        self,
        pull_request: PullRequest,
        comment: str,
        *,
        body: str | None = None,
        proof: str = "",
    ) -> None:
        self.say(pull_request, comment)  # an earlier try may have got as far as that
        number = pull_request.number

        def write(text: str) -> None:
            self._change(number, {"description": marked(text)})

        with (
            self._api.asking(f"close pull request !{number}"),
            steps.text_first(pull_request.body, body, write),
        ):
            self._change(number, {"status": "abandoned"})
        if proof:
            steps.prove(lambda: self.say(pull_request, proof))

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "sourceRefName": BRANCH + changes.branch,
            "targetRefName": BRANCH + changes.base,
            "title": changes.title,
            "description": marked(changes.body),
            "isDraft": changes.is_draft,
        }
        with self._api.asking(f"open a pull request for {changes.branch}"):
            made = self._api.ask("POST", self._pulls, Pull, query=API, document=wanted)
            told = self._told(made)
            return replace(told, body=unmarked(told.body))

    def _open_one(self, head: str) -> PullRequest | None:
        with self._api.asking(f"look for the pull request of {head}"):
            found = next(self._listed("active", PAGE, head), None)
            return self._whole((found,))[found.number] if found else None

    def _open_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        return self._listed("active", steps.MAX_OPEN_LISTED)

    def _closed_ones(self, heads: frozenset[str]) -> Iterator[PullRequest]:
        """Each head is asked for alone, open ones again included: they come first."""
        for head in sorted(heads):
            yield from steps.newest_first(self._listed("all", PAGE, head))

    def _listed(self, status: str, limit: int, head: str = "") -> Iterator[PullRequest]:
        """Newest first; those from forks are left out."""
        wanted = {"searchCriteria.status": status}
        if head:
            wanted["searchCriteria.sourceRefName"] = BRANCH + head
        for pull in islice(self._pages(self._pulls, Listed[Pull], wanted), limit):
            told = self._told(pull)
            if pull.forkSource is None and (not head or told.head == head):
                yield told

    def _whole(
        self, pulls: Sequence[PullRequest], *, most_read: int | None = None
    ) -> Mapping[int, PullRequest]:
        """With all of their texts, by number; those that the list has cut are known or read.

        Of those that are not known `most_read` at most are read; the others stay cut.
        """
        listed = {pull.number: pull.body for pull in pulls if is_cut(pull.body)}
        written = dict(self._texts.known(listed))
        unknown = [number for number in listed if number not in written]
        for number in unknown[:most_read]:
            written[number] = self._read(number).description or ""
            self._texts.keep(number, listed[number], written[number])
        return {
            pull.number: replace(pull, body=unmarked(written.get(pull.number, pull.body)))
            for pull in pulls
        }

    def _write(self, number: int, texts: Mapping[str, str]) -> Pull:
        wanted = {"title": texts["title"], "description": marked(texts["body"])}
        return self._change(number, wanted)

    def _change(self, number: int, wanted: Mapping[str, Any]) -> Pull:
        path = f"{self._pulls}/{number}"
        return self._api.ask("PATCH", path, Pull, query=API, document=dict(wanted))

    def _labelled(self, number: int, names: Sequence[str]) -> tuple[str, ...]:
        """Those that were put on; a label that does not exist yet is made by that."""
        done = []
        for name in names:
            try:
                with self._api.asking(f"label pull request !{number}"):
                    path = f"{self._pulls}/{number}/labels"
                    self._api.ask("POST", path, Label, query=API, document={"name": name})
            except Refused as error:
                log.warning("no label %s: %s (%s)", name, error, error.hint)
            else:
                done.append(name)
        return tuple(done)

    def _told(self, pull: Pull) -> PullRequest:
        if pull.status == "active":
            self._numbers[pull.head_commit] = pull.pullRequestId
        states = {
            "abandoned": PullRequestState.CLOSED,
            "completed": PullRequestState.MERGED,
        }
        return PullRequest(
            number=pull.pullRequestId,
            url=f"{self._page}/{pull.pullRequestId}",
            state=states.get(pull.status, PullRequestState.OPEN),
            head=pull.sourceRefName.removeprefix(BRANCH),
            base=pull.targetRefName.removeprefix(BRANCH),
            title=pull.title,
            body=pull.description or "",
            labels=tuple(label.name for label in pull.labels or () if label.active),
            created=pull.creationDate,
            head_commit=pull.head_commit,
            is_draft=pull.isDraft,
        )
