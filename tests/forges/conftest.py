"""The worlds of the contract suite: each forge with its server and the repository behind it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from imagebot.forges.azure_devops import AzureDevOps
from imagebot.forges.bitbucket import Bitbucket
from imagebot.forges.bitbucket_server import BitbucketServer
from imagebot.forges.credentials import TokenCredentials
from imagebot.forges.gitea import Forgejo, Gitea
from imagebot.forges.github import GitHub
from imagebot.forges.gitlab import GitLab
from imagebot.secret import Secret
from tests.forges import people_gitea
from tests.forges.people import GitHubPeople, GitLabPeople
from tests.forges.people_azure import AzurePeople
from tests.forges.people_bitbucket import BitbucketPeople, BitbucketServerPeople
from tests.forges.world import FORK, MEMBERS, PROJECT, Bare, Kept, World, changes, git
from tests.servers.azure_devops import AzureServer
from tests.servers.bitbucket import BitbucketCloud
from tests.servers.bitbucket_server import BitbucketDataCenter
from tests.servers.bitbucket_talk import uuid_of
from tests.servers.forge import ForgeServer
from tests.servers.gitea import GiteaServer
from tests.servers.github import GitHubServer
from tests.servers.gitlab import GitLabServer

# Those of the suite test_conversation_contract.py.
TALKING = ("github", "gitlab", "gitea", "forgejo", "bitbucket", "bitbucket_server", "azure_devops")
FORGES = ("github", "gitlab", "gitea", "forgejo", "bitbucket", "bitbucket_server", "azure_devops")


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
                    pull.assignees,
                    pull.milestone,
                    pull.is_draft,
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

        def set_state(number: int, state: str) -> None:
            pull = server._repositories[PROJECT].pulls[number - 1]
            if state == "merged":
                bare.point(pull.base, at=pull.head)
            else:
                pull.state = state

        yield World(
            kind="github",
            server=server,
            bare=bare,
            connect=connect,
            pulls_path=r"/pulls$",
            kept=kept,
            open_from_fork=open_from_fork,
            set_state=set_state,
            own_token=server.token,
            close_request=("PATCH", r"/pulls/\d+$"),
            review_request=("POST", "/requested_reviewers$"),
            git_user="x-access-token",
            people=GitHubPeople(server),
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
                    [note.body for note in made.notes],
                    made.assignees,
                    made.milestone,
                    made.title.startswith("Draft:"),
                )
                for made in server.merge_requests(PROJECT)
            ]

        def open_from_fork(branch: str) -> None:
            server.add_project(FORK, bare.folder)
            server.open_as_person(PROJECT, "Fork", branch, "main", FORK)

        def set_state(number: int, state: str) -> None:
            server.merge_requests(PROJECT)[number - 1].state = state

        yield World(
            kind="gitlab",
            call_back_request=("POST", "/cancel_merge_when_pipeline_succeeds$"),
            server=server,
            bare=bare,
            connect=connect,
            pulls_path=r"/merge_requests$",
            kept=kept,
            open_from_fork=open_from_fork,
            set_state=set_state,
            own_token=server.token,
            close_request=("PUT", r"/merge_requests/\d+$"),
            review_request=("GET", "/users$"),
            git_user="oauth2",
            people=GitLabPeople(server),
            comments_path="/notes$",
            permission_request=("GET", r"/members/all/\d+$"),
        )
    assert server.broken == []


def kept_by(server: ForgeServer, path: str = PROJECT) -> list[Kept]:
    """What a server of `tests.servers.forge` keeps, as the suite wants to see it."""
    return [
        Kept(
            pull.number,
            pull.state,
            pull.title,
            pull.body,
            pull.base,
            pull.labels,
            pull.reviewers,
            [text for _, text in pull.comments],
            is_draft=pull.is_draft,
        )
        for pull in server.pull_requests(path)
    ]


def behind(server: ForgeServer, bare: Bare, path: str = PROJECT) -> dict[str, Any]:
    """What is the same in the worlds of these servers."""

    def open_from_fork(branch: str) -> None:
        server.add_repository(FORK, bare.folder)
        server.open_as_person(path, "Fork", branch, "main", FORK)

    return {
        "server": server,
        "bare": bare,
        "kept": lambda: kept_by(server, path),
        "open_from_fork": open_from_fork,
        "set_state": lambda number, state: server.set_state(path, number, state),
        "own_token": server.token,
    }


def gitea_world(bare: Bare, forge: type[Gitea]) -> Iterator[World]:
    with GiteaServer() as server:
        server.has_null_for_nothing = forge is Forgejo
        server.add_repository(PROJECT, bare.folder, members=MEMBERS)

        def connect(project: str = PROJECT, token: str = server.token, **options: Any) -> Gitea:
            return forge(project, Secret(token), url=server.url, **options)

        yield World(
            kind=forge.name,
            connect=connect,
            pulls_path="/pulls$",
            close_request=("PATCH", r"/pulls/\d+$"),
            review_request=("POST", "/requested_reviewers$"),
            git_user="x-access-token",
            page_size=50,
            new_label_writes=3,  # each is made, then both are put on
            refuses_missing_head_by="404",
            **behind(server, bare) | people_gitea.world_of(server),
        )
    assert server.broken == []


@pytest.fixture
def gitea(bare: Bare) -> Iterator[World]:
    yield from gitea_world(bare, Gitea)


@pytest.fixture
def forgejo(bare: Bare) -> Iterator[World]:
    yield from gitea_world(bare, Forgejo)


@pytest.fixture
def bitbucket(bare: Bare) -> Iterator[World]:
    with BitbucketCloud() as server:
        server.add_repository(PROJECT, bare.folder, members=MEMBERS)

        def connect(project: str = PROJECT, token: str = server.token, **options: Any) -> Bitbucket:
            return Bitbucket(project, Secret(token), url=server.url, **options)

        yield World(
            kind="bitbucket",
            connect=connect,
            pulls_path="/pullrequests$",
            close_request=("POST", "/decline$"),
            review_request=("GET", "/members$"),
            git_user="x-token-auth",
            page_size=50,
            people=BitbucketPeople(server),
            author_of=uuid_of,
            merge_request=("POST", "/merge$"),
            permission_request=("GET", r"/permissions/repositories/[^/]+$"),
            **behind(server, bare),
        )
    assert server.broken == []


@pytest.fixture
def bitbucket_server(bare: Bare) -> Iterator[World]:
    with BitbucketDataCenter() as server:
        server.add_repository(PROJECT, bare.folder, members=MEMBERS)

        def connect(
            project: str = PROJECT, token: str = server.token, **options: Any
        ) -> BitbucketServer:
            return BitbucketServer(project, Secret(token), url=server.url, **options)

        yield World(
            kind="bitbucket-server",
            connect=connect,
            pulls_path="/pull-requests$",
            close_request=("POST", "/decline$"),
            review_request=("GET", r"/pull-requests/\d+$"),
            git_user="",  # a bearer
            people=BitbucketServerPeople(server),
            merge_request=("POST", "/merge$"),
            call_back_request=("DELETE", "/auto-merge$"),
            permission_request=("GET", "/users$"),
            refuses_missing_head_by="404",
            **behind(server, bare),
        )
    assert server.broken == []


@pytest.fixture
def azure_devops(bare: Bare) -> Iterator[World]:
    """The contract suite's projects have two parts; here each lies in one organisation."""
    with AzureServer() as server:
        server.add_repository(f"org/{PROJECT}", bare.folder, members=MEMBERS)

        def connect(
            project: str = PROJECT, token: str = server.token, **options: Any
        ) -> AzureDevOps:
            return AzureDevOps(f"org/{project}", Secret(token), url=server.url, **options)

        yield World(
            kind="azure-devops",
            connect=connect,
            pulls_path="/pullrequests$",
            close_request=("PATCH", r"/pullrequests/\d+$"),
            review_request=("GET", "/teams$"),
            git_user="imagebot",
            new_label_writes=2,  # one by one
            people=AzurePeople(server),
            author_of="{}@acme.example".format,
            comments_path="/threads$",
            merge_request=("PATCH", r"/pullrequests/\d+$"),
            call_back_request=("PATCH", r"/pullrequests/\d+$"),
            permission_request=("GET", r"/accesscontrollists/[^/]+$"),
            **behind(server, bare, f"org/{PROJECT}"),
        )
    assert server.broken == []


@pytest.fixture(params=FORGES)
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=TALKING)
def talking(request: pytest.FixtureRequest) -> World:
    """The world of a forge that has the members of `Conversation`."""
    found: World = request.getfixturevalue(request.param)
    assert found.people is not None
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
