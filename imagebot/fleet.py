"""Which git repositories there are: those of the settings, and those that owners are found to have.

Network through `forges/owned_*`. An owner that cannot be listed keeps the repositories that were
found before, since a forge in trouble must not make imagebot forget anybody.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from imagebot.discovery import Discovered, discover
from imagebot.errors import ForgeError, SettingsError
from imagebot.forge_addresses import PUBLIC_URLS
from imagebot.forges.credentials import AppCredentials, TokenCredentials
from imagebot.forges.owned_gitea import GiteaOwner
from imagebot.forges.owned_github import GitHubOwner
from imagebot.forges.owned_gitlab import GitLabOwner
from imagebot.interfaces import OccurrenceCache
from imagebot.owned import OwnerListing, Wanted, own_names
from imagebot.policy.globs import Glob
from imagebot.settings_model import OwnerSettings, RepositorySettings, Settings
from imagebot.settings_owned import repository_of_owner

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All git repositories, by name. `left` has a reason by project, `troubles` one by owner."""

    repositories: Mapping[str, RepositorySettings]
    left: Mapping[str, str] = field(default_factory=dict)
    troubles: Mapping[str, ForgeError] = field(default_factory=dict)


class Finder:
    """Looks for the fleet of some settings, and remembers what each owner had. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        kept: Callable[[], OccurrenceCache | None],
    ) -> None:
        self._settings = settings
        self._kept = kept
        self._lock = threading.Lock()
        self._had: dict[OwnerSettings, Discovered] = {}

    def listed(self) -> Fleet:
        """Those that the settings name themselves, without asking anybody."""
        return Fleet({item.name: item for item in self._settings.repositories})

    def look(self) -> Fleet:
        """Ask each owner. What the settings list themselves is never found a second time."""
        listed = self.listed().repositories
        known = {_place(item) for item in listed.values()}
        fleet = dict(listed)
        left: dict[str, str] = {}
        troubles: dict[str, ForgeError] = {}
        for owner in self._settings.owners:
            found, trouble = self._asked(owner)
            if trouble is not None:
                troubles[owner.owner] = trouble
            if found is None:
                continue
            left |= found.left
            names = own_names([each.project for each in found.taken], fleet)
            for each in found.taken:
                try:
                    item = repository_of_owner(owner, each, names[each.project])
                except SettingsError as error:
                    left[each.project] = str(error)
                    continue
                if _place(item) in known:
                    left[each.project] = "listed under repositories or another owner already"
                    continue
                known.add(_place(item))
                fleet[item.name] = item
        return Fleet(fleet, left, troubles)

    def _asked(self, owner: OwnerSettings) -> tuple[Discovered | None, ForgeError | None]:
        try:
            found = discover(listing_for(owner), wanted_of(owner), self._kept())
        except ForgeError as error:
            log.error(
                "owner %(owner)s: %(error)s", {"owner": owner.owner, "error": error.with_hint}
            )
            with self._lock:
                return self._had.get(owner), error
        with self._lock:
            self._had[owner] = found
        return found, None


def listing_for(owner: OwnerSettings) -> OwnerListing:
    """Who lists an owner's repositories. Raises SettingsError without a token."""
    forge = owner.forge
    url = forge.api_url or PUBLIC_URLS.get(forge.type, "")
    ca_file = owner.git.ca_file
    if forge.type == "github" and forge.app is not None:
        app = AppCredentials(forge.app.id, forge.app.private_key, forge.app.installation_id)
        return GitHubOwner(f"{owner.owner}/", app, api_url=url, ca_file=ca_file)
    if forge.token is None:
        raise SettingsError(
            f"the owner {owner.owner!r} has no token for {forge.type}",
            hint="set tokenFile or tokenEnv under its forge",
        )
    if forge.type == "github":
        token = TokenCredentials(forge.token)
        return GitHubOwner(f"{owner.owner}/", token, api_url=url, ca_file=ca_file)
    if forge.type == "gitlab":
        return GitLabOwner(owner.owner, forge.token, url=url, ca_file=ca_file)
    return GiteaOwner(f"{owner.owner}/", forge.token, url=url, ca_file=ca_file)


def wanted_of(owner: OwnerSettings) -> Wanted:
    return Wanted(
        names=owner.names,
        not_names=owner.exclude,
        topics=owner.topics,
        files=tuple(Glob.compile(text) for text in owner.files),
        with_forks=owner.forks,
    )


def _place(item: RepositorySettings) -> tuple[str, str, str]:
    """What makes two entries the same git repository."""
    if not item.forge.project:
        return "", "", item.url
    return item.forge.type, item.forge.api_url or "", item.forge.project.casefold()
