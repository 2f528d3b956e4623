"""Moments and durations in words, the same in every message, table and file. Pure."""

from datetime import UTC, datetime, timedelta


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
