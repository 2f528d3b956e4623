"""`imagebot status`: how each git repository is, from the store alone.

Asks nothing over the network, takes no lock and writes nothing, so it works beside a running
`imagebot run`.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from imagebot import clients
from imagebot.cli import common_arguments
from imagebot.errors import UsageError
from imagebot.history import History
from imagebot.history_model import STATES, Decision, SeenRequest
from imagebot.owed import Run, Target
from imagebot.store import Store
from imagebot.texts import one_line
from imagebot.times import shown_duration, shown_time

JSON_VERSION = 1  # of the shape of --output json, docs/cli.md
WATCH_SECONDS = 2.0
MAX_WAITING = 10  # lines of what waits, of one git repository
_CLEAR = "\x1b[H\x1b[2J"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "status",
        help="how each git repository is, from what the store remembers",
        description="Tells how each git repository is: its last outcome, images by state, open "
        "pull requests, what waits and why, what is owed. Reads the store alone, also beside a "
        "running `imagebot run`.",
    )
    parser.add_argument(
        "repositories", nargs="*", metavar="REPOSITORY", help="names (default: all)"
    )
    common_arguments.add_settings(parser)
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
    names = [each.name for each in settings.repositories]
    with clients.build(settings, is_read_only=True) as built:

        def look() -> list[dict[str, Any]]:
            store = built.store_to_read()
            known = [*names, *(store.last_runs() if store else ())]
            chosen = _chosen(list(dict.fromkeys(known)), arguments.repositories)
            return [_of(store, name, arguments.runs) for name in chosen]

        if not arguments.watch:
            _show(look(), arguments.output)
            return 0
        try:
            _watch(look, arguments.output, is_terminal=sys.stdout.isatty())
        except KeyboardInterrupt:
            return 0
    return 0


def _chosen(known: Sequence[str], asked: Sequence[str]) -> Sequence[str]:
    for name in asked:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise UsageError(f"no git repository is called {name!r}", hint=f"known: {listed}")
    return asked or known


def _watch(look: Callable[[], list[dict[str, Any]]], output: str, *, is_terminal: bool) -> None:
    """On a terminal all of it, drawn anew; elsewhere a line for each that changed."""
    before: list[dict[str, Any]] = []
    while True:
        now = look()
        if now != before:
            if output == "json":
                print(json.dumps(_document(now)), flush=True)
            elif is_terminal:
                print(_CLEAR, end="")
                _show(now, output)
                sys.stdout.flush()
            else:
                for status in (each for each in now if each not in before):
                    print(_headline(status), flush=True)
        before = now
        time.sleep(WATCH_SECONDS)


def _show(statuses: Sequence[Mapping[str, Any]], output: str) -> None:
    if output == "json":
        print(json.dumps(_document(statuses), indent=2))
        return
    for status in statuses:
        for line in (_headline(status), *_details(status)):
            print(one_line(line, 500) if not line.startswith("  ") else f"  {one_line(line, 500)}")


def _document(statuses: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"version": JSON_VERSION, "repositories": statuses}


def _of(store: Store | None, name: str, run_count: int) -> dict[str, Any]:
    """The documented shape (docs/cli.md, `status --output json`)."""
    if store is None:
        return _as_json(name, Target(name, 0, 0), (), (), (), 0)
    history = History(store.database)
    runs = store.runs(name, max(run_count, 1))
    requests = [each for each in history.requests(name) if each.is_open]
    return _as_json(name, store.target(name), runs, history.decisions(name), requests, run_count)


def _as_json(
    name: str,
    target: Target,
    runs: Sequence[Run],
    decisions: Sequence[Decision],
    requests: Sequence[SeenRequest],
    run_count: int,
) -> dict[str, Any]:
    counts = {state: sum(each.state == state for each in decisions) for state in STATES}
    return {
        "name": name,
        "lastRun": _run_as_json(runs[0]) if runs else None,
        "images": counts,
        "openRequests": [
            {
                "number": each.number,
                "url": each.url,
                "title": each.title,
                "openedAt": _time(each.opened_at),
                "versions": list(each.versions),
            }
            for each in requests
        ],
        "waiting": [
            {
                "file": each.file,
                "line": each.line,
                "image": each.image,
                "current": each.current,
                "state": each.state,
                "reason": each.reason,
                "until": _time(each.until),
                "behindSince": _time(each.behind_since),
            }
            for each in decisions
            if each.state in ("held", "declined", "stalled", "failed")
        ],
        "isOwed": target.is_owed,
        "failures": target.fails,
        "notBefore": _time(target.not_before),
        "runs": [_run_as_json(each) for each in runs[:run_count]],
    }


def _run_as_json(run: Run) -> dict[str, Any]:
    return {
        "outcome": run.kind.value,
        "message": run.message,
        "startedAt": _time(run.started_at),
        "endedAt": _time(run.ended_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None


def _headline(status: Mapping[str, Any]) -> str:
    last = status["lastRun"]
    if last is None:
        is_known = any(status["images"].values()) or status["openRequests"]
        told = "no run is remembered" if is_known else "not looked at yet"
        return f"{status['name']}: {told}"
    ended = shown_time(datetime.fromisoformat(last["endedAt"]))
    return f"{status['name']}: {last['outcome']} at {ended}: {last['message']}"


def _details(status: Mapping[str, Any]) -> Iterator[str]:
    counts = [f"{count} {state}" for state, count in status["images"].items() if count]
    if counts:
        yield f"  images: {', '.join(counts)}"
    for request in status["openRequests"]:
        yield f"  open: {request['title']} {request['url']}"
    for each in status["waiting"][:MAX_WAITING]:
        yield f"  {each['state']}: {each['file']}:{each['line']} {each['image']}: {each['reason']}"
    more = len(status["waiting"]) - MAX_WAITING
    if more > 0:
        yield f"  and {more} more wait"
    if status["isOwed"]:
        at = status["notBefore"]
        until = f", not before {shown_time(datetime.fromisoformat(at))}" if at else ""
        failures = f" after {status['failures']} failures in a row" if status["failures"] else ""
        yield f"  owed{failures}{until}"
    for run in status["runs"]:
        started, ended = (datetime.fromisoformat(run[key]) for key in ("startedAt", "endedAt"))
        took = shown_duration(ended - started)
        yield f"  run: {shown_time(started)} {took} {run['outcome']}: {run['message']}"
