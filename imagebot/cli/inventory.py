"""`imagebot inventory`: every image reference, where it stands and what governs it.

Asks no registry and writes nothing. Results go to stdout, problems and counts to stderr.
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape

from imagebot import clients, inventory
from imagebot.cli import common_arguments, show
from imagebot.errors import PolicyError
from imagebot.inventory import Entry, Inventory
from imagebot.status import counted
from imagebot.texts import visible

JSON_VERSION = 1  # of the shape of --output json, docs/cli.md
COLUMNS = ("file", "line", "column", "format", "image", "tag", "digest", "policy", "address")
BY_POLICY = "(by policy)"
NO_POLICY = "-"
_FORMULA_STARTS = ("=", "+", "-", "@")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "inventory",
        help="list every image reference, where it stands and what governs it",
        description="Lists every image reference of a checkout (or of a git repository) with "
        "file and line, format and policy, and what could not be read. Asks no registry.",
    )
    common_arguments.add_path(parser)
    common_arguments.add_settings(parser)
    parser.add_argument(
        "--repository",
        metavar="NAME",
        help="a git repository by its name in the settings, or by its URL, instead of PATH",
    )
    parser.add_argument(
        "--unmanaged", action="store_true", help="only those that no policy governs"
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json", "csv"), default="table", help="default: table"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    settings = common_arguments.load_settings(arguments)
    with (
        clients.build(settings) as built,
        built.to_plan(arguments.path, arguments.repository) as place,
    ):
        cache = built.store if arguments.repository else None
        taken = inventory.take(place.tree, cache, place.within)
    entries = taken.unmanaged if arguments.unmanaged else taken.entries
    if arguments.output == "json":
        print(json.dumps(as_json(taken, entries), indent=2))
    elif arguments.output == "csv":
        sys.stdout.buffer.write(as_csv(entries))
    else:
        print_by_image(show.stdout_console(), entries)
    talk = show.stderr_console()
    if arguments.output != "json":
        show.problems(talk, taken.problems)
    talk.print(summary(taken))
    return PolicyError.exit_code if taken.errors else 0


def summary(taken: Inventory) -> str:
    """One line of counts; each of those not read is among the problems."""
    repositories = len(taken.repositories)
    distinct = f"{repositories} distinct {'repository' if repositories == 1 else 'repositories'}"
    counts = [
        counted(len(taken.entries), "image reference"),
        distinct,
        f"{len(taken.unmanaged)} unmanaged",
        f"{len(taken.unread)} not read",
    ]
    counts += [counted(len(taken.errors), "error")] if taken.errors else []
    counts += [f"{counted(len(taken.ignored), 'file')} ignored"] if taken.ignored else []
    return f"{counted(taken.file_count, 'file')} looked at: {', '.join(counts)}"


def print_by_image(console: Console, entries: Iterable[Entry]) -> None:
    """One block an image, its name whole, then a line each: narrow enough for 80 columns."""
    by_image: dict[str, list[Entry]] = {}
    for entry in entries:
        by_image.setdefault(_image(entry), []).append(entry)
    for image, standing in sorted(by_image.items()):
        console.print(escape(image), style="bold")
        for cells in _aligned([_cells(entry) for entry in standing]):
            console.print(escape(f"  {cells}"))


def _image(entry: Entry) -> str:
    return entry.repository.familiar if entry.repository else BY_POLICY


def _cells(entry: Entry) -> tuple[str, ...]:
    occurrence = entry.occurrence
    tag, digest = occurrence.tag, occurrence.digest
    current = (tag or "-") + (f"@{digest.short}" if digest else "")
    policy = entry.policy.name if entry.policy else NO_POLICY
    where = f"{visible(occurrence.file)}:{occurrence.line}"
    return current, occurrence.format, visible(policy), where


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def as_csv(entries: Iterable[Entry]) -> bytes:
    """UTF-8 with a header line. Names stay as they are, so that they can be looked up.

    A path that a spreadsheet would take for a formula has `./` in front, and is the same path.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        row = entry_as_json(entry)
        for name in ("file", "policy"):
            is_formula = str(row[name] or "").startswith(_FORMULA_STARTS)
            row[name] = f"./{row[name]}" if is_formula else row[name]
        writer.writerow(row | {"address": visible(entry.occurrence.address, 1000)})
    return text.getvalue().encode()


def as_json(taken: Inventory, entries: Iterable[Entry]) -> dict[str, object]:
    """The documented shape (docs/cli.md, `inventory --output json`)."""
    return {
        "version": JSON_VERSION,
        "files": taken.file_count,
        "imageCount": len(taken.entries),
        "repositoryCount": len(taken.repositories),
        "unmanagedCount": len(taken.unmanaged),
        "unreadCount": len(taken.unread),
        "errorCount": len(taken.errors),
        "images": [entry_as_json(entry) for entry in entries],
        "problems": [show.problem_as_json(problem) for problem in taken.problems],
        "ignored": show.ignored_as_json(taken.ignored),
    }


def entry_as_json(entry: Entry) -> dict[str, object]:
    occurrence = entry.occurrence
    return {
        "file": occurrence.file,
        "line": occurrence.line,
        "column": occurrence.column,
        "address": occurrence.address,
        "format": occurrence.format,
        "image": str(entry.repository) if entry.repository else None,
        "tag": occurrence.tag,
        "digest": str(occurrence.digest) if occurrence.digest else None,
        "policy": entry.policy.identity if entry.policy else None,
        "marker": occurrence.marker.policy if occurrence.marker else None,
        "parts": [str(slot.part) for slot in occurrence.slots],
        "alsoChanges": list(occurrence.aliases),
    }
