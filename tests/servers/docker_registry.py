"""Debian's docker-registry (distribution 2.8) as a server for tests: anonymous, with passwords,
by TLS with a CA of its own, or with a token server, which runs in this process."""

import base64
import datetime
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from imagebot.demo.registry import EmbeddedRegistry, Request, Response

_ISSUER, _SERVICE = "imagebot-test-issuer", "imagebot-test-registry"


def needs_docker_registry() -> None:
    if not (shutil.which("docker-registry") and shutil.which("htpasswd")):
        if os.environ.get("CI") == "true":
            pytest.fail("docker-registry and htpasswd must be installed in CI")
        pytest.skip("docker-registry or htpasswd is not installed")


@dataclass(frozen=True)
class DockerRegistry:
    host: str
    folder: Path
    ca_file: Path | None = None


@contextmanager
def docker_registry(
    folder: Path,
    *,
    users: Mapping[str, str] | None = None,
    tls: bool = False,
    tokens: "TokenServer | None" = None,
    notified: Mapping[str, str] | None = None,
) -> Iterator[DockerRegistry]:
    """`notified`: addresses that are told of pushes, and the Authorization header for each."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config: dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host, "secret": "x"},
    }
    certificates = Certificates.made(folder) if tls else None
    if certificates:
        files = {"certificate": str(certificates.leaf), "key": str(certificates.key)}
        config["http"] = {"addr": host, "secret": "x", "tls": files}
    if users:
        path = _htpasswd(folder, users)
        config["auth"] = {"htpasswd": {"realm": "basic-realm", "path": str(path)}}
    if tokens:
        config["auth"] = {"token": tokens.registry_settings()}
    if notified:
        endpoints = [
            {
                "name": f"hook{number}",
                "url": url,
                "headers": {"Authorization": [proof]},
                "timeout": "2s",
                "threshold": 1000,
                "backoff": "200ms",
            }
            for number, (url, proof) in enumerate(notified.items())
        ]
        config["notifications"] = {"endpoints": endpoints}
    settings = folder / "config.yml"
    settings.write_text(json.dumps(config))  # JSON is YAML
    process = subprocess.Popen(
        ["docker-registry", "serve", str(settings)],
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )
    try:
        _wait_for(host, process, folder)
        yield DockerRegistry(host, folder, certificates.ca if certificates else None)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(host: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    name, _, port = host.partition(":")
    for _ in range(200):
        assert process.poll() is None, (folder / "log").read_text()
        try:
            socket.create_connection((name, int(port)), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"docker-registry did not listen on {host}")


def _htpasswd(folder: Path, users: Mapping[str, str]) -> Path:
    path = folder / "htpasswd"
    lines = [
        subprocess.run(
            ["htpasswd", "-nbB", "-C", "4", name, password],
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for name, password in users.items()
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass(frozen=True)
class Certificates:
    """A CA and a certificate of 127.0.0.1 and localhost that it signed."""

    ca: Path
    leaf: Path
    key: Path

    @classmethod
    def made(cls, folder: Path) -> "Certificates":
        ca_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ca = _certificate("imagebot test CA", ca_key, "imagebot test CA", ca_key, is_ca=True)
        leaf = _certificate("127.0.0.1", leaf_key, "imagebot test CA", ca_key, is_ca=False)
        found = cls(folder / "ca.crt", folder / "leaf.crt", folder / "leaf.key")
        found.ca.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        found.leaf.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        found.key.write_bytes(_pem(leaf_key))
        return found


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@dataclass(frozen=True)
class Issued:
    user: str | None
    scope: str
    service: str
    method: str


@dataclass(eq=False)
class TokenServer(EmbeddedRegistry):
    """Issues tokens by the distribution token specification, by GET and by OAuth2 POST.

    Everybody may pull `public/...`; users may do everything. `lifetime` seconds are told in the
    answer; the token itself expires `misdated` seconds earlier.
    """

    folder: Path
    users: Mapping[str, str]
    lifetime: int = 300
    misdated: int = 0
    issued: list[Issued] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certificate("signer", self._key, "signer", self._key, is_ca=True)
        bundle = self.folder / "signer.crt"
        bundle.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        self._bundle = bundle
        self._issuing = threading.Lock()

    def registry_settings(self) -> dict[str, str]:
        return {
            "realm": f"http://{self.host}/token",
            "service": _SERVICE,
            "issuer": _ISSUER,
            "rootcertbundle": str(self._bundle),
        }

    def handle(self, request: Request) -> Response:
        form = (
            request if request.method == "GET" else Request("GET", f"/?{request.body.decode()}", {})
        )
        user: str | None = None
        proof = request.headers.get("Authorization", "")
        if proof.startswith("Basic "):
            user, _, password = base64.b64decode(proof[6:]).decode().partition(":")
            if self.users.get(user) != password:
                return Response(401)
        if request.method == "POST":
            user, _, password = form.query("refresh_token").partition(".")
            if form.query("grant_type") != "refresh_token" or self.users.get(user) != password:
                return Response(401)
        scope, service = form.query("scope"), form.query("service")
        with self._issuing:
            self.issued.append(Issued(user, scope, service, request.method))
        body = {"token": self._token(user, scope, service), "expires_in": self.lifetime}
        return Response(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _token(self, user: str | None, scope: str, service: str) -> str:
        kind, name, actions = scope.split(":")
        granted = [
            action
            for action in actions.split(",")
            if user or (action == "pull" and name.startswith("public/"))
        ]
        access = [{"type": kind, "name": name, "actions": granted}] if granted else []
        now = int(time.time())
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        claims = {
            "iss": _ISSUER,
            "sub": user or "",
            "aud": service,
            "exp": now + self.lifetime - self.misdated,
            "nbf": now - 7200,
            "iat": now - 7200,
            "jti": uuid.uuid4().hex,
            "access": access,
        }
        headers = {"x5c": [base64.b64encode(der).decode()]}
        return jwt.encode(claims, self._key, algorithm="ES256", headers=headers)


@contextmanager
def token_server(folder: Path, users: Mapping[str, str]) -> Iterator[TokenServer]:
    with TokenServer(folder, users) as running:
        yield running
