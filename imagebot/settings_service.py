"""The parts of the settings file that are about the service: polling, hooks, store, notifications.

Pure.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from imagebot.document_words import found_words
from imagebot.documents import DocumentPart, wrong
from imagebot.hook_senders import SENDERS, Auth
from imagebot.settings_fields import (
    HEADER,
    NAME,
    Deadline,
    Duration,
    FilePath,
    Matching,
    NameGlob,
    OneLine,
    RememberedDuration,
    Variable,
    http_url,
    one_source,
    registry_place,
    store_url,
)


class StorePart(DocumentPart):
    """Where the store is."""

    refused: ClassVar[Mapping[str, str]] = {
        "password": "it is a part of the URL; write urlFile: /path or urlEnv: VARIABLE"
    }

    url: Annotated[str, AfterValidator(store_url)] | None = Field(
        default=None, description="postgresql://user@host/database, without a password."
    )
    url_file: FilePath | None = Field(default=None, description="Holds a URL with a password.")
    url_env: Variable | None = Field(default=None, description="Names a variable with the URL.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        named = [name for name in (self.url, self.url_file, self.url_env) if name is not None]
        if len(named) != 1:
            raise wrong("exactly one of url, urlFile and urlEnv says where the store is")
        return self


class PollingPart(DocumentPart):
    """Bounds of the time between two listings of one image repository's tags."""

    min: Duration | None = Field(
        default=None, description="Soon after a change; a fifth of interval when left out."
    )
    max: Duration | None = Field(
        default=None, description="After long quiet; three times interval when left out."
    )

    def bounds(self, interval: timedelta) -> tuple[timedelta, timedelta]:
        """Both, with what is left out made of the general interval and of each other."""
        least = self.min or min(interval / 5, self.max or interval)
        return least, self.max or max(interval * 3, least)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min and self.max and self.max < self.min:
            raise wrong("max is shorter than min", "write max: as long, or longer", key="max")
        return self


class ReconcilingPart(DocumentPart):
    """How `imagebot run` shares its time among git repositories."""

    workers: int = Field(
        default=4, ge=1, le=32, description="Git repositories that are reconciled at a time."
    )
    deadline: Deadline = Field(
        default=timedelta(minutes=15), description="After which a reconciliation is given up."
    )


class TokenPart(DocumentPart):
    """What a token of an identity provider has to say (OpenID Connect)."""

    issuer: Annotated[str, AfterValidator(http_url)] | None = Field(
        default=None, description="Google when left out, for the sender google."
    )
    audience: OneLine = Field(description="What the token is made for.")
    keys_url: Annotated[str, AfterValidator(http_url)] | None = Field(
        default=None, description="Its JWKS; known for the well-known issuers."
    )
    internal: bool = Field(
        default=False, description="Its keys may be at a private or loopback address, and http://."
    )
    email: OneLine | None = Field(default=None, description="Of the service account that sends.")
    subject: OneLine | None = Field(default=None, description="The claim sub.")
    claims: dict[OneLine, OneLine] = Field(
        default_factory=dict, max_length=20, description="Further claims, and what each must be."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.email or self.subject or self.claims):
            hint = "anybody may have tokens of this issuer: write email, subject or claims"
            raise wrong("nothing says whose token it has to be", hint)
        if not self.internal and (self.keys_url or "").startswith("http://"):
            hint = "write https://; with internal: true it may be http://"
            raise wrong("whoever stands between could send other keys", hint, key="keysUrl")
        return self


class HookPart(DocumentPart):
    """Who may wake imagebot by `/hooks/<sender>/<name>`."""

    refused: ClassVar[Mapping[str, str]] = {
        "secret": "secrets do not stand here; write secretFile: /path or secretEnv: VARIABLE"
    }

    sender: str = Field(description="Its kind.", json_schema_extra={"enum": [*SENDERS]})
    name: Annotated[str, Matching(NAME, "letters, digits and . _ -, at most 63")] = Field(
        description="The last part of its address."
    )
    auth: Literal["signature", "header", "url", "oidc"] | None = Field(
        default=None, description="How it proves itself; the sender's usual way when left out."
    )
    secret_file: FilePath | None = Field(default=None, description="Holds the shared secret.")
    secret_env: Variable | None = Field(default=None, description="Holds the shared secret.")
    previous_secret_file: FilePath | None = Field(
        default=None, description="Still good, while the sender gets the new one."
    )
    previous_secret_env: Variable | None = Field(default=None, description="The same.")
    header: Annotated[str, Matching(HEADER, "the name of a header")] | None = Field(
        default=None, description="Where the secret is, with auth: header."
    )
    registry: Annotated[str, AfterValidator(registry_place)] | None = Field(
        default=None, description="HOST[/PREFIX] in the place of what the sender calls it."
    )
    token: TokenPart | None = Field(default=None, description="With auth: oidc.")
    per_minute: int = Field(
        default=300, ge=1, le=60_000, description="Deliveries that are taken in a minute."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        facts = SENDERS.get(self.sender)
        if facts is None:
            raise wrong(
                f"found {found_words(self.sender)}, allowed: {', '.join(SENDERS)}", key="sender"
            )
        one_source(self.secret_file, self.secret_env, "secret")
        one_source(self.previous_secret_file, self.previous_secret_env, "previousSecret")
        auth = Auth(self.auth) if self.auth else facts.auths[0]
        if auth not in facts.auths:
            allowed = ", ".join(facts.auths)
            raise wrong(f"{self.sender} cannot do {auth}, allowed: {allowed}", key="auth")
        has_secret = bool(self.secret_file or self.secret_env)
        if auth is Auth.OIDC and self.token is None:
            raise wrong(
                "what its token has to say is missing", "write audience and email", key="token"
            )
        if auth is not Auth.OIDC and not has_secret:
            hint = "write secretFile or secretEnv; `openssl rand -hex 32` makes a good one"
            raise wrong("a hook without a secret is open to everybody", hint, key="secretFile")
        if (auth is Auth.OIDC) == has_secret or (auth is not Auth.OIDC and self.token):
            raise wrong(f"a secret and a token, with auth: {auth}", "keep the one that is used")
        if self.header and auth is not Auth.HEADER:
            raise wrong(f"a header, with auth: {auth}", "remove it", key="header")
        if facts.has_no_host and not self.registry:
            hint = "write registry: HOST, as in image references"
            raise wrong(f"{self.sender} does not tell its registry's host", hint, key="registry")
        if self.token and not (self.token.issuer or self.sender == "google"):
            raise wrong("who signs the token is missing", "write issuer: https://...", key="token")
        return self


class HistoryPart(DocumentPart):
    """How much of the past is remembered. Forgetting it costs nothing else."""

    runs: int = Field(default=100, ge=1, le=10_000, description="Runs of each git repository.")
    age: RememberedDuration = Field(
        default=timedelta(days=90),
        description="Of decisions that changed, and of pull requests that ended.",
    )


Level = Literal["proposed", "merged", "failed", "stalled", "held"]


class NotificationPart(DocumentPart):
    """Somebody to tell, by a URL of Apprise, which is a secret."""

    refused: ClassVar[Mapping[str, str]] = {
        "url": "the URL is a secret, which does not stand here; write urlFile or urlEnv",
    }

    name: Annotated[str, Matching(NAME, "letters, digits, . _ -")] | None = Field(
        default=None, description="In logs and metrics; its variable or file when left out."
    )
    url_file: FilePath | None = Field(default=None, description="A file that holds the URL.")
    url_env: Variable | None = Field(default=None, description="A variable that holds the URL.")
    on: Annotated[tuple[Level, ...], Field(min_length=1)] = Field(
        default=("proposed", "merged", "failed", "stalled"), description="What is told."
    )
    repositories: tuple[NameGlob, ...] = Field(
        default=(), max_length=100, description="Globs of names; all when left out."
    )
    remind: RememberedDuration | None = Field(
        default=None,
        description="Tell again of requests that are open, and of what is stalled, so often.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        one_source(self.url_file, self.url_env, "url")
        if self.url_file is None and self.url_env is None:
            raise wrong("nothing says where to tell it", "write urlFile or urlEnv", key="urlEnv")
        return self

    @property
    def shown_name(self) -> str:
        """What logs and metrics call it."""
        return self.name or self.url_env or PurePath(self.url_file or "").name
