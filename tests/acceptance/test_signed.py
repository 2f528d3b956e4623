"""Signed commits, as a user gets them: `imagebot apply` with a key in the settings."""

import os
import shutil
from collections.abc import Iterator

import pytest

from imagebot.cli.main import main
from imagebot.git import SigningKey
from tests.acceptance.world import World
from tests.git.signing_keys import PHRASE, gpg_home, gpg_key, ssh_key, verified


@pytest.fixture
def home() -> Iterator[dict[str, str]]:
    with gpg_home() as variables:
        yield variables


def sign_with(world: World, key: SigningKey) -> None:
    signing = f"signing: {{format: {key.format}, keyFile: '{key.file.name}'}}"
    text = world.settings.read_text()
    author = f"author: {{name: imagebot, email: imagebot@example.org, {signing}}}\n"
    world.settings.write_text(text + author)


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_the_commit_of_a_request_is_signed_and_a_second_run_writes_nothing(
    world: World, home: dict[str, str], kind: str
) -> None:
    key = ssh_key(world.folder) if kind == "ssh" else gpg_key(world.folder, home)
    sign_with(world, key)
    assert world.apply() == 0
    (commit,) = world.branches().values()
    assert "Good" in (said := verified(world.remote, commit, key, home)) or "GOODSIG" in said
    before = world.everything()
    assert world.apply() == 0
    assert world.everything() == before


def test_a_newer_tag_rewrites_a_signed_branch_and_signs_again(world: World) -> None:
    key = ssh_key(world.folder)
    sign_with(world, key)
    world.apply()
    world.registry.add("acme/api", "1.2.0")
    assert world.apply() == 0
    (request,) = world.pull_requests()
    assert request.title == "Update acme/api to 1.2.0 (minor)"
    verified(world.remote, world.branches()[request.head], key, {})


def test_a_direct_commit_is_signed(world: World) -> None:
    key = ssh_key(world.folder)
    sign_with(world, key)
    text = world.settings.read_text()
    world.settings.write_text(text.replace("base: main\n", "base: main\n    mode: direct\n"))
    assert world.apply() == 0
    head = world.git(world.remote, "rev-parse", "main").strip()
    assert ":1.1.0" in world.content("main", "apps/api/deployment.yaml")
    verified(world.remote, head, key, {})


def test_a_key_with_a_passphrase_stops_the_repository_and_nothing_is_pushed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ssh_key(world.folder, phrase=PHRASE)
    sign_with(world, key)
    assert main(["apply", "--settings", str(world.settings)]) != 0
    told = capsys.readouterr()
    assert f"the signing key {key.file} cannot be used: it is protected by a passphrase" in (
        told.out + told.err
    )
    assert key.key.reveal().splitlines()[2] not in told.out + told.err
    assert world.branches() == {}


# Signs all but what tells of the worker.
PICKY_SIGNER = """\
#!/bin/sh
[ "$2" = sign ] || exec {ssh_keygen} "$@"
cat > {folder}/asked
if grep -q acme/worker {folder}/asked; then echo "agent refused operation" >&2; exit 1; fi
exec {ssh_keygen} "$@" < {folder}/asked
"""


def test_a_commit_that_cannot_be_signed_costs_no_other_group(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.registry.add("acme/worker", "2.0.0", "2.1.0")
    world.write_policy("worker")
    world.write_deployment("worker", "2.0.0")
    world.commit("Add a worker", push=True)
    sign_with(world, ssh_key(world.folder))
    picky = world.folder / "bin" / "ssh-keygen"
    picky.parent.mkdir()
    picky.write_text(
        PICKY_SIGNER.format(ssh_keygen=shutil.which("ssh-keygen"), folder=picky.parent)
    )
    picky.chmod(0o755)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{picky.parent}{os.pathsep}{path}")
    assert world.apply() != 0
    assert "agent refused operation" in "".join(capsys.readouterr())
    assert [request.title for request in world.open_requests()] == [
        "Update acme/api to 1.1.0 (minor)"
    ]
    monkeypatch.setenv("PATH", path)
    assert world.apply() == 0
    assert len(world.open_requests()) == 2
