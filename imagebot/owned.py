"""Git repositories that an owner on a forge has, and which of them imagebot looks after.

Pure. An owner is an organisation or a person on GitHub, Gitea or Forgejo, a group with all its
subgroups on GitLab. `forges/owned_*.py` list them, `discovery.py` puts both together.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Protocol

from imagebot.policy.globs import Glob

MAX_NAME_CHARACTERS = 63


@dataclass(frozen=True, slots=True)
class OwnedRepository:
    """`project` is `owner/name`, with all groups on GitLab. `changed` differs when its files may.

    `may_push` None: the forge did not say.
    """

    project: str
    https_url: str
    ssh_url: str
    branch: str
    topics: tuple[str, ...] = ()
    changed: str = ""
    is_archived: bool = False
    is_fork: bool = False
    is_empty: bool = False
    may_push: bool | None = None

    @property
    def name(self) -> str:
        return self.project.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of an owner's repositories are looked after. Empty means: whatever it is.

    `names` and `not_names` are globs (`*`, `?`) on the name, or on the whole project where they
    hold a slash; `topics`: one of them; `files`: globs of which one file's path has to match.
    """

    names: tuple[str, ...] = ()
    not_names: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    files: tuple[Glob, ...] = ()
    with_forks: bool = False


class OwnerListing(Protocol):
    """What a forge tells of an owner. Both raise ForgeError."""

    def repositories(self) -> Sequence[OwnedRepository]:
        """All that the token may see; raises rather than giving back a part of them."""
        ...

    def paths(self, repository: OwnedRepository) -> Sequence[str] | None:
        """Paths of the files on its branch; None where there are too many to tell."""
        ...


def refusal(found: OwnedRepository, wanted: Wanted) -> str:
    """Why a repository is left alone, by what the listing told; empty when it is not."""
    if found.is_archived:
        return "archived"
    if found.is_empty:
        return "empty"
    if found.is_fork and not wanted.with_forks:
        return "a fork"
    if found.may_push is False:
        return "the token may not push to it"
    if wanted.names and not _is_named(found, wanted.names):
        return "its name is not among those included"
    if _is_named(found, wanted.not_names):
        return "its name is excluded"
    if wanted.topics and not {t.casefold() for t in wanted.topics} & _topics(found):
        return f"it has no topic {' or '.join(wanted.topics)}"
    return ""


def has_file(paths: Iterable[str], globs: Sequence[Glob]) -> bool:
    return any(glob.matches(path) for path in paths for glob in globs)


def own_names(projects: Sequence[str], taken: Iterable[str]) -> dict[str, str]:
    """What commands and metrics call each project: `acme-fleet` for `acme/fleet`.

    The same whatever else is found, unless two would get the same name or one has it already
    (`taken`): those get the digest of the project behind it.
    """
    names = {project: _slug(project) for project in projects}
    used = [*taken, *names.values()]
    return {
        project: name if used.count(name) == 1 else _told_apart(name, project)
        for project, name in names.items()
    }


def _slug(project: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", project).strip("-._") or "repository"
    return name if len(name) <= MAX_NAME_CHARACTERS else _told_apart(name, project)


def _told_apart(name: str, project: str) -> str:
    digest = sha256(project.encode()).hexdigest()[:8]
    return f"{name[: MAX_NAME_CHARACTERS - 9].rstrip('-._')}-{digest}"


def _is_named(found: OwnedRepository, globs: Sequence[str]) -> bool:
    return any(
        fnmatchcase((found.project if "/" in glob else found.name).casefold(), glob.casefold())
        for glob in globs
    )


def _topics(found: OwnedRepository) -> set[str]:
    return {topic.casefold() for topic in found.topics}
