"""What a registry asks for in `WWW-Authenticate`. Pure.

Grammar of RFC 9110, section 11.6.1: several challenges may stand in one header, their parameters
separated by the same comma as the challenges. What does not fit the grammar is left out, as is
a header beyond any reasonable length.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MAX_HEADER_LENGTH = 8192

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar's word
_PIECE = re.compile(
    rf"""[\s,]*(?:
        (?P<key>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"]+))
      | (?P<scheme>{_TOKEN})(?=\s|,|$)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to prove who we are. Scheme and parameter names are lower-case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """All challenges of all `WWW-Authenticate` headers, in order."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        text = str(header).strip()
        at = 0 if len(text) <= MAX_HEADER_LENGTH else len(text)
        while match := _PIECE.match(text, at):
            at = match.end()
            if match["scheme"]:
                found.append((match["scheme"].lower(), {}))
            elif found:
                value = match["bare"] or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
                found[-1][1].setdefault(match["key"].lower(), value)
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)
