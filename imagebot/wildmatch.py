"""Patterns of gitignore's syntax: what git's wildmatch means by one, for one path exactly.

Pure. Follows dir.c and wildmatch.c of git, byte by byte: `?` is one byte, and what stands before
the first wildcard is compared first, so that a `**` right after it counts as one after a slash.
A pattern names an entry itself, never what lies below it. Patterns come from untrusted hands, so
they run on RE2, all patterns of a file at once and in linear time.
"""

import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import re2

from imagebot.errors import PolicyError

_MAX_MEMORY_BYTES = 32 * 1024 * 1024  # of the patterns of one file
_NEVER = rb"\x00"  # no path holds it, so it tells whether RE2 answers at all
_WILD = b"*?[\\"
_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, [*range(1, 32), 127])),
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": " \t\n\r",
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}
_CLASS_BYTES = {name.encode(): frozenset(text.encode()) for name, text in _CLASSES.items()}


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """One line: what it matches, and what that means."""

    regex: bytes
    is_negated: bool  # `!`: what it names is kept
    is_for_folders: bool  # a `/` at the end: files are not meant


def parse(line: str) -> IgnorePattern:
    """Read a line that is neither empty nor a remark. Raises PolicyError: nothing can match it."""
    text = line.encode(errors="surrogateescape")
    is_negated = text.startswith(b"!")
    body = text.removeprefix(b"!")
    is_for_folders = body.endswith(b"/")
    if is_for_folders:
        body = body[:-1]
    if b"/" in body:
        body = body.removeprefix(b"/")
        plain = next((at for at, char in enumerate(body) if char in _WILD), len(body))
        regex = re2.escape(body[:plain]) + _regex(body[plain:])
    else:
        regex = b"(?:.*/)?" + _regex(body)
    if not body:
        raise PolicyError("it names nothing")
    return IgnorePattern(regex, is_negated, is_for_folders)


class Patterns:
    """The patterns of one file, the later the stronger. Raises PolicyError: together too large."""

    def __init__(self, patterns: Iterable[IgnorePattern]) -> None:
        self._patterns = tuple(patterns)
        self._set = re2.Set.FullMatchSet(_options())
        try:
            for pattern in self._patterns:
                self._set.Add(pattern.regex)
            self._set.Add(_NEVER)
            self._set.Compile()
        except re2.error as error:
            raise PolicyError(str(error)) from error
        if not self._set.Match(b"\0"):  # it says nothing else where its memory is too small
            raise PolicyError("RE2 has not enough memory for them")

    def deciding(self, path: str, *, is_folder: bool) -> int | None:
        """The last pattern that names exactly this path, None where none does."""
        found = self._set.Match(path.encode(errors="surrogateescape")) or ()
        return max(
            (each for each in found if is_folder or not self._patterns[each].is_for_folders),
            default=None,
        )

    def __getitem__(self, index: int) -> IgnorePattern:
        return self._patterns[index]


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY_BYTES
    return options


def _regex(pattern: bytes) -> bytes:
    pieces = []
    at = 0
    while at < len(pattern):
        char = pattern[at : at + 1]
        if char == b"*":
            piece, at = _stars(pattern, at)
        elif char == b"[":
            piece, at = _bracket(pattern, at + 1)
        elif char == b"?":
            piece, at = b"[^/]", at + 1
        elif char == b"\\":
            char = pattern[at + 1 : at + 2]
            if not char:
                raise PolicyError("a backslash at the end stands for nothing")
            piece, at = re2.escape(char), at + 2
        else:
            piece, at = re2.escape(char), at + 1
        pieces.append(piece)
    return b"".join(pieces)


def _stars(pattern: bytes, at: int) -> tuple[bytes, int]:
    """`*` stays inside one part; two or more between slashes cross them, or stand for nothing."""
    end = at
    while pattern[end : end + 1] == b"*":
        end += 1
    is_first = at == 0 or pattern[at - 1 : at] == b"/"
    after = pattern[end : end + 2]
    if end - at < 2 or not is_first or (after[:1] not in (b"", b"/") and after != b"\\/"):
        return b"[^/]*", end
    if after[:1] == b"/":
        return b"(?:.*/)?", end + 1
    return b".*", end


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    """The bytes between brackets, but never a slash; `at` is behind the opening one."""
    is_negated = pattern[at : at + 1] in (b"!", b"^")
    at += is_negated
    members: set[int] = set()
    before: int | None = None  # what a range would start with
    is_first = True
    while is_first or pattern[at : at + 1] != b"]":
        is_first = False
        char = pattern[at : at + 1]
        if char == b"-" and before is not None and pattern[at + 1 : at + 2] not in (b"", b"]"):
            last, at = _member(pattern, at + 1)
            members.update(range(before, last + 1))
            before = None
        elif (
            char == b"["
            and pattern[at + 1 : at + 2] == b":"
            and (name := _class(pattern, at)) is not None
        ):
            if name not in _CLASS_BYTES:
                raise PolicyError(f"[:{name.decode(errors='replace')[:40]}:] is no class")
            members |= _CLASS_BYTES[name]
            before, at = None, at + len(name) + 4
        else:
            before, at = _member(pattern, at)
            members.add(before)
    members = (set(range(256)) - members if is_negated else members) - {ord("/")}
    if not members:
        raise PolicyError("its brackets hold nothing")
    return b"[" + b"".join(b"\\x%02x" % each for each in sorted(members)) + b"]", at + 1


def _member(pattern: bytes, at: int) -> tuple[int, int]:
    """One byte between brackets, and where the next one stands."""
    at += pattern[at : at + 1] == b"\\"
    if at >= len(pattern):
        raise PolicyError("a bracket is not closed")
    return pattern[at], at + 1


def _class(pattern: bytes, at: int) -> bytes | None:
    """The name in `[:name:]`, None where no such thing is written there."""
    end = pattern.find(b"]", at + 2)
    if end < 0:
        raise PolicyError("a bracket is not closed")
    name = pattern[at + 2 : end]
    return name[:-1] if name.endswith(b":") else None
