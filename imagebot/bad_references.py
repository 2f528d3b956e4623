"""Which references of a group are not in its request, since they could not be read or written.

Pure. Takes the problems of files and edits, gives those that a reader of the request must know.
What a registry did not answer is none of them: it may answer in the next run, and a request's body
changes only when something happened.
"""

from collections.abc import Iterable

from imagebot.grouping import Group
from imagebot.model import Problem
from imagebot.policy.rules import reaches


class BadReferences:
    """What could not be read, or governed, in all files of a tree."""

    def __init__(self, unread: Iterable[Problem]) -> None:
        self._by_file: dict[str, list[Problem]] = {}
        self._by_image: dict[str, list[Problem]] = {}
        for each in unread:
            if each.image:
                self._by_image.setdefault(each.image, []).append(each)
            else:
                self._by_file.setdefault(each.file, []).append(each)

    def of(self, group: Group, refused: Iterable[Problem]) -> tuple[Problem, ...]:
        """Those of a group, by place: its `refused` edits, its images where its policies reach, and
        in its files what names no image."""
        found = dict.fromkeys(refused)
        for file in {choice.occurrence.file for choice in group.choices}:
            found |= dict.fromkeys(self._by_file.get(file, ()))
        by_image = {
            (choice.policy.identity, str(choice.update.repository)): choice.policy
            for choice in group.choices
            if choice.policy and choice.update
        }
        for (_, image), policy in by_image.items():
            unread = self._by_image.get(image, ())
            found |= dict.fromkeys(each for each in unread if reaches(policy, each.file))
        return tuple(sorted(found, key=_place))


def _place(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.message
