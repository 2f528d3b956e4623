"""Settings of git repositories -> their forges, and who else may be asked with the same tokens.

Nothing is decided here, and nothing is sent.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from imagebot.errors import SettingsError
from imagebot.forge_addresses import PUBLIC_URLS
from imagebot.forges.azure_devops import AzureDevOps
from imagebot.forges.bitbucket import Bitbucket
from imagebot.forges.bitbucket_server import BitbucketServer
from imagebot.forges.credentials import AppCredentials, TokenCredentials
from imagebot.forges.gitea import Forgejo, Gitea
from imagebot.forges.github import GitHub
from imagebot.forges.gitlab import GitLab
from imagebot.forges.plain import Plain
from imagebot.interfaces import Forge, OccurrenceCache
from imagebot.releases import Access
from imagebot.secret import Secret
from imagebot.settings import RepositorySettings, Settings, token_variable
from imagebot.sources import PUBLIC_HOSTS, SourceHost


def forge_for(repository: RepositorySettings, kept: OccurrenceCache | None = None) -> Forge:
    """The forge that the settings name for a git repository. Raises SettingsError.

    `kept` is where a forge may keep what would cost it requests to read again.
    """
    forge = repository.forge
    if forge.type == "plain":
        return Plain(forge.push_options, is_agit=forge.agit)
    url = forge.api_url or PUBLIC_URLS.get(forge.type)
    if url is None:
        raise SettingsError(
            f"git repository {repository.name!r} does not say where its {forge.type} is",
            hint="set apiUrl under its forge, such as https://git.example.org",
        )
    ca_file = repository.git.ca_file
    if forge.type == "github":
        credentials = _github_credentials(repository)
        return GitHub(forge.project, credentials, api_url=url, ca_file=ca_file)
    if forge.token is None:
        raise _no_token(repository)
    if forge.type == "gitlab":
        return GitLab(forge.project, forge.token, url=url, ca_file=ca_file)
    if forge.type in ("bitbucket", "bitbucket-server"):
        is_cloud = forge.type == "bitbucket"
        return (Bitbucket if is_cloud else BitbucketServer)(
            forge.project, forge.token, username=forge.username, url=url, ca_file=ca_file
        )
    if forge.type == "azure-devops":
        return AzureDevOps(forge.project, forge.token, url=url, ca_file=ca_file, kept=kept)
    kind = Forgejo if forge.type == "forgejo" else Gitea
    return kind(forge.project, forge.token, url=url, ca_file=ca_file)


def _github_credentials(repository: RepositorySettings) -> TokenCredentials | AppCredentials:
    forge = repository.forge
    if forge.app is not None:
        return AppCredentials(forge.app.id, forge.app.private_key, forge.app.installation_id)
    if forge.token is None:
        raise _no_token(repository)
    return TokenCredentials(forge.token)


def _no_token(repository: RepositorySettings) -> SettingsError:
    kind = repository.forge.type
    return SettingsError(
        f"git repository {repository.name!r} has no token for {kind}",
        hint=f"set tokenFile or tokenEnv under its forge, or {token_variable(kind)}",
    )


def source_hosts(settings: Settings) -> Mapping[str, SourceHost]:
    """Where sources of images may be: public forges, and those of the settings."""
    found = dict(PUBLIC_HOSTS)
    for item in settings.repositories:
        api = urlsplit(item.forge.api_url or "")
        is_below = item.forge.type != "github" and api.path.strip("/") != ""  # HOST/gitlab
        if item.forge.type == "plain" or api.scheme != "https" or not api.hostname or is_below:
            continue
        origin = f"https://{api.netloc.rpartition('@')[2].lower()}"
        host = SourceHost(item.forge.type, origin, item.forge.api_url or "")
        found[origin.removeprefix("https://").removesuffix(":443")] = host
    return found


def accesses(settings: Settings) -> list[Access]:
    """Forges that are asked for releases with a token of the settings."""
    return [_access(item) for item in settings.repositories if _is_asked(item)]


def _is_asked(item: RepositorySettings) -> bool:
    has_token = item.forge.token is not None or item.forge.app is not None
    return item.forge.type in ("github", "gitlab", "gitea", "forgejo") and has_token


def _access(item: RepositorySettings) -> Access:
    url = item.forge.api_url or PUBLIC_URLS.get(item.forge.type, "")
    forge = forge_for(item)

    def token() -> Secret | None:
        credentials = forge.git_credentials()
        return credentials[1] if credentials else None

    return Access(url, item.forge.project.partition("/")[0], token)
