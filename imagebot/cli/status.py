"""`imagebot status`: how each git repository is, from the store alone.

Asks nothing over the network, takes no lock and writes nothing, so it works beside a running
`imagebot run`.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from imagebot import clients
from imagebot.cli import common_arguments, status_shown
from imagebot.cli.status_shown import SHOWN_STATES, Known, needs_a_person
from imagebot.errors import StoreError, UsageError
from imagebot.history import History
from imagebot.owed import Target
from imagebot.settings import Settings
from imagebot.store import Store

WATCH_SECONDS = 2.0
_CLEAR = "\x1b[H\x1b[2J"
Statuses = list[dict[str, Any]]


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "status",
        help="how each git repository is, from what the store remembers",
        description="Tells how each git repository is: its last outcome, images by state, open "
        "pull requests, what waits and why, what is owed; those in trouble first. Reads the store "
        "alone, also beside a running `imagebot run`.",
    )
    parser.add_argument(
        "repositories", nargs="*", metavar="REPOSITORY", help="names (default: all)"
    )
    common_arguments.add_settings(parser)
    parser.add_argument(
        "--needs-a-person",
        action="store_true",
        help="only those that no retry helps, or of which a pull request waits for somebody",
    )
    parser.add_argument(
        "--runs", type=int, default=0, metavar="COUNT", help="show so many of the last runs too"
    )
    parser.add_argument(
        "--watch", action="store_true", help="show it again when it changes, until Ctrl-C"
    )
    parser.add_argument(
        "-o", "--output", choices=("table", "json"), default="table", help="default: table"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    settings = common_arguments.load_settings(arguments, needs=["store"])

    def look() -> Statuses:
        found = _look(settings, arguments.repositories, arguments.runs)
        return [each for each in found if needs_a_person(each) or not arguments.needs_a_person]

    if not arguments.watch:
        _show(look(), arguments.output)
        return 0
    try:
        _watch(look, arguments.output, is_terminal=sys.stdout.isatty())
    except KeyboardInterrupt:
        return 0
    return 0


def _look(settings: Settings, asked: Sequence[str], run_count: int) -> Statuses:
    """Opens the store anew, since it may be another one by the next look."""
    names = [each.name for each in settings.repositories]
    with clients.build(settings, is_read_only=True) as built:
        store = built.store_to_read()
        last_runs = store.last_runs() if store else {}
        chosen = _chosen(list(dict.fromkeys([*names, *last_runs])), asked)
        known = _known(store, chosen, run_count) if store else {}
        nothing = {name: Known(Target(name, 0, 0)) for name in chosen}
        return [
            status_shown.status_of(name, known.get(name, nothing[name]), run_count)
            for name in chosen
        ]


def _chosen(known: Sequence[str], asked: Sequence[str]) -> Sequence[str]:
    for name in asked:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise UsageError(f"no git repository is called {name!r}", hint=f"known: {listed}")
    return asked or known


def _known(store: Store, names: Sequence[str], run_count: int) -> dict[str, Known]:
    """By a few queries, however many there are."""
    history = History(store.database)
    runs = store.newest_runs(max(run_count, 1))
    targets, states = store.targets(), history.states()
    waiting, requests = history.waiting(SHOWN_STATES), history.open_requests()
    counts: dict[str, dict[str, int]] = {}
    for (name, state), count in states.items():
        counts.setdefault(name, {})[state] = count
    return {
        name: Known(
            targets.get(name, Target(name, 0, 0)),
            runs.get(name, ()),
            counts.get(name),
            waiting.get(name, ()),
            requests.get(name, ()),
        )
        for name in names
    }


def _watch(look: Callable[[], Statuses], output: str, *, is_terminal: bool) -> None:
    """On a terminal all of it, drawn anew; elsewhere a line for each that changed.

    A store that is away is told of, and looked for again.
    """
    before: Statuses | None = None
    trouble = ""
    while True:
        now, error = before, ""
        try:
            now = look()
        except StoreError as raised:
            error = raised.with_hint
        if error and error != trouble:
            print(f"imagebot: {error}", file=sys.stderr, flush=True)
        if now is not None and (now != before or (trouble and not error)):
            _show_change(before or [], now, output, is_terminal=is_terminal)
        before, trouble = now, error
        time.sleep(WATCH_SECONDS)


def _show_change(before: Statuses, now: Statuses, output: str, *, is_terminal: bool) -> None:
    if output == "json":
        print(json.dumps(status_shown.document(now)), flush=True)
    elif is_terminal:
        size = shutil.get_terminal_size()
        print(_CLEAR + "\n".join(_fitting(now, size.columns, size.lines)), flush=True)
    else:
        for status in (each for each in now if each not in before):
            print(status_shown.headline(status), flush=True)


def _fitting(statuses: Statuses, columns: int, rows: int) -> list[str]:
    """What a screen has room for, so that its first line stays in sight."""
    cut = [
        line if len(line) <= columns else f"{line[: max(columns - 1, 0)]}…"
        for line in status_shown.lines(statuses)
    ]
    room = max(rows - 2, 1)  # the last row is the cursor's
    return cut if len(cut) <= room else [*cut[:room], f"{len(cut) - room} more lines"[:columns]]


def _show(statuses: Statuses, output: str) -> None:
    if output == "json":
        print(json.dumps(status_shown.document(statuses), indent=2))
        return
    for line in status_shown.lines(statuses):
        print(line)
