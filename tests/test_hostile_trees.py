"""Files made to break a reader: each costs little, is told of with its cause, and stops nothing.

Time is counted in calls, not by the clock, so that a slow machine gives the same answer.
"""

import os
import sys
import tracemalloc
from pathlib import Path
from types import FrameType

import pytest

from imagebot import formats
from imagebot.checkout import Checkout, open_checkout
from imagebot.git.tree import UNSAFE_NAME
from imagebot.interfaces import Listed
from imagebot.model import MAX_CONTENT_BYTES
from imagebot.store import Store
from imagebot.survey import Survey, survey
from tests.git.conftest import bare, clones, person
from tests.git.test_git_tree import Clones
from tests.servers.git_people import Person

__all__ = ["bare", "clones", "person"]

MAX_CALLS = 500_000
MAX_PEAK_BYTES = 20 * 1024 * 1024
IMAGE = "image: acme/a:1\n"
JSON = '{"image": "acme/a:1", "x": '
DEEP = "nested more than 100 deep"
LFS = (
    "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{'4d' * 32}\nsize 12345\n"
)  # fmt: skip


def _bomb(first: str, repeated: str) -> str:
    levels = [f"a0: &a0 {first}"]
    for number in range(1, 40):
        inside = ", ".join([f"*a{number - 1}"] * 10)
        levels.append(f"a{number}: &a{number} {repeated.format(inside)}")
    return "\n".join(levels) + "\n"


# Name, text, the places of the images found, and line and words of the one problem.
ATTACKS: dict[str, tuple[str, list[int], tuple[int, str] | None]] = {
    "aliases.yaml": (_bomb("lol", "[{}]") + IMAGE, [41], None),
    "merges.yaml": (_bomb("{image: acme/a:1}", "{{<<: [{}]}}"), [1], None),
    "self.yaml": ("a: &a [*a, {image: acme/a:1}]\n", [1], None),
    "no-anchor.yaml": ("a: *nope\n" + IMAGE, [], (1, "names no anchor")),
    "anchors.yaml": (
        IMAGE + "a: " + "".join(f"&a{n} [" for n in range(5_000)) + "]" * 5_000,
        [],
        (2, DEEP),
    ),
    "lists.yaml": (IMAGE + "a: " + "[" * 10_000 + "]" * 10_000, [], (2, DEEP)),
    "maps.yaml": (IMAGE + "a: " + "{a: " * 10_000 + "}" * 10_000, [], (2, DEEP)),
    "keys.yaml": (IMAGE + "? " * 10_000, [], (2, DEEP)),
    "levels.yaml": (IMAGE + "".join(" " * n + "a:\n" for n in range(300)), [], (102, DEEP)),
    "inside.yaml": (
        f"data:\n  a: |\n    {IMAGE}    b: {'[' * 10_000}{']' * 10_000}\n",
        [],
        (4, DEEP),
    ),
    "lists.json": (JSON + "[" * 10_000 + "]" * 10_000 + "}", [], (1, DEEP)),
    "maps.json": (JSON + '{"a":' * 10_000 + "1" + "}" * 10_001, [], (1, DEEP)),
    "open.json": (JSON + "[" * 10_000, [], (1, DEEP)),
    "number.json": (JSON + "9" * 100_000 + "}", [1], None),
    "escape.json": (JSON + '"\\q"}', [], (1, "escape")),
    "twice.yaml": (IMAGE + "image: acme/b:2\n", [1, 2], None),
    "twice.json": ('{"image": "acme/a:1",\n"image": "acme/b:2"}', [1, 2], None),
    "tag-twice.yaml": ("a:\n  repository: acme/a\n  tag: '1'\n  tag: '2'\n", [4], None),
    "tab.yaml": ("a:\n\timage: acme/a:1\n", [], (2, "cannot start any token")),
    "tab-between.yaml": ("image:\tacme/a:1\t# x\n", [1], None),
    "yaml-1.1.yaml": ("%YAML 1.1\n%TAG ! tag:acme.dev,2000:\n---\n" + IMAGE, [4], None),
    "yaml-9.yaml": ("%YAML 9.9\n---\n" + IMAGE, [], (1, "incompatible YAML document")),
    "yaml-one.yaml": (
        f"%YAML one\n---\n{IMAGE}---\n{IMAGE}",
        [5],
        (1, "did not find expected version number"),
    ),
    "empty.yaml": ("", [], None),
    "empty.json": ("", [], None),
    "Dockerfile": ("", [], None),
    "blank.yaml": ("\n\n  \n", [], None),
    "mark.yaml": ("\ufeff", [], None),
    "ends.yaml": ("---\n---\n...\n", [], None),
    "lfs.yaml": (LFS, [], (1, "Git LFS pointer")),
    "lfs.json": (LFS, [], (1, "Git LFS pointer")),
    "lfs/Dockerfile": (LFS, [], (1, "Git LFS pointer")),
    "lfs.txt": (LFS, [], None),
    "lines.yaml": (IMAGE + "\n" * 3_000_000, [1], None),
    "long.yaml": (IMAGE + "#\n" * 3_000_000, [], (1, "files above 5,242,880 are not read")),
}
ODD_NAMES = (
    *(" .yaml", "-rf.yaml", "ü\u202e🚀.yaml", "$(id).yaml", "a'b\"c.yaml"),
    "x" * 250 + ".yaml",
)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_costs_few_calls_and_little_memory_and_is_told_of_with_line_and_cause(
    name: str,
) -> None:
    text, lines, told = ATTACKS[name]
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    tracemalloc.start()
    sys.setprofile(count)
    try:
        found = formats.find(name, text.encode())
    finally:
        sys.setprofile(None)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert calls < MAX_CALLS
    assert peak_bytes < MAX_PEAK_BYTES
    assert [item.line for item in found.occurrences] == lines
    assert [each.line for each in found.problems] == ([told[0]] if told else [])
    assert all(told and told[1] in each.message for each in found.problems)


@pytest.fixture
def attacked(person: Person) -> Person:
    """All attacks in one git repository, links and a submodule, and one good file at each end."""
    files = {name: text.encode() for name, (text, _, _) in ATTACKS.items()}
    files |= {f"odd/{name}": IMAGE.encode() for name in ODD_NAMES}
    files |= {name: IMAGE.encode() for name in ("00-first.yaml", "zz/last.yaml", "target/a.yaml")}
    files["huge.yaml"] = IMAGE.encode() + b"#" * MAX_CONTENT_BYTES
    files["large.yaml"] = IMAGE.encode() + b"#" * (6 * 1024 * 1024)
    (person.folder / "link.yaml").symlink_to("00-first.yaml")
    (person.folder / "outside.yaml").symlink_to("/etc/hostname")
    (person.folder / "loop").symlink_to(".")
    (person.folder / "linked").symlink_to("target")
    person.commit(files)
    bad = os.fsencode(person.folder) + b"/"
    for name in (b"bad\xff.yaml", b"bad\n.yaml", b"bad\xfe.txt", b"bad\xff.png"):
        Path(os.fsdecode(bad + name)).write_text(IMAGE)
    person.git("add", "--all")
    commit = person.git("rev-parse", "HEAD")
    person.git("update-index", "--add", "--cacheinfo", f"160000,{commit},submodule.yaml")
    person.git("commit", "--quiet", "-m", "more attacks")
    person.push()
    return person


def assert_nothing_stopped(found: Survey) -> None:
    images = {(item.file, item.line) for item in found.occurrences}
    expected = {(name, line) for name, (_, lines, _) in ATTACKS.items() for line in lines}
    expected |= {(f"odd/{name}", 1) for name in ODD_NAMES}
    expected |= {("00-first.yaml", 1), ("zz/last.yaml", 1), ("target/a.yaml", 1)}
    assert images - {("app/api.yaml", 1)} == expected
    told = {(each.file, each.line): each.message for each in found.problems}
    for name, (_, _, problem) in ATTACKS.items():
        if problem:
            assert problem[1] in told.pop((name, problem[0]))
    assert told.pop(("huge.yaml", 1)).startswith("more than 16,777,216 bytes; ")
    assert told.pop(("large.yaml", 1)).startswith("6,291,472 bytes; ")
    # A marker may stand in any text; an image file is none.
    for name in ("bad\\xff.yaml", "bad\n.yaml", "bad\\xfe.txt"):
        assert told.pop((name, 0)) == f"not looked at: {UNSAFE_NAME}"
    assert told == {}
    assert all(each.is_warning for each in found.problems)


def test_attacks_in_a_clone_stop_nothing_and_each_is_told_also_from_memory(
    clones: Clones, bare: Path, attacked: Person
) -> None:
    clone = clones(bare)
    tree = clone.tree(clone.refresh().base.commit)
    store = Store(None)
    try:
        assert_nothing_stopped(survey(tree))
        assert_nothing_stopped(survey(tree, store))
        again = survey(tree, store)
    finally:
        store.close()
    assert again.parsed_count == 0
    assert_nothing_stopped(again)


def test_attacks_in_a_checkout_stop_nothing_and_each_is_told(attacked: Person) -> None:
    assert_nothing_stopped(survey(open_checkout(attacked.folder)))


def test_any_text_that_may_not_be_read_is_told_of_and_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("secret.png", "secret.txt", "secret.yaml")
    listed = [Listed(name, "", "it may not be read") for name in names]
    monkeypatch.setattr(Checkout, "walk", lambda _: iter(listed))  # the tests may run as root
    problems = survey(open_checkout(tmp_path)).problems
    assert [each.file for each in problems] == ["secret.txt", "secret.yaml"]
