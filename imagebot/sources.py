"""Where an image's source is, by its own labels, and links into it.

Pure. The labels are anybody's text: a source counts only on a host that is known, public or of the
settings, and a link is put together from checked parts, never from what a label says as a whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from imagebot.details import ImageDetails
from imagebot.forge_addresses import SCP_LIKE, ForgeKind

SOURCE_LABELS = ("org.opencontainers.image.source", "org.label-schema.vcs-url")
REVISION_LABELS = ("org.opencontainers.image.revision", "org.label-schema.vcs-ref")
VERSION_LABELS = ("org.opencontainers.image.version", "org.label-schema.version")
_HOMES = ("org.opencontainers.image.url", "org.opencontainers.image.documentation")
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.~-]{1,100}", re.ASCII)
_REVISION = re.compile(r"[0-9a-f]{7,64}", re.ASCII)
_MAX_URL_LENGTH = 400
_DEEPEST = 10  # GitLab's groups in groups


@dataclass(frozen=True, slots=True)
class SourceHost:
    """A forge whose projects may be linked to and asked for releases."""

    kind: ForgeKind
    origin: str  # of its pages, `https://host[:port]`
    api_url: str  # of its API; "" where there is none to ask for releases


PUBLIC_HOSTS: Mapping[str, SourceHost] = {
    "github.com": SourceHost("github", "https://github.com", "https://api.github.com"),
    "gitlab.com": SourceHost("gitlab", "https://gitlab.com", "https://gitlab.com"),
    "codeberg.org": SourceHost("forgejo", "https://codeberg.org", "https://codeberg.org"),
    "gitea.com": SourceHost("gitea", "https://gitea.com", "https://gitea.com"),
    "bitbucket.org": SourceHost("bitbucket", "https://bitbucket.org", ""),
    "dev.azure.com": SourceHost("azure-devops", "https://dev.azure.com", ""),
}
"""By host (and port, where it is not 443), as labels name it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A project on a known forge."""

    host: SourceHost
    project: str  # OWNER/NAME; of GitLab with all its groups

    @property
    def name(self) -> str:
        return f"{urlsplit(self.host.origin).netloc}/{self.project}"

    @property
    def url(self) -> str:
        return f"{self.host.origin}/{_quoted(self.project)}"


def source_of(image: ImageDetails, hosts: Mapping[str, SourceHost]) -> Source | None:
    """The project that the labels (or annotations) name, None unless it is on one of `hosts`."""
    for key in (*SOURCE_LABELS, *_HOMES):
        found = _project(image.word(key), hosts)
        if found is not None:
            return found
    return None


def revision_of(image: ImageDetails) -> str:
    """The commit that the image was built from by its own word; "" where that is no commit id."""
    text = image.word(*REVISION_LABELS).strip().lower()
    return text if _REVISION.fullmatch(text) else ""


def compare_url(source: Source, old: str, new: str) -> str:
    """The page that shows what lies between two commits; "" where it would show nothing."""
    if not (_REVISION.fullmatch(old) and _REVISION.fullmatch(new)) or old == new:
        return ""
    match source.host.kind:
        case "github" | "gitea" | "forgejo":
            return f"{source.url}/compare/{old}...{new}"
        case "gitlab":
            return f"{source.url}/-/compare/{old}...{new}"
        case "bitbucket":
            return f"{source.url}/branches/compare/{new}%0D{old}"
        case "bitbucket-server":
            return f"{source.url}/compare/commits?sourceBranch={new}&targetBranch={old}"
        case "azure-devops":
            return f"{source.url}/branchCompare?baseVersion=GC{old}&targetVersion=GC{new}"
    return ""


def _project(text: str, hosts: Mapping[str, SourceHost]) -> Source | None:
    place = _place(text.strip()) if len(text) <= _MAX_URL_LENGTH else None
    host = hosts.get(place[0]) if place else None
    if place is None or host is None:
        return None
    project = _project_path(host.kind, place[1])
    return Source(host, project) if project else None


def _place(text: str) -> tuple[str, str] | None:
    """Host and path of an address as labels write them: https, http, ssh, git and scp-like."""
    scp_like = SCP_LIKE.fullmatch(text) if "://" not in text else None
    if scp_like:
        return scp_like[1].lower(), scp_like[2]
    try:
        parts = urlsplit(text.removeprefix("git+"))
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http", "ssh", "git") or not parts.hostname:
        return None
    is_usual = port is None or parts.scheme != "https" or port == 443
    return parts.hostname.lower() + ("" if is_usual else f":{port}"), parts.path


def _project_path(kind: ForgeKind, path: str) -> str:
    """The project's part of a path; "" for what is none."""
    parts = [part for part in path.split("/") if part]
    if kind == "gitlab":
        parts = parts[: parts.index("-")] if "-" in parts else parts
    elif kind == "bitbucket-server":
        return _bitbucket_server_path(parts)
    elif kind == "azure-devops":
        parts = parts[: parts.index("_git") + 2] if "_git" in parts else []
    else:
        parts = parts[:2]
    if parts:
        parts[-1] = parts[-1].removesuffix(".git")
    is_whole = 2 <= len(parts) <= _DEEPEST and all(_SEGMENT.fullmatch(part) for part in parts)
    return "/".join(parts) if is_whole else ""


def _bitbucket_server_path(parts: list[str]) -> str:
    """`projects/KEY/repos/NAME`, also where it is written as git has it: `scm/KEY/NAME`."""
    if len(parts) == 3 and parts[0] == "scm":
        parts = ["projects", parts[1], "repos", parts[2].removesuffix(".git")]
    is_one = len(parts) >= 4 and parts[0] in ("projects", "users") and parts[2] == "repos"
    is_whole = is_one and all(_SEGMENT.fullmatch(part) for part in parts[:4])
    return "/".join(parts[:4]) if is_whole else ""


def _quoted(project: str) -> str:
    return quote(project, safe="/~")
