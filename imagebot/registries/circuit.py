"""Stops asking a registry that told us to wait, does not answer, or has trouble with everything.

Without it, a poll of two hundred repositories would knock two hundred times, each with its own
time-outs. One registry has one circuit, whoever asks. After a while one request finds out whether
it is well again, and only then come the others. One bad repository must not silence its
neighbours: trouble counts only when several have it in a row, with no good answer between.
The log says when it begins and when it is over.
"""

import logging
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from imagebot.errors import RegistryUnavailable

log = logging.getLogger(__name__)

UNREACHABLE_COUNT = 3  # connections in a row that could not be made
TROUBLED_COUNT = 5  # operations in a row, of as many repositories, that came to nothing
FIRST_SECONDS = 30.0
LONGEST_SECONDS = 900.0  # then one request finds out whether the registry still wants us to wait
_PROBE_SECONDS = 90.0  # for how long the one request may keep the others waiting


class State(StrEnum):
    CLOSED = "closed"  # all is well
    OPEN = "open"  # nobody asks
    HALF_OPEN = "half-open"  # one asks, whether it is well again


class Circuit:
    """Thread-safe. `check` before asking; `fail` and `succeed` after. Times are monotonic."""

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, host: str = "the registry"
    ) -> None:
        self._monotonic = monotonic
        self._host = host
        self._lock = threading.Lock()
        self._failure: RegistryUnavailable | None = None  # None: closed
        self._open_until = 0.0
        self._probe_until = 0.0
        self._last_wait = 0.0
        self._unreachable_count = 0
        self._troubled: set[str] = set()

    def check(self) -> None:
        """Raise the failure that opened the circuit, unless this request is to find out more."""
        with self._lock:
            if self._failure is None:
                return
            now = self._monotonic()
            left = max(self._open_until, self._probe_until) - now
            if left <= 0:
                self._probe_until = now + _PROBE_SECONDS
                return
            failure = self._failure
        raise RegistryUnavailable(
            f"{failure}; not asked again for now", hint=failure.hint, retry_after_seconds=left
        )

    def fail(
        self, failure: RegistryUnavailable, purpose: str, *, wait_seconds: float | None = None
    ) -> None:
        """Note that an operation (named by its purpose) came to nothing, for want of an answer.

        With `wait_seconds`, which the registry asked for, the circuit opens at once.
        """
        with self._lock:
            self._troubled.add(purpose)
            is_enough = len(self._troubled) >= TROUBLED_COUNT
            if wait_seconds is not None:
                self._open(failure, wait_seconds)
            elif is_enough or self._failure is not None:
                self._open(failure, self._longer_wait())

    def fail_to_connect(self, failure: RegistryUnavailable) -> None:
        """Note that no connection could be made."""
        with self._lock:
            self._unreachable_count += 1
            if self._unreachable_count >= UNREACHABLE_COUNT or self._failure is not None:
                self._open(failure, self._longer_wait())

    def succeed(self) -> None:
        """A good answer came: all is well."""
        with self._lock:
            if self._failure is not None:
                log.info("%(host)s answers again", {"host": self._host})
            self._failure = None
            self._unreachable_count = 0
            self._last_wait = 0.0
            self._troubled.clear()

    @property
    def state(self) -> State:
        with self._lock:
            if self._failure is None:
                return State.CLOSED
            return State.OPEN if self._open_until > self._monotonic() else State.HALF_OPEN

    @property
    def reason(self) -> str:
        """What opened it; empty while it is closed."""
        with self._lock:
            return str(self._failure or "")

    def _open(self, failure: RegistryUnavailable, seconds: float) -> None:
        is_news = self._failure is None
        self._failure = failure
        self._last_wait = min(seconds, LONGEST_SECONDS)
        if is_news:
            fields = {"host": self._host, "seconds": self._last_wait, "reason": str(failure)}
            log.warning("%(host)s is not asked for %(seconds).0f s: %(reason)s", fields)
        until = self._monotonic() + self._last_wait
        self._open_until = until if self._probe_until else max(until, self._open_until)
        self._probe_until = 0.0

    def _longer_wait(self) -> float:
        """Twice as long as before, once the request that was to find out failed as well."""
        if self._failure is None:
            return FIRST_SECONDS
        if self._probe_until == 0:  # one that was on its way when the circuit opened
            return self._open_until - self._monotonic()
        return max(2 * self._last_wait, FIRST_SECONDS)
