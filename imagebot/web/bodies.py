"""The body of a request, read within bounds: by Content-Length, or in chunks (RFC 9112, 6 and 7).

Reads a stream that it is handed. What says its length in two ways, or in none that is known, is
refused, so that nobody between the sender and us can have read another request than we did.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from io import BufferedIOBase

from imagebot.errors import ImagebotError

_LENGTH = re.compile(r"[0-9]{1,12}", re.ASCII)
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MAX_LINE_BYTES = 1024
_MAX_TRAILERS = 32
_PIECE_BYTES = 64 * 1024


class BodyRefused(ImagebotError):
    """The body is not read (any further), and the request is answered `status`."""

    def __init__(self, message: str, status: HTTPStatus) -> None:
        super().__init__(message)
        self.status = status


def read_body(stream: BufferedIOBase, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body, of at most `limit` bytes. Names of headers are in lower case.

    Raises BodyRefused for a body that is too long, cut off or of unclear length.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", ""):
        raise BodyRefused("a compressed body", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    transfer, length = headers.get("transfer-encoding"), headers.get("content-length")
    if transfer is not None:
        if length is not None or transfer.strip().lower() != "chunked":
            raise _unclear()
        return _chunked(stream, limit)
    if length is None:
        raise BodyRefused("a body of unknown length", HTTPStatus.LENGTH_REQUIRED)
    if not _LENGTH.fullmatch(length.strip()):
        raise _unclear()
    if int(length) > limit:
        raise _too_long(limit)
    return _exactly(stream, int(length))


def _chunked(stream: BufferedIOBase, limit: int) -> bytes:
    body = bytearray()
    while True:
        found = _CHUNK_SIZE.fullmatch(stream.readline(_MAX_LINE_BYTES))
        if not found:
            raise _unclear()
        size = int(found[1], 16)
        if size == 0:
            break
        if len(body) + size > limit:
            raise _too_long(limit)
        body += _exactly(stream, size)
        if stream.readline(_MAX_LINE_BYTES) not in (b"\r\n", b"\n"):
            raise _unclear()
    for _ in range(_MAX_TRAILERS):
        if stream.readline(_MAX_LINE_BYTES) in (b"\r\n", b"\n", b""):
            return bytes(body)
    raise _unclear()


def _exactly(stream: BufferedIOBase, count: int) -> bytes:
    body = bytearray()
    while len(body) < count:
        piece = stream.read(min(count - len(body), _PIECE_BYTES))
        if not piece:
            raise BodyRefused("a body that was cut off", HTTPStatus.BAD_REQUEST)
        body += piece
    return bytes(body)


def _unclear() -> BodyRefused:
    return BodyRefused("a body of unclear length", HTTPStatus.BAD_REQUEST)


def _too_long(limit: int) -> BodyRefused:
    return BodyRefused(f"a body of more than {limit} bytes", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
