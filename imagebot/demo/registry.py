"""A small OCI registry in memory, for `imagebot demo` and as the base of hostile ones in tests.

Serves the distribution API on a free loopback port: push and pull of blobs and manifests, tag
listings in pages with `Link`. Anonymous, plain HTTP, nothing is kept when it stops. `handle` is
the one place through which every request goes, so a subclass can answer otherwise.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

_ROUTE = re.compile(r"/v2/(?P<path>.+?)/(?P<kind>tags|manifests|blobs)/(?P<rest>.+)")
_MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str  # path and query
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str) -> str:
        return parse_qs(urlsplit(self.target).query).get(name, [""])[0]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True)
class _Content:
    """One repository: manifests by digest with their media type, tags, blobs."""

    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)


class EmbeddedRegistry:
    """Runs while its `with` block does. `host` is what image references start with."""

    def __init__(self, *, delay_seconds: float = 0, page_size: int = 1000, port: int = 0) -> None:
        self.delay_seconds = delay_seconds
        self.page_size = page_size
        self.requests: list[Request] = []
        self.connection_count = 0
        self._content: dict[str, _Content] = {}
        self._uploads: dict[str, bytes] = {}
        self._upload_count = 0
        self._lock = threading.RLock()
        self._server = _Server(("127.0.0.1", port), _exchange_for(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, path: str, *tags: str) -> None:
        """Put one small image for each tag, each with bytes (so a digest) of its own."""
        for tag in tags:
            labels = {"image": f"{path}:{tag}"}
            config = {"architecture": "amd64", "os": "linux", "config": {"Labels": labels}}
            blob = _json(config | {"rootfs": {"type": "layers", "diff_ids": []}})
            with self._lock:
                self._repository(path).blobs[digest(blob)] = blob
            descriptor = {"mediaType": OCI_CONFIG, "digest": digest(blob), "size": len(blob)}
            manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor}
            self.put_manifest(path, tag, OCI_MANIFEST, _json(manifest | {"layers": []}))

    def put_manifest(self, path: str, reference: str, media_type: str, body: bytes) -> str:
        """Store a manifest under its digest, and under a tag when `reference` is one."""
        with self._lock:
            repository = self._repository(path)
            repository.manifests[digest(body)] = (media_type, body)
            if ":" not in reference:
                repository.tags[reference] = digest(body)
        return digest(body)

    def remove_tag(self, path: str, tag: str) -> None:
        with self._lock:
            self._repository(path).tags.pop(tag, None)

    def handle(self, request: Request) -> Response:
        """Answer one request, in the order in which the distribution spec describes them."""
        if request.path == "/v2/":
            return _answer_json(200, {})
        route = _ROUTE.fullmatch(request.path)
        if route is None:
            return _error(404, "NAME_UNKNOWN")
        path, kind, rest = route["path"], route["kind"], route["rest"]
        with self._lock:
            if request.method in ("POST", "PATCH", "PUT"):
                return self._write(request, path, kind, rest)
            repository = self._content.get(path)
            if repository is None:
                return _error(404, "NAME_UNKNOWN")
            if kind == "tags":
                return self._list(request, path, repository)
            if kind == "manifests":
                return _manifest(repository, rest)
            blob = repository.blobs.get(rest)
            return _error(404, "BLOB_UNKNOWN") if blob is None else Response(200, {}, blob)

    def _list(self, request: Request, path: str, repository: _Content) -> Response:
        asked = request.query("n")
        size = min(int(asked) if asked.isdigit() else self.page_size, self.page_size)
        last = request.query("last")
        left = [tag for tag in sorted(repository.tags) if tag > last]
        page = left[:size]
        headers = {}
        if len(left) > size and page:
            query = urlencode({"n": size, "last": page[-1]})
            headers["Link"] = f'</v2/{quote(path)}/tags/list?{query}>; rel="next"'
        return _answer_json(200, {"name": path, "tags": page}, headers)

    def _write(self, request: Request, path: str, kind: str, rest: str) -> Response:
        if kind == "manifests" and request.method == "PUT":
            media_type = request.headers.get("Content-Type", OCI_MANIFEST)
            found = self.put_manifest(path, rest, media_type, request.body)
            return Response(201, {"Location": request.path, "Docker-Content-Digest": found})
        if kind != "blobs" or not rest.startswith("uploads/"):
            return _error(405, "UNSUPPORTED")
        upload = rest.removeprefix("uploads/")
        if request.method == "POST":
            self._upload_count += 1
            upload = str(self._upload_count)
        self._uploads[upload] = self._uploads.get(upload, b"") + request.body
        if request.method == "PUT" or request.query("digest"):
            blob = self._uploads.pop(upload)
            if digest(blob) != request.query("digest"):
                return _error(400, "DIGEST_INVALID")
            self._repository(path).blobs[digest(blob)] = blob
            return Response(201, {"Location": f"/v2/{path}/blobs/{digest(blob)}"})
        return Response(202, {"Location": f"/v2/{path}/blobs/uploads/{upload}"})

    def _repository(self, path: str) -> _Content:
        return self._content.setdefault(path, _Content())


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _manifest(repository: _Content, reference: str) -> Response:
    found = repository.manifests.get(repository.tags.get(reference, reference))
    if found is None:
        return _error(404, "MANIFEST_UNKNOWN")
    media_type, body = found
    return Response(200, {"Content-Type": media_type, "Docker-Content-Digest": digest(body)}, body)


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


def _answer_json(
    status: int, document: object, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        status, {"Content-Type": "application/json", **(headers or {})}, _json(document)
    )


def _error(status: int, code: str) -> Response:
    return _answer_json(status, {"errors": [{"code": code, "message": code.lower()}]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


def _exchange_for(registry: EmbeddedRegistry) -> type[BaseHTTPRequestHandler]:
    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one write for head and body
        disable_nagle_algorithm = True

        def setup(self) -> None:
            registry.connection_count += 1
            super().setup()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

        def answer(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), _MAX_BODY_BYTES)
            body = self.rfile.read(length) if length else b""
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            registry.requests.append(request)
            if registry.delay_seconds:
                time.sleep(registry.delay_seconds)
            response = registry.handle(request)
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in response.headers:
                self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = answer

    return Exchange
