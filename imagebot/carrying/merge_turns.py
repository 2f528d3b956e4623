"""Whose turn it is to be asked about: of which requests the forge is asked whether it merges them.

Pure. To know whether a request may be merged costs requests of its own at every forge, and most of
the time the answer is "not yet". So a run asks of a few in vain and leaves the rest to the next
one, which goes on behind the number at which this one stopped. The caller keeps that number.
"""

from collections.abc import Collection
from datetime import datetime
from hashlib import sha256

MAX_ASKED_IN_VAIN = 5  # requests a run that are not merged yet


def somewhere(numbers: Collection[int], now: datetime) -> int:
    """A number to start behind where nobody knows the last one; the clock throws the dice.

    By the clock itself, runs at full hours would start at the same one each time.
    """
    if not numbers:
        return 0
    dice = sha256(now.isoformat().encode()).digest()
    return sorted(numbers)[int.from_bytes(dice[:8]) % len(numbers)]


class MergeTurns:
    """The turns of one run. `last` is the number of the request at which the run before stopped."""

    def __init__(self, last: int) -> None:
        self._start = last
        self._left = MAX_ASKED_IN_VAIN
        self.last = last

    def place(self, number: int) -> tuple[bool, int]:
        """Sorts requests as they are to be asked about: first those behind the last one."""
        return number <= self._start, number

    def take(self, number: int) -> bool:
        """Whether the forge may be asked about this one. It counts as in vain until it paid off."""
        if not self._left:
            return False
        self._left -= 1
        self.last = number
        return True

    def paid_off(self) -> None:
        """The one that was asked about last is merged, or will be without being asked about."""
        self._left += 1
