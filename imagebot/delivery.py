"""What a hook's sender delivers, and what it is answered: the values between web server and hooks.

Pure. A request comes in two parts, so that whoever cannot prove himself by its head does not get
to send a body: `Receive` takes the head and gives back either the refusal, or what takes the body.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Head:
    """A request before its body. `path` is as sent, without its query.

    The names of `headers` are in lower case; one that came twice has both values, with a comma.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Its value, "" without one."""
        return self.headers.get(name.lower(), "").strip()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A whole request. The body is as sent, since that is what was signed."""

    head: Head
    body: bytes

    def header(self, name: str) -> str:
        return self.head.header(name)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP status (RFC 9110, 15), a body, and headers beyond the usual."""

    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Receive = Callable[[Head], Reply | Callable[[bytes], Reply]]
