"""Kinds of text in policy documents, each checked for meaning where it is read.

Pure. Names, globs, ranges and patterns are compiled here, so that a wrong one has a line and a
column; what each admits is published in the JSON Schema as far as that can say it.
"""

import re
from collections.abc import Callable, Hashable
from datetime import date, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, WithJsonSchema

from imagebot.dates import Layout
from imagebot.document_words import found_words
from imagebot.documents import checked, read_duration, wrong
from imagebot.errors import PolicyError
from imagebot.image import Platform
from imagebot.patterns import Pattern
from imagebot.policy import globs
from imagebot.times import DURATION_PATTERN
from imagebot.version import Range

_NAME = r"(?!ignore(?:-file)?$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# User names, but also e-mail addresses, names with spaces, and ids: `{uuid}`, `557058:uuid`.
_REVIEWER = r"[A-Za-z0-9{][A-Za-z0-9._@+:} -]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._ -]{0,99}){0,5}"
_LABEL = r"[^\x00-\x1f\x7f,]{1,50}"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

MAX_COOLDOWN = timedelta(days=365)
MIN_INTERVAL = timedelta(minutes=1)
MAX_INTERVAL = timedelta(days=30)

T = TypeVar("T", bound=Hashable)


def matching(pattern: str, what: str, hint: Callable[[str], str] | None = None) -> Any:
    """Marks of a text that must match a pattern, which is published in the JSON Schema."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text) or text != text.strip():
            raise wrong(f"found {found_words(text)}, allowed: {what}", hint(text) if hint else "")
        return text

    schema = {"type": "string", "pattern": f"^(?:{pattern})$"}
    return AfterValidator(check), WithJsonSchema(schema)


def _once(items: tuple[T, ...]) -> tuple[T, ...]:
    for index, item in enumerate(items):
        if item in items[:index]:
            raise wrong(f"{item!r} is listed twice", "remove one of the two")
    return items


def switch_or_mapping(allowed: str) -> tuple[Discriminator, BeforeValidator]:
    """Marks of a union of `Tag("switch")`, true or false, and `Tag("mapping")`, the details."""

    def check(value: Any) -> Any:
        if not isinstance(value, bool | dict):
            raise wrong(f"found {found_words(value)}, allowed: {allowed}")
        return value

    kind = Discriminator(lambda value: "switch" if isinstance(value, bool) else "mapping")
    return kind, BeforeValidator(check)


UNIQUE = (AfterValidator(_once), Field(json_schema_extra={"uniqueItems": True}))


def _check_pattern(text: str) -> str:
    try:
        Pattern.compile(text)
    except PolicyError as error:
        is_glob = text.startswith("*")
        advice = f"this is a regular expression, not a glob: write {text[1:]!r}" if is_glob else ""
        raise wrong(str(error), advice or error.hint) from error
    return text


def _check_path(text: str) -> str:
    checked(globs.check_path, text)
    return text


def _parse_range(text: str) -> Range:
    parsed = Range.parse(text)
    if parsed.is_empty:
        raise PolicyError(
            f"range {text!r}: no version is in it", hint="join alternatives by ||, as in <1 || >2"
        )
    return parsed


def _check_range(text: str) -> str:
    checked(_parse_range, text)
    return text


def _day(text: Any) -> Any:
    if isinstance(text, str) and re.fullmatch(_DAY, text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise wrong(f"{text} is no day of the calendar") from error
    raise wrong(f"found {found_words(text)}, allowed: a day such as 2026-12-01")


def _platform(text: str) -> str:
    checked(Platform.parse, text)
    return text


def _layout(text: str) -> str:
    checked(Layout.parse, text)
    return text


def _minimum_age(text: Any) -> timedelta:
    return read_duration(text, timedelta(0), MAX_COOLDOWN)


def _interval(text: Any) -> timedelta:
    return read_duration(text, MIN_INTERVAL, MAX_INTERVAL)


def _name_hint(text: str) -> str:
    proposed = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"for example {proposed[:63]}" if proposed else ""


def _reviewer_hint(text: str) -> str:
    return f"write {text[1:]} without the @" if text.startswith("@") else ""


ImageGlob = Annotated[str, AfterValidator(lambda text: checked(globs.whole_image, text))]
PathGlob = Annotated[str, AfterValidator(_check_path)]
PatternText = Annotated[str, AfterValidator(_check_pattern)]
RangeText = Annotated[str, AfterValidator(_check_range)]
PlatformText = Annotated[str, AfterValidator(_platform)]
LayoutText = Annotated[str, AfterValidator(_layout)]
MinimumAge = Annotated[
    timedelta,
    BeforeValidator(_minimum_age),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
Interval = Annotated[
    timedelta,
    BeforeValidator(_interval),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}),
]
TagText = Annotated[str, *matching(_TAG, "a tag, in full")]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Name = Annotated[str, *matching(_NAME, "lower-case letters, digits and -, at most 63", _name_hint)]
Reviewer = Annotated[str, *matching(_REVIEWER, "a user name, or team as org/team", _reviewer_hint)]
Label = Annotated[str, *matching(_LABEL, "at most 50 characters, no comma")]
Reason = Annotated[str, *matching(r"[^\x00-\x1f\x7f]{0,200}", "one line of at most 200 characters")]
