"""Settings of git repositories -> their clones, and what git signs in and signs commits with.

Nothing is decided here but which secret may go where.
"""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from imagebot.errors import SettingsError
from imagebot.forge_addresses import is_hosted_by
from imagebot.forges.github import GitHub
from imagebot.git import (
    BareClone,
    HttpCredentials,
    Identity,
    Remote,
    SigningKey,
    SshCredentials,
)
from imagebot.interfaces import CommitSigner, Forge
from imagebot.settings import Author, RepositorySettings


def clone_for(
    repository: RepositorySettings, forge: Forge, author: Author, folder: Path
) -> BareClone:
    """The clone of a git repository in its folder. Raises SettingsError where none can sign."""
    return BareClone(
        Remote(
            url=repository.url,
            base=repository.base,
            credentials=git_credentials(repository, forge),
            allow_file=repository.git.allow_file,
            ca_file=repository.git.ca_file,
            allow_http=repository.git.allow_http,
            is_agit=repository.forge.agit,
        ),
        folder,
        identity=Identity(author.name, author.email),
        signing=_signing(repository, forge, author),
    )


def git_credentials(
    repository: RepositorySettings, forge: Forge
) -> HttpCredentials | SshCredentials | None:
    """What is set for git itself, else the forge's own token where the remote is that forge's."""
    own = repository.git
    if own.ssh_key_file and own.known_hosts_file:
        return SshCredentials(own.ssh_key_file, own.known_hosts_file)
    if own.password is not None:
        return HttpCredentials(own.username or "git", own.password)
    if not is_hosted_by(repository.url, repository.forge.type, repository.forge.api_url):
        return None
    credentials = forge.git_credentials()
    return HttpCredentials(*credentials) if credentials else None


def _signing(
    repository: RepositorySettings, forge: Forge, author: Author
) -> SigningKey | CommitSigner | None:
    signing = author.signing
    if signing is None:
        return None
    if not isinstance(signing, str):
        return SigningKey(signing.format, signing.key, signing.file)
    if isinstance(forge, GitHub) and repository.forge.app:
        return forge
    raise SettingsError(
        f"git repository {repository.name!r} has no forge that signs commits",
        hint="author.signing by: forge is for GitHub with an App; sign by a key otherwise",
    )


def folder_name(url: str) -> str:
    """A readable and unique folder for the clone of a git repository."""
    slug = re.sub(r"[^a-z0-9]+", "-", urlsplit(url).path.lower() or url.lower()).strip("-")[-40:]
    return f"{slug}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"
