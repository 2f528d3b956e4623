"""What people said on the open requests, and what imagebot answers.

Talks to the forge, but only about requests on which something happened since they were last
looked at, so that an unchanged world costs nothing. What was carried out stands in the record of
the request. A conversation that cannot be read stops the rewriting of its branch: somebody may
have said hold.
"""

import logging
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from imagebot import lifecycle, records
from imagebot.commands import Command, Misread, commands_in
from imagebot.errors import ForgeError
from imagebot.interfaces import Conversation, OccurrenceCache
from imagebot.proposals import PullRequest
from imagebot.request_state import EMPTY, RequestState
from imagebot.talk import Comment, Reaction
from imagebot.texts import code_span, prose

MAX_ASKED_BLINDLY = 5  # requests a run of which the forge does not tell whether anything happened
MAX_NAMED = 10  # comments in one answer to all who may not command
MAX_REASON = 600  # characters of one that is told in a comment
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What will be said of one command, once it is carried out."""

    comment: Comment
    reaction: Reaction
    text: str
    explains: bool = False
    rebuilds: bool = False
    denied: str = ""  # as `lifecycle.Obeyed` has it


@dataclass(frozen=True, slots=True)
class Heard:
    """One open request after its conversation was read."""

    state: RequestState = EMPTY  # with everything that was heard
    answers: tuple[Answer, ...] = ()
    wants_rebuild: bool = False
    skips: str = ""  # what is to be said when it is closed as asked
    overflows: bool = False  # more was said than can be read, so imagebot holds it from now on
    trouble: str = ""  # why the conversation could not be read


def put_off(heard: Heard) -> Heard:
    """As if nobody had asked for a rebuild yet: it is still to be done, so still to be answered."""
    later = {each.comment.id for each in heard.answers if each.rebuilds}
    answers = tuple(each for each in heard.answers if each.comment.id not in later)
    answered = tuple(each for each in heard.state.answered if each not in later)
    return replace(heard, answers=answers, state=replace(heard.state, answered=answered))


@dataclass(slots=True)
class Ear:
    """Listens for one git repository. `key` tells it from others in the cache."""

    forge: Conversation
    key: str
    cache: OccurrenceCache | None = None
    _may_write: dict[str, bool] = field(default_factory=dict)
    _turn: dict[str, bytes] = field(default_factory=dict)  # whose it was, to be remembered

    def hear_all(self, requests: Sequence[PullRequest], now: datetime) -> dict[str, Heard]:
        """By head branch. Requests on which nothing happened are not asked about."""
        known = self._versions(requests)
        asked = self._asked_blindly(requests, now)
        return {
            request.head: self._hear(request, now)
            if request.number in asked or self._has_news(request, known)
            else _silent(request)
            for request in requests
        }

    def merge_place(self) -> int | None:
        """The number kept by `keep_merge_place`; None where it was lost, or none was kept yet."""
        turn = self._merge_turn
        last = self.cache.get_many([turn]).get(turn) if self.cache else None
        return int(last) if last else None

    def keep_merge_place(self, last: int) -> None:
        """Remember it with what was heard: see merge_turns.py."""
        self._turn[self._merge_turn] = str(last).encode()

    def forget_none(self, requests: Sequence[PullRequest]) -> None:
        """Remember that these were heard as they are now, and whose turn it was."""
        seen = {self._key(each): each.version.encode() for each in requests if each.version}
        if self.cache and (seen or self._turn):
            self.cache.put_many({**seen, **self._turn})

    def answer(
        self, request: PullRequest, heard: Heard, explain: Callable[[], str], not_rebuilt: str
    ) -> bool:
        """Say what is to be said. False where some of it could not be said.

        `not_rebuilt` is why a rebuild was not done, "" where it was.
        """
        for answer in _gathered(heard.answers):
            told = answer.text
            if answer.explains:
                told = f"{lifecycle.addressed(answer.comment, '').rstrip()}\n\n{explain().strip()}"
            reaction = answer.reaction
            if answer.rebuilds and not_rebuilt:
                why = prose(not_rebuilt, MAX_REASON)
                told = lifecycle.addressed(answer.comment, f"nothing is rebuilt: {why}.")
                reaction = Reaction.REFUSED
            try:
                self.forge.answer(request, answer.comment, reaction, told)
            except ForgeError as error:
                log.warning("#%s: a command was not answered: %s", request.number, error)
                return False
        return not heard.overflows or self._told_of_overflow(request)

    def _told_of_overflow(self, request: PullRequest) -> bool:
        try:
            self.forge.say(request, f"imagebot holds this request: {lifecycle.TOO_MUCH_SAID}.")
        except ForgeError as error:
            log.warning("#%s: its hold was not told of: %s", request.number, error)
            return False
        return True

    def _asked_blindly(self, requests: Sequence[PullRequest], now: datetime) -> set[int]:
        """Numbers of some of which the forge tells no news, or not all, in turn.

        The turn is remembered; by the clock alone, runs at full hours would ask the same ones.
        """
        hiding = (each for each in requests if not each.version or each.misses_replies)
        numbers = sorted(each.number for each in hiding)
        if len(numbers) <= MAX_ASKED_BLINDLY:
            return set(numbers)
        turn = f"heard turn 1 {self.key}"
        last = self.cache.get_many([turn]).get(turn) if self.cache else None
        start = bisect_right(numbers, int(last)) if last else int(now.timestamp() // 60)
        asked = [numbers[(start + step) % len(numbers)] for step in range(MAX_ASKED_BLINDLY)]
        self._turn[turn] = str(asked[-1]).encode()
        return set(asked)

    def _has_news(self, request: PullRequest, known: Mapping[str, bytes]) -> bool:
        is_kept = records.record_in(request.body) is not None
        if records.state_in(request.body).closing:  # or reopened since
            return True
        seen = known.get(self._key(request))
        return bool(request.version) and not (is_kept and seen == request.version.encode())

    def _versions(self, requests: Sequence[PullRequest]) -> Mapping[str, bytes]:
        keys = [self._key(each) for each in requests if each.version]
        return self.cache.get_many(keys) if self.cache and keys else {}

    @property
    def _merge_turn(self) -> str:
        return f"merge turn 1 {self.key}"

    def _key(self, request: PullRequest) -> str:
        return f"heard 1 {self.key} {request.number}"

    def _hear(self, request: PullRequest, now: datetime) -> Heard:
        try:
            said = self.forge.comments(request)
        except ForgeError as error:
            return replace(_silent(request), trouble=f"what was said on it cannot be read: {error}")
        heard = _silent(request)
        state = lifecycle.read_to_here(heard.state, said)
        is_reopened = self.forge.closes_at_once or lifecycle.is_closed_before(state, said.comments)
        if state.closing and is_reopened:
            state = lifecycle.reopened(state)
        heard = replace(heard, state=state, overflows=state.held_by != heard.state.held_by)
        for each in lifecycle.unanswered(state, commands_in(said.comments)):
            heard = self._obey(each, heard, now)
        return replace(
            heard,
            overflows=heard.overflows and heard.state.held_by == "imagebot",
            skips=lifecycle.skipped(heard.state, said.comments),
        )

    def _obey(self, asked: Command | Misread, heard: Heard, now: datetime) -> Heard:
        obeyed = self._obeyed(asked, heard.state, now)
        is_rebuild = obeyed.rebuilds
        answer = Answer(
            asked.comment,
            obeyed.reaction,
            obeyed.text,
            obeyed.explains,
            rebuilds=is_rebuild,
            denied=obeyed.denied,
        )
        return replace(
            heard,
            state=obeyed.state,
            answers=(*heard.answers, answer),
            wants_rebuild=heard.wants_rebuild or is_rebuild,
        )

    def _obeyed(
        self, asked: Command | Misread, state: RequestState, now: datetime
    ) -> lifecycle.Obeyed:
        try:
            if not self._is_allowed(asked.comment.author):
                return lifecycle.deny(asked, state, "that is for people with write access.")
        except ForgeError as error:
            said = prose(str(error), MAX_REASON)
            why = f"imagebot cannot tell whether you have write access: {said}"
            return lifecycle.deny(asked, state, why)
        if isinstance(asked, Misread):
            return lifecycle.misread(asked, state)
        return lifecycle.obey(asked, state, now)

    def _is_allowed(self, author: str) -> bool:
        if author not in self._may_write:
            self._may_write[author] = self.forge.may_write(author)
        return self._may_write[author]


def _gathered(answers: Sequence[Answer]) -> list[Answer]:
    """With one answer, to the newest, for all who were denied for the same reason.

    Who may not command shall not make imagebot write hundreds of comments either.
    """
    denied: dict[str, list[Answer]] = {}
    for each in answers:
        if each.denied:
            denied.setdefault(each.denied, []).append(each)
    others = [each for each in answers if not each.denied]
    return [*others, *(_together(each) for each in denied.values())]


def _together(denied: Sequence[Answer]) -> Answer:
    newest = denied[-1]
    earlier = {each.comment.id: each.comment for each in denied}
    del earlier[newest.comment.id]
    if not earlier:
        return newest
    shown = [f"{code_span(who.said_by)} ({code_span(name)})" for name, who in earlier.items()]
    more = f" and {len(shown) - MAX_NAMED} more" if len(shown) > MAX_NAMED else ""
    text = f"{newest.text} The same goes for earlier comments: {', '.join(shown[:MAX_NAMED])}{more}"
    return replace(newest, text=f"{text}.")


def _silent(request: PullRequest) -> Heard:
    """Nothing new was said; a label may ask for something still."""
    state = records.state_in(request.body)
    is_on = lifecycle.has_label(request, lifecycle.REBUILD_LABEL)
    state = replace(state, label_obeyed=state.label_obeyed and is_on)
    return Heard(state, wants_rebuild=is_on and not state.label_obeyed)
