"""What is known of each registry: how it is reached, who issues its tokens, what it may do.

Pure. The settings give `RegistryRules` for an administrator's own registries; this file ships
what is public knowledge of the big ones. A registry that is in neither is reached by TLS, on
public addresses only, and may send us to no token service but itself.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from imagebot.errors import RegistryError
from imagebot.image import DOCKER_HUB, shortened
from imagebot.registries.accounts import BasicCredentials, place

DEFAULT_CONCURRENCY = 8
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Hosts that serve the distribution API under another name than the one in references.
_API_HOSTS = {DOCKER_HUB: "registry-1.docker.io"}

# Token services on another host than the registry. Most registries (ghcr.io, quay.io, gcr.io,
# *.pkg.dev, public.ecr.aws, *.azurecr.io, cgr.dev, Harbor) issue tokens themselves, and some
# (mcr.microsoft.com, registry.k8s.io) ask for none: they need no line here.
_TOKEN_SERVERS = {
    DOCKER_HUB: ("auth.docker.io",),
    "registry.gitlab.com": ("gitlab.com",),
    "docker.elastic.co": ("docker-auth.elastic.co",),
    "registry.digitalocean.com": ("api.digitalocean.com",),
    "registry.suse.com": ("scc.suse.com",),
    "lscr.io": ("ghcr.io",),
}


class Kind(StrEnum):
    """Whose software a registry runs, as far as it tells when tags were pushed (published.py)."""

    DISTRIBUTION = "distribution"  # tells nothing of that
    DOCKER_HUB = "docker-hub"
    QUAY = "quay"
    HARBOR = "harbor"
    GOOGLE = "google"  # Artifact Registry, Container Registry
    ACR = "acr"


_KINDS = {
    DOCKER_HUB: Kind.DOCKER_HUB,
    "quay.io": Kind.QUAY,
    "gcr.io": Kind.GOOGLE,
    "*.gcr.io": Kind.GOOGLE,
    "*-docker.pkg.dev": Kind.GOOGLE,
    "registry.k8s.io": Kind.GOOGLE,  # redirects there
    "*.azurecr.io": Kind.ACR,
    "*.azurecr.cn": Kind.ACR,
    "*.azurecr.us": Kind.ACR,
}
# Where Docker Hub tells when tags were pushed: another host than its registry.
_HUB_API_HOST = "hub.docker.com"


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Scheme, host and port: what credentials are bound to."""

    scheme: str
    host: str  # lower-case, IPv6 without brackets
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @classmethod
    def of(cls, url: str) -> "Origin":
        """Origin of an http(s) URL. Raises RegistryError when it is not one."""
        try:
            parts = urlsplit(url)
            port = parts.port or _DEFAULT_PORTS[parts.scheme]
        except (ValueError, KeyError):
            raise RegistryError(f"not an http(s) address: {shortened(url)!r}") from None
        if not parts.hostname or parts.username is not None or parts.password is not None:
            raise RegistryError(f"not an http(s) address: {shortened(parts.netloc)!r}")
        return cls(parts.scheme, parts.hostname, port)


def resolved(base: str, reference: str) -> str:
    """An address that a server named, made whole. Raises RegistryError when it is none."""
    try:
        return urljoin(base, reference)
    except ValueError:
        raise RegistryError(f"not an http(s) address: {shortened(reference)!r}") from None


@dataclass(frozen=True, slots=True)
class RegistryRules:
    """One registry, named by `host[:port]` as in references.

    `insecure`: plain HTTP is used. `internal`: private and loopback addresses are allowed for it
    and its token servers. `ca_file`: PEM certificates trusted besides the system's.
    `token_servers`: hosts (`host[:port]`) that may be given its credentials.
    `concurrency`: requests to it at one time. `requests_per_minute`: None for no limit.
    `kind`: None goes by the host.
    `hub_api_host`: asked, without credentials, when a registry like Docker Hub took tags in.
    """

    host: str
    insecure: bool = False
    internal: bool = False
    ca_file: Path | None = None
    credentials: BasicCredentials | None = None
    token_servers: tuple[str, ...] = ()
    concurrency: int = DEFAULT_CONCURRENCY
    requests_per_minute: int | None = None
    kind: Kind | None = None
    hub_api_host: str = _HUB_API_HOST

    @property
    def known_kind(self) -> Kind:
        if self.kind is not None:
            return self.kind
        found = (kind for pattern, kind in _KINDS.items() if fnmatchcase(self.host, pattern))
        return next(found, Kind.DISTRIBUTION)

    @property
    def hub_api(self) -> "RegistryRules":
        """How that other host is reached: by the same ways, and as nobody."""
        return replace(self, host=self.hub_api_host, credentials=None, token_servers=())

    @property
    def scheme(self) -> str:
        return "http" if self.insecure else "https"

    @property
    def origin(self) -> Origin:
        """Where the distribution API answers."""
        return Origin.of(f"{self.scheme}://{_API_HOSTS.get(self.host, self.host)}")

    @property
    def token_origins(self) -> frozenset[Origin]:
        """Who may be given this registry's credentials: itself and its token servers."""
        listed = (*self.token_servers, *_TOKEN_SERVERS.get(self.host, ()))
        servers = {Origin.of(f"https://{host}") for host in listed}
        if self.insecure:
            servers |= {Origin.of(f"http://{host}") for host in listed}
        return frozenset(servers | {self.origin})


def without_aliases(rules: RegistryRules) -> RegistryRules:
    """The same rules under the host that parsed references carry."""
    return replace(rules, host=place(rules.host))
