"""Points in time as images and registries write them. Pure.

What is no time, has no zone, or lies outside the calendar is None: nobody can reckon with it.
"""

from datetime import UTC, datetime

_FIRST_REGISTRY = datetime(2013, 1, 1, tzinfo=UTC)


def moment_in(text: object) -> datetime | None:
    """A time by RFC 3339, to the microsecond, in UTC."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def moment_after(count: object, per_second: int) -> datetime | None:
    """A time as a count since 1970, in seconds (1) or milliseconds (1000), number or text."""
    if isinstance(count, bool) or not isinstance(count, int | str):
        return None
    text = str(count)
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        return None
    try:
        return datetime.fromtimestamp(int(text) / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def when_pushed(moment: datetime | None) -> datetime | None:
    """Without the years before there were registries: a field that was never set says such."""
    return moment if moment is not None and moment >= _FIRST_REGISTRY else None
