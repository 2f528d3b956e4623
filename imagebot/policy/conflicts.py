"""Policies that contradict each other, told before any image is seen.

Pure. Two of one folder that have one name, or that surely match the same image in the same file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from imagebot.model import Problem
from imagebot.policy.globs import Glob
from imagebot.policy.model import Policy
from imagebot.policy.rules import Folder, Rule, named


def found_among(
    folders: Mapping[str, Folder], by_name: Mapping[str, Sequence[Rule]]
) -> Iterator[Problem]:
    """A problem for each second policy of a name, then for each pair that overlaps."""
    yield from _same_names(by_name)
    yield from _overlaps(folders.values())


def _same_names(by_name: Mapping[str, Sequence[Rule]]) -> Iterator[Problem]:
    """Policies of one folder that have one name."""
    for name, rules in by_name.items():
        first_by_folder: dict[str, Policy] = {}
        for rule in rules:
            policy = rule.policy
            first = first_by_folder.setdefault(policy.folder, policy)
            if first is not policy:
                message = f"a second policy named {name!r} in this folder; {named(first)} is"
                yield Problem(
                    policy.file, policy.line, 1, message + " the first", "rename one of the two"
                )


def _overlaps(folders: Iterable[Folder]) -> Iterator[Problem]:
    """Pairs of one folder that surely match the same image in the same file."""
    for folder in folders:
        told: set[tuple[int, int]] = set()
        for rule in folder.rules:
            for glob in rule.images if not rule.is_broken else ():
                for other in folder.matching(glob.sample()):
                    pair = (min(id(rule), id(other)), max(id(rule), id(other)))
                    is_new = other is not rule and pair not in told
                    if is_new and not other.is_broken and _share_a_path(rule, other):
                        told.add(pair)
                        yield _overlap(rule.policy, other.policy, glob.text)


def _share_a_path(one: Rule, other: Rule) -> bool:
    def hits(paths: Iterable[Glob], others: Iterable[Glob]) -> bool:
        return any(glob.matches(path.sample("x.yaml")) for path in paths for glob in others)

    return hits(one.paths, other.paths) or hits(other.paths, one.paths)


def _overlap(one: Policy, other: Policy, image: str) -> Problem:
    first, second = sorted((one, other), key=lambda policy: (policy.file, policy.line))
    message = f"policy {second.name!r} and {named(first)} of one folder both match {image}"
    hint = "narrow images or paths of one of them"
    return Problem(second.file, second.line, 1, message, hint, "spec.images")
