"""Title and text of a request as they are to be written, with what a person made of them kept.

Pure. imagebot's part of a text reaches from a first line of its own to the record. What a person
wrote above or below it stays, letter by letter, and so does a title that is not the one imagebot
wrote last: the record has fingerprints of both. An edit within imagebot's part cannot be kept,
since that part says what the branch holds; it can be told of.
"""

import hashlib
import html
from dataclasses import dataclass, replace
from typing import NamedTuple

from imagebot import records
from imagebot.body import fitted
from imagebot.proposals import ChangeSet, PullRequest
from imagebot.records import Wrote
from imagebot.request_state import RequestState
from imagebot.texts import code_span

FIRST_LINE = (
    "<!-- imagebot:begin: what you write above this line, or below the last one, stays -->\n\n"
)
_PART = "<!-- imagebot:part "
_FINGERPRINT_DIGITS = 16
_UNKNOWN = "0" * _FINGERPRINT_DIGITS


@dataclass(frozen=True, slots=True)
class Wording:
    """What is to be written."""

    title: str
    body: str
    loses: bool = False  # what a person wrote in imagebot's part is written over


class _Text(NamedTuple):
    """A text in three: a person's, imagebot's with its record, a person's."""

    above: str
    own: str
    below: str

    @property
    def room(self) -> int:
        return len(self.above) + len(self.below)

    def around(self, own: str) -> str:
        gap = "" if not self.above or self.above.endswith("\n\n") else "\n\n"
        return self.above + gap + own + (self.below or "\n")


def of_new(changes: ChangeSet, state: RequestState, max_characters: int) -> Wording:
    """Of a request that is to be opened."""
    return Wording(changes.title, _own(changes, changes.body, state, max_characters - 1) + "\n")


def of_open(request: PullRequest, changes: ChangeSet, max_characters: int) -> Wording:
    """Of a request that is open; its state stays as its record has it."""
    last, text = records.wrote_in(request.body), _parted(request.body)
    is_theirs = last is not None and _print(request.title) not in (
        last.title,
        _print(changes.title),
    )
    wanted = records.with_edition(changes.body, records.edition_in(request.body))
    wanted = _with_note(wanted, changes.title) if is_theirs else wanted
    # Half of the room is imagebot's at least: its record may need that.
    kept = text if text.room <= max_characters // 2 else _Text("", text.own, "")
    state = records.state_in(request.body)
    own = _own(changes, wanted, state, max_characters - kept.room - len("\n\n\n"))
    return Wording(
        title=request.title if is_theirs else changes.title,
        body=kept.around(own),
        loses=kept is not text or _is_edited(text, last),
    )


def with_state(body: str, state: RequestState, max_characters: int) -> str:
    """The same text with this state in its record, whatever people made of the rest."""
    text = _parted(records.with_state(body, state))
    whole = text.above + text.own + text.below
    if len(whole) <= max_characters:
        return whole
    own, last = fitted(text.own, max_characters - text.room), records.wrote_in(text.own)
    if last and not _is_edited(text, last):
        own = records.with_wrote(own, replace(last, text=_print_of_own(own)))
    return text.above + own.rstrip("\n") + text.below


def _own(changes: ChangeSet, body: str, state: RequestState, room: int) -> str:
    """imagebot's part, from its first line to its record, with the fingerprint of what it says.

    A title counts as written where a note tells of it only: who takes it gives the title back.
    """
    wrote = Wrote(title=_print(changes.title), text=_UNKNOWN, base=changes.base)
    marked = records.with_wrote(records.with_state(body, state), wrote)
    own = fitted(FIRST_LINE + marked, room).rstrip("\n")
    return records.with_wrote(own, replace(wrote, text=_print_of_own(own)))


def _with_note(body: str, title: str) -> str:
    before, record, after = records.apart(body)
    note = f"Somebody gave this request its title, so that stays. It would be {code_span(title)}."
    return f"{before.rstrip()}\n\n{_PART}title -->\n\n{note}\n\n{record}{after}"


def _parted(body: str) -> _Text:
    """A text without a word of imagebot's is all a person's."""
    before, record, below = records.apart(body)
    above, first_line, own = before.partition(FIRST_LINE.strip())
    if first_line:
        return _Text(above, first_line + own + record, below)
    if record or _PART in body:
        return _Text("", before + record, below)
    return _Text(before, "", "")


def _is_edited(text: _Text, last: Wrote | None) -> bool:
    """Whether imagebot's part is not as it was written. Where its record is gone, it is not."""
    if not text.own:
        return False
    if last is None:
        return not records.apart(text.own)[1]
    return _print_of_own(text.own) != last.text


def _print_of_own(own: str) -> str:
    before, _, _ = records.apart(own)
    return _print(before.replace(FIRST_LINE.strip(), ""))


def _print(text: str) -> str:
    """Equal for what forges make of one text: GitLab's escapes, Bitbucket's commas, white space."""
    words = " ".join(html.unescape(text.replace("<br>", ", ")).split())
    return hashlib.sha256(words.encode(errors="surrogatepass")).hexdigest()[:_FINGERPRINT_DIGITS]
