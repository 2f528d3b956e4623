"""A GitHub App's proof of who it is: an installation token, asked for anew before it runs out.

Network, through PyGithub. The token is limited to what pull requests need. PyGithub's own
`AppInstallationAuth` asks for every permission the App has and renews in the last 20 seconds, too
late for a push that takes a minute.
"""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import github as pygithub
from github import Auth
from github.GithubException import GithubException
from github.InstallationAuthorization import InstallationAuthorization
from jwt.exceptions import PyJWTError

from imagebot.errors import ForgeError
from imagebot.forges.credentials import AppCredentials

PERMISSIONS = {"contents": "write", "pull_requests": "write", "metadata": "read"}
# For what can be done without: new labels, assignees, the dashboard; statuses; seeing all checks.
MORE_PERMISSIONS = {"issues": "write", "statuses": "write", "checks": "read"}
RENEW_BEFORE = timedelta(minutes=5)  # tokens live for an hour


class InstallationAuth(Auth.Auth):
    """Puts a living installation token on each request of PyGithub. Thread-safe."""

    def __init__(
        self, credentials: AppCredentials, project: str, options: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self._project = project
        self._installation_id = credentials.installation_id
        self._permissions = PERMISSIONS | MORE_PERMISSIONS
        self._held: InstallationAuthorization | None = None
        self._lock = threading.Lock()
        try:
            app = Auth.AppAuth(credentials.app_id, credentials.private_key.reveal())
        except AssertionError as error:
            raise ForgeError("a GitHub App needs both an App id and a private key") from error
        self._app = pygithub.GithubIntegration(auth=app, **options)

    @property
    def token_type(self) -> str:
        return "token"

    @property
    def token(self) -> str:
        with self._lock:
            if self._held is None or self._held.expires_at - RENEW_BEFORE < datetime.now(UTC):
                self._held = self._new_token()
            return self._held.token

    def forget(self) -> None:
        """Drop a token that the forge no longer takes, so that the next request asks for one."""
        with self._lock:
            self._held = None

    def held_secrets(self) -> tuple[str, ...]:
        """What must not be echoed; asks nobody."""
        held = self._held
        return (held.token,) if held else ()

    def _new_token(self) -> InstallationAuthorization:
        try:
            if self._installation_id is None:
                self._installation_id = self._installation_of(*self._project.split("/", 1))
            return self._granted_token(self._installation_id)
        except (PyJWTError, ValueError, TypeError):
            raise ForgeError(
                "the private key of the GitHub App cannot be read",
                hint="it is the whole .pem file, with its BEGIN and END lines",
            ) from None  # the cause could quote a part of the key

    def _installation_of(self, owner: str, name: str) -> int:
        """Of a repository; without its name, of the organisation or person."""
        if name:
            return self._app.get_repo_installation(owner, name).id
        try:
            return self._app.get_org_installation(owner).id
        except GithubException as error:
            if error.status != 404:
                raise
        return self._app.get_user_installation(owner).id

    def _granted_token(self, installation_id: int) -> InstallationAuthorization:
        """GitHub refuses to give more than the App has; then what it has of it must do."""
        try:
            return self._app.get_access_token(installation_id, permissions=self._permissions)
        except GithubException as error:
            if error.status != 422 or self._permissions is PERMISSIONS:
                raise
        has = self._app.get_app_installation(installation_id).permissions
        more = {name: word for name, word in MORE_PERMISSIONS.items() if _gives(has, name, word)}
        self._permissions = PERMISSIONS | more if more else PERMISSIONS
        return self._app.get_access_token(installation_id, permissions=self._permissions)


def _gives(has: Mapping[str, str], name: str, word: str) -> bool:
    return has.get(name) in ((word, "write") if word == "read" else (word,))
