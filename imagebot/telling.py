"""What is worth telling people of one git repository: how it is, against what they were told last.

Pure. Level-triggered: everything comes from what is so now, so a message that could not be sent is
made again at the next look, and nothing that was told is told twice. `Told` is what the store keeps
for each notifier and git repository.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from imagebot.history_model import Decision, SeenRequest
from imagebot.owed import Run
from imagebot.proposals import OutcomeKind
from imagebot.texts import one_line, unmentioning
from imagebot.times import shown_duration

FAILS_BEFORE_TOLD = 3  # in a row: what a retry mends within a minute is nobody's news
MAX_LINES = 20
MAX_DETAILS = 5
MAX_TEXT = 240
_PLAIN_URL = re.compile(r"https?://[!#-;=?-~]{1,500}", re.ASCII)  # no quotes, spaces or < >
_LINE = re.compile(r"(?::\d{1,9}){1,2}: ", re.ASCII)
_ANGLES = str.maketrans("<>", "‹›")  # Slack takes <!channel> for a mention


@dataclass(frozen=True, slots=True)
class Facts:
    """How a git repository is. `runs`: newest first, the last few.

    `details`: the problems of the newest, None where nobody knows them any more.
    """

    repository: str
    runs: tuple[Run, ...]
    requests: tuple[SeenRequest, ...] = ()
    held: tuple[Decision, ...] = ()
    details: tuple[str, ...] | None = None

    @property
    def kind(self) -> OutcomeKind:
        return self.runs[0].kind

    @property
    def is_failing(self) -> bool:
        newest = self.runs[:FAILS_BEFORE_TOLD]
        return len(newest) == FAILS_BEFORE_TOLD and all(
            run.kind is OutcomeKind.FAILED for run in newest
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What a notifier knows. Numbers are those of pull requests, texts fingerprints."""

    since: float = 0.0  # when it was first told anything; seconds since 1970
    proposed: Mapping[str, str] = field(default_factory=dict)
    merged: tuple[int, ...] = ()
    failed: bool = False
    stalled: str = ""
    held: str = ""
    reminded: Mapping[str, float] = field(default_factory=dict)  # request, or "stalled" -> when


@dataclass(frozen=True, slots=True)
class News:
    """One line of a message."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a notifier wants to know."""

    on: frozenset[str]
    remind: timedelta | None = None


def news(
    told: Told | None, facts: Facts, wanted: Wanted, now: datetime
) -> tuple[Sequence[News], Told]:
    """What to say now, and what is known once it was said. `told` None: never told anything."""
    before = told or Told(since=facts.runs[0].started_at.timestamp())
    after, lines = before, list[News]()
    for level, tell in _LEVELS:
        if level in wanted.on:
            said, after = tell(after, facts)
            lines += [News(level, text) for text in said]
    if wanted.remind:
        said, after = _reminders(after, facts, wanted.on, wanted.remind, now)
        lines += [News("reminder", text) for text in said]
    return lines, after


def message(repository: str, lines: Sequence[News]) -> tuple[str, str]:
    """Title and body. At most MAX_LINES lines, the rest is counted."""
    shown = [f"- {line.text}" for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        shown.append(f"- and {len(lines) - MAX_LINES} more")
    levels = list(dict.fromkeys(line.level for line in lines))
    return f"imagebot: {repository}: {', '.join(levels)}", "\n".join(shown)


def dumped(told: Told) -> str:
    return json.dumps(
        {name: getattr(told, name) for name in Told.__slots__}, sort_keys=True, default=dict
    )


def loaded(text: str) -> Told | None:
    """None for nothing, and for what another imagebot wrote in another shape."""
    try:
        values = json.loads(text)
        return Told(**{**values, "merged": tuple(values["merged"])})
    except (ValueError, TypeError, KeyError):
        return None


def safe(text: str, limit: int = MAX_TEXT) -> str:
    """A line that mentions and links nothing, whatever service shows it."""
    return unmentioning(one_line(text, limit)).translate(_ANGLES)


def _proposed(told: Told, facts: Facts) -> tuple[Iterable[str], Told]:
    lines, now = [], {}
    for request in facts.requests:
        if not request.is_open:
            continue
        key, versions = str(request.number), _fingerprint(request.versions)
        now[key] = versions
        if told.proposed.get(key) != versions:
            verb = "proposed" if key not in told.proposed else "proposes other versions now"
            lines.append(f"{verb}: {_shown(request)}")
    return lines, replace(told, proposed=now)


def _merged(told: Told, facts: Facts) -> tuple[Iterable[str], Told]:
    merged = [
        request
        for request in facts.requests
        if request.state == "merged" and (request.ended_at or _NEVER).timestamp() >= told.since
    ]
    lines = [f"merged: {_shown(each)}" for each in merged if each.number not in told.merged]
    return lines, replace(told, merged=tuple(sorted(each.number for each in merged)))


def _failed(told: Told, facts: Facts) -> tuple[Iterable[str], Told]:
    if facts.is_failing and not told.failed:
        return [f"fails: {safe(facts.runs[0].message)}"], replace(told, failed=True)
    if told.failed and facts.kind is not OutcomeKind.FAILED:
        return ["works again"], replace(told, failed=False)
    return [], told


def _stalled(told: Told, facts: Facts) -> tuple[Iterable[str], Told]:
    if facts.kind is OutcomeKind.FAILED:
        return [], told  # nobody knows
    if facts.kind is not OutcomeKind.STALLED:
        return ["needs nobody any more"] if told.stalled else [], replace(told, stalled="")
    if facts.details is None and told.stalled:
        return [], told  # whether it is the same, the next run knows
    # A message with problems counts images and requests too, which are no news of the problems.
    now = _fingerprint(map(_unplaced, facts.details or [facts.runs[0].message]))
    if now == told.stalled:
        return [], told
    details = [safe(each) for each in (facts.details or ())[:MAX_DETAILS]]
    return [f"needs a person: {safe(facts.runs[0].message)}", *details], replace(told, stalled=now)


def _held(told: Told, facts: Facts) -> tuple[Iterable[str], Told]:
    if facts.kind is OutcomeKind.FAILED:
        return [], told
    why = dict.fromkeys(map(_why_held, facts.held))
    now = _fingerprint(sorted(why))  # what, not where: a line more above it is no news
    if now == told.held:
        return [], told
    lines = [f"held: {safe(each)}" for each in why]
    return lines or ["nothing is held any more"], replace(told, held=now)


def _unplaced(detail: str) -> str:
    """Without line and column, which change with what stands above."""
    return _LINE.sub(": ", detail, count=1)


def _why_held(decision: Decision) -> str:
    return f"{decision.image} {decision.current}: {decision.reason}"


_LEVELS = (
    ("proposed", _proposed),
    ("merged", _merged),
    ("failed", _failed),
    ("stalled", _stalled),
    ("held", _held),
)
_NEVER = datetime.fromtimestamp(0, UTC)


def _reminders(
    told: Told, facts: Facts, on: Collection[str], every: timedelta, now: datetime
) -> tuple[Iterable[str], Told]:
    """What still is as it was a whole interval ago, at most once in each."""
    seconds = now.timestamp()
    lines, reminded = [], {}
    waiting: list[tuple[str, float, str]] = []
    if "proposed" in on:
        waiting += [
            (str(each.number), each.opened_at.timestamp(), _shown(each))
            for each in facts.requests
            if each.is_open
        ]
    if "stalled" in on and facts.kind is OutcomeKind.STALLED:
        text = safe(facts.runs[0].message)
        waiting.append(("stalled", seconds, f"needs a person still: {text}"))
    for key, since, text in waiting:
        last = told.reminded.get(key, max(since, told.since))
        is_due = seconds - last >= every.total_seconds()
        if is_due:
            age = timedelta(hours=round((seconds - since) / 3600))
            lines.append(f"open for {shown_duration(age)}: {text}" if since < seconds else text)
        reminded[key] = seconds if is_due else last
    return lines, replace(told, reminded=reminded)


def _shown(request: SeenRequest) -> str:
    url = request.url if _PLAIN_URL.fullmatch(request.url) else ""
    return f"{safe(request.title)} {url}".rstrip()


def _fingerprint(texts: Iterable[str]) -> str:
    """Empty for nothing."""
    listed = list(texts)
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()[:16] if listed else ""
