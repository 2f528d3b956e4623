"""The hidden record of a pull request: what it proposes, and what imagebot has to remember of it.

Pure. JSON in an HTML comment at the end of the body. What a later imagebot writes there that this
one does not know stays when the record is written again. A record that a person removed or broke
is no record.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagebot import request_state
from imagebot.model import Update
from imagebot.request_state import RequestState, Version

MAX_RECORD_LENGTH = 20_000
_RECORD = re.compile(r"<!-- imagebot:record (\{.*?\}) -->", re.DOTALL)


def record_text(updates: Sequence[Update]) -> str:
    """What is proposed, as data in an HTML comment, so that a later run can read it back.

    A list too long for a body is left out; the fingerprint still tells equal from different.
    """
    wanted = sorted({
        (str(update.repository), update.occurrence.file, update.tag, str(update.digest or ""))
        for update in updates
    })  # fmt: skip
    fingerprint = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()
    record = {"version": 1, "withdrawn": False, "fingerprint": fingerprint, "updates": wanted}
    text = _as_comment(record)
    return text if len(text) <= MAX_RECORD_LENGTH else _as_comment({**record, "updates": []})


def _as_comment(record: Mapping[str, object]) -> str:
    text = json.dumps(record, separators=(",", ":"), sort_keys=True)
    # GitLab looks for `Fixes #1` and `Closes PROJ-1` in comments too; `>` and `--` end a comment.
    for letters in ("<", ">", "#", "!", "@"):
        text = text.replace(letters, f"\\u{ord(letters):04x}")
    safe = text.replace("--", "-\\u002d").replace("://", ":\\u002f/")
    safe = re.sub(r"-(?=\d)", r"\\u002d", safe)
    return f"<!-- imagebot:record {safe} -->"


@dataclass(frozen=True, slots=True)
class Record:
    """What a pull request proposes, read back from its body."""

    fingerprint: str  # equal for equal updates: image, file, tag and digest of each
    versions: frozenset[tuple[str, str, str]]  # image, tag, digest; empty where the list was cut
    withdrawn: bool  # imagebot itself closed the request; it may be proposed again


def record_in(body_text: str) -> Record | None:
    """The last record in a pull request's body, None where a person removed or broke it."""
    content = _content_of_record(body_text)
    if content is None or not isinstance(content.get("fingerprint"), str):
        return None
    try:
        updates = content.get("updates", [])
        versions = frozenset((str(i), str(tag), str(d)) for i, _, tag, d in updates)
    except (TypeError, ValueError):
        return None
    return Record(content["fingerprint"], versions, bool(content.get("withdrawn")))


def is_declined(wanted_body: str, closed_body: str) -> bool:
    """Whether a person who closed a request has declined all that is wanted now.

    Counted by image, tag and digest: another file, or a group that lacks an image just now, does
    not bring the others back.
    """
    wanted, closed = record_in(wanted_body), record_in(closed_body)
    if wanted is None or closed is None or closed.withdrawn:
        return False
    is_part = bool(wanted.versions) and wanted.versions <= closed.versions
    return is_part or wanted.fingerprint == closed.fingerprint


def apart(body_text: str) -> tuple[str, str]:
    """What stands before a body's last record, and that record; "" without one."""
    found = list(_RECORD.finditer(body_text))
    return (body_text[: found[-1].start()], found[-1][0]) if found else (body_text, "")


def without_list(record: str) -> str:
    """The same record without what makes it long; the fingerprint tells equal from different."""
    content = _content_of_record(record)
    return record if content is None else _as_comment({**content, "updates": []})


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
    marked = _as_comment({**content, "withdrawn": True})
    return _RECORD.sub(lambda _: marked, body_text)


def owing_people(body_text: str) -> str:
    """The same body with a note that reviewers, assignees and milestone are still to be asked."""
    content = _content_of_record(body_text)
    if content is None:
        return body_text
    marked = _as_comment({**content, "owes_people": True})
    return _RECORD.sub(lambda _: marked, body_text)


def owes_people(body_text: str) -> bool:
    """Whether a run that opened the request ended before it had asked its people."""
    content = _content_of_record(body_text)
    return content is not None and content.get("owes_people") is True


def state_in(body_text: str) -> RequestState:
    """What the record of a request's body says beside what is proposed."""
    content = _content_of_record(body_text)
    return request_state.from_data(content.get("state")) if content else request_state.EMPTY


def with_state(body_text: str, state: RequestState) -> str:
    """The same body with this state in its record. Without a record nothing can be kept."""
    content = _content_of_record(body_text)
    if content is None or state_in(body_text) == state:
        return body_text
    data = request_state.as_data(state)
    kept = {key: value for key, value in content.items() if key != "state"}
    marked = _as_comment({**kept, **({"state": data} if data else {})})
    start = [found.start() for found in _RECORD.finditer(body_text)][-1]
    return body_text[:start] + _RECORD.sub(lambda _: marked, body_text[start:], count=1)


def declined_by(request_body: str, *, is_closed_by_person: bool) -> tuple[Version, ...]:
    """What people declined so far: what the record remembers, and what it proposes itself."""
    record = record_in(request_body)
    before = state_in(request_body).declined
    if record is None or record.withdrawn or not is_closed_by_person:
        return before
    return tuple(dict.fromkeys((*before, *sorted(record.versions))))
