"""Answers that were given with an ETag, to be asked for again only where they have changed.

In memory, for all sessions of the process, bounded in bytes; losing it costs requests only. An
answer is given back only to the very same question (address, token, accepted type), so nobody
sees by it what a token of theirs could not. A forge answers 304 without counting it (GitHub), or
at least without the body.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import requests
from requests.structures import CaseInsensitiveDict

MAX_KEPT_BYTES = 32 * 1024 * 1024
MAX_ANSWER_KEPT_BYTES = 4 * 1024 * 1024  # one page of the longest bodies; else read again


class Kept(NamedTuple):
    """A good answer of before."""

    etag: str
    headers: Mapping[str, str]
    body: bytes

    def stand_in(self, response: requests.Response) -> bytes:
        """Make a 304 the 200 that it stands for; gives the body. Newer headers win."""
        response.status_code, response.reason = 200, "OK"
        newer = response.headers
        response.headers = CaseInsensitiveDict(self.headers)
        response.headers.update(newer)
        return self.body


class KeptAnswers:
    """Thread-safe. The answers that were asked for longest ago go first."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def ask_conditionally(self, request: requests.PreparedRequest) -> Kept | None:
        """Put the condition on a request to which an answer is here, and give that answer."""
        if request.method != "GET" or "If-None-Match" in request.headers:
            return None
        question = _question(request)
        with self._lock:
            kept = self._kept.get(question)
            if kept is None:
                return None
            self._kept.move_to_end(question)
        request.headers["If-None-Match"] = kept.etag
        return kept

    def keep(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        """Remember an answer that was found good, if it may be asked for conditionally."""
        etag, body = response.headers.get("ETag", ""), response.content
        is_good = request.method == "GET" and response.status_code == 200
        if not is_good or not etag or len(body) > MAX_ANSWER_KEPT_BYTES:
            return
        question = _question(request)
        with self._lock:
            before = self._kept.pop(question, None)
            self._bytes += len(body) - (len(before.body) if before else 0)
            self._kept[question] = Kept(etag, _lasting(response.headers), body)
            while self._bytes > self._max_bytes:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone.body)


def _question(request: requests.PreparedRequest) -> bytes:
    """As a hash, since it holds the token."""
    headers = request.headers
    parts = (request.url, headers.get("Authorization"), headers.get("Accept"))
    return hashlib.sha256(repr(parts).encode()).digest()


def _lasting(headers: Mapping[str, str]) -> dict[str, str]:
    """Without what is true of one sending only: its packing, and limits as they were then."""
    passing = ("content-length", "content-encoding", "transfer-encoding", "retry-after")
    return {
        name: text
        for name, text in headers.items()
        if name.lower() not in passing and "ratelimit" not in name.lower()
    }
