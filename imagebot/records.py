"""The hidden record of a pull request: what it proposes, and what imagebot has to remember of it.

Pure. JSON in an HTML comment at the end of the body. What a later imagebot writes there that this
one does not know stays when the record is written again. A record that a person removed or broke
is no record.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from imagebot import request_state
from imagebot.model import Update
from imagebot.request_state import RequestState, Version, mark, marks_in

MAX_RECORD_LENGTH = 20_000
# A record holds no `<` (see `_as_comment`): many that never end are looked through once.
_RECORD = re.compile(r"<!-- imagebot:record (\{[^<]*?\}) -->")


def record_text(updates: Sequence[Update]) -> str:
    """What is proposed, as data in an HTML comment, so that a later run can read it back.

    A list too long for a body becomes marks, by which each version is known again.
    """
    wanted = sorted({
        (str(update.repository), update.occurrence.file, update.tag, str(update.digest or ""))
        for update in updates
    })  # fmt: skip
    fingerprint = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()
    record = {"version": 1, "withdrawn": False, "fingerprint": fingerprint, "updates": wanted}
    text = _as_comment(record)
    return text if len(text) <= MAX_RECORD_LENGTH else in_marks(text)


def _as_comment(record: Mapping[str, object]) -> str:
    text = json.dumps(record, separators=(",", ":"), sort_keys=True)
    # GitLab looks for `Fixes #1` and `Closes PROJ-1` in comments too; `>` and `--` end a comment.
    for letters in ("<", ">", "#", "!", "@"):
        text = text.replace(letters, f"\\u{ord(letters):04x}")
    safe = text.replace("--", "-\\u002d").replace("://", ":\\u002f/")
    safe = re.sub(r"-(?=\d)", r"\\u002d", safe)
    return f"<!-- imagebot:record {safe} -->"


Place = tuple[str, str]
"""Image and file."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a pull request proposes, read back from its body."""

    fingerprint: str  # equal for equal updates: image, file, tag and digest of each
    versions: frozenset[Version]  # empty where only marks are kept
    marks: frozenset[str]  # of all versions; empty where there was no room for them
    withdrawn: bool  # imagebot itself closed the request; it may be proposed again
    places: frozenset[Place] = frozenset()  # of `versions`


def record_in(body_text: str) -> Record | None:
    """The last record in a pull request's body, None where a person removed or broke it."""
    content = _content_of_record(body_text)
    if content is None or not isinstance(content.get("fingerprint"), str):
        return None
    try:
        updates = content.get("updates", [])
        versions = frozenset((str(i), str(tag), str(d)) for i, _, tag, d in updates)
        places = frozenset((str(i), str(file)) for i, file, _, _ in updates)
    except (TypeError, ValueError):
        return None
    marks = frozenset(map(mark, versions)) | frozenset(_marks_of(content))
    return Record(content["fingerprint"], versions, marks, bool(content.get("withdrawn")), places)


def _marks_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    text = content.get("marks")
    return marks_in(text) if isinstance(text, str) else ()


def is_declined(wanted_body: str, closed_body: str) -> bool:
    """Whether a person who closed a request has declined all that is wanted now.

    Counted by image, tag and digest: another file, or a group that lacks an image just now, does
    not bring the others back.
    """
    wanted, closed = record_in(wanted_body), record_in(closed_body)
    if wanted is None or closed is None or closed.withdrawn:
        return False
    is_part = bool(wanted.marks) and wanted.marks <= closed.marks
    return is_part or wanted.fingerprint == closed.fingerprint


def apart(body_text: str) -> tuple[str, str, str]:
    """What stands before a body's last record, that record, and what comes after; "" without."""
    found = list(_RECORD.finditer(body_text))
    if not found:
        return body_text, "", ""
    last = found[-1]
    return body_text[: last.start()], last[0], body_text[last.end() :]


def in_marks(record: str) -> str:
    """The same record with a mark in place of each version: nothing is forgotten."""
    content = _content_of_record(record)
    if content is None:
        return record
    found = record_in(record)
    marks = "".join(sorted(found.marks)) if found else ""
    state = request_state.from_data(content.get("state"))
    older = (*state.declined_marks, *map(mark, state.declined))
    short = replace(state, declined=(), declined_marks=tuple(dict.fromkeys(older)))
    return _as_comment({**_with_state(content, short), "updates": [], "marks": marks})


def cut(record: str, room: int) -> str:
    """The same record, of marks, with as many of them as there is room for.

    What was declined longest ago goes first, then what is proposed: of that the fingerprint tells
    equal from different. All else stays, whatever the room.
    """
    content = _content_of_record(record)
    if content is None or len(record) <= room:
        return record
    shorter = _with_fewer_declined(content, room)
    return shorter if len(shorter) <= room else _with_fewer_declined({**content, "marks": ""}, room)


def _with_fewer_declined(content: Mapping[str, Any], room: int) -> str:
    """As a comment, without as many of the oldest marks as make it too long."""
    state = request_state.from_data(content.get("state"))
    too_long = max(0, len(_as_comment(content)) - room)
    left = state.declined_marks[-(-too_long // request_state.MARK_LENGTH) :]
    return _as_comment(_with_state(content, replace(state, declined_marks=left)))


def _content_of_record(body_text: str) -> dict[str, Any] | None:
    found = _RECORD.findall(body_text)
    try:
        content = json.loads(found[-1]) if found else None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def withdrawn_body(body_text: str) -> str:
    """The same body with its record marked as closed by imagebot itself."""
    content = _content_of_record(body_text)
    if content is None:
        return body_text
    return _renewed(body_text, {**content, "withdrawn": True})


def owing_people(body_text: str) -> str:
    """The same body with a note that reviewers, assignees and milestone are still to be asked."""
    content = _content_of_record(body_text)
    return body_text if content is None else _renewed(body_text, {**content, "owes_people": True})


def owes_people(body_text: str) -> bool:
    """Whether a run that opened the request ended before it had asked its people."""
    content = _content_of_record(body_text)
    return content is not None and content.get("owes_people") is True


def edition_in(body_text: str) -> int:
    """Which edition of its branch the record was written for; 0 where it tells none."""
    edition = (_content_of_record(body_text) or {}).get("edition")
    return edition if isinstance(edition, int) and edition > 0 else 0


def with_edition(body_text: str, edition: int) -> str:
    """The same body with this in its record, if it has one, and tells of no later edition."""
    content = _content_of_record(body_text)
    if content is None or edition <= edition_in(body_text):
        return body_text
    return _renewed(body_text, {**content, "edition": edition})


@dataclass(frozen=True, slots=True)
class Wrote:
    """What imagebot wrote last on a request, or would have, to know a person's hand from it."""

    title: str  # fingerprints
    text: str
    base: str


def wrote_in(body_text: str) -> Wrote | None:
    """None where no record says it, as on requests of older imagebots."""
    content = _content_of_record(body_text) or {}
    told = content.get("wrote")
    if not isinstance(told, dict):
        return None
    words = {name: told.get(name) for name in ("title", "text", "base")}
    texts = {name: word for name, word in words.items() if isinstance(word, str)}
    return Wrote(**texts) if len(texts) == len(words) else None


def with_wrote(body_text: str, wrote: Wrote) -> str:
    """The same body with this in its record, where it has one."""
    content = _content_of_record(body_text)
    return (
        body_text if content is None else _renewed(body_text, {**content, "wrote": asdict(wrote)})
    )


def state_in(body_text: str) -> RequestState:
    """What the record of a request's body says beside what is proposed."""
    content = _content_of_record(body_text)
    return request_state.from_data(content.get("state")) if content else request_state.EMPTY


def with_state(body_text: str, state: RequestState) -> str:
    """The same body with this state in its record. Without a record nothing can be kept."""
    content = _content_of_record(body_text)
    if content is None or state_in(body_text) == state:
        return body_text
    return _renewed(body_text, _with_state(content, state))


def _renewed(body_text: str, content: Mapping[str, Any]) -> str:
    """The same body with this in place of its last record."""
    marked = _as_comment(content)
    start = [found.start() for found in _RECORD.finditer(body_text)][-1]
    return body_text[:start] + _RECORD.sub(lambda _: marked, body_text[start:], count=1)


def _with_state(content: Mapping[str, Any], state: RequestState) -> dict[str, Any]:
    data = request_state.as_data(state)
    kept = {key: value for key, value in content.items() if key != "state"}
    return {**kept, **({"state": data} if data else {})}


class PastVersions(NamedTuple):
    """Versions that people do not want: those that are known by name, and marks of others."""

    versions: tuple[Version, ...]
    marks: tuple[str, ...]


def declined_by(request_body: str, *, is_closed_by_person: bool) -> PastVersions:
    """What people declined so far: what the record remembers, and what it proposes itself."""
    record, before = record_in(request_body), state_in(request_body)
    if record is None or record.withdrawn or not is_closed_by_person:
        return PastVersions(before.declined, before.declined_marks)
    versions = dict.fromkeys((*before.declined, *sorted(record.versions)))
    nameless = sorted(record.marks - set(map(mark, record.versions)))
    return PastVersions(tuple(versions), tuple(dict.fromkeys((*before.declined_marks, *nameless))))
