"""Which network addresses a registry may have, and looking them up once.

A name is resolved once, every address it has is checked, and the connection goes to a checked
address: otherwise a name server could answer the check with one address and the connection with
another. Link-local and metadata addresses are never allowed; private and loopback addresses
only for registries that the settings call internal.
"""

import ipaddress
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from imagebot.errors import RegistryError, RegistryUnavailable

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Services that hand cloud credentials to whoever asks from inside; not all are link-local.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Unreachable(RegistryUnavailable):
    """No connection: the name does not resolve, or nobody listens at its addresses."""


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """One address to connect to, as `socket` wants it."""

    family: socket.AddressFamily
    address: tuple[Any, ...]


def refusal(address: IPAddress, *, is_internal: bool) -> str | None:
    """Why we may not connect to this address, or None when we may."""
    plain = _embedded(address)
    if plain.is_link_local or plain in _METADATA:
        return "a link-local or metadata address, which is never allowed"
    if plain.is_unspecified or plain.is_multicast or _is_reserved(plain):
        return "not the address of a server"
    if not plain.is_global and not is_internal:
        return "a private or loopback address"
    return None


def _embedded(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _is_reserved(address: IPAddress) -> bool:
    # ::1 counts as reserved for the standard library
    return address.is_reserved and not address.is_loopback


def lookup(host: str, port: int, *, is_internal: bool, timeout: float) -> list[SocketAddress]:
    """All addresses of a host, each allowed.

    Raises Unreachable when the name does not resolve within `timeout` seconds, and
    RegistryError when an address is not allowed.
    """
    return checked(host, _resolve(host, port, timeout), is_internal=is_internal)


def checked(
    host: str,
    resolved: Iterable[tuple[socket.AddressFamily, tuple[Any, ...]]],
    *,
    is_internal: bool,
) -> list[SocketAddress]:
    """The addresses, each allowed. One that is not fails all: a name that has both is a trap."""
    found: list[SocketAddress] = []
    for family, text in resolved:
        reason = refusal(
            ipaddress.ip_address(str(text[0]).partition("%")[0]), is_internal=is_internal
        )
        if reason:
            raise _not_allowed(host, str(text[0]), reason)
        found.append(SocketAddress(family, text))
    if not found:
        raise Unreachable(f"{host} has no address")
    return found


def _not_allowed(host: str, address: str, reason: str) -> RegistryError:
    where = host if host == address else f"{host} ({address})"
    hint = "set `internal: true` for this registry in the settings if it is one of your own"
    return RegistryError(
        f"will not connect to {where}: {reason}",
        hint=hint if reason.startswith("a private") else "",
    )


def _resolve(
    host: str, port: int, timeout: float
) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    """`getaddrinfo` with a time limit; it has none, and a name server may stay silent."""
    answers: list[tuple[socket.AddressFamily, tuple[Any, ...]]] = []
    problems: list[Exception] = []

    def ask() -> None:
        try:
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                answers.append((family, address))
        except (OSError, UnicodeError) as error:
            problems.append(error)

    asking = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    asking.start()
    asking.join(timeout)
    if asking.is_alive():
        raise Unreachable(f"the name {host} was not resolved within {timeout:.0f} s")
    if problems:
        reason = getattr(problems[0], "strerror", None) or "not a host name"
        raise Unreachable(
            f"the name {host} could not be resolved: {reason}",
            hint="check the spelling of the registry and the name server",
        ) from problems[0]
    return answers
