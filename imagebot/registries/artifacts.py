"""Pushing images and other artifacts, by oras, on our guarded session.

oras knows how a push goes: uploads, manifests, containers. Everything it sends goes through a
`GuardedSession`: its own session, credentials, retries and redirects are not used (it would
send passwords to any host that a registry names, and sleep two minutes on an error).
"""

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import oras.client  # first: oras.decorator alone cannot be imported
import oras.defaults
import oras.oci
import oras.provider
import requests
import requests.adapters

from imagebot.errors import RegistryError
from imagebot.image import Digest, Repository
from imagebot.registries.distribution import OCI_INDEX, OCI_MANIFEST, digest_of
from imagebot.registries.limits import Budget
from imagebot.registries.session import PULL, PUSH, GuardedSession

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_REPOSITORY_IN_PATH = re.compile(r"/v2/(.+)/(?:blobs|manifests|tags|referrers)/")


class ArtifactClient(oras.provider.Registry):  # type: ignore[misc]  # oras has no types
    """oras for one registry. What fails raises our errors, never a bare ValueError for a 401."""

    def __init__(self, session: GuardedSession) -> None:
        super().__init__(
            hostname=str(session.rules.origin), insecure=session.rules.scheme == "http"
        )
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.clear()  # ours are set further down
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _GuardedAdapter(session))
        self.auth = _NobodyElse()

    def do_request(self, *arguments: Any, **named: Any) -> requests.Response:
        """Without the decorator that tries again: the session has its own ways."""
        plain = oras.provider.Registry.do_request.__wrapped__
        response: requests.Response = plain(self, *arguments, **named)
        return response


class _NobodyElse:
    """Stands where oras looks for credentials; the session has them already."""

    def load_configs(self, *_: object, **__: object) -> None:
        """Reads nothing: oras would read the home folder."""


class _GuardedAdapter(requests.adapters.BaseAdapter):
    """Lets a `requests` session speak through a guarded one."""

    def __init__(self, session: GuardedSession) -> None:
        super().__init__()
        self._session = session

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        url, method = str(request.url), str(request.method)
        found = _REPOSITORY_IN_PATH.match(urlsplit(url).path)
        if found is None:
            raise RegistryError("asked for something that belongs to no repository")
        body = request.body.encode() if isinstance(request.body, str) else request.body
        with self._session.discreet():
            answer = self._session.request(
                method,
                url,
                Budget(self._session.limits, f"{method} for {found[1]}"),
                repository=found[1],
                headers=dict(request.headers),
                body=body,
                actions=PULL if method in ("GET", "HEAD") else PUSH,
            )
        response = requests.Response()
        response.status_code = answer.status
        response.url = answer.url
        response.request = request
        response.headers.update(answer.headers.items())
        response.raw = io.BytesIO(answer.body)
        return response

    def close(self) -> None:
        """The guarded session belongs to whoever made it."""


def push_image(
    session: GuardedSession,
    repository: Repository,
    tag: str,
    *,
    labels: Mapping[str, str] | None = None,
    platforms: Sequence[str] = ("linux/amd64",),
    created_at: datetime | None = None,
) -> Digest:
    """Push a small image: a config and one layer; for several platforms an index of such images.

    Equal arguments give equal bytes. Gives back the digest behind the tag.
    """
    client = ArtifactClient(session)
    said: dict[str, Any] = {"config": {"Labels": dict(labels or {})}}
    if created_at is not None:
        said["created"] = created_at.isoformat()
    children = [
        (platform, _image_manifest(client, repository, tag, said, platform))
        for platform in platforms
    ]
    if len(children) == 1:
        return _put_manifest(client, repository, tag, OCI_MANIFEST, children[0][1])
    entries = []
    for platform, body in children:
        digest = digest_of(body, "sha256")
        _put_manifest(client, repository, digest.text, OCI_MANIFEST, body)
        system, _, architecture = platform.partition("/")
        entries.append(
            _descriptor(OCI_MANIFEST, body)
            | {"platform": {"os": system, "architecture": architecture}}
        )
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return _put_manifest(client, repository, tag, OCI_INDEX, _json(index))


def _image_manifest(
    client: ArtifactClient,
    repository: Repository,
    tag: str,
    said: Mapping[str, Any],
    platform: str,
) -> bytes:
    """Push the blobs of one platform's image, whose config holds what is `said` of it.

    Gives back its manifest, not yet pushed.
    """
    archive = _archive("etc/image", f"{repository.path}:{tag} for {platform}\n".encode())
    system, _, architecture = platform.partition("/")
    config = _json(
        {
            "os": system,
            "architecture": architecture,
            **said,
            "rootfs": {
                "type": "layers",
                "diff_ids": ["sha256:" + hashlib.sha256(archive).hexdigest()],
            },
        }
    )
    layer = gzip.compress(archive, mtime=0)
    for media_type, blob in ((OCI_CONFIG, config), (OCI_LAYER, layer)):
        _put_blob(client, repository, media_type, blob)
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor(OCI_CONFIG, config),
            "layers": [_descriptor(OCI_LAYER, layer)],
        }
    )


def _archive(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _put_blob(client: ArtifactClient, repository: Repository, media_type: str, blob: bytes) -> None:
    with TemporaryDirectory() as folder:  # oras reads blobs from files
        path = Path(folder) / "blob"
        path.write_bytes(blob)
        layer = oras.oci.NewLayer(str(path), media_type=media_type)
        response = client.upload_blob(str(path), _container(client, repository), layer)
    _expect_stored(response, f"a blob of {repository}")


def _put_manifest(
    client: ArtifactClient, repository: Repository, reference: str, media_type: str, body: bytes
) -> Digest:
    url = (
        f"{client.prefix}://{_container(client, repository).registry}"
        f"/v2/{repository.path}/manifests/{reference}"
    )
    response = client.do_request(url, "PUT", data=body, headers={"Content-Type": media_type})
    _expect_stored(response, f"{repository}:{reference}")
    return digest_of(body, "sha256")


def _container(client: ArtifactClient, repository: Repository) -> Any:
    return client.get_container(f"{client.hostname}/{repository.path}")


def _expect_stored(response: requests.Response, what: str) -> None:
    if response.status_code not in (200, 201, 202):
        raise RegistryError(f"pushing {what} was answered {response.status_code}")


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {
        "mediaType": media_type,
        "digest": digest_of(content, "sha256").text,
        "size": len(content),
    }


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
