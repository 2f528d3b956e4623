"""Which files `.imagebotignore` keeps out, in gitignore's syntax, at any level.

Pure. As git does it: the folders above a file are asked first, from the root down, and nothing
below an ignored one comes back. A pattern counts from the folder of its file; of those that name
the same path the last one decides, and a deeper file's before a farther one's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from imagebot.errors import PolicyError
from imagebot.image import shortened
from imagebot.model import Problem
from imagebot.wildmatch import IgnorePattern, Patterns, parse

FILE_NAME = ".imagebotignore"
MAX_BYTES = 64 * 1024
MAX_PATTERNS = 1_000  # of one file


@dataclass(slots=True)
class _Folder:
    """The patterns of one file, and the lines they stand on."""

    file: str
    patterns: Patterns
    lines: list[int]

    def decides(self, below: str, *, is_folder: bool) -> tuple[bool, str] | None:
        """Whether a path below the folder is ignored and by which line; None: it is not named."""
        index = self.patterns.deciding(below, is_folder=is_folder)
        if index is None:
            return None
        return not self.patterns[index].is_negated, f"{self.file}:{self.lines[index]}"


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
        return self._of_folder(path.rpartition("/")[0]) or self._decided(path)

    def _of_folder(self, folder: str) -> str:
        if not folder:
            return ""
        known = self._known.get(folder)
        if known is None:
            above = self._of_folder(folder.rpartition("/")[0])
            known = self._known[folder] = above or self._decided(folder, is_folder=True)
        return known

    def _decided(self, path: str, *, is_folder: bool = False) -> str:
        """What the files in the folders above a path say of it, the nearest first."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            patterns = self._folders.get(folder)
            below = path[len(folder) + 1 :] if folder else path
            said = patterns.decides(below, is_folder=is_folder) if patterns else None
            if said is not None:
                return said[1] if said[0] else ""
        return ""


def read(texts: Mapping[str, str]) -> Ignoring:
    """Read the texts of `.imagebotignore` files, by path. What is no pattern is a problem."""
    ignoring = Ignoring()
    for file, text in sorted(texts.items()):
        patterns = _patterns(file, text, ignoring.problems)
        try:
            together = Patterns(patterns.values())
        except PolicyError as error:
            message = f"its patterns together are too large, so none is used: {error}"
            ignoring.problems.append(Problem(file, 0, 0, message))
            continue
        ignoring._folders[file.rpartition("/")[0]] = _Folder(file, together, list(patterns))
    return ignoring


def _patterns(file: str, text: str, problems: list[Problem]) -> dict[int, IgnorePattern]:
    """The patterns of a file by their lines; what is none is told, and the others count."""
    patterns: dict[int, IgnorePattern] = {}
    if len(text) > MAX_BYTES:
        text = text[:MAX_BYTES]
        message = f"only the first {MAX_BYTES:,} bytes are used"
        problems.append(Problem(file, 0, 0, message))
    for number, line in enumerate(_lines(text), start=1):
        if not line or line.startswith("#"):
            continue
        if len(patterns) >= MAX_PATTERNS:
            message = f"more than {MAX_PATTERNS:,} patterns; those from here on are not used"
            problems.append(Problem(file, number, 1, message))
            break
        try:
            patterns[number] = parse(line)
        except PolicyError as error:
            message = f"not a pattern of gitignore's syntax: {shortened(line)!r}: {error}"
            hint = "git takes it for a pattern that matches nothing"
            problems.append(Problem(file, number, 1, message, hint))
    return patterns


def _lines(text: str) -> Iterator[str]:
    """The lines as git reads them (dir.c): each ends at LF alone, one CR before it is no part.

    A byte-order mark is none, and what follows a NUL on its line is not seen.
    """
    for line in text.removeprefix("\ufeff").split("\n"):
        yield _trimmed(line.removesuffix("\r").partition("\0")[0])


def _trimmed(line: str) -> str:
    """Without spaces at the end, but for one behind a backslash; other blanks are of the name."""
    kept = line.rstrip(" ")
    is_escaped = (len(kept) - len(kept.rstrip("\\"))) % 2 == 1
    return kept + " " if is_escaped and len(kept) < len(line) else kept
