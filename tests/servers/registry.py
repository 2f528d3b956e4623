"""Registries that misbehave, and a thief who waits for what they send him.

`HostileRegistry` is the demo's registry with a hook in front of every answer. `RawServer` hands
a bare socket to a script, for what no HTTP server would send. `Thief` answers everything
pleasantly and keeps what reached him.
"""

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from imagebot.demo.registry import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    EmbeddedRegistry,
    Request,
    Response,
    digest,
)

# Does not resolve, and no name server is asked: the second label is longer than any may be.
NO_SUCH_HOST = f"gone.{'x' * 64}.invalid"

Misbehaviour = Callable[[Request], Response | None]
Script = Callable[[socket.socket, threading.Event], None]


class HostileRegistry(EmbeddedRegistry):
    """Answers as `misbehave` says; where that gives None, as a good registry would."""

    misbehave: Misbehaviour = staticmethod(lambda request: None)

    def handle(self, request: Request) -> Response:
        return self.misbehave(request) or super().handle(request)

    def answer_next(self, *responses: Response) -> None:
        """Give these answers to the next requests, one each, then behave."""
        left = list(responses)
        self.misbehave = lambda request: left.pop(0) if left else None

    def answer_always(self, response: Response) -> None:
        self.misbehave = lambda request: response

    def put_blob(self, path: str, content: bytes) -> str:
        """Store a blob under its digest."""
        with self._lock:
            self._repository(path).blobs[digest(content)] = content
        return digest(content)

    def put_image(
        self, path: str, reference: str, config: Mapping[str, object], **descriptor: object
    ) -> str:
        """An image of no layers with that config; `descriptor` overrides what names the config."""
        body = json.dumps(config).encode()
        named = {"mediaType": OCI_CONFIG, "digest": self.put_blob(path, body), "size": len(body)}
        manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": named | descriptor}
        content = json.dumps(manifest | {"layers": []}).encode()
        return self.put_manifest(path, reference, OCI_MANIFEST, content)

    def put_index(
        self,
        path: str,
        reference: str,
        entries: Sequence[Mapping[str, object]],
        media_type: str = OCI_INDEX,
    ) -> str:
        index = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(entries)}
        return self.put_manifest(path, reference, media_type, json.dumps(index).encode())

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]

    @property
    def authorizations(self) -> list[str]:
        return [request.headers.get("Authorization", "") for request in self.requests]


class Thief(EmbeddedRegistry):
    """Takes every request for what it is asked to be: tag list, token or manifest."""

    def handle(self, request: Request) -> Response:
        return tag_list("stolen", token="from-the-thief")

    @property
    def loot(self) -> list[str]:
        """Everything that came: request lines, header values and bodies."""
        return [
            text
            for request in self.requests
            for text in (request.target, *request.headers.values(), request.body.decode())
        ]


class RawServer:
    """Runs `script(connection, stopping)` for each connection, once its request head was read."""

    def __init__(self, script: Script) -> None:
        self.connection_count = 0
        self._script = script
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connection_count += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                received = connection.recv(65536)
                if not received:
                    return
                head += received
            self._script(connection, self._stopping)


def sending(*pieces: bytes) -> Script:
    """Send the pieces and close."""

    def script(connection: socket.socket, stopping: threading.Event) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return script


def dripping(start: bytes, drop: bytes = b" ", every_seconds: float = 0.05) -> Script:
    """Send a start, then a drop at a time for ever."""

    def script(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(start)
        while not stopping.wait(every_seconds):
            connection.sendall(drop)

    return script


def silent(connection: socket.socket, stopping: threading.Event) -> None:
    """Never answer."""
    stopping.wait()


def tag_list(*tags: object, headers: Mapping[str, str] | None = None, **more: object) -> Response:
    return json_response({"name": "x", "tags": list(tags), **more}, headers=headers)


def json_response(
    document: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps(document).encode()
    return Response(status, {"Content-Type": "application/json", **(headers or {})}, body)


def challenge(text: str, status: int = 401) -> Response:
    return json_response({}, status, {"WWW-Authenticate": text})


def link(target: str) -> Mapping[str, str]:
    return {"Link": f'<{target}>; rel="next"'}


def holds(texts: Sequence[str], *secrets: str) -> list[str]:
    """Which of the texts hold one of the secrets."""
    return [text for text in texts if any(secret in text for secret in secrets)]
