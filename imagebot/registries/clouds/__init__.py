"""Credentials of a cloud's registry from the identity that the cloud gives this process.

No key is stored anywhere: the cloud's own library (an extra of the package) proves to the cloud
who we are, and gets credentials that hold for hours. They are asked for anew before they expire.
`CLOUDS` is the table; docs/registries.md tells users.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from imagebot.registries.accounts import BasicCredentials
from imagebot.registries.clouds import aws, azure, gcp
from imagebot.registries.clouds.issuing import Exchange, Issued
from imagebot.registries.outcomes import Outcomes

_EARLY_SECONDS = 300.0  # asked anew so long before the end
_LONGEST_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Cloud:
    """`serves` knows a cloud's registries by their hosts; `issue` asks for credentials."""

    serves: Callable[[str], bool]
    issue: Callable[[str, Exchange], Issued]


CLOUDS: Mapping[str, Cloud] = {
    "aws": Cloud(aws.serves, aws.issue),
    "azure": Cloud(azure.serves, azure.issue),
    "gcp": Cloud(gcp.serves, gcp.issue),
}


class CloudIdentities:
    """Credentials by host, for the hosts of `names` and for those that `by_host` lists.

    Thread-safe. Both hold keys of `clouds`.
    """

    def __init__(
        self,
        names: Collection[str] = (),
        by_host: Mapping[str, str] | None = None,
        clouds: Mapping[str, Cloud] = CLOUDS,
    ) -> None:
        self._names = sorted(names)
        self._by_host = dict(by_host or {})
        self._clouds = clouds
        self._outcomes: Outcomes[str, BasicCredentials] = Outcomes()

    def get(self, host: str, exchange: Exchange) -> BasicCredentials | None:
        """None where no cloud is responsible for the host. Raises RegistryError."""
        cloud = self._cloud_of(host)
        if cloud is None:
            return None

        def ask() -> tuple[BasicCredentials, float]:
            issued = cloud.issue(host, exchange)
            return issued.credentials, kept_seconds(issued.seconds)

        return self._outcomes.get(host, ask)

    def _cloud_of(self, host: str) -> Cloud | None:
        if host in self._by_host:
            return self._clouds[self._by_host[host]]
        return next((self._clouds[n] for n in self._names if self._clouds[n].serves(host)), None)


def kept_seconds(lifetime_seconds: float) -> float:
    """How long credentials are used: not to their end, and no longer than a revocation may take."""
    early = min(_EARLY_SECONDS, lifetime_seconds / 4)
    return min(max(lifetime_seconds - early, 1.0), _LONGEST_SECONDS)
