"""Merge requests on GitLab, by python-gitlab. GitLab's own words stay in this module.

Network. The same story as `github.py`: found by source branch, a refused duplicate or a lost
answer is looked up again, nothing is retried. GitLab also acts on a line of any text that starts
with `/` (a quick action: `/merge`, `/assign`), so no such line leaves this module alive.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice

from gitlab.v4.objects import ProjectMergeRequest

from imagebot.forges import steps
from imagebot.forges.gitlab_api import inert
from imagebot.forges.gitlab_conversation import GitLabConversation
from imagebot.forges.texts import differing, missing_labels, refuse_long_body, renewed
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 1_048_576
MAX_LISTED = 10_000
_DRAFT = re.compile(r"draft:\s*", re.IGNORECASE)
_REFUSED_AS_DUPLICATE_OR_INVALID = frozenset({400, 409, 422})


log = logging.getLogger(__name__)


class GitLab(GitLabConversation):
    """One project on GitLab. `project` is its path with all groups: `group/sub/config`."""

    name = "gitlab"
    has_pull_requests = True
    has_labels = True
    closes_at_once = True
    max_body_characters = MAX_BODY_CHARACTERS

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS."""
        return "oauth2", self._token

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        missing, found = set(heads), dict[str, PullRequest]()
        if not missing:
            return found
        with self._asking("list the merge requests"):
            for request in islice(self._requests(state="opened"), MAX_LISTED):
                if request.source_branch in missing and _is_ours(request):
                    missing.discard(request.source_branch)
                    found[request.source_branch] = _told(request)
                if not missing:
                    break
            for head in sorted(missing):
                newest = self._newest(head)
                if newest is not None:
                    found[head] = newest
        return found

    def declined(self) -> Sequence[PullRequest]:
        with self._asking("list the closed merge requests"):
            newest = islice(self._requests(state="closed"), steps.MAX_DECLINED_READ)
            return steps.declined([_told(request) for request in newest if _is_ours(request)])

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        with self._asking("list the newest merge requests"):
            newest = islice(self._requests(state="all"), steps.MAX_RECENT_READ)
            ours = (_told(request) for request in newest if _is_ours(request))
            return steps.opened_since(ours, since)

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        return steps.open_or_adopt(
            lambda: self._open(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_REFUSED_AS_DUPLICATE_OR_INVALID,
        )

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        """Reviewers, assignees and the milestone, in one request."""
        number = pull_request.number
        people = ", ".join([*changes.reviewers, *changes.assignees])
        with (
            steps.warned(f"no review by and not assigned to {people}"),
            self._asking(f"ask the people of merge request !{number}"),
        ):
            milestone = self._milestone_id(changes.milestone)
            wanted = {
                "reviewer_ids": self._user_ids(changes.reviewers),
                "assignee_ids": self._user_ids(changes.assignees),
                "milestone_id": milestone,
            }
            sent = {name: value for name, value in wanted.items() if value}
            told = self._project().mergerequests.update(number, sent) if sent else {}
            self._warn_of(number, "review", changes.reviewers, told.get("reviewers", ()))
            self._warn_of(number, "be assigned to", changes.assignees, told.get("assignees", ()))
            if changes.milestone and not milestone:
                log.warning("no milestone %s: none of that title is active", changes.milestone)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        texts = differing(pull_request, title=changes.title, body=inert(changes.body))
        labels, number = missing_labels(pull_request, changes.labels), pull_request.number
        words = {"title": "title", "body": "description"}
        wanted = {words[name]: text for name, text in texts.items()}
        if "title" in texts:
            wanted["title"] = pull_request.draft_mark + texts["title"]
        if labels:
            wanted["add_labels"] = ",".join(labels)
        if wanted:
            with self._asking(f"update merge request !{number}"):
                listing = self._project().mergerequests
                told = listing.update(number, wanted)
                steps.unless_closed(
                    told["state"],
                    pull_request,
                    lambda old: listing.update(number, {words[name]: old[name] for name in old}),
                )
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
        with self._asking(f"close merge request !{pull_request.number}"):
            texts = {} if body is None else {"description": inert(body)}
            wanted = {"state_event": "close", **texts}
            self._project().mergerequests.update(pull_request.number, wanted)

    def _open(self, changes: ChangeSet) -> PullRequest:
        wanted = {
            "source_branch": changes.branch,
            "target_branch": changes.base,
            "title": ("Draft: " if changes.is_draft else "") + changes.title,
            "description": inert(changes.body),
            "labels": ",".join(changes.labels),
        }
        with self._asking(f"open a merge request for {changes.branch}"):
            return _told(self._project().mergerequests.create(wanted))

    def _requests(self, **filters: str) -> Iterable[ProjectMergeRequest]:
        return self._project().mergerequests.list(
            iterator=True, order_by="created_at", sort="desc", **filters
        )

    def _newest(self, head: str) -> PullRequest | None:
        """The newest merge request of exactly this branch of ours, an open one before all others.

        The target branch is no filter: one that a person retargeted is still ours.
        """
        first_page = islice(self._requests(source_branch=head), 100)
        ours = [
            _told(request)
            for request in first_page
            if request.source_branch == head and _is_ours(request)
        ]
        is_open = PullRequestState.OPEN
        return min(ours, key=lambda told: (told.state is not is_open, -told.number), default=None)

    def _open_one(self, head: str) -> PullRequest | None:
        with self._asking(f"look for the merge request of {head}"):
            return self._newest(head)

    def _user_ids(self, names: Sequence[str]) -> list[int]:
        ids = [self._user_id(name) for name in names]
        return [user_id for user_id in ids if user_id is not None]

    def _milestone_id(self, title: str) -> int | None:
        """Of the project or a group above it."""
        if not title:
            return None
        found = self._project().milestones.list(
            title=title, state="active", include_ancestors="true", get_all=False
        )
        return next((each.id for each in found if each.title == title), None)

    def _warn_of(
        self, number: int, doing: str, names: Sequence[str], taken: Iterable[Mapping[str, str]]
    ) -> None:
        """GitLab drops in silence whom it does not want; the free plan takes one of each only."""
        there = {user["username"].casefold() for user in taken}
        refused = [name for name in names if name.casefold() not in there]
        if refused:
            log.warning(
                "%s: GitLab knows no such user, or does not let that one %s !%d",
                ", ".join(refused),
                doing,
                number,
            )


def _is_ours(request: ProjectMergeRequest) -> bool:
    """False for a fork's branch of the same name."""
    return bool(request.source_project_id == request.target_project_id)


def _told(request: ProjectMergeRequest) -> PullRequest:
    states = {"closed": PullRequestState.CLOSED, "merged": PullRequestState.MERGED}
    mark = _DRAFT.match(request.title)
    return PullRequest(
        number=request.iid,
        url=request.web_url,
        state=states.get(request.state, PullRequestState.OPEN),  # "locked" is on its way to merged
        head=request.source_branch,
        base=request.target_branch,
        title=request.title[mark.end() :] if mark else request.title,
        body=request.description or "",
        labels=tuple(request.labels),
        version=f"{request.updated_at} {request.user_notes_count} {request.sha}",
        created=datetime.fromisoformat(request.created_at),
        head_commit=request.sha or "",
        is_draft=request.draft,
        draft_mark=mark.group() if mark else "",
    )
