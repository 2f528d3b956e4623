"""What is left alone for a while, as this process remembers it: git repositories, notifiers.

Decides on times that it is given, in monotonic seconds. Losing it with the process costs one look
at each. What is owed, and when it may be tried again, stands in the store (owed.py).
"""

from collections.abc import Collection
from dataclasses import dataclass

from imagebot.owed import back_off
from imagebot.retrying import STALLED_LOOK


@dataclass(frozen=True, slots=True)
class Stall:
    """A git repository that needs a person: why, where its base stood, and since when."""

    message: str
    base: str
    since: float


class Stalls:
    """Those that need a person: of these only the base is looked at, for an hour."""

    def __init__(self) -> None:
        self._stalls: dict[str, Stall] = {}
        self._troubles: dict[str, str] = {}  # of the last look at the base

    def keys(self) -> frozenset[str]:
        return frozenset(self._stalls)

    def note(self, key: str, message: str, base: str, now: float) -> None:
        self._stalls[key] = Stall(message, base, now)

    def forget(self, keys: Collection[str]) -> None:
        for key in keys:
            self._stalls.pop(key, None)
            self._troubles.pop(key, None)

    def recent(self, key: str, now: float) -> Stall | None:
        """The stall of a key of which looking at the base is enough."""
        stall = self._stalls.get(key)
        is_recent = stall is not None and now - stall.since < STALLED_LOOK.total_seconds()
        return stall if is_recent else None

    def is_news(self, key: str, stall: Stall, trouble: str) -> bool:
        """Whether a look at the base came to something else than was known.

        `trouble` is why a person is needed for the look itself, "" where it went well. Reconciling
        may not meet it, or say it in other words: that is found out once.
        """
        known = self._troubles.get(key, "")
        self._troubles[key] = trouble
        return trouble not in (known, stall.message)


class PutOff:
    """What failed where the store cannot say so, for longer each time in a row.

    Otherwise a full disk would have git repositories reconciled at every tick, against other
    people's registries and forges, and a notifier that is down would be asked at every run.
    """

    def __init__(self) -> None:
        self._until: dict[str, tuple[int, float]] = {}  # failures in a row, and when it ends

    def is_over(self, key: str, now: float) -> bool:
        return self._until.get(key, (0, now))[1] <= now

    def note(self, key: str, now: float, roll: float) -> None:
        fails = self._until.get(key, (0, 0.0))[0] + 1
        self._until[key] = (fails, now + back_off(fails, max(roll, 0.5)).total_seconds())

    def forget(self, keys: Collection[str]) -> None:
        for key in keys:
            self._until.pop(key, None)
