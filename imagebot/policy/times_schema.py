"""The schema of `windows` and `freezes`: when updates may go.

Pure. Windows are in imagebot/windows.py. Days and times without an offset are those of a zone.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from imagebot.document_words import found_words
from imagebot.documents import DocumentPart, checked, wrong
from imagebot.policy.schema_texts import UNIQUE, Reason
from imagebot.windows import Window, zone_named

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MOMENT = rf"{_DAY}(?:[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?"


def _window(text: str) -> str:
    checked(Window.parse, text)
    return text


def _zone(text: str) -> str:
    checked(zone_named, text)
    return text


def _moment(text: Any) -> datetime:
    """A day is its first minute; without an offset the zone is told apart from it."""
    if isinstance(text, str) and re.fullmatch(_MOMENT, text, re.ASCII):
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            raise wrong(f"{text} stands on no calendar or clock") from error
    allowed = "a day or a time: 2026-12-20, 2026-12-20T18:00, 2026-12-20T18:00+01:00"
    raise wrong(f"found {found_words(text)}, allowed: {allowed}")


WindowText = Annotated[str, AfterValidator(_window)]
Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_MOMENT})$"}),
]


class WindowsPart(DocumentPart):
    """Hours at which updates may go."""

    allow: Annotated[tuple[WindowText, ...], *UNIQUE] = Field(
        default=(),
        max_length=20,
        description="Only at these hours: 'Mon-Fri 08:00-17:00 Europe/Berlin', or as cron "
        "'* 8-16 * * 1-5 Europe/Berlin'. Always without.",
        examples=[["Mon-Fri 08:00-17:00 Europe/Berlin"]],
    )
    deny: Annotated[tuple[WindowText, ...], *UNIQUE] = Field(
        default=(), max_length=20, description="Never at these hours, whatever allow says."
    )


class FreezePart(DocumentPart):
    """A time without updates."""

    start: Moment = Field(alias="from", description="Its first day or moment.")
    until: Moment = Field(description="The day or moment at which updates go again.")
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="Time zone of what has no offset of its own: Europe/Berlin."
    )
    reason: Reason = Field(default="", description="Shown with what waits.")

    @model_validator(mode="after")
    def _ends_behind_its_start(self) -> Self:
        if self.ends_at() <= self.starts_at():
            raise wrong("the freeze ends before it begins", "until is the day after", key="until")
        return self

    def starts_at(self) -> datetime:
        return self._in_zone(self.start)

    def ends_at(self) -> datetime:
        return self._in_zone(self.until)

    def _in_zone(self, moment: datetime) -> datetime:
        known = moment if moment.tzinfo else moment.replace(tzinfo=zone_named(self.zone))
        try:
            return known.astimezone(UTC)
        except OverflowError as error:
            raise wrong(f"the year {moment.year} is out of bounds") from error
