"""GitLab's API as python-gitlab speaks it, with our errors and without quick actions.

Network. Base of the modules beside it, which say what is asked. Nothing is retried here. GitLab
also acts on a line of any text that starts with `/` (a quick action: `/merge`, `/assign`), so no
such line leaves these modules alive.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gitlab
from gitlab.exceptions import GitlabError
from gitlab.v4.objects import Project, ProjectMergeRequest

from imagebot.errors import ForgeError, ForgeUnavailable
from imagebot.forges.transport import ForgeSession, Refused, origin_of, shown
from imagebot.secret import Secret

NEEDS = "a token with the scope api and the role Developer"
_QUICK_ACTION = re.compile(r"(?m)^([ \t]*)/(?=[A-Za-z])")


class GitLabApi:
    """One project on GitLab. `project` is its path with all groups: `group/sub/config`."""

    def __init__(
        self,
        project: str,
        token: Secret,
        *,
        url: str = "https://gitlab.com",
        timeout_seconds: float = 30,
        ca_file: Path | None = None,
    ) -> None:
        self._path = project
        self._token = token
        # As a bearer, since that takes personal, project, group and OAuth tokens alike.
        self._api = gitlab.Gitlab(
            url,
            oauth_token=token.reveal(),
            ssl_verify=str(ca_file) if ca_file else True,
            timeout=timeout_seconds,
            per_page=100,
            keep_base_url=True,  # else pages behind a proxy would be asked of another host
            user_agent="imagebot",
            session=ForgeSession(origin_of(url), timeout_seconds),
        )
        self._known_login = ""

    def _project(self) -> Project:
        return self._api.projects.get(self._path, lazy=True)  # asks nothing

    def _request(self, number: int) -> ProjectMergeRequest:
        return self._project().mergerequests.get(number, lazy=True)

    def _login(self) -> str:
        """Whose token it is; that of a project or a group belongs to a bot of its own."""
        if not self._known_login:
            self._known_login = str(self._api.http_get("/user")["username"])  # type: ignore[index]
        return self._known_login

    def _user_id(self, name: str) -> int | None:
        if "/" in name:
            return None  # a group cannot be asked by name
        users = self._api.users.list(username=name, get_all=False)
        return next(
            (user.id for user in users if user.username.casefold() == name.casefold()), None
        )

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        """Turn what python-gitlab raises inside the block into our errors."""
        try:
            yield
        except GitlabError as error:
            raise self._translated(error, doing) from error
        except (AttributeError, KeyError, TypeError) as error:
            raise ForgeUnavailable(
                f"cannot {doing} of {self._path}: GitLab's answer has not the shape it should"
            ) from error

    def _translated(self, error: GitlabError, doing: str) -> ForgeError:
        status = error.response_code or 0
        said = shown(error.error_message, self._token.reveal())
        hint = {
            401: "the token is wrong, revoked or expired",
            403: f"imagebot needs {NEEDS}",
            404: f"it does not exist, or the token may not see it: imagebot needs {NEEDS}",
        }.get(status, "")
        return Refused(
            f"cannot {doing} of {self._path}: GitLab answered {status}: {said}",
            status=status,
            hint=hint,
        )


def inert(text: str) -> str:
    """The same text to read, in which no line starts with a quick action."""
    return _QUICK_ACTION.sub(r"\1&#47;", text)
