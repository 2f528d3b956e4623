"""The dashboard: one issue that lists what is open, waits, is held, is skipped and fails.

Pure. Check boxes in it are requests: a box that somebody checked asks for something in the next
run, which then writes the list anew with the box empty, or checked still if that failed or waits.
Everything from outside stands in code spans, as in the bodies of pull requests.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from imagebot.model import Choice, Problem
from imagebot.proposals import Outcome, Proposal
from imagebot.texts import code_span, one_line

MAX_LINES = 200  # of one section
MAX_CHARACTERS = 60_000
MARKER = "<!-- imagebot:dashboard -->"
_BOX = re.compile(r"^- \[[xX]\] <!-- imagebot:(rebuild|open|again) (\S{1,300}) -->", re.MULTILINE)


class Ask(StrEnum):
    REBUILD = "rebuild"  # write the branch anew, over what people committed to it
    OPEN = "open"  # open the request although a limit keeps it back
    AGAIN = "again"  # propose what a closed request proposed, by a new one


_CALLED = {Ask.REBUILD: "Rebuild", Ask.OPEN: "Open now", Ask.AGAIN: "Propose again"}


class Box(NamedTuple):
    """One check box. `what` is a branch, of `Ask.AGAIN` the number of a closed request."""

    ask: Ask
    what: str

    def line(self, text: str, *, is_checked: bool = False) -> str:
        tick = "x" if is_checked else " "
        return f"[{tick}] <!-- imagebot:{self.ask} {self.what} --> {_CALLED[self.ask]}: {text}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the boxes ask for: branches, and numbers of closed requests.

    By its number, since a box that could not be emptied brings back no request that came later.
    """

    rebuild: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    again: frozenset[str] = frozenset()


def asked_in(body: str) -> Asked:
    """What people checked. A body without our marker asks for nothing."""
    if MARKER not in body:
        return Asked()
    boxes = _BOX.findall(body[: 2 * MAX_CHARACTERS])
    by_ask = {ask: frozenset(what for word, what in boxes if word == ask.value) for ask in Ask}
    return Asked(by_ask[Ask.REBUILD], by_ask[Ask.OPEN], by_ask[Ask.AGAIN])


@dataclass(slots=True)
class _Section:
    title: str
    lines: list[str] = field(default_factory=list)

    def text(self) -> str:
        shown = self.lines[:MAX_LINES]
        more = len(self.lines) - len(shown)
        rest = [f"- and {more} more"] if more else []
        return "\n".join([f"## {self.title}", "", *shown, *rest])


_WORDS: Mapping[str, str] = {
    "created": "Open", "updated": "Open", "unchanged": "Open", "pushed": "Open",
    "waiting": "Waiting", "skipped": "Left alone", "failed": "Failing",
}  # fmt: skip


def body(outcome: Outcome, unmet: Mapping[str, Sequence[Box]]) -> str:
    """The issue's text. Equal for equal outcomes: no clock, no counter of runs.

    `unmet` are the boxes that stay checked, by branch; those come first, that none is left out.
    """
    titles = ("Open", "Waiting", "Left alone", "Held", "Skipped", "Failing")
    sections = {title: _Section(title) for title in titles}
    for proposal in sorted(outcome.proposals, key=lambda each: each.changes.branch not in unmet):
        title = _WORDS.get(proposal.action)
        if title:
            boxes = unmet.get(proposal.changes.branch, ())
            sections[title].lines += _proposal(proposal, title, boxes)
    for title, line in _choices(outcome.choices):
        sections[title].lines.append(line)
    sections["Failing"].lines += [_problem(each) for each in outcome.problems]
    filled = [section.text() for section in sections.values() if section.lines]
    if not filled:
        filled = ["Every image is up to date."]
    lead = (
        f"{MARKER}\nWhat imagebot does with the images of this repository. "
        "A box that you check asks for something; the next run does it."
    )
    return _cut("\n\n".join([lead, *filled]) + "\n")


def _proposal(proposal: Proposal, title: str, unmet: Sequence[Box]) -> list[str]:
    """One line for each box that stays checked; without any one line, perhaps with an empty box."""
    request = proposal.pull_request
    number = f" (#{request.number})" if request and request.number else ""
    reason = f": {code_span(proposal.reason)}" if proposal.reason else ""
    line = f"{code_span(proposal.changes.title)}{number}{reason}"
    branch = proposal.changes.branch
    if unmet:
        return [f"- {box.line(line, is_checked=True)}" for box in unmet]
    if title == "Waiting" and not number and not proposal.is_closed:
        return [f"- {Box(Ask.OPEN, branch).line(line)}"]
    if title in ("Open", "Left alone") and request:
        return [f"- {Box(Ask.REBUILD, branch).line(line)}"]
    return [f"- {line}"]


def _choices(choices: Sequence[Choice]) -> Iterable[tuple[str, str]]:
    """What is held by a gate, skipped by a policy, or not known, each once."""
    seen: dict[tuple[str, str], None] = {}
    for choice in choices:
        if choice.policy is None or choice.reference is None:
            continue
        image = code_span(choice.reference.repository.familiar)
        if choice.is_failure:
            seen["Failing", f"- {image}: {code_span(choice.reason)}"] = None
        elif choice.is_suspended:
            seen["Skipped", f"- {image}: {code_span(choice.reason)}"] = None
        for verdict in choice.declined:
            number = verdict.undone_by
            told = f"{image} {code_span(verdict.tag)}: {code_span(verdict.reason)}"
            line = Box(Ask.AGAIN, str(number)).line(told) if number else told
            seen["Skipped", f"- {line}"] = None
        for verdict in choice.held[:1]:
            seen["Held", f"- {image}: {code_span(str(verdict))}"] = None
        today = choice.selection.kept_out if choice.selection else ()
        for each in today:
            if each.ground.value == "skipped":
                line = f"- {image} {code_span(each.tag)}: {code_span(each.reason)}"
                seen["Skipped", line] = None
    return seen


def _problem(problem: Problem) -> str:
    place = f"{problem.file}:{problem.line}" if problem.file else ""
    where = f"{code_span(place)}: " if place else ""
    return f"- {where}{code_span(one_line(problem.message))}"


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    return text[:MAX_CHARACTERS].rsplit("\n", 1)[0] + "\n\n(shortened)\n"
