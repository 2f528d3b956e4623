"""Regular expressions that users write: RE2, and nothing else.

Pure. RE2 takes linear time whatever the pattern, and is the dialect that users of Flux and Argo
CD Image Updater write already: `(?P<name>...)` and `(?<name>...)`, no look-around, no
back-references. A pattern is searched in the text, not anchored. Templates follow Go's
`regexp.Expand`: `$1`, `$name`, `${name}`, `$$`; a name is as long as it can be, so `$1x` asks for
a group `1x`.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2

from imagebot.errors import PolicyError

MAX_PATTERN_LENGTH = 1000
MAX_PATTERN_MEMORY_BYTES = 8 * 1024 * 1024
MAX_TEMPLATE_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Match:
    """What a pattern found: the whole text, then each group's, None where it took no part."""

    groups: tuple[str | None, ...]

    def __str__(self) -> str:
        return self.groups[0] or ""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled RE2 pattern. Equal, hashed and shown by its text."""

    text: str
    _compiled: Any = field(repr=False, compare=False)

    @classmethod
    def compile(cls, text: str) -> "Pattern":
        """Raises PolicyError with the pattern and RE2's reason."""
        if len(text) > MAX_PATTERN_LENGTH:
            raise PolicyError(
                f"a pattern has at most {MAX_PATTERN_LENGTH} characters: {text[:40]!r}..."
            )
        return cls(text, _compiled(text))

    def __str__(self) -> str:
        return self.text

    def search(self, text: str) -> Match | None:
        """The leftmost place where the pattern matches, None if there is none."""
        found = self._found(text)
        if not found:
            return None
        groups = (found[0], *found.groups())
        return Match(tuple(None if group is None else str(group, "utf-8") for group in groups))

    def is_in(self, text: str) -> bool:
        """Whether `search` finds something, in half the time."""
        return self._found(text) is not None

    def _found(self, text: str) -> Any:
        try:
            encoded = text.encode()  # RE2's binding is twice as fast on bytes
        except UnicodeEncodeError:  # a lone surrogate, which no tag holds and RE2 cannot read
            return None
        return self._compiled.search(encoded)

    def expand(self, match: Match, template: str) -> str:
        """The template with each reference replaced; an unknown group is empty, as in Go."""
        numbers: dict[str, int] = self._compiled.groupindex
        pieces = []
        for literal, name in _template_pieces(template):
            pieces.append(literal)
            number = numbers.get(name, _group_number(name))
            if 0 <= number < len(match.groups):
                pieces.append(match.groups[number] or "")
        return "".join(pieces)

    def check_template(self, template: str) -> None:
        """Raises PolicyError when the template names a group that the pattern does not have."""
        if len(template) > MAX_TEMPLATE_LENGTH:
            raise PolicyError(f"a template has at most {MAX_TEMPLATE_LENGTH} characters")
        known = {"0", *map(str, range(1, self._compiled.groups + 1)), *self._compiled.groupindex}
        if "$" in _REFERENCE.sub("", template):
            raise PolicyError(
                f"template {template!r}: a $ that names no group",
                hint="write $1, $name or ${name}",
            )
        for _, name in _template_pieces(template):
            if name and name not in known:
                raise PolicyError(
                    f"template {template!r}: the pattern {self.text!r} has no group {name!r}",
                    hint=_template_hint(name, known),
                )


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Any:
    options = re2.Options()
    options.log_errors = False  # else the C++ library writes to stderr
    options.max_mem = MAX_PATTERN_MEMORY_BYTES
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise PolicyError(
            f"pattern {text!r}: {_reason(error)}",
            hint="patterns are RE2: no look-around, no back-references",
        ) from error


def _reason(error: Exception) -> str:
    """RE2's own words; its binding hands them over as bytes."""
    words = error.args[0] if error.args else ""
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(error)


_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


@lru_cache(maxsize=1024)
def _template_pieces(template: str) -> tuple[tuple[str, str], ...]:
    """Literal text and the group name after it, "" where none follows. `$$` is left as `$`."""
    pieces = []
    at = 0
    for found in _REFERENCE.finditer(template):
        literal = template[at : found.start()] + (found[1] or "")
        pieces.append((literal, found[2] or found[3] or ""))
        at = found.end()
    return (*pieces, (template[at:], ""))


def _group_number(name: str) -> int:
    """The number that a name is, -1 if it is none; Go takes no leading zero."""
    is_number = name.isascii() and name.isdigit() and (name == "0" or name[0] != "0")
    return int(name) if is_number and len(name) < 9 else -1


def _template_hint(name: str, known: set[str]) -> str:
    digits = re.match(r"[0-9]+", name)
    if digits and digits[0] in known:
        return f"a name is as long as it can be: write ${{{digits[0]}}}{name[digits.end() :]}"
    return f"known groups: {', '.join(sorted(known))}"
