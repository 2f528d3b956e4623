"""How many requests went to which host, what came of them, and what the hosts let us ask still.

No I/O. Whoever sends (registries, forges) counts here; metrics read it. Thread-safe. Names of
hosts come from files that anybody may write, so only the first fifty keep theirs and the rest is
counted together: a counter that was shown once never goes back.
"""

import re
import threading
from collections.abc import Callable
from types import MappingProxyType

MAX_HOSTS = 50
OTHER = "other"
UNREACHABLE = "unreachable"  # no whole answer came
OUTCOMES = ("ok", "unchanged", "refused", "missing", "limited", "error", UNREACHABLE)
_BY_STATUS = MappingProxyType(
    {304: "unchanged", 401: "refused", 403: "refused", 404: "missing", 429: "limited"}
)
# Docker Hub: `100;w=21600`. The `ratelimit` of the IETF's draft has no prefix, the forges' has.
_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")
_NUMBER = re.compile(r"\s*(\d{1,12})(?:\s*;.*)?", re.ASCII | re.DOTALL)


def outcome_of(status: int) -> str:
    """One of OUTCOMES for the status of an answer. A challenge (401) counts as refused."""
    return _BY_STATUS.get(status) or ("ok" if status < 400 else "error")


def remaining_in(header: Callable[[str], str | None]) -> int | None:
    """How many requests are left, where the headers of an answer say it."""
    for name in _REMAINING:
        found = _NUMBER.fullmatch(header(name) or "")
        if found:
            return int(found[1])
    return None


class Traffic:
    """Counts by host and outcome since it was made, and each host's last word on what is left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hosts: set[str] = set()
        self._counts: dict[tuple[str, str], int] = {}
        self._left: dict[str, int] = {}

    def add(self, host: str, outcome: str, left: int | None = None) -> None:
        """One request to `host` ended. `left`: requests that it still allows, None: not told."""
        with self._lock:
            shown = self._shown(host)
            self._counts[shown, outcome] = self._counts.get((shown, outcome), 0) + 1
            if left is not None and shown != OTHER:
                self._left[shown] = left

    def by_host(self) -> dict[str, int]:
        totals: dict[str, int] = {}
        for (host, _), count in self.by_outcome().items():
            totals[host] = totals.get(host, 0) + count
        return totals

    def by_outcome(self) -> dict[tuple[str, str], int]:
        """Counts by host and outcome."""
        with self._lock:
            return dict(self._counts)

    def left_by_host(self) -> dict[str, int]:
        with self._lock:
            return dict(self._left)

    def _shown(self, host: str) -> str:
        if host in self._hosts or len(self._hosts) < MAX_HOSTS:
            self._hosts.add(host)
            return host
        return OTHER
