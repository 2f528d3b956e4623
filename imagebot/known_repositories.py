"""The git repositories of a process by name: listed in the settings, found, or given as URLs.

Owners are asked here, as often as they must be; what they have stays known.
"""

import os
from collections.abc import Sequence

from imagebot.errors import UsageError
from imagebot.fleet import Finder, Fleet
from imagebot.settings import RepositorySettings, Settings, repository_from_url


class KnownRepositories:
    """Those of `settings`, and what `finder` finds of their owners."""

    def __init__(self, settings: Settings, finder: Finder) -> None:
        self._settings = settings
        self._finder = finder
        self._by_name = {item.name: item for item in settings.repositories}

    @property
    def all(self) -> Sequence[RepositorySettings]:
        return tuple(self._by_name.values())

    def look(self) -> Fleet:
        """Ask the owners of the settings, and know from now on what they have."""
        fleet = self._finder.look()
        self._by_name = dict(fleet.repositories)
        return fleet

    def names(self, asked: Sequence[str]) -> list[str]:
        """Names of the git repositories to reconcile; URLs are taken as they are.

        Owners are asked where no name is given, or one that the settings do not list.
        """
        if self._settings.owners and not (asked and set(asked) <= set(self._by_name)):
            troubles = self.look().troubles
            if troubles and not self._by_name:
                raise next(iter(troubles.values()))
        names = [self.named(name).name for name in asked] or list(self._by_name)
        if not names:
            raise UsageError(
                "there is no git repository to reconcile",
                hint="name a URL, or list it under `repositories` (or its owner under "
                "`owners`, see imagebot discover) in the settings file "
                "(docs/settings.md)",
            )
        return names

    def named(self, name: str) -> RepositorySettings:
        """One of them, or that of a URL, which is known from now on. Raises UsageError."""
        known = self._by_name.get(name)
        if known:
            return known
        if "/" not in name and ":" not in name:
            listed = ", ".join(sorted(self._by_name)) or "none"
            raise UsageError(
                f"no git repository is called {name!r}", hint=f"known in the settings: {listed}"
            )
        adhoc = repository_from_url(name, os.environ)
        return self._by_name.setdefault(adhoc.name, adhoc)

    def take_over(self, former: "KnownRepositories") -> None:
        """Know what the same owners were found to have, until they are asked anew."""
        if former._settings.owners == self._settings.owners:
            own = {each.name for each in former._settings.repositories}
            found = {name: each for name, each in former._by_name.items() if name not in own}
            self._by_name = found | self._by_name
