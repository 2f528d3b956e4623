"""Names in braces, put in their place: `update/{step}`, `{team} in {environment}`.

Pure. There are no expressions, attributes or formats: a template can say nothing but names that
are known beforehand, so whoever writes one gets at nothing else. `{{` and `}}` are braces.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from imagebot.errors import PolicyError

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def check(template: str, names: Collection[str]) -> None:
    """Raises PolicyError where a brace stands alone, or holds another name than these."""
    for whole, name in _pieces(template):
        if whole in ("{", "}"):
            hint = f"write {whole * 2} for the character itself"
            raise PolicyError(f"template {template!r}: a {whole} that names nothing", hint=hint)
        if name is not None and name not in names:
            hint = "known: " + ", ".join(f"{{{each}}}" for each in sorted(names))
            raise PolicyError(f"template {template!r}: unknown name {{{name}}}", hint=hint)


def names_in(template: str) -> frozenset[str]:
    """The names that a checked template uses."""
    return frozenset(name for _, name in _pieces(template) if name is not None)


def expand(template: str, values: Mapping[str, str]) -> str:
    """A checked template with the values in place of their names."""
    return _PIECE.sub(lambda piece: _value(piece, values), template)


def _value(piece: re.Match[str], values: Mapping[str, str]) -> str:
    return piece[0][0] if piece[1] is None else values[piece[1]]


def _pieces(template: str) -> Iterator[tuple[str, str | None]]:
    for piece in _PIECE.finditer(template):
        yield piece[0], piece[1]
