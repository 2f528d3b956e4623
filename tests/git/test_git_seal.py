"""A person's work on our branch is told from ours with nothing remembered."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imagebot.errors import PushRejected
from imagebot.git import BareClone, GitState, Identity, Push, Remote
from imagebot.git.seal import parse_commit, seal, trailers
from tests.servers.git_people import AT, BOT, BRANCH, MESSAGE, Person

Clones = Callable[..., BareClone]
Work = Callable[[Person], None]


def new_commit(person: Person) -> None:
    person.commit({"app/api.yaml": b"image: example.org/api:1.1.0  # checked\n"})


def amend(person: Person) -> None:
    person.write("app/api.yaml", b"image: example.org/api:1.1.0  # checked\n")
    person.git("commit", "--quiet", "--all", "--amend", "--no-edit")


def amend_nothing(person: Person) -> None:
    person.git("commit", "--quiet", "--amend", "--no-edit")


def amend_message(person: Person) -> None:
    message = person.git("show", "--no-patch", "--format=%B", "HEAD").replace("Why", "Because")
    person.git("commit", "--quiet", "--amend", "-m", message)


def other_history(person: Person) -> None:
    person.git("checkout", "--quiet", "main")
    person.commit({"app/api.yaml": b"image: example.org/api:0.9.0\n"})


def merge_of_base(person: Person) -> None:
    ours = person.git("rev-parse", "HEAD")
    person.git("checkout", "--quiet", "main")
    person.commit({"README.md": b"base moved\n"})
    person.push()
    person.git("checkout", "--quiet", "--detach", ours)
    person.git("merge", "--quiet", "--no-edit", "main")


def rebase(person: Person) -> None:
    ours = person.git("rev-parse", "HEAD")
    person.git("checkout", "--quiet", "main")
    person.commit({"README.md": b"base moved\n"})
    person.push()
    person.git("cherry-pick", ours)


def copied_seal(person: Person) -> None:
    message = person.git("show", "--no-patch", "--format=%B", "HEAD")
    person.commit({"README.md": b"mine\n"}, message)


WORK: dict[str, Work] = {
    "a new commit on top": new_commit,
    "an amended commit": amend,
    "an amended message": amend_message,
    "a commit amended without a change": amend_nothing,
    "another history, forced": other_history,
    "a merge of the base": merge_of_base,
    "our commit on a newer base": rebase,
    "a commit with our seal copied": copied_seal,
}


def proposed(clone: BareClone) -> GitState:
    base = clone.refresh().base
    new = {"app/api.yaml": b"image: example.org/api:1.1.0\n"}
    clone.push([Push(BRANCH, clone.commit(base, BRANCH, new, MESSAGE, AT), None)])
    return clone.refresh()


def test_our_commit_is_known_by_a_clone_that_never_saw_it(
    clones: Clones, bare: Path, person: Person
) -> None:
    state = proposed(clones(bare))
    fresh = clones(bare)
    assert fresh.refresh().branches == state.branches
    ours = fresh.our_commit(state.branches[BRANCH])
    assert ours is not None
    assert ours.parent == state.base.commit
    assert ours.tree == state.branches[BRANCH].tree
    named = (("Imagebot-Branch", BRANCH), ("Imagebot-Written", str(int(AT.timestamp()))))
    assert ours.trailers == (("Image", "example.org/api"), ("To", "1.1.0"), *named)
    assert ours.message.startswith(MESSAGE)
    blob = fresh.tree(ours.commit).files()["app/api.yaml"]
    assert ours.changed == {"app/api.yaml": blob}


def test_our_commit_is_known_when_the_base_has_moved_on(
    clones: Clones, bare: Path, person: Person
) -> None:
    proposed(clones(bare))
    person.commit({"README.md": b"moved\n"})
    person.push()
    fresh = clones(bare)
    state = fresh.refresh()
    ours = fresh.our_commit(state.branches[BRANCH])
    assert ours is not None
    assert list(ours.changed) == ["app/api.yaml"]


@pytest.mark.parametrize("name", WORK)
@pytest.mark.parametrize("author", ["a person", "somebody with the bot's name"])
def test_a_person_s_work_is_not_ours_and_is_not_overwritten(
    clones: Clones, bare: Path, person: Person, name: str, author: str
) -> None:
    clone = clones(bare)
    state = proposed(clone)
    who = person
    if author != "a person":
        who = Person(person.folder, bare, BOT.name, BOT.email)
    who.check_out(BRANCH)
    WORK[name](who)
    who.push(f"HEAD:refs/heads/{BRANCH}", "--force")
    newer = clone.commit(state.base, BRANCH, {"app/api.yaml": b"newer\n"}, MESSAGE, AT)
    with pytest.raises(PushRejected):
        clone.push([Push(BRANCH, newer, state.branches[BRANCH].commit)])
    for each in (clone, clones(bare)):
        head = each.refresh().branches[BRANCH]
        assert head.commit == who.git("rev-parse", "HEAD")
        assert each.our_commit(head) is None


def test_a_commit_that_was_made_for_another_branch_is_not_ours(
    clones: Clones, bare: Path, person: Person
) -> None:
    clone = clones(bare)
    state = proposed(clone)
    other = f"{BRANCH}-other"
    clone.push([Push(other, state.branches[BRANCH].commit, None)])
    branches = clone.refresh().branches
    found = clone.our_commits(branches.values())
    assert {name: ours is not None for name, ours in found.items()} == {BRANCH: True, other: False}


def test_a_commit_of_an_older_imagebot_that_names_no_branch_is_ours(
    clones: Clones, bare: Path, person: Person
) -> None:
    clone = clones(bare)
    state = proposed(clone)
    made = clone.our_commit(state.branches[BRANCH])
    assert made is not None
    unnamed = made.message.partition("Imagebot-Branch")[0]
    text = seal([made.parent], made.tree, unnamed)
    who = Person(person.folder, bare, BOT.name, BOT.email)
    who.check_out(BRANCH)
    who.git("commit", "--quiet", "--amend", "-m", text)
    who.push(f"HEAD:refs/heads/{BRANCH}", "--force")
    assert clone.our_commit(clone.refresh().branches[BRANCH]) is not None


def test_the_base_itself_is_not_ours(clones: Clones, bare: Path, person: Person) -> None:
    clone = clones(bare)
    assert clone.our_commit(clone.refresh().base) is None


def test_another_identity_s_commit_is_not_ours(
    clones: Clones, bare: Path, person: Person, tmp_path: Path
) -> None:
    state = proposed(clones(bare))
    other = BareClone(
        Remote(f"file://{bare}", allow_file=True),
        tmp_path / "other",
        identity=Identity("another", "another@example.org"),
    )
    other.refresh()
    assert other.our_commit(state.branches[BRANCH]) is None


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Subject", ()),
        ("Subject\n\nBody text: not a trailer really\nsecond line", ()),
        ("Subject\n\nImage: a:1", (("Image", "a:1"),)),
        ("Subject\n\nBody\n\nImage: a\nImage: b\n", (("Image", "a"), ("Image", "b"))),
    ],
)
def test_the_seal_stands_last_and_leaves_the_trailers(
    message: str, found: tuple[tuple[str, str], ...]
) -> None:
    sealed = seal(["p" * 40], "t" * 40, message)
    assert sealed.splitlines()[-1].startswith("Imagebot-Seal: ")
    assert trailers(sealed) == found


def test_an_author_of_endless_brackets_takes_no_time_by_its_square() -> None:
    """A commit is anybody's text. By the square of this length it would take hours."""
    author = " <" * 500_000 + "> " * 500_000
    commit = parse_commit(f"tree {'b' * 40}\nauthor {author}\n\ntext\n".encode())
    assert commit.author == author
