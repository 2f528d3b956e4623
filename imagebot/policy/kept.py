"""What `policy.reading` found in a file, as plain lists and back, so that it is read once.

Pure. The shape follows the fields of the classes: a dataclass is the list of its fields' values,
an enum its value, a pattern, range or layout its text. A class that a policy comes to hold is known
without a word here, unless it is neither dataclass nor enum; then `dump` and `load` refuse it by
name.
"""

import hashlib
import json
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from imagebot.dates import Layout
from imagebot.patterns import Pattern
from imagebot.policy.model import RepositoryPolicy
from imagebot.policy.reading import PolicyFile
from imagebot.version import Range
from imagebot.windows import Window

Make = Callable[[Any], Any]

_PLAIN: tuple[type, ...] = (str, int, float, bool)
_WRITTEN: dict[type, Callable[[Any], Any]] = {  # classes with a short form of their own
    Pattern: lambda pattern: pattern.text,
    Range: lambda written: written.text,
    Layout: lambda layout: layout.text,
    Window: lambda window: window.text,
    date: lambda day: day.isoformat(),
    datetime: lambda moment: moment.isoformat(),
    timedelta: lambda span: span.total_seconds(),
}
_MADE: dict[type, Make] = {
    Pattern: Pattern.compile,
    Range: Range.parse,
    Layout: Layout.parse,
    Window: Window.parse,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
}


def dump(found: PolicyFile) -> bytes:
    """One line of JSON, without the path of the file: the same content has it at every path."""
    return json.dumps(_plain(found), separators=(",", ":")).encode()


def load(file: str, content: bytes) -> PolicyFile:
    """Undo `dump`, for a file with this content. The shape must be the one it was kept in."""
    made: PolicyFile = _maker(PolicyFile)(json.loads(content))
    return replace(
        made,
        policies=tuple([replace(policy, file=file) for policy in made.policies]),
        problems=tuple([replace(problem, file=file) for problem in made.problems]),
        broken=tuple([replace(policy, file=file) for policy in made.broken]),
        repository_policies=tuple([_moved(each, file) for each in made.repository_policies]),
    )


def _moved(policy: RepositoryPolicy, file: str) -> RepositoryPolicy:
    return replace(policy, file=file, defaults=replace(policy.defaults, file=file))


def _plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in _PLAIN:
        return value
    if kind in _WRITTEN:
        return _WRITTEN[kind](value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    raise TypeError(f"no way to keep a {kind.__name__} of a policy is known")


@cache
def _maker(kind: Any) -> Make:
    """What makes a value of the type again."""
    if kind in _PLAIN:
        return _same
    if kind in _MADE:
        return _MADE[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional_maker(kind, [each for each in arguments if each is not type(None)])
    if origin is tuple and arguments[1:] == (...,):
        make_item = _maker(arguments[0])
        return lambda content: tuple([make_item(item) for item in content])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        makers = [_maker(hints[field.name]) for field in fields(kind)]
        return lambda content: kind(
            *[make(item) for make, item in zip(makers, content, strict=True)]
        )
    raise TypeError(f"no way to make a {kind} of a policy again is known")


def _optional_maker(kind: Any, choices: list[Any]) -> Make:
    if len(choices) != 1:
        raise TypeError(f"which class of {kind} was kept could not be told")
    make = _maker(choices[0])
    return lambda content: None if content is None else make(content)


def _same(value: Any) -> Any:
    return value


def _shape(kind: Any, told: dict[str, str]) -> None:
    """Note the fields of the classes that the type leads to."""
    for each in get_args(kind):
        _shape(each, told)
    if not isinstance(kind, type) or str(kind) in told:
        return
    if kind not in _MADE and is_dataclass(kind):
        hints = get_type_hints(kind)
        told[str(kind)] = str([(field.name, hints[field.name]) for field in fields(kind)])
        for hint in hints.values():
            _shape(hint, told)
    elif issubclass(kind, Enum):
        told[str(kind)] = str([member.value for member in kind])


def _shape_of(kind: Any) -> str:
    told: dict[str, str] = {}
    _shape(kind, told)
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


SHAPE = _shape_of(PolicyFile)  # another one, and what was kept is not taken for what it is now
