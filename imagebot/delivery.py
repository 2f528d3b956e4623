"""What a hook's sender delivers, and what it is answered: the values between web server and hooks.

Pure. A request comes in parts, so that whoever cannot prove himself by its head does not get to
send a body, and whoever cannot by its body takes no place from those who can.
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


Work = Callable[[], Reply]
"""What a proven request asks for. May take its time."""
Prove = Callable[[bytes], Reply | Work]
"""Takes the body; gives back the refusal, or what is to be done. Quick."""
Receive = Callable[[Head], Reply | Prove]
"""Takes the head; gives back the refusal, or what takes the body. Quick."""
