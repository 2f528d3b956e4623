"""Update windows and freezes: when updates may go, and when they may go next.

Pure. A window is told by the clock on the wall of its zone, in one of two ways:

    [DAYS] [TIMES] [ZONE]    Mon-Fri 08:00-12:00,13:00-17:00 Europe/Berlin
    CRON [ZONE]              * 8-16 * * 1-5 Europe/Berlin; the minute is always *

Times past midnight (22:00-06:00) belong to the day on which they begin; without a zone it is UTC.
An hour that the clock skips in spring is never open, one that it shows twice in autumn is open
twice. As in cron, a day of the month and a weekday that are both told admit either.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from imagebot.errors import PolicyError

MAX_WINDOW_LENGTH = 200
MAX_DAYS_AHEAD = 400  # looked for the next opening

_DAY_MINUTES = 24 * 60
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
_TIMES = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})", re.ASCII)
_HINT = "write for example 'Mon-Fri 08:00-17:00 Europe/Berlin' or '* 8-16 * * 1-5 Europe/Berlin'"


@dataclass(frozen=True, slots=True)
class Window:
    """Recurring hours. Equal and shown by its text."""

    text: str
    _zone: ZoneInfo = field(repr=False, compare=False)
    _spans: tuple[tuple[int, int], ...] = field(repr=False, compare=False)  # minutes of a day
    _weekdays: frozenset[int] = field(repr=False, compare=False)  # 0 is Monday
    _days: frozenset[int] = field(repr=False, compare=False)  # of the month
    _months: frozenset[int] = field(repr=False, compare=False)
    _is_either_day: bool = field(repr=False, compare=False)  # weekday or day of the month

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Raises PolicyError that names what is wrong, and what is allowed."""
        if len(text) > MAX_WINDOW_LENGTH:
            raise PolicyError(f"a window has at most {MAX_WINDOW_LENGTH} characters")
        words = text.split()
        if len(words) >= 5:
            return _from_cron(text, words)
        return _from_words(text, words)

    def __str__(self) -> str:
        return self.text

    def is_open(self, moment: datetime) -> bool:
        """Whether the clock of the zone stands inside the window. The moment carries a zone."""
        local = moment.astimezone(self._zone)
        day, minute = local.date(), local.hour * 60 + local.minute
        return self._holds(day, minute) or self._holds(
            day - timedelta(days=1), minute + _DAY_MINUTES
        )

    def edges(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Moments in (after, until] at which the window may open or close; in no order."""
        day = after.astimezone(self._zone).date() - timedelta(days=1)
        last = until.astimezone(self._zone).date() + timedelta(days=1)
        while day <= last:
            for minute in (each for span in self._spans for each in span):
                if self._is_day(day):
                    yield from self._moments(day, minute, after, until)
            day += timedelta(days=1)
        yield from _clock_changes(self._zone, after, until)

    def _holds(self, day: date, minute: int) -> bool:
        return any(start <= minute < end for start, end in self._spans) and self._is_day(day)

    def _is_day(self, day: date) -> bool:
        is_weekday, is_day = day.weekday() in self._weekdays, day.day in self._days
        matches = (is_weekday or is_day) if self._is_either_day else (is_weekday and is_day)
        return matches and day.month in self._months

    def _moments(
        self, day: date, minute: int, after: datetime, until: datetime
    ) -> Iterator[datetime]:
        """When the wall shows this time: never, once or twice."""
        wall = datetime.combine(day, time()) + timedelta(minutes=minute)
        for fold in (0, 1):
            moment = wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
            if after < moment <= until:
                yield moment


def _clock_changes(zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The moment at which the clock is put forward or back between two that are a day apart."""
    before = after.astimezone(zone).utcoffset()
    if before == until.astimezone(zone).utcoffset():
        return
    low, high = after.astimezone(UTC), until.astimezone(UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    yield high.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Windows:
    """When updates may go. No `allow`: always, but for `deny`, which wins."""

    allow: tuple[Window, ...] = ()
    deny: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Freeze:
    """No updates from `start` until `end`, both with a zone; `end` itself is free again."""

    start: datetime
    end: datetime
    reason: str = ""

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Open:
    """Updates may go."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Updates wait. `until` None: they never go, as far as can be seen."""

    until: datetime | None
    why: str  # for people, without the time


def state_at(windows: Windows, freezes: Sequence[Freeze], now: datetime) -> Open | Closed:
    """Whether updates may go now; if not, why, and when they may."""
    why = _why_closed(windows, freezes, now)
    return Closed(_next_opening(windows, freezes, now), why) if why else Open()


def _why_closed(windows: Windows, freezes: Sequence[Freeze], moment: datetime) -> str:
    frozen = [freeze for freeze in freezes if freeze.holds(moment)]
    if frozen:
        longest = max(frozen, key=lambda freeze: freeze.end)
        return f"freeze: {longest.reason}" if longest.reason else "a freeze"
    denied = next((window for window in windows.deny if window.is_open(moment)), None)
    if denied:
        return f"no updates at these hours: {denied}"
    if windows.allow and not any(window.is_open(moment) for window in windows.allow):
        return f"outside the update windows: {'; '.join(map(str, windows.allow))}"
    return ""


def _next_opening(windows: Windows, freezes: Sequence[Freeze], now: datetime) -> datetime | None:
    """The first moment after a closed one at which nothing keeps updates back."""
    at = now.astimezone(UTC)
    for _ in range(MAX_DAYS_AHEAD + len(freezes)):
        frozen_until = max((each.end for each in freezes if each.holds(at)), default=None)
        if frozen_until:  # nothing to look for inside
            at = frozen_until.astimezone(UTC)
            if not _why_closed(windows, freezes, at):
                return at
            continue
        if at.year >= date.max.year - 1:
            return None
        end = at + timedelta(days=1)
        edges = {each.end.astimezone(UTC) for each in freezes if at < each.end <= end}
        for window in (*windows.allow, *windows.deny):
            edges.update(window.edges(at, end))
        for edge in sorted(edges):
            if not _why_closed(windows, freezes, edge):
                return edge
        at = end
    return None


# Reading


def zone_named(name: str) -> ZoneInfo:
    """A time zone by its IANA name. Raises PolicyError with the nearest known names."""
    try:
        if _ZONE.fullmatch(name):  # others are files that say something else on each machine
            return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        pass
    known = {each.lower(): each for each in available_timezones()}
    found = get_close_matches(name.lower(), known, n=2)
    hint = f"did you mean {' or '.join(known[each] for each in found)}?" if found else ""
    raise PolicyError(
        f"unknown time zone {name!r}", hint=hint or "write one such as Europe/Berlin, or UTC"
    )


_DAY_WORD = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*(?:[-,]|$)", re.IGNORECASE)
_EVERY_WEEKDAY = frozenset(range(7))
_EVERY_DAY = frozenset(range(1, 32))
_EVERY_MONTH = frozenset(range(1, 13))


def _from_words(text: str, words: list[str]) -> Window:
    left = list(words)
    weekdays, spans = _EVERY_WEEKDAY, [(0, _DAY_MINUTES)]
    has_days = bool(left) and _DAY_WORD.match(left[0]) is not None
    if has_days:
        weekdays = _numbers(text, "weekdays", left.pop(0), 0, 6, _WEEKDAYS)
    has_times = bool(left) and left[0][0].isdigit()
    if has_times:
        spans = [_span(text, each) for each in left.pop(0).split(",")]
    if not (has_days or has_times) or len(left) > 1:
        raise PolicyError(f"{text!r} is no window", hint=_HINT)
    zone = zone_named(left[0]) if left else zone_named("UTC")
    return Window(text, zone, tuple(spans), weekdays, _EVERY_DAY, _EVERY_MONTH, False)


def _span(text: str, written: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(written)
    if not found:
        raise PolicyError(f"window {text!r}: {written!r} is no time span", hint=_HINT)
    hour, minute, end_hour, end_minute = (int(each) for each in found.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or start >= _DAY_MINUTES or end > _DAY_MINUTES:
        raise PolicyError(f"window {text!r}: no clock shows {written!r}", hint="00:00 to 24:00")
    if start == end:
        hint = "write 00:00-24:00 for the whole day"
        raise PolicyError(f"window {text!r}: {written!r} is no time at all", hint=hint)
    return (start, end) if start < end else (start, end + _DAY_MINUTES)


def _from_cron(text: str, words: list[str]) -> Window:
    minute, hour, day, month, weekday = words[:5]
    if len(words) > 6:
        raise PolicyError(f"{text!r} is no window", hint=_HINT)
    if minute != "*":
        hint = "a window is open for whole hours: write * for the minute, or use 08:15-17:00"
        raise PolicyError(f"window {text!r}: found the minute {minute!r}, allowed: '*'", hint=hint)
    hours = _numbers(text, "hours", hour, 0, 23)
    weekdays = frozenset(
        (number - 1) % 7 for number in _numbers(text, "weekdays", weekday, 0, 7, _CRON_WEEKDAYS)
    )
    return Window(
        text,
        zone_named(words[5]) if len(words) == 6 else zone_named("UTC"),
        tuple((each * 60, each * 60 + 60) for each in sorted(hours)),
        weekdays,
        _numbers(text, "days", day, 1, 31),
        _numbers(text, "months", month, 1, 12, _MONTHS),
        _is_either_day=not (day.startswith("*") or weekday.startswith("*")),
    )


_CRON_WEEKDAYS = ("sunday", *_WEEKDAYS)  # 0 and 7 are Sunday
_ITEM = re.compile(r"(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:/([0-9]{1,2}))?", re.ASCII)


def _numbers(
    text: str, what: str, written: str, low: int, high: int, names: Sequence[str] = ()
) -> frozenset[int]:
    """The numbers that a list of names, ranges and steps means: `1-5`, `Mon,Wed-Fri`, `*/2`."""
    found: set[int] = set()
    for item in written.split(","):
        parts = _ITEM.fullmatch(item)
        ends = _ends(parts, low, high, names) if parts else None
        step = int(parts[3] or 1) if parts else 0
        if ends is None or not step:
            raise PolicyError(f"window {text!r}: {item!r} means no {what}", hint=_HINT)
        first, last = ends
        size = high - low + 1
        if last < first:  # Fri-Mon, or 22-4
            last += size
        found |= {low + (each - low) % size for each in range(first, last + 1, step)}
    return frozenset(found)


def _ends(
    parts: re.Match[str], low: int, high: int, names: Sequence[str]
) -> tuple[int, int] | None:
    """The first and last number of an item; None where it means none."""
    if parts[1] == "*":
        return (low, high) if parts[2] is None else None
    first = _number(parts[1], low, names)
    last = first if parts[2] is None else _number(parts[2], low, names)
    if parts[2] is None and parts[3]:
        last = high
    if first is None or last is None or not (low <= first <= high and low <= last <= high):
        return None
    return first, last


def _number(word: str, low: int, names: Sequence[str]) -> int | None:
    if word.isdigit():
        return int(word) if len(word) <= 2 and names is not _WEEKDAYS else None
    meant = (at for at, name in enumerate(names) if word.lower() in (name, name[:3]))
    return next((low + at for at in meant), None)
