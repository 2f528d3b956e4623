"""What is remembered of the past: decisions, pull requests, and how long things took.

Pure: the nouns, and what a look changes in what was known before. `recording.py` makes them of an
outcome, `history.py` keeps them, metrics, status and notifications read them. All of it may be
deleted: that costs history only.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

STATES = (
    *("current", "behind", "held", "declined", "stalled", "suspended", "failed", "ungoverned"),
)
WAITING_STATES = ("behind", "held", "stalled")  # there is something newer
LEAD_BOUNDS_SECONDS = tuple(
    bound.total_seconds()
    for bound in (
        *(timedelta(minutes=minutes) for minutes in (1, 5, 15)),
        *(timedelta(hours=hours) for hours in (1, 4, 12)),
        *(timedelta(days=days) for days in (1, 2, 4, 7, 14, 30)),
    )
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one place in a git repository, and why.

    `place` tells it from all others of its git repository and stays when lines move. `chosen` is
    the version that should stand there, "" where nothing newer may. `behind_since`: when imagebot
    first found something newer that is not there yet; None while there is nothing.
    """

    place: str
    file: str
    line: int
    image: str
    current: str
    chosen: str
    state: str  # of STATES
    reason: str
    policy: str = ""
    until: datetime | None = None
    decided_at: datetime | None = None
    behind_since: datetime | None = None

    @property
    def gist(self) -> tuple[str, ...]:
        """What makes it another decision than before. Words alone do not."""
        return self.image, self.current, self.chosen, self.state


@dataclass(frozen=True, slots=True)
class Change:
    """A decision that came out differently than before. `before` is the state, "" at first."""

    decision: Decision
    before: str


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A pull request as last seen. `versions` are `image:tag` as proposed last.

    `first_seen_at`: since when the newest of those tags is known; None where nobody knows.
    """

    number: int
    url: str
    title: str
    group: str
    branch: str
    state: str  # open, merged, closed
    opened_at: datetime
    ended_at: datetime | None = None
    versions: tuple[str, ...] = ()
    first_seen_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True, slots=True)
class Changes:
    """What one look adds to the history of one git repository."""

    written: tuple[Decision, ...] = ()  # those whose row differs
    gone: tuple[str, ...] = ()  # places
    changed: tuple[Change, ...] = ()
    requests: tuple[SeenRequest, ...] = ()  # those whose row differs
    opened: tuple[SeenRequest, ...] = ()
    merged: tuple[SeenRequest, ...] = ()
    closed: tuple[SeenRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """A histogram: how many took at most each of LEAD_BOUNDS_SECONDS, and longer; not added up."""

    counts: tuple[int, ...] = (0,) * (len(LEAD_BOUNDS_SECONDS) + 1)
    total_seconds: float = 0.0


def added_up(leads: Iterable[Lead]) -> Lead:
    """One histogram of several."""
    found = list(leads)
    counts = zip(*(lead.counts for lead in found or (Lead(),)), strict=True)
    return Lead(tuple(map(sum, counts)), sum(lead.total_seconds for lead in found))


@dataclass(frozen=True, slots=True)
class Figures:
    """The history in numbers, by git repository; "" stands for those that were forgotten."""

    states: Mapping[tuple[str, str], int] = field(default_factory=dict)  # and state
    behind_since: Mapping[str, datetime] = field(default_factory=dict)  # of the oldest
    open_requests: Mapping[str, int] = field(default_factory=dict)
    requests: Mapping[tuple[str, str], int] = field(default_factory=dict)  # and event
    leads: Mapping[tuple[str, str], Lead] = field(default_factory=dict)  # and stage


REQUEST_EVENTS = ("opened", "merged", "closed")
STAGES = ("proposed", "merged")  # how long after a tag was first seen


def bucket_of(took: timedelta) -> int:
    """Index into `Lead.counts`. A clock that was set back makes no time negative."""
    return bisect_left(LEAD_BOUNDS_SECONDS, max(took.total_seconds(), 0.0))


def compared(
    before: Mapping[str, Decision], found: Iterable[Decision], at: datetime
) -> tuple[tuple[Decision, ...], tuple[str, ...], tuple[Change, ...]]:
    """What is to be written, what is gone, and what was decided differently."""
    written, changed, seen = [], [], set()
    for new in found:
        seen.add(new.place)
        old = before.get(new.place)
        now = _dated(old, new, at)
        if now == old:
            continue
        written.append(now)
        if old is None or old.gist != now.gist:
            changed.append(Change(now, old.state if old else ""))
    gone = tuple(place for place in before if place not in seen)
    return tuple(written), gone, tuple(changed)


def _dated(old: Decision | None, new: Decision, at: datetime) -> Decision:
    is_same = old is not None and old.gist == new.gist
    waited = old.behind_since if old else None
    since = waited
    if new.state in WAITING_STATES:
        since = waited or at
    elif new.state != "failed":  # what could not be asked is as far behind as it was
        since = None
    decided_at = old.decided_at if old and is_same else at
    return replace(new, decided_at=decided_at, behind_since=since)


def requests_compared(
    before: Mapping[int, SeenRequest], found: Sequence[SeenRequest], at: datetime
) -> tuple[tuple[SeenRequest, ...], tuple[SeenRequest, ...], tuple[SeenRequest, ...]]:
    """Requests whose row differs, those that are new to us, and those that ended just now.

    What ended before it was ever seen open is nobody's news: an old branch still shows it.
    """
    written, opened, ended = [], [], []
    for new in found:
        old = before.get(new.number)
        if old is None:
            if not new.is_open and new.ended_at is None:
                continue
            opened.append(new)
        now = _carried_on(old, new, at)
        if now != old:
            written.append(now)
        if not now.is_open and (old is None or old.is_open):
            ended.append(now)
    return tuple(written), tuple(opened), tuple(ended)


def _carried_on(old: SeenRequest | None, new: SeenRequest, at: datetime) -> SeenRequest:
    if old is None:
        return new
    ended_at = None if new.is_open else old.ended_at or at
    keeps = replace(new, opened_at=old.opened_at, ended_at=ended_at, group=new.group or old.group)
    if not new.versions or new.versions == old.versions:
        keeps = replace(keeps, versions=old.versions, first_seen_at=old.first_seen_at)
    return keeps
