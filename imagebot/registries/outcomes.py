"""Remembers what asking for credentials came to, so that one poll of many repositories asks once.

Thread-safe. Who asks for the same key at the same time waits for the first, and gets its answer.
"""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from imagebot.errors import RegistryError

KEEP_FAILURE_SECONDS = 30.0

Key = TypeVar("Key")
Found = TypeVar("Found")
Ask = Callable[[], tuple[Found, float]]  # what was found, and for how many seconds it holds


class Outcomes(Generic[Key, Found]):
    """Answers by key, until their time is over; a failure for half a minute."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._locks: dict[Key, threading.Lock] = {}
        self._kept: dict[Key, tuple[float, Found | RegistryError]] = {}

    def get(self, key: Key, ask: Ask[Found]) -> Found:
        """What is remembered of `key`, else what `ask` finds; raises what it raised."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] <= self._monotonic():
                kept = self._asked(ask)
                self._kept[key] = kept
        outcome = kept[1]
        if isinstance(outcome, RegistryError):
            raise outcome.with_traceback(None)  # it is raised again and again
        return outcome

    def _asked(self, ask: Ask[Found]) -> tuple[float, Found | RegistryError]:
        try:
            found, seconds = ask()
        except RegistryError as error:
            return self._monotonic() + KEEP_FAILURE_SECONDS, error
        return self._monotonic() + seconds, found
