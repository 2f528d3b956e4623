"""Settings that change on disk: taken over when they are good, told of when they are not."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imagebot import settings
from imagebot.settings import Settings
from imagebot.watching import SettingsWatch

HEAD = "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\n"
ONE = "repositories:\n- {name: one, url: https://git.example.org/acme/one.git}\n"
TWO = ONE + "- {name: two, url: https://git.example.org/acme/two.git}\n"


@dataclass
class World:
    """A settings file, the watch over it, and what it took over."""

    folder: Path
    taken: list[tuple[Settings, frozenset[Path]]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "settings.yaml"

    def load(self) -> Settings:
        return settings.load(self.file, {})

    def watch(self) -> SettingsWatch:
        return SettingsWatch(self.load(), self.load, lambda *new: self.taken.append(new))

    def names(self) -> list[list[str]]:
        return [[each.name for each in new.repositories] for new, _ in self.taken]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.file.write_text(HEAD + ONE)
    return world


def test_a_file_that_changed_is_taken_over_once_it_stands_still(world: World) -> None:
    watch = world.watch()
    watch.look()
    world.file.write_text(HEAD)
    watch.look()
    assert world.names() == []  # it may be half-written
    world.file.write_text(HEAD + TWO)
    watch.look()
    watch.look()
    watch.look()
    assert world.names() == [["one", "two"]]
    assert (watch.reload_count, watch.trouble()) == (1, "")


def test_a_mounted_file_that_is_swapped_by_a_link_is_seen(world: World) -> None:
    world.file.unlink()
    for name, text in (("..1", HEAD + ONE), ("..2", HEAD + TWO)):
        (world.folder / name).mkdir()
        (world.folder / name / "settings.yaml").write_text(text)
    (world.folder / "..data").symlink_to("..1")
    world.file.symlink_to("..data/settings.yaml")
    watch = world.watch()
    (world.folder / "..new").symlink_to("..2")
    (world.folder / "..new").replace(world.folder / "..data")
    watch.look()
    watch.look()
    assert world.names() == [["one", "two"]]


def test_broken_settings_are_told_of_once_and_the_old_ones_stay(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    watch = world.watch()
    world.file.write_text(HEAD + "repositoris: []\n")
    for _ in range(4):
        watch.look()
    assert world.taken == []
    assert watch.failure_count == 1
    assert "not used" in watch.trouble()
    assert "repositoris" in watch.trouble()
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 1
    world.file.write_text(HEAD + TWO)
    watch.look()
    watch.look()
    assert world.names() == [["one", "two"]]
    assert watch.trouble() == ""


def test_going_back_to_the_settings_in_use_ends_the_trouble(world: World) -> None:
    watch = world.watch()
    world.file.write_text("no settings")
    watch.look()
    watch.look()
    assert watch.trouble()
    world.file.write_text(HEAD + ONE)
    watch.look()
    watch.look()
    assert watch.trouble() == ""
    assert world.taken == []


def test_a_file_that_was_missing_and_comes_is_noticed(world: World) -> None:
    watch = world.watch()
    world.file.write_text(HEAD + "dockerConfig: config.json\n" + TWO)
    watch.look()
    watch.look()
    assert "config.json" in watch.trouble()
    (world.folder / "config.json").write_text("{}")
    watch.look()
    assert world.names() == [["one", "two"]]


def test_a_secret_that_is_replaced_is_read_again(world: World) -> None:
    (world.folder / "token").write_text("old")
    forge = "forge: {type: gitea, apiUrl: https://git.example.org, tokenFile: token}"
    world.file.write_text(HEAD + ONE.replace(".git}", f".git, {forge}}}"))
    watch = world.watch()
    (world.folder / "token").write_text("newer")
    watch.look()
    watch.look()
    [(new, changed)] = world.taken
    token = new.repositories[0].forge.token
    assert token
    assert token.reveal() == "newer"
    assert changed == {world.folder / "token"}


def test_a_request_reads_at_once_and_says_that_nothing_changed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    watch = world.watch()
    watch.request()
    watch.look()
    assert world.taken == []
    assert "those in use" in caplog.text
    world.file.write_text(HEAD + TWO)
    watch.request()
    watch.look()
    assert world.names() == [["one", "two"]]
