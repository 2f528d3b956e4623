"""Lists of tags that a person gives instead of a registry: text or JSON -> `GivenTag`s.

Pure. Lines of `TAG [TIME] [DIGEST]`; a JSON list of tags or of objects with `tag`, `time` and
`digest`; or an object that holds such a list under `Tags` or `tags`, as registries and their
tools answer. What is wrong is told with its place; nothing is guessed and nothing left out.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imagebot.errors import InvalidReference, UsageError
from imagebot.image import Digest, is_tag, shortened

MAX_BYTES = 32 * 1024 * 1024
MAX_TAGS = 500_000
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)
_KEYS = ("Tags", "tags")
_TIME_HINT = "write 2026-11-25T10:00:00Z, or the day alone; without a zone it is UTC"


@dataclass(frozen=True, slots=True)
class GivenTag:
    """One tag as somebody wrote it down. The same tag may come again later, with other content.

    `at`: when it was built or first seen, as whoever made the list says.
    """

    tag: str
    at: datetime | None = None
    digest: Digest | None = None


class _Wrong(Exception):
    """What is wrong with one entry, and what to do."""


def parse(name: str, source: bytes) -> tuple[GivenTag, ...]:
    """Read a list. Raises UsageError that names the place; `name` is that of the file."""
    if len(source) > MAX_BYTES:
        raise UsageError(
            f"{name} is larger than {MAX_BYTES // 1024 // 1024} MiB", hint="give fewer tags"
        )
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name}:{line}: not UTF-8", hint="a list of tags is text or JSON"
        ) from error
    is_json = text.lstrip()[:1] in ("[", "{")
    found = []
    for where, tag in _in_json(name, text) if is_json else _in_lines(name, text):
        found.append(tag)
        if len(found) > MAX_TAGS:
            raise UsageError(f"{where}: more than {MAX_TAGS} tags", hint="give fewer")
    return tuple(found)


def _in_lines(name: str, text: str) -> Iterator[tuple[str, GivenTag]]:
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{name}:{number}"
        time, digest = None, None
        for word in words[1:]:
            if ":" in word and word.partition(":")[0].isalnum() and not _TIME.fullmatch(word):
                if digest is not None:
                    raise UsageError(f"{where}: a second digest", hint="TAG [TIME] [DIGEST]")
                digest = word
            elif time is None:
                time = word
            else:
                raise UsageError(
                    f"{where}: {shortened(word)!r} is too much", hint="TAG [TIME] [DIGEST]"
                )
        yield where, _checked(where, words[0], time, digest)


def _in_json(name: str, text: str) -> Iterator[tuple[str, GivenTag]]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{name}:{error.lineno}:{error.colno}"
        raise UsageError(f"{where}: not JSON: {error.msg}", hint=_shapes()) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: not usable JSON: {error}", hint=_shapes()) from error
    where = name
    if isinstance(document, dict):
        key = next((each for each in _KEYS if each in document), None)
        if key is None:
            raise UsageError(f"{name}: an object without tags", hint=_shapes())
        where, document = f"{name}: {key}", document[key]
        document = [] if document is None else document  # a registry's word for no tags
    if not isinstance(document, list):
        raise UsageError(f"{where}: not a list", hint=_shapes())
    for index, item in enumerate(document):
        place = f"{where}[{index}]"
        if isinstance(item, str):
            yield place, _checked(place, item, None, None)
        elif isinstance(item, dict) and "tag" in item:
            yield place, _checked(place, item["tag"], item.get("time"), item.get("digest"))
        else:
            raise UsageError(f"{place}: neither a tag nor an object with `tag`", hint=_shapes())


def _shapes() -> str:
    return 'one tag a line, or JSON: ["1.0"], [{"tag": "1.0", "time": "..."}], {"tags": ["1.0"]}'


def _checked(where: str, tag: Any, time: Any, digest: Any) -> GivenTag:
    for value in (tag, time, digest):
        if not isinstance(value, str | None):
            raise UsageError(f"{where}: {shortened(repr(value))} is not text", hint=_shapes())
    if tag is None or not is_tag(tag):
        raise UsageError(
            f"{where}: not a tag: {shortened(repr(tag))}",
            hint="a tag is at most 128 of A-Z a-z 0-9 _ . - and starts with none of . -",
        )
    try:
        return GivenTag(tag, read_time(time) if time else None, Digest(digest) if digest else None)
    except InvalidReference as error:
        raise UsageError(f"{where}: {error}", hint=error.hint) from error
    except _Wrong as error:
        raise UsageError(f"{where}: {error}", hint=_TIME_HINT) from error


def read_time(text: str) -> datetime:
    """A moment in the usual form of ISO 8601, in UTC where it names no zone."""
    wrong = _Wrong(f"not a time: {shortened(repr(text))}")
    if not _TIME.fullmatch(text):
        raise wrong
    # Python reads six digits of a fraction; more say nothing that matters here.
    short = re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", text)
    try:
        moment = datetime.fromisoformat(short)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise wrong from error
