"""How each git repository is, as values for JSON and as lines for people. Pure.

The values have the documented shape (docs/cli.md, `status --output json`); lines are made of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imagebot.history_model import STATES, Decision, SeenRequest
from imagebot.owed import Run, Target
from imagebot.texts import visible_prose
from imagebot.times import shown_duration, shown_time

JSON_VERSION = 1  # of the shape of --output json, docs/cli.md
MAX_WAITING = 10  # lines of what waits, of one git repository
MAX_LINE = 500
SHOWN_STATES = ("held", "declined", "stalled", "failed")
"""Of images that are told one by one."""

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What the store remembers of one git repository. `runs`: newest first."""

    target: Target
    runs: Sequence[Run] = ()
    counts: Mapping[str, int] | None = None  # of images, by state
    waiting: Sequence[Decision] = ()
    requests: Sequence[SeenRequest] = ()


def status_of(name: str, known: Known, run_count: int) -> dict[str, Any]:
    """With so many of its last runs."""
    counts = known.counts or {}
    return {
        "name": name,
        "lastRun": _run_as_json(known.runs[0]) if known.runs else None,
        "images": {state: counts.get(state, 0) for state in STATES},
        "openRequests": [
            {
                "number": each.number,
                "url": each.url,
                "title": each.title,
                "openedAt": _time(each.opened_at),
                "versions": list(each.versions),
            }
            for each in known.requests
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
            for each in known.waiting
        ],
        "isOwed": known.target.is_owed,
        "failures": known.target.fails,
        "notBefore": _time(known.target.not_before),
        "runs": [_run_as_json(each) for each in known.runs[:run_count]],
    }


def document(statuses: Sequence[Status]) -> dict[str, Any]:
    outcomes, images, request_count = _totals(statuses)
    totals = {
        "repositories": len(statuses),
        "needAPerson": sum(map(needs_a_person, statuses)),
        "outcomes": dict(outcomes),
        "images": dict(images),
        "openRequests": request_count,
    }
    return {"version": JSON_VERSION, "totals": totals, "repositories": statuses}


def needs_a_person(status: Status) -> bool:
    """Its last run stalled, or a pull request of it did."""
    return _outcome(status) == "stalled" or bool(status["images"]["stalled"])


def in_trouble_first(statuses: Sequence[Status]) -> list[Status]:
    """Else in the order of the settings."""
    return sorted(statuses, key=_trouble)


def lines(statuses: Sequence[Status]) -> Iterator[str]:
    """For people: of several the totals, then those in trouble, then the others."""
    if len(statuses) > 1:
        yield from _totals_shown(statuses)
    for status in in_trouble_first(statuses):
        yield visible_prose(headline(status), MAX_LINE)
        yield from (f"  {visible_prose(line, MAX_LINE)}" for line in _details(status))


def headline(status: Status) -> str:
    last = status["lastRun"]
    if last is None:
        is_known = any(status["images"].values()) or status["openRequests"]
        told = "no run is remembered" if is_known else "not looked at yet"
        return f"{status['name']}: {told}"
    ended = shown_time(datetime.fromisoformat(last["endedAt"]))
    return f"{status['name']}: {last['outcome']} at {ended}: {last['message']}"


def _totals(statuses: Sequence[Status]) -> tuple[Counter[str], Counter[str], int]:
    """Last outcomes, images by state, and open requests."""
    images: Counter[str] = Counter()
    for status in statuses:
        images.update(status["images"])
    request_count = sum(len(status["openRequests"]) for status in statuses)
    return Counter(map(_outcome, statuses)), images, request_count


def _totals_shown(statuses: Sequence[Status]) -> Iterator[str]:
    outcomes, images, request_count = _totals(statuses)
    told = [f"{count} {outcome}" for outcome, count in outcomes.most_common()]
    told.append(f"{sum(map(needs_a_person, statuses))} need a person")
    yield f"{len(statuses)} git repositories: {', '.join(told)}"
    counted = [f"{images[state]} {state}" for state in STATES if images[state]] or ["none"]
    yield f"images: {', '.join(counted)}; open pull requests: {request_count}"


def _outcome(status: Status) -> str:
    last = status["lastRun"]
    return str(last["outcome"]) if last else "not looked at yet"


def _trouble(status: Status) -> int:
    if needs_a_person(status):
        return 0
    if _outcome(status) == "failed" or status["failures"]:
        return 1
    if status["images"]["failed"]:
        return 2
    return 3 if status["waiting"] else 4


def _details(status: Status) -> Iterator[str]:
    counts = [f"{count} {state}" for state, count in status["images"].items() if count]
    if counts:
        yield f"images: {', '.join(counts)}"
    for request in status["openRequests"]:
        yield f"open: {request['title']} {request['url']}"
    for each in status["waiting"][:MAX_WAITING]:
        yield f"{each['state']}: {each['file']}:{each['line']} {each['image']}: {each['reason']}"
    more = len(status["waiting"]) - MAX_WAITING
    if more > 0:
        yield f"and {more} more wait"
    if status["isOwed"]:
        yield _owed(status)
    for run in status["runs"]:
        started, ended = (datetime.fromisoformat(run[key]) for key in ("startedAt", "endedAt"))
        took = shown_duration(ended - started)
        yield f"run: {shown_time(started)} {took} {run['outcome']}: {run['message']}"


def _owed(status: Status) -> str:
    failures, not_before = status["failures"], status["notBefore"]
    after = f" after {failures} failures in a row" if failures else ""
    if not not_before:
        return f"owed{after}"
    return f"owed{after}, not before {shown_time(datetime.fromisoformat(not_before))}"


def _run_as_json(run: Run) -> dict[str, Any]:
    return {
        "outcome": run.kind.value,
        "message": run.message,
        "startedAt": _time(run.started_at),
        "endedAt": _time(run.ended_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None
