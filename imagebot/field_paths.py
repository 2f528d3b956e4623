"""Addresses of values in documents, as a policy's `fields` write them: a small JSONPath.

Pure. The JSONPath libraries of PyPI walk Python's dicts and lists, which have forgotten the bytes
that a value stands in; so the part of RFC 9535 that addresses need is read here, and
`formats/fields.py` walks trees of spans by it.

    path   = part { "|" part }              a part behind | goes into a text of YAML
    part   = ["$"] step { step }            the first step may leave its dot out
    step   = "." name | ".*" | ".." name | "[" inside "]"
    inside = number | "*" | quoted | "?" filter
    filter = ["("] ["@."] name { "." name } ("==" | "!=") quoted [")"]
    name   = letters, digits, "_", "-", "/"; a key with other characters is quoted: ['a.b']
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from imagebot.errors import PolicyError
from imagebot.image import shortened

MAX_LENGTH = 500

_NAME = re.compile(r"[A-Za-z0-9_/-]+")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_NUMBER = re.compile(r"-?[0-9]{1,6}")
_COMPARISON = re.compile(r"[ \t]*([!=]=)[ \t]*")
_HINT = "for example spec.engine.version, containers[0].image, env[?name=='IMAGE'].value"


@dataclass(frozen=True, slots=True)
class Key:
    """The value of a key; at any depth when it is `deep`."""

    name: str
    is_deep: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An item of a list; negative ones count from its end."""

    number: int


@dataclass(frozen=True, slots=True)
class Every:
    """All items of a list, or all values of a mapping."""


@dataclass(frozen=True, slots=True)
class Where:
    """The items, or values, that hold a text under a chain of keys, or do not."""

    keys: tuple[str, ...]
    is_equal: bool
    text: str


@dataclass(frozen=True, slots=True)
class Into:
    """The documents in the text of a block scalar."""


Step: TypeAlias = Key | Index | Every | Where | Into


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[Step, ...]:
    """Raises PolicyError with the column of what is wrong."""
    if len(text) > MAX_LENGTH:
        raise PolicyError(f"a path of more than {MAX_LENGTH} characters", hint=_HINT)
    reader = _Reader(text)
    steps = reader.part()
    while reader.at < len(text):
        steps += (Into(), *reader.part_behind())
    if not steps:
        raise PolicyError("an empty path", hint=_HINT)
    return tuple(steps)


def literal_keys(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """The keys without which no document has such a value."""
    keys = [step.name for step in steps if isinstance(step, Key)]
    for step in steps:
        if isinstance(step, Where) and step.is_equal:
            keys += step.keys
    return tuple(dict.fromkeys(keys))


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def part(self) -> list[Step]:
        """All steps up to a | or the end."""
        steps: list[Step] = []
        if not self._takes("$") and self.text[self.at : self.at + 1] not in ("", ".", "[", "|"):
            steps.append(Key(self.name()))
        while self.at < len(self.text) and self.text[self.at] != "|":
            steps.append(self.step())
        return steps

    def part_behind(self) -> list[Step]:
        self.at += 1  # the |
        steps = self.part()
        if not steps:
            raise self._wrong("a path in the text")
        return steps

    def step(self) -> Step:
        if self._takes(".."):
            return Key(self.name(), is_deep=True)
        if self._takes("."):
            return Every() if self._takes("*") else Key(self.name())
        if not self._takes("["):
            raise self._wrong("a . or [")
        inside = self._inside()
        if not self._takes("]"):
            raise self._wrong("a ]")
        return inside

    def name(self) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise self._wrong("a key; one with other characters is written ['a.b']")
        self.at = found.end()
        return found[0]

    def _inside(self) -> Step:
        if self._takes("*"):
            return Every()
        if self._takes("?"):
            return self._filter()
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return Index(int(number[0]))
        return Key(self._quoted())

    def _filter(self) -> Where:
        is_round = self._takes("(")
        self._takes("@.")
        keys = [self.name()]
        while self._takes("."):
            keys.append(self.name())
        comparison = _COMPARISON.match(self.text, self.at)
        if comparison is None:
            raise self._wrong("== or !=")
        self.at = comparison.end()
        text = self._quoted()
        if is_round and not self._takes(")"):
            raise self._wrong("a )")
        return Where(tuple(keys), comparison[1] == "==", text)

    def _quoted(self) -> str:
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            raise self._wrong(
                "a number, *, ? or a text in quotes" if self._is_open() else "a text in quotes"
            )
        self.at = found.end()
        return found[1] if found[1] is not None else found[2]

    def _is_open(self) -> bool:
        return self.text[self.at - 1 : self.at] == "["

    def _takes(self, word: str) -> bool:
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def _wrong(self, allowed: str) -> PolicyError:
        found = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
        message = (
            f"{shortened(self.text)!r}, column {self.at + 1}: found {found}, allowed: {allowed}"
        )
        return PolicyError(message, hint=_HINT)
