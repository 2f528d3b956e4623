"""Policies ready to match: their globs compiled, and looked up by folder and image name.

Pure. Which of those that match governs is not decided here: see governing.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from imagebot.policy.globs import Glob
from imagebot.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy, its globs compiled."""

    policy: Policy
    is_broken: bool  # it, or its name, cannot be used
    images: tuple[Glob, ...]
    paths: tuple[Glob, ...]

    def matches_path(self, file: str) -> bool:
        """Of a file in the policy's folder or below."""
        folder = self.policy.folder
        below = file[len(folder) + 1 :] if folder else file
        return any(path.matches(below) for path in self.paths)


@dataclass(slots=True)
class Folder:
    """The rules of one folder, looked up by image name."""

    exact: dict[str, list[Rule]] = field(default_factory=dict)
    globs: list[tuple[Glob, Rule]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    known: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def add(self, rule: Rule) -> None:
        self.rules.append(rule)
        for glob in rule.images:
            if glob.is_exact:
                self.exact.setdefault(glob.text, []).append(rule)
            else:
                self.globs.append((glob, rule))

    def matching(self, image: str) -> tuple[Rule, ...]:
        """Rules that match an image; remembered, since 500 images stand in 10,000 files."""
        if image not in self.known:
            found = [*self.exact.get(image, ())]
            found += [rule for glob, rule in self.globs if glob.matches(image)]
            self.known[image] = tuple({id(rule): rule for rule in found}.values())
        return self.known[image]


def reaches(policy: Policy, file: str) -> bool:
    """Whether a file is in the folder of a policy, or below, and among its paths."""
    return policy.folder in upward(file) and ready(policy, False).matches_path(file)


def ready(policy: Policy, is_broken: bool) -> Rule:
    """Compile the globs of a policy."""
    images = tuple(Glob.compile(text) for text in policy.images)
    return Rule(policy, is_broken, images, tuple(Glob.compile(text) for text in policy.paths))


def upward(file: str) -> Iterator[str]:
    """The folders that hold a file, the deepest first, "" last."""
    folder = file.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def named(policy: Policy) -> str:
    """A policy for people: its name and where it stands."""
    name = f"{policy.name!r}" if policy.name else "a policy document"
    return f"{name} ({policy.file}:{policy.line})"
