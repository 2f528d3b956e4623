"""`.imagebotignore` decides as git does with `.gitignore`, at any level, and in linear time."""

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebot import formats, ignoring
from imagebot.checkout import open_checkout
from imagebot.survey import Survey, survey

POLICY = b"""apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: NAME, annotations: {config.kubernetes.io/local-config: "true"}}
spec: {}
"""
TEXTS = {
    ".imagebotignore": "# vendored\nvendor/\n*.gen.yaml\n!keep.gen.yaml\n/charts/*/values.yaml\n"
    "docs/**/x.yaml\n\\#odd.yaml\na[0-9]b.yaml\n",
    "apps/.imagebotignore": "!x.gen.yaml\nsub\n/only.yaml\n",
    "vendor/.imagebotignore": "!back.yaml\n",
}
PATHS = [
    "vendor/a.yaml", "x/vendor/a/b.yaml", "vendor", "vendor/back.yaml", "a.gen.yaml",
    "keep.gen.yaml", "apps/x.gen.yaml", "apps/y.gen.yaml", "apps/sub/x.yaml", "apps/sub",
    "charts/a/values.yaml", "x/charts/a/values.yaml", "docs/x.yaml", "docs/a/b/x.yaml",
    "#odd.yaml", "a1b.yaml", "axb.yaml", "apps/only.yaml", "apps/deep/only.yaml", "plain.yaml",
]  # fmt: skip


def checkout(tmp_path: Path, files: dict[str, bytes]) -> Survey:
    for path, content in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return survey(open_checkout(tmp_path))


def test_git_itself_ignores_the_same(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for path, text in TEXTS.items():
        file = tmp_path / path.replace(".imagebotignore", ".gitignore")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    rules = ignoring.read(TEXTS)
    told = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", "--no-index", "--stdin"],
        input="\n".join(PATHS), capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    files = [path for path in PATHS if path != "vendor"]  # git knows that this is a folder
    ignored = {line.strip('"') for line in told.splitlines()} - {"vendor"}
    assert {path for path in files if rules.reason(path)} == ignored
    assert rules.problems == []


# Each is a whole file; the paths that it might name stand beside it.
ODD_LINES = {
    "a form feed ends no line": ("x\x0ca.yaml\n", ["a.yaml", "x", "x\x0ca.yaml"]),
    "nor a vertical tab": ("x\x0ba.yaml\n", ["a.yaml", "x"]),
    "nor a file separator": ("x\x1ca.yaml\n", ["a.yaml", "x"]),
    "nor U+0085": ("# notes\x85a.yaml\n", ["a.yaml"]),
    "nor U+2028": ("# vendored\u2028*.yaml\n", ["a.yaml"]),
    "nor U+2029": ("b\u2029a.yaml\n", ["a.yaml", "b", "b\u2029a.yaml"]),
    "nor a lone CR": ("# x\ra.yaml\n", ["a.yaml"]),
    "a CR before LF is no part": ("a.yaml\r\n!b.yaml\r\n*.yaml\r\n", ["a.yaml", "b.yaml"]),
    "nor one at the end": ("a.yaml\r", ["a.yaml"]),
    "of two CR one is": ("a.yaml\r\r\n", ["a.yaml", "a.yaml\r"]),
    "a byte-order mark": ("\ufeffa.yaml\n", ["a.yaml"]),
    "only one of them": ("\ufeff\ufeffa.yaml\n", ["a.yaml", "\ufeffa.yaml"]),
    "a NUL ends what is seen": ("a.yaml\0b\n", ["a.yaml", "b"]),
    "spaces at the end": ("a.yaml   \n", ["a.yaml", "a.yaml "]),
    "a tab at the end": ("a.yaml\t\n", ["a.yaml", "a.yaml\t"]),
    "a wide blank at the end": ("a.yaml\u3000\n", ["a.yaml", "a.yaml\u3000"]),
    "a blank behind a backslash": ("a\\ \nb\\  \n", ["a", "a ", "b", "b "]),
    "a wide blank behind a backslash": ("a\\\u3000\n", ["a", "a\u3000"]),
    "a blank behind two backslashes": ("a\\\\ \n", ["a", "a\\", "a\\ "]),
    "blanks at the beginning": (" a.yaml\n\tb.yaml\n", ["a.yaml", " a.yaml", "b.yaml"]),
    "a blank before a remark": (" #a.yaml\n", [" #a.yaml", "#a.yaml"]),
    "nothing but blanks": ("  \n\t\n \r\n", ["a.yaml", " ", "\t"]),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD_LINES)
def test_git_itself_reads_the_same_lines(tmp_path: Path, case: str) -> None:
    text, paths = ODD_LINES[case]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_bytes(text.encode())
    told = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(paths).encode(), capture_output=True, check=False,
    ).stdout  # fmt: skip
    rules = ignoring.read({".imagebotignore": text})
    ignored = {path for path in paths if rules.reason(path)}
    assert ignored == {path.decode() for path in told.split(b"\0") if path}


# What git keeps and ignores here, gitignore's manual says or a mistake has taught.
IDIOMS = {
    "a white list": ("*\n!*/\n!*.yaml\n", ["a.yaml", "a/b/c.yaml", "a/b.txt"]),
    "one file of a folder": ("vendor/**\n!vendor/keep.yaml\n", ["vendor/keep.yaml", "vendor/a"]),
    "a folder comes back, not what it holds": ("charts/\n!/apps/\n", ["apps/charts/x", "apps/x"]),
    "one folder of many": (
        "/clusters/**\n!/clusters/prod/\n!/clusters/prod/**\n",
        ["clusters/prod/x.yaml", "clusters/dev/x.yaml"],
    ),
    "a name below a folder": ("generated\n!/c/*/\n", ["c/a/generated/x", "c/a/x", "c/generated"]),
    "a folder and all its folders": ("vendor/**/\n", ["vendor/a/x", "vendor/x", "x/vendor/a/x"]),
    "an escaped blank": ("/t\\ \n", ["t ", "t", "x/t "]),
    "an escaped blank before others": ("/t\\   \n", ["t ", "t"]),
    "a class": ("[[:alpha:]]x\n*.[![:digit:]]\n", ["ax", "1x", "a.b", "a.1"]),
    "stars behind a beginning": ("/ab**/c\n", ["ab/c", "abx/c", "abx/y/c", "abc"]),
    "a range backwards": ("[z-a]\n[!z-a]b\n", ["z", "a", "m", "zb", "ab"]),
    "a wide character": ("a?b\na??c\n", ["aéb", "aéc"]),
}


@pytest.mark.parametrize("case", IDIOMS)
def test_git_itself_keeps_the_same(tmp_path: Path, case: str) -> None:
    text, paths = IDIOMS[case]
    rules = ignoring.read({".imagebotignore": text})
    ignored = {path for path in paths if rules.reason(path)}
    assert ignored == ignored_by_git(tmp_path, {"": text}, paths)
    assert rules.problems == []


ATOMS = st.sampled_from([
    "a", "b", "*", "**", "***", "?", "a*", "*b", "a**", "**a", "[ab]", "[!a]", "[^b]", "[a-c]",
    "[]a]", "[!]-]", "[a-]", "[b-a]", "[a\\-b]", "[[:alpha:]]", "[[:alpha:]", "[[:x:]]", "[[::]]",
    "[[:]", "[a", "\\a", "\\*", "\\", "a\\\\", "a.b", "#", "!", "é",
])  # fmt: skip
NAMES = st.sampled_from(
    ["a", "b", "c", "aa", "ab", "ba", "a.b", "*", "a\\", "[a", "!", "#", "é", "-", "a ", " "]
)
LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "", "!", "!", "/", "!/", "#", " "]),
    st.lists(st.lists(ATOMS, min_size=1, max_size=2).map("".join), min_size=1, max_size=3).map(
        "/".join
    ),
    st.sampled_from(["", "", "/", "/*", "/**", "/**/", "//"]),
    st.sampled_from(["", "", "", " ", "\\ ", "\\  ", "\t", "\r"]),
)
WHOLE_FILES = st.lists(LINES, min_size=1, max_size=4).map("\n".join)
PATHS_BELOW = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(WHOLE_FILES, st.one_of(st.none(), WHOLE_FILES), st.sets(PATHS_BELOW, min_size=6)),
        min_size=10,
        max_size=20,
    )
)
def test_git_itself_decides_the_same_of_any_patterns_and_paths(
    tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[str, str | None, set[str]]]
) -> None:
    texts, paths = {}, []
    for number, (text, deeper, below) in enumerate(cases):
        texts[f"{number}/"] = text
        if deeper is not None:
            texts[f"{number}/a/"] = deeper
        paths += [f"{number}/{path}" for path in sorted(below)]
    paths = [path for path in paths if not (path.count("/") == 1 and path.endswith("/a"))]
    rules = ignoring.read({f"{folder}.imagebotignore": text for folder, text in texts.items()})
    ignored = {path for path in paths if rules.reason(path)}
    assert ignored == ignored_by_git(tmp_path_factory.mktemp("git"), texts, paths)


def ignored_by_git(repository: Path, texts: dict[str, str], paths: list[str]) -> set[str]:
    """Which paths, as files, the patterns in some folders (`a/`, "" the root) ignore."""
    subprocess.run(["git", "init", "-q", repository], check=True)
    for folder, text in texts.items():
        (repository / folder).mkdir(parents=True, exist_ok=True)
        (repository / folder / ".gitignore").write_bytes(text.encode())
    told = subprocess.run(
        ["git", "-C", repository, "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(paths).encode(), capture_output=True, check=False,
    ).stdout  # fmt: skip
    return {path.decode() for path in told.split(b"\0") if path}


UNREADABLE = ["!", "/", "a[", "[[:alfa:]]", "a\\", "x/[!", "[/]"]


@pytest.mark.parametrize("line", UNREADABLE)
def test_a_pattern_that_nothing_can_match_is_told_and_the_others_count(line: str) -> None:
    rules = ignoring.read({".imagebotignore": f"\n{line}\nx.yaml\n"})
    (problem,) = rules.problems
    assert (problem.file, problem.line) == (".imagebotignore", 2)
    assert repr(line) in problem.message
    assert rules.reason("x.yaml") == ".imagebotignore:3"


def test_many_long_patterns_still_count() -> None:
    wild = "".join(f"*{'?' * 30}{number}*[a-y]z*\n" for number in range(900))
    rules = ignoring.read({".imagebotignore": f"{wild}x.yaml\n"})
    assert rules.problems == []
    assert rules.reason("x.yaml") == ".imagebotignore:901"
    assert rules.reason("y" * 30 + "7az") == ".imagebotignore:8"


def test_a_line_that_git_does_not_end_does_not_count() -> None:
    text = "# vendored\x0c\u2028\x85\n\na.yaml\n"
    assert ignoring.read({".imagebotignore": text}).reason("a.yaml") == ".imagebotignore:3"


def test_the_reason_is_the_line_that_decides() -> None:
    assert ignoring.read(TEXTS).reason("apps/sub/x.yaml") == "apps/.imagebotignore:2"


def test_a_pattern_that_would_take_for_ever_does_not() -> None:
    rules = ignoring.read({".imagebotignore": "*a" * 500 + "b\n"})
    begun = time.process_time()
    assert not rules.reason("a" * 4_000)
    assert time.process_time() - begun < 3


def test_ignored_files_give_neither_images_nor_policies_nor_problems(tmp_path: Path) -> None:
    found = checkout(
        tmp_path,
        {
            ".imagebotignore": b"vendor/\n",
            "vendor/a.yaml": b"image: acme/a:1\n",
            "vendor/policy.yaml": POLICY,
            "vendor/broken.yaml": b"image: [\n",
            "vendor/nothing.yaml": b"a: 1\n",
            "gen.yaml": b"---\n# imagebot: ignore-file\nimage: acme/b:1\n",
            "a.yaml": b"image: acme/c:1\n",
        },
    )
    assert [str(item.reference) for item in found.occurrences] == ["acme/c:1"]
    assert (found.policies, found.problems) == ((), ())
    assert dict(found.ignored) == {
        "gen.yaml": "its first lines say so",
        "vendor/a.yaml": ".imagebotignore:1",
        "vendor/broken.yaml": ".imagebotignore:1",
        "vendor/policy.yaml": ".imagebotignore:1",
    }


@pytest.mark.parametrize(
    ("text", "is_ignored"),
    [
        ("# imagebot: ignore-file\n", True),
        ("//  imagebot: ignore-file because\n", True),
        ("\n" * 9 + "# imagebot: ignore-file\n", True),
        ("\n" * 10 + "# imagebot: ignore-file\n", False),
        ("# imagebot: ignore-files\n", False),
        ("text: imagebot: ignore-file\n", False),
        ("# Imagebot: ignore-file\n", True),
        ("\ufeff# imagebot: ignore-file\n", True),
        ("a: 1\r\n# imagebot: ignore-file\r\n", True),
        ("  // imagebot: ignore-file\n", True),
        ("{{- /* imagebot: ignore-file */ -}}\n", True),
        ('text: "# imagebot: ignore-file"\n', False),
        ("data:\n  a.yaml: |\n    # imagebot: ignore-file\n", False),
        ("a: 1  # imagebot: ignore-file\n", False),
        ('# about "# imagebot: ignore-file"\n', False),
    ],
)
def test_a_file_is_ignored_by_a_comment_in_its_first_ten_lines(text: str, is_ignored: bool) -> None:
    found = formats.find("Dockerfile", text.encode() + b"FROM a:1\n")
    assert found.is_ignored is is_ignored
    assert bool(found.occurrences) is not is_ignored
    assert formats.load("Dockerfile", formats.dump(found)) == found


def test_a_line_can_be_ignored_and_its_image_is_listed_all_the_same() -> None:
    source = (
        b"a: {image: acme/a:1}  # imagebot: ignore\n"
        b'b: {image: "{{ x }}:1"}  # imagebot: ignore\n'
        b"c: no-image  # imagebot: ignore\n"
        b"# imagebot: ignore\nd:\n  image: acme/d:1\n"
        b'e: {image: "{{ x }}:1"}\n'
    )
    found = formats.find("a.yaml", source)
    assert [(str(item.reference), item.is_ignored) for item in found.occurrences] == [
        ("acme/a:1", True),
        ("acme/d:1", True),
    ]
    assert [problem.line for problem in found.problems] == [7]
