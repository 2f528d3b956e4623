"""What people ask of imagebot in the comments of a pull request.

Pure. A command is a line of its own that begins with `/imagebot`:

    /imagebot rebuild          write the branch anew, over what was committed to it
    /imagebot skip [reason]    close the request, and propose exactly these versions no more
    /imagebot snooze 7d        leave the request alone for a while
    /imagebot hold [reason]    leave it alone until `resume`
    /imagebot resume           go on: ends hold and snooze
    /imagebot explain          say why these versions, and what waits

Lines in code blocks, quotations and HTML comments are not commands. Letter case does not count.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum

from imagebot.talk import Comment
from imagebot.texts import code_span, one_line
from imagebot.times import parse_duration

MAX_COMMANDS = 20  # of one comment
MAX_REASON = 200  # characters
MAX_SNOOZE = timedelta(days=366)
# Of a line without blanks at its end: to look for them here would take a time by their square.
_LINE = re.compile(r" {0,3}/imagebot(?:\s+(\S+)(?:\s+(.+))?)?\Z", re.IGNORECASE)
# What a reader does not see, or sees as a block of code; one that never ends hides all the rest.
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<pre\b.*?(?:</pre>|\Z)", re.S | re.I)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


class Verb(StrEnum):
    REBUILD = "rebuild"
    SKIP = "skip"
    SNOOZE = "snooze"
    HOLD = "hold"
    RESUME = "resume"
    EXPLAIN = "explain"


USAGE = "/imagebot rebuild | skip [reason] | snooze 7d | hold [reason] | resume | explain"


@dataclass(frozen=True, slots=True)
class Command:
    """One command that can be carried out by whoever may write."""

    verb: Verb
    comment: Comment
    reason: str = ""  # of skip and hold
    duration: timedelta | None = None  # of snooze


@dataclass(frozen=True, slots=True)
class Misread:
    """A line that was meant as a command and is none, with what is wrong in words."""

    comment: Comment
    why: str


def commands_in(comments: Iterable[Comment]) -> list[Command | Misread]:
    """Everything asked in these comments, in their order; imagebot's own say nothing."""
    found: list[Command | Misread] = []
    for comment in comments:
        if not comment.is_own:
            found += [_read(comment, verb, rest) for verb, rest in _lines(comment.text)]
    return found


def _lines(text: str) -> Sequence[tuple[str, str]]:
    found = [_LINE.match(line.rstrip()) for line in _outside_fences(_HIDDEN.sub("", text))]
    return [(line[1] or "", line[2] or "") for line in found if line][:MAX_COMMANDS]


def _outside_fences(text: str) -> Iterator[str]:
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
        elif mark:
            fence = mark[1]
        else:
            yield line


def _read(comment: Comment, word: str, rest: str) -> Command | Misread:
    try:
        verb = Verb(word.lower())
    except ValueError:
        near = get_close_matches(word.lower(), list(Verb), n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        said = f"there is no command {code_span(word[:40])}" if word else "it names no command"
        return Misread(comment, f"{said}{meant}")
    if verb is Verb.SNOOZE:
        return _snooze(comment, rest)
    return Command(verb, comment, one_line(rest)[:MAX_REASON])


def _snooze(comment: Comment, rest: str) -> Command | Misread:
    duration = parse_duration(rest)
    if duration is None or not timedelta(0) < duration <= MAX_SNOOZE:
        return Misread(comment, "snooze needs a time of at most a year: 12h, 7d, 2w")
    return Command(Verb.SNOOZE, comment, duration=duration)
