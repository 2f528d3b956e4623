"""The settings of a git repository that an owner was found to have.

Pure. The owner's entry in the settings says how it is reached; the forge says where it is.
"""

from dataclasses import replace

from imagebot.forge_addresses import guessed_api_url
from imagebot.owned import OwnedRepository
from imagebot.settings_model import OwnerSettings, RepositorySettings
from imagebot.settings_places import checked_repository


def repository_of_owner(
    owner: OwnerSettings, found: OwnedRepository, name: str
) -> RepositorySettings:
    """The settings of a repository that an owner has. Raises SettingsError for a wrong address.

    Its addresses come from the forge, so they are checked as if a person had written them.
    """
    url = found.ssh_url if owner.git.ssh_key_file else found.https_url
    flags = {"allowHttp": owner.git.allow_http}
    forge = {"type": owner.forge.type, "project": found.project}
    checked_repository({"name": name, "url": url, "mode": owner.mode, "forge": forge, "git": flags})
    api_url = owner.forge.api_url or guessed_api_url(url, owner.forge.type)
    return RepositorySettings(
        name=name,
        url=url,
        interval=owner.interval,
        base=found.branch or None,
        mode=owner.mode,
        forge=replace(owner.forge, project=found.project, api_url=api_url),
        git=owner.git,
    )
