"""When an image repository is asked for its tags, and what is known of it from the last time.

Pure. One listing serves every git repository that uses the image, so what is due is an image
repository, not a policy. A quiet one is asked seldom and one that changed lately often, within
bounds of the user; an interval that a policy names counts instead.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from imagebot.errors import RegistryError
from imagebot.image import Digest, Repository
from imagebot.model import TagList
from imagebot.owed import back_off

AGE_RATIO = 0.01  # of the time since the last change: a day of quiet makes a quarter of an hour
PATIENCE = timedelta(seconds=60)  # a poll that is late for so long is not waited for


@dataclass(frozen=True, slots=True)
class Use:
    """What one git repository needs of one image repository.

    `interval`: the shortest that its policies name. `followed`: tags whose digest it goes by.
    """

    image: Repository
    interval: timedelta | None = None
    followed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to ask. `usual` is that of an image repository of which nothing is known yet."""

    least: timedelta = timedelta(minutes=1)
    most: timedelta = timedelta(minutes=15)
    usual: timedelta = timedelta(minutes=5)
    jitter_ratio: float = 0.1

    def interval(self, own: timedelta | None, changed_at: datetime, now: datetime) -> timedelta:
        """Until the next listing, before jitter. `own`: what policies say."""
        if own is not None:
            return max(own, self.least)
        return min(max((now - changed_at) * AGE_RATIO, self.least), self.most)

    def supposed_change(self, now: datetime) -> datetime:
        """When an image repository that is seen for the first time changed, to begin with."""
        return now - self.usual / AGE_RATIO

    def jittered(self, interval: timedelta, roll: float) -> timedelta:
        """Give or take the jitter, so that the mean is the interval. `roll` is in [0, 1)."""
        return interval * (1 + self.jitter_ratio * (2 * roll - 1))


@dataclass(frozen=True, slots=True)
class Poll:
    """What is known of one image repository. Times carry a zone."""

    image: Repository
    due_at: datetime
    changed_at: datetime  # its tags, or a digest that is followed
    polled_at: datetime | None = None  # the last good answer
    wanted_at: datetime | None = None  # a wake-up: what was asked before counts no more
    fails: int = 0  # in a row
    trouble: str = ""  # the last failure, "" after a good answer
    fingerprint: str = ""  # of the last listing
    etag: str = ""
    digests: Mapping[str, Digest] = field(default_factory=dict)  # of followed tags
    followed: frozenset[str] = frozenset()  # by any of its users
    claimed_until: datetime | None = None  # somebody asks for it, at most until then

    def can_be_taken(self, now: datetime) -> bool:
        """Whether what is known is good enough for a reconciliation.

        It is until the next poll is late, and while that poll waits for a slow registry. A failure
        is known too: asking again before its time would only wait for it again.
        """
        is_asked = self.claimed_until is not None and now < self.claimed_until
        return self.wanted_at is None and (is_asked or now <= self.due_at + PATIENCE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry said. `trouble`: why it said nothing; `wait`: what it asked for then.

    `tags` None: the same as before. `gone`: followed tags that it denies.
    """

    tags: tuple[str, ...] | None = None
    digests: Mapping[str, Digest] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    etag: str = ""
    trouble: str = ""
    can_retry: bool = False
    wait: timedelta | None = None


def answer_of(found: TagList | RegistryError) -> Answer:
    """A listing, or its failure, as an answer that tells of no digest."""
    if isinstance(found, TagList):
        return Answer(found.tags, etag=found.etag)
    seconds = getattr(found, "retry_after_seconds", None)
    return Answer(
        trouble=found.with_hint,
        can_retry=found.can_retry,
        wait=timedelta(seconds=seconds) if seconds else None,
    )


def fingerprint(tags: Iterable[str]) -> str:
    """Equal for equal sets of tags, in whatever order they were listed."""
    return hashlib.sha256("\n".join(sorted(tags)).encode()).hexdigest()


def noted(
    known: Poll | None, use: Use, answer: Answer, asked_at: datetime, pace: Pace, roll: float
) -> Poll:
    """What is known after an answer. `use`: what all users together need."""
    if known is None:
        known = Poll(use.image, asked_at, pace.supposed_change(asked_at))
    if answer.trouble:
        return _failed(known, use, answer, asked_at, pace, roll)
    shape = known.fingerprint if answer.tags is None else fingerprint(answer.tags)
    digests = {tag: digest for tag, digest in answer.digests.items() if tag in use.followed}
    moved = has_moved(known.digests, answer)
    is_other = bool(known.fingerprint) and shape != known.fingerprint
    changed_at = asked_at if is_other or moved else known.changed_at
    interval = pace.interval(use.interval, changed_at, asked_at)
    is_wanted_still = known.wanted_at is not None and known.wanted_at > asked_at
    return Poll(
        use.image,
        known.due_at if is_wanted_still else asked_at + pace.jittered(interval, roll),
        changed_at,
        polled_at=asked_at,
        wanted_at=known.wanted_at if is_wanted_still else None,
        fingerprint=shape,
        etag=answer.etag,
        digests=digests,
        followed=use.followed,
    )


def has_moved(known: Mapping[str, Digest], answer: Answer) -> bool:
    """Whether a tag points elsewhere than it did, or is no more."""
    differs = any(known.get(tag, digest) != digest for tag, digest in answer.digests.items())
    return differs or not answer.gone.isdisjoint(known)


def _failed(
    known: Poll, use: Use, answer: Answer, asked_at: datetime, pace: Pace, roll: float
) -> Poll:
    """Soon again where that may help, but never sooner than asked for nor later than usual."""
    interval = pace.interval(use.interval, known.changed_at, asked_at)
    wait = pace.jittered(interval, roll)
    if answer.can_retry:
        wait = min(back_off(known.fails + 1, max(roll, 0.5)), wait)
    wait = max(wait, answer.wait or timedelta(0))
    return Poll(
        use.image,
        asked_at + wait,
        known.changed_at,
        polled_at=known.polled_at,
        fails=known.fails + 1,
        trouble=answer.trouble,
        fingerprint=known.fingerprint,
        etag=known.etag,
        digests=known.digests,
        followed=use.followed,
    )


def with_digests(
    known: Poll, use: Use, answer: Answer, now: datetime, pace: Pace, roll: float
) -> Poll:
    """What is known once a reconciliation asked for digests, and may use the image otherwise.

    Only `digests` and `gone` of the answer count. The next poll is where the present use has it.
    """
    digests = {**known.digests, **answer.digests}
    changed_at = now if has_moved(known.digests, answer) else known.changed_at
    due_at = known.due_at
    if known.polled_at and not known.trouble and not known.wanted_at:
        wait = pace.interval(use.interval, changed_at, now)
        due_at = known.polled_at + pace.jittered(wait, roll)
    return replace(
        known,
        due_at=due_at,
        changed_at=changed_at,
        digests={
            tag: digest
            for tag, digest in digests.items()
            if tag in use.followed and tag not in answer.gone
        },
    )


def is_news(before: Poll | None, after: Poll) -> bool:
    """Whether the users should look: other tags, a digest that moved, or an end of trouble."""
    if after.trouble or before is None:
        return False
    return after.changed_at != before.changed_at or bool(before.trouble)
