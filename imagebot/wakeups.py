"""What a hook may set off: a look at an image repository, or at a git repository.

Wires. Satisfies `owed.Wakeups`: it marks rows and requests targets, and trusts nothing else of
what was said. Thread-safe.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from imagebot.forge_addresses import is_in_project
from imagebot.image import Repository
from imagebot.kept import utc_now
from imagebot.poll_store import PollStore
from imagebot.settings_model import RepositorySettings


class StoredWakeups:
    """Over the store's index of uses and the settings' git repositories.

    `repositories` are those of the settings of the moment; `request` has one of them, by name,
    looked at soon.
    """

    def __init__(
        self,
        polls: PollStore,
        repositories: Callable[[], Sequence[RepositorySettings]],
        request: Callable[[str], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._polls = polls
        self._repositories = repositories
        self._request = request
        self._clock = clock

    def image(self, repository: Repository) -> Sequence[str]:
        known = {each.name for each in self._repositories()}
        self._polls.want(repository, self._clock())
        return self._requested(name for name in self._polls.users([repository]) if name in known)

    def project(self, project: str, host: str = "") -> Sequence[str]:
        return self._requested(
            each.name
            for each in self._repositories()
            if is_in_project(
                each.url, each.forge.type, each.forge.project, each.forge.api_url, project, host
            )
        )

    def _requested(self, names: Iterable[str]) -> list[str]:
        requested = list(names)
        for name in requested:
            self._request(name)
        return requested
