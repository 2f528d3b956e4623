"""A folder on disk: which files it has, and writing one in place."""

import os
from pathlib import Path

import pytest

from imagebot.checkout import Checkout, open_checkout
from imagebot.errors import StaleEdit, UsageError
from tests.servers.git_people import Person


def files_of(checkout: Checkout) -> dict[str, bytes]:
    """Content by path, as a survey gets it."""
    return {file.path: content for file, content in checkout.contents(checkout.walk())}


def test_tracked_and_new_files_are_listed_but_not_ignored_ones(person: Person) -> None:
    person.write(".gitignore", b"*.log\nbuild/\n")
    person.write("new ü.yaml", b"image: a:1\n")
    person.write("x.log", b"")
    person.write("build/out.yaml", b"image: a:1\n")
    (person.folder / "app" / "api.yaml").write_bytes(b"changed\n")
    (person.folder / "README.md").unlink()
    files = files_of(open_checkout(person.folder))
    assert sorted(files) == [".gitignore", "app/api.yaml", "new ü.yaml"]
    assert files["app/api.yaml"] == b"changed\n"


def test_links_are_neither_listed_nor_read_nor_followed(person: Person, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    (person.folder / "file-link").symlink_to("README.md")
    (person.folder / "folder-link").symlink_to(tmp_path / "outside")
    os.mkfifo(person.folder / "pipe")
    checkout = open_checkout(person.folder)
    assert sorted(files_of(checkout)) == ["README.md", "app/api.yaml"]
    traps = [
        "file-link",
        "folder-link/secret",
        "../outside/secret",
        "pipe",
        "app",
        ".",
        "",
        ".git/config",
    ]
    assert list(checkout.read(traps)) == []
    with pytest.raises(StaleEdit):
        checkout.write("folder-link/secret", b"secret", b"changed")
    with pytest.raises(StaleEdit):
        checkout.write("file-link", b"hello\n", b"changed")


def test_a_folder_without_git_is_walked(tmp_path: Path) -> None:
    (tmp_path / "a" / ".git").mkdir(parents=True)
    (tmp_path / "a" / ".git" / "config").write_text("x")
    (tmp_path / "a" / "b.yaml").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    checkout = open_checkout(tmp_path)
    assert files_of(checkout) == {"a/b.yaml": b"x"}
    assert (checkout.prefix, checkout.origin(), checkout.branch()) == ("", None, None)


def test_the_top_level_is_found_from_within(person: Person) -> None:
    checkout = open_checkout(person.folder / "app")
    assert (checkout.root, checkout.prefix) == (person.folder.resolve(), "app")
    assert "README.md" in files_of(checkout)
    assert open_checkout(person.folder / "app" / "api.yaml").prefix == "app/api.yaml"
    assert open_checkout(person.folder).prefix == ""


def test_a_linked_work_tree_is_a_checkout_too(person: Person, tmp_path: Path) -> None:
    person.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "side")
    checkout = open_checkout(tmp_path / "linked")
    assert checkout.branch() == "side"
    assert sorted(files_of(checkout)) == ["README.md", "app/api.yaml"]


def test_origin_and_branch_are_told_without_credentials(person: Person) -> None:
    checkout = open_checkout(person.folder)
    assert (checkout.origin(), checkout.branch()) == (None, "main")
    person.git("remote", "add", "origin", "https://me:canary@git.example.org/a.git")
    assert checkout.origin() == "https://git.example.org/a.git"
    person.git("checkout", "--quiet", "--detach")
    assert checkout.branch() is None


def test_programs_named_by_the_checkout_s_settings_are_not_run(
    person: Person, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    person.git("config", "core.fsmonitor", str(trap))
    person.git("config", "core.hooksPath", str(tmp_path))
    list(open_checkout(person.folder).walk())
    assert not (tmp_path / "sprung").exists()


def test_a_file_is_replaced_whole_and_keeps_its_mode(person: Person) -> None:
    target = person.folder / "run.sh"
    target.write_bytes(b"old\r\n")
    target.chmod(0o750)
    before = target.stat().st_ino
    open_checkout(person.folder).write("run.sh", b"old\r\n", b"new\r\n")
    assert target.read_bytes() == b"new\r\n"
    assert target.stat().st_mode & 0o777 == 0o750
    assert target.stat().st_ino != before, "a new file was renamed over the old one"
    assert sorted(each.name for each in person.folder.iterdir() if each.name != ".git") == [
        "README.md",
        "app",
        "run.sh",
    ]


def test_a_file_that_changed_meanwhile_is_left_alone(person: Person) -> None:
    checkout = open_checkout(person.folder)
    with pytest.raises(StaleEdit, match=r"README\.md has changed"):
        checkout.write("README.md", b"something else\n", b"new\n")
    assert (person.folder / "README.md").read_bytes() == b"hello\n"
    with pytest.raises(StaleEdit):
        checkout.write("gone", b"", b"new\n")


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        open_checkout(tmp_path / "nowhere")
