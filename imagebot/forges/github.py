"""Pull requests on GitHub and GitHub Enterprise, by PyGithub.

Network. An unchanged world costs one listing of open pull requests and no write, and many new
branches one question for fifty of them. The forge's own
state is the only memory: a pull request is found by its head branch, and a creation that was
refused as a duplicate, or whose answer was lost, is answered by looking again. Nothing is retried
here; `ForgeUnavailable` says that the controller may.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any

from github.GithubException import GithubException
from github.GithubObject import GithubObject, NotSet
from github.PullRequest import PullRequest as GitHubPullRequest
from github.Repository import Repository

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges import github_heads, steps
from imagebot.forges.github_commits import GitHubCommits
from imagebot.forges.github_conversation import GitHubConversation
from imagebot.forges.texts import differing, missing_labels, refuse_long_body, renewed
from imagebot.forges.transport import RateLimited, Refused
from imagebot.proposals import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 65_536
MAX_LISTED = 10_000  # open pull requests looked through before asking for each head
_DUPLICATE = frozenset({422})
FEW_HEADS = 3  # are asked for each by itself, since an answer that did not change costs nothing
MAX_MILESTONES_READ = 300
# GitHub tells the second of the last change only: within it more may happen unseen.
_SETTLED_AFTER = timedelta(seconds=2)

log = logging.getLogger(__name__)


class GitHub(GitHubConversation, GitHubCommits):
    """One repository on GitHub. `project` is `owner/name`."""

    name = "github"
    has_pull_requests = True
    has_labels = True
    closes_at_once = True
    max_body_characters = MAX_BODY_CHARACTERS

    def git_credentials(self) -> tuple[str, Secret]:
        """User name and password for HTTPS; good for some minutes, so ask again before each use."""
        with self._asking("get a token for git"):
            return "x-access-token", Secret(self._auth.token)

    def find(self, heads: Sequence[str]) -> Mapping[str, PullRequest]:
        missing, found = set(heads), dict[str, PullRequest]()
        if not missing:
            return found
        with self._asking("list the pull requests"):
            for pull in islice(self._repository().get_pulls(state="open"), MAX_LISTED):
                if pull.head.ref in missing and self._is_ours(pull):
                    missing.discard(pull.head.ref)
                    found[pull.head.ref] = _told(pull)
                if not missing:
                    break
            if len(missing) > FEW_HEADS:
                return found | self._newest_of_many(sorted(missing))
            for head in sorted(missing):
                newest = self._newest(head)
                if newest is not None:
                    found[head] = _told(newest)
        return found

    def declined(self) -> Sequence[PullRequest]:
        with self._asking("list the closed pull requests"):
            listed = self._repository().get_pulls(state="closed", sort="updated", direction="desc")
            newest = islice(listed, steps.MAX_DECLINED_READ)
            return steps.declined([_told(pull) for pull in newest if self._is_ours(pull)])

    def recent(self, since: datetime) -> Sequence[PullRequest]:
        with self._asking("list the newest pull requests"):
            listed = self._repository().get_pulls(state="all", sort="created", direction="desc")
            newest = islice(listed, steps.MAX_RECENT_READ)
            ours = (_told(pull) for pull in newest if self._is_ours(pull))
            return steps.opened_since(ours, since)

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        return steps.open_or_adopt(
            lambda: self._opened(changes),
            lambda: self._open_one(changes.branch),
            duplicate=_DUPLICATE,
        )

    def ask_people(self, pull_request: PullRequest, changes: ChangeSet) -> None:
        self._request_reviews(pull_request.number, changes.reviewers)
        self._assign(pull_request.number, changes.assignees)
        self._set_milestone(pull_request.number, changes.milestone)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        texts = differing(pull_request, title=changes.title, body=changes.body)
        labels = missing_labels(pull_request, changes.labels)
        if texts:
            with self._asking(f"update pull request #{pull_request.number}"):
                pull = self._pull(pull_request.number)
                pull.edit(**texts)  # type: ignore[arg-type]
                steps.unless_closed(
                    pull.state,
                    pull_request,
                    lambda old: pull.edit(title=old["title"], body=old["body"]),
                )
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
        with self._asking(f"close pull request #{pull_request.number}"):
            self._pull(pull_request.number).edit(
                state="closed", body=NotSet if body is None else body
            )

    def _is_ours(self, pull: GitHubPullRequest) -> bool:
        """False for a fork's branch of the same name; a deleted fork has no repository at all."""
        repository: Repository | None = pull.head.repo
        if repository is None:
            return False
        return repository.full_name.casefold() == self._project.casefold()

    def _newest(self, head: str) -> GitHubPullRequest | None:
        """The newest pull request of exactly this head, an open one before all others.

        GitHub answers a `head` it cannot read with every pull request there is, so the head of
        each is looked at again.
        """
        pulls = self._repository().get_pulls(state="all", head=f"{self._owner}:{head}")
        first_page = islice(pulls, 100)
        ours = [pull for pull in first_page if pull.head.ref == head and self._is_ours(pull)]
        return min(ours, key=lambda pull: (pull.state != "open", -pull.number), default=None)

    def _newest_of_many(self, heads: Sequence[str]) -> dict[str, PullRequest]:
        found: dict[str, PullRequest] = {}
        for start in range(0, len(heads), github_heads.HEADS_AT_ONCE):
            some = heads[start : start + github_heads.HEADS_AT_ONCE]
            question, variables = (
                github_heads.question(len(some)),
                github_heads.variables(self._project, some),
            )
            try:
                answer = self._ask_once(question, variables)
            except RateLimited:
                raise
            except ForgeUnavailable:  # one fault among many questions is no reason to begin anew
                answer = self._ask_once(question, variables)
            told = github_heads.newest_of(answer, self._project, some)
            found |= {pull.head: pull for pull in told}
            for head in github_heads.crowded(answer, self._project, some):
                newest = self._open_one(head)  # asked by owner and branch, so no fork hides it
                found |= {head: newest} if newest else {}
        return found

    def _ask_once(self, question: str, variables: Mapping[str, str]) -> dict[str, Any]:
        with self._asking("look for the pull requests of new branches"):
            return self._ask_graphql(question, variables)

    def _open_one(self, head: str) -> PullRequest | None:
        with self._asking(f"look for the pull request of {head}"):
            newest = self._newest(head)
            return None if newest is None else _told(newest)

    def _opened(self, changes: ChangeSet) -> PullRequest:
        with self._asking(f"open a pull request for {changes.branch}"):
            wanted: dict[str, Any] = {
                "base": changes.base,
                "head": changes.branch,
                "title": changes.title,
                "body": changes.body,
            }
            if changes.is_draft:
                try:
                    return _told(self._repository().create_pull(**wanted, draft=True))
                except GithubException as error:  # not in every plan of GitHub's
                    if error.status != 422 or "draft" not in str(error.data).casefold():
                        raise
                    log.warning("no draft for %s: %s", changes.branch, error.message)
            return _told(self._repository().create_pull(**wanted))

    def _assign(self, number: int, assignees: Sequence[str]) -> None:
        """GitHub drops in silence whom it does not want."""
        if not assignees:
            return
        with (
            steps.warned(f"not assigned to {', '.join(assignees)}"),
            self._asking(f"assign pull request #{number}"),
        ):
            issue = self._issue(number)
            issue.add_to_assignees(*assignees)
            taken = {user.login.casefold() for user in issue.assignees}
            refused = [name for name in assignees if name.casefold() not in taken]
            if refused:
                log.warning(
                    "not assigned to %s: GitHub does not let that one be assigned to #%d",
                    ", ".join(refused),
                    number,
                )

    def _set_milestone(self, number: int, title: str) -> None:
        if not title:
            return
        with (
            steps.warned(f"no milestone {title}"),
            self._asking(f"set the milestone of pull request #{number}"),
        ):
            open_ones = islice(self._repository().get_milestones(), MAX_MILESTONES_READ)
            milestone = next((each for each in open_ones if each.title == title), None)
            if milestone is None:
                raise ForgeError(f"{self._project} has no open one of that title")
            self._issue(number).edit(milestone=milestone)

    def _is_labelled(self, number: int, labels: Sequence[str]) -> bool:
        """Unknown labels are made by GitHub, which may refuse it: no reason to stop an update."""
        try:
            with self._asking(f"label pull request #{number}"):
                self._issue(number).add_to_labels(*labels)
        except Refused as error:
            hint = "make the label once by hand, or grant issues: write"
            log.warning("no label %s: %s (%s)", ", ".join(labels), error, hint)
            return False
        return True

    def _request_reviews(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask all at once; one that GitHub refuses spoils the whole request, so then each alone."""
        users = [name for name in reviewers if "/" not in name]
        teams = [name.partition("/")[2] for name in reviewers if "/" in name]
        if not reviewers or self._is_asked(number, users, teams, is_last=len(reviewers) == 1):
            return
        if len(reviewers) > 1:
            for user in users:
                self._is_asked(number, [user], [])
            for team in teams:
                self._is_asked(number, [], [team])

    def _is_asked(
        self, number: int, users: list[str], teams: list[str], *, is_last: bool = True
    ) -> bool:
        try:
            with self._asking(f"request reviews of pull request #{number}"):
                self._pull(number).create_review_request(users, teams)
        except Refused as error:
            if is_last:
                log.warning("no review by %s: %s", ", ".join(users + teams), error)
            return False
        return True


def _told(pull: GitHubPullRequest) -> PullRequest:
    if pull.state == "open":
        state = PullRequestState.OPEN
    else:
        state = PullRequestState.MERGED if pull.merged_at else PullRequestState.CLOSED
    return PullRequest(
        number=pull.number,
        url=pull.html_url,
        state=state,
        head=pull.head.ref,
        base=pull.base.ref,
        title=pull.title,
        body=pull.body or "",
        labels=tuple(label.name for label in pull.labels),
        version=_version(pull),
        created=pull.created_at,
        head_commit=pull.head.sha,
        is_draft=pull.draft,
    )


def _version(pull: GitHubPullRequest) -> str:
    """ "" as long as a second change would look like the first."""
    # The base class's property: that of a pull request reads the whole request anew.
    headers = GithubObject.raw_headers.__get__(pull)
    answered_at = parsedate_to_datetime(str(headers.get("date")))
    if pull.updated_at is None or answered_at - pull.updated_at < _SETTLED_AFTER:
        return ""
    return f"{pull.updated_at.isoformat()} {pull.head.sha}"
