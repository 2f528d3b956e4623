"""`imagebot check` and `imagebot schema`."""

import argparse
import json
import os
from pathlib import Path

import pytest

from imagebot.cli import check, schema
from imagebot.errors import UsageError

GOOD = """\
apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: api, annotations: {config.kubernetes.io/local-config: "true"}}
spec: {images: [nginx]}
"""


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    check.add(commands)
    schema.add(commands)
    arguments = parser.parse_args(words)
    code = arguments.run(arguments)
    assert isinstance(code, int)
    return code


def test_a_folder_without_problems_ends_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "imagebot.yaml").write_text(GOOD)
    assert run("check", str(tmp_path)) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "imagebot: 1 file, 1 policy document, 0 errors, 0 warnings\n"


def test_ignored_files_are_not_checked_and_are_counted_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = GOOD.replace("images:", "imagse:")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".imagebotignore").write_text("vendor/\n")
    (tmp_path / "apps" / "vendor").mkdir(parents=True)
    (tmp_path / "apps" / "vendor" / "a.yaml").write_text(broken)
    (tmp_path / "apps" / "made.yaml").write_text(f"# imagebot: ignore-file\n{broken}")
    (tmp_path / "apps" / "imagebot.yaml").write_text(GOOD)
    assert run("check", str(tmp_path / "apps")) == 0
    summary = "1 file, 1 policy document, 0 errors, 0 warnings, 2 files ignored"
    assert capsys.readouterr().err == f"imagebot: {summary}\n"
    run("check", str(tmp_path / "apps"), "--output", "json")
    ignored = json.loads(capsys.readouterr().out)["ignored"]
    assert sorted(each["reason"] for each in ignored) == [
        ".imagebotignore:1",
        "its first lines say so",
    ]


def test_an_ignored_file_that_is_named_is_checked(tmp_path: Path) -> None:
    (tmp_path / ".imagebotignore").write_text("*.yaml\n")
    (tmp_path / "a.yaml").write_text(GOOD.replace("images:", "imagse:"))
    assert run("check", str(tmp_path)) == 0
    assert run("check", str(tmp_path / "a.yaml")) == 3


def test_markers_are_checked_and_their_names_at_the_top_of_a_checkout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "imagebot.yaml").write_text(GOOD)
    (tmp_path / "a.yaml").write_text(
        "x: acme/a:1 # imagebot: apj\ny: 5 # imagebot: api:digest\nz: acme/a:1 # imagebot: api\n"
    )
    file = f"{tmp_path.as_posix()}/a.yaml"
    wrong_part = f"{file}:2:4: error: y: not a digest: '5'"
    assert run("check", str(tmp_path)) == 3
    assert capsys.readouterr().out.splitlines()[0] == wrong_part
    (tmp_path / ".git").mkdir()
    assert run("check", str(tmp_path)) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        f"{file}:1:4: error: x: the marker names no policy of this git repository: 'apj'",
        "  hint: did you mean 'api'?",
        wrong_part,
    ]


def test_words_behind_a_name_that_no_policy_has_are_prose_and_fail_no_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "imagebot.yaml").write_text(GOOD)
    (tmp_path / ".git").mkdir()
    text = "apiVersion: v1\nkind: Pod\nimage: acme/a:1  # updated by imagebot: do not edit\n"
    (tmp_path / "a.yaml").write_text(text)
    assert run("check", str(tmp_path)) == 0
    assert "a.yaml:3:8: warning: image: no policy is named 'do'" in capsys.readouterr().out
    (tmp_path / "a.yaml").write_text(text.replace("do not edit", "apo"))
    assert run("check", str(tmp_path)) == 3


def test_problems_of_all_files_are_sorted_by_place_with_hints_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "any.yml").write_text(GOOD.replace("images", "imags"))
    (tmp_path / "a.yaml").write_text(GOOD.replace("spec:", "spec: {pin: x}\nspec:"))
    (tmp_path / "settings.yaml").write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\nintervall: 5m\n"
    )
    (tmp_path / "notes.txt").write_text(GOOD.replace("images", "imags"))
    assert run("check", str(tmp_path)) == 3
    said = capsys.readouterr()
    folder = tmp_path.as_posix()
    assert said.out.splitlines() == [
        f"{folder}/a.yaml:4:13: error: spec.pin: found the text 'x', "
        "allowed: 'tag', 'digest' or 'keep'",
        f"{folder}/a.yaml:5:1: error: the key 'spec' is written twice, first on line 4",
        "  hint: remove one of the two",
        f"{folder}/b/any.yml:4:8: error: spec.imags: unknown key 'imags'",
        "  hint: did you mean 'images'?",
        f"{folder}/settings.yaml:3:1: error: intervall: unknown key 'intervall'",
        "  hint: did you mean 'interval'?",
    ]
    assert said.err == "imagebot: 3 files, 2 policy documents, 4 errors, 0 warnings\n"


def test_warnings_alone_end_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.yaml").write_text(
        "apiVersion: imagebot.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: a}\nspec: {}\n"
    )
    assert run("check", str(tmp_path)) == 0
    assert ":3:1: warning: metadata.annotations: " in capsys.readouterr().out


def test_two_policies_of_one_folder_that_match_the_same_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "two.yaml").write_text(GOOD.replace("name: api", "name: web"))
    assert run("check", str(tmp_path)) == 3
    found = capsys.readouterr().out
    assert "two.yaml:1:1: error: spec.images: policy 'web' and 'api' (" in found
    assert "both match docker.io/library/nginx" in found


def test_json_has_a_stable_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "imagebot.yaml"
    file.write_text(GOOD + "---\n" + GOOD.replace("images", "imags"))
    assert run("check", "--output", "json", str(file)) == 3
    assert json.loads(capsys.readouterr().out) == {
        "version": 1,
        "files": 1,
        "policies": [{"name": "api", "file": file.as_posix(), "line": 1}],
        "problems": [
            {
                "file": file.as_posix(),
                "line": 6,
                "column": 1,
                "severity": "error",
                "address": "",
                "message": f"a second policy named 'api' in this folder; 'api' ({file}:1) is "
                "the first",
                "hint": "rename one of the two",
            },
            {
                "file": file.as_posix(),
                "line": 9,
                "column": 8,
                "severity": "error",
                "address": "spec.imags",
                "message": "unknown key 'imags'",
                "hint": "did you mean 'images'?",
            },
        ],
        "ignored": [],
    }


def test_a_file_named_is_checked_whatever_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "policy.txt"
    file.write_text(GOOD.replace("images", "imags"))
    assert run("check", str(file)) == 3
    assert run("check", str(tmp_path)) == 0


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        run("check", str(tmp_path / "none"))


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(GOOD.replace("images", "imags"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (tmp_path / "in" / "folder").symlink_to(tmp_path, target_is_directory=True)
    assert run("check", str(tmp_path / "in")) == 0


def test_nothing_from_a_file_can_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.yaml").write_text(GOOD.replace("spec: {", 'spec: {"\\e]0;x\\a\\u202e": 1, '))
    assert run("check", str(tmp_path)) == 3
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "\u202e" not in said


@pytest.mark.parametrize(
    ("words", "kinds"),
    [(("schema",), {"ImagePolicy", "RepositoryPolicy"}), (("schema", "--settings"), {"Settings"})],
)
def test_the_schemas_are_printed_as_json(
    words: tuple[str, ...], kinds: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 0
    printed = json.loads(capsys.readouterr().out)
    described = [part for part in (printed, *printed["$defs"].values()) if "properties" in part]
    told = {
        part["properties"]["kind"].get("const")
        for part in described
        if "kind" in part["properties"]
    }
    assert kinds <= told
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "a.yaml").chmod(0)
    if os.access(tmp_path / "a.yaml", os.R_OK):
        pytest.skip("root reads every file")
    (tmp_path / "b.yaml").write_text(GOOD.replace("images", "imags"))
    assert run("check", str(tmp_path)) == 3
    said = capsys.readouterr().out
    assert "a.yaml: error: cannot be read" in said
    assert "unknown key 'imags'" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Dockerfile", "FROM acme/api:1.0  # imagebot: nobody\n"),
        ("a.env", "API_IMAGE=acme/api:1.0  # imagebot: nobody\n"),
        ("a.jsonc", '{\n  "image": "acme/api:1.0" // imagebot: nobody\n}\n'),
    ],
)
def test_markers_in_other_files_than_yaml_are_checked_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "imagebot.yaml").write_text(GOOD)
    (tmp_path / name).write_text(text)
    (tmp_path / "notes.txt").write_text("nothing of interest\n")
    assert run("check", str(tmp_path)) == 3
    said = capsys.readouterr()
    assert "nobody" in said.out
    assert f"{name}:" in said.out
    assert said.err.startswith("imagebot: 2 files, ")


@pytest.mark.parametrize("name", [b"a\xff.yaml", b"a\nb.yaml", b"a\x1b[31m.yaml", b"f\xfe/a.yaml"])
def test_a_name_that_cannot_be_shown_is_told_and_stops_nothing(
    name: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "imagebot.yaml").write_text(GOOD)
    (tmp_path / ".imagebotignore").write_text("vendor/\n")
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    file.parent.mkdir(exist_ok=True)
    file.write_text("image: acme/a:1\n")
    assert run("check", str(tmp_path)) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.isprintable()
    assert "warning: not looked at: its name is not UTF-8 or holds control characters" in line


def test_that_a_file_is_not_left_out_by_a_mark_that_stands_too_late_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "late.yaml").write_text("#\n" * 10 + "# imagebot: ignore-file\nimage: acme/a:1\n")
    assert run("check", str(tmp_path)) == 3
    told = capsys.readouterr().out
    assert told.startswith("late.yaml:11:1: error: ") or "/late.yaml:11:1: error: " in told
    assert "ignore-file is not heeded" in told
