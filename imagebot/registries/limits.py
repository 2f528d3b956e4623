"""What one operation against a registry may cost, and the purse it pays from.

Pure but for the clock. An operation is one listing of tags or one look at one tag, with all its
pages, token requests, redirects and retries. Whoever spends asks the `Budget` first, so that no
answer of a registry, however it is made, can hold us longer or fill more memory than this.
"""

import time
from dataclasses import dataclass

from imagebot.errors import RegistryError, RegistryUnavailable

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one operation, but for `connections`, which bounds all of `list_many`."""

    connect_seconds: float = 10
    read_seconds: float = 20  # without a single byte
    operation_seconds: float = 60
    requests: int = 1100
    response_bytes: int = 8 * MEBIBYTE
    operation_bytes: int = 32 * MEBIBYTE
    pages: int = 1000
    tags: int = 100_000
    redirects: int = 3
    attempts: int = 3  # of one request that a lost connection or a 5xx answer ended
    wait_seconds: float = 5  # the longest `Retry-After` that is waited for; longer ones are told
    connections: int = 32


class TooSlow(RegistryUnavailable):
    """The operation has used up its time."""


class Budget:
    """What is left to one operation. Used by one thread."""

    def __init__(self, limits: Limits, purpose: str) -> None:
        self._limits = limits
        self.purpose = purpose  # for messages: "listing ghcr.io/acme/api"
        self._ends_at = time.monotonic() + limits.operation_seconds
        self._requests = limits.requests
        self._bytes = limits.operation_bytes

    @property
    def ends_at(self) -> float:
        """Deadline on the monotonic clock."""
        return self._ends_at

    def remaining_seconds(self) -> float:
        """Time left, more than zero. Raises RegistryUnavailable when there is none."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise self.too_slow()
        return left

    def too_slow(self) -> TooSlow:
        return TooSlow(
            f"{self.purpose} took longer than {self._limits.operation_seconds:g} s",
            hint="the registry is slow or overloaded; it is asked again at the next poll",
        )

    def spend_request(self) -> None:
        self._requests -= 1
        if self._requests < 0:
            raise RegistryError(f"{self.purpose} needed more than {self._limits.requests} requests")

    def spend_bytes(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise RegistryError(
                f"{self.purpose} read more than {self._limits.operation_bytes} bytes"
            )
