"""What a bare clone tells of its remote, and how it mends itself."""

import multiprocessing
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from imagebot.errors import GitError, PushRejected
from imagebot.git import BareClone, Push, Remote, folder
from tests.servers.git_http import create_bare
from tests.servers.git_people import AT, BOT, BRANCH, MESSAGE, Person, person_at

Clones = Callable[..., BareClone]


def test_the_first_refresh_clones_and_tells_the_base(
    clones: Clones, bare: Path, person: Person
) -> None:
    state = clones(bare).refresh()
    assert state.fetched
    assert state.base.branch == "main"
    assert state.base.commit == person.git("rev-parse", "HEAD")
    assert state.base.tree == person.git("rev-parse", "HEAD^{tree}")
    assert state.branches == {}


def test_only_the_newest_commit_is_fetched(clones: Clones, bare: Path, person: Person) -> None:
    old = person.git("rev-parse", "HEAD")
    person.commit({"README.md": b"again\n"})
    person.push()
    clone = clones(bare)
    clone.refresh()
    with pytest.raises(GitError, match="not in the clone"):
        clone.tree(old)


def test_an_unchanged_remote_is_not_fetched_again(
    clones: Clones, bare: Path, person: Person
) -> None:
    clone = clones(bare)
    first = clone.refresh()
    second = clone.refresh()
    assert not second.fetched
    assert (second.base, second.branches) == (first.base, first.branches)


def test_a_clone_is_used_again_by_the_next_process(
    clones: Clones, bare: Path, person: Person
) -> None:
    with clones(bare, "same") as clone:
        first = clone.refresh()
    with clones(bare, "same") as again:
        assert again.refresh().base == first.base
        assert not again.refresh().fetched


def test_a_moved_base_is_fetched(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    clone.refresh()
    moved = person.commit({"app/api.yaml": b"image: example.org/api:1.0.1\n"})
    person.push()
    state = clone.refresh()
    assert state.fetched
    assert state.base.commit == moved
    read = dict(clone.tree(moved).read(["app/api.yaml"]))
    assert read == {"app/api.yaml": b"image: example.org/api:1.0.1\n"}


def test_a_rewritten_base_is_followed(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    clone.refresh()
    person.git("commit", "--quiet", "--amend", "-m", "another history")
    person.push("HEAD:refs/heads/main", "--force")
    assert clone.refresh().base.commit == person.git("rev-parse", "HEAD")


def test_a_renamed_default_branch_is_followed(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    clone.refresh()
    subprocess.run(["git", "-C", str(bare), "branch", "-m", "main", "trunk"], check=True)
    assert clone.refresh().base.branch == "trunk"


def test_a_named_base_needs_no_default_branch(clones: Clones, bare: Path, person: Person) -> None:
    person.push("HEAD:refs/heads/release/1.x")
    clone = clones(Remote(f"file://{bare}", base="release/1.x", allow_file=True))
    assert clone.refresh().base.branch == "release/1.x"


def test_a_missing_base_is_named_with_the_branches_there_are(
    clones: Clones, bare: Path, person: Person
) -> None:
    clone = clones(Remote(f"file://{bare}", base="trunk", allow_file=True))
    with pytest.raises(GitError, match="no branch 'trunk'") as caught:
        clone.refresh()
    assert caught.value.hint == "it has main"
    assert not caught.value.can_retry


def test_an_empty_repository_is_called_empty(clones: Clones, bare: Path) -> None:
    with pytest.raises(GitError, match="is empty"):
        clones(bare).refresh()


def test_a_repository_that_is_not_there_is_told(clones: Clones, tmp_path: Path) -> None:
    with pytest.raises(GitError, match="no such git repository"):
        clones(tmp_path / "nowhere.git").refresh()


def test_our_branches_are_listed_and_others_are_not(
    clones: Clones, bare: Path, person: Person
) -> None:
    for name in ("imagebot/api", "imagebot/$(id)", "other/api", "imagebotapi"):
        person.push(f"HEAD:refs/heads/{name}")
    assert list(clones(bare).refresh().branches) == ["imagebot/api"]


def test_a_deleted_branch_is_no_longer_listed(clones: Clones, bare: Path, person: Person) -> None:
    person.push("HEAD:refs/heads/imagebot/api")
    clone = clones(bare)
    assert list(clone.refresh().branches) == ["imagebot/api"]
    person.push(":refs/heads/imagebot/api")
    assert clone.refresh().branches == {}


@pytest.mark.parametrize("left_by_a_kill", ["no mark", "half a repository", "a file", "a link"])
def test_an_unfinished_clone_is_made_anew(
    clones: Clones, bare: Path, person: Person, tmp_path: Path, left_by_a_kill: str
) -> None:
    path = tmp_path / "clones" / "broken"
    path.parent.mkdir()
    if left_by_a_kill == "a file":
        path.write_text("?")
    elif left_by_a_kill == "a link":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "kept").write_text("kept")
        path.symlink_to(tmp_path / "elsewhere")
    elif left_by_a_kill == "half a repository":
        (path / "objects" / "pack").mkdir(parents=True)
        (path / "shallow.lock").write_text("")
    else:
        with clones(bare, "broken") as clone:
            clone.refresh()
        (path / "imagebot-complete").unlink()
        (path / "config.lock").write_text("")
    state = clones(bare, "broken").refresh()
    assert state.fetched
    if left_by_a_kill == "a link":
        assert (tmp_path / "elsewhere" / "kept").exists()


def test_a_clone_that_lost_its_objects_is_made_anew(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    with clones(bare, "damaged") as clone:
        clone.refresh()
    for lost in (tmp_path / "clones" / "damaged" / "objects").rglob("*"):
        if lost.is_file():
            lost.chmod(0o600)
            lost.write_bytes(b"")
    clone = clones(bare, "damaged")
    state = clone.refresh()
    assert dict(clone.tree(state.base.commit).read(["README.md"])) == {"README.md": b"hello\n"}


def test_a_clone_without_its_head_file_is_made_anew(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    clone = clones(bare, "damaged")
    clone.refresh()
    (tmp_path / "clones" / "damaged" / "HEAD").unlink()
    person.commit({"README.md": b"moved\n"})
    person.push()
    state = clone.refresh()
    assert state.base.commit == person.git("rev-parse", "HEAD")


def test_a_lost_blob_is_told_and_the_next_refresh_mends_it(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    clone = clones(bare, "damaged")
    tree = clone.tree(clone.refresh().base.commit)
    blob = tree.files()["README.md"]
    objects = tmp_path / "clones" / "damaged" / "objects"
    pack = next((objects / "pack").glob("*.pack"))
    pack.rename(tmp_path / "pack")
    pack.with_suffix(".idx").unlink()
    with (tmp_path / "pack").open("rb") as packed:
        command = ["git", "-C", str(objects.parent), "unpack-objects", "-q"]
        subprocess.run(command, stdin=packed, check=True)
    (objects / blob[:2] / blob[2:]).unlink()
    with pytest.raises(GitError, match="lost the content of README"):
        list(tree.read(["README.md"]))
    tree = clone.tree(clone.refresh().base.commit)
    assert dict(tree.read(["README.md"])) == {"README.md": b"hello\n"}


def test_a_folder_cloned_from_another_remote_is_not_trusted(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    with clones(bare, "same") as clone:
        clone.refresh()
    other = person_at(tmp_path / "other-person", create_bare(tmp_path / "other.git"))
    commit = other.commit({"a": b"1"})
    other.push()
    state = clones(other.bare, "same").refresh()
    assert state.fetched
    assert state.base.commit == commit


def test_a_clone_that_has_grown_is_made_anew(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    with clones(bare, "grown") as clone:
        clone.refresh()
        assert not clone.refresh().fetched
        packs = tmp_path / "clones" / "grown" / "objects" / "pack"
        for number in range(folder.MAX_PACK_COUNT + 1):
            (packs / f"pack-{number}.pack").touch()
        assert clone.refresh().fetched


def _hold(url: str, path: Path, ready: "multiprocessing.Queue[bool]", seconds: float) -> None:
    clone = BareClone(Remote(url, allow_file=True), path, identity=BOT)
    clone.refresh()
    ready.put(True)
    multiprocessing.Event().wait(seconds)


def test_a_second_process_waits_for_the_folder(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Queue()
    path = tmp_path / "clones" / "shared"
    other = context.Process(target=_hold, args=(f"file://{bare}", path, ready, 0.3))
    other.start()
    assert ready.get(timeout=30)
    assert clones(bare, "shared").refresh().base.branch == "main"
    other.join(10)


def test_a_folder_that_stays_in_use_is_refused(clones: Clones, bare: Path, person: Person) -> None:
    clones(bare, "shared").refresh()
    with pytest.raises(GitError, match="in use by another"):
        clones(bare, "shared", lock_wait_seconds=0.1).refresh()


def test_commits_are_pushed_and_seen(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    base = clone.refresh().base
    commit = clone.commit(base, BRANCH, {"app/api.yaml": b"image: a:2\n"}, MESSAGE, AT)
    clone.push([Push(BRANCH, commit, None)])
    state = clone.refresh()
    assert state.branches[BRANCH].commit == commit
    assert not state.fetched, "what we made ourselves need not be fetched"
    assert clones(bare).refresh().branches == state.branches


def test_several_branches_travel_in_one_push(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    base = clone.refresh().base
    first = clone.commit(base, "imagebot/a", {"a": b"1"}, MESSAGE, AT)
    second = clone.commit(base, "imagebot/b", {"b": b"1"}, MESSAGE, AT)
    clone.push([Push("imagebot/a", first, None), Push("imagebot/b", second, None)])
    clone.push([Push("imagebot/a", None, first), Push("imagebot/b", first, second)])
    branches = clone.refresh().branches
    assert {name: head.commit for name, head in branches.items()} == {"imagebot/b": first}


def test_a_branch_that_exists_is_not_overwritten_by_a_creation(
    clones: Clones, bare: Path, person: Person
) -> None:
    person.push(f"HEAD:refs/heads/{BRANCH}")
    clone = clones(bare)
    base = clone.refresh().base
    commit = clone.commit(base, BRANCH, {"app/api.yaml": b"2"}, MESSAGE, AT)
    with pytest.raises(PushRejected) as caught:
        clone.push([Push(BRANCH, commit, None)])
    assert caught.value.branches == (BRANCH,)
    assert clone.refresh().branches[BRANCH].commit == base.commit


def test_a_direct_commit_to_the_base_is_refused_when_the_base_moved(
    clones: Clones, bare: Path, person: Person
) -> None:
    clone = clones(bare)
    base = clone.refresh().base
    commit = clone.commit(base, "main", {"app/api.yaml": b"2"}, MESSAGE, AT)
    moved = person.commit({"README.md": b"moved\n"})
    person.push()
    with pytest.raises(PushRejected):
        clone.push([Push("main", commit, base.commit)])
    base = clone.refresh().base
    assert base.commit == moved
    again = clone.commit(base, "main", {"app/api.yaml": b"2"}, MESSAGE, AT)
    clone.push([Push("main", again, moved)])
    assert clone.refresh().base.commit == again


def test_a_branch_deleted_meanwhile_is_not_made_again(
    clones: Clones, bare: Path, person: Person
) -> None:
    person.push(f"HEAD:refs/heads/{BRANCH}")
    clone = clones(bare)
    state = clone.refresh()
    commit = clone.commit(state.base, BRANCH, {"app/api.yaml": b"2"}, MESSAGE, AT)
    person.push(f":refs/heads/{BRANCH}")
    with pytest.raises(PushRejected):
        clone.push([Push(BRANCH, commit, state.branches[BRANCH].commit)])
    assert clone.refresh().branches == {}


def test_a_hook_that_declines_is_quoted_and_not_tried_again(
    clones: Clones, bare: Path, person: Person
) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nprintf 'policy \\033[31mforbids\\007 this\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    clone = clones(bare)
    base = clone.refresh().base
    commit = clone.commit(base, BRANCH, {"app/api.yaml": b"2"}, MESSAGE, AT)
    with pytest.raises(GitError, match=r"pre-receive hook declined.*forbids") as caught:
        clone.push([Push(BRANCH, commit, None)])
    assert not isinstance(caught.value, PushRejected)
    assert not caught.value.can_retry
    assert "\033" not in str(caught.value)
    assert "\007" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["-x", "--force", "imagebot/-x", "imagebot/$(id)", "imagebot/a b", "other/x", "main2",
     "imagebot/..", "imagebot/a.lock", "imagebot/", "imagebot/a:b", "imagebot/é", "imagebot/a\nb"],
)  # fmt: skip
def test_a_branch_that_is_not_ours_is_neither_committed_to_nor_pushed(
    clones: Clones, bare: Path, person: Person, name: str
) -> None:
    clone = clones(bare)
    base = clone.refresh().base
    with pytest.raises(GitError, match="not a branch"):
        clone.commit(base, name, {"a": b"1"}, MESSAGE, AT)
    with pytest.raises(GitError, match="not a branch"):
        clone.push([Push(name, base.commit, None)])


@pytest.mark.parametrize("commit", ["HEAD", "--all", "main", "1234", "", "0" * 39 + "\n"])
def test_only_full_object_ids_reach_git(
    clones: Clones, bare: Path, person: Person, commit: str
) -> None:
    clone = clones(bare)
    clone.refresh()
    with pytest.raises(GitError, match="not a full object id"):
        clone.tree(commit)
    with pytest.raises(GitError, match="not a full object id"):
        clone.push([Push(BRANCH, commit, None)])


def test_a_remote_with_sha256_ids_is_cloned(clones: Clones, tmp_path: Path) -> None:
    bare = tmp_path / "modern.git"
    subprocess.run(
        ["git", "init", "-q", "--bare", "-b", "main", "--object-format=sha256", str(bare)],
        check=True,
    )
    person = Person(tmp_path / "modern", bare)
    person.folder.mkdir()
    person.git("init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    person.commit({"a.yaml": b"image: a:1\n"})
    person.push()
    clone = clones(bare)
    base = clone.refresh().base
    commit = clone.commit(base, BRANCH, {"a.yaml": b"image: a:2\n"}, MESSAGE, AT)
    clone.push([Push(BRANCH, commit, None)])
    head = clone.refresh().branches[BRANCH]
    assert clone.our_commit(head) is not None
