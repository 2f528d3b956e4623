"""GitHub's API as PyGithub speaks it, with bounds, our errors, and GraphQL where REST cannot.

Network. Base of the modules beside it, which say what is asked. Nothing is retried here.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import github as pygithub
import requests
from github import Auth
from github.GithubException import BadAttributeException, GithubException
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
from imagebot.forges.transport import (
    ForgeSession,
    RateLimited,
    Refused,
    limit_ends_in_seconds,
    origin_of,
    shown,
)

NEEDS = "contents: write, pull requests: write and metadata: read"

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


class Unwilling(Refused):
    """GraphQL refused. `reasons` are GitHub's own words."""

    def __init__(self, message: str, *, reasons: str) -> None:
        super().__init__(message, status=200, hint=f"imagebot needs {NEEDS}")
        self.reasons = reasons


class GitHubApi:
    """One repository on GitHub. `project` is `owner/name`."""

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
        self._called = project.rstrip("/")  # an owner's is `owner/`
        self._owner = project.partition("/")[0]
        self._known_login = ""
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

    def _repository(self) -> Repository:
        return self._api.get_repo(self._project)  # lazy: asks nothing

    def _pull(self, number: int) -> GitHubPullRequest:
        return self._repository().get_pull(number)

    def _issue(self, number: int) -> Issue:
        """Of that number, which a pull request is too: so it holds its comments and labels."""
        return self._repository().get_issue(number)

    def _login(self) -> str:
        """Whose credentials these are: a user, or `name[bot]` for an App. Asked once.

        By GraphQL, since REST tells an installation's token nothing of who it is.
        """
        if not self._known_login:
            told = self._ask_graphql("query Viewer { viewer { login } }", {})
            self._known_login = str(told["viewer"]["login"])
        return self._known_login

    def _ask_graphql(
        self, question: str, variables: Mapping[str, Any], *, may_lack: str = ""
    ) -> dict[str, Any]:
        """What stands under `data`. Errors come with 200, rate limits too.

        `may_lack` names a field that the token may be forbidden to read, and then is null.
        """
        requester = self._api.requester
        document = {"query": question, "variables": dict(variables)}
        headers, answer = requester.requestJsonAndCheck(
            "POST", requester.graphql_url, input=document
        )
        errors = [
            error
            for error in answer.get("errors") or ()
            if not may_lack or may_lack not in error.get("path", ())
        ]
        if any(error.get("type") == "RATE_LIMITED" for error in errors):
            known = {name: str(text) for name, text in headers.items()}
            raise RateLimited(
                "GitHub limits the rate of our GraphQL requests",
                hint="it will be tried again when the limit is over",
                retry_after_seconds=limit_ends_in_seconds(known, datetime.now(UTC)),
            )
        if errors:
            reasons = "; ".join(
                shown(error.get("message", ""), *self._secrets()) for error in errors
            )
            said = f"GitHub refused for {self._project}: {reasons}"
            raise Unwilling(said, reasons=reasons)
        data: dict[str, Any] = answer["data"]
        return data

    @contextmanager
    def _asking(self, doing: str, needs: str = NEEDS) -> Iterator[None]:
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
                f"cannot {doing} of {self._called}: GitHub's answer has not the shape it should"
            ) from error
        except GithubException as error:
            raise self._translated(error, doing, needs) from error

    def _translated(self, error: GithubException, doing: str, needs: str) -> ForgeError:
        said = shown(_details(error.data), *self._secrets())
        hint = ""
        if error.status == 401:
            hint = "the token or the App's key is wrong, revoked or expired"
            if isinstance(self._auth, InstallationAuth):
                self._auth.forget()
        elif error.status == 403:
            asked = (error.headers or {}).get("x-accepted-github-permissions", "")
            hint = f"imagebot needs {needs}" + (
                f"; GitHub asks for {shown(asked)}" if asked else ""
            )
        elif error.status == 404:
            hint = f"it does not exist, or the token may not see it: imagebot needs {needs}"
        return Refused(
            f"cannot {doing} of {self._called}: GitHub answered {error.status}: {said}",
            status=error.status,
            hint=hint,
        )

    def _secrets(self) -> tuple[str, ...]:
        if isinstance(self._auth, InstallationAuth):
            return self._auth.held_secrets()
        return (self._auth.token,)


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
