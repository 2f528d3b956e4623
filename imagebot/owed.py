"""What is owed, and when it may be tried: the row behind every timer, wake-up and button.

Pure. A wake-up carries nothing but "look now", so losing every one of them loses nothing: what is
owed stands in the store, and a sweep finds it. Whoever reconciles reads `requested`, looks at the
world afresh and notes that number as `done`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from imagebot.image import Repository
from imagebot.proposals import OutcomeKind

MAX_BACK_OFF = timedelta(hours=1)
MAX_WAIT = timedelta(hours=24)  # back-off included; a longer Retry-After is not believed
_FIRST_BACK_OFF = timedelta(seconds=10)
_LEAST_BACK_OFF = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Target:
    """A git repository that is to be reconciled. Owed while `requested` is above `done`.

    Not before `not_before`, after `fails` failures in a row.
    """

    key: str
    requested: int
    done: int
    not_before: datetime | None = None
    fails: int = 0

    @property
    def is_owed(self) -> bool:
        return self.requested > self.done

    def is_due(self, now: datetime) -> bool:
        """Owed, and nothing says to wait.

        A wait that is longer than any we write down was noted by a clock that stood wrong: ignored.
        """
        waits = self.not_before is not None and now < self.not_before <= now + MAX_WAIT
        return self.is_owed and not waits


@dataclass(frozen=True, slots=True)
class Run:
    """One past reconciliation: when, and what it came to. Both times carry a zone."""

    repository: str
    kind: OutcomeKind
    message: str
    started_at: datetime
    ended_at: datetime


class StoreReader(Protocol):
    """What status, metrics and (later) the dashboard may ask."""

    def target(self, key: str) -> Target: ...

    def owed(self, now: datetime) -> list[Target]: ...

    def last_runs(self, since: datetime | None = None) -> Mapping[str, Run]: ...

    def last_successes(self) -> Mapping[str, datetime]: ...


class StoreWriter(Protocol):
    """What wake-ups and the controller note down."""

    def request(self, key: str) -> None: ...

    def request_in_turn(self, key: str, within: timedelta) -> timedelta: ...

    def finish(self, key: str, read_requested: int) -> None: ...

    def set_back(self, by: timedelta) -> None: ...

    def fail(self, key: str, now: datetime, retry_after: timedelta | None = None) -> Target: ...

    def record(self, run: Run) -> None: ...


class Locks(Protocol):
    """One holder at a time of each key, among all that share a store."""

    def hold(self, key: str) -> AbstractContextManager[bool]:
        """Hold `key` to the end of the block, unless somebody does: then the block gets False."""
        ...

    def give_up(self, key: str) -> None:
        """Release what a block of this process holds that does not come to its end."""
        ...

    def tend(self) -> None:
        """Called often: takes back what was held when the connection to the store was lost."""
        ...


class Wakeups(Protocol):
    """What a hook may ask for. It trusts nothing that was said: it only has us look now."""

    def image(self, repository: Repository) -> Sequence[str]:
        """Look at this image repository soon.

        Gives back the names of the git repositories that use it, all of which are requested.
        """
        ...

    def project(self, project: str, host: str = "") -> Sequence[str]:
        """Somebody pushed to, or commented in, this git project (owner/name).

        `host` narrows it to git repositories of that host[:port]. Gives back the names of those
        that were requested.
        """
        ...


def back_off(fails: int, roll: float) -> timedelta:
    """How long to leave a target alone after `fails` failures in a row.

    Full jitter: anything up to a bound that doubles each time, up to an hour. `roll` is a random
    number in [0, 1).
    """
    doublings = min(max(fails - 1, 0), 20)
    bound = min(_FIRST_BACK_OFF * (1 << doublings), MAX_BACK_OFF)
    return max(bound * roll, _LEAST_BACK_OFF)


def next_try_at(now: datetime, fails: int, retry_after: timedelta | None, roll: float) -> datetime:
    """Never before the time that the other side asked for; spread after it."""
    asked = min(max(retry_after or timedelta(0), timedelta(0)), MAX_WAIT - MAX_BACK_OFF)
    return now + asked + back_off(fails, roll)
