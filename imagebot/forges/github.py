"""Pull requests on GitHub and GitHub Enterprise, by PyGithub.

Network. An unchanged world costs one listing of open pull requests and no write. The forge's own
state is the only memory: a pull request is found by its head branch, and a creation that was
refused as a duplicate, or whose answer was lost, is answered by looking again. Nothing is retried
here; `ForgeUnavailable` says that the controller may.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import github as pygithub
import requests
from github import Auth
from github.GithubException import BadAttributeException, GithubException
from github.GithubObject import NotSet
from github.Issue import Issue
from github.PullRequest import PullRequest as GitHubPullRequest
from github.Repository import Repository
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    Requester,
)

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.credentials import AppCredentials, TokenCredentials
from imagebot.forges.installation import InstallationAuth
from imagebot.forges.texts import as_kept, differing, missing_labels, refuse_long_body, renewed
from imagebot.forges.transport import ForgeSession, RateLimited, Refused, origin_of, shown
from imagebot.model import ChangeSet, PullRequest, PullRequestState
from imagebot.secret import Secret

MAX_BODY_CHARACTERS = 65_536
MAX_LISTED = 10_000  # open pull requests looked through before asking for each head
MAX_COMMENTS_READ = 300
NEEDS = "contents: write, pull requests: write and metadata: read"

log = logging.getLogger(__name__)
# PyGithub's debug log prints whole answers, and one of them is a fresh installation token.
logging.getLogger("github.Requester").setLevel(logging.WARNING)


def _bounded_session(host: str, port: int | None, protocol: str, timeout: Any) -> ForgeSession:
    if timeout is None:  # PyGithub follows an address from an answer to a host of its choice
        raise ForgeError(f"GitHub's answer leads to another host ({host})")
    session = ForgeSession(origin_of(f"{protocol}://{host}:{port or ''}"), timeout)
    session.auth = _as_is  # else requests would take a password from ~/.netrc instead
    return session


def _as_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _HttpConnection(HTTPRequestsConnectionClass):
    def __init__(self, host: str, port: int | None = None, **options: Any) -> None:
        super().__init__(host, port, **options)
        self.session = _bounded_session(host, port, "http", options.get("timeout"))


class _HttpsConnection(HTTPSRequestsConnectionClass):
    def __init__(self, host: str, port: int | None = None, **options: Any) -> None:
        super().__init__(host, port, **options)
        self.session = _bounded_session(host, port, "https", options.get("timeout"))


# The only way PyGithub offers to bring a session; it holds for the whole process.
Requester.injectConnectionClasses(_HttpConnection, _HttpsConnection)


class GitHub:
    """One repository on GitHub. `project` is `owner/name`."""

    name = "github"
    has_pull_requests = True
    max_body_characters = MAX_BODY_CHARACTERS

    def __init__(
        self,
        project: str,
        credentials: TokenCredentials | AppCredentials,
        *,
        api_url: str = "https://api.github.com",
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
    ) -> None:
        self._project = project
        self._owner = project.partition("/")[0]
        options = {
            "base_url": api_url.rstrip("/"),
            "timeout": max(1, round(timeout_seconds)),
            "verify": str(ca_file) if ca_file else True,
            "retry": None,
            "seconds_between_requests": None,
            "seconds_between_writes": None,
            "per_page": 100,
            "lazy": True,
        }
        self._auth: Auth.Auth
        if isinstance(credentials, AppCredentials):
            self._auth = InstallationAuth(credentials, project, options)
        else:
            self._auth = Auth.Token(credentials.token.reveal())
        self._api = pygithub.Github(auth=self._auth, user_agent="imagebot", **options)  # type: ignore[arg-type]

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
            for head in sorted(missing):
                newest = self._newest(head)
                if newest is not None:
                    found[head] = _told(newest)
        return found

    def create(self, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        try:
            with self._asking(f"open a pull request for {changes.branch}"):
                pull = self._repository().create_pull(
                    base=changes.base, head=changes.branch, title=changes.title, body=changes.body
                )
                created = _told(pull)
        except RateLimited:
            raise
        except ForgeUnavailable as error:  # it may have acted before its answer was lost
            created = self._open_one(changes.branch, error)
        except Refused as error:
            if error.status != 422:
                raise
            return self.update(self._open_one(changes.branch, error), changes)
        self._request_reviews(created.number, changes.reviewers)
        return self.update(created, changes)

    def update(self, pull_request: PullRequest, changes: ChangeSet) -> PullRequest:
        refuse_long_body(changes, MAX_BODY_CHARACTERS)
        texts = differing(pull_request, title=changes.title, body=changes.body, base=changes.base)
        labels = missing_labels(pull_request, changes.labels)
        if texts:
            with self._asking(f"update pull request #{pull_request.number}"):
                self._pull(pull_request.number).edit(**texts)  # type: ignore[arg-type]
        if labels and not self._is_labelled(pull_request.number, labels):
            labels = ()
        return renewed(pull_request, texts, labels)

    def close(self, pull_request: PullRequest, comment: str, *, body: str | None = None) -> None:
        with self._asking(f"close pull request #{pull_request.number}"):
            issue = self._issue(pull_request.number)
            said = islice(issue.get_comments(), MAX_COMMENTS_READ)
            # An earlier try may have got as far as the comment.
            if not any(as_kept(earlier.body or "") == as_kept(comment) for earlier in said):
                issue.create_comment(comment)
            self._pull(pull_request.number).edit(
                state="closed", body=NotSet if body is None else body
            )

    def _repository(self) -> Repository:
        return self._api.get_repo(self._project)  # lazy: asks nothing

    def _pull(self, number: int) -> GitHubPullRequest:
        return self._repository().get_pull(number)

    def _issue(self, number: int) -> Issue:
        """The same pull request under its other name, which holds comments and labels."""
        return self._repository().get_issue(number)

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

    def _open_one(self, head: str, otherwise: ForgeError) -> PullRequest:
        """The open pull request of this head after all; raises `otherwise` if there is none."""
        try:
            with self._asking(f"look for the pull request of {head}"):
                newest = self._newest(head)
                found = None if newest is None else _told(newest)
        except ForgeError as error:
            log.info("%s", error)
            raise otherwise from error
        if found is None or found.state is not PullRequestState.OPEN:
            raise otherwise
        return found

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
        except ForgeError as error:
            if is_last:
                log.warning("no review by %s: %s", ", ".join(users + teams), error)
            return False
        return True

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        """Turn what PyGithub raises inside the block into our errors."""
        try:
            yield
        except (
            BadAttributeException,
            AssertionError,  # PyGithub's check of an address that an answer holds
            AttributeError,
            KeyError,
            TypeError,
        ) as error:
            raise ForgeUnavailable(
                f"cannot {doing} of {self._project}: GitHub's answer has not the shape it should"
            ) from error
        except GithubException as error:
            raise self._translated(error, doing) from error

    def _translated(self, error: GithubException, doing: str) -> ForgeError:
        said = shown(_details(error.data), *self._secrets())
        hint = ""
        if error.status == 401:
            hint = "the token or the App's key is wrong, revoked or expired"
            if isinstance(self._auth, InstallationAuth):
                self._auth.forget()
        elif error.status == 403:
            asked = (error.headers or {}).get("x-accepted-github-permissions", "")
            hint = f"imagebot needs {NEEDS}" + (
                f"; GitHub asks for {shown(asked)}" if asked else ""
            )
        elif error.status == 404:
            hint = f"it does not exist, or the token may not see it: imagebot needs {NEEDS}"
        return Refused(
            f"cannot {doing} of {self._project}: GitHub answered {error.status}: {said}",
            status=error.status,
            hint=hint,
        )

    def _secrets(self) -> tuple[str, ...]:
        if isinstance(self._auth, InstallationAuth):
            return self._auth.held_secrets()
        return (self._auth.token,)


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
    )


def _details(data: object) -> str:
    """GitHub's message with the reasons of a 422: `field: code message`, one after another."""
    if not isinstance(data, dict):
        return str(data)
    reasons = []
    for reason in data.get("errors") or ():
        if isinstance(reason, dict):
            words = (reason.get("field"), reason.get("code"), reason.get("message"))
            reasons.append(" ".join(str(word) for word in words if word))
        else:
            reasons.append(str(reason))
    return "; ".join([str(data.get("message", "")), *reasons])
