"""Every image reference of a tree and the policy that governs it. Asks no registry.

Joins the survey and the governing policies, as `planning.look` does before it asks anybody.
"""

from dataclasses import dataclass

from imagebot.image import ImageReference, Repository
from imagebot.interfaces import FileTree, OccurrenceCache
from imagebot.model import Occurrence, Problem
from imagebot.planning import govern, is_within
from imagebot.policy.model import Policy
from imagebot.survey import survey


@dataclass(frozen=True, slots=True)
class Entry:
    """One occurrence. `reference` is None where only a policy could say which image it is."""

    occurrence: Occurrence
    reference: ImageReference | None
    policy: Policy | None

    @property
    def repository(self) -> Repository | None:
        return self.reference.repository if self.reference else None


@dataclass(frozen=True, slots=True)
class Inventory:
    """All entries, in the order of the files and of their lines; and what is wrong or unread."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]  # also those of policies above the folder
    unread: tuple[Problem, ...]  # those of files, documents and values that could not be read
    file_count: int  # files looked at, in the whole tree
    ignored: tuple[tuple[str, str], ...] = ()  # path and reason of files that are left out

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Policies, markers and fields that cannot work."""
        return tuple(problem for problem in self.problems if not problem.is_warning)

    @property
    def unmanaged(self) -> tuple[Entry, ...]:
        """Those that no policy governs, though none was asked to leave them alone."""
        return tuple(
            entry
            for entry in self.entries
            if entry.policy is None and not entry.occurrence.is_ignored
        )

    @property
    def repositories(self) -> frozenset[Repository]:
        """The distinct image repositories."""
        return frozenset(entry.repository for entry in self.entries if entry.repository)


def take(tree: FileTree, cache: OccurrenceCache | None = None, within: str = "") -> Inventory:
    """The inventory of the folder or file `within`, "" for the whole tree."""
    found = survey(tree, cache)
    wanted, ungoverned = govern(found, None, within)
    # A policy that is wrong bears on all that stands beside and below it.
    wrong = [
        problem
        for problem in (*found.policy_problems, *ungoverned)
        if is_within(problem.file, within) or is_within(within, problem.file.rpartition("/")[0])
    ]
    seen = [problem for problem in found.problems if is_within(problem.file, within)]
    return Inventory(
        entries=tuple(Entry(item.occurrence, item.reference, item.policy) for item in wanted),
        problems=(*seen, *(problem for problem in wrong if problem not in seen)),
        unread=tuple(
            problem
            for problem in found.unread
            if problem.is_warning and is_within(problem.file, within)
        ),
        file_count=found.file_count,
        ignored=found.ignored,
    )
