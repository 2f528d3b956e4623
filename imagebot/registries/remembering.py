"""What digests hold, asked once in their life: content never changes under its digest.

Pure but for the cache it is given. Kept as compact JSON by digest alone, so an image that lies in
several repositories or registries is read once. What the cache gives back in another shape counts
as not known. Failures are not kept.
"""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imagebot.errors import InvalidReference
from imagebot.image import Digest, Platform
from imagebot.interfaces import DigestCache
from imagebot.model import ImageContent
from imagebot.registries.contents import Held
from imagebot.registries.moments import moment_in

MAX_PASSING = 10_000
_VERSION = "1:"  # of what is kept; another one is never read as this


def known(cache: DigestCache, digests: Iterable[Digest]) -> dict[Digest, Held]:
    """What is kept of these digests."""
    wanted = {f"{_VERSION}{digest}": digest for digest in digests}
    found = {}
    for key, kept in cache.get_many(list(wanted)).items():
        held = _loaded(wanted[key], kept)
        if held is not None:
            found[wanted[key]] = held
    return found


def remember(cache: DigestCache, helds: Iterable[Held]) -> None:
    cache.put_many({f"{_VERSION}{held.content.digest}": _dumped(held) for held in helds})


def _dumped(held: Held) -> bytes:
    manifests = {
        str(platform): manifest.text for platform, manifest in held.content.manifests.items()
    }
    created_at = held.created_at.isoformat() if held.created_at else None
    row = [held.is_index, created_at, manifests]
    return json.dumps(row, separators=(",", ":")).encode()


def _loaded(digest: Digest, kept: bytes) -> Held | None:
    try:
        is_index, created_at, manifests = json.loads(kept)
        content = ImageContent(digest, _manifests(manifests))
        return Held(content, is_index=bool(is_index), created_at=moment_in(created_at))
    except (ValueError, TypeError, AttributeError, InvalidReference):
        return None


def _manifests(row: Any) -> Mapping[Platform, Digest]:
    return {Platform.parse(platform): Digest(text) for platform, text in row.items()}


class PassingCache:
    """A digest cache for one run, over another one that is read alone. Thread-safe.

    Satisfies `interfaces.DigestCache`. Holds so many entries; the oldest make room.
    """

    def __init__(self, below: DigestCache | None = None, max_entries: int = MAX_PASSING) -> None:
        self._below = below
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._entries: dict[str, bytes] = {}

    def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        with self._lock:
            found = {key: self._entries[key] for key in keys if key in self._entries}
        missing = [key for key in keys if key not in found]
        return {**(self._below.get_many(missing) if self._below and missing else {}), **found}

    def put_many(self, entries: Mapping[str, bytes]) -> None:
        with self._lock:
            for key, content in entries.items():
                self._entries.pop(key, None)
                self._entries[key] = content
            while len(self._entries) > self._max_entries:
                del self._entries[next(iter(self._entries))]
