"""Which files of a commit are listed, how they are read, and what a commit of ours changes."""

import subprocess
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebot.errors import GitError
from imagebot.git import BareClone, Push
from imagebot.git.process import Runner
from tests.servers.git_people import AT, BRANCH, MESSAGE, Person

Clones = Callable[..., BareClone]

WEIRD = ['a b/c"d.yaml', "back\\slash.yaml", "ümläut-日本.yaml", "-dash.yaml", "'q'.yaml", " lead",
         "trail ", "*.yaml", ":colon", "a/.gitignore"]  # fmt: skip


def test_weird_file_names_are_listed_read_and_written(
    clones: Clones, bare: Path, person: Person
) -> None:
    person.commit({name: name.encode() for name in WEIRD})
    person.push()
    clone = clones(bare)
    base = clone.refresh().base
    tree = clone.tree(base.commit)
    assert dict(tree.read(WEIRD)) == {name: name.encode() for name in WEIRD}
    new = {name: b"new " + name.encode() for name in WEIRD}
    commit = clone.commit(base, BRANCH, new, MESSAGE, AT)
    assert dict(clone.tree(commit).read(WEIRD)) == new
    assert set(clone.tree(commit).files()) == set(tree.files())


def test_one_process_reads_however_many_files_are_asked_for(
    clones: Clones, bare: Path, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {f"{number}.yaml": b"a: %d" % number for number in range(2_500)}
    person.commit(given)
    person.push()
    clone = clones(bare)
    tree = clone.tree(clone.refresh().base.commit)
    started: list[str] = []
    start = Runner.start

    def note(self: Runner, arguments: Sequence[str], **options: Any) -> Any:
        started.append(arguments[0])
        return start(self, arguments, **options)

    monkeypatch.setattr(Runner, "start", note)
    contents = {file.path: content for file, content in tree.contents(tree.walk())}
    assert {path: contents[path] for path in given} == given
    assert started.count("cat-file") == 1


def test_bytes_are_kept_whatever_their_line_ends(
    clones: Clones, bare: Path, person: Person
) -> None:
    contents = {
        "crlf.yaml": b"image: a:1\r\nb: 2\r\n",
        "bare.yaml": b"image: a:1",
        "empty.yaml": b"",
        "nul.bin": b"\0\n\r\0" * 9,
        "bom.yaml": b"\xef\xbb\xbfa: 1\n",
    }
    person.commit({".gitattributes": b"* text=auto eol=lf\n"})
    for path, content in contents.items():
        person.write(path, content)
    person.git("-c", "core.autocrlf=false", "add", "--all")
    person.commit({})
    person.push()
    clone = clones(bare)
    base = clone.refresh().base
    tree = clone.tree(base.commit)
    assert dict(tree.read(["empty.yaml", "nul.bin", "bom.yaml", "bare.yaml"])) == {
        path: content for path, content in contents.items() if path != "crlf.yaml"
    }
    new = {path: content + b"more\r\nand\n" for path, content in contents.items()}
    commit = clone.commit(base, BRANCH, new, MESSAGE, AT)
    assert dict(clone.tree(commit).read(new)) == new


def test_links_and_submodules_are_never_listed(clones: Clones, bare: Path, person: Person) -> None:
    (person.folder / "link").symlink_to("/etc/passwd")
    (person.folder / "inner").symlink_to("app/api.yaml")
    person.git("add", "--all")
    submodule = person.git("rev-parse", "HEAD")
    person.git("update-index", "--add", "--cacheinfo", f"160000,{submodule},sub")
    person.git("commit", "--quiet", "-m", "traps")
    person.push()
    clone = clones(bare)
    base = clone.refresh().base
    tree = clone.tree(base.commit)
    assert sorted(tree.files()) == ["README.md", "app/api.yaml"]
    assert list(tree.read(["link", "sub", "inner", "gone"])) == []
    for path in ("link", "sub", "link/x", "sub/x", "app", "app/api.yaml/x"):
        with pytest.raises(GitError, match=r"link or submodule|cannot be written"):
            clone.commit(base, BRANCH, {path: b"x"}, MESSAGE, AT)


@pytest.mark.parametrize(
    "path", ["../x", "a/../x", "/x", "a//x", ".git/config", "a/.GIT/x", "a\nb", "", "a/", "./a"]
)
def test_a_path_that_leads_astray_is_refused(
    clones: Clones, bare: Path, person: Person, path: str
) -> None:
    clone = clones(bare)
    base = clone.refresh().base
    with pytest.raises(GitError, match="not a path"):
        clone.commit(base, BRANCH, {path: b"x"}, MESSAGE, AT)


def test_files_keep_their_mode(clones: Clones, bare: Path, person: Person) -> None:
    person.write("run.sh", b"#!/bin/sh\n")
    (person.folder / "run.sh").chmod(0o755)
    person.commit({})
    person.push()
    clone = clones(bare)
    base = clone.refresh().base
    new = {"run.sh": b"#!/bin/sh\n:\n", "README.md": b"x", "new.yaml": b"y"}
    commit = clone.commit(base, BRANCH, new, MESSAGE, AT)
    modes = {path: entry.mode for path, entry in clone.tree(commit).entries.items()}
    assert modes == {
        "run.sh": "100755",
        "README.md": "100644",
        "new.yaml": "100644",
        "app/api.yaml": "100644",
    }


def test_blob_ids_are_git_s(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    files = clone.tree(clone.refresh().base.commit).files()
    assert files["README.md"] == person.git("hash-object", "README.md")


def test_the_same_input_gives_the_same_commit(clones: Clones, bare: Path, person: Person) -> None:
    one, two = clones(bare), clones(bare)
    base = one.refresh().base
    two.refresh()
    files = {"app/api.yaml": b"2\n", "README.md": b"3\n"}
    backwards = dict(reversed(files.items()))
    commit = one.commit(base, BRANCH, files, MESSAGE, AT)
    assert two.commit(base, BRANCH, backwards, MESSAGE, AT) == commit
    assert two.commit(base, "imagebot/other", files, MESSAGE, AT) != commit
    assert two.commit(base, BRANCH, files, MESSAGE, AT + timedelta(seconds=1)) != commit


def test_a_commit_is_sound_in_the_eyes_of_git(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    base = clone.refresh().base
    commit = clone.commit(base, BRANCH, {"app/api.yaml": b"2\n"}, MESSAGE, AT)
    clone.push([Push(BRANCH, commit, None)])

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(bare), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout

    git("fsck", "--strict")
    shown = git("show", "--no-patch", "--format=%an <%ae> %cn <%ce> %at %P", commit)
    assert shown.strip() == (
        "imagebot <imagebot@example.org> imagebot <imagebot@example.org>"
        f" {int(AT.timestamp())} {base.commit}"
    )
    trailers = git("show", "--no-patch", "--format=%(trailers:only)", commit)
    keys = [line.partition(":")[0] for line in trailers.splitlines() if line]
    assert keys == ["Image", "To", "Imagebot-Branch", "Imagebot-Written", "Imagebot-Seal"]
    assert git("diff", "--name-only", base.commit, commit) == "app/api.yaml\n"


def test_a_commit_that_changes_nothing_is_refused(
    clones: Clones, bare: Path, person: Person
) -> None:
    clone = clones(bare)
    base = clone.refresh().base
    with pytest.raises(GitError, match="nothing to commit"):
        clone.commit(base, BRANCH, {"README.md": b"hello\n"}, MESSAGE, AT)


def test_ten_thousand_files_are_listed_and_read(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    lines = [b"commit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 0\n"]
    for number in range(10_000):
        content = b"image: app:%d\n" % number
        lines.append(b"M 100644 inline apps/%d/%d.yaml\n" % (number % 100, number))
        lines.append(b"data %d\n%s\n" % (len(content), content))
    subprocess.run(
        ["git", "-C", str(bare), "fast-import", "--quiet", "--force"],
        input=b"".join(lines),
        check=True,
    )
    clone = clones(bare)
    tree = clone.tree(clone.refresh().base.commit)
    assert len(tree.files()) == 10_000
    read = dict(tree.read(tree.files()))
    assert len(read) == 10_000
    assert read["apps/99/9999.yaml"] == b"image: app:9999\n"


def test_reading_can_be_left_half_way(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    tree = clone.tree(clone.refresh().base.commit)
    reading = tree.read(tree.files())
    next(reading)
    reading.close()
    assert len(list(tree.read(tree.files()))) == 2
