"""Stops asking a registry that told us to wait, or to which no connection can be made.

Without it, a poll of two hundred repositories would knock two hundred times, each with its own
time-outs. Failures that may belong to one repository (an error answer, a broken body) do not
count: one bad repository must not silence its neighbours.
"""

import threading
import time

from imagebot.errors import RegistryUnavailable

UNREACHABLE_COUNT = 3
UNREACHABLE_SECONDS = 30.0
LONGEST_SECONDS = 900.0  # then one request finds out whether the registry still wants us to wait


class Circuit:
    """Thread-safe. `check` before asking; `fail` and `succeed` after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failure: RegistryUnavailable | None = None
        self._open_until = 0.0  # monotonic clock
        self._failure_count = 0

    def check(self) -> None:
        """Raise the failure that opened the circuit while it is open."""
        with self._lock:
            left = self._open_until - time.monotonic()
            failure = self._failure
        if left > 0 and failure is not None:
            raise RegistryUnavailable(
                f"{failure}; not asked again for now", hint=failure.hint, retry_after_seconds=left
            )

    def fail(self, failure: RegistryUnavailable, *, wait_seconds: float | None = None) -> None:
        """Count a failed connection, or open at once for as long as the registry asked."""
        with self._lock:
            self._failure_count += 1
            if wait_seconds is None and self._failure_count < UNREACHABLE_COUNT:
                return
            wait = UNREACHABLE_SECONDS if wait_seconds is None else wait_seconds
            self._failure = failure
            self._open_until = time.monotonic() + min(wait, LONGEST_SECONDS)

    def succeed(self) -> None:
        """An answer came: connections can be made."""
        self._failure_count = 0
