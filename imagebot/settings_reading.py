"""A settings document -> Settings, with the secrets and files that it names (settings_files.py)."""

import re
from datetime import timedelta
from pathlib import Path

from imagebot import settings_places as places
from imagebot import settings_service as service
from imagebot.documents import KeyPath
from imagebot.errors import SettingsError
from imagebot.forge_addresses import guessed_api_url, guessed_kind, guessed_project
from imagebot.hook_senders import SENDERS, Auth
from imagebot.secret import Secret
from imagebot.settings_fields import host_and_port
from imagebot.settings_files import NamedFiles, suffixed
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
    Reconciling,
    RegistrySettings,
    RepositorySettings,
    Settings,
    SigningSettings,
    TokenSettings,
)
from imagebot.settings_schema import Author as AuthorPart
from imagebot.settings_schema import SettingsDocument
from imagebot.settings_variables import token_variable
from imagebot.store_address import StoreAddress, read_url

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


class Reader:
    """Makes `Settings` of a document's parts; problems gather in `named`."""

    def __init__(self, named: NamedFiles) -> None:
        self._named = named

    def settings(self, document: SettingsDocument) -> Settings:
        return Settings(
            data_dir=self._data_dir(document.data_dir),
            store=self._store(document.store),
            interval=document.interval,
            jitter=document.jitter,
            polling=Polling(*document.polling.bounds(document.interval)),
            reconciling=Reconciling(document.reconciling.workers, document.reconciling.deadline),
            listen=Listen(*host_and_port(document.listen)),
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
            docker_config=self._named.existing(document.docker_config, ("dockerConfig",)),
            credential_helpers=dict(document.credential_helpers),
            cloud_identity=document.cloud_identity,
        )

    def _store(self, part: service.StorePart | None) -> StoreAddress | None:
        """Where the store is. IMAGEBOT_STORE_URL overrules the file, and may hold a password."""
        general = self._named.environ.get("IMAGEBOT_STORE_URL", "").strip()
        if general:
            url: Secret | None = Secret(general)
        elif part is None:
            return None
        elif part.url is not None:
            url = Secret(part.url)
        else:
            url = self._named.secret(part.url_file, part.url_env, ("store", "url"))
        try:
            return read_url(url.reveal(), self._named.folder) if url else None
        except SettingsError as error:
            at: KeyPath = ("IMAGEBOT_STORE_URL",) if general else ("store",)
            self._named.wrong(at, f"{error}; {error.hint}")
            return None

    def _author(self, part: AuthorPart) -> Author:
        signing, at = part.signing, ("author", "signing", "keyFile")
        if signing and signing.by:
            return Author(part.name, part.email, signing.by)
        if not signing or not signing.format or not signing.key_file:
            return Author(part.name, part.email)
        file = self._named.existing(signing.key_file, at)
        if file is None:
            return Author(part.name, part.email)
        begin, wanted = _KEYS[signing.format]
        problem = f"{file} is no private key of format {signing.format}; {wanted}"
        key = self._named.secret_file(file, at, problem)
        if key is not None and not begin.match(key.reveal()):
            self._named.wrong(at, problem)
        return Author(
            part.name, part.email, SigningSettings(signing.format, key or Secret(""), file)
        )

    def repository(
        self, part: places.RepositoryPart, interval: timedelta, at: KeyPath
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

    def _git(self, git: places.GitPart, at: KeyPath) -> GitSettings:
        return GitSettings(
            username=git.username,
            password=self._named.secret(git.password_file, git.password_env, (*at, "password")),
            ssh_key_file=self._named.existing(git.ssh_key_file, (*at, "sshKeyFile")),
            known_hosts_file=self._named.existing(git.known_hosts_file, (*at, "knownHostsFile")),
            ca_file=self._named.existing(git.ca_file, (*at, "caFile")),
            allow_file=git.allow_file,
            allow_http=git.allow_http,
        )

    def _owner(self, part: places.OwnerPart, interval: timedelta, at: KeyPath) -> OwnerSettings:
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

    def _forge(self, forge: places.ForgePart, url: str, at: KeyPath) -> ForgeSettings:
        kind = forge.type or guessed_kind(url)
        token = self._named.secret(forge.token_file, forge.token_env, (*at, "token"))
        general = self._named.environ.get(token_variable(kind), "")
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

    def _app(self, app: places.GitHubApp | None, at: KeyPath) -> AppSettings | None:
        if app is None:
            return None
        key = self._named.secret(app.private_key_file, None, (*at, "privateKey"))
        return AppSettings(str(app.id), key or Secret(""), app.installation_id)

    def _registry(self, part: places.RegistryPart, at: KeyPath) -> RegistrySettings:
        return RegistrySettings(
            host=part.host,
            insecure=part.insecure,
            internal=part.internal,
            ca_file=self._named.existing(part.ca_file, (*at, "caFile")),
            token_servers=part.token_servers,
            concurrency=part.concurrency,
            requests_per_minute=part.requests_per_minute,
            kind=part.kind,
            identity=part.identity,
            username=part.username,
            password=self._named.secret(part.password_file, part.password_env, (*at, "password")),
        )

    def _hook(self, part: service.HookPart, at: KeyPath) -> HookSettings:
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

    def _token(self, part: service.TokenPart | None, at: KeyPath) -> TokenSettings | None:
        if part is None:
            return None
        issuer = part.issuer or _GOOGLE
        keys_url = part.keys_url or _KEYS_OF.get(issuer, "")
        if not keys_url:
            self._named.wrong(at, f"where {issuer} has its keys is not known: write keysUrl")
        claims, email, subject = dict(part.claims), part.email or "", part.subject or ""
        return TokenSettings(issuer, part.audience, keys_url, email, subject, claims, part.internal)

    def _hook_secret(self, file: str | None, variable: str | None, key: KeyPath) -> Secret | None:
        secret = self._named.secret(file, variable, key)
        if secret and len(secret.reveal()) < MIN_HOOK_SECRET:
            ending = "File" if file is not None else "Env"
            self._named.wrong(
                suffixed(key, ending),
                f"a hook's secret has at least {MIN_HOOK_SECRET} characters;"
                " `openssl rand -hex 32` makes a good one",
            )
        return secret

    def _notification(self, part: service.NotificationPart, at: KeyPath) -> NotificationSettings:
        url = self._named.secret(part.url_file, part.url_env, (*at, "url"))
        return NotificationSettings(
            part.shown_name, url or Secret(""), part.on, part.repositories, part.remind
        )

    def _data_dir(self, written: str | None) -> Path:
        if written:
            return self._named.folder / written
        cache = self._named.environ.get("XDG_CACHE_HOME", "")
        home = self._named.environ.get("HOME", "")
        if not cache and not home:
            self._named.wrong(("dataDir",), "neither dataDir nor HOME says where to keep clones")
        return (Path(cache) if cache else Path(home) / ".cache") / "imagebot"
