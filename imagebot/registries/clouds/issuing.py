"""What a cloud's way of proving who we are comes to, and how its refusals read. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imagebot.errors import RegistryError, RegistryUnavailable
from imagebot.registries.accounts import BasicCredentials

Exchange = Callable[[str, Mapping[str, str]], bytes]
"""Posts a form to a path of the registry as nobody; gives back the answer's body."""

_SECRET_LIKE = re.compile(r"[A-Za-z0-9+/=_.~-]{60,}")  # tokens; ARNs have colons

_MAX_SAID = 300  # characters of a library's own words


@dataclass(frozen=True, slots=True)
class Issued:
    """Credentials, and for how many seconds from now they hold."""

    credentials: BasicCredentials
    seconds: float


def no_library(cloud: str, host: str) -> RegistryError:
    return RegistryError(
        f"the library that signs in to {host} is not installed",
        hint=f"install imagebot[{cloud}]; the container image has it",
    )


def refusal(cloud: str, host: str, error: Exception, hint: str, *, is_passing: bool) -> Exception:
    """A library's exception as ours. `is_passing`: trying again may help."""
    first = (str(error).splitlines() or [""])[0]
    said = _SECRET_LIKE.sub("***", first)[:_MAX_SAID] or type(error).__name__
    message = f"signing in to {host} with the identity from {cloud} failed: {said}"
    return (RegistryUnavailable if is_passing else RegistryError)(message, hint=hint)
