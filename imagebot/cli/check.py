"""`imagebot check`: validate policies, settings and markers as a compiler would.

Reads files; asks no registry, forge or git remote. Results go to stdout sorted by place, the
summary to stderr; the exit code is 3 when there is any error, 0 with warnings only.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imagebot import formats, ignoring, settings
from imagebot.cli import show
from imagebot.errors import PolicyError, UsageError
from imagebot.formats.prefilter import has_marker, is_ignored
from imagebot.git.tree import UNSAFE_NAME, is_safe_name
from imagebot.git.worktree import find_top_level
from imagebot.ignoring import Ignoring
from imagebot.model import Occurrence, Problem
from imagebot.policy import defaults, reading
from imagebot.policy.governing import Governor
from imagebot.policy.model import Policy, RepositoryPolicy
from imagebot.texts import visible, visible_prose
from imagebot.yaml_nodes import Section

JSON_VERSION = 1  # of the shape of --output json, docs/policies.md
MAX_FILE_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class Checked:
    """What was found in all files looked at."""

    file_count: int = 0
    policies: list[Policy] = field(default_factory=list)
    broken: list[Policy] = field(default_factory=list)
    repository_policies: list[RepositoryPolicy] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)  # files left out, and why

    def error_count(self) -> int:
        return sum(not problem.is_warning for problem in self.problems)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="validate policies, settings files and markers, like a compiler",
        description="Validates every policy document, settings file and marker under PATH.",
    )
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        default=[Path()],
        metavar="PATH",
        help="folders or files (default: here)",
    )
    parser.add_argument("--output", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check, print, and give back 3 when there is any error."""
    checked = check(arguments.paths)
    if arguments.output == "json":
        print(json.dumps(_as_json(checked), indent=2, ensure_ascii=False))
    else:
        for line in _lines(checked.problems):
            print(line)
    print(f"imagebot: {_summary(checked)}", file=sys.stderr)
    return PolicyError.exit_code if checked.error_count() else 0


def check(paths: Sequence[Path]) -> Checked:
    """Read every file under the paths that may say something to imagebot.

    Raises UsageError where a path does not exist.
    """
    checked = Checked()
    marked: list[Occurrence] = []
    files = list(_nameable(_files(paths), checked.problems))
    reasons = _ignored_by_pattern(files, paths, checked.problems)
    for file in files:
        name = file.as_posix()
        if name in reasons:
            checked.ignored.append((name, reasons[name]))
            continue
        source, unread = _content(file)
        is_marked = has_marker(source, Section(0, len(source)))
        if not (is_marked or unread or formats.is_yaml_path(name) or file in paths):
            continue  # a text that says nothing to imagebot
        checked.file_count += 1
        checked.problems += unread
        if is_ignored(source):
            checked.file_count -= 1
            checked.ignored.append((name, "its first lines say so"))
            continue
        found = reading.find(name, source)
        checked.policies += found.policies
        checked.broken += found.broken
        checked.repository_policies += found.repository_policies
        checked.problems += found.problems
        if found.has_settings:
            checked.problems += settings.check(name, source)[1]
        if is_marked:
            images = formats.find(name, source)
            checked.problems += (each for each in images.problems if not each.is_warning)
            marked += (each for each in images.occurrences if each.marker or each.other_markers)
    for_all, several = defaults.the_one(checked.repository_policies)
    governor = Governor(checked.policies, checked.broken, for_all)
    checked.problems += governor.problems
    if any((path / ".git").exists() for path in paths):
        checked.problems += (*several, *_problems_of(marked, governor))
    checked.problems.sort(key=lambda each: (each.file, each.line, each.column, each.message))
    return checked


def _problems_of(marked: Iterable[Occurrence], governor: Governor) -> Iterator[Problem]:
    """What is wrong with policies that markers name; asked only where all policies were read."""
    for occurrence in marked:
        problem = governor.govern(occurrence).problem
        if problem is not None:
            yield problem


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Each file once, named as the path was."""
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist", hint="name a folder or file")
        for file in [path] if path.is_file() else _walk(path):
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield file


def _nameable(files: Iterable[Path], problems: list[Problem]) -> Iterator[Path]:
    """The files whose names can be shown; the others are told of, as `imagebot plan` does."""
    for file in files:
        parts = (os.fsencode(part) for part in file.parts if part not in (file.anchor, ".."))
        if all(map(is_safe_name, parts)):
            yield file
        else:
            shown = os.fsencode(file).decode(errors="backslashreplace")
            problems.append(Problem(shown, 0, 0, f"not looked at: {UNSAFE_NAME}", is_warning=True))


def _ignored_by_pattern(
    files: Iterable[Path], paths: Sequence[Path], problems: list[Problem]
) -> dict[str, str]:
    """`FILE:LINE` of the pattern that keeps a file out, by its name. One that is named is in."""
    texts: dict[Path, dict[str, str]] = {}
    by_top: dict[Path, list[tuple[Path, str]]] = {}
    for file in (each for each in files if each not in paths):
        real = file.parent.resolve() / file.name
        root = next(path.resolve() for path in paths if real.is_relative_to(path.resolve()))
        top = find_top_level(root) or root
        by_top.setdefault(top, []).append((file, real.relative_to(top).as_posix()))
        known = texts.setdefault(top, {})
        for folder in (at for at in real.parents if at.is_relative_to(top)):
            patterns = folder / ignoring.FILE_NAME
            name = patterns.relative_to(top).as_posix()
            if name not in known:
                is_there = patterns.is_file() and not patterns.is_symlink()
                source, unread = _content(patterns) if is_there else (b"", ())
                problems += unread
                known[name] = source[: ignoring.MAX_BYTES + 1].decode(errors="replace")
    rules = {top: ignoring.read(_written(known)) for top, known in texts.items()}
    problems += (each for rule in rules.values() for each in rule.problems)
    return dict(_reasons(by_top, rules))


def _written(texts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _reasons(
    by_top: dict[Path, list[tuple[Path, str]]], rules: dict[Path, Ignoring]
) -> Iterator[tuple[str, str]]:
    for top, files in by_top.items():
        for file, name in files:
            reason = rules[top].reason(name)
            if reason:
                yield file.as_posix(), reason


def _content(file: Path) -> tuple[bytes, tuple[Problem, ...]]:
    """What a file holds; a problem where that is not to be had."""
    try:
        with file.open("rb") as opened:
            source = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return b"", (Problem(file.as_posix(), 0, 0, f"cannot be read: {error.strerror}"),)
    if len(source) <= MAX_FILE_BYTES:
        return source, ()
    message = f"only the first {MAX_FILE_BYTES // 1024 // 1024} MiB were checked"
    return source, (Problem(file.as_posix(), 0, 0, message, is_warning=True),)


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            file = Path(root, name)
            is_candidate = formats.is_candidate_path(name)
            if is_candidate and file.is_file() and not file.is_symlink():
                yield file


def _lines(problems: Iterable[Problem]) -> Iterator[str]:
    for problem in problems:
        kind = "warning" if problem.is_warning else "error"
        place, address = visible(problem.where()), visible(problem.address)
        parts = [place, kind, address, visible_prose(problem.message)]
        yield ": ".join(part for part in parts if part)
        if problem.hint:
            yield f"  hint: {visible_prose(problem.hint)}"


def _summary(checked: Checked) -> str:
    errors = checked.error_count()
    counts = [
        _counted(checked.file_count, "file"),
        _counted(
            len(checked.policies) + len(checked.broken) + len(checked.repository_policies),
            "policy document",
        ),
        _counted(errors, "error"),
        _counted(len(checked.problems) - errors, "warning"),
    ]
    counts += [f"{_counted(len(checked.ignored), 'file')} ignored"] if checked.ignored else []
    return ", ".join(counts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _as_json(checked: Checked) -> dict[str, object]:
    return {
        "version": JSON_VERSION,
        "files": checked.file_count,
        "policies": [
            {"name": policy.name, "file": policy.file, "line": policy.line}
            for policy in checked.policies
        ],
        "problems": [
            {
                "file": problem.file,
                "line": problem.line,
                "column": problem.column,
                "severity": "warning" if problem.is_warning else "error",
                "address": problem.address,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in checked.problems
        ],
        "ignored": show.ignored_as_json(tuple(checked.ignored)),
    }
