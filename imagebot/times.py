"""Moments and durations in words, the same in every message, table and file. Pure."""

import re
from datetime import UTC, datetime, timedelta

_PARTS = ("[0-9]{1,3}w", "[0-9]{1,3}d", "[0-9]{1,4}h", "[0-9]{1,6}m", "[0-9]{1,7}s")


def _pattern() -> str:
    """One alternative for each part that may come first: Helm's and Kubernetes' RE2 cannot look
    ahead for at least one.
    """
    later = ("".join(f"({each})?" for each in _PARTS[at + 1 :]) for at in range(len(_PARTS)))
    return f"^({'|'.join(f'{first}{rest}' for first, rest in zip(_PARTS, later, strict=True))})$"


DURATION_PATTERN = _pattern()
"""For JSON Schemas."""
_DURATION = re.compile(
    r"(?:(\d{1,3})w)?(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?", re.ASCII
)


def shown_time(moment: datetime) -> str:
    """`2026-11-25 10:00 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def shown_duration(duration: timedelta) -> str:
    """As policies and settings write it: `3d`, `1d12h`, `90s` as `1m30s`."""
    seconds = int(duration.total_seconds())
    days, rest = divmod(seconds, 24 * 60 * 60)
    hours, rest = divmod(rest, 60 * 60)
    minutes, seconds = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def parse_duration(text: str) -> timedelta | None:
    """Read `90s`, `5m`, `1h30m`, `2d` or `1w`; None for anything else, and for no text at all."""
    found = _DURATION.fullmatch(text) if text else None
    if not found:
        return None
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
