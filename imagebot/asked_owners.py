"""Whom the CODEOWNERS of a tree names for a group's files, and what comes of it for nobody.

Reads one file of the tree, once, and only where a policy asks for code owners.
"""

from collections.abc import Sequence

from imagebot import owners, request_rules
from imagebot.grouping import Group
from imagebot.interfaces import FileTree
from imagebot.model import Problem
from imagebot.owners import Owners
from imagebot.policy.model import Policy

MAX_NAMED = 5  # e-mail addresses in one warning
_ASKS = "pullRequest.codeOwners: "


class CodeOwners:
    """Answers for the groups of one tree. `problems` are warnings, each of them told once."""

    def __init__(self, tree: FileTree, forge: str) -> None:
        """`forge` is the type of the forge, "" where none is known: then nobody owns anything."""
        self._tree = tree
        self._forge = forge
        self._dialect = owners.DIALECTS.get(forge)
        self._read: tuple[str, bytes] | None = None  # path and content
        self._problems: dict[Problem, None] = {}

    @property
    def problems(self) -> list[Problem]:
        return list(self._problems)

    def of(self, group: Group, files: Sequence[str]) -> tuple[str, ...]:
        """User names, or org/team, where a policy of the group asks for the owners of its files."""
        policies = request_rules.policies_of(group)
        asking = next((each for each in policies if each.pull_request.code_owners), None)
        if asking is None or not self._forge:
            return ()
        if self._dialect is None:
            if not self._problems:  # one policy stands for all: the reason is the forge
                self._tell(_without_owners(asking, self._forge))
            return ()
        path, content = self._file(owners.FILES[self._dialect])
        found = owners.owners_of(content, self._dialect, files)
        for problem in (*_unread(path, found), *_not_asked(asking, found)):
            self._tell(problem)
        return found.reviewers

    def _file(self, paths: Sequence[str]) -> tuple[str, bytes]:
        if self._read is None:
            contents = dict(self._tree.read(paths))
            path = next((each for each in paths if each in contents), paths[0])
            self._read = path, contents.get(path, b"")
        return self._read

    def _tell(self, problem: Problem) -> None:
        self._problems[problem] = None


def _without_owners(policy: Policy, forge: str) -> Problem:
    told = f"{_ASKS}imagebot reads no code owners of a forge of type {forge}, so it asks nobody"
    hint = "name people under pullRequest.reviewers"
    return Problem(policy.file, policy.line, 0, told, hint=hint, is_warning=True)


def _unread(path: str, found: Owners) -> list[Problem]:
    """The first line that means nothing, and how many more there are."""
    if not found.unread:
        return []
    first, more = found.unread[0], len(found.unread) - 1
    rest = f", and {more} more of its lines mean nothing" if more else ""
    told = f"nobody is asked for review by this: {first.why}{rest}"
    return [Problem(path, first.line, 0, told, is_warning=True)]


def _not_asked(policy: Policy, found: Owners) -> list[Problem]:
    told: list[str] = []
    if found.left_out:
        told.append(
            f"{found.left_out} owners beyond the first {owners.MAX_REVIEWERS} are not asked"
        )
    if found.emails:
        more = len(found.emails) - MAX_NAMED
        names = ", ".join(found.emails[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
        told.append(f"owners named by an e-mail address cannot be asked: {names}")
    return [Problem(policy.file, policy.line, 0, _ASKS + each, is_warning=True) for each in told]
