"""Texts of pull requests that Azure DevOps' lists do not tell whole, known again by a mark.

Pure but for the cache that is handed in. A list cuts descriptions after 400 characters, and says
in no other way that one changed: there is no time of the last update, no ETag, and no way to read
many at once. So a text that would be cut carries the hash of the whole in its first line, hidden
in a comment. Whoever wrote last, this process or another imagebot elsewhere, the start of a text
then says which text it is, and one that is kept under this hash need not be read: what is kept can
never be an older one of imagebot's. Lost, it costs one request for each text.

What the mark cannot tell is that a person edited the part behind the cut. So in each run one of the
texts that are known is read all the same, in turn: such an edit is seen after at most as many runs
as there are open requests, and in any case before a text is written over. A text that is not what
its mark says is never kept.
"""

import hashlib
import re
from collections.abc import Mapping

from imagebot.forges.texts import as_kept
from imagebot.interfaces import OccurrenceCache

LISTED_CHARACTERS = 400
_MARK = re.compile(r"<!-- imagebot:text ([0-9a-f]{32}) -->(?:\r?\n){0,2}")
ROOM_FOR_MARK = 64


def length(text: str) -> int:
    """As Azure DevOps counts: in UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2  # a cut may part a pair


def marked(text: str) -> str:
    """As it is to be written: with a mark where a list would cut it."""
    if length(text) < LISTED_CHARACTERS:
        return text
    return f"<!-- imagebot:text {_hash(text)} -->\n\n{text}"


def unmarked(written: str) -> str:
    """The text without its mark, above which a person may have written."""
    return _MARK.sub("", written)


def is_marked(written: str) -> bool:
    """Whether imagebot wrote the text, and a list cuts it."""
    return _MARK.match(written) is not None


def is_cut(listed: str) -> bool:
    """Whether a text in a list may go on."""
    return length(listed) >= LISTED_CHARACTERS


class KeptTexts:
    """Whole texts of one repository's pull requests, by number and mark. No cache: none."""

    def __init__(self, place: str, cache: OccurrenceCache | None) -> None:
        self._place = place
        self._cache = cache

    def known(self, listed: Mapping[int, str]) -> Mapping[int, str]:
        """Whole written texts of those that are cut, by number; but of one that is to be read."""
        if self._cache is None:
            return {}
        keys = {number: self._key(number, text) for number, text in listed.items()}
        turn = f"azure-devops turn 1 {self._place}"
        found = self._cache.get_many([*filter(None, keys.values()), turn])
        texts = {
            number: found[key].decode("utf-8", "surrogatepass")
            for number, key in keys.items()
            if key and found.get(key)
        }
        if texts:
            last = int(found.get(turn, b"0"))
            checked = min(texts, key=lambda number: (number <= last, number))
            del texts[checked]
            self._cache.put_many({turn: str(checked).encode()})
        return texts

    def keep(self, number: int, listed: str, whole: str) -> None:
        """Remember a text that was read, if it is what its mark says; forget it if it is not."""
        key, mark = self._key(number, listed), _MARK.match(whole)
        if self._cache and key:
            is_as_marked = mark is not None and mark[1] == _hash(unmarked(whole))
            self._cache.put_many({key: _bytes(whole) if is_as_marked else b""})

    def _key(self, number: int, listed: str) -> str:
        mark = _MARK.match(listed)
        return f"azure-devops text 1 {self._place} {number} {mark[1]}" if mark else ""


def _hash(text: str) -> str:
    return hashlib.sha256(_bytes(as_kept(text))).hexdigest()[:32]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
