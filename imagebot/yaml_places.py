"""Places in a file: the bytes of characters, the lines of bytes. Pure.

Both tables are made when they are first asked for, in little memory whatever the file holds.
"""

import re
from array import array
from bisect import bisect_right
from typing import Protocol

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_BREAK = re.compile(rb"\r\n?|\n")
_LINE_FEED = re.compile(rb"\n")
_CHECKPOINT_LENGTH = 1024
_CONTINUATIONS = bytes(range(0x80, 0xC0))  # bytes of UTF-8 that begin no character


class Places(Protocol):
    """Where in the file the characters of a text stand that was read as YAML."""

    def byte_offset(self, character: int) -> int: ...


class Characters:
    """Turns character offsets of one section into byte offsets of the file."""

    __slots__ = ("_checkpoints", "_start", "_text")

    def __init__(self, section: bytes, start: int) -> None:
        self._start = start
        self._text = None if section.isascii() else section.decode()
        self._checkpoints: list[int] = []

    def byte_offset(self, character: int) -> int:
        if self._text is None:
            return self._start + character
        if not self._checkpoints:
            self._checkpoints = self._measure(self._text)
        near = character // _CHECKPOINT_LENGTH
        rest = self._text[near * _CHECKPOINT_LENGTH : character]
        return self._start + self._checkpoints[near] + len(rest.encode())

    @staticmethod
    def _measure(text: str) -> list[int]:
        checkpoints = [0]
        for begin in range(0, len(text), _CHECKPOINT_LENGTH):
            piece = text[begin : begin + _CHECKPOINT_LENGTH]
            checkpoints.append(checkpoints[-1] + len(piece.encode()))
        return checkpoints


class Lines:
    """Line numbers as an editor counts them: after LF, CRLF or a lone CR. Made when asked."""

    __slots__ = ("_checkpoints", "_source", "_starts")

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = array("I")
        self._checkpoints: list[int] = []

    def number(self, offset: int) -> int:
        """1-based line of a byte offset. The first byte's needs no look at a file of any size."""
        return 1 if offset == 0 else bisect_right(self._table(), offset)

    def column(self, offset: int) -> int:
        """1-based column in characters; a byte-order mark does not count."""
        if offset == 0:
            return 1
        begin = self._table()[self.number(offset) - 1]
        has_mark = begin == 0 and self._source.startswith(BYTE_ORDER_MARK) and offset > 0
        return self._characters_before(offset) - self._characters_before(begin) + 1 - has_mark

    @property
    def count(self) -> int:
        return len(self._table())

    def bounds(self, number: int) -> tuple[int, int]:
        """Byte range of a 1-based line, with its line break."""
        starts = self._table()
        return starts[number - 1], starts[number] if number < len(starts) else len(self._source)

    def _characters_before(self, offset: int) -> int:
        """Characters up to a byte; by checkpoints, since a line can be the whole file."""
        if not self._checkpoints:
            self._checkpoints = [0]
            for begin in range(0, len(self._source), _CHECKPOINT_LENGTH):
                piece = self._source[begin : begin + _CHECKPOINT_LENGTH]
                self._checkpoints.append(self._checkpoints[-1] + _character_count(piece))
        near = offset // _CHECKPOINT_LENGTH
        rest = self._source[near * _CHECKPOINT_LENGTH : offset]
        return self._checkpoints[near] + _character_count(rest)

    def _table(self) -> "array[int]":
        if not self._starts:
            breaks = _LINE_BREAK if b"\r" in self._source else _LINE_FEED
            self._starts.append(0)
            self._starts.extend(map(re.Match.end, breaks.finditer(self._source)))
        return self._starts


def _character_count(piece: bytes) -> int:
    return len(piece) if piece.isascii() else len(piece.translate(None, _CONTINUATIONS))
