"""What `inventory` prints: every image, its place and policy, and what could not be read."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagebot.cli.main import main, parser
from tests.acceptance.world import World

POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - image: {}\n"
POLICY = """apiVersion: imagebot.dev/v1alpha1
kind: ImagePolicy
metadata: {name: api, annotations: {config.kubernetes.io/local-config: "true"}}
spec: {images: [ghcr.io/acme/api]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two managed references, two unmanaged ones and a file that is no YAML."""
    files = {
        "imagebot.yaml": POLICY,
        "api.yaml": POD.format("ghcr.io/acme/api:1.2.0"),
        "sub/api.yaml": POD.format(f"ghcr.io/acme/api:1.3.0@sha256:{'1a' * 32}"),
        "sub/other.yaml": POD.format("nginx:1.29"),
        "sub/värde.yaml": "image: {repository: acme/other, tag: '7'}\n",
        "broken.yaml": "image: [\n",
    }
    for name, text in files.items():
        path = tmp_path / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "config"


def as_json(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["inventory", *words, "-o", "json"]) == code
    printed = capsys.readouterr()
    return json.loads(printed.out)


def test_each_image_is_a_block_of_lines_with_tag_format_policy_and_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inventory", str(folder)]) == 0
    assert capsys.readouterr().out == (
        "acme/other\n"
        "  7  helm-values  -  sub/värde.yaml:1\n"
        "ghcr.io/acme/api\n"
        "  1.2.0               kubernetes  api  api.yaml:5\n"
        "  1.3.0@1a1a1a1a1a1a  kubernetes  api  sub/api.yaml:5\n"
        "nginx\n"
        "  1.29  kubernetes  -  sub/other.yaml:5\n"
    )


def test_problems_and_counts_go_to_stderr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["inventory", str(folder)])
    *lines, last = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("broken.yaml:2:1: warning: cannot be read as YAML")
    assert last == (
        "6 files looked at: 4 image references, 3 distinct repositories, 2 unmanaged, 1 not read"
    )


def test_a_marker_that_cannot_work_is_counted_as_an_error_and_not_as_unread(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "a: b c d  # imagebot: api\nb: acme/x:1  # imagebot: nobody\n"
    (folder / "marked.yaml").write_text(text)
    assert main(["inventory", str(folder)]) == 3
    *_, last = capsys.readouterr().err.splitlines()
    assert last.endswith(", 1 not read, 2 errors")
    told = as_json(capsys, str(folder), code=3)
    assert (told["unreadCount"], told["errorCount"]) == (1, 2)


def test_unmanaged_lists_only_what_no_policy_governs_and_counts_all(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inventory", str(folder), "--unmanaged"]) == 0
    printed = capsys.readouterr()
    assert [line for line in printed.out.splitlines() if line[0] != " "] == ["acme/other", "nginx"]
    assert "4 image references, 3 distinct repositories, 2 unmanaged" in printed.err


def test_unmanaged_leaves_out_what_a_comment_says_to_ignore(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = folder / "sub" / "other.yaml"
    other.write_text(POD.format("nginx:1.29  # imagebot: ignore"))
    images = as_json(capsys, str(folder))["images"]
    assert "docker.io/library/nginx" in [each["image"] for each in images]
    told = as_json(capsys, str(folder), "--unmanaged")
    assert [each["image"] for each in told["images"]] == ["docker.io/acme/other"]
    assert told["unmanagedCount"] == 1


def test_a_folder_in_it_is_governed_by_the_policies_above(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    told = as_json(capsys, str(folder / "sub"))
    assert [image["file"] for image in told["images"]] == [
        "sub/api.yaml", "sub/other.yaml", "sub/värde.yaml",
    ]  # fmt: skip
    assert told["images"][0]["policy"] == "imagebot.yaml#api"
    assert (told["imageCount"], told["problems"]) == (3, [])


def test_json_has_the_documented_shape(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = as_json(capsys, str(folder), "--unmanaged")
    counts = {key: value for key, value in told.items() if isinstance(value, int)}
    assert counts == {
        "version": 1, "files": 6, "imageCount": 4, "repositoryCount": 3, "unmanagedCount": 2,
        "unreadCount": 1, "errorCount": 0,
    }  # fmt: skip
    assert told["images"][1] == {
        "file": "sub/värde.yaml",
        "line": 1,
        "column": 39,
        "address": "image.tag",
        "format": "helm-values",
        "image": "docker.io/acme/other",
        "tag": "7",
        "digest": None,
        "policy": None,
        "marker": None,
        "parts": ["name", "tag"],
        "alsoChanges": [],
    }
    (problem,) = told["problems"]
    assert (problem["file"], problem["severity"]) == ("broken.yaml", "warning")


def test_csv_has_a_header_and_a_line_for_each_reference(
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["inventory", str(folder), "-o", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert [(row["file"], row["line"], row["tag"], row["policy"]) for row in rows] == [
        ("api.yaml", "5", "1.2.0", "imagebot.yaml#api"),
        ("sub/api.yaml", "5", "1.3.0", "imagebot.yaml#api"),
        ("sub/other.yaml", "5", "1.29", ""),
        ("sub/värde.yaml", "1", "7", ""),
    ]


def test_a_key_with_control_characters_reaches_no_terminal(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "a.yaml").write_text('"x\\e[31m\\nimage":\n  image: acme/a:1\n')
    for output in ("table", "csv"):
        assert main(["inventory", str(tmp_path), "-o", output]) == 0
        printed = capsysbinary.readouterr().out
        assert b"acme/a" in printed
        assert b"\x1b" not in printed


def test_a_wrong_policy_ends_with_3_and_governs_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "imagebot.yaml").write_text(POLICY.replace("images", "imagse"))
    told = as_json(capsys, str(folder), code=3)
    assert told["unmanagedCount"] == told["imageCount"] == 4
    assert any("imagse" in problem["message"] for problem in told["problems"])


def test_a_marker_that_names_no_policy_ends_with_3(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "api.yaml").write_text("x: ghcr.io/acme/api:1 # imagebot: ap\n")
    told = as_json(capsys, str(folder), code=3)
    assert told["images"][0]["marker"] == "ap"


def test_a_git_repository_is_read_at_its_base_branch_and_remembered(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write_deployment("api", "9.9.9")  # not pushed
    words = ["--repository", "config", "--settings", str(world.settings)]
    first = as_json(capsys, *words)
    assert [image["tag"] for image in first["images"]] == ["1.0.0"]
    assert as_json(capsys, *words) == first
    assert world.registry.requests == []


def test_lines_are_short_enough_for_80_columns_and_have_no_colour(
    folder: Path,
) -> None:
    words = [sys.executable, "-m", "imagebot", "inventory", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout + done.stderr


def test_a_path_that_is_not_there_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inventory", str(tmp_path / "nowhere")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_completion_of_shells_knows_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--print-completion", "bash"])
    assert "--unmanaged" in capsys.readouterr().out


def test_a_marker_that_cannot_be_read_ends_with_3(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wrong.yaml").write_text("a: {b: x, c: y}  # imagebot: api\n")
    told = as_json(capsys, str(folder), code=3)
    assert "wrong.yaml" in {problem["file"] for problem in told["problems"]}


@pytest.mark.parametrize("command", ["inventory", "plan", "check"])
def test_names_that_differ_by_what_cannot_be_seen_are_shown_apart_and_no_escape_gets_through(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("a.yaml", "a\u200b.yaml", "a\u200c.yaml", "a\u202e.yaml", "a\xad.yaml")
    for number, name in enumerate(names):
        text = f'"k\\e[31m": {{image: "localhost:1/acme/api:{number}.0"}}   # imagebot: nobody\n'
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    main([command, str(tmp_path)])
    printed = capsys.readouterr()
    told = printed.out + printed.err
    assert all(line.isprintable() for line in told.splitlines())
    for shown in (
        "a.yaml:1",
        "a\\u200b.yaml:1",
        "a\\u200c.yaml:1",
        "a\\u202e.yaml:1",
        "a\\xad.yaml:1",
    ):
        assert shown in told
    # Without any policy `plan` shows what there is to update, and asks no marker.
    assert ('["k\\x1b[31m"]' in told) is (command != "plan")


def test_no_path_of_a_table_for_spreadsheets_begins_as_a_formula(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for name in ("=cmd.yaml", "+a.yaml", "-a.yaml", "@a.yaml", "a=b.yaml"):
        (tmp_path / name).write_text("image: acme/api:1.0\n")
    assert main(["inventory", str(tmp_path), "-o", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    files = [row["file"] for row in rows]
    assert files == ["./+a.yaml", "./-a.yaml", "./=cmd.yaml", "./@a.yaml", "a=b.yaml"]
    assert all((tmp_path / file).is_file() for file in files)
