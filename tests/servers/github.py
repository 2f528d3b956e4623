"""The demo's forge, watched: every exchange against GitHub's contract, with faults and an App.

What the server answers by itself must fit the description; answers made up by a fault need not.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from imagebot.demo import github_answers as answers
from imagebot.demo.github import EmbeddedForge
from imagebot.demo.github_hosting import Refusal
from imagebot.demo.json_server import Answer, Request
from tests.servers import contracts
from tests.servers.faults import Misbehaving
from tests.servers.github_commits import Commits

APP_ID = 4711
INSTALLATION_ID = 815


class GitHubServer(Misbehaving, EmbeddedForge):
    gives_etags = True

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.broken: list[str] = []
        self.app_key = ""  # public key, PEM
        self.token_lifetime = timedelta(hours=1)
        self.issued_tokens: list[str] = []
        self.app_permissions = {
            *("contents", "pull_requests", "metadata", "issues", "statuses", "checks")
        }
        self.granted: dict[str, str] = {}
        self.commits = Commits()

    def checked(self, request: Request, answer: Answer) -> None:
        if isinstance(answer.document, str):  # a page for people, no part of the API
            return
        try:
            if request.path == "/graphql":
                contracts.check_graphql(request, answer)
            else:
                contracts.github().check(request, answer)
        except contracts.BrokenContract as error:
            self.broken.append(str(error))

    def answer(self, request: Request) -> Answer:
        try:
            installation = f"/app/installations/{INSTALLATION_ID}"
            if request.path.endswith("/installation") or request.path == installation:
                self._check_app(request)
                return Answer(200, self._installation())
            if request.path == f"{installation}/access_tokens":
                self._check_app(request)
                return self._new_token(request)
            objects = re.fullmatch(r"/repos/([^/]+/[^/]+)/git/(blobs|trees|commits)", request.path)
            if objects and request.method == "POST":
                return self._make_object(request, *objects.groups())
        except Refusal as refusal:
            return refusal.answer
        return super().answer(request)

    def _make_object(self, request: Request, project: str, what: str) -> Answer:
        is_app = self._login(request).endswith("[bot]")
        bare, root = self._hosted(project).bare, f"{self.root}/repos/{project}"
        return self.commits.answer(bare, what, request.document, root, is_app=is_app)

    def end_tokens(self) -> None:
        """As if every installation token had been revoked."""
        for token in self.issued_tokens:
            self.logins_by_token.pop(token, None)

    def _check_app(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, self.app_key, algorithms=["RS256"])
        except jwt.PyJWTError as error:
            raise Refusal(401, "A JSON web token could not be decoded") from error
        if claims["iss"] != str(APP_ID) or claims["exp"] - claims["iat"] > 660:
            raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")

    def _new_token(self, request: Request) -> Answer:
        if not request.document["permissions"].keys() <= self.app_permissions:
            raise Refusal(422, "The permissions requested are not granted to this installation.")
        token = f"ghs_{len(self.issued_tokens):036d}"
        self.issued_tokens.append(token)
        self.logins_by_token[token] = "imagebot[bot]"
        self.granted = dict(request.document["permissions"])
        expires_at = datetime.now(UTC) + self.token_lifetime
        document = {
            "token": token,
            "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": self.granted,
            "repository_selection": "all",
        }
        return Answer(201, document)

    def _installation(self) -> answers.Document:
        url = f"{self.root}/app/installations/{INSTALLATION_ID}"
        return {
            "id": INSTALLATION_ID,
            "app_id": APP_ID,
            "app_slug": "imagebot",
            "target_id": 1,
            "target_type": "Organization",
            "single_file_name": None,
            "repository_selection": "all",
            "access_tokens_url": f"{url}/access_tokens",
            "html_url": url,
            "repositories_url": f"{self.root}/installation/repositories",
            "events": [],
            "account": answers.user(self.root, "acme", "Organization"),
            "permissions": {
                name: "read" if name in ("metadata", "checks") else "write"
                for name in sorted(self.app_permissions)
            },
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "suspended_by": None,
            "suspended_at": None,
        }
