"""A survey says the same whatever is remembered, and looks only at what it has to.

Real git repositories and a real store; the watched tree only counts what is asked of it.
"""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from imagebot.checkout import open_checkout
from imagebot.git import BareClone
from imagebot.git.tree import BareTree
from imagebot.interfaces import FileTree, Listed, TreeChanges
from imagebot.store import Store
from imagebot.survey import RECENT_TREES, Survey, survey
from tests.git.conftest import bare, clones, person
from tests.git.test_git_tree import Clones
from tests.servers.git_http import create_bare
from tests.servers.git_people import Person, person_at

__all__ = ["bare", "clones", "person"]

POLICY = b"""apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: api, annotations: {config.kubernetes.io/local-config: "true"}}
spec:
  images: [example.org/api]
  tags: {range: ">=1 <3", filter: '^(?P<v>[0-9.]+)$', extract: $v, exclude: [beta]}
  suspend: {reason: release week, until: 2026-12-01}
"""
WRONG_POLICY = POLICY.replace(b"images:", b"imagse:")


def image(tag: str) -> bytes:
    return f"image: example.org/api:{tag}\n".encode()


class Watched:
    """A tree of a clone, and what was asked of it."""

    def __init__(self, tree: BareTree) -> None:
        self.tree_id = tree.tree_id
        self.repository_key = tree.repository_key
        self.walks = 0
        self.read_paths: list[str] = []
        self._tree = tree

    def walk(self) -> Iterator[Listed]:
        self.walks += 1
        return self._tree.walk()

    def changes_since(self, tree_id: str) -> TreeChanges | None:
        return self._tree.changes_since(tree_id)

    def contents(self, files: Iterable[Listed]) -> Iterator[tuple[Listed, bytes]]:
        for file, content in self._tree.contents(files):
            self.read_paths.append(file.path)
            yield file, content

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return self._tree.read(paths)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(None)
    yield store
    store.close()


def watched(clone: BareClone) -> Watched:
    return Watched(clone.tree(clone.refresh().base.commit))


def pushed(person: Person, files: dict[str, bytes]) -> None:
    person.commit(files)
    person.push("HEAD:refs/heads/main", "--force")


def told(found: Survey) -> tuple[object, ...]:
    """What a survey says, without how it came to know."""
    return (found.policies, found.broken, found.occurrences, found.problems,
            found.policy_problems, found.file_count, found.unread)  # fmt: skip


def test_an_unchanged_tree_is_neither_walked_nor_read(
    clones: Clones, bare: Path, person: Person, store: Store
) -> None:
    pushed(person, {"imagebot.yaml": POLICY, "broken.yaml": b"image: [\n"})
    first = survey(watched(clones(bare)), store)
    tree = watched(clones(bare))
    again = survey(tree, store)
    assert (tree.walks, tree.read_paths, again.parsed_count) == (0, [], 0)
    assert told(again) == told(first)
    assert first.parsed_count == first.file_count == 4


def test_of_a_changed_tree_only_the_changed_files_are_read(
    clones: Clones, bare: Path, person: Person, store: Store
) -> None:
    pushed(person, {f"apps/{n}.yaml": image(f"1.{n}") for n in range(9)} | {"p.yaml": POLICY})
    clone = clones(bare)
    survey(watched(clone), store)
    pushed(person, {"apps/4.yaml": image("2.0"), "notes.png": b"image: a:1\n"})
    tree = watched(clone)
    found = survey(tree, store)
    assert (tree.walks, tree.read_paths) == (0, ["apps/4.yaml"])
    assert found.parsed_count == 1
    assert "2.0" in {occurrence.tag for occurrence in found.occurrences}
    assert told(found) == told(survey(watched(clone)))


def test_an_unchanged_file_is_not_read_again_in_another_repository(
    clones: Clones, bare: Path, person: Person, store: Store, tmp_path: Path
) -> None:
    survey(watched(clones(bare)), store)
    other = create_bare(tmp_path / "other.git")
    friend = person_at(tmp_path / "friend", other)
    friend.commit({"moved/api.yaml": b"image: example.org/api:1.0.0\n", "new.yaml": image("3")})
    friend.push()
    tree = watched(clones(other))
    found = survey(tree, store)
    assert tree.read_paths == ["new.yaml"]
    assert [item.file for item in found.occurrences] == ["moved/api.yaml", "new.yaml"]


def test_the_same_tree_in_another_repository_ends_the_work_at_once(
    clones: Clones, bare: Path, person: Person, store: Store, tmp_path: Path
) -> None:
    first = survey(watched(clones(bare)), store)
    other = create_bare(tmp_path / "fork.git")
    person.git("push", "--quiet", str(other), "HEAD:refs/heads/main")
    fork = clones(other)
    tree = watched(fork)
    assert told(survey(tree, store)) == told(first)
    assert (tree.walks, tree.read_paths) == (0, [])
    person.commit({"new.yaml": image("4")})
    person.git("push", "--quiet", str(other), "HEAD:refs/heads/main")
    tree = watched(fork)
    survey(tree, store)
    assert (tree.walks, tree.read_paths) == (0, ["new.yaml"])


def test_an_earlier_tree_that_the_clone_has_no_more_costs_a_walk_only(
    clones: Clones, bare: Path, person: Person, store: Store
) -> None:
    survey(watched(clones(bare)), store)
    pushed(person, {"new.yaml": image("5")})
    tree = watched(clones(bare))  # another folder: the clone has the last commit alone
    found = survey(tree, store)
    assert (tree.walks, tree.read_paths) == (1, ["new.yaml"])
    assert told(found) == told(survey(tree))


def test_a_store_that_forgot_the_trees_costs_time_only(
    clones: Clones, bare: Path, person: Person
) -> None:
    clone = clones(bare)
    first = survey(watched(clone), Store(None))
    tree = watched(clone)
    assert told(survey(tree, Store(None))) == told(first)
    assert tree.walks == 1


def test_a_tree_whose_base_was_dropped_from_the_store_is_walked_again(
    clones: Clones, bare: Path, person: Person, store: Store
) -> None:
    pushed(person, {f"apps/{n}.yaml": image(f"1.{n}") for n in range(9)})
    clone = clones(bare)
    base = watched(clone)
    survey(base, store)
    pushed(person, {"apps/1.yaml": image("2.0")})
    survey(watched(clone), store)

    class Forgetful:
        """The store, without the row of the first tree."""

        def get_many(self, keys: list[str]) -> dict[str, bytes]:
            return {
                key: content
                for key, content in store.get_many(keys).items()
                if not key.endswith(base.tree_id)
            }

        put_many = staticmethod(store.put_many)

    tree = watched(clone)
    assert told(survey(tree, Forgetful())) == told(survey(tree))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_remembered_says_what_a_new_look_says_whatever_was_changed(
    clones: Clones, bare: Path, person: Person, store: Store, seed: int
) -> None:
    """Files come, go, change, move and become links, on two branches that take turns."""
    draw = random.Random(seed)
    contents = [image("1.0"), image("1.1") + b"---\nimage: [\n", POLICY, WRONG_POLICY,
                b"a: 1\n", b"image: ${X}\n", POLICY + b"---\n" + image("1.2")]  # fmt: skip
    names = ["a.yaml", "apps/b.yml", "apps/kustomization.yaml", "apps/c d/ü.yaml",
             "apps/\x01odd.yaml", "notes.txt", "c.yaml"]  # fmt: skip
    clone = clones(bare)
    pushed(person, {f"many/{n}.yaml": image(f"3.{n}") for n in range(40)})
    trees = []
    for step in range(2 * RECENT_TREES + 3):
        for name in draw.sample(names, 2):
            target = person.folder / name
            if target.is_symlink() or target.exists():
                target.unlink()
            if draw.random() < 0.2:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to("/nowhere")
            elif draw.random() < 0.8:
                person.write(name, draw.choice(contents))
        if step % 3 == 2:
            folders = sorted(["many", "less"], key=lambda name: (person.folder / name).exists())
            (person.folder / folders[1]).rename(person.folder / folders[0])
        pushed(person, {"step.txt": b"%d" % step})
        tree = clone.tree(clone.refresh().base.commit)
        trees.append(tree)
        assert told(survey(tree, store)) == told(survey(tree)), step
        earlier = draw.choice(trees)  # the other branch
        assert told(survey(earlier, store)) == told(survey(earlier)), step


def test_a_file_that_moves_to_a_kustomization_s_name_is_read_as_one(
    clones: Clones, bare: Path, person: Person, store: Store
) -> None:
    source = b"images:\n- {name: example.org/api, newTag: v1}\n"
    pushed(person, {"plain.yaml": source})
    clone = clones(bare)
    before = survey(watched(clone), store)
    person.git("mv", "plain.yaml", "kustomization.yaml")
    pushed(person, {})
    after = survey(watched(clone), store)
    assert "kustomize" not in {item.format for item in before.occurrences}
    assert "kustomize" in {item.format for item in after.occurrences}
    assert told(after) == told(survey(watched(clone)))


def test_a_folder_is_read_as_it_is_now_whatever_was_committed(person: Person, store: Store) -> None:
    person.write("app/api.yaml", image("7.0"))
    person.write("app/new.yaml", image("8.0"))
    tree: FileTree = open_checkout(person.folder)
    assert [item.tag for item in survey(tree, store).occurrences] == ["7.0", "8.0"]
    person.write("app/new.yaml", image("9.0"))
    assert [item.tag for item in survey(tree, store).occurrences] == ["7.0", "9.0"]
