"""One small file by its address, as nobody: the keys that an identity provider publishes.

By the same transport as everything else: checked addresses, deadlines, bounds, no redirects.
"""

from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.registries.limits import Budget, Limits
from imagebot.registries.rules import Origin
from imagebot.registries.transport import Transport

LIMITS = Limits(
    connect_seconds=3,
    read_seconds=4,
    operation_seconds=5,
    requests=1,
    response_bytes=256 * 1024,
    operation_bytes=256 * 1024,
)


def fetch(url: str, is_internal: bool) -> bytes:
    """The body of a 200 answer. `is_internal`: private addresses are allowed.

    Raises RegistryError for any other.
    """
    origin = Origin.of(url)
    internal = frozenset({origin}) if is_internal else frozenset()
    transport = Transport(LIMITS, internal=internal)
    try:
        answer = transport.exchange("GET", url, Budget(LIMITS, f"reading {origin}"), {})
    finally:
        transport.close()
    if answer.status != 200:
        kind = RegistryUnavailable if answer.status >= 500 else RegistryError
        raise kind(f"{origin} answered {answer.status}")
    return answer.body
