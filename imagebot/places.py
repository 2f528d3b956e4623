"""Whose a file is, by its path: application folder, environment and team.

Pure. The usual layouts of GitOps repositories name them by folders: `apps/api/overlays/prod/`,
`clusters/prod/`, `environments/staging.yaml`, `teams/payments/api/`. Where a repository has other
habits, its policy says so with patterns (`pullRequest.places`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from imagebot.patterns import Pattern
from imagebot.policy.model import PlacePatterns

# Folders that hold one folder, or file, for each environment.
_ENVIRONMENT_HOLDERS = frozenset(
    {"environments", "environment", "envs", "env", "clusters", "cluster", "stages"}
)
_OVERLAYS = frozenset({"overlays", "overlay"})
_TEAM_HOLDERS = frozenset({"teams", "team", "tenants", "tenant", "squads"})
_APPLICATION_HOLDERS = frozenset(
    {"apps", "applications", "services", "workloads", "components", "charts"}
)
_ENVIRONMENTS = frozenset(
    {
        *("prod", "production", "live", "preprod", "pre-prod", "staging", "stage", "stg", "uat"),
        *("qa", "test", "testing", "integration", "int", "dev", "development", "preview"),
        *("sandbox", "demo", "canary"),
    }
)
_NOT_THE_APPLICATION = frozenset({"base", *_OVERLAYS, *_ENVIRONMENT_HOLDERS})


@dataclass(frozen=True, slots=True)
class Place:
    """What a path says. "" where it says nothing of it."""

    folder: str = ""  # of the application, from the root
    environment: str = ""
    team: str = ""


def place_of(file: str, patterns: PlacePatterns) -> Place:
    """Read a path, from the root. A pattern that does not match says nothing of it."""
    *folders, name = file.split("/")
    return Place(
        folder=_by(patterns.folder, file, lambda: _application(folders)),
        environment=_by(patterns.environment, file, lambda: _environment(folders, name)),
        team=_by(patterns.team, file, lambda: _behind(_TEAM_HOLDERS, folders, name)),
    )


def _by(pattern: Pattern | None, file: str, usual: Callable[[], str]) -> str:
    if pattern is None:
        return usual()
    found = pattern.search(file)
    if found is None:
        return ""
    return next((group for group in found.groups[1:] if group), str(found))


def _environment(folders: Sequence[str], name: str) -> str:
    """The folder below `environments`, `clusters`...; else a folder, overlay or file so named."""
    return (
        _behind(_ENVIRONMENT_HOLDERS, folders, name)
        or next((folder for folder in folders if folder.lower() in _ENVIRONMENTS), "")
        or _behind(_OVERLAYS, folders, name)
        or _environment_of_file(_stem(name))
    )


def _environment_of_file(stem: str) -> str:
    """`prod` of `values-prod.yaml`, `values.prod.yaml` and `prod.yaml`."""
    last = stem.replace(".", "-").replace("_", "-").rpartition("-")[2]
    return last if last.lower() in _ENVIRONMENTS else ""


def _behind(holders: Collection[str], folders: Sequence[str], name: str) -> str:
    """What stands right below the first such folder; a file counts without its suffix."""
    for index, folder in enumerate(folders):
        if folder.lower() in holders:
            return folders[index + 1] if index + 1 < len(folders) else _stem(name)
    return ""


def _application(folders: Sequence[str]) -> str:
    """The folder below `apps`, `services`...; else all above `base`, `overlays`, `prod`...."""
    for index, folder in enumerate(folders[:-1]):
        if folder.lower() in _APPLICATION_HOLDERS:
            at = index + 1
            while at < len(folders) - 1 and _is_of_environments(folders[at]):
                at += 1
            return "/".join(folders[: at + 1])
    for index, folder in enumerate(folders):
        if index and _is_of_environments(folder):
            return "/".join(folders[:index])
    return "/".join(folders)


def _is_of_environments(folder: str) -> bool:
    return folder.lower() in _NOT_THE_APPLICATION or folder.lower() in _ENVIRONMENTS


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
