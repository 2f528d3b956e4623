"""Remotes of the three kinds for the tests of the git edge."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagebot.git import BareClone, Remote
from tests.servers.git_http import GitHttpServer, create_bare
from tests.servers.git_people import BOT, Person, person_at
from tests.servers.git_ssh import GitSshServer


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return create_bare(tmp_path / "remote.git")


@pytest.fixture
def person(tmp_path: Path, bare: Path) -> Person:
    """Has pushed a first commit with two files."""
    person = person_at(tmp_path / "person", bare)
    person.commit({"app/api.yaml": b"image: example.org/api:1.0.0\n", "README.md": b"hello\n"})
    person.push()
    return person


@pytest.fixture
def clones(tmp_path: Path) -> Iterator[Callable[..., BareClone]]:
    """Makes clones, each in a folder of its own unless one is named; closed at the end."""
    made: list[BareClone] = []

    def clone(remote: Remote | Path, folder: str = "", **options: object) -> BareClone:
        if isinstance(remote, Path):
            remote = Remote(f"file://{remote}", allow_file=True)
        path = tmp_path / "clones" / (folder or f"clone-{len(made)}")
        made.append(BareClone(remote, path, identity=BOT, **options))  # type: ignore[arg-type]
        return made[-1]

    yield clone
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def http_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path_factory.mktemp("http") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitSshServer]:
    with GitSshServer(tmp_path_factory.mktemp("ssh") / "server") as server:
        yield server
