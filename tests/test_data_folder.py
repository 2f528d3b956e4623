"""The data folder: what cannot be one is refused in one line, with what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from imagebot import data_folder
from imagebot.errors import SettingsError
from tests.acceptance.conftest import world
from tests.acceptance.world import World

__all__ = ["world"]


def test_a_missing_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    data_folder.make(tmp_path / "a" / "b")
    data_folder.make(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("below", ["", "/data"])
def test_a_file_in_its_way_is_told(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as raised:
        data_folder.make(Path(f"{tmp_path}/file{below}"))
    assert str(raised.value).endswith("cannot be made: a file stands in its way")
    assert "dataDir" in raised.value.hint


@pytest.mark.parametrize("folder", ["/proc/self", "/proc/self/data"])
def test_a_folder_that_may_not_be_written_is_told(folder: str) -> None:
    """In /proc not even root may."""
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc")
    with pytest.raises(SettingsError, match=f"the data folder {folder} cannot be"):
        data_folder.make(Path(folder))


@pytest.mark.parametrize(
    "words", [["apply"], ["run"], ["plan", "--repository", "config"]], ids=lambda words: words[0]
)
def test_each_command_that_needs_it_says_so_in_one_line_as_of_other_settings(
    world: World, words: list[str]
) -> None:
    world.data.write_text("a file")
    done = subprocess.run(
        [sys.executable, "-m", "imagebot", *words, "--settings", str(world.settings)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert f"the data folder {world.data} cannot be made" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
