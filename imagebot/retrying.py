"""When a git repository is looked at again, by what the last look came to. Pure."""

from datetime import timedelta

from imagebot.errors import ImagebotError
from imagebot.proposals import Outcome, OutcomeKind

STALLED_LOOK = timedelta(hours=1)  # what a forge lets us do can change without a trace elsewhere
_MAX_FIRST_SPREAD = timedelta(seconds=3)


def first_poll_at(started: float, interval: timedelta, jitter_ratio: float, roll: float) -> float:
    """At once, spread over at most three seconds. Monotonic seconds; `roll` is in [0, 1)."""
    return started + min(interval * jitter_ratio, _MAX_FIRST_SPREAD).total_seconds() * roll


def next_poll_at(polled: float, interval: timedelta, jitter_ratio: float, roll: float) -> float:
    """One interval later, give or take the jitter, so that the mean is the interval."""
    return polled + interval.total_seconds() * (1 + jitter_ratio * (2 * roll - 1))


def wants_retry(kind: OutcomeKind) -> bool:
    """Whether to try again before the interval has passed; a stalled one waits for a person."""
    return kind is OutcomeKind.FAILED


def outcome_of(key: str, error: Exception) -> Outcome:
    """What a reconciliation that raised came to. A bug counts as something to try again."""
    if not isinstance(error, ImagebotError):
        return Outcome(key, OutcomeKind.FAILED, f"a bug in imagebot: {type(error).__name__}")
    kind = OutcomeKind.FAILED if error.can_retry else OutcomeKind.STALLED
    return Outcome(key, kind, error.with_hint)


def retry_after(error: Exception | None) -> timedelta | None:
    """The wait that a registry or forge asked for, if it did."""
    seconds = getattr(error, "retry_after_seconds", None)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 1e9:
        return None
    return timedelta(seconds=seconds)


def needs_person(outcome: Outcome, error: Exception | None) -> bool:
    """Whether looking again is no use while base and settings stay as they are.

    An outcome that tells of images is no such case: these go on, whatever else is wrong.
    """
    return outcome.kind is OutcomeKind.STALLED and error is not None
