"""The diffs that are shown can be applied by git, which is asked itself."""

import subprocess
from pathlib import Path

import pytest

from imagebot.cli import patches
from imagebot.cli.main import main

NAMES = (
    *("pod.yaml", "deep/down/pod.yaml", "a b.yaml", " lead.yaml", "a\tb.yaml", "a\nb.yaml"),
    *('"q".yaml', "back\\slash.yaml", "übung.yaml", "\x7f.yaml"),
    "\N{RIGHT-TO-LEFT OVERRIDE}.yaml",
)
BEFORE = b"a: 1\r\nimage: acme/x:1.0 # \r by hand\nb: 2\rc: 3\n"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("before", [BEFORE, BEFORE.rstrip(b"\n"), BEFORE.replace(b"\n", b"\r")])
def test_git_applies_the_diff_of_any_file(name: str, before: bytes, tmp_path: Path) -> None:
    after = before.replace(b":1.0", b":1.10")
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(before)
    diff = patches.file_diff(name, before, after)
    subprocess.run(["git", "apply", "-"], input=diff, cwd=tmp_path, check=True)
    assert file.read_bytes() == after


def test_a_dry_run_of_set_can_be_applied(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / " a b.yaml").write_bytes(b"image: acme/x:1.0\r\nb: 2\rc: 3\n")
    assert main(["set", "acme/x=:1.10", "--dry-run", str(tmp_path)]) == 0
    diff = capfdbinary.readouterr().out
    subprocess.run(["git", "apply", "-"], input=diff, cwd=tmp_path, check=True)
    assert (tmp_path / " a b.yaml").read_bytes() == b"image: acme/x:1.10\r\nb: 2\rc: 3\n"


def test_a_name_that_deceives_is_shown_as_what_it_is() -> None:
    diff = patches.file_diff("\N{RIGHT-TO-LEFT OVERRIDE}x.yaml", b"a\n", b"b\n")
    assert diff.startswith(b'--- "a/\\342\\200\\256x.yaml"\n+++ "b/\\342\\200\\256x.yaml"\n')
