"""A forge of each kind behind one face, so that the contract suite does not know which it has."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from imagebot.forges.credentials import TokenCredentials
from imagebot.forges.github import GitHub
from imagebot.forges.gitlab import GitLab
from imagebot.model import ChangeSet
from imagebot.secret import Secret
from tests.servers.github import GitHubServer
from tests.servers.gitlab import GitLabServer

PROJECT = "acme/config"
FORK = "mallory/config"
MEMBERS = ("alice", "bob", "acme/platform")


def git(folder: Path, *arguments: str) -> str:
    outside = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    people = {
        f"GIT_{role}_{what}": "imagebot"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=outside | people | settings,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


class Bare:
    """A bare git repository into which branches are pushed with one command each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
        self._commit("main", "1.0.0", parent=None)

    def push(self, branch: str, text: str = "1.1.0", base: str = "main") -> None:
        self._commit(branch, text, parent=base)

    def point(self, branch: str, at: str) -> None:
        git(self.folder, "update-ref", f"refs/heads/{branch}", f"refs/heads/{at}")

    def delete(self, branch: str) -> None:
        git(self.folder, "update-ref", "-d", f"refs/heads/{branch}")

    def _commit(self, branch: str, text: str, parent: str | None) -> None:
        file = self.folder / "content"
        file.write_text(f"image: api:{text}\n")
        blob = git(self.folder, "hash-object", "-w", str(file))
        git(self.folder, "update-index", "--add", "--cacheinfo", f"100644,{blob},app.yaml")
        tree = git(self.folder, "write-tree")
        above = ["-p", f"refs/heads/{parent}"] if parent else []
        commit = git(self.folder, "commit-tree", tree, *above, "-m", text)
        git(self.folder, "update-ref", f"refs/heads/{branch}", commit)


@dataclass
class Kept:
    """A pull request as the server keeps it, in the same words for every forge."""

    number: int
    state: str
    title: str
    body: str
    base: str
    labels: list[str]
    reviewers: list[str]
    comments: list[str]


@dataclass
class World:
    """One forge, its server, and the repository behind it."""

    kind: str
    server: Any
    bare: Bare
    connect: Callable[..., Any]  # (project=..., token=..., timeout_seconds=...) -> Forge
    pulls_path: str  # where pull requests are listed and made, as a regular expression
    kept: Callable[[], list[Kept]]
    open_from_fork: Callable[[str], None]
    own_token: str

    def __post_init__(self) -> None:
        self.forge = self.connect()


def changes(branch: str = "imagebot/api-1a2b", **different: Any) -> ChangeSet:
    wanted = ChangeSet(
        group="api",
        branch=branch,
        base="main",
        title="Update api to 1.1.0",
        body="| image | from | to |\n| --- | --- | --- |\n| api | 1.0.0 | 1.1.0 |\n",
        message="Update api to 1.1.0",
        files={},
        updates=(),
    )
    return replace(wanted, **different)


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "config.git")


@pytest.fixture
def github(bare: Bare, tmp_path: Path) -> Iterator[World]:
    with GitHubServer() as server:
        server.add_repository(PROJECT, bare.folder, collaborators=MEMBERS)

        def connect(project: str = PROJECT, token: str = server.token, **options: Any) -> GitHub:
            credentials = TokenCredentials(Secret(token))
            return GitHub(project, credentials, api_url=server.api_url, **options)

        def kept() -> list[Kept]:
            return [
                Kept(
                    pull.number,
                    "merged" if pull.merged_at else pull.state,
                    pull.title,
                    pull.body,
                    pull.base,
                    pull.labels,
                    pull.reviewers + [f"acme/{team}" for team in pull.teams],
                    [said.body for said in pull.comments],
                )
                for pull in server.pull_requests(PROJECT)
            ]

        def open_from_fork(branch: str) -> None:
            fork = Bare(tmp_path / "fork.git")
            git(fork.folder, "fetch", "--quiet", str(bare.folder), "+refs/heads/*:refs/heads/*")
            fork.push(branch, "6.6.6")
            server.add_repository(FORK, fork.folder, fork_of=PROJECT)
            server.logins_by_token["of-mallory"] = "mallory"
            connect(token="of-mallory").create(changes(f"mallory:{branch}", title="Fork"))
            server.forget_requests()

        yield World(
            kind="github",
            server=server,
            bare=bare,
            connect=connect,
            pulls_path=r"/pulls$",
            kept=kept,
            open_from_fork=open_from_fork,
            own_token=server.token,
        )
    assert server.broken == []


@pytest.fixture
def gitlab(bare: Bare, tmp_path: Path) -> Iterator[World]:
    with GitLabServer() as server:
        server.add_project(PROJECT, bare.folder, members=MEMBERS)

        def connect(project: str = PROJECT, token: str = server.token, **options: Any) -> GitLab:
            return GitLab(project, Secret(token), url=server.url, **options)

        def kept() -> list[Kept]:
            return [
                Kept(
                    made.iid,
                    {"opened": "open"}.get(made.state, made.state),
                    made.title,
                    made.description,
                    made.target_branch,
                    made.labels,
                    made.reviewers,
                    [body for _, body in made.notes],
                )
                for made in server.merge_requests(PROJECT)
            ]

        def open_from_fork(branch: str) -> None:
            server.add_project(FORK, bare.folder)
            server.open_as_person(PROJECT, "Fork", branch, "main", FORK)

        yield World(
            kind="gitlab",
            server=server,
            bare=bare,
            connect=connect,
            pulls_path=r"/merge_requests$",
            kept=kept,
            open_from_fork=open_from_fork,
            own_token=server.token,
        )
    assert server.broken == []


@pytest.fixture(params=["github", "gitlab"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def app_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """As GitHub hands it out: PKCS#1."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def own_certificate(folder: Path) -> Path:
    """A PEM file with key and certificate for 127.0.0.1 that nobody has signed but itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "forge")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "forge.pem"
    file.write_text(
        private_pem(key) + certificate.public_bytes(serialization.Encoding.PEM).decode()
    )
    return file
