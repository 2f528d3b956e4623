"""Run a policy over the past of an image's tags: which pull requests would it have opened?

Pure. Takes the tags with their times and gives back a timeline. Every decision is made by
`choosing.decide` over the tags that there were at that moment (given.py), with the cool-down,
`held`, `skip` and `suspend` of that day; between two moments nothing can change, so nothing is
decided. Requests are merged a fixed time after they were opened.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from imagebot import asking, choosing
from imagebot.choosing.cases import Case, Decision
from imagebot.choosing.known import Known
from imagebot.given import Given
from imagebot.image import Digest, Repository
from imagebot.model import GateVerdict, Ground, TagList, Verdict
from imagebot.policy.model import Order, Pin, Policy
from imagebot.proposals import Proposed
from imagebot.selection import explain, select
from imagebot.tag_lists import GivenTag
from imagebot.version import Step

MAX_REPLAYED = 2_000  # tags, the newest
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_FOR_EVER = frozenset({Ground.ARTIFACT, Ground.FILTER, Ground.EXCLUDED, Ground.LOWER, Ground.SAME})
"""Grounds that no higher current tag ever takes away."""
_READS_ALL_ALIKE = (Order.SEMVER, Order.DATE)  # whatever the current tag looks like


class Action(StrEnum):
    """What would have happened."""

    START = "start"  # no pull request: the replay takes this tag for the one in the file
    OPEN = "open"
    UPDATE = "update"
    MERGE = "merge"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the timeline. `held_since`: when a gate first held the tag, if one did."""

    at: datetime
    action: Action
    before: str | None  # tag, or tag@digest in short under the order digest
    after: str
    step: Step | None
    reason: str
    held_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """The timeline, and how things stand at its end."""

    timeline: tuple[Happening, ...]
    current: str | None
    proposed: str | None = None  # by a request that is open at the end
    waiting: tuple[GateVerdict, ...] = ()  # held at the end
    reason: str = ""  # what the last decision said
    undated: tuple[str, ...] = ()  # tags without a time, left out
    left_out_count: int = 0  # tags older than the newest MAX_REPLAYED, left out


def replay(
    policy: Policy,
    repository: Repository,
    tags: Iterable[GivenTag],
    until: datetime,
    *,
    current: str | None = None,
    merge_after: timedelta = timedelta(0),
) -> Replayed:
    """Replay up to `until`. Without `current` it starts from the first tag the policy takes.

    A `current` that has a time starts the replay there. Digests are followed under the order
    digest alone; else tags are what is replayed.
    """
    if policy.tags.order is not Order.DIGEST:
        policy = replace(policy, pin=Pin.TAG)
    given = list(tags)
    dated = [(each.at, each) for each in given if each.at is not None]
    dated.sort(key=lambda pair: (pair[0], pair[1].tag))
    left_out = max(len(dated) - MAX_REPLAYED, 0)
    here = _Written(current) if current is not None else None
    newest = [each for _, each in dated[left_out:]]
    times = [at for at, _ in dated[left_out:]]
    past = _Past(policy, repository, Given(repository, newest, _BEFORE_ALL), here, merge_after)
    past.plan(times, begin=next((at for at, each in dated if each.tag == current), None))
    known = {each.tag for _, each in dated}
    undated = tuple(sorted({each.tag for each in given} - known))
    for moment in past.moments(until):
        past.live_through(moment)
    return replace(past.replayed(), undated=undated, left_out_count=left_out)


@dataclass(frozen=True, slots=True)
class _Written:
    """What stands in the file. The digest under the order digest alone."""

    tag: str
    digest: Digest | None = None

    def __str__(self) -> str:
        return self.tag + (f"@{self.digest.short}" if self.digest else "")


@dataclass(frozen=True, slots=True)
class _Request:
    """The one pull request that can be open: of a policy and image there is never a second."""

    to: _Written
    step: Step | None
    opened_at: datetime
    reason: str


@dataclass(slots=True)
class _Past:
    """The file and its request while time goes on."""

    policy: Policy
    repository: Repository
    given: Given
    current: _Written | None
    merge_after: timedelta
    timeline: list[Happening] = field(default_factory=list)
    _agenda: list[datetime] = field(default_factory=list)
    _request: _Request | None = None
    _decision: Decision | None = None
    _held_since: dict[tuple[str, Digest | None], datetime] = field(default_factory=dict)
    _tags: set[str] = field(default_factory=set)  # all that may ever be taken
    _candidates: set[str] | None = None  # those that may for this current tag; None: ask of all
    _day: date | None = None
    _begin: datetime | None = None

    def plan(self, times: Sequence[datetime], begin: datetime | None) -> None:
        """Note when something can change: tags come up, and dates of the policy pass."""
        self._agenda = [*times, *(_midnight(day) for day in _dates_in(self.policy))]
        self._begin = begin
        heapq.heapify(self._agenda)

    def moments(self, until: datetime) -> Iterator[datetime]:
        """Each moment once, in order; more may come up on the way."""
        last = None
        while self._agenda and self._agenda[0] <= until:
            moment = heapq.heappop(self._agenda)
            if moment != last and (self._begin is None or moment >= self._begin):
                last = moment
                yield moment

    def live_through(self, now: datetime) -> None:
        """All that happens at one moment: merges, and what comes of them."""
        while True:
            self._merge_if_due(now)
            self._look(now)
            if self._request is None or self._request.opened_at + self.merge_after > now:
                return

    def replayed(self) -> Replayed:
        decision = self._decision
        verdicts = decision.verdicts if decision else ()
        return Replayed(
            tuple(self.timeline),
            str(self.current) if self.current else None,
            str(self._request.to) if self._request else None,
            tuple(each for each in verdicts if each.verdict is Verdict.HOLD),
            decision.reason if decision else "",
        )

    def _merge_if_due(self, now: datetime) -> None:
        request = self._request
        if request and request.opened_at + self.merge_after <= now:
            self._note(now, Action.MERGE, request)
            self.current, self._request = request.to, None
            self._forget_for_ever()

    def _look(self, now: datetime) -> None:
        """What imagebot does when it looks at this moment."""
        self._take_in(now)
        if self.current is None:
            self._start(now)
        if self.current is None:
            return
        suspended = self.policy.suspended_on(now.date())
        if suspended:
            self._decision = Decision(suspended, is_suspended=True)
            return
        self._decision = decision = self._decided(now, self.current)
        self._remember(decision, now)
        self._propose(decision, now)

    def _propose(self, decision: Decision, now: datetime) -> None:
        """Open, update or close the request, as the decision asks for."""
        request = self._request
        if decision.tag is None:
            if request and not decision.is_failure:
                self._note(now, Action.CLOSE, replace(request, reason=decision.reason))
                self._request = None
            return
        wanted = _Written(decision.tag, decision.digest)
        if request is None:
            self._request = _Request(wanted, decision.step, now, decision.reason)
            self._note(now, Action.OPEN, self._request)
            heapq.heappush(self._agenda, now + self.merge_after)
        elif wanted != request.to:
            opened_at = request.opened_at
            self._request = _Request(wanted, decision.step, opened_at, decision.reason)
            self._note(now, Action.UPDATE, self._request)

    def _start(self, now: datetime) -> None:
        """The file is taken to be written with the first tag that the policy allows."""
        skipped = self.policy.skipped_on(now.date())
        found = select(
            self.policy.tags, None, sorted(self._tags), skipped=skipped, times=self._times()
        )
        if found.candidates:
            self.current = _Written(found.candidates[0].tag)
            reason = "first tag that the policy allows"
            start = Happening(now, Action.START, None, str(self.current), None, reason)
            self.timeline.append(start)
        else:
            self._decision = Decision(found.note or "no tag that the policy allows")

    def _times(self) -> Mapping[str, datetime]:
        """What the order newest-build alone has to know."""
        return self.given.times if self.policy.tags.order is Order.NEWEST_BUILD else {}

    def _take_in(self, now: datetime) -> None:
        """The tags that came. A day may change what is skipped, so then all are asked again."""
        if now.date() != self._day and self.policy.skip:
            self._candidates = None
        self._day = now.date()
        came = self.given.advance(now)
        self._tags.update(came)
        if self._candidates is not None:
            self._candidates.update(came)

    def _forget_for_ever(self) -> None:
        """Leave out what is not worth a look any more, now that a higher tag is written."""
        self._candidates = None
        if self.current is None or self.policy.tags.order is Order.DIGEST:
            return
        tags, rules = sorted(self._tags), self.policy.tags
        found = explain(rules, self.current.tag, tags, times=self._times())
        grounds = _FOR_EVER | ({Ground.UNREADABLE} if rules.order in _READS_ALL_ALIKE else set())
        self._tags -= {each.tag for each in found.rejections if each.ground in grounds}

    def _decided(self, now: datetime, current: _Written) -> Decision:
        given = self.given
        if self.policy.tags.order is Order.DIGEST and current.digest is None:
            digest = given.digest(current.tag)
            self.current = current = _Written(current.tag, digest)
        case = Case(self.policy, self.repository, current.tag, current.digest)
        proposed: tuple[Proposed, ...] = ()
        if self._request:
            to = self._request.to
            proposed = (Proposed(self.policy.identity, self.repository, to.tag, to.digest),)
        tags = self._tags if self._candidates is None else self._candidates
        listing = TagList(self.repository, tuple(sorted(tags | {current.tag} & self._tags)))
        known = Known(now, {self.repository: listing}, proposed)
        asking.note_listings(given, known, [case])
        return asking.settle({0: choosing.decide(case, known)}, known, given, given)[0]

    def _remember(self, decision: Decision, now: datetime) -> None:
        """What bears on later moments: the clocks that run, and the tags that may be taken."""
        for verdict in decision.verdicts:
            if verdict.verdict is Verdict.HOLD:
                self._held_since.setdefault(self._key(verdict.tag), now)
                if verdict.until is not None and verdict.until > now:
                    heapq.heappush(self._agenda, verdict.until)
        if decision.selection is not None and self.policy.tags.order is not Order.DIGEST:
            self._candidates = {each.tag for each in decision.selection.candidates}

    def _key(self, tag: str) -> tuple[str, Digest | None]:
        """A tag that was pushed again is held anew."""
        return tag, self.given.digest(tag)

    def _note(self, now: datetime, action: Action, request: _Request) -> None:
        before = str(self.current) if self.current else None
        since = self._held_since.get(self._key(request.to.tag))
        after, step, reason = str(request.to), request.step, request.reason
        self.timeline.append(Happening(now, action, before, after, step, reason, since))


def _dates_in(policy: Policy) -> Iterator[date]:
    yield from (skip.until for skip in policy.skip if skip.until is not None)
    if policy.suspend is not None and policy.suspend.until is not None:
        yield policy.suspend.until


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
