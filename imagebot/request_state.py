"""What imagebot has to remember of one pull request, kept in the request's own hidden record.

Pure. Nothing of it needs a store: hold and snooze, which comments were answered, what was said
once, and the versions that people declined before. A record that cannot be read counts as empty.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_ANSWERED = 50  # comments, the newest
MAX_DECLINED = 200  # versions in full, the newest; older ones as marks
MAX_MARKS = 2000
MARK_LENGTH = 8
CALLED_BACK = "called back"  # no commit: the forge was asked to merge it no more

Version = tuple[str, str, str]
"""Image, tag, digest or ""."""


def mark(version: Version) -> str:
    """Eight characters that know a version again: 48 bits of its SHA-256, in base64."""
    digest = hashlib.sha256(json.dumps(version).encode()).digest()
    return base64.b64encode(digest[: MARK_LENGTH * 6 // 8]).decode()


def marks_in(text: str) -> tuple[str, ...]:
    """Marks that were written one after the other."""
    return tuple(text[at : at + MARK_LENGTH] for at in range(0, len(text), MARK_LENGTH))


@dataclass(frozen=True, slots=True)
class RequestState:
    """The state of one request beside its texts."""

    held_by: str = ""  # who said hold
    hold_reason: str = ""
    snoozed_until: datetime | None = None
    answered: tuple[str, ...] = ()  # ids of comments with commands that were carried out
    answered_until: datetime | None = None  # what was said before it was answered, or never will be
    heard_to: str = ""  # the newest comment of a long conversation, when it was last read
    closing: str = ""  # the comment that asked to skip it, from before it is closed for that
    skipped_by: str = ""  # who wrote that comment
    skip_reason: str = ""
    skipped_at: datetime | None = None  # when it was written, where the forge tells
    told_of: str = ""  # the head commit of somebody else's of which imagebot spoke
    told_unwanted: str = ""  # the same, of which imagebot said that nothing asks for it any more
    told_turned: str = ""  # the base branch of somebody's choice of which imagebot spoke
    statuses: str = ""  # fingerprint of what was shown on which commit
    handed_over: str = ""  # the commit that the forge was asked to merge, or CALLED_BACK
    label_obeyed: bool = False  # the label that asks for a rebuild is on still, though it was done
    no_draft: bool = False  # it was to be opened as a draft, and was never seen as one
    declined: tuple[Version, ...] = ()  # by requests of this branch that were closed before
    declined_marks: tuple[str, ...] = ()  # more of them, where there is no room for all

    def is_snoozed(self, now: datetime) -> bool:
        return self.snoozed_until is not None and now < self.snoozed_until


EMPTY = RequestState()


def as_data(state: RequestState) -> dict[str, object]:
    """JSON for the record, without what says nothing, so that an empty state is `{}`."""
    older = [mark(version) for version in state.declined[:-MAX_DECLINED]]
    marks = tuple(dict.fromkeys((*state.declined_marks, *older)))
    data: dict[str, object] = {
        "held_by": state.held_by,
        "hold_reason": state.hold_reason,
        "snoozed_until": _written(state.snoozed_until),
        "answered": list(state.answered[-MAX_ANSWERED:]),
        "answered_until": _written(state.answered_until),
        "heard_to": state.heard_to,
        "closing": state.closing,
        "skipped_by": state.skipped_by,
        "skip_reason": state.skip_reason,
        "skipped_at": _written(state.skipped_at),
        "told_of": state.told_of,
        "told_unwanted": state.told_unwanted,
        "told_turned": state.told_turned,
        "statuses": state.statuses,
        "handed_over": state.handed_over,
        "label_obeyed": state.label_obeyed,
        "no_draft": state.no_draft,
        "declined": [list(each) for each in state.declined[-MAX_DECLINED:]],
        "declined_marks": "".join(marks[-MAX_MARKS:]),
    }
    return {key: value for key, value in data.items() if value}


def from_data(data: Any) -> RequestState:
    """Read `as_data` back; what has another shape is left out, piece by piece."""
    if not isinstance(data, Mapping):
        return EMPTY
    return RequestState(
        held_by=_text(data, "held_by"),
        hold_reason=_text(data, "hold_reason"),
        snoozed_until=_moment(_text(data, "snoozed_until")),
        answered=tuple(each for each in _list(data, "answered") if isinstance(each, str)),
        answered_until=_moment(_text(data, "answered_until")),
        heard_to=_text(data, "heard_to"),
        closing=_text(data, "closing"),
        skipped_by=_text(data, "skipped_by"),
        skip_reason=_text(data, "skip_reason"),
        skipped_at=_moment(_text(data, "skipped_at")),
        told_of=_text(data, "told_of"),
        told_unwanted=_text(data, "told_unwanted"),
        told_turned=_text(data, "told_turned"),
        statuses=_text(data, "statuses"),
        handed_over=_text(data, "handed_over"),
        label_obeyed=data.get("label_obeyed") is True,
        no_draft=data.get("no_draft") is True,
        declined=tuple(
            (each[0], each[1], each[2])
            for each in _list(data, "declined")
            if isinstance(each, list) and len(each) == 3 and all(isinstance(w, str) for w in each)
        ),
        declined_marks=marks_in(_text(data, "declined_marks")),
    )


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []


def _written(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
