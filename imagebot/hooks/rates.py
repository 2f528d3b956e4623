"""How often: a bucket of tokens that fills at a steady rate (a GCRA in memory)."""

import threading
import time
from collections.abc import Callable


class Rate:
    """At most `per_minute` on average, and `burst` at once. Thread-safe."""

    def __init__(
        self, per_minute: float, burst: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds_each = 60.0 / per_minute
        self._slack_seconds = self._seconds_each * (burst - 1)
        self._monotonic = monotonic
        self._next_at = 0.0  # when the next would be due, were they evenly spread
        self._lock = threading.Lock()

    def wait_seconds(self) -> float:
        """0.0 and one is counted, or how long to wait until one may come."""
        with self._lock:
            now = self._monotonic()
            due = max(self._next_at, now)
            wait = due - now - self._slack_seconds
            if wait > 0:
                return wait
            self._next_at = due + self._seconds_each
            return 0.0

    def give_back(self) -> None:
        """What was counted was nothing after all."""
        with self._lock:
            self._next_at -= self._seconds_each
