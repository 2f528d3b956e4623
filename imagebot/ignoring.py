"""Which files `.imagebotignore` keeps out, in gitignore's syntax, at any level.

Pure. A pattern counts from the folder of its file; a deeper file decides after a farther one, and
nothing below an ignored folder comes back. Patterns come from untrusted hands, so they run on RE2.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from imagebot.image import shortened
from imagebot.model import Problem

FILE_NAME = ".imagebotignore"
MAX_BYTES = 64 * 1024
MAX_PATTERNS = 1_000  # of one file


@dataclass(slots=True)
class _Folder:
    """The patterns of one file, and the lines they stand on."""

    file: str
    spec: GitIgnoreSpec
    lines: list[int]

    def decides(self, below: str) -> tuple[bool, str] | None:
        """Whether a path below the folder is ignored and by which line; None: it is not named."""
        told = self.spec.check_file(below)
        if told.include is None or told.index is None:
            return None
        return told.include, f"{self.file}:{self.lines[told.index]}"


@dataclass(slots=True)
class Ignoring:
    """The `.imagebotignore` files of one git repository."""

    problems: list[Problem] = field(default_factory=list)
    _folders: dict[str, _Folder] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)  # which line ignores a folder, or ""

    def reason(self, path: str) -> str:
        """`FILE:LINE` of the pattern that keeps a file out, "" where none does."""
        if not self._folders:
            return ""
        return self._of_folder(path.rpartition("/")[0]) or self._decided(path, path)

    def _of_folder(self, folder: str) -> str:
        if not folder:
            return ""
        known = self._known.get(folder)
        if known is None:
            above = self._of_folder(folder.rpartition("/")[0])
            known = self._known[folder] = above or self._decided(folder, folder + "/")
        return known

    def _decided(self, path: str, shown: str) -> str:
        """What the files in the folders above a path say of it, the nearest first."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            patterns = self._folders.get(folder)
            below = shown[len(folder) + 1 :] if folder else shown
            said = patterns.decides(below) if patterns else None
            if said is not None:
                return said[1] if said[0] else ""
        return ""


def read(texts: Mapping[str, str]) -> Ignoring:
    """Read the texts of `.imagebotignore` files, by path. What is no pattern is a problem."""
    ignoring = Ignoring()
    for file, text in sorted(texts.items()):
        patterns: list[GitIgnoreSpecPattern] = []
        lines: list[int] = []
        if len(text) > MAX_BYTES:
            text = text[:MAX_BYTES]
            message = f"only the first {MAX_BYTES:,} bytes are used"
            ignoring.problems.append(Problem(file, 0, 0, message))
        for number, line in enumerate(_lines(text), start=1):
            if len(patterns) >= MAX_PATTERNS:
                message = f"more than {MAX_PATTERNS:,} patterns; those from here on are not used"
                ignoring.problems.append(Problem(file, number, 1, message))
                break
            try:
                pattern = GitIgnoreSpecPattern(line)
            except GitIgnorePatternError:
                message = f"not a pattern of gitignore's syntax: {shortened(line)!r}"
                ignoring.problems.append(Problem(file, number, 1, message))
                continue
            if pattern.include is not None:
                patterns.append(pattern)
                lines.append(number)
        spec = GitIgnoreSpec(patterns, backend="re2")
        ignoring._folders[file.rpartition("/")[0]] = _Folder(file, spec, lines)
    return ignoring


def _lines(text: str) -> Iterator[str]:
    """The lines as git reads them (dir.c): each ends at LF alone, one CR before it is no part.

    A byte-order mark is none, and what follows a NUL on its line is not seen.
    """
    for line in text.removeprefix("\ufeff").split("\n"):
        yield _trimmed(line.removesuffix("\r").partition("\0")[0])


def _trimmed(line: str) -> str:
    """Without the spaces at the end, but for one behind a backslash; other blanks are of the name.

    pathspec takes every blank off the end, so one that stays goes into a range of its own.
    """
    kept = line.rstrip(" ")
    is_escaped = (len(kept) - len(kept.rstrip("\\"))) % 2 == 1
    if is_escaped and len(kept) < len(line):
        return kept + " "
    if kept[-1:].isspace():
        before = kept[:-1]
        is_escaped = (len(before) - len(before.rstrip("\\"))) % 2 == 1
        return f"{before[:-1] if is_escaped else before}[{kept[-1]}]"
    return kept
