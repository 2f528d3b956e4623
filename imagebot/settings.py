"""Settings of the process: one YAML file, `IMAGEBOT_*` variables, and files that hold secrets.

Reads files once, at start; the environment is handed in. Everything that is wrong is told at
once. The schema of the file is settings_schema.py; docs/settings.md describes it for users.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imagebot import settings_schema as schema
from imagebot.documents import KeyPath, address, near, parse_one, place, read, validate
from imagebot.errors import SettingsError
from imagebot.forge_addresses import guessed_api_url, guessed_kind, guessed_project
from imagebot.hook_senders import SENDERS, Auth
from imagebot.image import shortened
from imagebot.model import Problem
from imagebot.secret import Secret
from imagebot.settings_model import (
    AppSettings,
    Author,
    ForgeSettings,
    GitSettings,
    HistorySettings,
    HookSettings,
    Listen,
    NotificationSettings,
    OwnerSettings,
    Polling,
    RegistrySettings,
    RepositorySettings,
    Settings,
    SigningSettings,
    TokenSettings,
)
from imagebot.store_address import StoreAddress, read_url
from imagebot.yaml_tree import Node

__all__ = [
    "VARIABLES",
    "AppSettings",
    "Author",
    "ForgeSettings",
    "GitSettings",
    "HistorySettings",
    "HookSettings",
    "Listen",
    "NotificationSettings",
    "OwnerSettings",
    "Polling",
    "RegistrySettings",
    "RepositorySettings",
    "Settings",
    "SigningSettings",
    "check",
    "json_schema",
    "load",
    "repository_from_url",
    "token_variable",
]

MAX_SECRET_BYTES = 64 * 1024
MAX_SETTINGS_BYTES = 1024 * 1024
MIN_HOOK_SECRET = 16  # characters: whoever has one signature may try secrets at leisure

_GOOGLE = "https://accounts.google.com"
# Where issuers that many know publish their keys.
_KEYS_OF = {
    _GOOGLE: "https://www.googleapis.com/oauth2/v3/certs",
    "https://token.actions.githubusercontent.com": (
        "https://token.actions.githubusercontent.com/.well-known/jwks"
    ),
    "https://gitlab.com": "https://gitlab.com/oauth/discovery/keys",
}

VARIABLES: Mapping[str, str] = {
    "IMAGEBOT_SETTINGS": "the settings file, where --settings names none",
    "IMAGEBOT_DATA_DIR": "dataDir",
    "IMAGEBOT_STORE_URL": "store: its URL",
    "IMAGEBOT_INTERVAL": "interval",
    "IMAGEBOT_JITTER": "jitter",
    "IMAGEBOT_LISTEN": "listen",
    "IMAGEBOT_AUTHOR_NAME": "author.name",
    "IMAGEBOT_AUTHOR_EMAIL": "author.email",
    "IMAGEBOT_DOCKER_CONFIG": "dockerConfig",
    "IMAGEBOT_GITHUB_TOKEN": "token of GitHub repositories that name none",
    "IMAGEBOT_GITLAB_TOKEN": "token of GitLab projects that name none",
    "IMAGEBOT_GITEA_TOKEN": "token of Gitea repositories that name none",
    "IMAGEBOT_FORGEJO_TOKEN": "token of Forgejo repositories that name none",
    "IMAGEBOT_BITBUCKET_TOKEN": "token of Bitbucket Cloud repositories that name none",
    "IMAGEBOT_AZURE_DEVOPS_TOKEN": "token of Azure DevOps repositories that name none",
    "IMAGEBOT_BITBUCKET_SERVER_TOKEN": "token of Bitbucket Data Center repositories that name none",
}
"""Every variable that is read, and what it sets. They overrule the file."""


def token_variable(kind: str) -> str:
    """The variable that holds the token of all forges of one kind."""
    return f"IMAGEBOT_{kind.upper().replace('-', '_')}_TOKEN"


# How the text of a private key begins, and how to come by one, by format.
_KEYS = {
    "ssh": (
        re.compile(r"\s*-----BEGIN (?!PGP)[A-Z ]*PRIVATE KEY-----"),
        "name what `ssh-keygen -t ed25519` writes, not its .pub file",
    ),
    "openpgp": (
        re.compile(r"\s*-----BEGIN PGP PRIVATE KEY BLOCK-----"),
        "name what `gpg --armor --export-secret-keys FINGERPRINT` writes",
    ),
}

# Kubernetes puts these into every pod of a namespace that has a Service called imagebot-something.
_SERVICE_LINK = re.compile(
    r"IMAGEBOT_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings. `path` None: what IMAGEBOT_SETTINGS names, or defaults.

    Raises SettingsError that lists every problem of file, environment and secret files.
    """
    if path is None and environ.get("IMAGEBOT_SETTINGS"):
        path = Path(environ["IMAGEBOT_SETTINGS"])
    file = str(path) if path else ""
    problems = list(_unknown_variables(environ))
    document, root = _DEFAULTS, None
    if path:
        root, found = parse_one(file, _settings_source(path))
        problems += found
        read_document, found = validate(file, root, schema.SettingsDocument) if root else (None, ())
        problems += found
        document = read_document or document
        named = _named_variables(document)
        problems = [each for each in problems if each.address not in named]
    document = _overruled(document, environ, problems)
    reader = _Reader(file, path.parent if path else Path(), environ, root, problems)
    settings = reader.settings(document)
    if problems:
        raise _error(problems)
    files = ([path] if path else []) + reader.files
    return replace(settings, file=path, files=tuple(dict.fromkeys(files)))


def check(file: str, source: bytes) -> tuple[schema.SettingsDocument | None, tuple[Problem, ...]]:
    """Check a settings file's text alone; nothing that it names is read."""
    return read(file, source, schema.SettingsDocument)


def repository_from_url(url: str, environ: Mapping[str, str]) -> RepositorySettings:
    """A git repository named on the command line, with all else guessed. Raises SettingsError."""
    text = url.removesuffix("/")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text.removesuffix(".git").rpartition("/")[2])
    entry = {"name": name.strip("-._")[:63] or "repository", "url": text}
    if text.startswith("file://"):
        entry |= {"git": {"allowFile": True}}  # type: ignore[dict-item]
    part = schema.checked_repository(entry)
    problems: list[Problem] = []
    settings = _Reader("", Path(), environ, None, problems).repository(part, _DEFAULTS.interval, ())
    if problems:
        raise _error(problems)
    return settings


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the settings file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://imagebot.dev/schemas/v1alpha1/settings.json",
        **schema.SettingsDocument.model_json_schema(by_alias=True),
    }


_DEFAULTS = schema.SettingsDocument.model_validate(
    {"apiVersion": "imagebot.dev/v1alpha1", "kind": "Settings"}
)


def _settings_source(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_SETTINGS_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError(
            f"the settings file {path} cannot be read: {reason}",
            hint="name it with --settings or IMAGEBOT_SETTINGS",
        ) from error


def _unknown_variables(environ: Mapping[str, str]) -> Iterator[Problem]:
    for name in sorted(environ):
        if not name.startswith("IMAGEBOT_") or name in VARIABLES or _SERVICE_LINK.fullmatch(name):
            continue
        message = f"unknown environment variable {shortened(name)}"
        yield Problem("", 0, 0, message, near(name, VARIABLES), address=name)


def _named_variables(document: schema.SettingsDocument) -> set[str]:
    names = [each.forge.token_env for each in document.repositories]
    names += [each.git.password_env for each in document.repositories]
    names += [each.password_env for each in document.registries]
    names += [each.secret_env for each in document.hooks]
    names += [each.previous_secret_env for each in document.hooks]
    names += [each.url_env for each in document.notifications]
    return {name for name in names if name}


def _overruled(
    document: schema.SettingsDocument, environ: Mapping[str, str], problems: list[Problem]
) -> schema.SettingsDocument:
    """The document with what the environment sets. Each variable is checked like its key."""
    for name, key in VARIABLES.items():
        written = environ.get(name)
        first, _, second = key.partition(".")
        if not written or first not in schema.SettingsDocument.known_keys():
            continue
        value: Any = _number(written) if key == "jitter" else written
        entry: dict[str, Any] = {first: {second: value} if second else value}
        try:
            checked = schema.SettingsDocument.model_validate(
                {"apiVersion": "imagebot.dev/v1alpha1", "kind": "Settings", **entry}
            )
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            context = detail.get("ctx", {})
            message = str(context.get("message", detail["msg"]))
            hint = str(context.get("hint", ""))
            problems.append(Problem("", 0, 0, message, hint, address=name))
            continue
        document = _with(document, checked, first, second)
    return document


def _with(
    document: schema.SettingsDocument, other: schema.SettingsDocument, key: str, inner: str
) -> schema.SettingsDocument:
    member = next(
        name for name, at in schema.SettingsDocument.model_fields.items() if at.alias == key
    )
    new = getattr(other, member)
    if inner:
        new = getattr(document, member).model_copy(update={inner: getattr(new, inner)})
    return document.model_copy(update={member: new})


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


class _Reader:
    """Reads what a settings document names; collects what cannot be read."""

    def __init__(
        self,
        file: str,
        folder: Path,
        environ: Mapping[str, str],
        root: Node | None,
        problems: list[Problem],
    ) -> None:
        self._file, self._folder, self._environ, self._root = file, folder, environ, root
        self._problems = problems
        self.files: list[Path] = []  # that were read

    def settings(self, document: schema.SettingsDocument) -> Settings:
        return Settings(
            data_dir=self._data_dir(document.data_dir),
            store=self._store(document.store),
            interval=document.interval,
            jitter=document.jitter,
            polling=Polling(*document.polling.bounds(document.interval)),
            listen=Listen(*schema.host_and_port(document.listen)),
            author=self._author(document.author),
            repositories=tuple(
                self.repository(part, document.interval, ("repositories", index))
                for index, part in enumerate(document.repositories)
            ),
            owners=tuple(
                self._owner(part, document.interval, ("owners", index))
                for index, part in enumerate(document.owners)
            ),
            registries=tuple(
                self._registry(part, ("registries", index))
                for index, part in enumerate(document.registries)
            ),
            hooks=tuple(
                self._hook(part, ("hooks", index)) for index, part in enumerate(document.hooks)
            ),
            history=HistorySettings(document.history.runs, document.history.age),
            notifications=tuple(
                self._notification(part, ("notifications", index))
                for index, part in enumerate(document.notifications)
            ),
            docker_config=self._existing(document.docker_config, ("dockerConfig",)),
            credential_helpers=dict(document.credential_helpers),
            cloud_identity=document.cloud_identity,
        )

    def _store(self, part: schema.StorePart | None) -> StoreAddress | None:
        """Where the store is. IMAGEBOT_STORE_URL overrules the file, and may hold a password."""
        general = self._environ.get("IMAGEBOT_STORE_URL", "").strip()
        if general:
            url: Secret | None = Secret(general)
        elif part is None:
            return None
        elif part.url is not None:
            url = Secret(part.url)
        else:
            url = self._secret(part.url_file, part.url_env, ("store", "url"))
        try:
            return read_url(url.reveal(), self._folder) if url else None
        except SettingsError as error:
            at: KeyPath = ("IMAGEBOT_STORE_URL",) if general else ("store",)
            self._wrong(at, f"{error}; {error.hint}")
            return None

    def _author(self, part: schema.Author) -> Author:
        signing, at = part.signing, ("author", "signing", "keyFile")
        if signing and signing.by:
            return Author(part.name, part.email, signing.by)
        if not signing or not signing.format or not signing.key_file:
            return Author(part.name, part.email)
        file = self._existing(signing.key_file, at)
        if file is None:
            return Author(part.name, part.email)
        begin, wanted = _KEYS[signing.format]
        problem = f"{file} is no private key of format {signing.format}; {wanted}"
        key = self._secret_file(file, at, problem)
        if key is not None and not begin.match(key.reveal()):
            self._wrong(at, problem)
        return Author(
            part.name, part.email, SigningSettings(signing.format, key or Secret(""), file)
        )

    def repository(
        self, part: schema.RepositoryPart, interval: timedelta, at: KeyPath
    ) -> RepositorySettings:
        git = part.git
        return RepositorySettings(
            name=part.name,
            url=part.url,
            interval=part.interval or interval,
            base=part.base,
            mode=part.mode,
            forge=self._forge(part.forge, part.url, (*at, "forge")),
            git=self._git(git, (*at, "git")),
        )

    def _git(self, git: schema.GitPart, at: KeyPath) -> GitSettings:
        return GitSettings(
            username=git.username,
            password=self._secret(git.password_file, git.password_env, (*at, "password")),
            ssh_key_file=self._existing(git.ssh_key_file, (*at, "sshKeyFile")),
            known_hosts_file=self._existing(git.known_hosts_file, (*at, "knownHostsFile")),
            ca_file=self._existing(git.ca_file, (*at, "caFile")),
            allow_file=git.allow_file,
            allow_http=git.allow_http,
        )

    def _owner(self, part: schema.OwnerPart, interval: timedelta, at: KeyPath) -> OwnerSettings:
        return OwnerSettings(
            owner=part.owner,
            forge=self._forge(part.forge, "", (*at, "forge")),
            git=self._git(part.git, (*at, "git")),
            interval=part.interval or interval,
            every=part.every,
            mode=part.mode,
            names=part.names,
            exclude=part.exclude,
            topics=part.topics,
            files=part.files,
            forks=part.forks,
        )

    def _forge(self, forge: schema.ForgePart, url: str, at: KeyPath) -> ForgeSettings:
        kind = forge.type or guessed_kind(url)
        token = self._secret(forge.token_file, forge.token_env, (*at, "token"))
        general = self._environ.get(token_variable(kind), "")
        if token is None and forge.app is None and kind != "plain" and general:
            token = Secret(general.strip())
        return ForgeSettings(
            type=kind,
            project=forge.project or guessed_project(url, kind) or "",
            api_url=forge.api_url or guessed_api_url(url, kind),
            token=token,
            app=self._app(forge.app, (*at, "app")),
            username=forge.username,
            push_options=forge.push_options,
            agit=forge.agit,
        )

    def _app(self, app: schema.GitHubApp | None, at: KeyPath) -> AppSettings | None:
        if app is None:
            return None
        key = self._secret(app.private_key_file, None, (*at, "privateKey"))
        return AppSettings(str(app.id), key or Secret(""), app.installation_id)

    def _registry(self, part: schema.RegistryPart, at: KeyPath) -> RegistrySettings:
        return RegistrySettings(
            host=part.host,
            insecure=part.insecure,
            internal=part.internal,
            ca_file=self._existing(part.ca_file, (*at, "caFile")),
            token_servers=part.token_servers,
            concurrency=part.concurrency,
            requests_per_minute=part.requests_per_minute,
            kind=part.kind,
            identity=part.identity,
            username=part.username,
            password=self._secret(part.password_file, part.password_env, (*at, "password")),
        )

    def _hook(self, part: schema.HookPart, at: KeyPath) -> HookSettings:
        facts = SENDERS[part.sender]
        auth = Auth(part.auth) if part.auth else facts.auths[0]
        now = self._hook_secret(part.secret_file, part.secret_env, (*at, "secret"))
        before = self._hook_secret(
            part.previous_secret_file, part.previous_secret_env, (*at, "previousSecret")
        )
        return HookSettings(
            sender=part.sender,
            name=part.name,
            auth=auth,
            secrets=tuple(secret for secret in (now, before) if secret),
            header=part.header or facts.header,
            registry=part.registry or "",
            token=self._token(part.token, (*at, "token")),
            per_minute=part.per_minute,
        )

    def _token(self, part: schema.TokenPart | None, at: KeyPath) -> TokenSettings | None:
        if part is None:
            return None
        issuer = part.issuer or _GOOGLE
        keys_url = part.keys_url or _KEYS_OF.get(issuer, "")
        if not keys_url:
            self._wrong(at, f"where {issuer} has its keys is not known: write keysUrl")
        claims, email, subject = dict(part.claims), part.email or "", part.subject or ""
        return TokenSettings(issuer, part.audience, keys_url, email, subject, claims, part.internal)

    def _hook_secret(self, file: str | None, variable: str | None, key: KeyPath) -> Secret | None:
        secret = self._secret(file, variable, key)
        if secret and len(secret.reveal()) < MIN_HOOK_SECRET:
            ending = "File" if file is not None else "Env"
            self._wrong(
                _suffixed(key, ending),
                f"a hook's secret has at least {MIN_HOOK_SECRET} characters;"
                " `openssl rand -hex 32` makes a good one",
            )
        return secret

    def _notification(self, part: schema.NotificationPart, at: KeyPath) -> NotificationSettings:
        url = self._secret(part.url_file, part.url_env, (*at, "url"))
        return NotificationSettings(
            part.shown_name, url or Secret(""), part.on, part.repositories, part.remind
        )

    def _data_dir(self, written: str | None) -> Path:
        if written:
            return self._folder / written
        cache = self._environ.get("XDG_CACHE_HOME", "")
        home = self._environ.get("HOME", "")
        if not cache and not home:
            self._wrong(("dataDir",), "neither dataDir nor HOME says where to keep clones")
        return (Path(cache) if cache else Path(home) / ".cache") / "imagebot"

    def _existing(self, written: str | None, key: KeyPath) -> Path | None:
        if written is None:
            return None
        path = self._folder / written
        self.files.append(path)
        try:
            with path.open("rb"):
                return path
        except OSError as error:
            self._wrong(key, f"{path} cannot be read: {error.strerror or type(error).__name__}")
            return None

    def _secret(self, file: str | None, variable: str | None, key: KeyPath) -> Secret | None:
        """A secret from a file or variable. Messages name neither text: it may be the secret."""
        if file is not None:
            return self._secret_file(self._folder / file, _suffixed(key, "File"))
        if variable is None:
            return None
        text = self._environ.get(variable, "").strip()
        if not text:
            self._wrong(_suffixed(key, "Env"), "the environment variable that it names is not set")
        return Secret(text)

    def _secret_file(
        self, path: Path, key: KeyPath, not_text: str = "the file that it names is not UTF-8"
    ) -> Secret | None:
        self.files.append(path)
        try:
            with path.open("rb") as opened:
                source = opened.read(MAX_SECRET_BYTES + 1)
            text = source.decode().strip("\r\n")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self._wrong(key, f"the file that it names cannot be read: {reason}")
            return None
        except UnicodeDecodeError:
            self._wrong(key, not_text)
            return None
        if not text.strip() or len(source) > MAX_SECRET_BYTES:
            self._wrong(key, "the file that it names is empty or too large for a secret")
            return None
        return Secret(text)

    def _wrong(self, key: KeyPath, message: str) -> None:
        line, column = place(self._root, key) if self._root else (0, 0)
        self._problems.append(Problem(self._file, line, column, message, address=address(key)))


def _suffixed(key: KeyPath, ending: str) -> KeyPath:
    return (*key[:-1], f"{key[-1]}{ending}")


def _error(problems: Sequence[Problem]) -> SettingsError:
    lines = []
    for problem in dict.fromkeys(problems):
        parts = [part for part in (problem.where(), problem.address, problem.message) if part]
        lines.append(": ".join(parts) + (f" ({problem.hint})" if problem.hint else ""))
    if len(lines) == 1:
        return SettingsError(f"settings: {lines[0]}", hint="see docs/settings.md")
    listed = "".join(f"\n  {line}" for line in lines)
    return SettingsError(
        f"the settings have {len(lines)} problems:{listed}", hint="see docs/settings.md"
    )
