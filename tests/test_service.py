"""The service: what a change of settings means for each of its parts. Nothing runs here."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imagebot import settings
from imagebot.image import Repository
from imagebot.polls import Answer, Pace, Use
from imagebot.service import Service
from imagebot.settings import Settings

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
API = Repository("ghcr.io", "acme/api")
HEAD = "apiVersion: imagebot.dev/v1alpha1\nkind: Settings\ndataDir: data\nrepositories:\n"


def entry(name: str, **more: str) -> str:
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    return f"- {{name: {name}, url: 'https://git.example.org/acme/{name}.git'{rest}}}\n"


@dataclass
class World:
    """A settings file, a service over it, and the names that it told of."""

    file: Path
    service: Service
    told: list[list[str]] = field(default_factory=list)

    def change(self, text: str) -> None:
        self.file.write_text(text)
        self.service.watch.request()
        self.service.watch.look()

    def owed(self) -> list[str]:
        return [target.key for target in self.service.store.owed(NOW)]


Make = Callable[[str], World]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Service] = []

    def make(text: str) -> World:
        file = tmp_path / "settings.yaml"
        file.write_text(text)

        def load() -> Settings:
            return settings.load(file, {})

        told: list[list[str]] = []
        service = Service(
            load(),
            load,
            observe=lambda outcome, run: None,
            retarget=lambda names: told.append(list(names)),
            clock=lambda: NOW,
            monotonic=lambda: 0.0,
        )
        made.append(service)
        return World(file, service, told)

    yield make
    for service in made:
        service.close()


def test_git_repositories_come_and_go_with_the_settings(make: Make) -> None:
    world = make(HEAD + entry("one") + entry("two"))
    world.change(HEAD + entry("two") + entry("three"))
    assert world.told == [["two", "three"]]
    assert world.service.names == ["two", "three"]
    assert world.service.wakeups.project("acme/three") == ["three"]
    assert world.service.wakeups.project("acme/one") == []


def test_one_whose_settings_changed_is_owed_and_its_back_off_is_over(make: Make) -> None:
    world = make(HEAD + entry("one") + entry("two"))
    for name in ("one", "two"):
        world.service.store.request(name)
        world.service.store.fail(name, NOW)
    world.change(HEAD + entry("one", interval="10m") + entry("two"))
    assert world.owed() == ["one"]


def test_what_needs_a_restart_stays_and_is_told(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = make(HEAD + entry("one"))
    others = "elsewhere\nlisten: 127.0.0.1:1\nhistory: {runs: 7}\nreconciling: {workers: 7}\n"
    world.change(HEAD.replace("data\n", others) + entry("one"))
    assert "dataDir, listen, history, reconciling: needs a restart" in caplog.text
    assert world.service.living.settings.data_dir == world.file.parent / "data"


def test_other_registries_have_the_images_in_trouble_asked_again(make: Make) -> None:
    world = make(HEAD + entry("one"))
    polls = world.service.polls
    polls.note_uses("one", [Use(API)])
    polls.note({API: Answer(trouble="refused")}, NOW, Pace(), lambda: 0.5)
    world.change(HEAD + entry("one") + "jitter: 0.2\n")
    assert polls.due(NOW, 10) == []
    world.change(HEAD + entry("one") + "registries: [{host: ghcr.io, concurrency: 2}]\n")
    assert [poll.image for poll in polls.due(NOW, 10)] == [API]


def test_settings_that_are_not_used_are_a_warning(make: Make) -> None:
    world = make(HEAD + entry("one"))
    assert world.service.warnings() == []
    world.change("nothing of the kind")
    [warning] = world.service.warnings()
    assert warning.startswith("the settings on disk are not used:")


def test_tidying_up_forgets_the_images_of_whoever_left(make: Make) -> None:
    world = make(HEAD + entry("one") + entry("two"))
    for name, image in (("one", API), ("two", Repository("ghcr.io", "acme/web"))):
        world.service.polls.note_uses(name, [Use(image)])
        world.service.polls.note({image: Answer(("1.0",))}, NOW, Pace(), lambda: 0.5)
    world.change(HEAD + entry("two"))
    world.service.tidy()
    assert world.service.polls.read([API]) == {}
    assert world.service.wakeups.image(API) == []
