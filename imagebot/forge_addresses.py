"""What the address of a git repository says of its forge: which kind, which project, which API.

Pure. Guesses for settings that say no more, and the answer to the question whether a remote is a
forge's own, so that the forge's token may go there.
"""

import re
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

ForgeKind = Literal[
    "github",
    "gitlab",
    "gitea",
    "forgejo",
    "bitbucket",
    "bitbucket-server",
    "azure-devops",
    "plain",
]

SCP_LIKE = re.compile(r"(?:[A-Za-z0-9_.-]+@)?(?!-)([A-Za-z0-9.-]+):(?!-)([^:\s]+)", re.ASCII)
# Azure's projects and repositories may have spaces and letters of any script.
_PART = r"(?!\.{1,2}(?:/|$))[\w.~][\w .~+&()-]*"
PROJECT = re.compile(f"{_PART}(?:/{_PART})+")

_KIND_BY_HOST: dict[str, ForgeKind] = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "gitea.com": "gitea",
    "codeberg.org": "forgejo",
    "bitbucket.org": "bitbucket",
    "dev.azure.com": "azure-devops",
    "ssh.dev.azure.com": "azure-devops",
}
_AZURE_OF_OLD = ".visualstudio.com"  # ORGANISATION.visualstudio.com, still served

PUBLIC_URLS: dict[str, str] = {
    "github": "https://api.github.com",
    "gitlab": "https://gitlab.com",
    "bitbucket": "https://api.bitbucket.org",
    "azure-devops": "https://dev.azure.com",
}
"""Where the API is when the settings name no `apiUrl`; the other kinds have no public place."""


class _Place(NamedTuple):
    host: str  # lower-case; "" for files
    path: str  # without slashes at its ends and without .git, decoded
    origin: str  # https://host[:port]


def _place(url: str) -> _Place:
    scp_like = SCP_LIKE.fullmatch(url) if "://" not in url else None
    if scp_like:
        host, path, origin = scp_like[1].lower(), scp_like[2], f"https://{scp_like[1].lower()}"
    else:
        parts = urlsplit(url)
        host, path, origin = (parts.hostname or "").lower(), parts.path, _origin(parts)
    return _Place(host, unquote(path.strip("/").removesuffix(".git")), origin)


def _origin(parts: SplitResult) -> str:
    """The port of a web address is the API's too; that of SSH is not."""
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}:{parts.port}" if parts.scheme == "https" and parts.port else (
        f"https://{host}"
    )  # fmt: skip


def guessed_kind(url: str) -> ForgeKind:
    """Which forge a git URL belongs to, as far as its host says."""
    host = _place(url).host
    if host.endswith(_AZURE_OF_OLD):
        return "azure-devops"
    return _KIND_BY_HOST.get(host, "plain")


def guessed_project(url: str, kind: str) -> str | None:
    """`owner/name` of a git URL, for Azure DevOps `organization/project/name`; None without one."""
    host, path, _ = _place(url)
    if kind == "azure-devops":
        path = _azure_project(host, path)
    elif kind == "bitbucket-server" and url.startswith("http"):
        path = path.rpartition("scm/")[2]  # https://HOST/[CONTEXT/]scm/PROJECT/NAME.git
    return path if PROJECT.fullmatch(path) else None


def _azure_project(host: str, path: str) -> str:
    if "ssh" in host.partition(".")[0]:  # git@ssh.dev.azure.com:v3/ORGANIZATION/PROJECT/NAME
        return path.partition("v3/")[2]
    before, _, name = path.rpartition("_git/")
    parts = [part for part in before.split("/") if part and part.lower() != "defaultcollection"]
    if host.endswith(_AZURE_OF_OLD):
        parts.insert(0, host.removesuffix(_AZURE_OF_OLD))
    if len(parts) == 1:  # a project's first repository has its name, and is written without it
        parts.append(name)
    return "/".join([*parts[-2:], name])


def guessed_api_url(url: str, kind: str) -> str | None:
    """Of one's own forge by the URL's host; None where the public one is meant, or for plain."""
    host, path, origin = _place(url)
    is_public = _KIND_BY_HOST.get(host) == kind and kind in PUBLIC_URLS
    if kind == "plain" or not host or is_public or host.endswith(_AZURE_OF_OLD):
        return None
    if kind == "github":
        return f"{origin}/api/v3"
    context = ""
    if kind == "bitbucket-server" and "scm/" in path:
        context = path.partition("scm/")[0]
    elif kind == "azure-devops":  # https://HOST/[tfs/]COLLECTION/PROJECT/_git/NAME
        context = "/".join(path.partition("/_git/")[0].split("/")[:-2])
    return f"{origin}/{context}".rstrip("/")


def is_hosted_by(url: str, kind: str, api_url: str | None) -> bool:
    """Whether a remote, over HTTP, is the forge's own host: its token must go to no other."""
    if urlsplit(url).scheme not in ("https", "http"):
        return False
    here, there = _place(url).host, _place(api_url or PUBLIC_URLS.get(kind, "")).host
    if kind == "azure-devops" and there == "dev.azure.com" and here.endswith(_AZURE_OF_OLD):
        return True
    hosts = {there, there.removeprefix("api.")} if kind in ("github", "bitbucket") else {there}
    return bool(here) and here in hosts


def is_in_project(
    url: str, kind: str, own: str, api_url: str | None, project: str, host: str
) -> bool:
    """Whether a git repository is the project that somebody on `host` ("": anywhere) names.

    `own` is the project that its settings name. Cases do not count, as with every forge; a host
    may come with its port or without.
    """
    wanted = project.strip("/").removesuffix(".git").casefold()
    names = {own.casefold(), (guessed_project(url, kind) or "").casefold()} - {""}
    if wanted not in names:
        return False
    return not host or host.casefold() in _hosts(url) | _hosts(api_url or PUBLIC_URLS.get(kind, ""))


def _hosts(url: str) -> set[str]:
    """How somebody may name the host of an address: with its port, without, as its API does."""
    host = _place(url).host
    port = urlsplit(url).port if "://" in url else None
    bare = {host, host.removeprefix("api.")} - {""}
    shown = {f"[{each}]" if ":" in each else each for each in bare}
    return bare | shown | ({f"{each}:{port}" for each in shown} if port else set())
