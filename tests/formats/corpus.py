"""Every image of the corpus: edited byte for byte, or reported, or explained; never passed over.

    python -m tests.formats.corpus        (make corpus)

The corpus, files of public GitOps repositories, stands beside the project in `../shared/corpus`
or where CORPUS_FOLDER says. Each occurrence is given a longer and a shorter tag; only its own
bytes may change, and the file must load to the same data but for that one value. What
plain_search.py sees, and imagebot neither finds nor reports, is silent. Ends with 1 where
anything is silent or wrong.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from imagebot import edits, formats, image
from imagebot.errors import ImagebotError
from imagebot.image import Digest
from imagebot.model import Found, Occurrence, Update
from tests.formats import plain_search
from tests.formats.plain_search import Seen

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CORPUS_FOLDER") or ROOT.parent / "shared" / "corpus")
LONGER, SHORTER = "2026.11.23-a-rather-long-tag", "2"
OTHER_DIGEST = Digest("sha256:" + "1a" * 32)  # for what has no tag
POLICY_IMAGE = image.parse("ghcr.io/acme/by-policy:1")  # for what has no name
SECTION = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
CannotLoad = (yaml.YAMLError, RecursionError)


class CorpusFile(NamedTuple):
    path: str
    source: bytes
    found: Found


@dataclass(slots=True)
class Row:
    """What came of one format. `wrong` and `silent` must be empty."""

    files: set[str] = field(default_factory=set)
    occurrence_count: int = 0
    edited_count: int = 0
    seen_count: int = 0  # by the plain search, as those below
    found_count: int = 0
    reported_count: int = 0
    explained: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def read_corpus(folder: Path = CORPUS) -> Iterator[CorpusFile]:
    """Every file of the corpus, also those that imagebot does not look at."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and "/" in name:
            source = path.read_bytes()
            yield CorpusFile(name, source, formats.find(name, source))


def examine(files: Iterable[CorpusFile]) -> dict[str, Row]:
    """Rows by format."""
    rows: dict[str, Row] = {}
    for file in files:
        for occurrence in file.found.occurrences:
            row = rows.setdefault(occurrence.format, Row())
            row.files.add(file.path)
            row.occurrence_count += 1
            edit_both_ways(file, occurrence, row)
        for seen in plain_search.search(file.path, file.source):
            note_seen(file, seen, rows.setdefault(seen.kind, Row()))
    return rows


# Edits


def edit_both_ways(file: CorpusFile, occurrence: Occurrence, row: Row) -> None:
    where = f"{file.path}:{occurrence.line}"
    try:
        contents = [
            (tag, edits.rewrite(file.path, file.source, [wanted], formats.find).content)
            for tag, wanted in updates(occurrence)
        ]
    except ImagebotError as error:
        row.refused[str(error).removeprefix(f"{where}: ").removeprefix(f"{file.path}: ")] += 1
        return
    problems = [
        f"{where}: {problem}"
        for tag, content in contents
        for problem in (
            *wrong_bytes(file.source, content, occurrence),
            *wrong_data(file, content, tag),
        )
    ]
    row.wrong += problems
    row.edited_count += not problems


def updates(occurrence: Occurrence) -> Iterator[tuple[str, Update]]:
    """What is written, and the update that writes it."""
    reference = occurrence.reference or POLICY_IMAGE
    if any(slot.part.holds_tag for slot in occurrence.slots):
        for tag in (LONGER, SHORTER):
            yield tag, Update(occurrence, reference, tag, occurrence.digest, None)
    else:
        digest = OTHER_DIGEST.text.removeprefix("sha256:")
        yield digest, Update(occurrence, reference, occurrence.tag or "", OTHER_DIGEST, None)


def wrong_bytes(before: bytes, after: bytes, occurrence: Occurrence) -> Iterator[str]:
    """All bytes outside of one slot of the occurrence must be the bytes that were there."""
    if before == after:
        yield "nothing was changed"
        return
    for slot in occurrence.slots:
        start, rest = slot.span.start, before[slot.span.end :]
        is_same_before = after[:start] == before[:start]
        if is_same_before and after.endswith(rest) and len(after) >= start + len(rest):
            return
    yield "bytes outside of the value have changed"


def wrong_data(file: CorpusFile, content: bytes, written: str) -> Iterator[str]:
    """The file must load as before, but for one text that holds what was written."""
    try:
        before = data(file.source)
    except CannotLoad:
        return  # only imagebot reads the rest of such a file
    try:
        after = data(content)
    except CannotLoad as error:
        yield f"the file does not load any more: {error}"
        return
    differing = [pair for pair in zip(before, after, strict=False) if pair[0] != pair[1]]
    if len(before) != len(after) or len(differing) != 1:
        yield f"{len(differing)} values differ, {len(before)} became {len(after)}"
        return
    (_, (tag, value)) = differing[0]
    if tag != "tag:yaml.org,2002:str" or written not in value:
        yield f"the value became {value!r} ({tag})"


def data(source: bytes, loader: Any = yaml.CSafeLoader) -> list[tuple[str, str]]:
    """Type and value of each node of a whole file as PyYAML loads it; aliases count once."""
    text = source.decode("utf-8")
    values: list[tuple[str, str]] = []
    met: set[int] = set()
    waiting = [root for root in yaml.compose_all(text, Loader=loader) if root is not None][::-1]
    while waiting:
        node = waiting.pop()
        if id(node) in met:
            continue
        met.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            values.append((node.tag, node.value))
        elif isinstance(node, yaml.SequenceNode):
            values.append((node.tag, f"{len(node.value)} items"))
            waiting += node.value[::-1]
        else:
            values.append((node.tag, f"{len(node.value)} pairs"))
            waiting += [each for pair in node.value[::-1] for each in pair[::-1]]
    return values


# What a plain search sees


def note_seen(file: CorpusFile, seen: Seen, row: Row) -> None:
    row.seen_count += 1
    reason = plain_search.explanation(seen)
    if is_found(file, seen):
        row.found_count += 1
    elif is_reported(file, seen):
        row.reported_count += 1
    elif reason is not None:
        row.explained[reason] += 1
    else:
        row.silent.append(str(seen))


def is_found(file: CorpusFile, seen: Seen) -> bool:
    """Whether a slot of an occurrence stands in the lines of the value, with text of it."""
    lines = range(seen.first_line, seen.last_line + 1)
    return any(
        slot.text in seen.text and line_of(file.source, place) in lines
        for occurrence in file.found.occurrences
        for slot in occurrence.slots
        for place in (slot.span.start, slot.span.end)
    )


def is_reported(file: CorpusFile, seen: Seen) -> bool:
    """Whether a problem names the value's lines; for what does not load, the same section."""
    lines = range(seen.first_line, seen.last_line + 1)
    if seen.by_line:
        starts = [line_of(file.source, at.start()) for at in SECTION.finditer(file.source)]
        start = max((line for line in starts if line <= seen.first_line), default=1)
        end = min((line for line in starts if line > seen.first_line), default=10**9)
        lines = range(start, end)
    return any(problem.line in lines for problem in file.found.problems)


def line_of(source: bytes, offset: int) -> int:
    return source.count(b"\n", 0, offset) + 1


# Showing it


HEAD = ("format", "files", "occurrences", "edited", "refused", "wrong", "|", "seen by a plain "
        "search", "found", "reported", "explained", "silent")  # fmt: skip


def table(rows: dict[str, Row]) -> list[str]:
    """One line a format and one for all of them."""
    lines = [HEAD]
    for name, row in sorted(rows.items()):
        lines.append(_cells(name, [row]))
    lines.append(_cells("all", list(rows.values())))
    widths = [max(len(cells[place]) for cells in lines) for place in range(len(HEAD))]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        for cells in lines
    ]


def _cells(name: str, rows: Sequence[Row]) -> tuple[str, ...]:
    counts = (
        len({file for row in rows for file in row.files}),
        sum(row.occurrence_count for row in rows),
        sum(row.edited_count for row in rows),
        sum(row.refused.total() for row in rows),
        sum(len(row.wrong) for row in rows),
        "|",
        sum(row.seen_count for row in rows),
        sum(row.found_count for row in rows),
        sum(row.reported_count for row in rows),
        sum(row.explained.total() for row in rows),
        sum(len(row.silent) for row in rows),
    )
    return (name, *map(str, counts))


def main() -> int:
    if not CORPUS.is_dir():
        print(f"the corpus is missing: {CORPUS} (set CORPUS_FOLDER)", file=sys.stderr)
        return 2
    files = list(read_corpus())
    rows = examine(files)
    size = sum(len(file.source) for file in files) / 1e6
    problem_count = sum(len(file.found.problems) for file in files)
    print(f"{len(files)} files, {size:.1f} MB; {problem_count} problems reported\n")
    print("\n".join(table(rows)))
    for title, counts in (
        ("refused, since", sum((row.refused for row in rows.values()), Counter())),
        (
            "explained: not for imagebot to find",
            sum((row.explained for row in rows.values()), Counter()),
        ),
    ):
        print(f"\n{title}:")
        for words, count in counts.most_common():
            print(f"  {count:>5}  {words}")
    failures = [
        f"{kind}: {line}"
        for row in rows.values()
        for kind, lines in (("wrong", row.wrong), ("silent", row.silent))
        for line in lines
    ]
    print("\n".join(failures), file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
