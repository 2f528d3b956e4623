"""`imagebot set`: every occurrence, byte for byte, and no registry asked."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from imagebot.cli.main import main

DIGEST = "sha256:" + "a" * 64
KUBERNETES = b"""\
# kept
kind: Pod
apiVersion: v1
spec:
  containers:
  - {name: one, image: &main ghcr.io/acme/api:1.9}   # by hand
  - {name: two, image: *main}
  - name: three
    image: "ghcr.io/acme/api:1.9@%s"
  - name: other
    image: ghcr.io/acme/web:1.9""" % DIGEST.encode()
VALUES = b"image:\r\n  tag: 1.9 # by hand\r\n  repository: ghcr.io/acme/api\r\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "pod.yaml").write_bytes(KUBERNETES)
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "values.yaml").write_bytes(VALUES)
    return tmp_path


def test_it_edits_every_occurrence_and_no_other_byte(files: Path) -> None:
    assert main(["set", "ghcr.io/acme/api=:1.10", str(files)]) == 0
    wanted = KUBERNETES.replace(b"api:1.9@%s" % DIGEST.encode(), b"api:1.10")
    assert (files / "pod.yaml").read_bytes() == wanted.replace(b"api:1.9", b"api:1.10")
    wanted = VALUES.replace(b"tag: 1.9", b'tag: "1.10"')
    assert (files / "apps" / "values.yaml").read_bytes() == wanted


def test_a_second_time_changes_nothing(files: Path) -> None:
    main(["set", "ghcr.io/acme/api=:1.10", str(files)])
    before = (files / "pod.yaml").stat()
    assert main(["set", "ghcr.io/acme/api=:1.10", str(files)]) == 0
    after = (files / "pod.yaml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_it_edits_below_the_path_only(files: Path) -> None:
    assert main(["set", "ghcr.io/acme/api=:2.0", str(files / "apps")]) == 0
    assert (files / "pod.yaml").read_bytes() == KUBERNETES
    assert b"2.0" in (files / "apps" / "values.yaml").read_bytes()


@pytest.mark.parametrize("order", ["option last", "option between", "option first"])
def test_a_dry_run_shows_the_diff_and_writes_nothing(
    files: Path, order: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    words = ["ghcr.io/acme/api=:2.0", str(files / "apps")]
    words.insert({"option last": 2, "option between": 1, "option first": 0}[order], "--dry-run")
    assert main(["set", *words]) == 0
    printed = capfdbinary.readouterr().out
    assert b"-  tag: 1.9 # by hand\r\n" in printed
    assert b'+  tag: "2.0" # by hand\r\n' in printed
    assert (files / "apps" / "values.yaml").read_bytes() == VALUES


def test_it_writes_a_digest_and_another_name(files: Path) -> None:
    change = f"ghcr.io/acme/api=registry.example:5000/mirror/api:2.1.0@{DIGEST}"
    assert main(["set", change, str(files / "pod.yaml")]) == 0
    text = (files / "pod.yaml").read_text()
    assert text.count(f"registry.example:5000/mirror/api:2.1.0@{DIGEST}") == 2
    assert "ghcr.io/acme/api" not in text
    assert "ghcr.io/acme/web:1.9" in text


def test_a_digest_alone_keeps_the_tag(files: Path) -> None:
    assert main(["set", f"ghcr.io/acme/api=@{DIGEST}", str(files / "apps")]) == 0
    wanted = VALUES.replace(b"tag: 1.9", f"tag: 1.9@{DIGEST}".encode())
    assert (files / "apps" / "values.yaml").read_bytes() == wanted


def test_a_digest_alone_replaces_a_digest_alone(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    old = "sha256:" + "b" * 64
    path.write_text(f"kind: Pod\napiVersion: v1\nspec: {{containers: [{{image: a/b@{old}}}]}}\n")
    assert main(["set", f"a/b=@{DIGEST}", str(tmp_path)]) == 0
    assert f"image: a/b@{DIGEST}}}" in path.read_text()


def test_names_of_docker_hub_are_the_same_in_short_and_in_full(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text("kind: Pod\napiVersion: v1\nspec: {containers: [{image: nginx:1.27.1}]}\n")
    assert main(["set", "docker.io/library/nginx=:1.27.2", str(tmp_path)]) == 0
    assert "image: nginx:1.27.2}" in path.read_text()


def test_an_image_that_stands_nowhere_is_an_error(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["set", "ghcr.io/acme/nothing=:2.0", str(files)]) == 1
    assert "is not written in any file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("ghcr.io/acme/api", 2),
        ("ghcr.io/acme/api=", 2),
        ("=:2.0", 2),
        ("ghcr.io/acme/api=ghcr.io/acme/api", 2),
        ("ghcr.io/acme/api=:-bad", 3),
        ("UPPER/Api=:2.0", 3),
        ("ghcr.io/acme/api:1.9=:2.0", 2),
        ("ghcr.io/acme/api=@sha256:short", 3),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_with_a_hint(
    files: Path, change: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["set", change, str(files)]) == code
    assert capsys.readouterr().err.startswith("imagebot: ")
    assert (files / "pod.yaml").read_bytes() == KUBERNETES


def test_what_cannot_be_set_is_reported_and_the_other_files_are_edited(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One tag that two images share by an alias cannot be set for one of them."""
    shared = files / "shared.yaml"
    shared.write_text(
        "one: {repository: ghcr.io/acme/api, tag: &tag 1.9.0}\n"
        "two: {repository: ghcr.io/acme/web, tag: *tag}\n"
    )
    before = shared.read_bytes()
    assert main(["set", "ghcr.io/acme/api=:2.0", str(files)]) == 1
    assert "shared.yaml:1:" in capsys.readouterr().err
    assert shared.read_bytes() == before
    assert b"ghcr.io/acme/api:2.0}" in (files / "pod.yaml").read_bytes()


def test_an_entry_without_a_tag_stops_no_other_entry_of_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kustomization.yaml"
    file.write_text(
        "kind: Kustomization\nimages:\n"
        "- name: acme/api\n  newName: ghcr.io/acme/api\n"
        "- name: ghcr.io/acme/api\n  newTag: 1.9\n"
    )
    assert main(["set", "ghcr.io/acme/api=:2.0", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "kustomization.yaml:4:" in printed.err
    assert "add newTag" in printed.err
    assert 'newTag: "2.0"' in file.read_text()


def test_one_place_that_cannot_hold_it_leaves_the_others_of_its_file_to_be_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "values.yaml"
    text = (
        "one: {repository: acme/api, tag: &tag 1.9.0}\n"
        "two: {repository: acme/web, tag: *tag}\n"
        "three: {repository: acme/api, tag: 1.8.0}\n"
    )
    file.write_text(text)
    assert main(["set", "acme/api=:2.0.1", str(tmp_path)]) == 1
    assert "values.yaml:1:" in capsys.readouterr().err
    assert file.read_text() == text.replace("1.8.0", "2.0.1")


ESCAPED = {
    "escapes": 'image: "ghcr.io\\/acme/api:1.9"\n',
    "a folded line": 'image: "ghcr.io/acme/a\\\n  pi:1.9"\n',
    "an escape in the tag": 'image: {repository: ghcr.io/acme/api, tag: "1\\x2e9"}\n',
    "an escape in the name": 'image: {repository: "ghcr.io\\/acme/api", tag: 1.9.0}\n',
    "a YAML tag": "image: !!binary ghcr.io/acme/api:1.9\n",
}


@pytest.mark.parametrize("case", ESCAPED)
def test_an_image_in_bytes_that_cannot_be_edited_is_named_with_its_place(
    tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("# values\n" + ESCAPED[case])
    before = file.read_bytes()
    assert main(["set", "ghcr.io/acme/api=:2.0", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "values.yaml:2:" in told
    assert "not in any file" not in told
    assert "1 occurrence of ghcr.io/acme/api found, 0 files set" in told
    assert file.read_bytes() == before


def test_what_cannot_be_edited_stops_no_other_place_and_no_other_image_is_named(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "escaped.yaml").write_text(
        'a: {image: "ghcr.io\\/acme/api:1.9"}\nb: {image: "ghcr.io\\/acme/web:1.9"}\n'
        "c: {image: ghcr.io/acme/api:1.9}\n"
    )
    assert main(["set", "ghcr.io/acme/api=:2.0", str(files)]) == 1
    told = capsys.readouterr().err
    assert "escaped.yaml:1:12: error:" in told
    assert "escaped.yaml:2:" not in told
    assert "c: {image: ghcr.io/acme/api:2.0}" in (files / "escaped.yaml").read_text()


def test_an_image_that_stands_in_escapes_beside_the_path_is_not_told(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "escaped.yaml").write_text('a: {image: "ghcr.io\\/acme/api:1.9"}\n')
    assert main(["set", "ghcr.io/acme/api=:2.0", str(files / "apps")]) == 0
    assert "escaped.yaml" not in capsys.readouterr().err


def test_an_image_that_is_ignored_everywhere_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "values.yaml").write_text("image: acme/api:1.9  # imagebot: ignore\n")
    assert main(["set", "acme/api=:2.0", str(tmp_path)]) == 1
    assert "values.yaml:1" in capsys.readouterr().err


def test_that_something_could_not_be_read_is_told_where_an_image_is_not_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "values.yaml").write_text("image: [\n")
    assert main(["set", "acme/api=:2.0", str(tmp_path)]) == 1
    assert "what it cannot read: 1 place" in capsys.readouterr().err


def set_in_bash(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: only such a one has an output, and a limit, that can fail."""
    set_all = f"{shlex.quote(sys.executable)} -m imagebot set ghcr.io/acme/api=:2.0 ."
    return subprocess.run(
        ["bash", "-c", command.replace("SET", set_all)],
        cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_what_cannot_be_written_stops_no_other_file_and_both_are_named(files: Path) -> None:
    """A file may have 1 KiB, as on a disk that has no room for the longer ones."""
    long = KUBERNETES + b"\n# " + b"x" * 1_000
    (files / "long.yaml").write_bytes(long)
    (files / "more.yaml").write_bytes(long)
    ended = set_in_bash(files, "ulimit -f 1; SET")
    assert ended.returncode == 1
    assert b'"2.0"' in (files / "apps" / "values.yaml").read_bytes()
    assert b"api:2.0" in (files / "pod.yaml").read_bytes()
    assert (files / "long.yaml").read_bytes() == long
    assert (files / "more.yaml").read_bytes() == long
    assert "2 files set, 2 files not\n" in ended.stderr
    assert "long.yaml: error: cannot be written: File too large\n" in ended.stderr
    assert "more.yaml: error: cannot be written: File too large\n" in ended.stderr
    assert "set: apps/values.yaml\nset: pod.yaml\n" in ended.stderr
    assert "+++ b/pod.yaml" in ended.stdout
    assert "long.yaml" not in ended.stdout
    names = {path.name for path in files.iterdir()}
    assert names == {"apps", "long.yaml", "more.yaml", "pod.yaml"}


def test_a_reader_of_the_diff_that_goes_away_stops_no_write(files: Path) -> None:
    ended = set_in_bash(files, "SET | true; exit $PIPESTATUS")
    assert ended.returncode == 0
    assert b"api:2.0" in (files / "pod.yaml").read_bytes()
    assert "2 files set" in ended.stderr


def test_an_output_that_is_full_says_what_was_set_all_the_same(files: Path) -> None:
    ended = set_in_bash(files, "SET > /dev/full")
    assert ended.returncode == 1
    assert "2 files set" in ended.stderr
    assert "cannot write the output" in ended.stderr
    assert b"api:2.0" in (files / "pod.yaml").read_bytes()


def test_a_tag_never_comes_without_the_digest_that_stands_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    one, two = "sha256:" + "1a" * 32, "sha256:" + "2b" * 32
    text = f"a:\n  imageRepository: acme/api\n  tag: 1.9.0\n  imageDigest: {one}\n"
    file.write_text(text)
    assert main(["set", f"acme/api=:2.0.1@{two}", str(tmp_path)]) == 0
    assert file.read_text() == text.replace("1.9.0", "2.0.1").replace(one, two)


UNCLEAR = {
    "a digest above": f"b:\n  image: {{repository: acme/api, tag: '1'}}\n  checksum: {DIGEST}\n",
    "a version in two places": "b:\n  my-image: acme/api:1\n  my-image-tag: '1'\n",
    "a version beside it": "b:\n  image: acme/api\n  version: '1'\n",
    "a digest that may be its own": f"b: {{image: acme/api, tag: '1', checksum: '{DIGEST}'}}\n",
    "a registry in front": "image:\n  registry: docker.io\n  repository: acme/api:1\n  tag: '1'\n",
}


@pytest.mark.parametrize(
    "text",
    [
        f"b:\n  image: {{name: acme/api, tag: '1'}}  # imagebot: x\n  imageDigest: {DIGEST}\n",
        f"b:\n  args:\n  - --img=acme/api:1  # imagebot: x\n  - --digest={DIGEST}\n",
    ],
)
def test_a_marked_place_where_a_digest_may_be_the_images_is_named(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "values.yaml").write_text(text)
    assert main(["set", "acme/api=:2", str(tmp_path)]) == 1
    assert "not written in any file" not in capsys.readouterr().err


@pytest.mark.parametrize("case", UNCLEAR)
def test_a_place_where_it_is_not_clear_what_belongs_to_the_image_is_named(
    tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "values.yaml").write_text(f"a: {{image: acme/api:1}}\n{UNCLEAR[case]}")
    assert main(["set", "acme/api=:2", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "2 occurrences of acme/api found, 1 file set" in told
    assert "so it is not edited" in told
    assert (tmp_path / "values.yaml").read_text().endswith(UNCLEAR[case])


def test_an_image_that_is_unclear_everywhere_is_not_said_to_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "values.yaml").write_text(UNCLEAR["a digest above"])
    assert main(["set", "acme/api=:2", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "values.yaml:3:" in told
    assert "not written in any file" not in told
